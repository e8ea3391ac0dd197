"""The audit log as the gateway sees it: append an entry and wait until it is durable, read, prove, ask what
stands.

    log = AuditLog.open("sqlite:///var/audit.db", origin="gateway.example.mil/log", key=...,
    identifier_key=...) recorded = await log.append(draft)      # the entry is on disk and a signed checkpoint
    covers it receipt = log.receipt(draft.release)

Callers queue; one thread takes whatever has queued while the last commit was under way and writes it as one
batch (:mod:`gateway.audit.writer`); then all of them are answered. An entry whose caller gave up before its
batch was taken is not written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from gateway.audit import cosigned, retention
from gateway.audit.checkpoint import ML_DSA_44, SigningKey
from gateway.audit.concealing import conceal, reveal
from gateway.audit.database import Database
from gateway.audit.entry import Draft, Event, Recorded
from gateway.audit.errors import DraftRefused, LogUnavailable
from gateway.audit.leaf import IdentifierKey, keyed
from gateway.audit.observed import Observed, said_of
from gateway.audit.orders import Order, Remove
from gateway.audit.reading import LogReader
from gateway.audit.writer import Job, Outcome, Writer

BATCH_LIMIT = 256
"""Most jobs in one commit."""

MANY_RECORDS = 100
"""Record rows beyond which an entry is worked out on a thread, so that nobody else waits for it."""

GATHER_SECONDS = 0.01
"""Longest that a commit waits for more to join it, while more keep coming."""

QUIET_TURNS = 3
"""Turns of the event loop that queue nothing more, after which a commit waits no longer."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A job and where its answer is awaited. The future is touched by its own loop alone, but for a look at it."""

    job: Job
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[tuple[Recorded, ...]]


_Answers = list[tuple[_Waiting, tuple[Recorded, ...] | Exception]]


class AuditLog(LogReader):
    """A log open for appending.

    Safe to use from several threads; several processes may have the same store open.
    """

    def __init__(
        self,
        writer: Writer,
        database: Database,
        origin: str,
        key: SigningKey,
        identifiers: IdentifierKey,
        beside: Sequence[SigningKey] = (),
    ) -> None:
        super().__init__(database, origin, key.verifier)
        self.verifiers = (key.verifier, *(each.verifier for each in beside))
        self._writer = writer
        self._identifier_key = identifiers
        self._turn = Lock()  # held by whoever uses the writer
        self._waiting: deque[_Waiting] = deque()
        self._called_by: asyncio.AbstractEventLoop | None = None
        self._sequencer = ThreadPoolExecutor(1, thread_name_prefix="audit-sequencer")

    @classmethod
    def open(
        cls,
        url: str,
        *,
        origin: str,
        key: Ed25519PrivateKey,
        identifier_key: IdentifierKey,
        instance: str = "gateway",
        busy_timeout: float = 5.0,
        ml_dsa: MLDSA44PrivateKey | None = None,
    ) -> AuditLog:
        """Open the log at an SQLAlchemy URL, making it if there is none.

        ``origin`` names the log in checkpoints (a schema-less URL). ``instance`` names this gateway among
        those that share the store: :meth:`recover` closes the releases that an instance of this name left
        open. ``busy_timeout`` is how many seconds a commit waits for another process's. With ``ml_dsa`` every
        checkpoint is signed with ML-DSA-44 too, under the same name.

        Raises :class:`LogUnavailable` when the store cannot be opened, :class:`LogAltered` when its head is
        not signed by this key or disagrees with its tree.
        """
        signing = SigningKey(origin, key)
        database = Database(url, busy_timeout=busy_timeout, create=True)
        beside = () if ml_dsa is None else (SigningKey(origin, ml_dsa, ML_DSA_44),)
        writer = Writer(database, origin, signing, identifier_key, instance, beside)
        writer.open()
        return cls(writer, Database(url, busy_timeout=busy_timeout), origin, signing, identifier_key, beside)

    async def append(self, draft: Draft, orders: Sequence[Order] = ()) -> Recorded:
        """Write one entry, with the orders that take force by it; when this returns, it is durable.

        Raises :class:`DraftRefused` when the entry cannot be one, :class:`LogUnavailable` when the store
        fails: then nothing that the entry speaks of may leave.
        """
        if len(draft.records) > MANY_RECORDS:
            prepared = await asyncio.to_thread(self._writer.prepare, draft, orders)
        else:
            prepared = self._writer.prepare(draft, orders)
        job = Job((prepared,), tuple(orders))
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, loop, loop.create_future())
        self._waiting.append(waiting)
        if self._called_by is not loop:
            # Set before the sequencer is called and unset by it before it looks for the last time: what is queued
            # after that look finds it unset and calls again, so nothing is left waiting. A loop that closed before
            # it called holds back nobody: each loop calls for itself.
            self._called_by = loop
            loop.call_soon(self._gather, loop, 0, 0, loop.time() + GATHER_SECONDS)
        (recorded,) = await waiting.answer
        return recorded

    def append_now(self, drafts: Sequence[Draft], orders: Sequence[Order] = ()) -> tuple[Recorded, ...]:
        """Write entries in order, all or none, from a thread that may block; the orders are the first
        entry's.

        Raises as :meth:`append`.
        """
        if not drafts:
            raise DraftRefused("drafts", "are none")
        first, *rest = drafts
        prepared = [self._writer.prepare(first, orders), *(self._writer.prepare(draft) for draft in rest)]
        with self._turn:
            (outcome,) = self._writer.commit([Job(tuple(prepared), tuple(orders))])
        if isinstance(outcome, DraftRefused):
            raise outcome
        return outcome

    def remove(self, order: Remove, seen: Observed = None) -> Recorded:
        """Carry a removal out, with the entry that records it, and what was observed of who ordered it:
        :mod:`gateway.audit.retention`. Raises as :meth:`append`.
        """
        with self._reading.reading() as connection:
            told = retention.completed(connection, order)
        return self.append_now((Draft(Event.BODIES_REMOVED, order.at, "done", private=said_of(seen)),), (told,))[0]

    def recover(self, at: datetime) -> tuple[Recorded, ...]:
        """Write an ``interrupted`` entry for every release that an instance of this name left open.

        For a gateway's start, before it takes requests; a second call finds nothing to do. Raises
        :class:`LogUnavailable`.
        """
        with self._turn:
            return self._writer.interrupt(at)

    def keep_cosignatures(self, size: int, lines: Sequence[str]) -> None:
        """Keep what witnesses signed for the checkpoint of this size, a line each, beside what is kept of others;
        receipts carry it from now on, and the next entry says that it is there.

        Raises :class:`LogUnavailable`.
        """
        with self._turn:
            with self._reading.writing() as connection:
                kept = cosigned.put(connection, size, lines)
            self._writer.tell(kept)  # now that it is durable

    def keyed(self, identifier: str) -> str:
        """A record's identifier as the log stores it."""
        return keyed(identifier, self._identifier_key)

    def conceal(self, identifier: str) -> str:
        """A record's identifier as only a holder of the identifier key can read it; see :meth:`reveal`."""
        return conceal(identifier, self._identifier_key)

    def reveal(self, concealed: str) -> str:
        """The identifier that :meth:`conceal` was given; ``""`` where another version of the key concealed it."""
        return reveal(concealed, self._identifier_key)

    def close(self) -> None:
        """Wait for what is being written, then let go of the store."""
        self._sequencer.shutdown(wait=True)
        self._writer.close()
        super().close()

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int, quiet: int, until: float) -> None:
        """Call the sequencer as soon as some turns of the loop have queued nothing more.

        A commit costs little more for many entries than for one. On a busy loop the callers that are about to queue are
        let do so first, for a few milliseconds at most; on an idle one this waits for nothing but those turns.
        """
        queued = len(self._waiting)
        quiet = 0 if queued > before else quiet + 1
        if quiet < QUIET_TURNS and queued < BATCH_LIMIT and loop.time() < until:
            loop.call_soon(self._gather, loop, queued, quiet, until)
            return
        try:
            self._sequencer.submit(self._write_waiting)
        except RuntimeError:  # closed while they waited
            closed = LogUnavailable("write", "the log is closed")
            _answer([(waiting, _again(closed)) for waiting in self._take()])

    def _write_waiting(self) -> None:
        """On the sequencer's thread: write everything that waits, as one batch or several."""
        self._called_by = None
        while batch := self._take():
            outcomes: Sequence[Outcome | LogUnavailable] = ()
            try:
                with self._turn:
                    outcomes = self._writer.commit([waiting.job for waiting in batch])
            except LogUnavailable as error:
                outcomes = [_again(error) for _ in batch]
            finally:
                # Whatever else went wrong, nobody is left waiting, and nobody is told that it is durable.
                if len(outcomes) != len(batch):
                    outcomes = [LogUnavailable("write", "the sequencer failed") for _ in batch]
                _answer(list(zip(batch, outcomes, strict=True)))

    def _take(self) -> list[_Waiting]:
        """The next batch: those that still wait for an answer, in the order they came."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            waiting = self._waiting.popleft()
            if not waiting.answer.cancelled():
                batch.append(waiting)
        return batch


def _answer(answers: _Answers) -> None:
    """Wake everybody who waits, with one call into each event loop."""
    for loop in {waiting.loop for waiting, _ in answers}:
        with contextlib.suppress(RuntimeError):  # a loop that has closed has nobody waiting
            loop.call_soon_threadsafe(_hand_over, [each for each in answers if each[0].loop is loop])


def _hand_over(answers: _Answers) -> None:
    for waiting, outcome in answers:
        if waiting.answer.done():
            continue  # its caller gave up while it was being written
        if isinstance(outcome, Exception):
            waiting.answer.set_exception(outcome)
        else:
            waiting.answer.set_result(outcome)


def _again(error: LogUnavailable) -> LogUnavailable:
    """The same failure for another waiter: an exception that is raised twice gathers both tracebacks."""
    copy = LogUnavailable(error.failed, error.message, hint=error.hint, code=error.code)
    copy.__cause__ = error
    return copy
