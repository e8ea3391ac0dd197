"""What lint's rules share: their names and severities, a finding, and the set under examination."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.policy.errors import PolicyFinding
from gateway.policy.sources import Sources


class Severity(enum.StrEnum):
    """How grave a finding is, in the words of SARIF 2.1.0 section 3.27.10."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

RULES: Mapping[str, tuple[Severity, str]] = {
    "refused": (_ERROR, "The set does not load with this in it."),
    "agreement-lapses": (_WARNING, "An agreement is about to end."),
    "condition-lapses": (_WARNING, "A condition of an agreement has lapsed or is about to."),
    "consent-lapses": (_WARNING, "An originator's consent is about to end."),
    "grant-lapses": (_WARNING, "A grant is about to end before its agreement."),
    "no-usable-key": (_ERROR, "A partner has no key to seal answers to, or none that verifies its tokens."),
    "key-lapses": (_WARNING, "A partner's last usable key is about to expire."),
    "keys-not-read": (_NOTE, "The set came without partners' keys, so they were not looked at."),
    "no-system": (_WARNING, "A partner has no system, so nobody can ask in its name."),
    "system-idle": (_WARNING, "A system's purposes match no grant."),
    "issuer-in-clear": (_WARNING, "A token issuer is named by http, which anyone on the way can change."),
    "covered-not-granted": (_WARNING, "An agreement covers a dataset that no grant speaks of."),
    "purpose-not-granted": (_WARNING, "An agreement names a purpose that no grant is for."),
    "said-twice": (_WARNING, "A list names the same thing twice."),
    "consent-idle": (_WARNING, "A consent can never open anything."),
    "above-ceiling": (_ERROR, "A grant speaks of content that the agreement's ceiling never lets go."),
    "never-releasable": (_ERROR, "Every marking that the dataset's records carry forbids release to the partner."),
    "requirement-not-held": (_ERROR, "No system of the partner holds what the dataset requires."),
    "grant-never-active": (_ERROR, "A grant's dates and its agreement's never meet."),
    "grant-outlives": (_WARNING, "A grant says that it lasts longer than its agreement."),
    "never-holds": (_ERROR, "A condition that nothing can satisfy."),
    "value-unknown": (_WARNING, "A condition tests for a value that the fact never has."),
    "contradicted": (_ERROR, "A deny speaks of everything that a grant speaks of."),
    "shadowed": (_WARNING, "A rule says nothing that another rule does not say already."),
    "deny-idle": (_WARNING, "A deny speaks of a dataset that the partner has no grant for."),
    "delay-idle": (_ERROR, "A delay is as long as the grant itself lasts."),
    "rounding-idle": (_WARNING, "A rounding never happens: another obligation leaves the group out."),
    "rounding-absurd": (_ERROR, "A step so coarse that no value of the group survives it."),
    "parameter-degraded": (_ERROR, "A parameter that must be given filters on what the partner sees degraded."),
    "volume-idle": (_WARNING, "A volume that another one never lets be reached."),
    "review-idle": (_WARNING, "A review from a level on that the ceiling never lets go."),
    "no-post-quantum-key": (_ERROR, "A post-quantum key is asked for, and the partner has none."),
    "tear-line-idle": (_WARNING, "A dataset has tear-line versions, and no grant lets one go."),
    "purpose-unused": (_WARNING, "A purpose that no agreement names."),
    "dataset-not-granted": (_WARNING, "A dataset that no grant speaks of."),
    "dataset-without-category": (_ERROR, "A dataset without disclosure categories: nothing of it goes."),
    "marking-unread": (_WARNING, "A usual marking of a dataset that its own profile does not read."),
    "community-unused": (_WARNING, "A community that no partner of the set is in."),
    "community-ended": (_WARNING, "A community that nobody is in any more."),
    "case-unknown": (_WARNING, "A case names something that the set does not have."),
    "case-field-unread": (_WARNING, "A case states a field that nothing reads."),
}  # fmt: skip
"""Every rule: how grave it is and what it finds."""


@dataclass(frozen=True, slots=True, order=True)
class Lint:
    """A finding and the rule that found it."""

    finding: PolicyFinding
    rule: str

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return RULES[self.rule][0]


@dataclass(slots=True)
class Linting:
    """The set under examination, the day asked about, and what was found so far."""

    sources: Sources
    at: datetime
    within: timedelta
    found: list[Lint] = field(default_factory=list)

    def report(self, rule: str, path: str, where: Sequence[str | int], message: str, hint: str) -> None:
        """Note a finding at a field of a file."""
        self.found.append(Lint(self.sources.finding(path, where, message, hint), rule))

    def lapses(self, until: datetime | None) -> bool:
        """Whether something that still stands ends within the span asked about."""
        return until is not None and self.at < until <= self.at + self.within
