"""The checker: reads the bytes that are about to leave once more, and says yes or no. It never mends
anything.

It stands apart from the cutter on purpose: it shares no code with it, parses with another library, and knows
of the release only what was decided. A record that slipped in, a label that changed, a field that was to be
dropped, a member that stands twice: each is refused here whatever went wrong before.

What it asks of the final bytes, in this order:

1. They are one strictly valid JSON value of the expected form (a whole array, a piece of one, one object). 2.
They hold exactly the expected number of records, in the expected order where identifiers were given. 3. Each
record carries the marking field, and each marking at any depth is a text that was permitted for this record.
4. No dropped path is there, and at a rounded path there is nothing but multiples of its step. 5. No member
name stands twice in one object, none differs from the marking's only by case, no number overflows.

Duplicates are first looked for by counting, which is exact when it succeeds (each name in the text is
followed by ``":`` unless white space stands before a colon; the parsed value cannot hold more names than the
text; equal counts leave no room for a second). Otherwise the bytes are read again by :mod:`json`, which shows
every pair.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import NamedTuple, NoReturn, TypeAlias

import orjson

from gateway.content.errors import CheckRefused

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

DEEPEST = 64
"""How many objects and arrays may stand inside one another in a record."""
_PAST_64_BITS = 2.0**63
_WIDE = Context(prec=1600)


class Form(enum.StrEnum):
    """What the final bytes of an answer are."""

    ARRAY = "array"
    OBJECT = "object"


class Refusal(enum.StrEnum):
    """Why the checker says no; goes into the audit entry."""

    MALFORMED = "malformed"
    WRONG_FORM = "wrong_form"
    WRONG_COUNT = "wrong_count"
    NOT_AN_OBJECT = "not_an_object"
    OTHER_RECORD = "other_record"
    MARKING_MISSING = "marking_missing"
    MARKING_NOT_PERMITTED = "marking_not_permitted"
    MARKING_AMBIGUOUS = "marking_ambiguous"
    DROPPED_FIELD_PRESENT = "dropped_field_present"
    NOT_ROUNDED = "not_rounded"
    DUPLICATE_KEY = "duplicate_key"
    NUMBER_OVERFLOW = "number_overflow"
    TOO_DEEP = "too_deep"


@dataclass(frozen=True, slots=True)
class Permitted:
    """What one decision permits of a record; one value may stand for many records.

    ``markings`` are the marking texts that may stand in it, outer and nested alike. ``dropped`` are the
    dotted paths that may not be there; ``rounded`` maps a dotted path to the step its numbers are multiples
    of.
    """

    markings: frozenset[str]
    dropped: frozenset[str] = frozenset()
    rounded: Mapping[str, Decimal] = field(default_factory=dict)


class ExpectedRecord(NamedTuple):
    """One record that was decided to go: its identifier (``None`` where the answer leaves it out) and its
    permit.
    """

    identifier: str | None
    permitted: Permitted


@dataclass(frozen=True, slots=True)
class Expected:
    """What the final bytes of a chunk must be.

    ``marking`` and ``identifier`` are member names. ``opens``, ``before`` and ``closes`` place a chunk in an
    array that several chunks make up: the first opens it, ``before`` counts the records already gone, the
    last closes it.
    """

    form: Form
    records: Sequence[ExpectedRecord]
    marking: str
    identifier: str
    opens: bool = True
    before: int = 0
    closes: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """The checker's yes: how many records it read and every marking that it found in them, at any depth."""

    records: int
    markings: frozenset[str]


def check(final: bytes, expected: Expected) -> Checked:
    """Read a chunk's final bytes and return what was found. Raises :class:`CheckRefused`; then nothing
    leaves.
    """
    whole = _complete(final, expected)
    found = _records(whole, expected)
    reading = _Reading(expected.marking)
    for position, (record, wanted) in enumerate(zip(found, expected.records, strict=True)):
        reading.position = position
        if record.__class__ is not dict:
            reading.refuse(Refusal.NOT_AN_OBJECT)
        identifier = wanted.identifier
        if identifier is not None and record.get(expected.identifier) != identifier:
            reading.refuse(Refusal.OTHER_RECORD, expected.identifier)
        reading.read(record, wanted.permitted)
    reading.position = None
    if any(_is_ambiguous(names, expected.marking) for names in reading.shapes):
        reading.refuse(Refusal.MARKING_AMBIGUOUS)
    if reading.large_number or not _names_stand_once(whole, reading.names):
        _read_every_pair(whole)
    return Checked(len(found), frozenset(reading.markings))


def _complete(final: bytes, expected: Expected) -> bytes:
    """Complete a piece of an array to an array; what is no such piece does not become one."""
    if expected.form is Form.OBJECT:
        return final
    if not expected.opens and expected.before and expected.records:
        if not final.startswith(b","):
            raise CheckRefused(Refusal.WRONG_FORM)
        final = final[1:]
    return (b"" if expected.opens else b"[") + final + (b"" if expected.closes else b"]")


def _records(whole: bytes, expected: Expected) -> list[dict[str, Value]]:
    try:
        value = orjson.loads(whole)
    except orjson.JSONDecodeError as error:
        raise CheckRefused(Refusal.MALFORMED) from error
    wanted = dict if expected.form is Form.OBJECT else list
    if not isinstance(value, wanted):
        raise CheckRefused(Refusal.WRONG_FORM)
    found = [value] if isinstance(value, dict) else value
    if len(found) != len(expected.records):
        raise CheckRefused(Refusal.WRONG_COUNT)
    return found


class _Reading:
    """One reading of a chunk: what was counted and found so far, and where it stands."""

    __slots__ = ("_marking", "large_number", "markings", "names", "position", "shapes")

    def __init__(self, marking: str) -> None:
        self._marking = marking
        self.position: int | None = None
        self.names = 0
        self.markings: set[str] = set()
        self.shapes: set[tuple[str, ...]] = set()
        self.large_number = False

    def refuse(self, code: Refusal, path: str = "") -> NoReturn:
        raise CheckRefused(code, self.position, path)

    def read(self, record: dict[str, Value], permitted: Permitted) -> None:
        """Read one record: its marking, then its obligations, then everything inside it."""
        if self._marking not in record:
            self.refuse(Refusal.MARKING_MISSING)
        for path in permitted.dropped:
            if _at(record, path.split(".")):
                self.refuse(Refusal.DROPPED_FIELD_PRESENT, path)
        for path, step in permitted.rounded.items():
            if not all(_is_multiple(value, step) for value in _at(record, path.split("."))):
                self.refuse(Refusal.NOT_ROUNDED, path)
        level: list[Value] = [record]
        for _ in range(DEEPEST):
            level = self._read_level(level, permitted.markings)
            if not level:
                return
        self.refuse(Refusal.TOO_DEEP)

    def _read_level(self, level: list[Value], permitted: frozenset[str]) -> list[Value]:
        """Read the objects and lists of one depth; what stands inside them is the next."""
        inside: list[Value] = []
        for holder in level:
            if isinstance(holder, dict):
                self.names += len(holder)
                self.shapes.add(tuple(holder))
                if self._marking in holder:
                    self._read_marking(holder[self._marking], permitted)
                values: Sequence[Value] = list(holder.values())
            else:
                values = holder if isinstance(holder, list) else ()
            for value in values:
                kind = value.__class__
                if kind is dict or kind is list:
                    inside.append(value)
                elif isinstance(value, float) and not -_PAST_64_BITS < value < _PAST_64_BITS:
                    self.large_number = True
        return inside

    def _read_marking(self, marking: Value, permitted: frozenset[str]) -> None:
        if not isinstance(marking, str):
            self.refuse(Refusal.MARKING_MISSING)
        if marking not in permitted:
            self.refuse(Refusal.MARKING_NOT_PERMITTED)
        self.markings.add(marking)


def _at(value: Value, names: list[str]) -> list[Value]:
    """Find what stands at a dotted path, through objects and the items of lists.

    Something other than an object in the path's way is found too: it might state what was to be cut. Null is
    not.
    """
    if isinstance(value, list) and names:
        return [found for item in value for found in _at(item, names)]
    if not names:
        return [value]
    if isinstance(value, dict):
        return _at(value[names[0]], names[1:]) if names[0] in value else []
    return [] if value is None else [value]


def _is_multiple(value: Value, step: Decimal) -> bool:
    if value is None:
        return True
    if isinstance(value, list):
        return all(_is_multiple(item, step) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return _WIDE.remainder(Decimal(repr(value)), step) == 0


def _is_ambiguous(names: tuple[str, ...], marking: str) -> bool:
    folded = marking.casefold()
    return any(name.casefold() == folded and name != marking for name in names)


def _names_stand_once(whole: bytes, names: int) -> bool:
    """Whether counting alone shows that no name stands twice."""
    if b" :" in whole or any(space in whole and space + b":" in whole for space in (b"\n", b"\r", b"\t")):
        return False
    return whole.count(b'":') == names


def _read_every_pair(whole: bytes) -> None:
    """Read the slow way, which shows each pair and each number as it is written."""
    json.loads(
        whole, object_pairs_hook=_once, parse_int=_within_64_bits, parse_float=_finite, parse_constant=_finite
    )


def _once(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise CheckRefused(Refusal.DUPLICATE_KEY)
    return members


def _within_64_bits(number: str) -> int:
    if len(number) > 20 or not -(2**63) <= int(number) < 2**64:
        raise CheckRefused(Refusal.NUMBER_OVERFLOW)
    return int(number)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise CheckRefused(Refusal.NUMBER_OVERFLOW)
    return value
