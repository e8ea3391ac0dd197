"""Opening signed notes, and signing and cosigning checkpoints (C2SP signed-note, tlog-checkpoint,
tlog-cosignature).

Rules: a note is worth nothing until :func:`open_note` has found a good signature by a key that was given; a
given key whose signature is bad refuses the whole note; unknown keys are ignored. The written forms are in
:mod:`gateway.audit.note`, the keys in :mod:`gateway.audit.note_keys`, what they sign in
:mod:`gateway.audit.signing`; what others need of them is named here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import overload

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
from gateway.audit.note_keys import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    SigningKey,
    VerifierKey,
    cosigning_key,
    parse_signing_key,
    parse_verifier_key,
    trusted_keys,
)
from gateway.audit.signing import Signature, check_signature, signature_line

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
    "parse_signing_key",
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


def open_checkpoint(text: str | bytes, verifier_keys: Iterable[VerifierKey | str]) -> Checkpoint:
    """What a checkpoint says that one of the given keys has signed. Raises :class:`ProofRefused` as :func:`open_note`,
    and for a note that is no checkpoint.
    """
    return parse_body(open_note(text, verifier_keys).text)


def sign(text: str, key: SigningKey, *beside: SigningKey, at: datetime | int | None = None) -> str:
    """A note over ``text`` (which ends in a newline), signed by ``key`` and by every key ``beside`` it.

    ``at`` is the time that signatures of types 0x04 and 0x06 state.
    """
    if not text.endswith("\n"):
        raise ProofRefused("a note's text ends in a newline")
    return f"{text}\n" + "".join(signature_line(text, each, at) for each in (key, *beside))


@overload
def cosign(checkpoint: str | Checkpoint, witness_key: SigningKey | str | bytes, at: datetime | int) -> str: ...


@overload
def cosign(checkpoint: bytes, witness_key: SigningKey | str | bytes, at: datetime | int) -> bytes: ...


def cosign(
    checkpoint: str | bytes | Checkpoint, witness_key: SigningKey | str | bytes, at: datetime | int
) -> str | bytes:
    """The same signed checkpoint with the witness's cosignature line added, as text or as bytes as it was given.

    A checkpoint's text alone, or what was parsed from it, becomes a note with that one line. The key is a
    :class:`SigningKey` of type 04 or 06, or ``PRIVATE+KEY+...`` in text (see :func:`note_keys.cosigning_key`);
    ``at`` is aware, or whole POSIX seconds. Raises :class:`ProofRefused` for anything else.

    It states that at ``at`` this was the largest consistent head the witness had seen of this log: check
    that first. No signature that is there already is looked at.
    """
    key = cosigning_key(witness_key)
    if at is None:
        raise ProofRefused("a cosignature needs the time at which it is made")
    note = _note_of(checkpoint)
    if "\n\n" not in note:
        note = f"{note}\n"
        body = note[:-1]
    else:
        body, _ = split_note(note)
    parse_body(body)
    cosigned = note + signature_line(body, key, at)
    split_note(cosigned)  # so many signatures may be there already that nobody would take one more
    return cosigned.encode() if isinstance(checkpoint, bytes) else cosigned


def _note_of(checkpoint: str | bytes | Checkpoint) -> str:
    """A checkpoint's text, with its signatures where it has any."""
    if not isinstance(checkpoint, Checkpoint):
        return plain_text(checkpoint)
    parts = isinstance(checkpoint.root, bytes) and isinstance(checkpoint.extensions, tuple | list)
    if not parts:
        raise ProofRefused("a checkpoint has a root of bytes, and lines of text after it or none")
    return plain_text(checkpoint.text)


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
