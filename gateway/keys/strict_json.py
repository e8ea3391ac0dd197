"""JSON objects read in the one way that leaves no doubt: for keys, tokens and sealed answers' headers.

The rule: *what two readers could understand differently is refused.* A member name that stands twice at any
depth, bytes that are not UTF-8, half a surrogate pair (RFC 7493 section 2.1), ``NaN`` and ``Infinity``, a byte-order
mark, nesting without end: each is a
:class:`NotStrictJson`. (The json module keeps the last of two equal members, others keep the first; RFC
8259 section 4 calls the outcome unpredictable.)
"""

from __future__ import annotations

import json
from typing import NoReturn

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class NotStrictJson(ValueError):
    """The bytes are not one JSON object with a single meaning; the message says why, and never quotes
    values.
    """


def read_object(data: bytes) -> dict[str, Json]:
    """Parse ``data`` (UTF-8) as one JSON object, or raise :class:`NotStrictJson`.

    >>> read_object(b'{"a": 1}')
    {'a': 1}
    """
    try:
        value: Json = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_not_a_number)
    except NotStrictJson:
        raise
    except RecursionError:
        raise NotStrictJson("nested too deeply") from None
    except UnicodeDecodeError:
        raise NotStrictJson("not UTF-8") from None
    except ValueError:
        raise NotStrictJson("not JSON") from None
    if not isinstance(value, dict):
        raise NotStrictJson("not a JSON object")
    if b"\\u" in data:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise NotStrictJson("a text with half a surrogate pair") from None
        except RecursionError:
            raise NotStrictJson("nested too deeply") from None
    return value


def _without_repeats(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member name stands twice")
    return members


def _not_a_number(_name: str) -> NoReturn:
    raise NotStrictJson("NaN and Infinity are not JSON")
