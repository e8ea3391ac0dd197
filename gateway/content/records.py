"""Read from each record what a decision needs, and say what cannot be relied on.

The rule of this file: *every doubt is written down, and any doubt withholds*. A record is read without
decoding the members that nobody asks about; its bytes stay as the source wrote them. Doubts about the members
that are read (label, identifier, dates, nested labels, the letter in a two-line element set) are found here.
Doubts about the rest are found by :func:`gateway.content.strict.strict_doubts`, which must be asked before a
record goes and need not be for one that is withheld anyway. A record in which the marking's name stands more
often than was accounted for gets the strict reading here at once, so a label is never believed that another
parser would read differently.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from gateway.content.doubts import Doubt
from gateway.content.split import split_array, split_object
from gateway.content.strict import Json, strict_doubts
from gateway.policy.shape import RecordShape

Scalar: TypeAlias = str | int | float | bool | None
FactField: TypeAlias = Scalar | list[Scalar]


class _Mistyped:
    """A member that is there but is neither a scalar nor a list of scalars."""


_MISTYPED: Final = _Mistyped()
_Member: TypeAlias = FactField | msgspec.UnsetType | _Mistyped
_Read: TypeAlias = _Member | msgspec.Raw

_SCALAR = msgspec.json.Decoder(FactField)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")
_TLE_LETTERS = {"U": "U", "UNCLASSIFIED": "U", "C": "C", "CONFIDENTIAL": "C", "S": "S", "SECRET": "S"}


class NestedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record inside a record: its dotted path (``objects[1].state``) and its marking, ``None`` if it has
    none.
    """

    path: str
    marking: str | None


class RecordView(msgspec.Struct, frozen=True, gc=False):
    """One record as it came, with what was read from it. (A msgspec struct: made once for every record
    fetched.)

    ``raw`` is the record's own bytes. ``date`` and ``delay_from`` are aware UTC datetimes. ``values`` holds
    the fact fields that are present as a scalar (``None`` for null) or a list of scalars; a field of any
    other kind is left out, like a missing one. ``nested`` holds every object at any depth that carries the
    marking field, and the declared nested records without one. ``doubts`` are sorted; with any, the record is
    withheld and nothing else here may be believed.
    """

    raw: bytes
    identifier: str | None
    marking: str | None
    date: datetime | None
    originator: str | None
    delay_from: datetime | None
    values: Mapping[str, FactField]
    nested: tuple[NestedRecord, ...]
    doubts: tuple[Doubt, ...]


def read_array(body: bytes, shape: RecordShape) -> tuple[RecordView, ...]:
    """Read every record of a body that is one JSON array, in order. Raises ``SourceMalformed``."""
    read = _reader(shape).read
    return tuple([read(raw) for raw in split_array(body)])


def read_object(body: bytes, shape: RecordShape) -> RecordView:
    """Read the record of a body that is one JSON object. Raises ``SourceMalformed``."""
    return _reader(shape).read(split_object(body))


def read_record(raw: bytes, shape: RecordShape) -> RecordView:
    """Read one record whose bytes have been divided from others already; never raises."""
    return _reader(shape).read(raw)


def duplicate_identifiers(views: Iterable[RecordView]) -> frozenset[str]:
    """Name every identifier that stands for more than one of these records, so for none."""
    counts = Counter(view.identifier for view in views if view.identifier is not None)
    return frozenset(identifier for identifier, count in counts.items() if count > 1)


@lru_cache(maxsize=256)
def _reader(shape: RecordShape) -> _Reader:
    return _Reader(shape)


class _Reader:
    """A shape made ready: one msgspec struct that decodes the needed members of a record and skips the
    others.
    """

    __slots__ = (
        "_decoder",
        "_fact_places",
        "_marked",
        "_names",
        "_nested_places",
        "_place",
        "_quoted",
        "_shape",
    )

    def __init__(self, shape: RecordShape) -> None:
        nested = tuple(sorted(shape.nested))
        scalars = tuple(sorted(shape.needed - set(nested)))
        self._shape = shape
        self._names = scalars + nested
        self._place = {name: place for place, name in enumerate(self._names)}
        self._fact_places = tuple((name, self._place[name]) for name in sorted(shape.facts))
        self._nested_places = tuple((name, self._place[name]) for name in nested)
        types = [FactField | msgspec.UnsetType] * len(scalars) + [msgspec.Raw | msgspec.UnsetType] * len(
            nested
        )
        head = msgspec.defstruct(
            "Head",
            [(f"m{place}", kind, msgspec.UNSET) for place, kind in enumerate(types)],
            rename={f"m{place}": name for place, name in enumerate(self._names)},
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(head)
        self._marked = msgspec.json.Decoder(
            msgspec.defstruct("Marked", [("m", FactField, None)], rename={"m": shape.marking}, gc=False)
        )
        plain = _PLAIN_NAME.fullmatch(shape.marking) and not any("." in name for name in shape.nested)
        self._quoted = f'"{shape.marking}"'.encode() if plain else None

    def read(self, raw: bytes) -> RecordView:
        """Read one record; what cannot be read is a doubt and never an exception."""
        doubts: set[Doubt] = set()
        try:
            members: tuple[_Read, ...] = msgspec.structs.astuple(self._decoder.decode(raw))
        except _UNREADABLE:
            members = self._read_one_by_one(raw, doubts)
        shape, place = self._shape, self._place
        marking = _text(members[place[shape.marking]], doubts, Doubt.MARKING_MISSING, Doubt.MARKING_NOT_TEXT)
        date = _instant(members[place[shape.date]], doubts, Doubt.DATE_MISSING, Doubt.DATE_INVALID)
        delay_from = originator = None
        if shape.delay_from == shape.date:
            delay_from = date
        elif shape.delay_from is not None:
            delay_from = _instant(members[place[shape.delay_from]], doubts, None, Doubt.DELAY_FROM_INVALID)
        if shape.originator is not None:
            originator = _text(members[place[shape.originator]], doubts, None, Doubt.ORIGINATOR_NOT_TEXT)
        if shape.tle_line is not None:
            _compare_tle_letter(members[place[shape.tle_line]], marking, doubts)
        return RecordView(
            raw,
            _text(
                members[place[shape.identifier]],
                doubts,
                Doubt.IDENTIFIER_MISSING,
                Doubt.IDENTIFIER_NOT_TEXT,
            ),
            marking,
            date,
            originator,
            delay_from,
            self._facts(members),
            self._nested(raw, members, doubts),
            tuple(sorted(doubts)),
        )

    def _read_one_by_one(self, raw: bytes, doubts: set[Doubt]) -> tuple[_Read, ...]:
        """Read a record of which some member is not as declared, so that the others can still be audited."""
        doubts.update(strict_doubts(raw, self._shape.marking))
        try:
            found = _MEMBERS.decode(raw)
        except _UNREADABLE:
            return (msgspec.UNSET,) * len(self._names)
        members: list[_Read] = []
        for name in self._names:
            member = found.get(name)
            if member is None:
                members.append(msgspec.UNSET)
            elif name in self._shape.nested:
                members.append(member)
            else:
                try:
                    members.append(_SCALAR.decode(member))
                except _UNREADABLE:
                    members.append(_MISTYPED)
        return tuple(members)

    def _facts(self, members: Sequence[_Read]) -> dict[str, FactField]:
        values: dict[str, FactField] = {}
        for name, place in self._fact_places:
            member = members[place]
            if member is not msgspec.UNSET and not isinstance(member, (_Mistyped, msgspec.Raw)):
                values[name] = member
        return values

    def _nested(self, raw: bytes, members: Sequence[_Read], doubts: set[Doubt]) -> tuple[NestedRecord, ...]:
        r"""Find the records inside a record: quickly when every mention of the marking's name is accounted
        for.

        The name can be written without its own letters only by ``\u00..`` escapes; a text that has any is
        walked.
        """
        if self._quoted is not None and not (b"\\" in raw and b"\\u00" in raw):
            found = self._declared(members)
            if found is not None and raw.count(self._quoted) == 1 + len(found):
                return found
        return self._walk(raw, doubts)

    def _declared(self, members: Sequence[_Read]) -> tuple[NestedRecord, ...] | None:
        """Read the declared nested records' markings; ``None`` when one is not a record with a marking
        text.
        """
        if not self._nested_places:
            return ()
        found: list[NestedRecord] = []
        for name, place in self._nested_places:
            member = members[place]
            if not isinstance(member, msgspec.Raw) or bytes(member) == b"null":
                continue
            try:
                (marking,) = msgspec.structs.astuple(self._marked.decode(member))
            except _UNREADABLE:
                return None
            if not isinstance(marking, str):
                return None
            found.append(NestedRecord(name, marking))
        return tuple(found)

    def _walk(self, raw: bytes, doubts: set[Doubt]) -> tuple[NestedRecord, ...]:
        """Parse a record whole and find the records inside it, in the order in which they stand."""
        reading = strict_doubts(raw, self._shape.marking)
        doubts.update(reading)
        if not _NO_VALUE.isdisjoint(reading):
            return ()
        name = self._shape.marking
        found: list[NestedRecord] = []
        waiting: list[tuple[str, str, Json]] = [("", "", msgspec.json.decode(raw))]
        while waiting:
            path, declared, value = waiting.pop()
            inside: list[tuple[str, str, Json]] = []
            if isinstance(value, dict):
                if path and (name in value or declared in self._shape.nested):
                    found.append(NestedRecord(path, _nested_marking(value.get(name), doubts)))
                for key, member in value.items():
                    step = f"{path}.{key}" if path else key
                    inside.append((step, f"{declared}.{key}" if path else key, member))
            elif isinstance(value, list):
                inside.extend((f"{path}[{place}]", declared, member) for place, member in enumerate(value))
            elif value is not None and declared in self._shape.nested:
                doubts.add(Doubt.NESTED_NOT_AN_OBJECT)
            waiting.extend(reversed(inside))
        return tuple(found)


_NO_VALUE = frozenset(
    {
        Doubt.MALFORMED,
        Doubt.INVALID_UTF8,
        Doubt.TOO_DEEP,
        Doubt.TOO_LARGE,
        Doubt.NOT_AN_OBJECT,
        Doubt.NUMBER_OVERFLOW,
    }
)


def _text(member: _Read, doubts: set[Doubt], missing: Doubt | None, not_text: Doubt) -> str | None:
    """Take a member as text; an absent, null or empty one is missing, which is a doubt where ``missing``
    names it.
    """
    if isinstance(member, str) and member:
        return member
    if member is msgspec.UNSET or member is None or member == "":
        if missing is not None:
            doubts.add(missing)
    else:
        doubts.add(not_text)
    return None


def _instant(member: _Read, doubts: set[Doubt], missing: Doubt | None, invalid: Doubt) -> datetime | None:
    """Take a member as an RFC 3339 instant with its zone, in UTC."""
    text = _text(member, doubts, missing, invalid)
    if text is None:
        return None
    try:
        instant: datetime = msgspec.convert(text, datetime)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    doubts.add(invalid)
    return None


def _compare_tle_letter(member: _Read, marking: str | None, doubts: set[Doubt]) -> None:
    """Compare column 8 of a two-line element set's line 1 with the level that opens the marking.

    The letter can be U, C or S only, so a marking of any other level (TOP SECRET, a foreign one) contradicts
    whatever letter stands there. The line's own checksum counts letters as 0 and cannot see a letter changed.
    """
    if member is msgspec.UNSET or member is None:
        return
    if not isinstance(member, str) or not member.startswith("1 ") or len(member) < 8:
        doubts.add(Doubt.TLE_LINE_MALFORMED)
        return
    letter = member[7]
    level = (marking or "").split("//", 1)[0].strip()
    if letter == " ":
        doubts.add(Doubt.TLE_LETTER_MISSING)
    elif _TLE_LETTERS.get(level) != letter:
        doubts.add(Doubt.TLE_LETTER_CONTRADICTS)


def _nested_marking(marking: Json, doubts: set[Doubt]) -> str | None:
    if isinstance(marking, str) and marking:
        return marking
    missing = marking is None or marking == ""
    doubts.add(Doubt.NESTED_MARKING_MISSING if missing else Doubt.NESTED_MARKING_NOT_TEXT)
    return None
