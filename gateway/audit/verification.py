"""Checking a whole log, from its first entry to its head: everything recomputed, every alteration named with
its place.

Before anything else: the store has the form that the gateway gives it (:mod:`gateway.audit.form_check`). Then, in this
order, for each run of entries and once for the whole:

1. every entry is there, in order, and agrees with its leaf: private part, record rows, the columns it is
   filed under;
2. every stored hash is what its children give;
3. every checkpoint is signed by the log's key, by nobody but the log, and its root is the tree's at that size;
4. chunks of a release follow one another;
5. the head is the last checkpoint, nothing lies beyond it, and nothing is missing;
6. what stands (stops, activations, revocations) is what the entries' orders add up to, and is signed;
7. every artifact has the digest it is stored by, and those are there, and no others, that entries name: policy sets
   with their files, tables, lists of officers, signatures;
8. the catalogue (postings and totals) is what the entries are found by;
9. the use of volumes is what the entries took, and the cosignatures that are kept are those that entries speak of, each
   by a witness and of its checkpoint;
10. the log extends the checkpoint that the auditor holds from outside, when one is given.

**What this cannot show without 10**: whoever holds the signing key, or puts back an older copy of the
whole store, has a log that is sound in itself. Only a checkpoint kept elsewhere shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, func, select

from gateway.audit import (
    artifacts_check,
    catalogue_check,
    examining,
    form_check,
    orders_check,
    retention,
    standing,
    store,
    tables,
    team,
)
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.database import Database
from gateway.audit.errors import LogAltered, LogUnavailable, ProofRefused
from gateway.audit.examining import Examined
from gateway.audit.finding import Finding
from gateway.audit.notes_check import NotesCheck
from gateway.audit.orders import Part
from gateway.audit.reckoned import Reckoned
from gateway.audit.team import Readers
from gateway.audit.walk import Walk

Progress = Callable[[int, int], None]
"""Called with (entries checked, entries to check) after each run of entries."""

ENTRIES_EACH = 50_000
"""How many entries a log has, at least, for each process that checks it: to start one takes as long as thousands."""
SLICES = 64
"""Most parts that the table of words is read in."""


@dataclass(frozen=True, slots=True)
class Report:
    """What checking a log found. ``checkpoint`` is its head, for the auditor to keep; ``checked`` counts
    entries; ``hashes_alone`` says that only their hashes were there to be checked, ``lacking`` that of so many entries
    in a folder. ``remarks`` are no findings: where removals took leaves, what lies beside a published log, and which of
    the log's keys have not signed every checkpoint.
    """

    size: int
    checked: int
    checkpoint: str
    findings: tuple[Finding, ...]
    hashes_alone: bool = False
    lacking: int = 0
    remarks: tuple[Finding, ...] = ()
    reckoned: Reckoned | None = None

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
    witnesses: Iterable[VerifierKey] = (),
    processes: int = 1,
    before: Reckoned | None = None,
) -> Report:
    """Check the log as it is at one moment. ``held`` is a checkpoint kept from an earlier check, or by somebody else;
    it must be opened. ``witnesses`` are the keys of witnesses besides those that the log's own entries name.
    ``processes`` is how many read and reckon (0: as the machine has cores and the log needs them): the report is the
    same.

    With ``whole`` False only what follows ``held`` is read, and what stands beside the tree is compared with what
    ``before`` says that the entries up to there add up to: volumes, totals, orders row by row, artifacts, removals,
    cosignatures of what is new. Without ``before`` none of these is compared, and what stands is checked against its
    signature alone. A whole check alone can see what was changed in entries, hashes, checkpoints and cosignatures of
    before, or anywhere in the words that searches use. Where a removal took bodies on both sides of ``held``, all is
    read.
    Raises :class:`LogUnavailable` when the store cannot be read, or a process ends before its work.
    """
    with database.reading() as connection:
        newest = select(func.max(tables.entries.c.position))
        size = connection.execute(newest).scalar_one() or 0 if form_check.has_its_tables(connection) else 0
    asked = Asked(origin, verifier, held, whole, tuple(witnesses), progress, before)
    with team.reading(database, team.useful_processes(processes, size, ENTRIES_EACH)) as (connection, readers):
        return check(connection, readers, asked)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be checked, against what."""

    origin: str
    verifier: VerifierKey
    held: Checkpoint | None
    whole: bool
    witnesses: tuple[VerifierKey, ...]
    progress: Progress | None
    before: Reckoned | None = None

    def start(self, size: int) -> int:
        """How many entries of so many are taken as checked."""
        return 0 if self.whole or self.held is None or self.held.size > size else self.held.size


def check(connection: Connection, readers: Readers, asked: Asked) -> Report:
    """Check it within a read transaction."""
    malformed = tuple(form_check.differences(connection, readers))
    head = None if malformed else store.read_head(connection)
    if head is None:
        return Report(0, 0, "", malformed)
    walk = Walk(asked.origin, asked.verifier, _extent(connection, head, asked.verifier), asked.held)
    if asked.held is not None and asked.held.size > head.size:
        sizes = f"the log has {head.size} entries, but you hold a checkpoint of {asked.held.size}"
        walk.find("head", f"{sizes}: rolled back")
    start = asked.start(head.size)
    before = asked.before if asked.before is not None and asked.before.size == start > 0 else None
    if before is not None and retention.reach_over(connection, start):
        start, before = 0, None
    walk.start_at(connection, start)
    if before is not None:
        walk.sums = before.taken_up()
    reckons = not start or before is not None
    there = _walk(connection, readers, walk, asked, start)
    _check_whole(connection, walk, head, reckons=reckons)
    if not start:
        compared = catalogue_check.Compared(walk.size, walk.salt)
        for finding in catalogue_check.differences(connection, compared, there, walk.words):
            walk.find(*finding)
    if reckons:
        _check_sums(connection, walk, asked.witnesses)
    notes = NotesCheck(asked.verifier)
    notes.read(connection, head, start)
    for where, what in notes.differences:
        walk.find(where, what)
    remarks = tuple(Finding(where, what) for where, what in notes.remarks)
    reckoned = Reckoned(head.size, walk.sums) if reckons else None
    return Report(
        head.size, head.size - start, head.checkpoint, tuple(walk.findings), remarks=remarks, reckoned=reckoned
    )


def _walk(connection: Connection, readers: Readers, walk: Walk, asked: Asked, start: int) -> Counter[int]:
    """Go through the entries, and, in a whole check, through the words that are stored; the sums over those."""
    runs = examining.runs(start, walk.size)
    parts = [] if start else catalogue_check.slices(connection, min(SLICES, len(runs) or 1))
    there: Counter[int] = Counter()
    for answer in readers.each(_questions(walk, runs, parts)):
        if isinstance(answer, Examined):
            walk.join(answer)
            if asked.progress is not None:
                asked.progress(walk.next - start, walk.size - start)
        else:
            there.update(answer)
    if walk.next != walk.size:  # whatever the reason, what nobody has looked at is never called sound
        raise LogUnavailable("read", f"of {walk.size} entries, only {walk.next} were looked at")
    return there


def _questions(
    walk: Walk, runs: Sequence[tuple[int, int]], parts: Sequence[catalogue_check.Slice]
) -> Iterator[tuple[Callable[..., Examined | dict[int, int]], tuple[Any, ...]]]:
    """Every run of entries, and between them, evenly, every part of the words: so entries tell how far all is."""
    scope, done = walk.scope, 0
    for number, (begin, end) in enumerate(runs):
        yield examining.examine, (scope, begin, end)
        while done < len(parts) and (done + 1) * len(runs) <= (number + 1) * len(parts):
            yield catalogue_check.sum_slice, (walk.salt, walk.size, parts[done])
            done += 1
    for part in parts[done:]:
        yield catalogue_check.sum_slice, (walk.salt, walk.size, part)


def _extent(connection: Connection, head: store.Head, verifier: VerifierKey) -> int:
    """How many entries are walked: as many as the head says where that is signed, else no more than there are. So
    nobody can make a check endless by writing a large number there.
    """
    try:
        if open_checkpoint(head.checkpoint, [verifier]).size == head.size:
            return head.size
    except ProofRefused:
        pass  # found as such when the head is checked
    return min(head.size, connection.execute(select(func.count()).select_from(tables.entries)).scalar_one())


def _check_whole(connection: Connection, walk: Walk, head: store.Head, *, reckons: bool) -> None:
    """What only the whole store can show."""
    _check_head(connection, walk, head)
    _check_extent(connection, walk, head)
    for finding in artifacts_check.differences(connection, artifacts_check.all_named(walk.sums), every=reckons):
        walk.find(*finding)
    _account_for_missing(connection, walk, reckons=reckons)
    try:
        stands = standing.read(connection, head, walk.origin, walk.verifier)
    except LogAltered as error:
        walk.find(error.where, error.what)
        stands = None
    if reckons:
        for finding in orders_check.differences(connection, walk.sums.orders, stands):
            walk.find(*finding)


def _check_sums(connection: Connection, walk: Walk, witnesses: tuple[VerifierKey, ...]) -> None:
    """What entries add up to is what stands beside the tree."""
    recounted = (
        catalogue_check.totals_differences(connection, walk.sums.totals),
        walk.sums.usage.differences(connection),
        walk.sums.cosigned.differences(connection, witnesses, after=walk.begun),
    )
    for where, what in chain.from_iterable(recounted):
        walk.find(where, what)


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
