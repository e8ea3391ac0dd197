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
from typing import Any

from sqlalchemy import Connection, func, select

from gateway.audit import (
    catalogue_check,
    examining,
    form_check,
    retention,
    store,
    store_check,
    tables,
    team,
)
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.database import Database
from gateway.audit.errors import LogUnavailable, ProofRefused
from gateway.audit.examining import Examined
from gateway.audit.finding import Finding
from gateway.audit.notes_check import NotesCheck
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


def check(connection: Connection, readers: Readers, asked: Asked) -> Report:
    """Check it within a read transaction."""
    malformed = tuple(form_check.differences(connection, readers))
    head = None if malformed else store.read_head(connection)
    if head is None:
        return Report(0, 0, "", malformed)
    walk = Walk(asked.origin, asked.verifier, _extent(connection, head, asked.verifier), asked.held)
    reckons = _begin(connection, walk, asked, head)
    there = _walk(connection, readers, walk, asked)
    store_check.check(connection, walk, head, reckons=reckons)
    if not walk.begun:
        compared = catalogue_check.Compared(walk.size, walk.salt)
        walk.find_all(catalogue_check.differences(connection, compared, there, walk.words))
    if reckons:
        walk.find_all(catalogue_check.totals_differences(connection, walk.sums.totals))
        walk.find_all(walk.sums.usage.differences(connection))
        walk.find_all(walk.sums.cosigned.differences(connection, asked.witnesses, after=walk.begun))
    notes = NotesCheck(asked.verifier)
    notes.read(connection, head, walk.begun)
    walk.find_all(notes.differences)
    return Report(
        head.size,
        head.size - walk.begun,
        head.checkpoint,
        tuple(walk.findings),
        remarks=tuple(Finding(where, what) for where, what in notes.remarks),
        reckoned=Reckoned(head.size, walk.sums) if reckons else None,
    )


def _begin(connection: Connection, walk: Walk, asked: Asked, head: store.Head) -> bool:
    """Begin where the check begins; whether what all entries add up to is known then."""
    held, before = asked.held, asked.before
    start = 0 if asked.whole or held is None or held.size > head.size else held.size
    if held is not None and held.size > head.size:
        walk.find("head", f"the log has {head.size} entries, but you hold a checkpoint of {held.size}: rolled back")
    if before is not None and before.size == start and retention.reach_over(connection, start):
        start = 0
    walk.start_at(connection, start)
    if before is not None and before.size == start > 0:
        walk.sums = before.taken_up()
        return True
    return start == 0


def _walk(connection: Connection, readers: Readers, walk: Walk, asked: Asked) -> Counter[int]:
    """Go through the entries, and, in a whole check, through the words that are stored; the sums over those."""
    runs, start = examining.runs(walk.begun, walk.size), walk.begun
    parts = [] if start else catalogue_check.slices(connection, min(SLICES, len(runs) or 1))
    there: Counter[int] = Counter()
    answered = 0
    for answer in readers.each(_questions(walk, runs, parts)):
        answered += 1
        if isinstance(answer, Examined):
            walk.join(answer)
            if asked.progress is not None:
                asked.progress(walk.next - start, walk.size - start)
        else:
            there.update(answer)
    if answered != len(runs) + len(parts):  # whatever the reason, what nobody has looked at is never called sound
        raise LogUnavailable("read", f"of {len(runs) + len(parts)} parts of the log, only {answered} were looked at")
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
