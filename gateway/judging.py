"""Judge one record: its own label, the labels of the records inside it, and the facts that policy reads.

A record is first reduced to its *evidence*: everything about it that a decision depends on, as it was received.
Judging is a pure function of the case and the evidence, so a past decision can be made again from what the audit
entry holds (:mod:`gateway.replay`).

The rules kept here:

1. Any doubt about the record's form takes its label's place: a marking that two parsers may read in two ways is none.
2. A record inside a record is judged by its own label, for the same subject and purpose, with the outer record's
   facts. If one may not go, nothing of the record goes.
3. An outer marking that stands below an inner one is itself a doubt (ISM-ID-00058), unless the dataset says that its
   outer marking speaks for its own fields only.
4. What is withheld needs no strict parse; what is about to be released gets one, and a doubt found there withholds.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime

from gateway import markings
from gateway.audit.orders import Standing
from gateway.binding import binding_doubts
from gateway.content.doubts import Doubt
from gateway.content.records import RecordView
from gateway.content.strict import strict_doubts
from gateway.markings.binding import BindingDoubt
from gateway.policy.compile import CompiledPolicy
from gateway.policy.decision import Approval, Around, Decision, Facts, Gate, LabelDoubt, Subject
from gateway.policy.facts import NOTHING_AROUND
from gateway.policy.reasons import Reason
from gateway.policy.schemes import Marked, RolledUp
from gateway.policy.shape import RecordShape

_DOUBTS: Mapping[str, Reason] = {
    **dict.fromkeys(map(str, BindingDoubt), Reason.LABEL_UNBOUND),
    Doubt.MARKING_MISSING: Reason.LABEL_MISSING,
    Doubt.DUPLICATE_KEY: Reason.LABEL_DUPLICATE_KEY,
    Doubt.NESTED_NOT_AN_OBJECT: Reason.LABEL_NESTED,
    Doubt.NESTED_MARKING_MISSING: Reason.LABEL_NESTED,
    Doubt.NESTED_MARKING_NOT_TEXT: Reason.LABEL_NESTED,
    Doubt.TLE_LETTER_CONTRADICTS: Reason.LABEL_CONTRADICTED,
    Doubt.TLE_LETTER_MISSING: Reason.LABEL_CONTRADICTED,
    Doubt.DATE_MISSING: Reason.LABEL_DATE_MISSING,
}
_UNREADABLE = frozenset(
    {
        Doubt.NOT_AN_OBJECT,
        Doubt.MALFORMED,
        Doubt.INVALID_UTF8,
        Doubt.NUMBER_OVERFLOW,
        Doubt.TOO_DEEP,
        Doubt.TOO_LARGE,
    }
)


_FACTS = tuple(field.name for field in fields(Facts) if field.name != "delay_from")
_HASHABLE = frozenset({str, bool, tuple, frozenset, type(None)})
_BY_LABEL = frozenset({Gate.LABEL, Gate.ORIGINATOR, Gate.RELEASABILITY, Gate.CLEARANCE, Gate.NEED_TO_KNOW})


@dataclass(frozen=True, slots=True)
class Case:
    """What stays the same for every record of one chunk: who asks, for what, under which policy, and when.

    ``around`` is what else is known: how much has gone already, and which emergencies are open.
    """

    policy: CompiledPolicy
    standing: Standing
    subject: Subject
    dataset: str
    purpose: str
    at: datetime
    around: Around = NOTHING_AROUND


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision about one record depends on. ``day`` is the label's date; ``nested`` are (path, marking)."""

    marking: str | None
    day: date | None
    nested: tuple[tuple[str, str | None], ...]
    doubts: tuple[str, ...]
    facts: Facts


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided of one record. ``labels`` are its own and the inner ones, when all of them could be read."""

    evidence: Evidence
    decision: Decision
    reasons: tuple[str, ...]
    labels: tuple[Marked, ...] = ()

    @property
    def permitted(self) -> bool:
        """Whether the record may go: the decision releases it and nothing inside it stands against."""
        return self.decision.permitted and not self.reasons


def evidence(
    case: Case,
    view: RecordView,
    shape: RecordShape,
    stops: tuple[str, ...],
    more_doubts: Sequence[str] = (),
    *,
    tear_line: bool = False,
    approval: Approval | None = None,
) -> Evidence:
    """Reduce a record as it was read to what a decision depends on; ``approval`` is the human release in force."""
    values: dict[str, object] = dict(view.values)
    if shape.delay_from is not None and view.delay_from is not None:
        values[shape.delay_from] = view.delay_from.isoformat()
    if shape.originator is not None:
        values[shape.originator] = view.originator
    around = replace(case.around, tear_line=True) if tear_line else case.around
    facts = case.policy.facts(case.dataset, values, case.at, stops, around)
    if approval is not None:
        facts = replace(facts, approval=approval)
    nested = tuple((inner.path, inner.marking) for inner in view.nested)
    doubts = tuple(sorted({*map(str, view.doubts), *more_doubts}))
    day = None if view.date is None else view.date.date()
    return Evidence(view.marking, day, nested, doubts, facts)


def judge_record(
    case: Case,
    view: RecordView,
    shape: RecordShape,
    stops: tuple[str, ...],
    *,
    twin: bool,
    tear_line: bool = False,
    approval: Approval | None = None,
) -> Judgement:
    """Judge a record as it was read; one that would go is read strictly first, and judged again if a doubt is found.
    ``tear_line`` says that it is the tear-line version of another; ``approval`` is the human release in force for it.
    """
    dataset = case.policy.policy_set.datasets[case.dataset]
    labellers = case.policy.policy_set.labellers.get(dataset.source, ())
    doubts = ((Doubt.IDENTIFIER_DUPLICATE,) if twin else ()) + binding_doubts(view, shape, labellers, case.at)

    def shown(*more: str) -> Evidence:
        return evidence(case, view, shape, stops, (*doubts, *more), tear_line=tear_line, approval=approval)

    judged = judge(case, shown(), shape)
    if judged.permitted:
        found = strict_doubts(view.raw, shape.marking)
        if found:
            return judge(case, shown(*found), shape)
    return judged


ANSWERS = 65_536
"""Most answers that a sitting keeps: where rules read what differs from record to record, each would be kept."""


class Sitting:
    """Judges the records of one case and asks nothing twice: a decision is a function of the case and of what is shown.

    One answer serves all records that show the same but for the time that a delay counts from, which is read only where
    there is a delay: then each record is judged for itself. Nothing is kept beyond the case, and so beyond its moment.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._shape = case.policy.shape(case.dataset)
        dataset = case.policy.policy_set.datasets[case.dataset]
        self._labellers = case.policy.policy_set.labellers.get(dataset.source, ())
        self._answers: dict[Hashable, Judgement] = {}

    def judge(
        self, view: RecordView, stops: tuple[str, ...], doubts: Sequence[str] = (), approval: Approval | None = None
    ) -> Judgement:
        """Judge a record as it was read, without reading it strictly: rule 4 is the caller's to keep."""
        case, shape = self._case, self._shape
        bound = binding_doubts(view, shape, self._labellers, case.at)
        shown = evidence(case, view, shape, stops, (*doubts, *bound), approval=approval)
        asked = (shown.marking, shown.day, shown.nested, shown.doubts, _but_for_delay(shown.facts))
        known = self._answers.get(asked)
        if known is None:
            known = judge(case, shown, shape)
            if not known.decision.obligations.delay and not shown.nested:  # what is inside has grants of its own
                if len(self._answers) >= ANSWERS:
                    self._answers.clear()
                self._answers[asked] = known
        return known if known.evidence is shown else replace(known, evidence=shown)


def _but_for_delay(facts: Facts) -> Hashable:
    """Everything that facts say but for the time a delay counts from; types stand beside values, since 1 is True."""
    return tuple([_hashable(getattr(facts, name)) for name in _FACTS])


def _hashable(said: object) -> Hashable:
    if said.__class__ in _HASHABLE:
        return said
    if isinstance(said, Mapping):
        return tuple([(name, value.__class__, value) for name, value in said.items()])
    return said


def judge(case: Case, shown: Evidence, shape: RecordShape) -> Judgement:
    """Judge evidence: the outer label through all nine gates, then every inner label, then outer against inner.

    A record that officers released is judged as they marked it.
    """
    own = _label(case, shown)
    decision = _decide(case, own, shown.facts)
    if isinstance(own, LabelDoubt):
        return Judgement(shown, decision, decision.reasons)
    labels = [own]
    sound = True
    for _, marking in shown.nested:
        label = _read(case, marking, shown.day)
        inner = _decide(case, label, shown.facts)
        # What stands against the outer record too is said once, of the outer record.
        said = not decision.permitted and set(inner.reasons) <= set(decision.reasons)
        sound = sound and (inner.permitted or said)
        if not isinstance(label, LabelDoubt):
            labels.append(label)
    whole = len(labels) == 1 + len(shown.nested)
    if whole and not shape.outer_speaks_for_itself and _outer_is_below(labels, case):
        sound = False
    nested = () if sound else (f"{Gate.LABEL}:{Reason.LABEL_NESTED}",)
    return Judgement(shown, decision, (*decision.reasons, *nested), tuple(labels) if whole else ())


def permits_roll_up(case: Case, judged: Sequence[Judgement]) -> RolledUp | None:
    """The roll-up of everything about to go, if it would itself permit this partner; ``None`` if it would not.

    The roll-up is judged by the gates that a label decides; grant, channel and hold were each record's own. What an
    officer may release (RELIDO) has been, record by record, where it stands in the roll-up.
    """
    try:
        rolled = case.policy.roll_up(case.dataset, (label for judgement in judged for label in judgement.labels))
    except markings.MarkingError:  # there is no label of the whole, so there is none that permits
        return None
    facts = next((one.evidence.facts for one in judged if one.evidence.facts.approval), judged[0].evidence.facts)
    decision = _decide(case, rolled.label, facts)
    if decision.permitted or all(result.passed for result in decision.gates if result.gate in _BY_LABEL):
        return rolled
    return None


def _decide(case: Case, label: Marked | LabelDoubt, facts: Facts) -> Decision:
    return case.policy.decide(case.subject, case.dataset, label, facts, case.purpose, case.at)


def _label(case: Case, shown: Evidence) -> Marked | LabelDoubt:
    if not _UNREADABLE.isdisjoint(shown.doubts):  # whatever else is missing is missing because of it
        return LabelDoubt(Reason.LABEL_RECORD_MALFORMED)
    for doubt in shown.doubts:
        return LabelDoubt(_DOUBTS.get(doubt, Reason.LABEL_RECORD_MALFORMED))
    approval = shown.facts.approval
    return _read(case, shown.marking if approval is None else approval.marking, shown.day)


def _read(case: Case, marking: str | None, day: date | None) -> Marked | LabelDoubt:
    if marking is None:
        return LabelDoubt(Reason.LABEL_MISSING)
    return case.policy.read_label(case.dataset, marking, day)


def _outer_is_below(labels: Sequence[Marked], case: Case) -> bool:
    """Whether the outer label (the first) is less strict than an inner one, as a banner may not be (ISM-ID-00058)."""
    return case.policy.scheme(case.dataset).outer_is_below(labels[0], labels[1:], case.at.date())
