"""Submitting one checkpoint to one witness (C2SP tlog-witness, ``add-checkpoint``), and checking what comes back.

What a witness answers proves nothing until its cosignature verifies over the very checkpoint that was submitted, by the
key that is configured for it, and states about the time that it is. Whatever else comes back is a failure with its
reason; two kinds of it say that the log itself is in doubt (:class:`Contradicted`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.audit.checkpoint import Checkpoint, VerifierKey, cosignatures, encode_base64, open_note
from gateway.audit.demands import mark_of
from gateway.audit.errors import AuditError, ProofRefused
from gateway.audit.note import parse_checkpoint, parse_size, split_note
from gateway.audit.reading import LogReader
from gateway.audit.witness import write_submission

Send = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
"""Posts a body to a URL and gives status and answer; raises :class:`WitnessFailed` when there is none."""

Clock = Callable[[], datetime]
"""Says the time, aware UTC."""

TRIES = 3
"""How often a witness is asked about one checkpoint: the gateway may have to learn first how far it is."""

CLOCKS_APART = timedelta(minutes=10)
"""How far the time in a cosignature may be from the gateway's own. Another time makes it no evidence of when."""


class WitnessFailed(AuditError):
    """A witness that gave no cosignature, and why; ``code`` says it in a word, for log lines."""

    def __init__(self, message: str, code: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Contradicted(WitnessFailed):
    """A witness that has seen what this log does not hold: it was rolled back, or it has forked. ``seen`` is how many
    entries the witness has seen; that is its word, and it signs nothing of it.
    """

    def __init__(self, message: str, code: str, seen: int) -> None:
        super().__init__(message, code, hint="docs/audit-keeping.md, when a witness contradicts the log")
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: a name for people, its submission prefix, its key."""

    name: str
    url: str
    key: VerifierKey

    @property
    def mark(self) -> str:
        """How demands name it."""
        return mark_of(self.key)


Heard = WitnessFailed | None
"""What a witness that was asked once answered: ``None`` is a cosignature."""


async def ask_all(log: LogReader, witnesses: Sequence[Witness], send: Send, clock: Clock) -> Mapping[str, Heard]:
    """Submit the log's newest checkpoint to each witness once, and say by its name what it answered."""
    note = await asyncio.to_thread(log.head_note)

    async def ask(witness: Witness) -> Heard:
        try:
            await Submitter(log, witness, send, clock).submit(note, parse_checkpoint(note))
        except WitnessFailed as failed:
            return failed
        return None

    heard = await asyncio.gather(*(ask(each) for each in witnesses))
    return dict(zip((each.name for each in witnesses), heard, strict=True))


class Submitter:
    """Asks one witness, one submission at a time, and remembers how far it is."""

    def __init__(self, log: LogReader, witness: Witness, send: Send, clock: Clock) -> None:
        self.witness = witness
        self.turn = asyncio.Lock()
        self._log = log
        self._send = send
        self._clock = clock
        self._known = 0  # the size that it has seen, as far as we know

    async def submit(self, note: str, head: Checkpoint) -> str:
        """The witness's cosignature line over this checkpoint. Raises :class:`WitnessFailed`."""
        old = min(self._known, head.size)
        for _ in range(TRIES):
            proof = await asyncio.to_thread(self._log.consistency, old, head.size)
            address = f"{self.witness.url}/add-checkpoint"
            status, answer = await self._send(address, write_submission(old, proof, note))
            if status == 200:
                line = self._checked(note, answer)
                self._known = head.size
                return line
            if status == 422 and old == head.size:
                raise Contradicted(f"has seen another history of {old} entries", "forked", old)
            if status == 422:
                raise Contradicted(f"holds another history of {old} entries: the proof from there fails", "forked", old)
            if status != 409:
                told = answer[:200].decode(errors="replace").strip()
                raise WitnessFailed(f"answered {status}: {told}", f"status-{status}")
            seen = _size_of(answer)
            if seen > head.size:
                raise Contradicted(f"has seen {seen} entries, the log has {head.size}", "rolled-back", seen)
            if seen == old:  # how version 1.0 of the page said it
                raise Contradicted(f"has seen another history of {seen} entries", "forked", seen)
            old = self._known = seen
        raise WitnessFailed("answers 409 each time with another size", "no-size")

    def _checked(self, note: str, answer: bytes) -> str:
        """The cosignature line in an answer, verified; anything else in it is left out."""
        key = self.witness.key
        try:
            text = note + answer.decode()
            signatures = open_note(text, [key]).signatures
            lines = split_note(text)[1]
        except (ProofRefused, UnicodeDecodeError) as error:
            raise WitnessFailed(f"gave no cosignature: {error}", "no-cosignature") from error
        good = cosignatures(signatures, [key], self._log.verifiers)
        if not good or good[0].time is None:
            raise WitnessFailed("gave no cosignature that states a time and is not the log's own", "no-cosignature")
        apart = good[0].time - self._clock()
        if abs(apart) > CLOCKS_APART:
            told = f"states {good[0].time.isoformat()}, which is {apart} from this gateway's time"
            raise WitnessFailed(told, "another-time")
        wanted = (key.name, key.key_id)
        line = next(line for line in lines if (line.name, line.key_id) == wanted)
        return f"— {line.name} {encode_base64(line.key_id + line.signature)}\n"


def _size_of(answer: bytes) -> int:
    try:
        return parse_size(answer.decode("ascii", errors="replace").removesuffix("\n"), "the size a witness has seen")
    except ProofRefused as error:
        raise WitnessFailed(f"answered 409 without a size: {error}", "no-size") from error
