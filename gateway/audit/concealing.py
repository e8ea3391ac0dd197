"""Identifiers that a person must be able to read again: encrypted under a key made from the identifier key.

The log stores identifiers keyed, which nobody can turn back. An officer who is to release a record must know which one
it is; so the row of a record that waits holds its identifier under AES-256-GCM as well, by a key of its own that HKDF
makes from the identifier key. Whoever holds the database or an export reads neither.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.audit.leaf import IdentifierKey

NONCE_BYTES = 12
_PURPOSE = b"relgate identifiers of records in review v1"


def conceal(identifier: str, key: IdentifierKey) -> str:
    """``<key version>:<base64url of nonce and ciphertext>``."""
    nonce = os.urandom(NONCE_BYTES)
    plain = identifier.encode(errors="surrogatepass")
    sealed = nonce + _cipher(key.secret).encrypt(nonce, plain, str(key.version).encode())
    return f"{key.version}:{urlsafe_b64encode(sealed).decode()}"


def reveal(concealed: str, key: IdentifierKey) -> str:
    """The identifier, or ``""`` when it was concealed by another version of the key, or is none."""
    version, _, text = concealed.partition(":")
    if version != str(key.version):
        return ""
    try:
        sealed = urlsafe_b64decode(text)
        plain = _cipher(key.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], version.encode())
    except (InvalidTag, ValueError):
        return ""
    return plain.decode(errors="surrogatepass")


@lru_cache(maxsize=4)
def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret))
