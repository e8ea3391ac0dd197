"""A round: one checkpoint on its way to every witness at once, and those that wait for what comes back.

Rules. A waiter is answered as soon as what it demands is met, or can no longer be: a witness that is slow keeps nobody
waiting who does not need it. What was got is kept in the log's store before anybody is told of it. A witness is asked
one thing at a time; a round that a newer one has taken the place of, and that nobody waits in, asks no further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from gateway.audit.checkpoint import Checkpoint, parse_checkpoint
from gateway.audit.demands import Demands, are_met
from gateway.audit.errors import AuditError
from gateway.audit.log import AuditLog
from gateway.audit.submitting import Contradicted, Submitter, WitnessFailed

logger = structlog.get_logger("gateway.audit.witnessing")


class NotWitnessed(AuditError):
    """Fewer witnesses than are demanded have cosigned a checkpoint that covers the entry."""

    def __init__(self, wanted: int, got: int, why: str) -> None:
        super().__init__(
            f"{got} of the {wanted} witnesses demanded have cosigned: {why}",
            hint="Ask the witnesses' operators; `witness_quorum` and the policy say how many are demanded.",
        )
        self.wanted = wanted
        self.got = got


class Overtaken(AuditError):
    """Another gateway on this log has submitted a newer checkpoint meanwhile, and that is not in this round."""


@dataclass(eq=False, slots=True)
class _Waiter:
    """Somebody's demands, and where the answer is awaited."""

    demands: Demands
    answer: asyncio.Future[None]


class Round:
    """One round. ``opened`` becomes the size of its checkpoint, or the error that kept it from being read.

    ``opening`` is held by one round at a time while it reads its checkpoint and queues for the witnesses, so that none
    is asked about a smaller checkpoint after a larger one.
    """

    def __init__(
        self,
        log: AuditLog,
        submitters: Sequence[Submitter],
        contradicted: MutableMapping[str, str],
        opening: asyncio.Lock,
    ) -> None:
        self.opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.over = False
        """Nobody waits in it, and no witness is being asked any more."""
        self.superseded = False
        """A newer round has taken its place."""
        self.kept: frozenset[str] = frozenset()
        """The marks of those whose cosignatures of its checkpoint are in the store."""
        self._log = log
        self._asking = {each.witness.mark: each for each in submitters}
        self._contradicted = contradicted
        self._opening = opening
        self._lines: dict[str, str] = {}
        self._failures: list[str] = []
        self._waiting: list[_Waiter] = []
        self._joined = 0
        self._overtaken = False
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()

    def satisfies(self, size: int, demands: Demands) -> bool:
        """Whether its checkpoint holds so many entries and carries what is demanded."""
        known = self.opened.done() and not self.opened.cancelled() and self.opened.exception() is None
        return known and self.opened.result() >= size and are_met(demands, self.kept)

    def may_meet(self, demands: Demands) -> bool:
        """Whether this can still be met by what came and by those who are being asked."""
        return are_met(demands, self._asking.keys() | self._lines.keys() | self.kept)

    async def serve(self, demands: Demands) -> None:
        """Return once this is met. Raises :class:`NotWitnessed` when it cannot be any more, :class:`Overtaken` when a
        newer round might, :class:`LogUnavailable` when what was got cannot be kept.
        """
        waiter = _Waiter(demands, asyncio.get_running_loop().create_future())
        if self.over:  # it has ended since it was joined: what it got is all that it brings
            if not are_met(demands, self.kept):
                raise self._refusal(waiter)
            return
        self._waiting.append(waiter)
        self._changed.set()
        try:
            await waiter.answer
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """For as long as somebody counts on it, from before its checkpoint is known: it asks on until then."""
        self._joined += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._joined -= 1
            if not self._joined:
                self._idle.set()
                self._changed.set()

    async def until_idle(self) -> None:
        """Return once nobody counts on it."""
        if self._joined:
            await self._idle.wait()

    async def run(self) -> None:
        """Read the newest checkpoint, submit it to every witness, and answer whoever waits."""
        asked: list[asyncio.Task[None]] = []
        try:
            async with self._opening:
                note = await asyncio.to_thread(self._log.head_note)
                head = parse_checkpoint(note)
                self.opened.set_result(head.size)
                asked = [asyncio.create_task(self._ask(each, note, head)) for each in self._asking.values()]
            self._changed.set()
            while not self.over:
                await self._changed.wait()
                self._changed.clear()
                await self._settle(head.size)
        except AuditError as error:  # the checkpoint cannot be read
            logger.warning("witnesses-not-asked", error=type(error).__name__)
            self.opened.set_exception(error)
            self.opened.exception()  # it has been told: the loop need not warn where nobody waits for it
        finally:
            self.over = True
            for task in asked:
                task.cancel()
            for waiter in self._waiting:
                waiter.answer.cancel()
            self.opened.cancel()

    async def _settle(self, size: int) -> None:
        """Keep what was got where somebody needs it, and answer all those that can be answered."""
        lines = dict(self._lines)
        wanted = not self._asking or any(are_met(each.demands, lines) for each in self._waiting)
        if wanted and lines.keys() > self.kept:
            try:
                await asyncio.to_thread(self._log.keep_cosignatures, size, tuple(lines.values()))
            except AuditError as error:
                self._lines.clear()  # what is not kept was not got
                self._failures.append(f"cosignatures cannot be kept: {error}")
            else:
                self.kept = frozenset(lines)
        for waiter in tuple(self._waiting):
            if are_met(waiter.demands, self.kept):
                self._answer(waiter, None)
            elif not self.may_meet(waiter.demands):
                self._answer(waiter, self._refusal(waiter))
        self.over = not self._asking and not self._joined and self._lines.keys() <= self.kept

    def _answer(self, waiter: _Waiter, error: AuditError | None) -> None:
        if not waiter.answer.done():
            waiter.answer.set_result(None) if error is None else waiter.answer.set_exception(error)
        self._waiting.remove(waiter)

    def _refusal(self, waiter: _Waiter) -> AuditError:
        if self._overtaken:
            return Overtaken("another gateway has submitted a newer checkpoint of this log each time")
        unmet = max((each for each in waiter.demands if not each.met_by(self.kept)), key=lambda each: each.quorum)
        why = "; ".join(sorted(self._failures)) or f"asked for {', '.join(sorted(unmet.of)) or 'nobody'}"
        return NotWitnessed(unmet.quorum, len(unmet.of & self.kept), why)

    async def _ask(self, submitter: Submitter, note: str, head: Checkpoint) -> None:
        """Get one witness's line, or note why there is none."""
        witness = submitter.witness
        try:
            async with submitter.turn:
                if self.superseded and not self._joined:
                    return
                self._lines[witness.mark] = await submitter.submit(note, head)
            self._contradicted.pop(witness.name, None)
        except Contradicted as error:
            await self._contradict(witness.name, error, head.size)
        except AuditError as error:
            self._failures.append(f"{witness.name}: {error}")
            code = error.code if isinstance(error, WitnessFailed) else ""
            logger.warning("not-cosigned", witness=witness.name, code=code or None, tree_size=head.size)
        finally:
            self._asking.pop(witness.mark, None)
            self._changed.set()

    async def _contradict(self, name: str, error: Contradicted, size: int) -> None:
        """Another gateway on this log may have submitted a newer checkpoint; otherwise the log is in doubt."""
        self._failures.append(f"{name}: {error}")
        try:
            self._overtaken = error.seen > size and await asyncio.to_thread(self._log.size) >= error.seen
        except AuditError as unreadable:
            logger.warning("log-not-read", error=type(unreadable).__name__)
        if not self._overtaken:
            self._contradicted[name] = str(error)
            logger.error("witness-contradicts-log", witness=name, code=error.code, seen=error.seen, tree_size=size)
