"""The log as tiles (C2SP tlog-tiles), read from the store: what is served over HTTP and written to folders.

A hash tile of level L is a run of the tree's nodes of level 8 * L, all of which the store keeps. Nothing here
looks at who asks: hash tiles are public, entry bundles hold every partner's leaves.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from gateway.audit import retention, tables, tiles
from gateway.audit.errors import LogAltered
from gateway.audit.merkle import leaf_hash
from gateway.audit.orders import Part
from gateway.audit.tiles import ENTRIES, TILE_WIDTH

TREE_LEVELS = 8
"""How many levels of the tree one level of tiles spans."""


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
        return None if leaves is None else tiles.entries_bundle(leaves)
    return b"".join(_hashes(connection, level * TREE_LEVELS, first, width))


def _leaves(connection: Connection, first: int, count: int) -> list[bytes] | None:
    """Leaves in order; ``None`` where a removal took one of them, so that there is no bundle of them any more."""
    entries = tables.entries.c
    wanted = select(entries.position, entries.leaf, entries.hash).where(
        entries.position.between(first, first + count - 1)
    )
    rows = connection.execute(wanted.order_by(entries.position)).all()
    removed = retention.removals(connection)
    if any(not row.leaf and retention.part_removed(removed, row.position) is Part.LEAF for row in rows):
        return None
    for number, row in enumerate(rows, start=first):
        if row.position != number or leaf_hash(row.leaf) != row.hash:
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
