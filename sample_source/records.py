"""A record as the source holds it: its bytes, made once, and the values by which it can be found.

A record is a list of members, not a mapping: some of this source's records hold a key twice on purpose, and
an answer must carry them so. Members stand in the order of the schema with those of the full form last, so
that the abridged form is the first part of the same bytes.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from sample_source.schema import Kind, Table

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
Scalar: TypeAlias = bool | int | float | str | None
#: The members of a record that is still being made: names and JSON texts.
Members: TypeAlias = list[tuple[str, bytes]]

MARKING = "classificationMarking"
#: A number that JSON allows and no double can hold.
OVERFLOW = b"1e999"
_EXTENSION = re.compile(rb'("classificationMarking":"[^"]*?//(?:PR|DS))-[^"/]*')


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record. ``flaw`` names what is wrong with it on purpose; None for a sound one.

    ``values`` holds what may be filtered and sorted by, times in the one form that orders as text.
    """

    identifier: str
    full: bytes
    names: tuple[str, ...]
    starts: array[int]
    abridged_members: int
    values: Mapping[str, Scalar]
    flaw: str | None

    @property
    def abridged(self) -> bytes:
        """The record as a list answers with it."""
        if self.abridged_members == len(self.names):
            return self.full
        return self.full[: self.starts[self.abridged_members] - 1] + b"}"

    def columns(self, wanted: Collection[str]) -> bytes:
        """Only the members asked for, the marking always among them, in the order of the record."""
        ends = [*(start - 1 for start in self.starts[1:]), len(self.full) - 1]
        kept = (
            self.full[start:end]
            for name, start, end in zip(self.names, self.starts, ends, strict=True)
            if name in wanted or name == MARKING
        )
        return b"{" + b",".join(kept) + b"}"


def members_of(table: Table, record: Mapping[str, Json]) -> Members:
    """The members of a sound record, in the order of its schema; absent values have no member.

    Raises :class:`KeyError` for a field that the schema does not name.
    """
    place = {name: index for index, name in enumerate(table.fields)}
    ordered = sorted(record, key=lambda name: (name in table.full_only, place[name]))
    return [(name, encode(record[name])) for name in ordered if record[name] is not None]


def store(table: Table, members: Members, flaw: str | None = None) -> StoredRecord:
    """Join members into a record; members of the full form only must come last."""
    starts, pieces, position = array("I"), [], 1
    for name, raw in members:
        piece = b'"' + name.encode() + b'":' + raw
        starts.append(position)
        pieces.append(piece)
        position += len(piece) + 1
    names = tuple(name for name, _ in members)
    values = {name: _value(table.fields[name], raw) for name, raw in members if table.queryable(name)}
    return StoredRecord(
        identifier=str(values[table.identifier]),
        full=b"{" + b",".join(pieces) + b"}",
        names=names,
        starts=starts,
        abridged_members=sum(name not in table.full_only for name in names),
        values=values,
        flaw=flaw,
    )


def encode(value: Json) -> bytes:
    """One value as compact JSON."""
    return orjson.dumps(value)


def as_array(records: Iterable[bytes]) -> bytes:
    """A JSON array of records that are already bytes."""
    return b"[" + b",".join(records) + b"]"


def collapse_extensions(body: bytes) -> bytes:
    """What ``disableCapcoExtensions=true`` does: ``U//PR-OWNER-TYPE`` becomes ``U//PR``, nested too."""
    return _EXTENSION.sub(rb"\1", body)


def normal_time(text: str) -> str:
    """A time of this source with six decimal places, the one form that orders as text."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<6}Z"


def _value(kind: Kind, raw: bytes) -> Scalar:
    """What a query sees of a member: None when it is not of the field's kind, infinity when it overflows."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return float("inf") if raw == OVERFLOW else None
    if isinstance(value, str) and kind in {Kind.STRING, Kind.TIME}:
        return normal_time(value) if kind is Kind.TIME else value
    wanted = bool if kind is Kind.BOOLEAN else float if kind is Kind.NUMBER else None
    if wanted is None or isinstance(value, bool) != (wanted is bool):
        return None
    return value if isinstance(value, bool | int | float) else None
