"""Entries as they stand in the store: read raw, and checked against their leaves.

A leaf binds its private part by a salted digest and its record rows by a Merkle root, so an entry checks
itself; that its leaf is the one that was logged is for the tree to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.audit import canonical, tables
from gateway.audit.canonical import PlainJson
from gateway.audit.errors import DraftRefused, LogAltered, ProofRefused
from gateway.audit.leaf import Leaf, parse_leaf, private_digest, record_root
from gateway.audit.merkle import leaf_hash


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One record row as it was written: keyed identifier, effect, digest in hex (``""``: none), detail."""

    identifier: str
    effect: str
    digest: str
    detail: Mapping[str, PlainJson]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A whole entry: its place, its leaf as bytes and as fields, private part, record rows in order."""

    index: int
    leaf: Leaf
    leaf_bytes: bytes
    private: Mapping[str, PlainJson]
    rows: tuple[StoredRow, ...]


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


def read_raw(connection: Connection, after: int, limit: int, before: int | None = None) -> list[RawEntry]:
    """Up to ``limit`` entries after index ``after`` and below ``before``, in order, unchecked."""
    entries, parts, rows = tables.entries.c, tables.private_parts.c, tables.record_rows.c
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
    within = rows.position.between(found[0].position, found[-1].position)
    stored = select(tables.record_rows).where(within).order_by(rows.position, rows.number)
    for row in connection.execute(stored):
        raw = RawRow(row.number, row.identifier, row.digest, row.body)
        by_entry.setdefault(row.position, []).append(raw)
    return [
        RawEntry(
            index=row.position,
            hash=row.hash,
            leaf=row.leaf,
            filed=(row.time, row.event, row.partner, row.release, row.chunk, row.last),
            salt=row.salt,
            private=row.body,
            rows=tuple(by_entry.get(row.position, ())),
        )
        for row in found
    ]


def check(raw: RawEntry) -> StoredEntry:
    """The entry, once all of it agrees with its leaf. Raises :class:`LogAltered` saying what does not."""
    try:
        leaf = parse_leaf(raw.leaf)
        if leaf_hash(raw.leaf) != raw.hash:
            raise LogAltered(raw.where, "its leaf does not have the hash stored for it")
        if raw.filed != (leaf.time, leaf.event, leaf.partner, leaf.release, leaf.chunk, leaf.last):
            raise LogAltered(raw.where, "is filed under something else than its leaf says")
        if raw.salt is None or raw.private is None:
            raise LogAltered(raw.where, "has no private part")
        if private_digest(raw.salt, raw.private).hex() != leaf.private:
            raise LogAltered(raw.where, "its private part is not the one its leaf binds")
        if record_root(raw.salt, [row.body for row in raw.rows]).hex() != leaf.records:
            raise LogAltered(raw.where, "its record rows are not those its leaf binds")
        rows = tuple(_check_row(raw, row) for row in raw.rows)
        return StoredEntry(raw.index, leaf, raw.leaf, canonical.decode(raw.private, "private"), rows)
    except (ProofRefused, DraftRefused) as error:
        raise LogAltered(raw.where, str(error)) from error


def _check_row(raw: RawEntry, row: RawRow) -> StoredRow:
    parsed = _row(row.body)
    if (row.identifier or "", (row.digest or b"").hex()) != (parsed.identifier, parsed.digest):
        raise LogAltered(raw.where, f"its record row {row.number} is filed under something else")
    return parsed


def _row(body: bytes) -> StoredRow:
    said = canonical.decode(body, "record row")
    identifier, effect, digest, detail = (said.get(k) for k in ("identifier", "effect", "digest", "detail"))
    if not (isinstance(identifier, str) and isinstance(effect, str) and isinstance(digest, str)):
        raise DraftRefused("record row", "does not have the fields of one")
    if not isinstance(detail, dict):
        raise DraftRefused("record row", "has no detail")
    return StoredRow(identifier, effect, digest, detail)
