"""The one error family of the keys layer. Messages name paths, modes and members, never key material."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class KeysError(Exception):
    """Something about keys is not as it must be; the gateway does not start, or the key is not used."""


@dataclass(eq=False)
class KeyFileRefused(KeysError):
    """A private key's file or folder is not kept as it must be.

    ``problem`` says what was found, ``fix`` what to run or do; ``path`` is the file or folder concerned.
    """

    path: Path
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}. {self.fix}"


@dataclass(eq=False)
class JwkRefused(KeysError):
    """A JSON Web Key (Set) cannot be used; ``where`` names the key in its set, ``problem`` what is
    wrong with it.
    """

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"
