"""Read from one record what a decision needs, decoding nothing else, and write down every doubt.

A shape is made ready once: a msgspec struct of the needed members, with the types that they should have. A
record that decodes into it is read at once (about two microseconds for a kilobyte). Any other record, and any
that has more mentions of the marking's name than are accounted for, is read member by member after the strict
reading, so that a label is never believed that another parser would read differently.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, TypeAlias

import msgspec

from gateway.content.doubts import Doubt
from gateway.content.fields import compare_tle_letter, take_instant, take_text, tle_letter_agrees, utc
from gateway.content.strict import Json, strict_doubts
from gateway.content.view import FactField, NestedRecord, RecordView
from gateway.policy.shape import RecordShape

_Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
_SCALAR = msgspec.json.Decoder(FactField)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")
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
"""Doubts after which a record is not walked."""


class _Mistyped:
    """A member that is there but is neither a scalar nor a list of scalars."""


_MISTYPED: Final = _Mistyped()


@lru_cache(maxsize=256)
def reader(shape: RecordShape) -> Reader:
    """Make a shape ready, once."""
    return Reader(shape)


class Reader:
    """Reads the records of one shape."""

    __slots__ = (
        "_binding",
        "_date",
        "_delay_from",
        "_facts",
        "_head",
        "_identifier",
        "_is_plain",
        "_line",
        "_marked",
        "_marking",
        "_names",
        "_nested",
        "_originator",
        "_quoted",
        "_shape",
    )

    def __init__(self, shape: RecordShape) -> None:
        nested = tuple(sorted(shape.nested))
        facts = tuple(sorted(shape.facts - set(nested)))
        names = facts + tuple(sorted(shape.needed - set(nested) - set(facts))) + nested
        place = {name: number for number, name in enumerate(names)}
        self._shape, self._names, self._facts = shape, names, facts
        self._identifier, self._marking, self._date = (
            place[name] for name in (shape.identifier, shape.marking, shape.date)
        )
        self._delay_from = None if shape.delay_from is None else place[shape.delay_from]
        self._originator = None if shape.originator is None else place[shape.originator]
        self._line = None if shape.tle_line is None else place[shape.tle_line]
        self._binding = None if shape.binding is None else place[shape.binding]
        self._nested = tuple((name, place[name]) for name in nested)
        self._is_plain = (self._originator, self._binding) == (None, None) and shape.delay_from in (None, shape.date)
        kind = _struct("Head", tuple(_member(name, shape) for name in names))
        self._head: msgspec.json.Decoder[msgspec.Struct] = msgspec.json.Decoder(kind)
        marked = _struct("Marked", ((shape.marking, str, msgspec.NODEFAULT),))
        self._marked: msgspec.json.Decoder[msgspec.Struct] = msgspec.json.Decoder(marked)
        plain = _PLAIN_NAME.fullmatch(shape.marking) and not any("." in name for name in nested)
        self._quoted = f'"{shape.marking}"'.encode() if plain else None

    def read(self, raw: bytes) -> RecordView:
        """Read one record; what cannot be read is a doubt and never an exception."""
        if b"\\u00" in raw:
            return self._read_one_by_one(raw)
        try:
            head = self._head.decode(raw)
        except _UNREADABLE:
            return self._read_one_by_one(raw)
        return self._view(raw, head, counted=False)

    def read_all(self, raws: Sequence[bytes]) -> list[RecordView]:
        """Read many records, and say of each what :meth:`read` says.

        What must be asked of a text is asked of all of them at once. A record that decodes has its marking, so it names
        it once at least: where the name stands as often as there are records, it stands once in each.
        """
        joined = b"".join(raws)
        if self._quoted is None or self._nested or (b"\\" in joined and b"\\u00" in joined):
            return [self.read(raw) for raw in raws]
        try:
            heads = list(map(self._head.decode, raws))
        except _UNREADABLE:
            return [self.read(raw) for raw in raws]
        if joined.count(self._quoted) != len(raws):
            return [self._view(raw, head, counted=False) for raw, head in zip(raws, heads, strict=True)]
        view = self._plain_view if self._is_plain else self._view
        return [view(raw, head, counted=True) for raw, head in zip(raws, heads, strict=True)]

    def _plain_view(self, raw: bytes, head: msgspec.Struct, *, counted: bool) -> RecordView:
        """:meth:`_view` for a shape without originator and binding and with one date, where nothing is missing."""
        members = msgspec.structs.astuple(head)
        marking, date = members[self._marking], members[self._date]
        line = None if self._line is None else members[self._line]
        if (
            marking
            and members[self._identifier]
            and date.__class__ is datetime
            and date.tzinfo is UTC
            and msgspec.UNSET not in members
            and (line is None or tle_letter_agrees(line, marking))
        ):
            values = dict(zip(self._facts, members, strict=False))
            delay_from = None if self._delay_from is None else date
            return RecordView(raw, members[self._identifier], marking, date, None, delay_from, values, (), ())
        return self._view(raw, head, counted=counted)

    def _view(self, raw: bytes, head: msgspec.Struct, *, counted: bool) -> RecordView:
        """What a decoded head says; a record that is not wholly as it should be is read again, member by member.

        ``counted``: the marking's name is known to stand in this record once only.
        """
        members = msgspec.structs.astuple(head)
        identifier = members[self._identifier]
        marking = members[self._marking]
        line = members[self._line] if self._line is not None else None
        nested = () if counted else self._declared(raw, members)
        if nested is None or not identifier or not marking:
            return self._read_one_by_one(raw)
        if line is not None and line is not msgspec.UNSET and not tle_letter_agrees(line, marking):
            return self._read_one_by_one(raw)
        try:
            date = utc(members[self._date])
            delayed = members[self._delay_from] if self._delay_from is not None else None
            delay_from = utc(delayed) if delayed else None
        except _UNREADABLE:
            return self._read_one_by_one(raw)
        originator = members[self._originator] if self._originator is not None else None
        values = dict(zip(self._facts, members, strict=False))  # the facts stand first among the members
        if msgspec.UNSET in values.values():
            values = {name: value for name, value in values.items() if value is not msgspec.UNSET}
        binding = members[self._binding] if self._binding is not None else None
        signed = binding if isinstance(binding, str) else None
        return RecordView(raw, identifier, marking, date, originator or None, delay_from, values, nested, (), signed)

    def _declared(self, raw: bytes, members: tuple[object, ...]) -> tuple[NestedRecord, ...] | None:
        r"""Read the declared nested records' markings, if those and the outer one are all there are.

        They are when the quoted name of the marking field stands in the text no more often than that. The
        name could stand there in another way by ``\u00..`` escapes alone: a text with any is read the long
        way.
        """
        if self._quoted is None:
            return None
        found: list[NestedRecord] = []
        for name, place in self._nested:
            member = members[place]
            if isinstance(member, msgspec.Raw) and member != _NULL:
                try:
                    (marking,) = msgspec.structs.astuple(self._marked.decode(member))
                except _UNREADABLE:
                    return None
                if not marking:
                    return None
                found.append(NestedRecord(name, marking))
        return tuple(found) if raw.count(self._quoted) == 1 + len(found) else None

    def _read_one_by_one(self, raw: bytes) -> RecordView:
        """Read a record that is not wholly as it should be, as far as it can be read, for the audit entry."""
        shape = self._shape
        doubts = set(strict_doubts(raw, shape.marking))
        try:
            found = _MEMBERS.decode(raw)
        except _UNREADABLE:
            found = {}
        members = {name: _scalar(found[name]) for name in self._names if name in found}
        marking = _take(members, shape.marking)
        view = RecordView(
            raw,
            take_text(
                _take(members, shape.identifier),
                doubts,
                Doubt.IDENTIFIER_MISSING,
                Doubt.IDENTIFIER_NOT_TEXT,
            ),
            take_text(marking, doubts, Doubt.MARKING_MISSING, Doubt.MARKING_NOT_TEXT),
            take_instant(_take(members, shape.date), doubts, Doubt.DATE_MISSING, Doubt.DATE_INVALID),
            take_text(_take(members, shape.originator), doubts, None, Doubt.ORIGINATOR_NOT_TEXT),
            take_instant(_take(members, shape.delay_from), doubts, None, Doubt.DELAY_FROM_INVALID),
            {
                name: value
                for name, value in members.items()
                if name in shape.facts and not isinstance(value, _Mistyped)
            },
            self._walk(raw, doubts),
            (),
        )
        binding = _take(members, shape.binding)
        view = msgspec.structs.replace(view, binding=binding if isinstance(binding, str) else None)
        compare_tle_letter(_take(members, shape.tle_line), view.marking, doubts)
        return msgspec.structs.replace(view, doubts=tuple(sorted(doubts)))

    def _walk(self, raw: bytes, doubts: set[Doubt]) -> tuple[NestedRecord, ...]:
        """Find the records inside a record by parsing it whole, in the order in which they stand."""
        if not _NO_VALUE.isdisjoint(doubts):
            return ()
        name, declared = self._shape.marking, self._shape.nested
        found: list[NestedRecord] = []
        waiting: list[tuple[str, str, Json]] = [("", "", msgspec.json.decode(raw))]
        while waiting:
            path, field, value = waiting.pop()
            inside: list[tuple[str, str, Json]] = []
            if isinstance(value, dict):
                if path and (name in value or field in declared):
                    marking = take_text(
                        value.get(name),
                        doubts,
                        Doubt.NESTED_MARKING_MISSING,
                        Doubt.NESTED_MARKING_NOT_TEXT,
                    )
                    found.append(NestedRecord(path, marking))
                dot = "." if path else ""
                inside = [(f"{path}{dot}{key}", f"{field}{dot}{key}", each) for key, each in value.items()]
            elif isinstance(value, list):
                inside = [(f"{path}[{place}]", field, member) for place, member in enumerate(value)]
            elif value is not None and field in declared:
                doubts.add(Doubt.NESTED_NOT_AN_OBJECT)
            waiting.extend(reversed(inside))
        return tuple(found)


_NULL = msgspec.Raw(b"null")


def _struct(name: str, members: tuple[tuple[str, object, object], ...]) -> type[msgspec.Struct]:
    """Make a struct of these members: name in the JSON, type, default."""
    return msgspec.defstruct(
        name,
        [(f"m{place}", type_, default) for place, (_, type_, default) in enumerate(members)],
        rename={f"m{place}": member for place, (member, _, _) in enumerate(members)},
        kw_only=True,
        gc=False,
    )


def _member(name: str, shape: RecordShape) -> tuple[str, object, object]:
    """Say which type a member has in a record that is as it should be."""
    is_fact = name in shape.facts
    if name in shape.nested:
        return name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET
    if name in (shape.identifier, shape.marking):
        return name, str, msgspec.NODEFAULT
    if name == shape.date:
        return name, str if is_fact else _Instant, msgspec.NODEFAULT
    if name == shape.delay_from:
        return name, (str if is_fact else _Instant) | None | msgspec.UnsetType, msgspec.UNSET
    if name == shape.binding:
        return name, FactField | msgspec.UnsetType, msgspec.UNSET
    if name in (shape.originator, shape.tle_line):
        return name, str | None | msgspec.UnsetType, msgspec.UNSET
    return name, FactField | msgspec.UnsetType, msgspec.UNSET


def _scalar(member: msgspec.Raw) -> FactField | _Mistyped:
    try:
        value: FactField = _SCALAR.decode(member)
    except _UNREADABLE:
        return _MISTYPED
    return value


def _take(members: dict[str, FactField | _Mistyped], name: str | None) -> FactField | _Mistyped:
    return None if name is None else members.get(name)
