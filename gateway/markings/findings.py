"""What a reader of markings has to say about one: findings, and the error that carries them.

The rule of this file: *a message never repeats the marking*. Messages may reach a log, and no log holds
markings, so the offending text is named by its span; only ``suggestion``, which is meant for the officer's
eyes, may spell it out. A suggestion is never applied by this package.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace


class Severity(enum.StrEnum):
    """How bad a finding is: any ``ERROR`` makes the label unfit for release."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a marking.

    ``rule`` is a stable id: the authority's own (``"ISM-ID-00033"``) where it has one, else ours
    (``"GRAMMAR-ORDER"``). ``authority`` cites the text (``"CAPCO-2016 H.8"``). ``span`` is the half-open
    range of characters in the text that was read, ``None`` where there was no text. ``suggestion`` is what
    the author may have meant, for a human only.
    """

    rule: str
    authority: str
    message: str
    span: tuple[int, int] | None = None
    suggestion: str | None = None
    severity: Severity = Severity.ERROR


class MarkingError(ValueError):
    """A marking was refused. ``findings`` says why; there is always at least one.

    ``meant`` finds a suggestion for the first finding that has none. It is asked when a human first looks at the
    findings: whoever only needs to know that the marking was refused does not wait for it.
    """

    def __init__(self, *findings: Finding, meant: Callable[[], str | None] | None = None) -> None:
        self._findings = findings
        self._meant = meant
        super().__init__("; ".join(f"{finding.rule}: {finding.message}" for finding in findings))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, in the order in which it was found."""
        if self._meant is not None and self._findings:
            suggestion, self._meant = self._meant(), None
            first, *others = self._findings
            self._findings = (replace(first, suggestion=first.suggestion or suggestion), *others)
        return self._findings


class UnknownProfileError(MarkingError):
    """No profile has this name, or labels of two profiles were mixed."""


class UnknownCodeError(MarkingError):
    """A label names a nation or community that the tables do not know on that date.

    ``codes`` names them, sorted.
    """

    def __init__(self, codes: tuple[str, ...], *findings: Finding) -> None:
        self.codes = codes
        super().__init__(*findings)


class TableError(MarkingError):
    """A table of countries or communities contradicts itself or what it extends."""
