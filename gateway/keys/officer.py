"""An officer's own private key: Ed25519, PKCS #8 in PEM, in a file that its owner alone may read.

It is the officer's, not the gateway's: a gateway never needs one.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from gateway.keys.errors import KeyFileRefused
from gateway.keys.files import read_private, write_private


def make_officer_key(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it. Raises :class:`KeyFileRefused` when the name is taken: no key is ever overwritten."""
    key = Ed25519PrivateKey.generate()
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def read_officer_key(path: Path) -> Ed25519PrivateKey:
    """Read a key. Raises :class:`KeyFileRefused` when it is missing, loose, foreign, or no Ed25519 key."""
    try:
        key = load_pem_private_key(read_private(path), password=None)
    except (ValueError, TypeError):
        raise KeyFileRefused(path, "is not a PKCS #8 key in PEM", "relgate officers key makes one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileRefused(path, "is not an Ed25519 key", "relgate officers key makes one")
    return key
