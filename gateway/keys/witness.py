"""A witness's own keys: an Ed25519 key and, where asked for, an ML-DSA-44 key beside it.

The folder (mode 0700) holds ``witness.pem``, ``witness-ml-dsa-44.pem`` (both PKCS #8, 0600) and the witness's memory.
Where a passphrase is given, both are encrypted under it (:mod:`gateway.keys.atrest`).
The memory is made before the key, and only then: a key without the memory it had is refused, since a witness that has
forgotten what it saw would cosign a fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from gateway.keys.atrest import Keeping
from gateway.keys.errors import KeyFileRefused
from gateway.keys.files import make_private_folder

ED25519_FILE = "witness.pem"
ML_DSA_FILE = "witness-ml-dsa-44.pem"
MEMORY_FILE = "witness.sqlite3"


Make = Callable[[Path], None]
"""Makes an empty memory at a path, unless there is one."""


@dataclass(frozen=True, slots=True)
class WitnessKeys:
    """A witness's private keys, and where its memory is."""

    ed25519: Ed25519PrivateKey = field(repr=False)
    ml_dsa: MLDSA44PrivateKey | None = field(repr=False)
    memory: Path


def open_witness(folder: Path, keeping: Keeping, make_memory: Make, *, ml_dsa: bool = False) -> WitnessKeys:
    """Read a witness's keys, making on the first start what is not there, the memory first.

    Raises :class:`KeyFileRefused` when a file is loose or unreadable.
    """
    make_private_folder(folder)
    memory = folder / MEMORY_FILE
    if not os.path.lexists(folder / ED25519_FILE):
        make_memory(memory)  # a crash after this leaves an empty memory and no key, which the next start makes
    plain = _load(folder / ED25519_FILE, keeping, Ed25519PrivateKey.generate)
    if not isinstance(plain, Ed25519PrivateKey):
        raise KeyFileRefused(folder / ED25519_FILE, "is not an Ed25519 key", "Restore it from its backup")
    lattice = _load(folder / ML_DSA_FILE, keeping, MLDSA44PrivateKey.generate) if ml_dsa else None
    if not isinstance(lattice, MLDSA44PrivateKey | None):
        raise KeyFileRefused(folder / ML_DSA_FILE, "is not an ML-DSA-44 key", "Restore it from its backup")
    return WitnessKeys(plain, lattice, memory)


def recall(keys: WitnessKeys, make_memory: Make, *, may_forget: bool = False) -> None:
    """See that the memory is there, before it is used.

    Raises :class:`KeyFileRefused` when it is not; ``may_forget`` makes a new one, for a witness whose operator has seen
    to it by other means.
    """
    if keys.memory.exists():
        return
    if not may_forget:
        raise KeyFileRefused(
            keys.memory,
            "is not there, but the witness's key is: it has forgotten what it saw, and would cosign a fork",
            "Restore it from its backup, or make a witness with another name and key in an empty folder",
        )
    make_memory(keys.memory)


def _load(
    path: Path, keeping: Keeping, generate: Callable[[], Ed25519PrivateKey | MLDSA44PrivateKey]
) -> PrivateKeyTypes:
    """The key in a file, which is made when it is not there."""
    if not os.path.lexists(path):
        keeping.write(path, generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        return load_pem_private_key(keeping.read(path), password=None)
    except (ValueError, TypeError):
        raise KeyFileRefused(path, "is not a PKCS #8 key in PEM", "Restore it from its backup") from None
