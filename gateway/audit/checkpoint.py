"""Signed notes (C2SP signed-note), checkpoints (tlog-checkpoint) and witnesses' cosignatures
(tlog-cosignature).

A note is text, a blank line, and signature lines ``— <key name> <base64(4-byte key id || signature)>``. A
checkpoint is a note whose text is origin, tree size and root hash, one a line. A witness's cosignature is
one more signature line, with the time at which the witness saw that head.

Rules: a note is worth nothing until :func:`open_note` has found a good signature by a key that was given; a
given key whose signature is bad refuses the whole note; unknown keys are ignored. Base64 is taken only as it
would be written, so that one note has one form. Known signature types: 0x01 Ed25519 and 0x04 timestamped
Ed25519 cosignature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.audit.errors import ProofRefused
from gateway.audit.merkle import HASH_BYTES, MAX_SIZE

ED25519 = 0x01
COSIGNATURE = 0x04  # timestamped Ed25519

NOTE_LIMIT = 1_000_000
"""Most bytes a note may have."""
SIGNATURE_LIMIT = 100
"""Most signature lines a note may have (a verifier must take at least 16)."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_VERIFIER_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key that notes are checked with: its name, its signature type, its 32 raw bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """The text form, ``<name>+<8 hex of key id>+<base64(type || public key)>``."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the name and signature type it signs notes under."""

    name: str
    private: Ed25519PrivateKey
    kind: int = ED25519

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise ProofRefused(f"{self.name!r} cannot name a key: it is empty, or holds a space or a plus")
        if self.kind not in (ED25519, COSIGNATURE):
            raise ProofRefused(f"signature type {self.kind:#04x} is not known here")

    @property
    def verifier(self) -> VerifierKey:
        """The public half, for verifiers."""
        return VerifierKey(self.name, self.kind, self.private.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class Signature:
    """A good signature on a note: by which key and, of a cosignature, the time it states (aware UTC)."""

    key: VerifierKey
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note that was opened: its text with the final newline, and its good signatures by given keys (never
    none).
    """

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: the log's origin, its tree size, its 32-byte root hash, extension lines if
    any.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note text that is signed."""
        lines = [self.origin, str(self.size), encode_base64(self.root), *self.extensions]
        return "".join(f"{line}\n" for line in lines)


def parse_verifier_key(text: str) -> VerifierKey:
    """The key in ``<name>+<8 hex of key id>+<base64(type || public key)>``; its id must be that of its
    bytes.
    """
    found = _VERIFIER_KEY.fullmatch(text)
    if found is None or not _is_name(found[1]):
        raise ProofRefused(f"{text[:200]!r} is not a verifier key of the form name+id+base64")
    material = decode_base64(found[3], "the verifier key")
    key = VerifierKey(found[1], material[0] if material else 0, material[1:])
    if key.kind not in (ED25519, COSIGNATURE):
        raise ProofRefused(f"the verifier key {key.name} has signature type {key.kind:#04x}, which is not known here")
    if len(key.public) != 32:
        raise ProofRefused(f"the verifier key {key.name} has {len(key.public)} bytes of public key, not 32")
    if key.key_id.hex() != found[2]:
        raise ProofRefused(f"the verifier key {key.name} says id {found[2]}, but its bytes have {key.key_id.hex()}")
    return key


def open_note(text: str | bytes, verifier_keys: Iterable[VerifierKey]) -> Note:
    """The note's text and its good signatures by the given keys.

    Raises :class:`ProofRefused` when the note is malformed, when a given key's signature on it is bad, or
    when no given key has signed it.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in verifier_keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise ProofRefused(f"two different verifier keys are both named {key.name} with id {key.key_id.hex()}")
    body, lines = _split_note(text)
    good: list[Signature] = []
    for name, key_id, signature in lines:
        signer = known.get((name, key_id))
        if signer is not None:
            good.append(_check(body, signer, signature))
    if not good:
        raise ProofRefused("no key that is trusted here has signed this note")
    return Note(body, tuple(good))


def parse_checkpoint(text: str | bytes) -> Checkpoint:
    """What a checkpoint's text says. A whole note may be given too: its signatures are then *not* looked at,
    so open it first and hand in the opened text.
    """
    plain = _text(text)
    body = _split_note(plain)[0] if "\n\n" in plain else plain
    lines = body.split("\n")
    if len(lines) < 4 or lines.pop() != "":
        raise ProofRefused("a checkpoint is at least three lines, each ended by a newline")
    if not all(lines):
        raise ProofRefused("a checkpoint has no empty lines")
    if not _SIZE.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE:
        raise ProofRefused(f"the checkpoint's tree size {lines[1][:40]!r} is not a decimal up to 2^63 - 1")
    root = decode_base64(lines[2], "the checkpoint's root hash")
    if len(root) != HASH_BYTES:
        raise ProofRefused(f"the checkpoint's root hash has {len(root)} bytes, not {HASH_BYTES}")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def sign(text: str, key: SigningKey, at: datetime | None = None) -> str:
    """A note over ``text`` (which ends in a newline) with one signature. ``at`` is for cosignature keys
    only.
    """
    if not text.endswith("\n"):
        raise ProofRefused("a note's text ends in a newline")
    return f"{text}\n{_signature_line(text, key, at)}"


def cosign(checkpoint: str | bytes, witness_key: SigningKey, at: datetime) -> str:
    """The same signed checkpoint with the witness's cosignature line added; ``at`` is aware, to the second.

    It states that at ``at`` this was the largest consistent head the witness had seen of this log: check
    that first.
    """
    note = _text(checkpoint)
    body, _ = _split_note(note)
    parse_checkpoint(body)
    return note + _signature_line(body, witness_key, at)


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str, what: str) -> bytes:
    """The bytes of standard base64 written in its one canonical form; ``what`` names it in the refusal."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofRefused(f"{what} is not base64: {error}") from error
    if encode_base64(data) != text:
        raise ProofRefused(f"{what} is not base64 in its canonical form")
    return data


def _signature_line(text: str, key: SigningKey, at: datetime | None) -> str:
    if key.kind == COSIGNATURE:
        if at is None or at.tzinfo is None:
            raise ProofRefused("a cosignature needs the time at which it is made, with its zone")
        seconds = int(at.timestamp())
        signature = seconds.to_bytes(8, "big") + key.private.sign(_cosigned(text, seconds))
    else:
        signature = key.private.sign(text.encode())
    return f"— {key.name} {encode_base64(key.verifier.key_id + signature)}\n"


def _cosigned(text: str, seconds: int) -> bytes:
    """What a cosignature signs (tlog-cosignature: header line, time line, the note's text)."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _check(text: str, key: VerifierKey, signature: bytes) -> Signature:
    """The good signature these bytes are, or :class:`ProofRefused`."""
    message, time = text.encode(), None
    if key.kind == COSIGNATURE:
        seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = _cosigned(text, seconds)
        try:
            time = datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, ValueError, OSError) as error:
            raise ProofRefused(f"the cosignature by {key.name} states no time a clock can show") from error
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise ProofRefused(f"the signature by {key.name} ({key.key_id.hex()}) does not verify") from error
    return Signature(key, time)


def _text(text: str | bytes) -> str:
    """The text of a note, refusing what no note may hold."""
    try:
        data = text.encode() if isinstance(text, str) else bytes(text)
        plain = data.decode()
    except UnicodeError as error:
        raise ProofRefused(f"a note is valid UTF-8: {error}") from error
    if len(data) > NOTE_LIMIT:
        raise ProofRefused(f"a note of {len(data)} bytes is over the limit of {NOTE_LIMIT}")
    if any(byte < 0x20 and byte != 0x0A for byte in data):
        raise ProofRefused("a note holds no control characters other than newline")
    return plain


def _split_note(text: str | bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """A note's text with its final newline, and its signature lines as (name, key id, signature)."""
    plain = _text(text)
    body, blank, tail = plain.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise ProofRefused("a note is text, an empty line, and signature lines that each end in a newline")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise ProofRefused(f"a note of {len(lines)} signatures is over the limit of {SIGNATURE_LIMIT}")
    return f"{body}\n", [_parse_signature_line(line) for line in lines]


def _parse_signature_line(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "—" or not _is_name(name):
        raise ProofRefused(f"{line[:200]!r} is not a signature line: em dash, space, key name, space, base64")
    data = decode_base64(encoded, f"the signature by {name[:100]}")
    if len(data) < 5:
        raise ProofRefused(f"the signature by {name[:100]} is shorter than a key id and a signature")
    return name, data[:4], data[4:]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() or ord(char) < 0x20 for char in name)
