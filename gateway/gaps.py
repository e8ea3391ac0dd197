"""Put the log's denials to the set in force, group those that still stand, and work out what would release each.

1. A denial is asked again as it was asked then, of the set in force now, with the stops that stood then and still
   stand. One that goes by now is counted as closed and is no gap.
2. For each of the gaps asked about most, the smallest change is worked out (:mod:`gateway.policy.proposals`), made on
   a copy of the set, and every question of the gap is judged again: what is said to be released was.
3. What else a change would release is found by impact: the questions kept of every partner that the change can touch,
   and the grid, are put to both sets.

Nothing is written, and nothing here changes what is in force.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import msgspec

from gateway.activation.running import stored_set
from gateway.admission import against
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import Event
from gateway.audit.orders import Standing, Stop
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry
from gateway.impact import Comparison, counted_as_unused, seat
from gateway.judging import Case, Evidence, judge
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.decision import Effect, Subject
from gateway.policy.denied import Denied
from gateway.policy.gaps import Change, Else, Gap, Gaps, Weighed, standing_of
from gateway.policy.grid import Cell, grid
from gateway.policy.impact import REFUSED, Flip, Impact
from gateway.policy.policyset import PolicySet
from gateway.policy.proposals import Proposal, propose
from gateway.policy.replay import subject_from_json
from gateway.policy.trial import with_assumed_keys
from gateway.replay import CALLER_CODES, shown_evidence

KEPT = 50_000
"""Most distinct denied questions kept to weigh changes by; beyond that the first ones are."""

CELLS = 2_000
"""Most questions of the grid put to one change, taken evenly."""

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Question:
    """One denied question of the log: who asked as it was recorded, of which set, for what, when, with the stops that
    stood then and still stand; and what the record showed (``None``: the caller itself was refused).
    """

    recorded: Subject
    then: PolicySet
    dataset: str
    purpose: str
    at: datetime
    stops: tuple[Stop, ...]
    shown: Evidence | None

    def reasons(self, policy: CompiledPolicy) -> tuple[str, ...]:
        """Everything that stands against release under a set, as ``gate:code``; nothing when it goes."""
        subject = seat(self.recorded, self.then, policy, self.at)
        if subject is None or self.dataset not in policy.policy_set.datasets:
            return REFUSED.reasons
        around = policy.unused(self.recorded.partner, self.dataset)
        case = Case(policy, Standing(stops=self.stops), subject, self.dataset, self.purpose, self.at, around)
        if self.shown is None:
            return tuple(against(case))
        judged = judge(case, counted_as_unused(case, self.shown), policy.shape(self.dataset))
        return () if judged.permitted else judged.reasons

    def marked(self, marking: str | None) -> Question:
        """The same question of a record marked otherwise by its originator; of the record as it is for ``None``."""
        if marking is None or self.shown is None:
            return self
        return replace(self, shown=replace(self.shown, marking=marking))

    def denied(self, policy: CompiledPolicy, reasons: tuple[str, ...]) -> Denied:
        """The question and why it was denied, for whoever works out a change."""
        shown, label = self.shown, None
        if shown is not None and shown.marking is not None and not shown.doubts:
            label = policy.read_label(self.dataset, shown.marking, shown.day)
        facts = None if shown is None else shown.facts
        asker = self.recorded
        return Denied(asker.partner, asker.system, self.dataset, self.purpose, self.at, reasons, label, facts)


@dataclass(slots=True)
class _Kept:
    """A distinct question with the gap it is in and how often it was asked."""

    question: Question
    gap: Gap
    count: int = 1


@dataclass(slots=True)
class Gathering:
    """The gaps of a log under the set in force, and what is kept of them to weigh changes by."""

    policy: CompiledPolicy
    standing: Standing
    gaps: Gaps = field(default_factory=Gaps)
    _samples: dict[Gap, Question] = field(default_factory=dict)
    _kept: dict[Hashable, _Kept] = field(default_factory=dict)
    _then: dict[str, PolicySet] = field(default_factory=dict)

    def gather(self, entry: StoredEntry, log: LogReader) -> None:
        """Every denial of one entry. Raises ``LookupError`` when the log's store lacks the set that decided."""
        private = entry.private
        if entry.leaf.event != Event.RELEASE or "subject" not in private:
            return
        asked = self._asked(private, log)
        if not entry.rows:
            self.gaps.decisions += 1
            if entry.leaf.outcome in CALLER_CODES:
                self._note(asked, b"")
        for row in entry.rows:
            self.gaps.decisions += 1
            # What was withheld without a reason of its own went down with its chunk: no gap of policy.
            if row.effect == Effect.WITHHOLD and row.detail["reasons"]:
                shown = self._shown(row.detail)
                told = [row.detail[name] for name in ("marking", "day", "nested", "doubts", "facts")]
                self._note(replace(asked, shown=shown), msgspec.json.encode(told))

    def _asked(self, private: Mapping[str, PlainJson], log: LogReader) -> Question:
        digest = str(private["policy"])
        if digest not in self._then:
            known = digest == self.policy.digest
            self._then[digest] = self.policy.policy_set if known else stored_set(log, digest)
        then = frozenset(cast("Sequence[str]", private["stops"]))
        return Question(
            subject_from_json(cast("Mapping[str, PlainJson]", private["subject"])),
            self._then[digest],
            str(private["dataset"]),
            str(private["purpose"]),
            datetime.fromisoformat(str(private["at"])),
            tuple(stop for stop in self.standing.stops if str(stop) in then),
            None,
        )

    def _shown(self, detail: Mapping[str, PlainJson]) -> Evidence:
        shown = shown_evidence(detail)
        still = {str(stop) for stop in self.standing.stops}
        stops = tuple(stop for stop in shown.facts.stops if stop in still)
        return replace(shown, facts=replace(shown.facts, stops=stops))

    def _note(self, asked: Question, key: bytes) -> None:
        reasons = asked.reasons(self.policy)
        if not reasons:
            self.gaps.closed += 1
            return
        marking = "" if asked.shown is None else asked.shown.marking or ""
        gap = Gap(asked.recorded.partner, asked.dataset, marking, reasons)
        self.gaps.note(gap, asked.at)
        self._samples[gap] = asked
        whole = (asked.recorded, asked.dataset, asked.purpose, key, reasons)
        kept = self._kept.get(whole)
        if kept is not None:
            kept.count += 1
        elif len(self._kept) < KEPT:
            self._kept[whole] = _Kept(asked, gap)

    def weigh(self, gap: Gap, *, with_grid: bool = True) -> Weighed:
        """What could be done about one gap, and what else each way would release."""
        sample = self._samples[gap]
        proposals = propose(self.policy.policy_set, sample.denied(self.policy, gap.reasons))
        changes = tuple(self._change(gap, each, with_grid=with_grid) for each in proposals)
        return Weighed(gap, self.gaps.gaps[gap], standing_of(gap, changes), changes)

    def _change(self, gap: Gap, proposal: Proposal, *, with_grid: bool) -> Change:
        changes_policy = proposal.edited is not self.policy.policy_set
        policy = compile_policy(proposal.edited) if changes_policy else self.policy
        own = (kept for kept in self._kept.values() if kept.gap == gap)
        releases = sum(kept.count for kept in own if not kept.question.marked(proposal.marking).reasons(policy))
        besides = self._besides(gap, policy, with_grid=with_grid) if changes_policy else None
        return Change(proposal.steps, releases, besides)

    def _besides(self, gap: Gap, policy: CompiledPolicy, *, with_grid: bool) -> Else:
        """What else goes under the changed set: of the kept questions and of the grid."""
        found: list[tuple[_Kept, str]] = []
        for kept in self._kept.values():
            if (
                kept.gap != gap
                and _touches(self.policy, policy, kept.gap.partner)
                and not kept.question.reasons(policy)
            ):
                asked = f"{kept.gap.partner} {kept.gap.dataset} {kept.gap.marking or 'request'}"
                found.append((kept, f"{asked}, asked on {kept.question.at.date()}"))
        log = sum(kept.count for kept, _ in found)
        examples = [said for _, said in found[:_EXAMPLES]]
        gained, more = self._grid(policy, self.gaps.gaps[gap].last) if with_grid else (0, ())
        return Else(log, gained, tuple([*examples, *more][:_EXAMPLES]))

    def _grid(self, policy: CompiledPolicy, at: datetime) -> tuple[int, tuple[str, ...]]:
        sets = [with_assumed_keys(each.policy_set) for each in (self.policy, policy)]
        comparison = Comparison(compile_policy(sets[0]), compile_policy(sets[1]), Impact())
        for cell in _thinned(grid(sets[0], sets[1], at).cells):
            comparison.ask_cell(cell)
        groups = comparison.impact.groups.items()
        gained = [(group, found) for group, found in groups if group.flip in (Flip.GAINED, Flip.LOOSENED)]
        examples = (f"{group.partner} {group.dataset} {said}" for group, found in gained for said in found.examples)
        return sum(found.count for _, found in gained), tuple(examples)


def _thinned(cells: Sequence[Cell]) -> Iterator[Cell]:
    step = max(1, -(-len(cells) // CELLS))
    return iter(cells[::step])


def _touches(was: CompiledPolicy, now: CompiledPolicy, partner: str) -> bool:
    """Whether a change can turn an answer of this partner's: its own file, a dataset or a community."""
    old, new = was.policy_set, now.policy_set
    return (
        old.partners.get(partner) is not new.partners.get(partner)
        or old.datasets != new.datasets
        or old.own_communities is not new.own_communities
    )
