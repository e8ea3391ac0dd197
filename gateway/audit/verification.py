"""Checking a whole log, from its first entry to its head: everything recomputed, every alteration named with
its place.

What is checked, in this order for each page of entries and then once for the whole:

1. every entry is there, in order, and agrees with its leaf: private part, record rows, the columns it is
   filed under;
2. every stored hash is what its children give;
3. every checkpoint is signed by the log's key and its root is the tree's at that size;
4. chunks of a release follow one another;
5. the head is the last checkpoint, nothing lies beyond it, and nothing is missing;
6. what stands (stops, activations, revocations) is what the entries' orders add up to, and is signed;
7. every artifact has the digest it is stored by;
8. the log extends the checkpoint that the auditor holds from outside, when one is given.

**What this cannot show without 8**: whoever holds the signing key, or puts back an older copy of the
whole store, has a log that is sound in itself. Only a checkpoint kept elsewhere shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from gateway.audit import canonical, retention, standing, store, tables
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.orders import Part, Standing
from gateway.audit.summing import replay
from gateway.audit.walk import Finding, Walk

Progress = Callable[[int, int], None]
"""Called with (entries checked, entries to check) after each page."""


@dataclass(frozen=True, slots=True)
class Report:
    """What checking a log found. ``checkpoint`` is its head, for the auditor to keep; ``checked`` counts
    entries.
    """

    size: int
    checked: int
    checkpoint: str
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(
    database: Database,
    origin: str,
    verifier: VerifierKey,
    *,
    held: Checkpoint | None = None,
    whole: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Check the log. ``held`` is a checkpoint kept from an earlier check, or by somebody else; it must be
    opened.

    With ``whole`` False only what follows ``held`` is checked, and what stands is checked against its
    signature but not against the orders of entries before. Entries appended meanwhile are left for the
    next check. Raises :class:`LogUnavailable` when the store cannot be read at all.
    """
    with database.reading() as connection:
        head = store.read_head(connection)
    if head is None:
        return Report(0, 0, "", (Finding("head", "the store has no head"),))
    walk = Walk(origin, verifier, head.size, held)
    if held is not None and held.size > head.size:
        walk.find("head", f"the log has {head.size} entries, but you hold a checkpoint of {held.size}: rolled back")
    start = held.size if held is not None and not whole and held.size <= head.size else 0
    if start:
        with database.reading() as connection:
            walk.start_at(connection, start)
    walk.compare_held()
    while walk.next < head.size:
        with database.reading() as connection:
            walk.page(connection)
        if progress is not None:
            progress(walk.next - start, head.size - start)
    with database.reading() as connection:
        _check_whole(connection, walk, from_first=not start)
    return Report(head.size, head.size - start, head.checkpoint, tuple(walk.findings))


def _check_whole(connection: Connection, walk: Walk, *, from_first: bool) -> None:
    """What only the whole store can show. The log may have grown meanwhile: this looks at the head as it is
    now.
    """
    head = store.read_head(connection)
    if head is None or head.size < walk.size:
        walk.find("head", "went back while the log was being checked")
        return
    _check_head(connection, walk, head)
    _check_extent(connection, walk, head, from_first=from_first)
    for row in connection.execute(select(tables.artifacts)):
        if canonical.digest(row.body).hex() != row.digest:
            walk.find(f"artifact {row.digest}", "its bytes do not have this digest")
    try:
        stands = standing.read(connection, head, walk.origin, walk.verifier)
    except LogAltered as error:
        walk.find(error.where, error.what)
        return
    if head.size == walk.size:
        _account_for_missing(connection, walk, from_first=from_first)
        if from_first:
            _check_orders(connection, walk, stands)


def _check_head(connection: Connection, walk: Walk, head: store.Head) -> None:
    table = tables.checkpoints.c
    if head.size:
        latest = select(table.note).where(table.size == head.size)
        if connection.execute(latest).scalar_one_or_none() != head.checkpoint:
            walk.find("head", "is not the last checkpoint")
    try:
        said = parse_checkpoint(open_note(head.checkpoint, [walk.verifier]).text)
    except ProofRefused as error:
        walk.find("head", f"its checkpoint is not signed by this log's key: {error}")
        return
    if said.origin != walk.origin or said.size != head.size:
        walk.find("head", f"its checkpoint is of {said.origin} at size {said.size}")
    commits = connection.execute(select(func.count()).select_from(tables.checkpoints)).scalar_one()
    if commits != head.epoch:
        walk.find("checkpoints", f"are {commits}, but the log was written {head.epoch} times")


def _check_extent(connection: Connection, walk: Walk, head: store.Head, *, from_first: bool) -> None:
    """Nothing beyond the head, nothing without an entry, nothing missing."""
    for table, name in ((tables.entries, "entries"), (tables.private_parts, "private parts")):
        column = table.c.position
        counted = select(func.count(), func.min(column), func.max(column))
        count, least, most = connection.execute(counted).one()
        if head.size and (least < 0 or most >= head.size):
            walk.find(f"{name} {least} to {most}", f"lie outside the {head.size} entries of the head")
        wanted = head.size - (walk.bodiless if table is tables.private_parts else 0)
        if count != wanted and (from_first or table is tables.entries):
            walk.find(name, f"are {count}, but the head says {wanted}")
    rows = tables.record_rows.c
    orphans = select(rows.position).where((rows.position >= head.size) | (rows.position < 0)).distinct()
    for position in connection.execute(orphans.limit(100)).scalars():
        walk.find(f"entry {position}", "has record rows, but lies beyond the head")
    nodes = tables.nodes.c
    grouped = select(nodes.level, func.count(), func.max(nodes.place)).group_by(nodes.level)
    found = {level: (count, most) for level, count, most in connection.execute(grouped)}
    for level in range(1, max([head.size.bit_length(), *found]) + 1):
        wanted = head.size >> level
        count, most = found.get(level, (0, -1))
        if (count, most) != (wanted, wanted - 1):
            walk.find(f"hashes of level {level}", f"are {count} up to place {most}, not {wanted}")
    open_now = dict(connection.execute(select(tables.open_releases.c.release, tables.open_releases.c.chunk)).all())
    if head.size == walk.size and open_now != walk.chunks:
        for name in sorted(open_now.keys() ^ walk.chunks.keys()) or sorted(open_now):
            walk.find(f"open release {name}", "is not what its entries say")


_MISSING = {
    Part.ROWS: "its record rows are not those its leaf binds",
    Part.PRIVATE: "has no private part",
    Part.LEAF: "has no leaf",
}


def _account_for_missing(connection: Connection, walk: Walk, *, from_first: bool) -> None:
    """Every body that is missing must have been removed by an order that the log records."""
    try:
        recorded = retention.spans_of(walk.orders)
    except (KeyError, ValueError) as error:
        walk.find("removals", f"an entry's order cannot be read: {error!r}")
        return
    stored_removals = retention.removals(connection)
    if from_first and stored_removals != recorded:
        walk.find("removals", "are not those that the entries record")
    # In part only, the removals recorded earlier are believed: they were checked with the entries before.
    for span in retention.uncovered(walk.missing, recorded if from_first else stored_removals):
        for index in range(span.first, min(span.last, span.first + 99) + 1):
            walk.find(f"entry {index}", _MISSING[span.what])
        if span.last > span.first + 99:
            walk.find(f"entries {span.first + 100} to {span.last}", _MISSING[span.what])


_STORED = {"activate": "activates", "announce": "announces", "install-officers": "installs"}
"""Orders that put something in force that the store keeps by its digest, as findings say them."""


def _check_orders(connection: Connection, walk: Walk, stands: Standing) -> None:
    """What stands must be what the orders in the entries add up to."""
    try:
        replayed = replay(walk.orders)
    except (KeyError, ValueError, TypeError) as error:
        walk.find("standing orders", f"an entry's order cannot be read: {error!r}")
        return
    if replayed.statement("") != replace(stands, number=replayed.number).statement(""):
        walk.find("standing orders", "are not what the entries' orders add up to")
    table = tables.artifacts.c
    stored_digests = set(connection.execute(select(table.digest)).scalars())
    for index, order in walk.orders:
        verb = _STORED.get(str(order["order"]))
        for named in ("digest", "approval") if verb is not None else ():
            if named in order and order[named] not in stored_digests:
                walk.find(f"entry {index}", f"{verb} {order[named]}, which is not stored")
