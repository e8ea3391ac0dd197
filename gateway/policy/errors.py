"""What is wrong with a policy set, said so that an officer can mend it: file, line, column, field, what, how.

A set loads whole or not at all: :class:`PolicyError` carries every finding, sorted, and no part of the set.
Policy files are not secret from officers; private key material is never quoted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class PolicyFinding:
    """One mistake. ``line`` and ``column`` count from 1; 0 means that the place could not be told."""

    file: str
    line: int
    column: int
    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        what = f"{self.field}: {self.message}" if self.field else self.message
        return f"{place}: {what}" + (f" ({self.hint})" if self.hint else "")


class Misplaced(ValueError):
    """What is wrong is wrong at one field below the table that was being read: ``field`` is its path from there."""

    def __init__(self, message: str, *field: str | int) -> None:
        super().__init__(message)
        self.field = field


class Unreadable(ValueError):
    """A value of a policy file that is not of the form it must have; the message says what was expected."""


class PolicyError(Exception):
    """The policy set is refused. ``findings`` says why, in order of file and line."""

    def __init__(self, findings: tuple[PolicyFinding, ...]) -> None:
        self.findings = tuple(sorted(set(findings)))
        super().__init__("\n".join(str(finding) for finding in self.findings))


class CallerRefused(Exception):
    """A caller whose claims do not fit its partner's file. ``reason`` is a code that may be said to it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
