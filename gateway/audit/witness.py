"""A witness's decision about one submitted checkpoint (C2SP tlog-witness 1.1): a table of refusals, and a cosignature.

A witness remembers, for each log it knows, the largest head it has cosigned, and cosigns only what extends it. So
whoever rewrites or forks a log needs every witness's help. Checks, in this order; the first that fails answers:

======  ================================================================================================
400     the body is not ``old <size>``, at most 63 proof lines, an empty line, a checkpoint
404     no log of this origin is known here
403     none of the log's keys has signed the checkpoint, or a signature by one of them is bad
400     the old size is larger than the checkpoint's
409     the old size is not that of the head remembered; the answer is that size (``text/x.tlog.size``)
422     the size is 0, and the root is not that of the empty tree
422     the size is that of the head remembered, and the root is another one
422     the consistency proof fails, or there is one where none is due
200     the answer is one cosignature line for each of the witness's keys
======  ================================================================================================

Another root for one size was 409 in version 1.0 of the page, and nothing was said of the empty tree's.

Pure: the state goes in and comes out, the time is in it. The server around it must make the new state durable before
it sends the answer, and must do both in one turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.audit import merkle
from gateway.audit.checkpoint import Checkpoint, SigningKey, VerifierKey, open_note, parse_body
from gateway.audit.errors import ProofRefused
from gateway.audit.merkle import EMPTY_ROOT
from gateway.audit.note import decode_base64, encode_base64, parse_size, plain_text, split_note
from gateway.audit.note_keys import cosigning_key, trusted_keys
from gateway.audit.signing import seconds_of, signature_line

PROOF_LIMIT = 63
"""Most proof lines a submission may have."""
SIZE_TYPE = "text/x.tlog.size"
"""The media type of a 409's answer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest head of one log that this witness has cosigned.

    ``note`` is that checkpoint with the log's own signatures and this witness's, for monitors; no decision reads it.
    """

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class State:
    """All that a witness's answer depends on. ``at`` is the time of the submission, aware UTC or in POSIX seconds.

    ``keys`` are its own, of type 04 or 06, at least one; ``logs`` are the keys of the logs it knows, by origin
    (:func:`begin` takes them all in their text form too). ``seen`` is the largest head of each log, and says nothing of
    a log of which it has seen none.

    ``evidence``, after a submission, is the signed checkpoint to keep, or empty. With ``forked`` it is proof by itself:
    it has another root than the head of its size that was seen, or than the tree without leaves. Otherwise its proof
    fails, which may be the fault of whoever submitted it: the log has forked if it has no other.
    """

    keys: tuple[SigningKey, ...]
    logs: Mapping[str, tuple[VerifierKey, ...]]
    at: datetime | int
    seen: Mapping[str, Seen] = field(default_factory=dict)
    evidence: str = ""
    forked: bool = False

    def __post_init__(self) -> None:
        """Refuse, with :class:`ProofRefused`, what no witness can answer from, so that no submission meets it."""
        if not isinstance(self.keys, tuple) or not self.keys or any(cosigning_key(key) is not key for key in self.keys):
            raise ProofRefused("a witness has at least one key, and has them as a tuple")
        if not isinstance(self.logs, Mapping) or not all(isinstance(origin, str) for origin in self.logs):
            raise ProofRefused("a witness has its logs' keys by their origins")
        for keys in self.logs.values():
            trusted_keys(keys)
        if not isinstance(self.seen, Mapping) or not all(isinstance(seen, Seen) for seen in self.seen.values()):
            raise ProofRefused("a witness has seen a head of each log, or none")
        seconds_of(self.at)


@dataclass(frozen=True, slots=True)
class Submission:
    """A request's body taken apart; nothing in it has been verified. ``note`` is the checkpoint as it was sent."""

    old: int
    proof: tuple[bytes, ...]
    note: str
    checkpoint: Checkpoint


class _Refused(Exception):
    """The submission gets this status. ``contradicts`` says that the checkpoint is to be kept, and ``forked`` that it
    proves a fork by itself.
    """

    def __init__(self, status: int, answer: str, *, contradicts: bool = False, forked: bool = False) -> None:
        super().__init__(answer)
        self.status = status
        self.contradicts = contradicts or forked
        self.forked = forked


def begin(
    keys: Iterable[SigningKey | str], logs: Mapping[str, Iterable[VerifierKey | str]], at: datetime | int
) -> State:
    """A witness that has seen nothing yet. Its own keys, and its logs' by their origins, are parsed or in their text
    form. Raises :class:`ProofRefused`.
    """
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable) or not isinstance(logs, Mapping):
        raise ProofRefused("a witness's keys are a list, and its logs' keys are lists by their origins")
    own = tuple(cosigning_key(key) for key in keys)
    return State(own, {origin: trusted_keys(of_log) for origin, of_log in logs.items()}, at)


def add_checkpoint(state: State, body: bytes | str) -> tuple[int, bytes, State]:
    """Judge a submission: the HTTP status, the answer's bytes, and the state from then on.

    The state is another one only with status 200, but for its ``evidence`` and ``forked``. Whatever ``body`` is gets an
    answer; raises :class:`ProofRefused` for a ``state`` that is none.
    """
    if not isinstance(state, State):
        raise ProofRefused(f"a witness's state is a State, not {type(state).__name__}: see witness.begin")
    state = replace(state, evidence="", forked=False)
    try:
        submitted = parse_submission(body)
    except ProofRefused as error:
        return 400, f"{error}\n".encode(), state
    try:
        text = _judge(state, submitted)
        lines = "".join(signature_line(text, key, state.at) for key in state.keys)
    except _Refused as refused:
        evidence = _signed(submitted, state.logs[submitted.checkpoint.origin]) if refused.contradicts else ""
        return refused.status, f"{refused}\n".encode(), replace(state, evidence=evidence, forked=refused.forked)
    except ProofRefused as error:  # a checkpoint that one of its keys does not sign
        return 400, f"{error}\n".encode(), state
    head = submitted.checkpoint
    note = _signed(submitted, state.logs[head.origin]) + lines
    seen = {**state.seen, head.origin: Seen(head.size, head.root, note)}
    return 200, lines.encode(), replace(state, seen=seen)


def _signed(submitted: Submission, keys: Iterable[VerifierKey]) -> str:
    """The checkpoint with the log's own signatures, each once: whoever submits it can add any number of other lines,
    and each variant would be evidence of its own, or be shown to monitors.
    """
    body, lines = split_note(submitted.note)
    known = {(key.name, key.key_id) for key in keys}
    texts = submitted.note.removeprefix(f"{body}\n").split("\n")[:-1]
    own = [f"{text}\n" for line, text in zip(lines, texts, strict=True) if (line.name, line.key_id) in known]
    return f"{body}\n{''.join(dict.fromkeys(own))}"


def write_submission(old: int, proof: list[bytes], note: str) -> bytes:
    """The body that submits a checkpoint."""
    lines = [f"old {old}", *(encode_base64(value) for value in proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()


def parse_submission(body: bytes | str) -> Submission:
    """Take a body apart, strictly. Raises :class:`ProofRefused` when it is not a submission."""
    text = plain_text(body)
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or not lines[0].startswith("old "):
        raise ProofRefused("a submission is a line `old <size>`, proof lines, an empty line, and a checkpoint")
    old = parse_size(lines[0].removeprefix("old "), "the old size")
    if len(lines) - 1 > PROOF_LIMIT:
        raise ProofRefused(f"a proof of {len(lines) - 1} lines is over the limit of {PROOF_LIMIT}")
    proof = tuple(decode_base64(line, f"proof line {number}") for number, line in enumerate(lines[1:], start=1))
    if any(len(value) != merkle.HASH_BYTES for value in proof):
        raise ProofRefused("a proof line is the base64 of 32 bytes")
    checkpoint = parse_body(split_note(note)[0])
    return Submission(old, proof, note, checkpoint)


def _judge(state: State, submitted: Submission) -> str:
    """The checkpoint's text, once every check has passed."""
    head = submitted.checkpoint
    keys = state.logs.get(head.origin, ())
    if not keys:
        raise _Refused(404, f"no log {head.origin} is known here")
    try:
        text = open_note(submitted.note, keys).text
    except ProofRefused as error:
        raise _Refused(403, str(error)) from error
    if submitted.old > head.size:
        raise _Refused(400, f"the old size {submitted.old} is larger than the checkpoint's {head.size}")
    seen = state.seen.get(head.origin, Seen())
    another = head.root != (seen.root if head.size == seen.size else EMPTY_ROOT if head.size == 0 else head.root)
    if submitted.old != seen.size:
        raise _Refused(409, str(seen.size), forked=another)
    if another:
        raise _Refused(422, f"another root for {head.size} leaves than the one seen, {seen.root.hex()}", forked=True)
    _check_proof(seen, head, submitted.proof)
    return text


def _check_proof(seen: Seen, head: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if seen.size in (0, head.size):  # nothing is to be proved, so no proof may stand there
        if proof:
            raise _Refused(422, f"no proof is due from size {seen.size} to {head.size}")
        return
    try:
        merkle.verify_consistency(seen.size, head.size, proof, seen.root, head.root)
    except ProofRefused as error:
        raise _Refused(422, str(error), contradicts=True) from error
