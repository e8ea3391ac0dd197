"""Auditors who read the log over HTTP: a static file of names and token digests, as small as it can be.

Each line is a name, a space, and the lower-case hex SHA-256 of that auditor's token; empty lines and lines that start
with ``#`` say nothing. The token is 32 random bytes in base64url (``relgate audit credential`` makes one), so that
its plain digest cannot be guessed from. Nobody is an auditor by default: without a file, or with an empty one, no
token is one. A line that is not of the form refuses the whole file.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.identity.bearers import bearer_of
from gateway.identity.caller import IdentityError

TOKEN_BYTES = 32

_LINE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._@-]{0,63}) (?P<digest>[0-9a-f]{64})")


class AuditorsRefused(IdentityError):
    """A file of auditors that cannot be one; ``line`` is which line of it, from 1, or 0 for the file."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}{f', line {line}' if line else ''}: {problem}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class Auditors:
    """Who may read the log's bundles: names by token digest."""

    by_digest: tuple[tuple[str, bytes], ...] = ()

    def named(self, authorization: Sequence[str]) -> str | None:
        """The auditor whose token the one ``Authorization`` header holds, or ``None``."""
        return bearer_of(authorization, self.by_digest)


def read_auditors(path: Path | None) -> Auditors:
    """The auditors in a file; nobody where there is none. Raises :class:`AuditorsRefused`."""
    if path is None:
        return Auditors()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AuditorsRefused(path, 0, f"cannot be read: {error}") from error
    known: list[tuple[str, bytes]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise AuditorsRefused(path, number, "is not a name, a space and 64 lower-case hex digits")
        known.append((found["name"], bytes.fromhex(found["digest"])))
    return Auditors(tuple(known))


def new_credential(name: str) -> tuple[str, str]:
    """A new token for an auditor, and the line for the file. Raises ``ValueError`` for a name that cannot be one."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    line = f"{name} {hashlib.sha256(token.encode()).hexdigest()}"
    if _LINE.fullmatch(line) is None:
        raise ValueError(f"{name!r} is not a name of letters, digits, '.', '_', '@' and '-'")
    return token, line
