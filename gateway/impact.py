"""Put the log's questions, and a grid of made-up ones, to two policy sets, and gather every answer that turns.

A logged question is asked of both sets as it was asked then: the same record, purpose and instant. What the asking
system may read and holds is what each set's file says, lowered where its token had lowered it; the key is the one it
had, as each set registers it. So the difference is the sets' and nothing else's. Nothing is written and nothing leaves.

Answers are remembered for as long as they stay true, by all that a decision depends on but the instant.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import msgspec

from gateway.activation.running import stored_set
from gateway.admission import against
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import Event
from gateway.audit.orders import Standing
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry
from gateway.judging import Case, Evidence, judge
from gateway.policy.admission import Claims
from gateway.policy.compile import CompiledPolicy
from gateway.policy.decision import Obligations, Subject
from gateway.policy.errors import CallerRefused
from gateway.policy.grid import Cell
from gateway.policy.impact import REFUSED, Impact, Verdict
from gateway.policy.policyset import PolicySet
from gateway.policy.replay import subject_from_json
from gateway.policy.trial import read_label
from gateway.policy.values import LEVELS
from gateway.replay import shown_evidence

LOG, GRID = "log", "grid"
_REMEMBERED = 200_000
_UNTOLD = frozenset({"grant:fact_missing"})


@dataclass(frozen=True, slots=True)
class _Remembered:
    """Both answers to a question, true from one instant until another."""

    was: Verdict
    now: Verdict
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class Comparison:
    """Two compiled sets, and what was found between them so far."""

    old: CompiledPolicy
    new: CompiledPolicy
    impact: Impact = field(default_factory=Impact)
    _answers: dict[Hashable, _Remembered] = field(default_factory=dict)
    _then: dict[str, PolicySet] = field(default_factory=dict)

    def know(self, policy_set: PolicySet) -> None:
        """A set that decided some of the entries, so that it need not be read from the log."""
        self._then[policy_set.digest] = policy_set

    def ask_log(self, entry: StoredEntry, log: LogReader) -> int:
        """Every decision of one entry; how many there were. Entries that decided nothing are passed over."""
        if entry.leaf.event != Event.RELEASE or "subject" not in entry.private:
            return 0
        private = entry.private
        digest = str(private["policy"])
        if digest not in self._then:
            self._then[digest] = stored_set(log, digest)
        asked = _Asked.of(private, self._then[digest], (self.old, self.new))
        if not entry.rows:
            self._note(asked, b"", None, f"entry {entry.index}, the request")
        for number, row in enumerate(entry.rows):
            key = msgspec.json.encode([row.detail[name] for name in ("marking", "day", "nested", "doubts", "facts")])
            self._note(asked, key, row.detail, f"entry {entry.index}, record {number}, {row.detail['marking']}")
        return max(1, len(entry.rows))

    def ask_cell(self, cell: Cell) -> None:
        """One question of the grid."""
        said = (
            f"{cell.marking} of {cell.day}, {_facts_said(cell)}, for {cell.purpose}, {cell.system} on {cell.at.date()}"
        )
        was, now = (_of_cell(policy, cell) for policy in (self.old, self.new))
        self.impact.note(GRID, cell.partner, cell.dataset, was, now, said)

    def _note(self, asked: _Asked, key: bytes, detail: Mapping[str, PlainJson] | None, said: str) -> None:
        whole = (asked.key, key)
        held = self._answers.get(whole)
        if held is None or not (held.since <= asked.at and (held.until is None or asked.at < held.until)):
            held = self._answer(asked, detail)
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[whole] = held
        self.impact.note(LOG, asked.partner, asked.dataset, held.was, held.now, said)

    def _answer(self, asked: _Asked, detail: Mapping[str, PlainJson] | None) -> _Remembered:
        # What stood then was for then: a stop is no part of either set.
        shown = None if detail is None else without_stops(shown_evidence(detail))
        was, now = (_of_log(case, shown) for case in asked.cases)
        untils = [verdict.until for verdict in (was, now) if verdict.until is not None]
        return _Remembered(was, now, asked.at, asked.at if detail is None else min(untils, default=None))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asked, for what and when, as an entry holds it. ``cases`` are the question as each set takes it; ``None``
    where a set no longer knows the asker or the dataset.
    """

    partner: str
    dataset: str
    at: datetime
    key: bytes
    cases: tuple[Case | None, ...]

    @classmethod
    def of(
        cls, private: Mapping[str, PlainJson], then: PolicySet, policies: tuple[CompiledPolicy, CompiledPolicy]
    ) -> _Asked:
        """What an entry's private part says was asked; ``then`` is the set that decided."""
        said = [private[name] for name in ("policy", "subject", "dataset", "purpose")]
        recorded = subject_from_json(cast("Mapping[str, PlainJson]", private["subject"]))
        dataset, purpose = str(private["dataset"]), str(private["purpose"])
        at = datetime.fromisoformat(str(private["at"]))
        cases: list[Case | None] = []
        for policy in policies:
            subject = seat(recorded, then, policy, at)
            known = subject is not None and dataset in policy.policy_set.datasets
            around = policy.unused(recorded.partner, dataset)
            cases.append(Case(policy, Standing(), subject, dataset, purpose, at, around) if subject and known else None)
        return cls(recorded.partner, dataset, at, msgspec.json.encode(said), tuple(cases))


def _of_log(case: Case | None, shown: Evidence | None) -> Verdict:
    if case is None:
        return REFUSED
    if shown is None:
        reasons = against(case)
        return Verdict(not reasons, Obligations(), tuple(reasons))
    policy = case.policy
    untold = policy.reads(case.subject.partner, case.dataset) - shown.facts.values.keys() - shown.facts.problems.keys()
    judged = judge(case, counted_as_unused(case, shown), policy.shape(case.dataset))
    unsure = bool(untold) and set(judged.reasons) <= _UNTOLD
    decision = judged.decision
    return Verdict(judged.permitted, decision.obligations, judged.reasons, decision.stays_true_until, unsure)


def without_stops(shown: Evidence) -> Evidence:
    """The same evidence as if no stop had stood."""
    return replace(shown, facts=replace(shown.facts, stops=())) if shown.facts.stops else shown


def counted_as_unused(case: Case, shown: Evidence) -> Evidence:
    """The same evidence; a volume that nobody counted then, since the set of then had none, counts as unused."""
    missing = case.around.usage.keys() - shown.facts.usage.keys()
    if not missing:
        return shown
    usage = {**case.around.usage, **shown.facts.usage}
    return replace(shown, facts=replace(shown.facts, usage=usage))


def seat(recorded: Subject, then: PolicySet, policy: CompiledPolicy, at: datetime) -> Subject | None:
    """The recorded caller as this set describes it; ``None`` when it no longer knows the partner or the system.

    Where the caller's token had lowered its clearance below what the set of then gave it, that still bounds it.
    """
    key = None
    if recorded.key is not None:
        key = policy.recipient(recorded.partner, at, recorded.key.thumbprint) or recorded.key
    before = then.partners.get(recorded.partner)
    registered = None if before is None else before.systems.get(recorded.system)
    lowered = registered is None or recorded.clearance != registered.clearance
    claimed = recorded.clearance if lowered and recorded.clearance in LEVELS else None
    try:
        claims = Claims(clearance=claimed)
        seated = policy.subject(recorded.partner, recorded.system, claims, recorded.credential, key)
    except CallerRefused:
        return None
    return seated if recorded.clearance in LEVELS else replace(seated, clearance=recorded.clearance)


def _of_cell(policy: CompiledPolicy, cell: Cell) -> Verdict:
    partner = policy.policy_set.partners.get(cell.partner)
    dataset = policy.policy_set.datasets.get(cell.dataset)
    if partner is None or dataset is None:
        return REFUSED
    key = policy.recipient(cell.partner, cell.at)
    try:
        subject = policy.subject(cell.partner, cell.system, Claims(), partner.channel.strength, key)
    except CallerRefused:
        return REFUSED
    label = read_label(policy, dataset, cell.marking, cell.day)
    facts = replace(cell.facts, usage=policy.unused(cell.partner, cell.dataset).usage)
    return Verdict.of(policy.decide(subject, cell.dataset, label, facts, cell.purpose, cell.at))


def _facts_said(cell: Cell) -> str:
    shown: Iterator[str] = (
        f"{name} {'+'.join(sorted(value)) if isinstance(value, frozenset) else value}"
        for name, value in cell.facts.values.items()
    )
    return ", ".join(shown) or "no facts"
