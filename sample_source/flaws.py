"""What is wrong with some of the records, on purpose: each flaw turns sound members into flawed ones.

Every flawed record would be releasable but for its flaw, and **no flawed record may ever reach a partner**, with one
exception: a fact that is missing or mistyped keeps the record from those partners alone whose rules read that fact. A
record with a flaw says so in :attr:`sample_source.records.StoredRecord.flaw`, for tests; nothing of it is on the wire.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import orjson

from sample_source import marks, tle
from sample_source.records import MARKING, OVERFLOW, Members, encode
from sample_source.schema import Table

SOUND, SECRET, WITHHELD = "U//REL TO USA, FVEY", "S//REL TO USA, FVEY", "S//NF"
#: Every so many records one is flawed; the flaws of a table take turns.
EVERY = 14
#: The number that a flaw makes overflow, the fact that it mistypes, the text that it damages.
NUMBER = {"elset": "bStar", "statevector": "rms", "conjunction": "missDistance"}
FACT = {"elset": "satNo", "statevector": "satNo", "conjunction": "satNo1"}
TEXT = {
    "elset": "descriptor",
    "statevector": "descriptor",
    "conjunction": "descriptor",
    "notification": "msgBody",
}


class Flaws(enum.Enum):
    """Which flaws a source has. ``ALL`` adds bytes that many JSON readers refuse outright."""

    NONE = "none"
    READABLE = "readable"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw: the marking that the record has besides, and what is done to its members."""

    name: str
    spoil: Callable[[Table, Members], Members]
    marking: str = SOUND
    tables: frozenset[str] = frozenset(TEXT)
    readable: bool = True


def replace(members: Members, field: str, raw: bytes) -> Members:
    """The members with another JSON text for one field."""
    return [(name, raw if name == field else value) for name, value in members]


def remove(members: Members, field: str) -> Members:
    """The members without one field."""
    return [(name, value) for name, value in members if name != field]


def repeat(members: Members, field: str, raw: bytes) -> Members:
    """The members with one field standing a second time, in both forms of the record."""
    place = max(index for index, (name, _) in enumerate(members) if name == "source") + 1
    return [*members[:place], (field, raw), *members[place:]]


def _marked(raw: bytes) -> Callable[[Table, Members], Members]:
    return lambda _, members: replace(members, MARKING, raw)


def _unchanged(_: Table, members: Members) -> Members:
    return members


def _other_letter(_: Table, members: Members) -> Members:
    """A line whose letter says something else than the marking; its checksum holds all the same."""
    raw = dict(members)
    elements = tle.parse(orjson.loads(raw["line1"]), orjson.loads(raw["line2"]))
    letter = "S" if elements.letter == "U" else "U"
    return replace(members, "line1", encode(tle.with_letter(elements, letter).line1))


def _nested(edit: Callable[[Members], Members]) -> Callable[[Table, Members], Members]:
    """A flaw in the second state vector of a conjunction."""

    def spoil(_: Table, members: Members) -> Members:
        inner = orjson.loads(dict(members)["stateVector2"])
        edited = edit([(name, encode(value)) for name, value in inner.items()])
        raw = b",".join(encode(name) + b":" + value for name, value in edited)
        return replace(members, "stateVector2", b"{" + raw + b"}")

    return spoil


def _number(raw: bytes) -> Callable[[Table, Members], Members]:
    """A number that no reader should take; a notice has it in a body of JSON."""

    def spoil(table: Table, members: Members) -> Members:
        if table.name in NUMBER:
            return replace(members, NUMBER[table.name], raw)
        return replace(members, "msgBody", b'{"value":' + raw + b"}")

    return spoil


_WITH_OBJECT, _CONJUNCTION = frozenset(FACT), frozenset({"conjunction"})

#: All flaws by name. "same-identifier" is done by :mod:`sample_source.tables`, which knows the other record.
FLAWS: Mapping[str, Flaw] = MappingProxyType(
    {
        flaw.name: flaw
        for flaw in (
            Flaw("missing-marking", lambda _, members: remove(members, MARKING)),
            Flaw("same-identifier", _unchanged),
            Flaw("duplicate-marking-stricter-last", lambda _, m: repeat(m, MARKING, encode(WITHHELD))),
            Flaw("letter-contradicts-marking", _other_letter, tables=frozenset({"elset"})),
            Flaw(
                "nested-stricter",
                _nested(lambda m: replace(m, MARKING, encode(WITHHELD))),
                tables=_CONJUNCTION,
            ),
            Flaw("unknown-token", _marked(b'"S//WOMBAT/REL TO USA, FVEY"')),
            Flaw("lower-case", _marked(b'"u//rel to usa, fvey"')),
            Flaw("above-collection", _unchanged, marking=marks.ABOVE_COLLECTION),
            Flaw("null-marking", _marked(b"null")),
            Flaw("number-overflows", _number(OVERFLOW)),
            Flaw("duplicate-marking-stricter-first", lambda _, m: repeat(m, MARKING, encode(SOUND)), WITHHELD),
            Flaw("letter-below-marking", _other_letter, marking=SECRET, tables=frozenset({"elset"})),
            Flaw("nested-missing-marking", _nested(lambda m: remove(m, MARKING)), tables=_CONJUNCTION),
            Flaw(
                "nested-duplicate-key",
                _nested(lambda m: [*m, (MARKING, encode(WITHHELD))]),
                tables=_CONJUNCTION,
            ),
            Flaw("empty-marking", _marked(b'""')),
            Flaw("unknown-country", _marked(b'"U//REL TO USA, QQZ"')),
            Flaw("marking-not-text", _marked(b"7")),
            Flaw("lookalike-letter", _marked('"U//REL TO USA, FVE\u03a5"'.encode())),
            Flaw("duplicate-key-elsewhere", lambda _, m: repeat(m, "dataMode", b'"TEST"')),
            Flaw(
                "mistyped-fact",
                lambda table, m: replace(m, FACT[table.name], b'"' + dict(m)[FACT[table.name]] + b'"'),
                tables=_WITH_OBJECT,
            ),
            Flaw("missing-fact", lambda table, m: remove(m, FACT[table.name]), tables=_WITH_OBJECT),
            Flaw("invalid-utf8", lambda table, m: replace(m, TEXT[table.name], b'"caf\xe9"'), readable=False),
            Flaw("lone-surrogate", lambda table, m: replace(m, TEXT[table.name], rb'"\ud800"'), readable=False),
            Flaw("not-a-number", _number(b"NaN"), readable=False),
        )
    }
)


def flaw_at(table: Table, which: Flaws, index: int) -> Flaw | None:
    """The flaw of the record with this number, or None for a sound one; the flaws of a table take turns."""
    if which is Flaws.NONE or index % EVERY != EVERY - 1:
        return None
    possible = [flaw for flaw in FLAWS.values() if table.name in flaw.tables and (flaw.readable or which is Flaws.ALL)]
    return possible[index // EVERY % len(possible)]
