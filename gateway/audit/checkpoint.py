"""Opening signed notes, and signing and cosigning checkpoints (C2SP signed-note, tlog-checkpoint,
tlog-cosignature).

Rules: a note is worth nothing until :func:`open_note` has found a good signature by a key that was given; a
given key whose signature is bad refuses the whole note; unknown keys are ignored. The written forms are in
:mod:`gateway.audit.note`, the keys and what they sign in :mod:`gateway.audit.signing`; what others need of
both is named here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.errors import ProofRefused
from gateway.audit.note import (
    NOTE_LIMIT,
    Checkpoint,
    decode_base64,
    encode_base64,
    parse_body,
    parse_checkpoint,
    plain_text,
    split_note,
)
from gateway.audit.signing import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    Signature,
    SigningKey,
    VerifierKey,
    check_signature,
    parse_verifier_key,
    signature_line,
    trusted_keys,
)

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "ML_DSA_44",
    "NOTE_LIMIT",
    "Checkpoint",
    "Note",
    "ProofRefused",
    "Signature",
    "SigningKey",
    "VerifierKey",
    "cosign",
    "cosignatures",
    "decode_base64",
    "encode_base64",
    "open_checkpoint",
    "open_note",
    "parse_body",
    "parse_checkpoint",
    "parse_verifier_key",
    "sign",
    "trusted_keys",
]


@dataclass(frozen=True, slots=True)
class Note:
    """A note that was opened: its text with the final newline, and its good signatures by given keys (never
    none).
    """

    text: str
    signatures: tuple[Signature, ...]


def open_note(text: str | bytes, verifier_keys: Iterable[VerifierKey | str]) -> Note:
    """The note's text and its good signatures by the given keys (parsed, or in their text form), one for each key.

    Raises :class:`ProofRefused` when the note is malformed, when a given key's signature on it is bad, or
    when no given key has signed it.
    """
    known = {(key.name, key.key_id): key for key in trusted_keys(verifier_keys)}
    body, lines = split_note(text)
    good: dict[VerifierKey, Signature] = {}
    for line in lines:
        signer = known.get((line.name, line.key_id))
        if signer is not None:
            good.setdefault(signer, check_signature(body, signer, line.signature))  # each is checked, the first counts
    if not good:
        raise ProofRefused("no key that is trusted here has signed this note")
    return Note(body, tuple(good.values()))


def open_checkpoint(note: str | bytes, verifier_keys: Iterable[VerifierKey | str]) -> Checkpoint:
    """What a checkpoint says that one of the given keys has signed. Raises :class:`ProofRefused` as :func:`open_note`,
    and for a note that is no checkpoint.
    """
    return parse_body(open_note(note, verifier_keys).text)


def sign(text: str, key: SigningKey, *beside: SigningKey, at: datetime | int | None = None) -> str:
    """A note over ``text`` (which ends in a newline), signed by ``key`` and by every key ``beside`` it.

    ``at`` is the time that signatures of types 0x04 and 0x06 state.
    """
    if not text.endswith("\n"):
        raise ProofRefused("a note's text ends in a newline")
    return f"{text}\n" + "".join(signature_line(text, each, at) for each in (key, *beside))


def cosign(checkpoint: str | bytes, witness_key: SigningKey, at: datetime | int) -> str:
    """The same signed checkpoint with the witness's cosignature line added; ``at`` is aware, or POSIX
    seconds.

    It states that at ``at`` this was the largest consistent head the witness had seen of this log: check
    that first.
    """
    if not isinstance(witness_key, SigningKey):
        raise ProofRefused(f"a witness's key is a SigningKey, not {type(witness_key).__name__}")
    if not witness_key.verifier.states_time:
        raise ProofRefused("a witness cosigns with a key of type 04 or 06, which state a time; type 01 is a log's")
    note = plain_text(checkpoint)
    body, _ = split_note(note)
    parse_body(body)
    return note + signature_line(body, witness_key, at)


def cosignatures(
    signatures: Iterable[Signature], witnesses: Iterable[VerifierKey], not_these: Iterable[VerifierKey] = ()
) -> tuple[Signature, ...]:
    """One signature for each of these witnesses. One key under two names counts once, and so does one name
    with two keys (a witness that signs with Ed25519 and with ML-DSA-44).

    A signature that states no time is no witness's, and neither is one by a key of ``not_these`` (the log's) or under
    the name of one: a log that signs with two keys has one name.
    """
    wanted, log_keys = set(witnesses), tuple(not_these)
    own = {key.public for key in log_keys}
    names = {key.name for key in log_keys}
    found: dict[bytes, Signature] = {}
    for signature in signatures:
        key = signature.key
        taken = key.name in names or key.public in found or key.public in own
        if key in wanted and signature.time is not None and not taken:
            names.add(key.name)
            found[key.public] = signature
    return tuple(found.values())
