"""The log as tiles (C2SP tlog-tiles), read from the store: what is served over HTTP and written to folders.

A hash tile of level L is a run of the tree's nodes of level 8 * L, all of which the store keeps. Nothing here
looks at who asks: hash tiles are public, entry bundles hold every partner's leaves.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from gateway.audit import evidence, stored, tables, tiles
from gateway.audit.errors import LogAltered
from gateway.audit.merkle import MAX_SIZE, leaf_hash
from gateway.audit.naming import NAMING
from gateway.audit.orders import Part
from gateway.audit.tiles import ENTRIES, TILE_WIDTH

TREE_LEVELS = 8
"""How many levels of the tree one level of tiles spans."""


class LeavesRemoved(NamedTuple):
    """The entry at ``position`` records that leaves of the entries ``first`` to ``last`` were removed."""

    position: int
    first: int
    last: int


def widths(size: int, level: int) -> int:
    """How many hashes of a tile level (entries, for :data:`~gateway.audit.tiles.ENTRIES`) a tree has."""
    return size if level == ENTRIES else size >> min(TREE_LEVELS * level, 64)


def read(connection: Connection, size: int, level: int, index: int, width: int) -> bytes | None:
    """A tile's bytes, or a bundle's, as of a tree of ``size``; ``None`` when that tree has no such tile.

    Raises :class:`LogAltered` when the store lacks what it must hold, or an entry is not what was hashed.
    """
    first = index * TILE_WIDTH
    if not 1 <= width <= TILE_WIDTH or index < 0 or first + width > widths(size, level):
        return None
    if level == ENTRIES:
        leaves = _leaves(connection, first, width)
        return None if b"" in leaves else tiles.entries_bundle(leaves)
    return b"".join(_hashes(connection, level * TREE_LEVELS, first, width))


def read_left(connection: Connection, index: int, width: int) -> bytes | None:
    """What is left of a bundle that a removal took leaves from, in its form, with nothing in their places; ``None``
    where all of its leaves are there. Raises as :func:`read`.
    """
    leaves = _leaves(connection, index * TILE_WIDTH, width)
    return tiles.entries_bundle(leaves) if b"" in leaves else None


def read_evidence(connection: Connection, position: int) -> bytes:
    """The file that shows the entry at ``position`` with its private part. Raises :class:`LogAltered`."""
    raw = stored.read_some(connection, [position]).get(position)
    if raw is None:
        raise LogAltered(f"entry {position}", "is missing")
    return evidence.write(raw)


def read_naming(connection: Connection, size: int) -> tuple[int, ...]:
    """The entries among the first ``size`` that put into the store what others name by digest, in order."""
    table = tables.entries.c
    wanted = select(table.position).where(table.event.in_(sorted(NAMING)), table.position < size)
    return tuple(connection.execute(wanted.order_by(table.position)).scalars())


def leaves_removed(connection: Connection) -> tuple[LeavesRemoved, ...]:
    """Every removal of leaves so far, in order."""
    return _removed_within(connection, 0, MAX_SIZE)


def _removed_within(connection: Connection, first: int, last: int) -> tuple[LeavesRemoved, ...]:
    """The removals of leaves that touch a range."""
    table = tables.removals.c
    wanted = select(table.position, table.first, table.last).where(
        table.what == Part.LEAF.value, table.first <= last, table.last >= first
    )
    return tuple(LeavesRemoved(*row) for row in connection.execute(wanted.order_by(table.position)))


def _leaves(connection: Connection, first: int, count: int) -> list[bytes]:
    """Leaves in order; a leaf that a removal took is ``b""``, which no leaf is."""
    entries = tables.entries.c
    wanted = select(entries.position, entries.leaf, entries.hash).where(
        entries.position.between(first, first + count - 1)
    )
    rows = connection.execute(wanted.order_by(entries.position)).all()
    spans = _removed_within(connection, first, first + count - 1) if any(not row.leaf for row in rows) else []
    for number, row in enumerate(rows, start=first):
        taken = not row.leaf and any(span.first <= number <= span.last for span in spans)
        if row.position != number or (not taken and leaf_hash(row.leaf) != row.hash):
            raise LogAltered(f"entry {number}", "is missing, or does not have the hash stored for it")
    if len(rows) != count:
        raise LogAltered(f"entry {first + len(rows)}", "is missing")
    return [row.leaf for row in rows]


def _hashes(connection: Connection, level: int, first: int, count: int) -> list[bytes]:
    if level == 0:
        place, value = tables.entries.c.position, tables.entries.c.hash
        wanted = select(value)
    else:
        place, value = tables.nodes.c.place, tables.nodes.c.hash
        wanted = select(value).where(tables.nodes.c.level == level)
    rows = connection.execute(wanted.where(place.between(first, first + count - 1)).order_by(place)).scalars().all()
    if len(rows) != count or any(len(row) != 32 for row in rows):
        raise LogAltered(f"hashes {first} to {first + count - 1} of level {level}", "are not all there")
    return [bytes(row) for row in rows]
