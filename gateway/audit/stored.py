"""Entries as they stand in the store: read raw, and checked against their leaves.

A leaf binds its private part by a salted digest and its record rows by a Merkle root, so an entry checks
itself; that its leaf is the one that was logged is for the tree to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, Row, null, select

from gateway.audit import canonical, tables
from gateway.audit.canonical import PlainJson
from gateway.audit.errors import DraftRefused, LogAltered, ProofRefused
from gateway.audit.leaf import Leaf, parse_leaf, private_digest, record_root
from gateway.audit.merkle import leaf_hash
from gateway.audit.orders import Part

NO_BYTES = b"\xff not stored as bytes"


_Columns = tuple[int, object, object, str, str, str, str, int, bool, object, object]
"""The columns of an entry, then salt and body of its private part."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One record row as it was written: keyed identifier, effect, digest in hex (``""``: none), detail."""

    identifier: str
    effect: str
    digest: str
    detail: Mapping[str, PlainJson]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A whole entry: its place, its leaf as bytes and as fields, private part, record rows in order.

    ``lacks`` is what a removal took from it; then private part or rows are empty.
    """

    index: int
    leaf: Leaf
    leaf_bytes: bytes
    private: Mapping[str, PlainJson]
    rows: tuple[StoredRow, ...]
    lacks: Part | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """An entry without its record rows. ``private`` is ``None`` where a removal took it away."""

    index: int
    leaf: Leaf
    leaf_bytes: bytes
    private: Mapping[str, PlainJson] | None


@dataclass(frozen=True, slots=True)
class RawRow:
    """One record row's columns, unchecked."""

    number: int
    identifier: str | None
    digest: bytes | None
    body: bytes


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry's columns and rows, unchecked. ``filed`` are the columns that repeat fields of the leaf."""

    index: int
    hash: bytes
    leaf: bytes
    filed: tuple[str, str, str, str, int, bool]
    salt: bytes | None
    private: bytes | None
    rows: tuple[RawRow, ...]

    @property
    def where(self) -> str:
        """How findings and errors name this entry."""
        return f"entry {self.index}"


def read_leaves(connection: Connection, positions: Collection[int]) -> dict[int, RawEntry]:
    """These entries' leaves by position, unchecked; nothing private is read."""
    nothing = null().label("salt"), null().label("body")
    wanted = select(tables.entries, *nothing).where(tables.entries.c.position.in_(positions))
    return {row.position: _raw(row, ()) for row in connection.execute(wanted)}


def read_some(connection: Connection, positions: Collection[int], *, rows: bool = False) -> dict[int, RawEntry]:
    """These entries by position, unchecked; with their record rows only when asked."""
    parts, records = tables.private_parts.c, tables.record_rows.c
    wanted = (
        select(tables.entries, parts.salt, parts.body)
        .join(tables.private_parts, parts.position == tables.entries.c.position, isouter=True)
        .where(tables.entries.c.position.in_(positions))
    )
    by_entry: dict[int, list[RawRow]] = {}
    if rows:
        stored = select(tables.record_rows).where(records.position.in_(positions))
        for row in connection.execute(stored.order_by(records.position, records.number)):
            by_entry.setdefault(row.position, []).append(_raw_row(row))
    return {row.position: _raw(row, tuple(by_entry.get(row.position, ()))) for row in connection.execute(wanted)}


def _raw_row(row: Row[tuple[int, int, str, bytes, bytes]]) -> RawRow:
    return RawRow(row.number, row.identifier, _blob(row.digest), _blob(row.body) or b"")


def _raw(row: Row[tuple[object, ...]], rows: tuple[RawRow, ...]) -> RawEntry:
    # Taken apart at once, in the order of the table's columns: to ask a row for each by name costs as much as reading.
    position, hashed, leaf, time, event, partner, release, chunk, last, salt, body = cast("_Columns", row)
    filed = (time, event, partner, release, chunk, last)
    return RawEntry(position, _blob(hashed) or b"", _blob(leaf) or b"", filed, _blob(salt), _blob(body), rows)


def _blob(value: object) -> bytes | None:
    """Bytes as they are stored. SQLite keeps a value of any type in any column: one that is no bytes agrees with no
    digest.
    """
    return value if value is None or isinstance(value, bytes) else NO_BYTES


def read_raw(
    connection: Connection, after: int, limit: int, before: int | None = None, *, rows: bool = True
) -> list[RawEntry]:
    """Up to ``limit`` entries after index ``after`` and below ``before``, in order, unchecked."""
    entries, parts, records = tables.entries.c, tables.private_parts.c, tables.record_rows.c
    wanted = (
        select(tables.entries, parts.salt, parts.body)
        .join(tables.private_parts, parts.position == entries.position, isouter=True)
        .where(entries.position > after)
        .order_by(entries.position)
        .limit(limit)
    )
    found = connection.execute(wanted if before is None else wanted.where(entries.position < before)).all()
    if not found:
        return []
    by_entry: dict[int, list[RawRow]] = {}
    within = records.position.between(found[0].position, found[-1].position)
    stored = select(tables.record_rows).where(within).order_by(records.position, records.number)
    for row in connection.execute(stored) if rows else ():
        by_entry.setdefault(row.position, []).append(_raw_row(row))
    return [_raw(row, tuple(by_entry.get(row.position, ()))) for row in found]


def check_leaf(raw: RawEntry) -> Leaf:
    """The leaf, once it agrees with its hash and the columns. Raises :class:`LogAltered`, :class:`ProofRefused`."""
    leaf = parse_leaf(raw.leaf)
    if leaf_hash(raw.leaf) != raw.hash:
        raise LogAltered(raw.where, "its leaf does not have the hash stored for it")
    if raw.filed != (leaf.time, leaf.event, leaf.partner, leaf.release, leaf.chunk, leaf.last):
        raise LogAltered(raw.where, "is filed under something else than its leaf says")
    return leaf


def check_summary(raw: RawEntry, *, removed: Part | None = None) -> Summary:
    """Leaf and private part, once they agree; ``removed`` as :func:`check` takes it.

    Raises :class:`LogAltered` saying what does not agree.
    """
    try:
        leaf = check_leaf(raw)
        if raw.private is None and removed in (Part.PRIVATE, Part.LEAF):
            return Summary(raw.index, leaf, raw.leaf, None)
        if raw.salt is None or raw.private is None:
            raise LogAltered(raw.where, "has no private part")
        if private_digest(raw.salt, raw.private).hex() != leaf.private:
            raise LogAltered(raw.where, "its private part is not the one its leaf binds")
        return Summary(raw.index, leaf, raw.leaf, canonical.decode(raw.private, "private"))
    except (ProofRefused, DraftRefused) as error:
        raise LogAltered(raw.where, str(error)) from error


def check_rows(raw: RawEntry, leaf: Leaf, numbers: Collection[int]) -> dict[int, StoredRow]:
    """The rows of these numbers, once all rows together agree with the leaf; the others are not taken apart."""
    try:
        if raw.salt is None or record_root(raw.salt, [row.body for row in raw.rows]).hex() != leaf.records:
            raise LogAltered(raw.where, "its record rows are not those its leaf binds")
        return {row.number: _check_row(raw, row) for row in raw.rows if row.number in numbers}
    except DraftRefused as error:
        raise LogAltered(raw.where, str(error)) from error


def check(raw: RawEntry, *, removed: Part | None = None) -> StoredEntry:
    """The entry, once all of it agrees with its leaf. Raises :class:`LogAltered` saying what does not.

    ``removed`` is what a removal has taken from it: then that may be missing (``lacks`` says if it is).
    """
    try:
        leaf = check_leaf(raw)
        if raw.private is None and not raw.rows and removed in (Part.PRIVATE, Part.LEAF):
            return StoredEntry(raw.index, leaf, raw.leaf, {}, (), Part.PRIVATE)
        if raw.salt is None or raw.private is None:
            raise LogAltered(raw.where, "has no private part")
        if private_digest(raw.salt, raw.private).hex() != leaf.private:
            raise LogAltered(raw.where, "its private part is not the one its leaf binds")
        lacks = None
        if record_root(raw.salt, [row.body for row in raw.rows]).hex() != leaf.records:
            if raw.rows or removed is None:
                raise LogAltered(raw.where, "its record rows are not those its leaf binds")
            lacks = Part.ROWS
        rows = tuple([_check_row(raw, row) for row in raw.rows]) if raw.rows else ()
        if raw.rows and [row.number for row in raw.rows] != list(range(1, len(rows) + 1)):
            raise LogAltered(raw.where, "its record rows are not numbered one by one")
        return StoredEntry(raw.index, leaf, raw.leaf, canonical.decode(raw.private, "private"), rows, lacks)
    except (ProofRefused, DraftRefused) as error:
        raise LogAltered(raw.where, str(error)) from error


def _check_row(raw: RawEntry, row: RawRow) -> StoredRow:
    parsed = parse_row(row.body)
    if (row.identifier, row.digest and row.digest.hex()) != (parsed.identifier or None, parsed.digest or None):
        raise LogAltered(raw.where, f"its record row {row.number} is filed under something else")
    return parsed


def parse_row(body: bytes) -> StoredRow:
    """The fields of a record row's bytes. Raises :class:`DraftRefused` when they are not one."""
    said = canonical.decode(body, "record row")
    identifier, effect, digest, detail = (said.get(k) for k in ("identifier", "effect", "digest", "detail"))
    if not (isinstance(identifier, str) and isinstance(effect, str) and isinstance(digest, str)):
        raise DraftRefused("record row", "does not have the fields of one")
    if not isinstance(detail, dict):
        raise DraftRefused("record row", "has no detail")
    return StoredRow(identifier, effect, digest, detail)
