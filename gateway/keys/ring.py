"""The gateway's own keys: one signs the log, one signs content, one keys the identifiers that the log stores.

The rule: *the set is made once, whole, and never mended in silence.* A gateway whose log key had vanished
and was made anew would start a second log under the same name; so a set with a part missing is refused, and
only a folder that holds none of the files is filled. The three keys are apart because who may use each
differs: auditors hold the identifier key, partners verify with the other two, and one signature can never
be taken for the other.

Files in the folder (mode 0700, git ignores it), each 0600:

========================  ======================================================================
``log-signing.pem``       Ed25519, PKCS #8 (RFC 8410): checkpoints of the audit log
``content-signing.pem``   Ed25519, PKCS #8: the signature inside every sealed answer
``identifier-1.key``      32 random bytes: HMAC-SHA-256 of record identifiers, version 1; a later
                          version is added beside it as ``identifier-2.key`` and becomes the current one
``log-ml-dsa-44.pem``     ML-DSA-44 (FIPS 204), PKCS #8: signs checkpoints beside ``log-signing.pem``; only
                          where settings ask for it, and made the first time they do
========================  ======================================================================
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc.jwk import OKPKey

from gateway.keys.atrest import UNENCRYPTED, Keeping
from gateway.keys.errors import KeyFileRefused, KeysError
from gateway.keys.files import check_private_folder, held, make_private_folder, sync_folder, write_private
from gateway.keys.jwks import PrivateJwk, parse_jwk, write_jwks

LOG_SIGNING = "log-signing.pem"
LOG_ML_DSA = "log-ml-dsa-44.pem"
CONTENT_SIGNING = "content-signing.pem"
FIRST_IDENTIFIER = "identifier-1.key"
IDENTIFIER_BYTES = 32

_WHOLE = (LOG_SIGNING, CONTENT_SIGNING, FIRST_IDENTIFIER)
_BEING_MADE = ".being-made"
_IDENTIFIER_NAME = re.compile(r"identifier-([1-9][0-9]{0,8})\.key")
_ED25519_NOTE_TYPE, _ML_DSA_44_NOTE_TYPE = b"\x01", b"\x06"  # C2SP signed-note, "Signature types"


@dataclass(frozen=True, slots=True)
class IdentifierKey:
    """One version of the key under which the log stores record identifiers: HMAC-SHA-256, 32 secret bytes."""

    version: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class GatewayKeys:
    """Every key that the gateway itself holds. ``identifiers`` goes from oldest to current version."""

    log_name: str
    log_signing: Ed25519PrivateKey = field(repr=False)
    content_signing: PrivateJwk
    identifiers: tuple[IdentifierKey, ...]
    log_ml_dsa: MLDSA44PrivateKey | None = field(default=None, repr=False)

    @property
    def identifier(self) -> IdentifierKey:
        """The version under which new entries are stored."""
        return self.identifiers[-1]

    @property
    def log_verifier_key(self) -> str:
        """The log's public key as C2SP signed-note writes it: ``<name>+<8 hex>+<base64>``."""
        return verifier_key_text(self.log_name, self.log_signing.public_key())

    @property
    def log_ml_dsa_verifier_key(self) -> str:
        """The same for the key that signs checkpoints beside it; empty where there is none."""
        key = self.log_ml_dsa
        return "" if key is None else verifier_key_text(self.log_name, key.public_key())

    @property
    def public_jwks(self) -> bytes:
        """The JWK set (JSON) with which partners verify the signature inside sealed answers."""
        return write_jwks((self.content_signing.public,))


def open_ring(
    folder: Path, log_name: str, keeping: Keeping = UNENCRYPTED, *, create: bool = True, ml_dsa: bool = False
) -> GatewayKeys:
    """Read the gateway's keys from ``folder``; on the first start of all, and if ``create``, make them.

    ``log_name`` names the log in its checkpoints (a schema-less URL such as ``gateway.example.mil/log``).
    ``keeping`` is how the files are kept.
    With ``ml_dsa`` checkpoints are to be signed with ML-DSA-44 too; its key is made when it is first asked
    for, since a further signature starts no other log.
    Raises :class:`KeyFileRefused` when a file is missing from the set, loose, foreign or unreadable, and
    :class:`KeysError` for a name that a checkpoint cannot carry.
    """
    _check_log_name(log_name)
    if create:
        make_private_folder(folder)
    check_private_folder(folder)
    with held(folder):
        _make_if_none(folder, keeping, create)
        return GatewayKeys(
            log_name=log_name,
            log_signing=_read_ed25519(folder / LOG_SIGNING, keeping),
            content_signing=_content_key(_read_ed25519(folder / CONTENT_SIGNING, keeping)),
            identifiers=_read_identifiers(folder, keeping),
            log_ml_dsa=_ml_dsa_key(folder / LOG_ML_DSA, keeping, create) if ml_dsa else None,
        )


def read_identifier_keys(folder: Path, keeping: Keeping) -> tuple[IdentifierKey, ...]:
    """Every version of the identifier key in a folder, oldest first: all that an auditor holds of the gateway's keys.

    Raises :class:`KeyFileRefused` when one is loose, of the wrong length or unreadable, or there is none.
    """
    if not folder.is_dir() or not (found := _read_identifiers(folder, keeping)):
        raise KeyFileRefused(folder, "holds no identifier key", f"It holds {FIRST_IDENTIFIER} and later versions")
    return found


def verifier_key_text(name: str, key: Ed25519PublicKey | MLDSA44PublicKey) -> str:
    """The C2SP signed-note verifier key of an Ed25519 or ML-DSA-44 key under ``name``.

    The key id is the first four bytes of SHA-256(name, newline, type byte, public key).
    """
    kind = _ML_DSA_44_NOTE_TYPE if isinstance(key, MLDSA44PublicKey) else _ED25519_NOTE_TYPE
    typed = kind + key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    return f"{name}+{key_id.hex()}+{b64encode(typed).decode()}"


def _make_if_none(folder: Path, keeping: Keeping, create: bool) -> None:
    marker = folder / _BEING_MADE
    if marker.exists() and create:
        # A first start broke off below, before any key was used: nothing has been signed with what is there.
        for name in _WHOLE:
            (folder / name).unlink(missing_ok=True)
        marker.unlink()
        sync_folder(folder)
    missing = [name for name in _WHOLE if not os.path.lexists(folder / name)]
    if not missing:
        return
    if len(missing) < len(_WHOLE) or not create:
        raise KeyFileRefused(
            folder,
            f"{', '.join(missing)} missing from the gateway's keys",
            "Restore from backup; a new key would start another log. Make a new set only in an empty folder",
        )
    made = {LOG_SIGNING: _new_ed25519(), CONTENT_SIGNING: _new_ed25519()}
    made[FIRST_IDENTIFIER] = secrets.token_bytes(IDENTIFIER_BYTES)
    kept = {name: keeping.kept(folder / name, key) for name, key in made.items()}
    # The marker is durable before the first key and goes after the last one, so a crash in between leaves a
    # folder that says of itself that its keys were never used; the next start makes them again from
    # nothing.
    write_private(marker, b"These keys are being made. If this file is here, they were never used.\n")
    for name, data in kept.items():
        write_private(folder / name, data)
    marker.unlink()
    sync_folder(folder)


def _new_ed25519() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read_ed25519(path: Path, keeping: Keeping) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(keeping.read(path), password=None)
    except (ValueError, TypeError):
        raise KeyFileRefused(path, "is not a PKCS #8 key in PEM", "Restore it from its backup") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileRefused(path, "is not an Ed25519 key", "Restore it from its backup")
    return key


def _ml_dsa_key(path: Path, keeping: Keeping, create: bool) -> MLDSA44PrivateKey:
    if create and not os.path.lexists(path):
        made = MLDSA44PrivateKey.generate()
        keeping.write(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        key = load_pem_private_key(keeping.read(path), password=None)
    except (ValueError, TypeError):
        raise KeyFileRefused(path, "is not a PKCS #8 key in PEM", "Restore it from its backup") from None
    if not isinstance(key, MLDSA44PrivateKey):
        raise KeyFileRefused(path, "is not an ML-DSA-44 key", "Restore it from its backup")
    return key


def _content_key(key: Ed25519PrivateKey) -> PrivateJwk:
    members = OKPKey.binding.export_private_key(key)
    public = {"kty": "OKP", "crv": members["crv"], "x": members["x"], "use": "sig", "alg": "EdDSA"}
    return PrivateJwk(parse_jwk(public, "content-signing key"), members["d"])


def _read_identifiers(folder: Path, keeping: Keeping) -> tuple[IdentifierKey, ...]:
    found = []
    for path in folder.iterdir():
        if named := _IDENTIFIER_NAME.fullmatch(path.name):
            secret = keeping.read(path)
            if len(secret) != IDENTIFIER_BYTES:
                raise KeyFileRefused(
                    path, f"has {len(secret)} bytes, not {IDENTIFIER_BYTES}", "Restore it from its backup"
                )
            found.append(IdentifierKey(int(named[1]), secret))
    return tuple(sorted(found, key=lambda key: key.version))


def _check_log_name(name: str) -> None:
    if not name or "+" in name or not name.isascii() or not name.isprintable() or " " in name:
        raise KeysError(
            f"log name {name!r}: it must be printable ASCII without spaces and without '+', "
            "such as gateway.example.mil/log (C2SP signed-note)"
        )
