"""One compact JWE to an X25519 key: RFC 7516 section 5.1 with ECDH-ES directly and A256GCM, and nothing else.

The rule: *what this writes, any JOSE library opens.* The primitives are ``cryptography``'s; only the form stands here,
because a library that can do every algorithm spends more on looking up which than on doing it. What is opened is
opened by such a library (:mod:`gateway.sealing.jwe`), and tests open what is written here with two of them.

The steps: a fresh key for each message (RFC 8037 section 3.2); their shared secret, refused where it is all zeros
(RFC 7748 section 6.1); one round of the Concat KDF gives the content key (RFC 7518 section 4.6.2, whose example in
appendix C is a test); the protected header is the additional data; 96 random bits of nonce under a key used once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.keys.strict_json import Json
from gateway.sealing.base64url import encode, encode_header

CIPHER: Final = "A256GCM"
_KEY_BITS = 256
_TAG_BYTES = 16
_NONCE_BYTES = 12


def encrypt(header: Mapping[str, Json], plaintext: bytes, recipient: X25519PublicKey) -> bytes:
    """The compact JWE of ``plaintext``; ``header`` is the protected header without ``epk``, with ``enc`` A256GCM.

    Raises :class:`ValueError` for a recipient key of small order.
    """
    ephemeral = X25519PrivateKey.generate()
    shared = ephemeral.exchange(recipient)
    epk: dict[str, Json] = {
        "kty": "OKP",
        "crv": "X25519",
        "x": encode(ephemeral.public_key().public_bytes_raw()).decode("ascii"),
    }
    protected = encode_header({**header, "epk": epk})
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(derive(shared, CIPHER, _KEY_BITS)).encrypt(nonce, plaintext, protected)
    ciphertext, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    return b".".join((protected, b"", encode(nonce), encode(ciphertext), encode(tag)))


def derive(shared: bytes, algorithm: str, bits: int, apu: bytes = b"", apv: bytes = b"") -> bytes:
    """The Concat KDF of RFC 7518 section 4.6.2 for a key of up to 256 bits: one round of SHA-256.

    ``algorithm`` is the ``enc`` value; ``apu`` and ``apv`` are the parties' names, which our header does not have.
    """
    if bits > _KEY_BITS:
        raise ValueError(f"{bits} bits would need a second round")
    named = b"".join(len(part).to_bytes(4, "big") + part for part in (algorithm.encode("ascii"), apu, apv))
    told = (1).to_bytes(4, "big") + shared + named + bits.to_bytes(4, "big")
    return hashlib.sha256(told).digest()[: bits // 8]
