"""The one pipeline. Everything that leaves this gateway leaves through :meth:`Pipeline.release`.

    1. authenticate   who asks, by a verified credential; may this caller ask this at all
    2. fetch          from the source, page by page, never with the partner's credential
    3. label          read each record's own marking, and those of the records inside it
    4. decide         all nine gates, for each record
    5. transform      carry out the obligations; keep what was asked for
    6. check          a reader that shares no code with step 5 reads the final bytes again
    7. seal           sign, and encrypt to the partner's registered key
    8. record         the audit entry, durable before anything of the chunk leaves
    9. respond        hand the chunk to the connection

A release is a sequence of chunks; one is the usual case. Steps 1 and 3 to 9 are done for each chunk at its own moment
under what is in force then, so a stop, a revocation or an activation ends a long answer in its middle. Where a chunk
ends depends on the released bytes alone.

What a crash leaves, between any two of these, and who repairs it:

    before 8              nothing of this chunk: no byte has left, no entry says so
    during 8              the whole entry or nothing of it: one transaction (gateway/audit/writer.py)
    between 8 and 9       an entry *authorised* for a chunk that never left, the safe side; nobody need repair it
    during 9              a part of the chunk has left; its entry is of the whole
    between two chunks    as before 8, and a release that is open: the next start ends it with ``interrupted``
    after the last        nothing: the last chunk's entry closed the release

The next start (``AuditLog.recover``) writes through the same function as every request, and a crash during it leaves
what it had not closed still open for the one after. ``tests/system/test_crash.py`` and ``make kill`` show it.

Every request gets exactly one entry for each chunk, or one for its refusal; if that entry cannot be written, the
answer is ``audit_unavailable`` and nothing leaves. The same numbers stand in the entry's timing and in
docs/architecture.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache

import structlog

from gateway.activation.running import Clock, Force, NothingInForce, PolicyKeeper
from gateway.admission import Admitted, Approach, admit, approach, counted, identify
from gateway.answering import content_of
from gateway.asking import Ask
from gateway.audit.demands import Demands
from gateway.audit.entry import Draft, Event, Json, Recorded
from gateway.audit.errors import AuditError, VolumeRefused
from gateway.audit.log import MANY_RECORDS, AuditLog
from gateway.audit.observed import said_of
from gateway.audit.witnessing import NotWitnessed, Witnessing, cover
from gateway.batch import Batch, Content
from gateway.content.errors import ContentError
from gateway.evidence import Notes, demanded, interrupted_draft, refusal_draft, release_draft
from gateway.identity.caller import Caller
from gateway.keys.jwks import PrivateJwk, PublicJwk, parse_jwk
from gateway.policy.volume import beginning, taken_besides
from gateway.refusals import Refused
from gateway.sealing.errors import SealingError
from gateway.sealing.jwe import MEDIA_TYPE as SEALED_TYPE
from gateway.sealing.jwe import seal
from gateway.selecting import Selector
from gateway.steadying import Steps
from gateway.upstream.errors import TIMED_OUT, UpstreamError

logger = structlog.get_logger("gateway.release")

UNRECORDED = frozenset({"audit_unavailable", "audit_unwitnessed"})
"""Refusals that get no entry of their own: one cannot, the other has its entry already."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What leaves: one chunk's bytes, already recorded. ``label`` is for the pipeline's own callers, never a header."""

    body: bytes
    media_type: str
    release: str
    number: int
    last: bool
    recorded: Recorded


class Pipeline:
    """Releases. Everything it uses is given to it; it holds no state but what is in flight."""

    def __init__(
        self,
        keeper: PolicyKeeper,
        selector: Selector,
        log: AuditLog,
        signing_key: PrivateJwk,
        clock: Clock,
        chunk_seconds: float,
        witnessing: Witnessing | None = None,
        step: float = 0.0,
    ) -> None:
        self._keeper = keeper
        self._selector = selector
        self._log = log
        self._signing_key = signing_key
        self._clock = clock
        self._chunk_seconds = chunk_seconds
        self._witnessing = witnessing
        self._step = step
        self._closing: set[asyncio.Task[None]] = set()
        self._resuming = asyncio.Lock()
        self.unrecorded = False
        """Whether the last entry could not be written; readiness says so."""
        self.unwitnessed: set[Demands] = set()
        """What policies demand of witnesses, and these did not do when they were last asked; readiness says so."""
        self._told = ""

    async def release(self, ask: Ask) -> AsyncGenerator[Chunk]:
        """Answer one request, chunk by chunk, or raise :class:`Refused`; either way it is in the log first.

        Raises:
            Refused: the request gets a problem; the refusal is recorded. ``audit_unavailable`` when it cannot be.
        """
        notes = Notes(ask, uuid.uuid4().hex, self._clock(), self._log.keyed)
        batch: Batch | None = None
        steps = Steps(self._step)
        try:
            admitted = await self._authenticate(notes)  # 1
            selecting = self._selector.select(ask, admitted, lambda: self._readmit(notes))
            async for selected in self._in_time(selecting):  # 2 to 5
                batch = selected
                notes.step_done("fetch-label-decide-transform")
                content = content_of(ask.operation, batch)  # 6
                notes.step_done("check")
                sealed = self._seal(content, batch, notes) if batch.admitted.sealed else None  # 7
                notes.step_done("seal")
                recorded = await self._record_chunk(notes, await _drafted(notes, batch, content, sealed))  # 8
                await self._witness(recorded, notes, batch)
                if batch.number == 0:
                    await steps.before_content(ask.operation)
                yield _chunk(content, sealed, notes, batch, recorded)  # 9
                batch = None
        except Refused as refusal:
            await self._record_refusal(notes, refusal, batch)
            await steps.before_refusal(refusal.code)
            raise
        except UpstreamError as error:
            failed = Refused("upstream_timeout" if error.code == TIMED_OUT else "upstream_failed", str(error))
            await self._record_refusal(notes, failed, batch)
            raise failed from error
        except (ContentError, SealingError) as error:
            failed = Refused("release_check_failed", str(error))
            await self._record_refusal(notes, failed, batch)
            raise failed from error
        except (asyncio.CancelledError, GeneratorExit):
            notes.is_open = notes.is_open or not notes.chunks  # gone before anything was recorded: this is its entry
            raise
        finally:
            if notes.is_open or notes.writing is not None:
                self._close_later(notes)

    async def _record_refusal(self, notes: Notes, refusal: Refused, batch: Batch | None) -> None:
        """Record a refusal, unless it has no entry of its own (:data:`UNRECORDED`)."""
        if refusal.code not in UNRECORDED:
            await self._record(refusal_draft(notes, refusal, batch))
            notes.is_open = False

    async def _in_time(self, selecting: AsyncGenerator[Batch]) -> AsyncGenerator[Batch]:
        """Give each batch so many seconds; whatever ends this ends the fetch."""
        async with aclosing(selecting):
            while True:
                try:
                    async with asyncio.timeout(self._chunk_seconds):
                        batch = await anext(selecting)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise Refused("upstream_timeout", f"no chunk within {self._chunk_seconds} s") from error
                yield batch

    async def identify(self, ask: Ask) -> Caller:
        """Who asks, for a door that hands out no content; a credential that proves nothing is recorded."""
        notes = Notes(ask, uuid.uuid4().hex, self._clock(), self._log.keyed)
        try:
            return identify(ask, await self._in_force(notes), notes.at)
        except Refused as refusal:
            if refusal.code != "audit_unavailable":
                await self._record(refusal_draft(notes, refusal, None))
            raise

    async def refuse(self, ask: Ask, code: str, parameter: str | None = None, auditor: str | None = None) -> Refused:
        """Record a request that no dataset can answer (a wrong method, a malformed request) and give its refusal.

        Who asks is established first, so that nothing is told to a caller without a credential; ``auditor`` is whom the
        door has established already.
        """
        notes = Notes(ask, uuid.uuid4().hex, self._clock(), self._log.keyed, auditor=auditor)
        refusal = Refused(code, parameter=parameter)
        try:
            force = await self._in_force(notes)
            if auditor is None:
                notes.caller = identify(ask, force, notes.at)
        except Refused as earlier:
            refusal = earlier
        await self._record(refusal_draft(notes, refusal, None))
        return refusal

    async def _in_force(self, notes: Notes) -> Force:
        notes.at = self._clock()
        try:
            force = await self._keeper.in_force(notes.at)
        except NothingInForce as nothing:
            raise Refused("policy_unavailable", nothing.why) from nothing
        except AuditError as error:
            raise self._unavailable(error) from error
        notes.identifying = force.running.identifying
        return force

    async def _authenticate(self, notes: Notes) -> Admitted:
        """Step 1."""
        force = await self._in_force(notes)
        notes.caller = identify(notes.ask, force, notes.at)
        notes.approach = await self._count(approach(notes.ask, notes.caller, force, notes.at), notes)
        admitted = admit(notes.ask, notes.approach)
        notes.step_done("authenticate")
        return admitted

    async def _count(self, come: Approach, notes: Notes) -> Approach:
        """Ask how much the caller has had already, where something is counted."""
        case = come.case
        counters = case.policy.counters(case.subject.partner, case.dataset)
        if not counters:
            return come
        since = {counter.name: beginning(counter.per, case.at) for counter in counters}
        try:
            usage = await asyncio.to_thread(self._log.usage, case.subject.partner, since)
        except AuditError as error:
            raise self._unavailable(error) from error
        return counted(come, taken_besides(counters, usage) if notes.chunks else usage)

    async def _readmit(self, notes: Notes) -> Admitted:
        """Step 1 in the middle of the others: before each chunk after the first, and once a chunk is whole."""
        notes.step_done("fetch-label-decide-transform")
        return await self._authenticate(notes)

    def _seal(self, content: Content, batch: Batch, notes: Notes) -> bytes:
        """Step 7. The key was judged by the channel gate, for every record and for the caller."""
        admitted = batch.admitted
        return seal(
            content.body,
            media_type=content.media_type,
            recipient_jwk=_recipient(admitted.key.jwk),
            recipient=admitted.partner.code,
            release=notes.release,
            chunk=batch.number,
            last=batch.last,
            label=content.label,
            signing_key=self._signing_key,
        )

    async def _record(self, draft: Draft) -> Recorded:
        """Step 8. Durable when this returns; a crash before it has released nothing, one after it at most this chunk,
        which the entry then says was authorised.
        """
        try:
            recorded = await self._log.append(draft)
        except VolumeRefused as error:
            raise Refused("volume_exceeded", str(error)) from error
        except AuditError as error:
            self.unrecorded = True
            raise self._unavailable(error) from error
        self.unrecorded, self._told = False, ""
        return recorded

    def _unavailable(self, error: AuditError) -> Refused:
        """The refusal where the log cannot be read or written; operators are told of each cause once."""
        if error.code != self._told:
            self._told = error.code
            logger.error("audit-unavailable", reason=error.code, error=type(error).__name__)
        return Refused("audit_unavailable", str(error))

    async def _record_chunk(self, notes: Notes, draft: Draft) -> Recorded:
        """Step 8 for content. The receiver may go away meanwhile; the entry is then written all the same, and whoever
        closes the release waits to hear of it (``notes.writing``).
        """
        writing = asyncio.ensure_future(self._record(draft))
        notes.writing = (draft, writing)
        try:
            recorded = await asyncio.shield(writing)
        except Refused:
            notes.writing = None
            raise
        notes.chunk_done(last=draft.last)
        return recorded

    async def _witness(self, recorded: Recorded, notes: Notes, batch: Batch) -> None:
        """Step 8, where witnesses are demanded: nothing leaves before these have cosigned a log that holds it, nor then
        where a stop, a revocation or an activation came meanwhile.

        The entry stands all the same, and says *authorised*; a further one says that this answer did not leave.
        """
        demands = demanded(batch)
        try:
            await cover(self._witnessing, recorded.tree_size, demands)
            self.unwitnessed.discard(demands)
            if self._witnessing is not None or demands:
                self._keeper.still(batch.admitted.case.standing)
        except AuditError as error:
            if isinstance(error, NotWitnessed):
                self.unwitnessed.add(demands)
            said: dict[str, Json] = {"release": notes.release, "chunk": batch.number, "detail": str(error)[:2000]}
            said |= said_of(notes.ask.peer)
            draft = Draft(Event.UNWITNESSED, self._clock(), "audit_unwitnessed", notes.partner, private=said)
            await self._record(draft)
            raise Refused("audit_unwitnessed", str(error)) from error

    async def resumed(self) -> bool:
        """Whether entries can be written, after one could not be: found out by writing one that says so.

        Readiness asks, so that a gateway that nobody sends requests to any more still finds out for itself.
        """
        async with self._resuming:
            if self.unrecorded:
                with contextlib.suppress(Refused):
                    await self._record(Draft(Event.RESUMED, self._clock(), "resumed"))
            return not self.unrecorded

    def _close_later(self, notes: Notes) -> None:
        """A release ended in its middle (its receiver went away, or something failed): close it in the log.

        Done beside, so as not to hold up the end. A crash before it is written leaves the release open, and the next
        start closes it (``AuditLog.recover``).
        """
        task = asyncio.get_running_loop().create_task(self._close(notes))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, notes: Notes) -> None:
        with contextlib.suppress(Refused, AuditError):  # the next start closes what is still open
            if notes.writing is not None:
                draft, writing = notes.writing
                await writing
                notes.chunk_done(last=draft.last)
            if notes.is_open:
                await self._log.append(interrupted_draft(notes))

    async def drain(self) -> None:
        """Wait for the releases that are being closed; for an orderly shutdown."""
        await asyncio.gather(*self._closing)


async def _drafted(notes: Notes, batch: Batch, content: Content, sealed: bytes | None) -> Draft:
    """A chunk's entry; that of many records is made on a thread, so that nobody else waits for it."""
    if len(batch.going) + len(batch.withheld) > MANY_RECORDS:
        return await asyncio.to_thread(release_draft, notes, batch, content, sealed)
    return release_draft(notes, batch, content, sealed)


@lru_cache(maxsize=1024)
def _recipient(jwk: str) -> PublicJwk:
    return parse_jwk(json.loads(jwk), "recipient key")


def _chunk(content: Content, sealed: bytes | None, notes: Notes, batch: Batch, recorded: Recorded) -> Chunk:
    body, media_type = (content.body, content.media_type) if sealed is None else (sealed, SEALED_TYPE)
    return Chunk(body, media_type, notes.release, batch.number, batch.last, recorded)
