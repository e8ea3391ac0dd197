"""The checker: reads the bytes that are about to leave once more, and says yes or no. It never mends
anything.

It stands apart from the cutter on purpose: it shares no code with it, parses with another library, and knows
of the release only what was decided. A record that slipped in, a label that changed, a field that was to be
dropped, a member that stands twice: each is refused here whatever went wrong before.

What it asks of the final bytes:

1. They are strictly valid JSON of the expected form (a whole array, a piece of one, one object, one record a
   line): no invalid UTF-8, no lone surrogate, no NaN, no number past a double.
2. They hold exactly the expected number of records, each with its expected identifier where one was given.
3. Each record carries the marking field, and each marking at any depth is a text that was permitted for it.
4. No dropped path is there, and at a rounded path there is nothing but multiples of its step, at a coarsened one
   nothing but whole spans. Where only some members may go there are no others, and a watermark stands to the letter.
5. No member is there that is not listed, at any depth, and no object that says anything where a value is listed.
6. No member name stands twice in one object, and none differs from the marking's by case alone.
7. No integer is past 64 bits, and nothing nests deeper than :data:`DEEPEST`.

So this reading may be the only strict one that a released record gets. What is looked at in the text as a whole,
and why that is exact:

- *Names.* Each name in the text is followed by ``":``, unless white space stands before a colon, and the parsed
  value cannot hold more names than the text. So when no white space stands before a colon and the names found are
  as many as the ``":`` in the text, no name stands twice and no object was overlooked. The names of the records'
  own members are counted first: if those are all, no object inside has any. Otherwise the objects inside are read
  and counted too, and if the counts still differ (a string may hold ``":``) the bytes are read again by
  :mod:`json`, which shows every pair.
- *Depth.* A list inside a list opens behind ``[``, ``,`` or white space. Where every ``[`` stands behind a colon
  and no object inside has a member, a record is three deep at most; otherwise it is walked.
- *Integers.* One past 64 bits has 19 digits or more. Where no 19 digits stand in a row but behind a point, in a string
  or outside,
  there is none; otherwise :mod:`json` shows each number as it is written.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from operator import itemgetter
from typing import NamedTuple, NoReturn, TypeAlias

import orjson

from gateway.content.errors import CheckRefused

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

DEEPEST = 64
"""How many objects and arrays may stand inside one another in a record."""
_GROUP = 64
"""Lines that are held parsed at once."""

_WIDE = Context(prec=1600)
_WHOLE_SECONDS = "%Y-%m-%dT%H:%M:%SZ"
_WHOLE_LENGTH = len("2026-01-01T00:00:00Z")
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 19
_LONG_INTEGER = re.compile(rb"(?<![.0])0{19}")


class Form(enum.StrEnum):
    """What the final bytes of an answer are."""

    ARRAY = "array"
    OBJECT = "object"
    LINES = "lines"
    """NDJSON: each record on a line of its own, ended by a line feed."""


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
    NOT_LISTED = "not_listed"
    NOT_COARSENED = "not_coarsened"
    FIELD_NOT_NAMED = "field_not_named"
    WATERMARK_MISSING = "watermark_missing"
    DUPLICATE_KEY = "duplicate_key"
    NUMBER_OVERFLOW = "number_overflow"
    TOO_DEEP = "too_deep"


@dataclass(frozen=True, slots=True)
class Permitted:
    """What one decision permits of a record; one value may stand for many records.

    ``markings`` are the marking texts that may stand in it, outer and nested alike. ``dropped`` are the
    dotted paths that may not be there; ``rounded`` maps a dotted path to the step its numbers are multiples
    of; ``coarsened`` a path to the span whose multiples (from 1970-01-01, UTC) its instants are. ``only`` are the
    members that a record may have besides its identifier, its marking and its watermark, ``None`` for any.
    ``watermark`` maps a member to the text that stands there.
    """

    markings: frozenset[str]
    dropped: frozenset[str] = frozenset()
    rounded: Mapping[str, Decimal] = field(default_factory=dict)
    coarsened: Mapping[str, timedelta] = field(default_factory=dict)
    only: frozenset[str] | None = None
    watermark: Mapping[str, str] = field(default_factory=dict)

    @property
    def asks_nothing(self) -> bool:
        """Whether there is nothing to find of obligations."""
        return not (self.dropped or self.rounded or self.coarsened or self.watermark) and self.only is None


@dataclass(frozen=True, slots=True)
class Listed:
    """Which members an object may have: ``names`` hold values or lists of them, ``inside`` objects or lists of them,
    ``free`` anything. One with no names may have none.
    """

    names: frozenset[str]
    free: frozenset[str] = frozenset()
    inside: Mapping[str, Listed] = field(default_factory=dict)

    def permits(self, names: Iterable[str]) -> bool:
        """Whether an object may have members of these names and no others."""
        return self is _ANYTHING or all(map(self._has, names))

    def _has(self, name: str) -> bool:
        return name in self.names or name in self.free or name in self.inside

    def within(self, name: str) -> Listed | None:
        """What an object in this member may have; ``None`` where none may stand."""
        return _ANYTHING if self is _ANYTHING or name in self.free else self.inside.get(name)


_ANYTHING = Listed(frozenset())
"""What an object in a free member may have; known by identity."""


class ExpectedRecord(NamedTuple):
    """One record that was decided to go: its identifier (``None`` where the answer leaves it out) and its
    permit.
    """

    identifier: str | None
    permitted: Permitted


@dataclass(frozen=True, slots=True)
class Expected:
    """What the final bytes of a chunk must be.

    ``marking`` and ``identifier`` are member names, ``listed`` all that a record may have. ``opens``, ``before`` and
    ``closes`` place a chunk in an array that several chunks make up: the first opens it, ``before`` counts the records
    already gone, the last closes it.
    """

    form: Form
    records: Sequence[ExpectedRecord]
    marking: str
    identifier: str
    listed: Listed
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
    reading = _Reading(expected)
    for first, found in _groups(whole, expected):
        reading.read_outer(first, found)
    flat = _names_stand_once(whole, reading.names)
    if not flat or not _lists_are_members(whole, expected.form):
        for first, found in _groups(whole, expected):
            for position, record in enumerate(found, first):
                reading.read_inner(position, record)
    if not (flat or _names_stand_once(whole, reading.names)) or _has_long_number(whole):
        _read_every_pair(whole, expected.form)
    if any(_is_ambiguous(names, expected.marking) for names in reading.shapes):
        raise CheckRefused(Refusal.MARKING_AMBIGUOUS)
    return Checked(len(expected.records), frozenset(reading.markings))


def _complete(final: bytes, expected: Expected) -> bytes:
    """Complete a piece of an array to an array; what is no such piece does not become one."""
    if expected.form is not Form.ARRAY:
        return final
    if not expected.opens and expected.before and expected.records:
        if not final.startswith(b","):
            raise CheckRefused(Refusal.WRONG_FORM)
        final = final[1:]
    if expected.opens and expected.closes:
        return final
    return (b"" if expected.opens else b"[") + final + (b"" if expected.closes else b"]")


def _groups(whole: bytes, expected: Expected) -> Iterator[tuple[int, list[dict[str, Value]]]]:
    """Parse the records, all of them at once or line by line; with each group the place of its first."""
    try:
        if expected.form is Form.LINES:
            *lines, rest = whole.split(b"\n")
            if rest:
                raise CheckRefused(Refusal.WRONG_FORM)
            _refuse_count(lines, expected)
            for first in range(0, len(lines), _GROUP):
                yield first, list(map(orjson.loads, lines[first : first + _GROUP]))
            return
        value = orjson.loads(whole)
    except orjson.JSONDecodeError as error:
        raise CheckRefused(Refusal.MALFORMED) from error
    if not isinstance(value, dict if expected.form is Form.OBJECT else list):
        raise CheckRefused(Refusal.WRONG_FORM)
    found = [value] if isinstance(value, dict) else value
    _refuse_count(found, expected)
    yield 0, found


def _refuse_count(found: Sized, expected: Expected) -> None:
    if len(found) != len(expected.records):
        raise CheckRefused(Refusal.WRONG_COUNT)


class _Reading:
    """One reading of a chunk: what was counted and found in its records so far."""

    __slots__ = ("_identifier", "_listed", "_marking", "_position", "_records", "markings", "names", "shapes")

    def __init__(self, expected: Expected) -> None:
        self._identifier = expected.identifier
        self._listed = expected.listed
        self._marking = expected.marking
        self._records = expected.records
        self._position = 0
        self.names = 0
        self.markings: set[str] = set()
        self.shapes: set[tuple[str, ...]] = set()

    def read_outer(self, first: int, found: Sequence[dict[str, Value]]) -> None:
        """Read some records' own members: who each is, which they are, its marking, its obligations."""
        records = self._records[first : first + len(found)]
        if not self._as_decided(found, records):
            for position, (record, wanted) in enumerate(zip(found, records, strict=True), first):
                self._read_record(position, record, wanted)
        for position, (record, (_, permitted)) in enumerate(zip(found, records, strict=True), first):
            if self._listed.inside or not permitted.asks_nothing:
                self._position = position
                self._read_duties(record, permitted)

    def _as_decided(self, found: Sequence[dict[str, Value]], records: Sequence[ExpectedRecord]) -> bool:
        """Whether identifiers, names and markings are all as decided; which is not, and where, the longer way says."""
        if not set(map(type, found)) <= {dict}:
            return False
        permits = {id(permitted): permitted for _, permitted in records}
        try:
            markings = map(itemgetter(self._marking), found)
            pairs = set(zip(markings, [id(permitted) for _, permitted in records], strict=True))
        except (KeyError, TypeError):  # no marking, or one that is a list or an object
            return False
        if not all(marking in permits[permitted].markings for marking, permitted in pairs):
            return False
        wanted = [identifier for identifier, _ in records]
        stand = [record.get(self._identifier) for record in found]
        if stand != wanted and any(map(_is_another, stand, wanted)):
            return False
        shapes = set(map(tuple, found))
        if not all(map(self._listed.permits, shapes)):
            return False
        self.names += sum(map(len, found))
        self.shapes |= shapes
        self.markings |= {str(marking) for marking, _ in pairs}
        return True

    def _read_record(self, position: int, record: dict[str, Value], wanted: ExpectedRecord) -> None:
        self._position = position
        if record.__class__ is not dict:
            self._refuse(Refusal.NOT_AN_OBJECT)
        identifier, permitted = wanted
        if identifier is not None and record.get(self._identifier) != identifier:
            self._refuse(Refusal.OTHER_RECORD, self._identifier)
        if self._marking not in record:
            self._refuse(Refusal.MARKING_MISSING)
        names = tuple(record)
        if names not in self.shapes:
            self._read_names(names, self._listed)
        self._read_object(record, permitted.markings)

    def read_inner(self, position: int, record: dict[str, Value]) -> None:
        """Read every object inside a record, at any depth."""
        self._position = position
        permitted = self._records[position].permitted.markings
        level = _inside(record, self._listed)
        depth = 1
        while level:
            depth += 1
            if depth > DEEPEST:
                self._refuse(Refusal.TOO_DEEP)
            deeper: list[_Found] = []
            for holder, place in level:
                if isinstance(holder, dict):
                    if place is None:
                        self._refuse(Refusal.NOT_LISTED)
                    self._read_names(tuple(holder), place)
                    self._read_object(holder, permitted)
                    deeper += _inside(holder, place)
                else:
                    deeper += [(item, place) for item in holder if isinstance(item, dict | list)]
            level = deeper

    def _refuse(self, code: Refusal, path: str = "") -> NoReturn:
        raise CheckRefused(code, self._position, path)

    def _read_names(self, names: tuple[str, ...], place: Listed) -> None:
        """Read the names of an object's members."""
        self.shapes.add(names)
        if not place.permits(names):  # which one is not said: its name is the source's, and might be content
            self._refuse(Refusal.NOT_LISTED)

    def _read_object(self, members: dict[str, Value], permitted: frozenset[str]) -> None:
        """Count an object's names, and read its marking if it has one."""
        self.names += len(members)
        if self._marking in members:
            marking = members[self._marking]
            if not isinstance(marking, str):
                self._refuse(Refusal.MARKING_MISSING)
            if marking not in permitted:
                self._refuse(Refusal.MARKING_NOT_PERMITTED)
            self.markings.add(marking)

    def _read_duties(self, record: dict[str, Value], permitted: Permitted) -> None:
        for name in self._listed.inside:
            if name in record and not _holds_objects(record[name]):
                self._refuse(Refusal.NOT_LISTED, name)
        for path in permitted.dropped:
            if _at(record, path.split(".")):
                self._refuse(Refusal.DROPPED_FIELD_PRESENT, path)
        for path, step in permitted.rounded.items():
            if not all(_is_multiple(value, step) for value in _at(record, path.split("."))):
                self._refuse(Refusal.NOT_ROUNDED, path)
        for path, span in permitted.coarsened.items():
            if not all(_is_whole(value, span) for value in _at(record, path.split("."))):
                self._refuse(Refusal.NOT_COARSENED, path)
        for name, text in permitted.watermark.items():
            if record.get(name) != text:
                self._refuse(Refusal.WATERMARK_MISSING, name)
        if permitted.only is not None:
            others = record.keys() - permitted.only - permitted.watermark.keys() - {self._identifier, self._marking}
            if others:
                self._refuse(Refusal.FIELD_NOT_NAMED, min(others))


_Found: TypeAlias = "tuple[dict[str, Value] | list[Value], Listed | None]"
"""An object or a list, and what the objects there may have: ``None`` where none may stand."""


def _inside(members: dict[str, Value], place: Listed) -> list[_Found]:
    """Find the objects and lists among an object's members."""
    return [(value, place.within(name)) for name, value in members.items() if isinstance(value, dict | list)]


def _holds_objects(value: Value) -> bool:
    """Whether it is an object, a list of nothing else, or null."""
    return value is None or isinstance(value, dict) or (isinstance(value, list) and all(map(_is_object, value)))


def _is_object(value: Value) -> bool:
    return isinstance(value, dict)


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


def _is_whole(value: Value, span: timedelta) -> bool:
    if value is None:
        return True
    if isinstance(value, list):
        return all(_is_whole(item, span) for item in value)
    if not isinstance(value, str):
        return False
    try:
        at = datetime.strptime(value, _WHOLE_SECONDS).replace(tzinfo=UTC)
    except ValueError:
        return False
    return len(value) == _WHOLE_LENGTH and int(at.timestamp()) % int(span.total_seconds()) == 0


def _is_ambiguous(names: tuple[str, ...], marking: str) -> bool:
    folded = marking.casefold()
    return any(name.casefold() == folded and name != marking for name in names)


def _is_another(stands: Value, wanted: str | None) -> bool:
    return wanted is not None and stands != wanted


def _lists_are_members(whole: bytes, form: Form) -> bool:
    """Whether each list in the text, but for the array that the text may be, stands behind a colon."""
    *before, _ = whole.split(b"[")
    if form is Form.ARRAY:
        del before[0]
    return all(text.endswith(b":") for text in before)


def _has_long_number(whole: bytes) -> bool:
    """Whether as many digits stand in a row as an integer past 64 bits has, other than behind a point."""
    digits = whole.translate(_DIGITS)
    return _LONG in digits and _LONG_INTEGER.search(digits) is not None


def _names_stand_once(whole: bytes, names: int) -> bool:
    """Whether counting alone shows that no name stands twice."""
    if b" :" in whole or any(space in whole and space + b":" in whole for space in (b"\n", b"\r", b"\t")):
        return False
    return whole.count(b'":') == names


def _read_every_pair(whole: bytes, form: Form) -> None:
    """Read the slow way, which shows each pair and each number as it is written."""
    try:
        for text in whole.split(b"\n")[:-1] if form is Form.LINES else [whole]:
            json.loads(text, object_pairs_hook=_once, parse_int=_within_64_bits)
    except RecursionError as error:
        raise CheckRefused(Refusal.TOO_DEEP) from error


def _once(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise CheckRefused(Refusal.DUPLICATE_KEY)
    return members


def _within_64_bits(number: str) -> int:
    if len(number) > 20 or not -(2**63) <= int(number) < 2**64:
        raise CheckRefused(Refusal.NUMBER_OVERFLOW)
    return int(number)
