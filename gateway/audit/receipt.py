"""Receipts: the proof that an entry is in the log, in the form of C2SP tlog-proof (file extension
``.tlog-proof``).

A receipt is the leaf's index, its inclusion proof and the signed checkpoint the proof leads to. Ours carry
the leaf itself in the ``extra`` line, so that a receipt stands by itself: whoever holds it and a trusted
copy of the log's verifier key can prove what was said, offline, years later. The ``extra`` line is not
authenticated as such: it is worth exactly what :func:`verify` says of the leaf taken from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.audit import merkle
from gateway.audit.checkpoint import (
    COSIGNATURE,
    NOTE_LIMIT,
    Checkpoint,
    Signature,
    VerifierKey,
    cosignatures,
    decode_base64,
    encode_base64,
    open_note,
    parse_body,
    trusted_keys,
)
from gateway.audit.errors import ProofRefused, shown

HEADER = "c2sp.org/tlog-proof@v1"
MEDIA_TYPE = "text/plain; charset=utf-8"

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt taken apart; nothing in it has been verified. ``checkpoint`` is the whole signed note."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt proved: the leaf stands at ``index`` under this checkpoint, signed by the log, and
    cosigned by these distinct witnesses (their names and the times they state are in the signatures).
    """

    index: int
    checkpoint: Checkpoint
    log: Signature
    witnesses: tuple[Signature, ...]


def write(index: int, proof: Sequence[bytes], checkpoint: str, leaf: bytes) -> bytes:
    """The receipt's bytes; ``checkpoint`` is the signed note, ``proof`` leads from the leaf's sibling
    upwards.
    """
    hashes = "".join(f"{encode_base64(value)}\n" for value in proof)
    return f"{HEADER}\nextra {encode_base64(leaf)}\nindex {index}\n{hashes}\n{checkpoint}".encode()


def parse(receipt: bytes | str) -> Receipt:
    """Take a receipt apart, strictly. Raises :class:`ProofRefused` when it is not one."""
    if not isinstance(receipt, str | bytes):
        raise ProofRefused(f"a receipt is text or its bytes, not {type(receipt).__name__}")
    try:
        text = receipt if isinstance(receipt, str) else receipt.decode()
    except UnicodeDecodeError as error:
        raise ProofRefused(f"a receipt is valid UTF-8: {error}") from error
    if len(text) > NOTE_LIMIT:
        raise ProofRefused(f"a receipt of {len(text)} characters is over the limit of {NOTE_LIMIT}")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != HEADER:
        raise ProofRefused(f"a receipt starts with the line {HEADER} and holds a checkpoint after an empty line")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "), "the receipt's extra line")
    found = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if found is None:
        raise ProofRefused("a receipt has a line `index <decimal>` before its proof")
    proof = tuple(decode_base64(line, f"the receipt's hash {number}") for number, line in enumerate(lines))
    if any(len(value) != merkle.HASH_BYTES for value in proof):
        raise ProofRefused(f"a receipt's proof is of hashes of {merkle.HASH_BYTES} bytes")
    return Receipt(int(found[1]), proof, checkpoint, extra)


def leaf_of(receipt: bytes | str) -> bytes:
    """The leaf that a receipt carries. It is only what somebody wrote there until :func:`verify` has passed
    it.
    """
    extra = parse(receipt).extra
    if extra is None:
        raise ProofRefused("this receipt carries no leaf: its `extra` line is missing", hint="Hand in the leaf itself.")
    return extra


def verify(
    receipt: bytes | str,
    leaf: bytes,
    verifier_keys: Iterable[VerifierKey | str],
    origin: str | None = None,
    witness_keys: Iterable[VerifierKey | str] = (),
    quorum: int = 0,
) -> Proven:
    """Check that ``leaf`` is in the log, offline. Raises :class:`ProofRefused` naming the step that failed.
    Keys are given parsed or in their text form.

    1. The receipt parses.
    2. Its checkpoint is signed by one of ``verifier_keys``, and no given key's signature on it is bad.
    3. Its origin is ``origin``; without one, the name of the log key that signed.
    4. At least ``quorum`` distinct ``witness_keys`` (of type 04 or 06), none of them a log key, have cosigned it.
    5. The proof leads from the leaf's hash to the checkpoint's root.
    """
    log_keys, witnesses = trusted_keys(verifier_keys), trusted_keys(witness_keys)
    for key in witnesses:
        if not key.states_time:
            hint = f"of type 04 it is {VerifierKey(key.name, COSIGNATURE, key.public)}"
            raise ProofRefused(f"{key.name} is a key of type 01, which states no time and is no witness's", hint=hint)
    parts = parse(receipt)  # 1
    note = open_note(parts.checkpoint, (*log_keys, *(key for key in witnesses if key not in log_keys)))  # 2
    by_log = [signature for signature in note.signatures if signature.key in log_keys]
    if not by_log:
        raise ProofRefused("the receipt's checkpoint is not signed by the log's key")
    head = parse_body(note.text)
    if not isinstance(origin, str | None):
        raise ProofRefused(f"an origin is text, not {type(origin).__name__}")
    wanted = {signature.key.name for signature in by_log} if origin is None else {origin}
    if head.origin not in wanted:  # 3
        raise ProofRefused(f"the checkpoint is of the log {head.origin!r}, not of {' or '.join(sorted(wanted))!r}")
    cosigned = cosignatures(note.signatures, witnesses, log_keys)  # 4
    if isinstance(quorum, bool) or not isinstance(quorum, int) or quorum < 0:
        raise ProofRefused("a quorum of witnesses is a whole number, 0 or more")
    if quorum > len(cosigned):
        raise ProofRefused(f"{len(cosigned)} known witnesses have cosigned the checkpoint; {shown(quorum)} are needed")
    merkle.verify_inclusion(parts.index, head.size, merkle.leaf_hash(leaf), parts.proof, head.root)  # 5
    return Proven(parts.index, head, by_log[0], cosigned)
