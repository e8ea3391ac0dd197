"""Private keys at rest: each file encrypted under one passphrase, or, for development alone, not at all.

The rule: *whoever takes the disk or its backup has no key.* A private file is a compact JWE (RFC 7516) by
PBES2-HS512+A256KW (RFC 7518 section 4.8) and A256GCM, which any JOSE library opens. The passphrase is stretched by
PBKDF2 with 210,000 rounds and a salt of its own for each file; a key file is a passphrase of full entropy and goes the
same way. The protected header's ``kid`` is the file's name, so that one key cannot be put in another's place.

The passphrase comes from a file, or from a descriptor as ``/dev/fd/3`` names one; never from a command line or the
environment, which others can read.

Not promised: memory. Python cannot wipe it, so a process that runs holds its keys in clear. Nor does encrypting a file
reach older copies: backups, snapshots, and blocks that a disk has not written over yet.
"""

from __future__ import annotations

import os
import stat
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from gateway.keys.errors import KeyFileRefused
from gateway.keys.files import read_private, write_private
from gateway.keys.strict_json import NotStrictJson, read_object

ALGORITHMS: Final = ["PBES2-HS512+A256KW", "A256GCM"]
ROUNDS: Final = 210_000
"""PBKDF2-HMAC-SHA-512 rounds, as the OWASP Password Storage Cheat Sheet asks at least (2023)."""

FEWEST_ROUNDS: Final = 1000
MOST_ROUNDS: Final = 300_000
"""Rounds that a file may ask for: RFC 7518 section 4.8.1.2 recommends the least, joserfc takes no more."""

FEWEST_BYTES: Final = 15
"""Fewest bytes of a passphrase (NIST SP 800-63B-4 section 3.1.1.2: 15 characters where it is all there is)."""

MOST_BYTES: Final = 1024
_SHORTEST = 100  # bytes of a JWE, far more than any key in clear that could look like one


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What private files are encrypted under. Its ``repr`` does not show it."""

    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How private files are kept: under ``passphrase``; ``plain`` says that one in clear is taken too."""

    passphrase: Passphrase | None
    plain: bool

    def read(self, path: Path) -> bytes:
        """The key in a private file. Raises :class:`KeyFileRefused` when it cannot be had, or lies in clear."""
        kept = read_private(path)
        if not is_encrypted(kept):
            if not self.plain:
                raise KeyFileRefused(path, "is not encrypted", "Set keys_passphrase_file and run: relgate keys encrypt")
            return kept
        if self.passphrase is None:
            hint = "Set keys_passphrase_file; for a witness's key, give --passphrase-file"
            raise KeyFileRefused(path, "is encrypted, and no passphrase is given", hint)
        return decrypt(kept, path, self.passphrase)

    @property
    def tls_password(self) -> str:
        """What an encrypted TLS key is opened with; text that opens none where there is no passphrase, since OpenSSL
        would otherwise ask a terminal for it.
        """
        return "-" if self.passphrase is None else self.passphrase.secret.decode()

    def write(self, path: Path, key: bytes) -> None:
        """Create a private file. Raises :class:`KeyFileRefused` when it would lie in clear and must not."""
        write_private(path, self.kept(path, key))

    def kept(self, path: Path, key: bytes) -> bytes:
        """A key as it is to lie on disk."""
        if self.passphrase is not None:
            return encrypt(key, path, self.passphrase)
        if not self.plain:
            raise KeyFileRefused(path, "would not be encrypted", "Set keys_passphrase_file first")
        return key


UNENCRYPTED = Keeping(None, plain=True)
"""For development and tests: keys lie in clear. :func:`gateway.service.keeping` says when that may be."""


def read_passphrase(path: Path) -> Passphrase:
    """The passphrase in a file, without the line's end behind it.

    A plain file must be the gateway's user's own, or root's, and nobody else's to read. A pipe (``/dev/fd/3``) can be
    read once. Raises :class:`KeyFileRefused`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileRefused(path, f"cannot be opened ({error.strerror})", "Name a file or /dev/fd/N") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            _check_unseen(path, found)
        said = file.read(MOST_BYTES + 3)
    secret = said.removesuffix(b"\n").removesuffix(b"\r")
    if not FEWEST_BYTES <= len(secret) <= MOST_BYTES:
        raise KeyFileRefused(
            path,
            f"holds no passphrase of {FEWEST_BYTES} to {MOST_BYTES} bytes",
            "Make one with: relgate keys passphrase FILE",
        )
    try:
        one_line = secret.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        one_line = False
    if not one_line:
        raise KeyFileRefused(path, "is not one line of printable UTF-8", "A passphrase is one line of text")
    return Passphrase(secret)


def is_encrypted(kept: bytes) -> bool:
    """Whether a private file's bytes have the form of a compact JWE."""
    return len(kept) > _SHORTEST and kept.startswith(b"eyJ") and kept.count(b".") == 4


def encrypt(key: bytes, path: Path, passphrase: Passphrase) -> bytes:
    """A key as the JWE that lies at ``path``."""
    header = {"alg": ALGORITHMS[0], "enc": ALGORITHMS[1], "p2c": ROUNDS, "kid": path.name}
    return jwe.encrypt_compact(header, key, _oct(passphrase), algorithms=ALGORITHMS).encode() + b"\n"


def decrypt(kept: bytes, path: Path, passphrase: Passphrase) -> bytes:
    """The key in a JWE that lies at ``path``. Raises :class:`KeyFileRefused`; which part was wrong cannot be told."""
    _check_header(kept, path)
    try:
        opened = jwe.decrypt_compact(kept.strip(), _oct(passphrase), algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        raise KeyFileRefused(
            path,
            "does not open: the passphrase is another one, or the file is damaged",
            "Check keys_passphrase_file, or restore the file from its backup",
        ) from None
    if opened.plaintext is None:
        raise KeyFileRefused(path, "holds no key", "Restore it from its backup")
    return opened.plaintext


def _check_header(kept: bytes, path: Path) -> None:
    """Refuse every header but one that :func:`encrypt` writes, before a library acts on it."""
    try:
        header = read_object(urlsafe_b64decode(kept.partition(b".")[0] + b"=="))
    except (NotStrictJson, ValueError):
        header = {}
    rounds = header.get("p2c")
    if (
        header.keys() != {"alg", "enc", "p2c", "p2s", "kid"}
        or [header["alg"], header["enc"]] != ALGORITHMS
        or not (type(rounds) is int and FEWEST_ROUNDS <= rounds <= MOST_ROUNDS)
        or not all(isinstance(header[name], str) for name in ("p2s", "kid"))
    ):
        raise KeyFileRefused(path, "is encrypted in another way than the gateway's files", "Restore it from its backup")
    if header["kid"] != path.name:
        raise KeyFileRefused(path, "holds the key of another file", "Restore it from its backup")


def _oct(passphrase: Passphrase) -> OctKey:
    return OctKey.import_key(passphrase.secret)


def _check_unseen(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in (os.geteuid(), 0):
        raise KeyFileRefused(path, f"belongs to user {found.st_uid}", f"Run: chown {os.geteuid()} {path}")
    mode = stat.S_IMODE(found.st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileRefused(
            path,
            f"has mode {mode:04o}, so others than its owner may read it",
            f"Run: chmod 0400 {path}  (and take another passphrase if somebody may have read it)",
        )
