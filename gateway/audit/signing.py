"""What exactly each kind of signature on a note is over, made and checked (C2SP signed-note, tlog-cosignature).

=====  ==================================  ==============================================================
type   signature                           over
=====  ==================================  ==============================================================
0x01   Ed25519                             the note's text
0x04   time, then Ed25519                  ``cosignature/v1`` LF ``time <seconds>`` LF, then the text
0x06   time, then ML-DSA-44 (FIPS 204)     ``subtree/v1`` LF NUL, the key's name, time, origin, 0, size, root
=====  ==================================  ==============================================================

Times are POSIX seconds, eight bytes big-endian. With 0x06 the time may be 0: its signer then says that it
stands by this tree, and not that it was the largest it had seen. A log signs so beside its Ed25519 signature;
a witness never does. Both timed signatures are over a checkpoint and nothing else; what 0x06 signs holds no extension
lines, and a checkpoint that has some is refused: they would be whatever somebody wrote there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from gateway.audit.errors import ProofRefused, shown
from gateway.audit.note import encode_base64, parse_body
from gateway.audit.note_keys import COSIGNATURE, ED25519, ML_DSA_44, SigningKey, VerifierKey

LATEST_TIME = 253_402_300_799
"""The last second of the year 9999, and of what a ``datetime`` can show. A time so far in the future is refused, as
tlog-cosignature allows.
"""


@dataclass(frozen=True, slots=True)
class Signature:
    """A good signature on a note: by which key and, where it states one, the time (aware UTC)."""

    key: VerifierKey
    time: datetime | None = None


def signature_line(text: str, key: SigningKey, at: datetime | int | None = None) -> str:
    """One signature line over a note's text.

    ``at`` is the time that types 0x04 and 0x06 state, aware or in POSIX seconds; only 0x06 can do without.
    """
    if key.kind == ED25519:
        signature = key.private.sign(text.encode())
    else:
        seconds = 0 if at is None and key.kind == ML_DSA_44 else seconds_of(at)
        signature = seconds.to_bytes(8, "big") + key.private.sign(_timed_message(text, key.verifier, seconds))
    return f"— {key.name} {encode_base64(key.verifier.key_id + signature)}\n"


def check_signature(text: str, key: VerifierKey, signature: bytes) -> Signature:
    """The good signature these bytes are. Raises :class:`ProofRefused` otherwise."""
    message, time = text.encode(), None
    if key.states_time:
        seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        time = _time(seconds, key)
        message = _timed_message(text, key, seconds)
    try:
        if key.kind == ML_DSA_44:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        else:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise ProofRefused(f"the signature by {key.name} ({key.key_id.hex()}) does not verify") from error
    return Signature(key, time)


def _timed_message(text: str, key: VerifierKey, seconds: int) -> bytes:
    """What a signature of type 0x04 or 0x06 is over (tlog-cosignature)."""
    said = parse_body(text)
    if key.kind == COSIGNATURE:
        return f"cosignature/v1\ntime {seconds}\n{text}".encode()
    if said.extensions:
        raise ProofRefused("an ML-DSA-44 signature does not cover a checkpoint's extension lines")
    numbers = [number.to_bytes(8, "big") for number in (seconds, 0, said.size)]
    name, origin = _short(key.name, "a key's name"), _short(said.origin, "an origin")
    return b"subtree/v1\n\0" + name + numbers[0] + origin + numbers[1] + numbers[2] + said.root


def _short(text: str, what: str) -> bytes:
    """Text after its length in one byte (RFC 8446 section 3.4: a vector of 1 to 255 bytes)."""
    data = text.encode()
    if not 1 <= len(data) <= 255:
        raise ProofRefused(f"{what} of {len(data)} bytes does not fit into an ML-DSA-44 signature's 1 to 255")
    return bytes([len(data)]) + data


def seconds_of(at: datetime | int | None) -> int:
    """Whole POSIX seconds of a time that is aware, or is in them. Raises :class:`ProofRefused`."""
    if (
        isinstance(at, bool)
        or not isinstance(at, datetime | int)
        or (isinstance(at, datetime) and at.utcoffset() is None)
    ):
        raise ProofRefused("a cosignature needs the time at which it is made, with its zone, or in whole POSIX seconds")
    seconds = int(at.timestamp()) if isinstance(at, datetime) else at
    if not 0 < seconds <= LATEST_TIME:
        raise ProofRefused(f"a cosignature is made between 1970 and 9999, not at second {shown(seconds)}")
    return seconds


def _time(seconds: int, key: VerifierKey) -> datetime | None:
    """The time a signature states; ``None`` for 0, which states none."""
    if seconds > LATEST_TIME:
        raise ProofRefused(f"the cosignature by {key.name} states no time a clock can show")
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
