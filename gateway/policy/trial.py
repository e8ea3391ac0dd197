"""Put officers' cases to a set, and say which hold and which rules they prove.

1. A case is asked exactly as the gateway would ask it: through all nine gates of the compiled set.
2. It holds when the answer *and* everything it says about the answer are as written; what it does not say is not
   compared.
3. Keys are not policy text, and a set in a repository often has none: a case assumes a sound key unless it asks for
   the registered ones. Nothing else is ever assumed.
4. A grant is proved by a case that holds, was released and matched it. A deny is proved by a case that holds, was
   withheld, and in which that deny fired.
5. A case that cannot be asked (a partner, dataset, system or field that the set does not know) fails.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from gateway.policy.admission import Claims
from gateway.policy.cases import CasesFile, CaseTable
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.conditions import Truth
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import Approval, Around, Decision, Facts, LabelDoubt, Subject
from gateway.policy.errors import CallerRefused
from gateway.policy.partnerkeys import PartnerKey
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.reasons import MEANING, Reason
from gateway.policy.schemes import Marked
from gateway.policy.telling import EXACT, LEFT_OUT, degraded, marked, named
from gateway.policy.wording import span, step_text

ASSUMED_KEY = PartnerKey(thumbprint="assumed", kid="assumed", use="enc", jwk="{}")
"""Stands for a registered, valid key where keys are not what is asked about. Nothing can be sealed to it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One case and what came of it. ``wrong`` is empty when it holds; ``decision`` is missing when it could not be
    asked. ``proves`` are the ids of rules that it covers.
    """

    file: str
    index: int
    case: CaseTable
    decision: Decision | None
    wrong: tuple[str, ...]
    proves: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether everything came out as expected."""
        return not self.wrong


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """A grant or deny of the set: ``kind`` is ``grant`` or ``deny``; ``partner`` is empty for a dataset's own deny."""

    partner: str
    dataset: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """Every case in order, every rule of the set, and which rules no case proves."""

    tried: tuple[Tried, ...]
    rules: tuple[Rule, ...]
    unproved: tuple[Rule, ...]

    @property
    def failed(self) -> tuple[Tried, ...]:
        """The cases that do not hold."""
        return tuple(each for each in self.tried if not each.holds)


class CannotAsk(Exception):
    """The question names something that the set does not know; the message says what."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as ``decide`` takes it."""

    subject: Subject
    dataset: str
    label: Marked | LabelDoubt
    facts: Facts
    purpose: str
    at: datetime

    def ask(self, policy: CompiledPolicy) -> Decision:
        """The policy's answer."""
        return policy.decide(self.subject, self.dataset, self.label, self.facts, self.purpose, self.at)


def with_assumed_keys(policy_set: PolicySet) -> PolicySet:
    """The same set with a sound key to seal to for every partner; its digest stays that of the files."""
    partners = {
        code: dataclasses.replace(partner, recipient_keys=(ASSUMED_KEY,))
        for code, partner in policy_set.partners.items()
    }
    return dataclasses.replace(policy_set, partners=partners)


def try_cases(policy_set: PolicySet, files: Mapping[str, CasesFile] | None = None) -> Report:
    """Ask every case (the set's own, unless others are given) and gather what they prove."""
    cases = policy_set.cases if files is None else files
    assumed = compile_policy(with_assumed_keys(policy_set))
    registered = compile_policy(policy_set) if _asks_for_keys(cases) else assumed
    tried = tuple(
        _try(registered if case.key == "registered" else assumed, path, index, case)
        for path in sorted(cases)
        for index, case in enumerate(cases[path].case)
    )
    rules = tuple(sorted(_rules(policy_set)))
    proved = {name for each in tried for name in each.proves}
    return Report(tried, rules, tuple(rule for rule in rules if rule.name not in proved))


def _asks_for_keys(cases: Mapping[str, CasesFile]) -> bool:
    return any(case.key == "registered" for file in cases.values() for case in file.case)


def _rules(policy_set: PolicySet) -> Iterator[Rule]:
    for dataset in policy_set.datasets.values():
        yield from (Rule("", dataset.dataset, "deny", deny.id) for deny in dataset.deny)
    for partner in policy_set.partners.values():
        yield from (Rule(partner.code, grant.dataset, "grant", grant.id) for grant in partner.grants)
        yield from (Rule(partner.code, deny.dataset, "deny", deny.id) for deny in partner.denies)


def _try(policy: CompiledPolicy, path: str, index: int, case: CaseTable) -> Tried:
    try:
        question = question_of(policy, case)
    except CannotAsk as error:
        return Tried(path, index, case, None, (f"cannot be asked: {error}",))
    decision = question.ask(policy)
    wrong = tuple(_compare(policy.policy_set.datasets[case.dataset], case, decision))
    proves = frozenset() if wrong else frozenset(_proved(policy, question, decision))
    return Tried(path, index, case, decision, wrong, proves)


def question_of(policy: CompiledPolicy, case: CaseTable) -> Question:
    """The question that a case asks; raises :class:`CannotAsk`."""
    policy_set = policy.policy_set
    partner, dataset = policy_set.partners.get(case.partner), policy_set.datasets.get(case.dataset)
    if partner is None:
        raise CannotAsk(f"the set has no partner {case.partner}")
    if dataset is None:
        raise CannotAsk(f"the set has no dataset {case.dataset}")
    subject = _subject(policy, partner, case)
    purpose = policy.purpose(partner.code, dataset.dataset, None, subject.system) if case.purpose is None else None
    said = case.purpose if purpose is None else purpose.value
    if said is None:
        raise CannotAsk(f"the case names no purpose, and {case.dataset} is granted for more than one, or for none")
    day = case.date or case.at.date()
    unknown = {*case.emergencies, *case.used} - _countable(policy, partner, dataset)
    if unknown:
        raise CannotAsk(f"{min(unknown)} is no emergency, volume or compilation that speaks of {case.dataset}")
    around = Around(case.used, dict.fromkeys(case.emergencies, case.at), tear_line=case.tear_line)
    around = policy.unused(partner.code, dataset.dataset, around)
    facts = policy.facts(dataset.dataset, record_fields(dataset, case.fields, day), case.at, (), around)
    if case.approved:
        facts = dataclasses.replace(facts, approval=Approval("case", case.marking))
    return Question(subject, dataset.dataset, read_label(policy, dataset, case.marking, day), facts, said, case.at)


def _countable(policy: CompiledPolicy, partner: Partner, dataset: DatasetFile) -> frozenset[str]:
    """What a case may say has been opened or used."""
    opened = {rule.id for rule in partner.grants if rule.lasts is not None}
    return frozenset(opened | {counter.name for counter in policy.counters(partner.code, dataset.dataset)})


def _subject(policy: CompiledPolicy, partner: Partner, case: CaseTable) -> Subject:
    name = case.system or (next(iter(partner.systems)) if len(partner.systems) == 1 else "")
    if not name:
        raise CannotAsk(f"{partner.code} does not have just one system, so the case must name one")
    key = policy.recipient(partner.code, case.at)
    try:
        return policy.subject(partner.code, name, Claims(), partner.channel.strength, key)
    except CallerRefused as refused:
        raise CannotAsk(f"system {name}: {MEANING[Reason(refused.reason)]}") from refused


def read_label(policy: CompiledPolicy, dataset: DatasetFile, marking: str, day: date) -> Marked | LabelDoubt:
    """The label of a marking written on ``day``, or the doubt that takes its place."""
    if not marking:
        return LabelDoubt(Reason.LABEL_MISSING)
    return policy.read_label(dataset.dataset, marking, day)


def record_fields(dataset: DatasetFile, fields: Mapping[str, object], day: date) -> dict[str, object]:
    """A record's fields as its JSON would give them; its dates are the first moment of ``day`` unless stated."""
    midnight = datetime.combine(day, time(0), UTC).isoformat()
    dates = {name: midnight for name in (dataset.record.date, dataset.record.delay_from) if name is not None}
    stated = {name: float(value) if isinstance(value, Decimal) else value for name, value in fields.items()}
    return {**dates, **stated}


def _compare(dataset: DatasetFile, case: CaseTable, decision: Decision) -> Iterator[str]:
    """Everything in which the answer is not the one written."""
    went = "released" if decision.permitted else "withheld"
    if decision.permitted is not case.released:
        yield f"expected {case.expect}, and it is {went}"
    if case.grants is not None and set(case.grants) != set(decision.grants):
        yield f"expected the grants {_listed(case.grants)}, and {_listed(decision.grants)} apply"
    if not decision.permitted:
        yield from _compare_gates(case, decision)
    if decision.permitted and case.released:
        yield from _compare_obligations(dataset, case, decision)


def _compare_gates(case: CaseTable, decision: Decision) -> Iterator[str]:
    refusing = [str(result.gate) for result in decision.gates if not result.passed]
    if case.gates is not None and {str(gate) for gate in case.gates} != set(refusing):
        yield f"expected {_listed(map(str, case.gates))} to refuse, and {_listed(refusing)} does"
    found = {reason for result in decision.gates for reason in result.reasons}
    for reason in case.reasons:
        if str(reason) not in found:
            yield f"expected the reason {reason}, and the reasons are {_listed(sorted(found))}"


def _compare_obligations(dataset: DatasetFile, case: CaseTable, decision: Decision) -> Iterator[str]:
    duties = decision.obligations
    for name in sorted({*case.rounded, *case.dropped, *case.untouched}):
        if not _known(dataset, name):
            yield f"no group of {dataset.dataset} is called {name} or holds such a field, so nothing is shown by it"
    for name, step in case.rounded.items():
        for path in sorted(_measured(dataset, name)):
            if duties.round.get(path, duties.coarsen.get(path)) != step:
                yield f"expected {path} rounded to {step_text(step)}, and it is {degraded(duties, path)}"
    for name in case.dropped:
        for path in sorted(path for path in _fields(dataset, name) if degraded(duties, path) != LEFT_OUT):
            yield f"expected {path} left out, and it goes"
    for name in case.untouched:
        for path in sorted(path for path in _fields(dataset, name) if degraded(duties, path) != EXACT):
            yield f"expected {path} as it is, and it is {degraded(duties, path)}"
    if case.only is not None and frozenset(case.only) != duties.only:
        yield f"expected only {_listed(case.only)} to go, and it is {named(duties.only)}"
    if case.watermark is not None and not any(case.watermark in text for text in duties.watermark.values()):
        yield f"expected the watermark {case.watermark!r}, and it is {marked(duties)}"
    if case.delay is not None and case.delay != duties.delay:
        yield f"expected a delay of {span(case.delay)}, and it is {span(duties.delay)}"


def _fields(dataset: DatasetFile, name: str) -> frozenset[str]:
    """The fields that a name in a case stands for: a group's, or the one field itself."""
    group = dataset.groups.get(name)
    return frozenset({name}) if group is None else group.fields


def _known(dataset: DatasetFile, name: str) -> bool:
    group, _, quantity = name.partition(".")
    if group in dataset.groups:
        return not quantity or quantity in dataset.groups[group].quantities
    return any(name in held.fields for held in dataset.groups.values())


def _measured(dataset: DatasetFile, name: str) -> frozenset[str]:
    """The fields that can be rounded under a name: a quantity's (``group.quantity``), or the one field itself."""
    group, _, quantity = name.partition(".")
    table = dataset.groups[group].quantities.get(quantity) if group in dataset.groups else None
    return frozenset({name}) if table is None else frozenset(table.fields)


def _proved(policy: CompiledPolicy, question: Question, decision: Decision) -> Iterable[str]:
    if decision.permitted:
        return decision.grants
    if question.facts.problems:
        return ()
    partner = policy.policy_set.partners[question.subject.partner]
    dataset = policy.policy_set.datasets[question.dataset]
    denies = {deny.id: deny.where for deny in dataset.deny}
    denies |= {deny.id: deny.where for deny in partner.denies if deny.dataset == question.dataset}
    return [name for name, where in denies.items() if where.truth(question.facts.values) is not Truth.FALSE]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
