"""The cutter's strict reading of one record: does it have exactly one meaning, whoever parses it?

``json``, ``orjson`` and ``msgspec`` keep the last of two members with one name, ``simdjson`` the first.
Whatever the gateway judged, the partner's parser may read the other. So a record that is about to go is
parsed whole here: member names that stand twice at any depth, invalid UTF-8, lone surrogates, NaN, numbers
past a double and integers past 64 bits, and nesting past :data:`MAX_DEPTH` are doubts.

Duplicates are found exactly and without a hook. Each member name written in the text ends in a quote, and if
no white space stands before any colon that quote is followed by ``:`` at once. So the text holds at least as
many ``":`` as it has member names, and the parsed value holds at most as many: when the two counts are equal,
no name stands twice. A text that fails this (white space before a colon, ``":`` inside a string) is read by
:mod:`json` with its pairs hook.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Annotated, TypeAlias

import msgspec

from gateway.content.doubts import Doubt

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

MAX_DEPTH = 64
"""Objects and arrays inside one another, the record itself counted."""
MAX_RECORD_BYTES = 4 * 1024 * 1024
"""A record longer than this is not read further."""

_INTEGERS = range(-(2**63), 2**64)
_ANY = msgspec.json.Decoder()
_Plain: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | float | str | bool | None
_FLAT = msgspec.json.Decoder(dict[str, _Plain | list[_Plain]])


def strict_doubts(raw: bytes, marking: str | None = None) -> tuple[Doubt, ...]:
    """Parse a record whole and name everything that gives its bytes more than one reading, or none.

    An empty answer means that ``raw`` is one JSON object which every conforming parser reads alike.
    ``marking`` is the name of the marking field: given it, a member whose name differs from it only by case
    is a doubt too.
    """
    if len(raw) > MAX_RECORD_BYTES:
        return (Doubt.TOO_LARGE,)
    return () if _is_plain(raw, marking) else _read_long_way(raw, marking)


def _is_plain(raw: bytes, marking: str | None) -> bool:
    """Whether a record is flat and free of doubt: most are, and their values are looked at in C alone."""
    try:
        record = _FLAT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if marking is not None and _is_ambiguous(tuple(record), marking):
        return False
    return _no_spaced_colon(raw) and raw.count(b'":') == len(record)


def _read_long_way(raw: bytes, marking: str | None) -> tuple[Doubt, ...]:
    """Parse a record whole, whatever is in it, and name each doubt."""
    try:
        record = _ANY.decode(raw)
    except UnicodeDecodeError:
        return (Doubt.INVALID_UTF8,)
    except msgspec.ValidationError:  # msgspec's word for a number past a double, when no type was asked for
        return (Doubt.NUMBER_OVERFLOW,)
    except msgspec.DecodeError:
        return (Doubt.MALFORMED,)
    except RecursionError:
        return (Doubt.TOO_DEEP,)
    if not isinstance(record, dict):
        return (Doubt.NOT_AN_OBJECT,)
    return _doubts_of(raw, record, marking)


def _doubts_of(raw: bytes, record: dict[str, Json], marking: str | None) -> tuple[Doubt, ...]:
    """Walk a parsed record once: count its member names, look at its integers, its depth and its names."""
    doubts: set[Doubt] = set()
    names = 0
    level: list[Json] = [record]
    for _ in range(MAX_DEPTH):
        deeper: list[Json] = []
        for holder in level:
            values: list[Json]
            if isinstance(holder, dict):
                names += len(holder)
                if marking is not None and _is_ambiguous(tuple(holder), marking):
                    doubts.add(Doubt.MARKING_AMBIGUOUS)
                values = list(holder.values())
            else:
                values = holder if isinstance(holder, list) else []
            for value in values:
                kind = value.__class__
                if kind is dict or kind is list:
                    deeper.append(value)
                elif kind is int and value not in _INTEGERS:
                    doubts.add(Doubt.NUMBER_OVERFLOW)
        level = deeper
        if not level:
            break
    else:
        return (Doubt.TOO_DEEP,)
    if Doubt.NUMBER_OVERFLOW not in doubts and not _names_stand_once(raw, names):
        doubts.add(Doubt.DUPLICATE_KEY)
    return tuple(sorted(doubts))


@lru_cache(maxsize=4096)
def _is_ambiguous(names: tuple[str, ...], marking: str) -> bool:
    folded = marking.casefold()
    return any(name != marking and name.casefold() == folded for name in names)


def _names_stand_once(raw: bytes, names: int) -> bool:
    """Whether the parsed value's ``names`` are all the member names that the text has."""
    if _no_spaced_colon(raw) and raw.count(b'":') == names:
        return True
    try:
        json.loads(raw, object_pairs_hook=_refuse_twice)
    except _NameTwice:
        return False
    return True


def _no_spaced_colon(raw: bytes) -> bool:
    """Whether no colon, in a string or outside, has white space before it."""
    if b" :" in raw:
        return False
    return not any(space in raw and space + b":" in raw for space in (b"\n", b"\t", b"\r"))


class _NameTwice(ValueError):
    """A member name stands twice; ends the slow reading."""


def _refuse_twice(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NameTwice(len(pairs) - len(members))
    return members
