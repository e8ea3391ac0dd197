"""What of a record a label's binding covers: its canonical JSON (RFC 8785) without the marking and the binding itself.

The marking is left out because the binding names it apart: a label that was swapped is told from a content that was.
Records inside the record, their markings included, are content. Canonical form, because a source may write the same
record with other spaces or another order of members on another day, and a signature over those would say nothing.

A record must have passed :func:`gateway.content.strict.strict_doubts` before. Integers past 2**53 are refused, since
RFC 8785 reads every number as a double and two of them would become one.
"""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec

from gateway.content.strict import Json

LARGEST = 2**53 - 1


class NotBindable(ValueError):
    """The record has no canonical form."""


def bound_content(raw: bytes, marking: str, binding: str) -> bytes:
    """The octets that a binding's content digest is over; :class:`NotBindable` when there are none."""
    try:
        record: Json = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotBindable from None
    if not isinstance(record, dict):
        raise NotBindable
    content = {name: value for name, value in record.items() if name not in (marking, binding)}
    return canonical(content).encode()


def canonical(value: Json) -> str:
    """A JSON value in the form of RFC 8785."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_text(name)}:{canonical(held)}" for name, held in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        if not -LARGEST <= value <= LARGEST:
            raise NotBindable
        return str(value)
    return _number(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    """A double as ECMAScript writes it (RFC 8785 3.2.2.3): the digits that Python finds, in another dress."""
    if value == 0:
        return "0"
    sign, found, exponent = Decimal(repr(value)).as_tuple()
    written = "".join(map(str, found)).lstrip("0")
    point = len(written) + int(exponent)
    digits, lead = written.rstrip("0"), "-" if sign else ""
    count = len(digits)
    if count <= point <= 21:
        return f"{lead}{digits}{'0' * (point - count)}"
    if 0 < point <= 21:
        return f"{lead}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{lead}0.{'0' * -point}{digits}"
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"{lead}{digits[0]}{'.' + digits[1:] if count > 1 else ''}{power}"
