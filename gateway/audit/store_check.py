"""Checking the store as a whole, once a walk knows what its entries say: nothing beyond the head, nothing missing that
no removal took, what stands and what is stored by digest.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from gateway.audit import artifacts_check, orders_check, retention, standing, store, tables
from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.orders import Part
from gateway.audit.walk import Walk


def check(connection: Connection, walk: Walk, head: store.Head, *, reckons: bool) -> None:
    """Note what only the whole store can show. ``reckons`` says that what all entries add up to is known, not only what
    those do that were walked.
    """
    _check_head(connection, walk, head)
    _check_extent(connection, walk, head)
    walk.find_all(artifacts_check.differences(connection, artifacts_check.all_named(walk.sums), every=reckons))
    _account_for_missing(connection, walk, reckons=reckons)
    try:
        stands = standing.read(connection, head, walk.origin, walk.verifier)
    except LogAltered as error:
        walk.find(error.where, error.what)
        stands = None
    if reckons:
        walk.find_all(orders_check.differences(connection, walk.sums.orders, stands))


def _check_head(connection: Connection, walk: Walk, head: store.Head) -> None:
    table = tables.checkpoints.c
    if head.size:
        latest = select(table.note).where(table.size == head.size)
        if connection.execute(latest).scalar_one_or_none() != head.checkpoint:
            walk.find("head", "is not the last checkpoint")
    try:
        said = open_checkpoint(head.checkpoint, [walk.verifier])
    except ProofRefused as error:
        walk.find("head", f"its checkpoint is not signed by this log's key: {error}")
        return
    if said.origin != walk.origin or said.size != head.size:
        walk.find("head", f"its checkpoint is of {said.origin} at size {said.size}")
    commits = connection.execute(select(func.count()).select_from(tables.checkpoints)).scalar_one()
    if commits != head.epoch:
        walk.find("checkpoints", f"are {commits}, but the log was written {head.epoch} times")


def _check_extent(connection: Connection, walk: Walk, head: store.Head) -> None:
    """Nothing beyond the head, nothing without an entry, nothing missing."""
    for table, name in ((tables.entries, "entries"), (tables.private_parts, "private parts")):
        column = table.c.position
        counted = select(func.count(), func.coalesce(func.min(column), 0), func.coalesce(func.max(column), -1))
        count, least, most = connection.execute(counted).one()
        if least < 0 or most >= head.size:
            walk.find(f"{name} {least} to {most}", f"lie outside the {head.size} entries of the head")
        wanted = head.size - (walk.bodiless if table is tables.private_parts else 0)
        if count != wanted and (not walk.begun or table is tables.entries):
            walk.find(name, f"are {count}, but the head says {wanted}")
    beyond = (
        (tables.record_rows.c.position, 0, head.size - 1, "entry", "has record rows, but lies beyond the head"),
        (tables.checkpoints.c.size, 1, head.size, "checkpoint of", "is of no size that the log has had"),
        (tables.removals.c.position, 0, head.size - 1, "removal at entry", "lies beyond the head"),
    )
    for at, least, most, name, what in beyond:
        orphans = select(at).where((at < least) | (at > most)).distinct().limit(100)
        for position in connection.execute(orphans).scalars():
            walk.find(f"{name} {position}", what)
    _check_nodes(connection, walk, head)
    _check_open(connection, walk)


def _check_nodes(connection: Connection, walk: Walk, head: store.Head) -> None:
    nodes = tables.nodes.c
    grouped = select(nodes.level, func.count(), func.min(nodes.place), func.max(nodes.place)).group_by(nodes.level)
    found = {level: (count, least, most) for level, count, least, most in connection.execute(grouped)}
    for level in sorted({*range(1, head.size.bit_length() + 1), *found}):
        wanted = head.size >> level if level > 0 else 0
        count, least, most = found.get(level, (0, 0, -1))
        if (count, least, most) != (wanted, 0, wanted - 1):
            walk.find(f"hashes of level {level}", f"are {count} up to place {most}, not {wanted}")


def _check_open(connection: Connection, walk: Walk) -> None:
    rows = connection.execute(select(tables.open_releases))
    found = {row.release: (row.chunk, row.partner, row.request, row.instance) for row in rows}
    for name in sorted(found.keys() | walk.chunks.keys()):
        if found.get(name) != walk.chunks.get(name):
            walk.find(f"open release {name}", "is not what its entries say")


_MISSING = {
    Part.ROWS: "its record rows are not those its leaf binds",
    Part.PRIVATE: "has no private part",
    Part.LEAF: "has no leaf",
}


def _account_for_missing(connection: Connection, walk: Walk, *, reckons: bool) -> None:
    """Every body that is missing must have been removed by an order that the log records."""
    try:
        # Without what entries before add up to, the removals that they record are believed.
        removed, strange = (retention.spans_of(walk.sums.orders), 0) if reckons else retention.recorded(connection)
        taken = retention.leaves_taken(walk.sums.orders, since=walk.begun)
    except (KeyError, ValueError, LogAltered) as error:
        walk.find("removals", f"one cannot be read: {error!r}")
        return
    if strange:
        walk.find("removals", f"{strange} are not as any entry records them")
    for span in retention.uncovered(walk.missing, removed):
        for index in range(span.first, min(span.last, span.first + 99) + 1):
            walk.find(f"entry {index}", _MISSING[span.what])
        if span.last > span.first + 99:
            walk.find(f"entries {span.first + 100} to {span.last}", _MISSING[span.what])
    for index, part in retention.put_back(connection, removed):
        walk.find(f"entry {index}", f"has its {part} again, which a removal took")
    lacking = sum(span.length for span in walk.missing if span.what is Part.LEAF)
    if reckons and lacking != taken:  # which entries of a range could lose their leaves, the leaves alone told
        walk.find("removals", f"took {taken} leaves by the entries that record them, but {lacking} are missing")
