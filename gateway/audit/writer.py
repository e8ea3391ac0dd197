"""The one way into the log: a batch of jobs becomes one transaction, one commit and one checkpoint signature.

Rules.

1. The head is read, under the write lock, before anything is written. When it is not the head this process
   wrote last, its signature, its tree and its being an extension of ours are checked first: a store that went
   back or forked takes no more entries.
2. One transaction writes entries, private parts, record rows, catalogue, hashes, orders, checkpoint and head; the
   checkpoint and what stands are signed for the same size.
   There is no order among these writes that a crash could show: all of them are there after it, or none.
3. The head is replaced by compare-and-swap on size and fencing epoch.
4. After any failure nothing is repeated. The store is opened again and rule 1 applies; so entries of a commit
   that was reported failed but did persist are found, kept and built upon.
5. A job that is refused for its own fault takes no other job of its batch with it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from gateway.audit import catalogue, cosigned, edge, merkle, standing, store
from gateway.audit.checkpoint import Checkpoint, SigningKey, open_checkpoint, sign
from gateway.audit.database import Database, looking
from gateway.audit.edge import Edge
from gateway.audit.entry import SALT_BYTES, Cosigned, Draft, Event, Recorded
from gateway.audit.errors import DraftRefused, LogAltered, LogUnavailable, ProofRefused
from gateway.audit.leaf import IdentifierKey, Prepared, prepare
from gateway.audit.orders import Order, Standing, restated
from gateway.audit.store import Head, OpenRelease
from gateway.audit.usage import Ledger


@dataclass(frozen=True, slots=True)
class Job:
    """What one caller wants written, whole or not at all: entries in order, and the orders of the first of
    them.
    """

    prepared: tuple[Prepared, ...]
    orders: tuple[Order, ...] = ()


Outcome = tuple[Recorded, ...] | DraftRefused


class Writer:
    """Appends to the log. Not for use from two threads at once; several processes may each have one."""

    def __init__(
        self,
        database: Database,
        origin: str,
        key: SigningKey,
        identifier_key: IdentifierKey,
        instance: str,
        beside: Sequence[SigningKey] = (),
    ) -> None:
        self._database = database
        self._origin = origin
        self._key = key
        self._beside = tuple(beside)  # sign checkpoints too; what stands is signed by ``key`` alone
        self._identifier_key = identifier_key
        self._instance = instance
        self._head: Head | None = None
        self._edge = Edge()
        self._untold: tuple[Cosigned, ...] = ()  # cosignatures that are kept, and that no entry speaks of yet

    def prepare(self, draft: Draft, orders: Sequence[Order] = ()) -> Prepared:
        """Work out what will be stored of a draft. Needs no store; any thread may call it."""
        return prepare(
            draft,
            self._origin,
            self._identifier_key,
            os.urandom(SALT_BYTES),
            orders,
            instance=self._instance,
            cosigned=self._untold,
        )

    def tell(self, cosigned: Cosigned) -> None:
        """Let the next entry say that these cosignatures are kept."""
        self._untold = (*self._untold, cosigned)

    def open(self) -> None:
        """Make the store if it is new, and check its head (rule 1). Raises :class:`LogUnavailable`."""
        empty = Checkpoint(self._origin, 0, merkle.EMPTY_ROOT).text
        with self._database.writing() as connection:
            nothing = sign(Standing().statement(self._origin, 0), self._key)
            store.create(connection, Head(0, 0, sign(empty, self._key, *self._beside), nothing))
            self._head, self._edge = self._look(connection)
            self._untold = cosigned.newest(connection)

    def commit(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Write jobs in order as one batch; when this returns they are durable and a signed checkpoint covers
        them.

        Raises :class:`LogUnavailable` when the store fails: then none of the jobs counts as written.
        """
        self._refuse_after_lost_sync()
        # A crash up to the commit, which ends this block, leaves nothing of the batch (rule 2), and nobody was told.
        with self._database.writing() as connection:
            head, tree, outcomes = self._write(connection, jobs)
        # A crash here leaves all of the batch and nobody told: entries of what never left. The next start reads them
        # with the head, and ends the releases among them that are open. What follows is memory: were it lost, or were
        # the commit reported as failed though it took effect, the head would be read and checked again (rules 1 and 4).
        self._head, self._edge = head, tree
        if self._untold:
            written = [job for job, outcome in zip(jobs, outcomes, strict=True) if isinstance(outcome, tuple)]
            told = {each for job in written for entry in job.prepared for each in entry.cosigned}
            self._untold = tuple(each for each in self._untold if each not in told)
        return outcomes

    def interrupt(self, at: datetime) -> tuple[Recorded, ...]:
        """Close every release that this instance left open, with an ``interrupted`` entry each; see rule 2.

        They are found and closed in one transaction, so that two starts at once close each of them once. A crash during
        it closes none of them, and the next start finds them all again.
        """
        self._refuse_after_lost_sync()
        with self._database.writing() as connection:
            left = store.releases_of(connection, self._instance)
            drafts = [
                Draft(Event.INTERRUPTED, at, "interrupted", one.partner, one.request, one.release, one.chunk + 1)
                for one in left
            ]
            jobs = [Job(tuple(self.prepare(draft) for draft in drafts))] if drafts else []
            head, tree, outcomes = self._write(connection, jobs)
        self._head, self._edge = head, tree
        return tuple(entry for outcome in outcomes if isinstance(outcome, tuple) for entry in outcome)

    def close(self) -> None:
        """Let go of the store."""
        self._database.close()

    def _write(self, connection: Connection, jobs: Sequence[Job]) -> tuple[Head, Edge, list[Outcome]]:
        head, tree = self._look(connection)
        batch = _Batch(connection, self._identifier_key, jobs)
        placed = [batch.place(job) for job in jobs]
        taken = [job for job, refusal in zip(jobs, placed, strict=True) if refusal is None]
        if not taken:
            return head, tree, [refusal for refusal in placed if refusal is not None]
        prepared = [entry for job in taken for entry in job.prepared]
        grown, made = tree.extend(entry.hash for entry in prepared)
        try:
            store.add_entries(connection, tree.size, prepared)
            catalogue.add_entries(connection, tree.size, prepared)
            store.add_nodes(connection, made)
            note = sign(Checkpoint(self._origin, grown.size, grown.root).text, self._key, *self._beside)
            store.add_checkpoint(connection, grown.size, note)
            store.set_open(connection, self._instance, batch.open)
            batch.ledger.write()
            store.add_artifacts(connection, [body for entry in prepared for body in entry.draft.artifacts])
        except IntegrityError as error:
            raise LogAltered(f"entry {tree.size}", f"the store holds rows beyond its head: {error.orig}") from error
        stands = self._carry_out_orders(connection, head, tree.size, taken, grown.size)
        new = Head(grown.size, head.epoch + 1, note, sign(stands, self._key))
        store.swap_head(connection, head, new)
        return new, grown, _number(jobs, placed, tree.size, grown.size)

    def _carry_out_orders(self, connection: Connection, head: Head, first: int, jobs: Sequence[Job], size: int) -> str:
        """Carry out the jobs' orders as of their first entries; the statement of what then stands, in the log of
        ``size``.
        """
        if not any(job.orders for job in jobs):
            return restated(head.standing.partition("\n\n")[0], size)  # its signature was checked with the head
        before = standing.read(connection, head, self._origin, self._key.verifier)
        position = first
        for job in jobs:
            standing.carry_out(connection, position, job.orders, self._identifier_key)
            position += len(job.prepared)
        return store.read_standing(connection, before.number + 1).statement(self._origin, size)

    def _look(self, connection: Connection) -> tuple[Head, Edge]:
        """Rule 1: the head as it is now, and the tree's edge."""
        head = store.read_head(connection)
        if head is None:
            raise LogAltered("head", "the store has no head")
        if head == self._head:
            return head, self._edge
        tree = check_head(connection, head, self._origin, self._key)
        if self._head is not None:
            check_extends(connection, self._edge, tree)
        return head, tree

    def _refuse_after_lost_sync(self) -> None:
        if self._database.lost_sync:
            raise LogUnavailable(
                "write",
                "a sync to disk failed, so that nobody can say what is on it",
                hint="Check the disk, restart the gateway, and run `relgate audit verify`.",
                code="lost_sync",
            )


class _Batch:
    """Which jobs of a batch can be written, and what they do to the releases that are open."""

    def __init__(self, connection: Connection, identifier_key: IdentifierKey, jobs: Sequence[Job]) -> None:
        self._connection = connection
        self._identifier_key = identifier_key
        first = [entry.draft.release for job in jobs for entry in job.prepared if not entry.draft.chunk]
        self._begun = store.releases_begun(connection, [release for release in first if release])
        self.open: dict[str, OpenRelease | None] = {}
        self.ledger = Ledger(connection)
        self._orders: list[Order] = []

    def place(self, job: Job) -> DraftRefused | None:
        """Take the job into the batch, or say why it cannot be."""
        try:
            if job.orders:
                standing.check(self._connection, job.orders)
                orders = (*self._orders, *job.orders)  # those of the jobs before are not carried out yet
                missing = standing.lifts_nothing(self._connection, orders, self._identifier_key)
                if missing is not None:
                    return DraftRefused("orders", f"lift {missing}, but no such stop is in force")
            changed, begun = self._follow_chunks(job)
            self.ledger.take(entry.draft for entry in job.prepared)  # last: what it takes must be written
        except DraftRefused as error:
            return error
        self._begun |= begun
        self._orders += job.orders
        self.open.update(changed)
        return None

    def _follow_chunks(self, job: Job) -> tuple[dict[str, OpenRelease | None], set[str]]:
        """A release's chunks are numbered from 0, each once, none after the last. What the job changes of the releases
        that are open, and which it begins.
        """
        changed: dict[str, OpenRelease | None] = {}
        begun: set[str] = set()
        for entry in job.prepared:
            draft = entry.draft
            if not draft.release:
                continue
            before = changed.get(draft.release) if draft.release in changed else self._known(draft)
            if draft.chunk == 0 and (before is not None or draft.release in begun or draft.release in self._begun):
                raise DraftRefused("release", f"{draft.release} is in the log already")
            if draft.chunk and (before is None or before.chunk != draft.chunk - 1):
                raise DraftRefused("chunk", f"{draft.chunk} does not follow what the log has of {draft.release}")
            if before is not None and before.partner != draft.partner:
                raise DraftRefused("partner", f"{draft.release} was begun for another partner")
            begun.add(draft.release)
            if draft.chunk == 0 and draft.last:
                continue  # whole in one entry: it was never open
            now = OpenRelease(draft.release, draft.chunk, draft.partner, draft.request)
            changed[draft.release] = None if draft.last else now
        return changed, begun

    def _known(self, draft: Draft) -> OpenRelease | None:
        if draft.release in self.open:
            return self.open[draft.release]
        if draft.chunk == 0:
            return None
        return store.releases_open(self._connection, [draft.release]).get(draft.release)


def check_head(connection: Connection, head: Head, origin: str, key: SigningKey) -> Edge:
    """Check a head that this process did not write: signature, origin, size, root, last entry.

    Gives the edge.
    """
    try:
        said = open_checkpoint(head.checkpoint, [key.verifier])
    except ProofRefused as error:
        raise LogAltered("head", f"its checkpoint is not signed by this log's key: {error}") from error
    if (said.origin, said.size) != (origin, head.size):
        raise LogAltered("head", f"is of {said.origin} at size {said.size}, not of {origin} at size {head.size}")
    if store.last_position(connection) != head.size - 1:
        raise LogAltered("head", f"says {head.size} entries, but the last one is {store.last_position(connection)}")
    tree = store.read_edge(connection, head.size)
    if tree.root != said.root:
        raise LogAltered("head", "the stored hashes do not lead to the root that was signed")
    standing.read(connection, head, origin, key.verifier)
    return tree


def check_extends(connection: Connection, ours: Edge, found: Edge) -> None:
    """Check that a tree found in the store extends the one this process wrote or saw last."""
    if found.size < ours.size:
        raise LogAltered("head", f"the log went back from {ours.size} entries to {found.size}")
    if ours.size == 0:
        return
    plan = edge.consistency_plan(ours.size, found.size)
    nodes = store.read_nodes(looking(connection), {node for step in plan for node in step})
    try:
        merkle.verify_consistency(ours.size, found.size, edge.carry_out(plan, nodes), ours.root, found.root)
    except ProofRefused as error:
        raise LogAltered("head", f"the log does not extend what it was at size {ours.size}: {error}") from error


def _number(jobs: Sequence[Job], refusals: Sequence[DraftRefused | None], first: int, size: int) -> list[Outcome]:
    """Each job's outcome: its entries with their places from ``first`` on, or its refusal."""
    outcomes: list[Outcome] = []
    for job, refusal in zip(jobs, refusals, strict=True):
        if refusal is not None:
            outcomes.append(refusal)
            continue
        outcomes.append(tuple(Recorded(first + number, entry.leaf, size) for number, entry in enumerate(job.prepared)))
        first += len(job.prepared)
    return outcomes
