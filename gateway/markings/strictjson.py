"""Reading a JSON object from strangers with the standard library: no name twice, no NaN, bounded, UTF-8.

A name that stands twice means one thing to one parser and another to the next, so the whole text is refused.
"""

from __future__ import annotations

import json
from typing import Final

from gateway.markings.findings import Finding, MarkingError

LONGEST_JSON: Final = 65_536
"""Most bytes of a label in JSON."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What a JSON text can hold."""


def read_json_object(text: str | bytes) -> dict[str, Json]:
    """The object that the text is; :class:`MarkingError` when it is refused."""
    try:
        read = text if isinstance(text, str) else text.decode("utf-8")
        if len(read.encode("utf-8")) > LONGEST_JSON:
            raise _refuse(f"more than {LONGEST_JSON} bytes")
        value: Json = json.loads(read, object_pairs_hook=_object, parse_constant=_constant)
    except MarkingError:
        raise
    except (ValueError, RecursionError):  # UnicodeError, JSONDecodeError and over-long integers are ValueErrors
        raise _refuse("it is not well formed UTF-8 JSON") from None
    if not isinstance(value, dict):
        raise _refuse("it is not an object")
    return value


def write_json(value: Json) -> str:
    """A compact JSON text, names in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _refuse("a name stands twice in an object")
    return found


def _constant(_name: str) -> Json:
    raise _refuse("a number is not finite")


def _refuse(message: str) -> MarkingError:
    return MarkingError(Finding("JSON-FORM", "RFC 8259; I-JSON (RFC 7493)", f"the JSON is refused: {message}"))
