"""Find what is wrong with a policy set, or will soon be, before it is activated.

1. Whatever ``load`` refuses is an error, under the rule ``refused``; the other rules are asked only of a set that
   loads, since half a set raises false findings.
2. A finding says the file, line and column, what is wrong and how to mend it.
3. No rule guesses: a rule is reported as unreachable or shadowed only where that is proved
   (:mod:`gateway.policy.implication`). An agreement that has ended is no mistake: it releases nothing.
4. Errors and warnings fail a check. A note says what could not be looked at.
5. ``at`` is the day asked about; what lapses from then on ``within`` a span is a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.policy import lint_partner, lint_rules, lint_set
from gateway.policy.errors import PolicyFinding
from gateway.policy.linting import RULES, Lint, Linting, Severity
from gateway.policy.load import read_sources

WITHIN = timedelta(days=60)
"""How far ahead lapsing things are looked for unless said otherwise."""

__all__ = ["RULES", "WITHIN", "Lint", "Severity", "lint"]


def lint(files: Mapping[str, bytes], at: datetime, within: timedelta = WITHIN) -> tuple[Lint, ...]:
    """Every finding about the set that these files make, sorted by place. ``at`` is aware."""
    sources, refused = read_sources(files)
    if sources is None or refused:
        return tuple(sorted(Lint(finding, "refused") for finding in set(refused)))
    linting = Linting(sources, at, within)
    lint_set.examine(linting)
    for path, partner in sources.partners.items():
        lint_partner.examine(linting, path, partner)
        lint_rules.examine(linting, path, partner)
    return tuple(sorted(set(linting.found)))


def failing(found: tuple[Lint, ...]) -> tuple[Lint, ...]:
    """Those that fail a check: all but notes."""
    return tuple(each for each in found if each.severity is not Severity.NOTE)


def place(finding: PolicyFinding) -> tuple[str, int, int]:
    """File, line and column; line and column are at least 1, as tools that show code expect."""
    return finding.file, max(finding.line, 1), max(finding.column, 1)
