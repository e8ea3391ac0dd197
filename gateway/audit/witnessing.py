"""Submitting the log's checkpoints to witnesses, and waiting for enough of them before an answer leaves.

Rules. One round is under way at a time: it takes the newest checkpoint, submits it to every witness at once, checks
what comes back and keeps it. Whoever waits for an entry is served by the first round that began after it was recorded,
so one round serves every answer that waits, like one commit does. A round counts only cosignatures that verify, one
a witness. Where too few come, everybody whom that round was to serve is refused: nothing leaves unwitnessed.

A witness that has seen more entries than the log holds has seen another history or a log that was rolled back: that is
said as an error, and nothing that needs this witness leaves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.audit.checkpoint import (
    Checkpoint,
    VerifierKey,
    cosignatures,
    encode_base64,
    open_note,
    parse_checkpoint,
)
from gateway.audit.errors import AuditError, LogUnavailable, ProofRefused
from gateway.audit.log import AuditLog
from gateway.audit.note import parse_size, split_note
from gateway.audit.witness import write_submission

Send = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
"""Posts a body to a URL and gives status and answer; raises :class:`WitnessFailed` when there is none."""

UNASKED_EVERY_SECONDS = 1.0
"""How long rounds that nobody waits for are apart at least."""
TRIES = 3
"""How often one round asks one witness: it may have to learn first how far the witness is."""

logger = logging.getLogger(__name__)


class WitnessFailed(AuditError):
    """A witness that gave no cosignature, and why. ``seen`` is the size it says it has seen, where that is why."""

    def __init__(self, message: str, *, seen: int | None = None) -> None:
        super().__init__(message)
        self.seen = seen


class NotWitnessed(AuditError):
    """Fewer witnesses than are demanded have cosigned a checkpoint that covers the entry."""

    def __init__(self, wanted: int, got: int, why: str) -> None:
        super().__init__(
            f"{got} of the {wanted} witnesses demanded have cosigned: {why}",
            hint="Ask the witnesses' operators; `witness_quorum` says how many are demanded.",
        )
        self.wanted = wanted
        self.got = got


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: a name for people, its submission prefix, its key."""

    name: str
    url: str
    key: VerifierKey


@dataclass(frozen=True, slots=True)
class Round:
    """What one round brought: the checkpoint's size, how many witnesses, why the others are missing."""

    size: int
    got: int
    failures: tuple[str, ...]


class Witnessing:
    """The witnesses of one log. For one event loop; ``quorum`` of them are needed for :meth:`cover`."""

    def __init__(self, log: AuditLog, witnesses: Sequence[Witness], quorum: int, send: Send) -> None:
        self._log = log
        self._witnesses = tuple(witnesses)
        self._quorum = quorum
        self._send = send
        self._known: dict[str, int] = {}  # the size each witness has seen, as far as we know
        self._covered = 0
        self._under_way: asyncio.Task[Round] | None = None
        self._unasked: asyncio.Task[None] | None = None

    async def cover(self, size: int) -> None:
        """Return once the quorum has cosigned a checkpoint of at least ``size`` entries.

        Without a quorum it returns at once, and the witnesses are asked in the background. Raises
        :class:`NotWitnessed` when a round that covers ``size`` brought too few.
        """
        if self._quorum == 0:
            self._ask_in_background()
            return
        while self._covered < size:
            found = await asyncio.shield(self._round_under_way())
            if found.got < self._quorum and found.size >= size:
                raise NotWitnessed(self._quorum, found.got, "; ".join(found.failures) or "too few are named")

    async def close(self) -> None:
        """End what goes on in the background."""
        tasks = [task for task in (self._unasked, self._under_way) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _round_under_way(self) -> asyncio.Task[Round]:
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._round())
        return self._under_way

    def _ask_in_background(self) -> None:
        if self._witnesses and (self._unasked is None or self._unasked.done()):
            self._unasked = asyncio.create_task(self._ask_and_rest())

    async def _ask_and_rest(self) -> None:
        try:
            await asyncio.shield(self._round_under_way())
        except LogUnavailable as error:
            logger.warning("witnesses not asked: %s", error)
        await asyncio.sleep(UNASKED_EVERY_SECONDS)

    async def _round(self) -> Round:
        for _ in range(TRIES):
            note = await asyncio.to_thread(self._log.head_note)
            head = parse_checkpoint(note)
            results = await asyncio.gather(*(self._ask(each, note, head) for each in self._witnesses))
            ahead = max((each.seen or 0 for each in results if isinstance(each, WitnessFailed)), default=0)
            # Another gateway on this log may have submitted a newer head meanwhile: then ours is newer by now, too.
            if ahead <= head.size or await asyncio.to_thread(self._log.size) < ahead:
                break
        lines = [each for each in results if isinstance(each, str)]
        if lines:
            await asyncio.to_thread(self._log.keep_cosignatures, head.size, "".join(lines), len(lines))
        if len(lines) >= self._quorum:
            self._covered = max(self._covered, head.size)
        failures = tuple(str(each) for each in results if isinstance(each, WitnessFailed))
        for failure in failures:
            logger.warning("not cosigned: %s", failure)
        return Round(head.size, len(lines), failures)

    async def _ask(self, witness: Witness, note: str, head: Checkpoint) -> str | WitnessFailed:
        """The witness's cosignature line, or why there is none."""
        try:
            return await self._submit(witness, note, head)
        except WitnessFailed as failed:
            if failed.seen is not None and failed.seen > head.size:
                logger.exception("a witness has seen more than this log holds")
            return WitnessFailed(f"{witness.name}: {failed}", seen=failed.seen)

    async def _submit(self, witness: Witness, note: str, head: Checkpoint) -> str:
        old = min(self._known.get(witness.name, 0), head.size)
        for _ in range(TRIES):
            proof = await asyncio.to_thread(self._log.consistency, old, head.size)
            status, answer = await self._send(f"{witness.url}/add-checkpoint", write_submission(old, proof, note))
            if status == 200:
                line = self._checked(witness, note, answer)
                self._known[witness.name] = head.size
                return line
            if status != 409:
                raise WitnessFailed(f"answered {status}: {answer[:200].decode(errors='replace').strip()}")
            seen = _size_of(answer)
            if seen > head.size:
                raise WitnessFailed(f"has seen {seen} entries, the log has {head.size}", seen=seen)
            if seen == old:
                raise WitnessFailed(f"has seen another history of {seen} entries", seen=seen)
            old = seen
        raise WitnessFailed("answers 409 each time with another size")

    def _checked(self, witness: Witness, note: str, answer: bytes) -> str:
        """The cosignature line in an answer, verified; anything else in it is left out."""
        try:
            text = note + answer.decode()
            signatures = open_note(text, [witness.key]).signatures
            lines = split_note(text)[1]
        except (ProofRefused, UnicodeDecodeError) as error:
            raise WitnessFailed(f"gave no cosignature: {error}") from error
        if not cosignatures(signatures, [witness.key], [self._log.verifier]):
            raise WitnessFailed("gave no cosignature that states a time")
        wanted = (witness.key.name, witness.key.key_id)
        line = next(line for line in lines if (line.name, line.key_id) == wanted)
        return f"— {line.name} {encode_base64(line.key_id + line.signature)}\n"


def _size_of(answer: bytes) -> int:
    try:
        return parse_size(answer.decode("ascii", errors="replace").removesuffix("\n"), "the size a witness has seen")
    except ProofRefused as error:
        raise WitnessFailed(f"answered 409 without a size: {error}") from error
