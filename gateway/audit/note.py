"""The written form of signed notes (C2SP signed-note) and of checkpoints (tlog-checkpoint); no keys here.

A note is text, a blank line, and signature lines ``— <key name> <base64(4-byte key id || signature)>``. A
checkpoint is a note whose text is origin, tree size and root hash, one a line.

Rules: whatever is not exactly of the form is refused; base64 is taken only as it would be written, so that
one note has one form. Nothing read here is believed: :mod:`gateway.audit.checkpoint` looks at signatures.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from gateway.audit.errors import ProofRefused
from gateway.audit.merkle import HASH_BYTES, MAX_SIZE

NOTE_LIMIT = 1_000_000
"""Most bytes a note may have."""
SIGNATURE_LIMIT = 100
"""Most signature lines a note may have (a verifier must take at least 16)."""
ORIGIN_LIMIT = 255
"""Most bytes an origin may have: an ML-DSA-44 cosignature states its length in one (tlog-cosignature)."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


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


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line taken apart; nothing in it has been verified."""

    name: str
    key_id: bytes
    signature: bytes


def parse_checkpoint(text: str | bytes) -> Checkpoint:
    """What a checkpoint's text says. A whole note may be given too: its signatures are then *not* looked at, which is
    what :func:`gateway.audit.checkpoint.open_checkpoint` does.
    """
    plain = plain_text(text)
    return parse_body(split_note(plain)[0] if "\n\n" in plain else plain)


def parse_body(body: str) -> Checkpoint:
    """What a checkpoint's text without signatures says: a note inside the note is none, as no line of it is empty."""
    lines = body.split("\n")
    if len(lines) < 4 or lines.pop() != "":
        raise ProofRefused("a checkpoint is at least three lines, each ended by a newline")
    if not all(lines):
        raise ProofRefused("a checkpoint has no empty lines")
    if len(lines[0].encode()) > ORIGIN_LIMIT:
        raise ProofRefused(f"a checkpoint's origin has at most {ORIGIN_LIMIT} bytes")
    size = parse_size(lines[1], "the checkpoint's tree size")
    root = decode_base64(lines[2], "the checkpoint's root hash")
    if len(root) != HASH_BYTES:
        raise ProofRefused(f"the checkpoint's root hash has {len(root)} bytes, not {HASH_BYTES}")
    return Checkpoint(lines[0], size, root, tuple(lines[3:]))


def parse_size(text: str, what: str) -> int:
    """A tree size in decimal, as it is written: no sign, no leading zero, at most 2^63 - 1."""
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise ProofRefused(f"{what} {text[:40]!r} is not a decimal up to 2^63 - 1")
    return int(text)


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


def plain_text(text: str | bytes) -> str:
    """The text of a note, refusing what no note may hold."""
    if not isinstance(text, str | bytes):
        raise ProofRefused(f"a note is text or its bytes, not {type(text).__name__}")
    try:
        data = text.encode() if isinstance(text, str) else text
        plain = data.decode()
    except UnicodeError as error:
        raise ProofRefused(f"a note is valid UTF-8: {error}") from error
    if len(data) > NOTE_LIMIT:
        raise ProofRefused(f"a note of {len(data)} bytes is over the limit of {NOTE_LIMIT}")
    if any(byte < 0x20 and byte != 0x0A for byte in data):
        raise ProofRefused("a note holds no control characters other than newline")
    return plain


def split_note(text: str | bytes) -> tuple[str, list[SignatureLine]]:
    """A note's text with its final newline, and its signature lines."""
    plain = plain_text(text)
    body, blank, tail = plain.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise ProofRefused("a note is text, an empty line, and signature lines that each end in a newline")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise ProofRefused(f"a note of {len(lines)} signatures is over the limit of {SIGNATURE_LIMIT}")
    return f"{body}\n", [_parse_signature_line(line) for line in lines]


def is_name(name: str) -> bool:
    """Whether this can name a key: not empty, no space of any kind, no plus, no control character, valid Unicode."""
    return bool(name) and "+" not in name and not any(map(_cannot_name, name))


def _cannot_name(char: str) -> bool:
    return char.isspace() or ord(char) < 0x20 or 0xD800 <= ord(char) <= 0xDFFF


def _parse_signature_line(line: str) -> SignatureLine:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "—" or not is_name(name):
        raise ProofRefused(f"{line[:200]!r} is not a signature line: em dash, space, key name, space, base64")
    data = decode_base64(encoded, f"the signature by {name[:100]}")
    if len(data) < 5:
        raise ProofRefused(f"the signature by {name[:100]} is shorter than a key id and a signature")
    return SignatureLine(name, data[:4], data[4:])
