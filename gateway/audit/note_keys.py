"""The keys that sign and verify notes, parsed and in their text forms (C2SP signed-note).

Rules: a key is taken only as it would be written, with the id of its own bytes; a private key's text is never shown; a
weak public key is refused. Whoever has one of the eight points of small order for a key lets anybody sign anything (an
S of zero satisfies RFC 8032's equation for one message in at most eight), and can say later that somebody else did.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from gateway.audit.errors import ProofRefused, shown
from gateway.audit.note import decode_base64, encode_base64, is_name, plain_text

ED25519 = 0x01
COSIGNATURE = 0x04
ML_DSA_44 = 0x06

KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1312}
"""How long a public key of each known type is."""
SEED_BYTES = 32
"""How long the seed is that a private key of any known type is made from (RFC 8032, FIPS 204)."""
_VERIFIER_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_SIGNING_KEY = re.compile(r"PRIVATE\+KEY\+" + _VERIFIER_KEY.pattern)

_FIELD = 2**255 - 19
_EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_WEAK = frozenset({0, 1, _FIELD - 1, _EIGHTH, _FIELD - _EIGHTH})
"""The y of every point of order 1, 2, 4 and 8 on edwards25519."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key that notes are checked with: its name, its signature type, its raw bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def states_time(self) -> bool:
        """Whether its signatures carry a time: only those can be a witness's."""
        return self.kind in (COSIGNATURE, ML_DSA_44)

    def __str__(self) -> str:
        """The text form, ``<name>+<8 hex of key id>+<base64(type || public key)>``."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the name and signature type it signs notes under."""

    name: str
    private: Ed25519PrivateKey | MLDSA44PrivateKey
    kind: int = ED25519
    verifier: VerifierKey = field(init=False, compare=False)
    """The public half, for verifiers: worked out once, since that costs more than a signature."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not is_name(self.name):
            name = repr(self.name) if isinstance(self.name, str) else f"a {type(self.name).__name__}"
            raise ProofRefused(f"{name} cannot name a key: it is empty, or holds a space or a plus")
        if not isinstance(self.private, Ed25519PrivateKey | MLDSA44PrivateKey):
            raise ProofRefused(f"a private key is one of Ed25519 or ML-DSA-44, not {type(self.private).__name__}")
        if not isinstance(self.kind, int) or self.kind not in KEY_BYTES:
            kind = shown(self.kind) if isinstance(self.kind, int) else f"of a {type(self.kind).__name__}"
            raise ProofRefused(f"signature type {kind} is not known here")
        if isinstance(self.private, MLDSA44PrivateKey) != (self.kind == ML_DSA_44):
            raise ProofRefused(f"signature type {self.kind:#04x} is not one of this key's algorithm")
        public = self.private.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", VerifierKey(self.name, self.kind, public))


def parse_verifier_key(text: str | bytes) -> VerifierKey:
    """The key in ``<name>+<8 hex of key id>+<base64(type || public key)>``; its id must be that of its
    bytes. Raises :class:`ProofRefused` for anything else, a newline at its end among it.
    """
    text = plain_text(text)
    if text.startswith("PRIVATE+KEY+"):  # mistaken for its public half, it must not end up in a log
        raise ProofRefused("this is a private key, and not the verifier key that belongs to it")
    found = _VERIFIER_KEY.fullmatch(text)
    if found is None or not is_name(found[1]):
        raise ProofRefused(f"{text[:200]!r} is not a verifier key of the form name+id+base64")
    material = decode_base64(found[3], "the verifier key")
    key = VerifierKey(found[1], material[0] if material else 0, material[1:])
    if key.kind not in KEY_BYTES:
        raise ProofRefused(f"the verifier key {key.name} has signature type {key.kind:#04x}, which is not known here")
    if len(key.public) != KEY_BYTES[key.kind]:
        length = f"{len(key.public)} bytes of public key, not {KEY_BYTES[key.kind]}"
        raise ProofRefused(f"the verifier key {key.name} has {length}")
    if key.key_id.hex() != found[2]:
        raise ProofRefused(f"the verifier key {key.name} says id {found[2]}, but its bytes have {key.key_id.hex()}")
    if is_weak(key):
        raise ProofRefused(f"the verifier key {key.name} is a weak one: anybody can sign under it")
    return key


def parse_signing_key(text: str | bytes) -> SigningKey:
    """The private key in ``PRIVATE+KEY+<name>+<8 hex of key id>+<base64(type || seed)>``, the form that Go's ``note``
    package writes; its id must be that of its public half. Raises :class:`ProofRefused` for anything else, and shows
    nothing of it.
    """
    found = _SIGNING_KEY.fullmatch(plain_text(text))
    if found is None or not is_name(found[1]):
        raise ProofRefused("this is not a signing key of the form PRIVATE+KEY+name+id+base64")
    try:
        material = decode_base64(found[3], "the signing key")
    except ProofRefused:
        raise ProofRefused("the signing key is not base64 in its canonical form") from None
    kind, seed = material[0] if material else 0, material[1:]
    if kind not in KEY_BYTES or len(seed) != SEED_BYTES:
        raise ProofRefused(f"the signing key {found[1]} is not a known type's byte and {SEED_BYTES} bytes of seed")
    make = MLDSA44PrivateKey.from_seed_bytes if kind == ML_DSA_44 else Ed25519PrivateKey.from_private_bytes
    key = SigningKey(found[1], make(seed), kind)
    if key.verifier.key_id.hex() != found[2]:
        raise ProofRefused(f"the signing key {key.name} says id {found[2]}, and is {key.verifier}")
    return key


def cosigning_key(key: SigningKey | str | bytes) -> SigningKey:
    """A key that states times, parsed or in its text form. Raises :class:`ProofRefused`.

    In text, a key of type 01 stands for one of type 04: Go's ``note`` package knows no other type, and so the keys of
    witnesses are written that way too.
    """
    if isinstance(key, str | bytes):
        key = parse_signing_key(key)
        if key.kind == ED25519:
            key = SigningKey(key.name, key.private, COSIGNATURE)
    if not isinstance(key, SigningKey):
        raise ProofRefused(f"a witness's key is a SigningKey, or PRIVATE+KEY+... in text, not {type(key).__name__}")
    if not key.verifier.states_time:
        raise ProofRefused("a witness cosigns with a key of type 04 or 06, which state a time; type 01 is a log's")
    return key


def trusted_keys(keys: Iterable[VerifierKey | str]) -> tuple[VerifierKey, ...]:
    """Keys that are trusted by whoever calls, each parsed or in its text form. Raises :class:`ProofRefused`."""
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise ProofRefused(f"verifier keys are a list of them, not one {type(keys).__name__}")
    found = tuple(key if isinstance(key, VerifierKey) else parse_verifier_key(key) for key in keys)
    named: dict[tuple[str, bytes], VerifierKey] = {}
    for key in found:
        if not _is_sound(key):
            raise ProofRefused("a verifier key has a name, a known type, as many bytes as it has, and is not weak")
        if named.setdefault((key.name, key.key_id), key) != key:
            raise ProofRefused(f"two different verifier keys are both named {key.name} with id {key.key_id.hex()}")
    return found


def _is_sound(key: VerifierKey) -> bool:
    """Whether this could have been parsed: whoever makes one by hand may put anything into it."""
    parts = isinstance(key.name, str) and isinstance(key.public, bytes) and isinstance(key.kind, int)
    return parts and is_name(key.name) and len(key.public) == KEY_BYTES.get(key.kind) and not is_weak(key)


def is_weak(key: VerifierKey) -> bool:
    """Whether this is an Ed25519 key under which anybody can sign, or one that is not written as RFC 8032 has it."""
    y = int.from_bytes(key.public, "little") & (2**255 - 1)
    return key.kind != ML_DSA_44 and (y in _WEAK or y >= _FIELD)
