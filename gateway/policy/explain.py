"""Explain one decision to an officer: every gate, what it read and where that is written, what would turn it.

1. Nothing is decided here. The decision was made by the compiled policy; this looks up what each gate read.
2. A gate that refused says every reason, its remedy, and where the thing to change is written. All refusing gates must
   change for a withheld record to go.
3. A gate that passed says what it rests on. Any one of those changing withholds a released record.
4. Where no grant applies, every grant of the partner over the dataset says which of its own words keeps it from
   applying.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.markings import CategoryType, Label, SecurityLabel
from gateway.policy.books import is_open
from gateway.policy.compile import CompiledPolicy
from gateway.policy.conditions import Condition, FactMisread, Truth
from gateway.policy.dataset import CompilationTable, DatasetFile
from gateway.policy.decision import Decision, Facts, Gate, Outcome, Unknown
from gateway.policy.grants import AlertTable, GrantTable
from gateway.policy.policyset import Partner
from gateway.policy.reasons import MEANING
from gateway.policy.remedies import Whose, remedy
from gateway.policy.telling import witnessed
from gateway.policy.trial import Question
from gateway.policy.whereabouts import Place, Whereabouts, dataset_file, keys_file, partner_file
from gateway.policy.witnesses import demanded
from gateway.policy.wording import as_written, span

SETTINGS = "policies/policy.toml"
_MEANINGS: Mapping[str, str] = {str(code): said for code, said in MEANING.items()}


@dataclass(frozen=True, slots=True)
class Ground:
    """Something that a gate read: what it says, and where it is written."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Against:
    """One reason against release: its code, its meaning, what would have to change and who could change it."""

    code: str
    meaning: str
    change: str
    whose: Whose


@dataclass(frozen=True, slots=True)
class Account:
    """What one gate said and on what grounds."""

    gate: Gate
    outcome: Outcome
    against: tuple[Against, ...]
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the account of every gate. ``opposite`` says in sentences what the other answer would take."""

    decision: Decision
    accounts: tuple[Account, ...]
    opposite: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with the files that answer it."""

    partner: Partner
    dataset: DatasetFile
    question: Question
    decision: Decision
    where: Whereabouts
    tightened: Mapping[str, str]
    compilations: tuple[CompilationTable, ...]

    def ours(self, text: str, *field: str | int) -> Ground:
        """A ground in the partner's file."""
        return Ground(text, self.where.of(partner_file(self.partner.code), field))

    def data(self, text: str, *field: str | int) -> Ground:
        """A ground in the dataset's file."""
        return Ground(text, self.where.of(dataset_file(self.dataset.dataset), field))


def explain(policy: CompiledPolicy, question: Question, where: Whereabouts) -> Explanation:
    """Decide and explain; the partner and the dataset must be in the set (``KeyError`` otherwise)."""
    partner = policy.policy_set.partners[question.subject.partner]
    dataset = policy.policy_set.datasets[question.dataset]
    decision = question.ask(policy)
    tightened = policy.policy_set.settings.tighten.get(dataset.profile, {})
    raising = policy.compilations(partner.code, dataset.dataset, question.facts, decision.obligations)
    asked = _Asked(partner, dataset, question, decision, where, tightened, raising)
    accounts = tuple(
        Account(
            result.gate, result.outcome, tuple(_against(code) for code in result.reasons),
            tuple(dict.fromkeys(_GROUNDS[result.gate](asked))),
        )
        for result in decision.gates
    )  # fmt: skip
    return Explanation(decision, accounts, _opposite(decision, accounts))


def _against(code: str) -> Against:
    found = remedy(code)
    meaning = _MEANINGS.get(code, code.replace("_", " "))
    return Against(code, meaning, found.what, found.whose)


def _opposite(decision: Decision, accounts: tuple[Account, ...]) -> tuple[str, ...]:
    if decision.permitted:
        until = decision.stays_true_until
        said = ["It would be withheld if any one ground of any gate above fell."]
        if until is not None:
            said.append(f"By date alone the answer may change at {until.isoformat()}.")
        return tuple(said)
    refusing = [account for account in accounts if account.outcome is not Outcome.PASSED]
    against = [each for account in refusing for each in account.against]
    said = [f"{account.gate}: {each.change} ({each.whose})." for account in refusing for each in account.against]
    if any(each.whose is Whose.NOBODY for each in against):
        said.append("No change of policy releases this record.")
    elif len(said) > 1:
        said.append("All of these would have to change: each gate refuses by itself.")
    return tuple(dict.fromkeys(said))


def _label(asked: _Asked) -> Iterator[Ground]:
    yield asked.data(f"read under the marking profile {asked.dataset.profile}", "profile")
    yield asked.data(f"the field {asked.dataset.record.marking} holds the marking", "record", "marking")


def _agreement(asked: _Asked) -> Iterator[Ground]:
    agreement = asked.partner.agreement
    yield asked.ours(f"{agreement.instrument}, from {agreement.from_.date()}", "agreement", "from")
    yield asked.ours(f"until {agreement.until.date()}", "agreement", "until")
    yield asked.ours(f"covers {', '.join(agreement.datasets)}", "agreement", "datasets")
    yield asked.ours(f"for {', '.join(agreement.purposes)}", "agreement", "purposes")
    for index, condition in enumerate(agreement.condition):
        until = f", met until {condition.met_until.date()}" if condition.met_until else ""
        state = "lapsed" if condition.lapsed(asked.question.at) else "kept"
        yield asked.ours(f"condition {condition.id} is {state}{until}", "agreement", "condition", index)


def _originator(asked: _Asked) -> Iterator[Ground]:
    label = asked.question.label
    if not isinstance(label, Label):
        return
    for control in label.controls:
        if control.name in asked.tightened:
            field = ("tighten", asked.dataset.profile, control.name)
            yield Ground(
                f"{control.name} is tightened to {asked.tightened[control.name]}", asked.where.of(SETTINGS, field)
            )
    if not label.controls and set(label.owners) <= asked.partner.own_codes | {"USA"}:
        return
    for index, consent in enumerate(asked.partner.consents):
        if asked.dataset.dataset in consent.datasets:
            span = f"{consent.from_.date()} to {consent.until.date()}"
            yield asked.ours(f"{consent.originator} consents to {consent.control}, {span}", "consent", index)


def _releasability(asked: _Asked) -> Iterator[Ground]:
    label = asked.question.label
    yield asked.ours(f"{asked.partner.code} is a {asked.partner.kind}", "kind")
    if isinstance(label, Label) and label.rel_to is None:
        kinds = ", ".join(asked.dataset.unmarked_default) or "nobody"
        yield asked.data(f"a bare U goes to: {kinds}", "unmarked_default")
    elif isinstance(label, SecurityLabel):
        for category in label.categories:
            if category.type is CategoryType.PERMISSIVE:
                yield Ground(f"the label says {category.tag}: {', '.join(category.values)}", Place("the record"))
    elif isinstance(label, Label):
        yield Ground(f"the label is releasable to {', '.join(label.rel_to or ())}", Place("the record"))


def _clearance(asked: _Asked) -> Iterator[Ground]:
    categories = ", ".join(asked.dataset.categories) or "none"
    yield asked.data(f"disclosure categories: {categories}", "categories")
    for category in asked.dataset.categories:
        level = asked.partner.ceiling.get(category, "nothing")
        yield asked.ours(f"the ceiling in category {category} is {level}", "ceiling", category)
    index = list(asked.partner.systems).index(asked.question.subject.system)
    clearance = asked.question.subject.clearance
    for rule in asked.compilations:
        what = ", ".join(rule.fields) + " together" if rule.fields else f"more than {rule.more_than} records"
        place = asked.where.rule(asked.partner.code, asked.dataset.dataset, rule.id)
        yield Ground(f"compilation {rule.id} ({what}) raises the level judged to {rule.level}", place)
    yield asked.ours(f"{asked.question.subject.system} is cleared {clearance}", "system", index, "clearance")
    for number, cleared in enumerate(asked.partner.systems[asked.question.subject.system].cleared):
        if cleared.profile == asked.dataset.profile:
            said = f"under {cleared.profile} it holds {', '.join(cleared.levels)}"
            yield asked.ours(said, "system", index, "cleared", number)


def _need_to_know(asked: _Asked) -> Iterator[Ground]:
    if asked.dataset.requires:
        yield asked.data(f"the dataset asks for {', '.join(asked.dataset.requires)}", "requires")
    index = list(asked.partner.systems).index(asked.question.subject.system)
    holds = ", ".join(sorted(asked.question.subject.holds))
    if holds:
        yield asked.ours(f"the system holds {holds}", "system", index, "holds")


def _grant(asked: _Asked) -> Iterator[Ground]:
    """The grants that apply, or why each does not; and every deny that fires."""
    code, name = asked.partner.code, asked.dataset.dataset
    for fact, problem in asked.question.facts.problems.items():
        fields = ", ".join(asked.dataset.facts[fact].from_)
        yield asked.data(f"the fact {fact}, read from {fields}, is {problem}", "facts", fact)
    for grant in asked.partner.grants:
        if grant.dataset == name:
            why = tuple(misses(grant, asked.question))
            said = f"{_kind(grant)} {grant.id} applies"
            if why:
                said = f"{_kind(grant)} {grant.id} does not apply: {'; '.join(why)}"
            elif grant.tear_line:
                said += ", to the tear-line version alone"
            if not why or not asked.decision.grants:
                yield Ground(said, asked.where.rule(code, name, grant.id))
    denies = {deny.id: deny.where for deny in asked.dataset.deny}
    denies |= {deny.id: deny.where for deny in asked.partner.denies if deny.dataset == name}
    for deny, where in denies.items():
        truth = truth_of(where, asked.question.facts)
        if truth is not Truth.FALSE:
            unsure = "" if truth is Truth.TRUE else " (it cannot be told that it does not)"
            yield Ground(f"deny {deny} speaks of it{unsure}", asked.where.rule(code, name, deny))


def _kind(grant: GrantTable) -> str:
    if grant.lasts is not None:
        return "emergency"
    return "alert" if isinstance(grant, AlertTable) else "grant"


def misses(grant: GrantTable, question: Question) -> Iterator[str]:
    """Why a grant does not apply, in words; nothing when it does."""
    if question.purpose not in grant.purposes:
        yield f"it is for {', '.join(grant.purposes)}, not {question.purpose}"
    if grant.from_ is not None and question.at < grant.from_:
        yield f"it begins {grant.from_.date()}"
    if grant.until is not None and question.at >= grant.until:
        yield f"it ended {grant.until.date()}"
    if grant.lasts is not None and not is_open(grant, question.facts.emergencies, question.at):
        yield "it is an emergency, and no officer has it open"
    if question.facts.tear_line and not grant.tear_line:
        yield "it does not speak of tear-line versions"
    for name, predicate in grant.where.tests:
        truth = truth_of(Condition(False, ((name, predicate),)), question.facts)
        if truth is not Truth.TRUE:
            yield f"{as_written(name, predicate)} {_holds_not(truth, name, question.facts)}"


def _holds_not(truth: Truth, name: str, facts: Facts) -> str:
    if name in facts.problems:
        return f"cannot be told, {name} is {facts.problems[name]}"
    if truth is Truth.UNKNOWN:
        return f"cannot be told, no table knows {name}"
    value = facts.values[name]
    shown = ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
    return f"does not hold, {name} is {shown or 'empty'}"


def truth_of(where: Condition, facts: Facts) -> Truth:
    """Whether a condition holds of these facts; a fact of the wrong type is not known."""
    try:
        return where.truth({name: value for name, value in facts.values.items() if not isinstance(value, Unknown)})
    except FactMisread:
        return Truth.UNKNOWN


def _channel(asked: _Asked) -> Iterator[Ground]:
    asks = f"the agreement asks for {asked.partner.channel.credential} or stronger"
    yield asked.ours(asks, "channel", "credential")
    if asked.partner.channel.post_quantum is not None:
        said = f"from {asked.partner.channel.post_quantum} on, it asks for a post-quantum key"
        yield asked.ours(said, "channel", "post_quantum")
    key = asked.question.subject.key
    said = "no key to seal to" if key is None else f"sealed to the key {key.thumbprint}"
    yield Ground(said, Place(keys_file(asked.partner.code)))


def _witnesses(asked: _Asked) -> Iterator[Ground]:
    """What is demanded of witnesses, by whom: no gate asks it, and nothing that passed all of them leaves without."""
    code, name = asked.partner.code, asked.dataset.dataset
    if (table := asked.partner.agreement.witnesses) is not None:
        yield asked.ours(f"the agreement demands witnesses: {witnessed(demanded(table))}", "agreement", "witnesses")
    if (table := asked.dataset.witnesses) is not None:
        yield asked.data(f"the dataset demands witnesses: {witnessed(demanded(table))}", "witnesses")
    for grant in asked.partner.grants:
        if grant.id in asked.decision.grants and grant.witnesses is not None:
            said = f"{_kind(grant)} {grant.id} demands witnesses: {witnessed(demanded(grant.witnesses))}"
            yield Ground(said, asked.where.rule(code, name, grant.id))


def _hold(asked: _Asked) -> Iterator[Ground]:
    yield from _witnesses(asked)
    for stop in asked.question.facts.stops:
        yield Ground(f"the stop {stop}", Place("the audit log"))
    for volume in asked.partner.volumes:
        if volume.datasets is None or asked.dataset.dataset in volume.datasets:
            used = asked.question.facts.usage.get(volume.id)
            what = "records" if volume.records is not None else "requests"
            gone = "an unknown number" if used is None else str(used)
            said = f"{gone} of {volume.most} {what} in {span(volume.per)} have gone"
            yield Ground(said, asked.where.rule(asked.partner.code, asked.dataset.dataset, volume.id))
    for grant in asked.partner.grants:
        if grant.id in asked.decision.grants and not grant.waits:
            place = asked.where.rule(asked.partner.code, asked.dataset.dataset, grant.id)
            yield Ground(f"{_kind(grant)} {grant.id} waits for nothing, and nothing that it speaks of does", place)
        if grant.id in asked.decision.grants and grant.delay:
            place = asked.where.rule(asked.partner.code, asked.dataset.dataset, grant.id)
            yield Ground(f"grant {grant.id} waits {grant.delay}", place)
        if grant.id in asked.decision.grants and grant.review is not None:
            place = asked.where.rule(asked.partner.code, asked.dataset.dataset, grant.id)
            officers = "two officers" if grant.review.persons > 1 else "an officer"
            yield Ground(f"grant {grant.id} waits until {officers} released the record", place)


_GROUNDS: Mapping[Gate, Callable[[_Asked], Iterator[Ground]]] = {
    Gate.LABEL: _label,
    Gate.AGREEMENT: _agreement,
    Gate.ORIGINATOR: _originator,
    Gate.RELEASABILITY: _releasability,
    Gate.CLEARANCE: _clearance,
    Gate.NEED_TO_KNOW: _need_to_know,
    Gate.GRANT: _grant,
    Gate.CHANNEL: _channel,
    Gate.HOLD: _hold,
}
"""What each gate read, and where it is written."""
