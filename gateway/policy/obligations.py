"""What must be done to a record before it goes, worked out once when the policy is compiled.

Rules of this file:

1. When several grants match, all their obligations apply, the strictest of each kind: drop beats round, the
   larger step beats the smaller, the longer delay beats the shorter. The order of files and lines never
   matters.
2. A group is degraded whole: every quantity gets its step, and every field that repeats the fact is left out.
3. **The same fact in two datasets takes the stricter obligation.** Where a partner's grant over one dataset
   degrades a fact, its grants over other datasets degrade it too. A dropped group drops the other. A rounded one
   rounds the other where the two share a quantity, by name and by dimension of its unit: each quantity takes the
   step of its namesake, one without a namesake the largest step in its dimension, and one without either is left
   out. Where no quantity is shared the whole group is left out.
4. A grant is exempt from rule 3 only where the two conditions prove that they speak of different things. That
   is so when both test a fact of one name and one meaning that both datasets declare ``separates``, and
   (a) each by equality or one-of, with no value in common; or
   (b) each by ``within``, with no member in common; or
   (c) this grant's ``within`` names only the partner's own codes, and the other's ``beyond`` leaves out all
       of them: the other obligation protects somebody else's share in the record, and the partner's own is
       the partner's.
   A delay and a review are holds, not degradations, and are never carried over. Nor are a watermark, a tear-line
   version, and the fields that an alert names: they say what goes here, not how well anything may be known.
5. What waits for nothing (an alert, an open emergency) lifts the delays and reviews of whatever else matches. It lifts
   no degradation and no demand for witnesses: the strictest still applies.
6. What the agreement, the dataset and the matching grants demand of witnesses holds together; nothing is carried over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from gateway.policy.conditions import Beyond, OneOf, Predicate, Within
from gateway.policy.dataset import DatasetFile, FactTable, GroupTable, QuantityTable
from gateway.policy.decision import Obligations, Review, WitnessDemand
from gateway.policy.grants import GrantTable
from gateway.policy.policyset import Partner
from gateway.policy.values import INSTANT, LEVELS, dimension, from_base, to_base
from gateway.policy.witnesses import WitnessesTable, demanded, strictest_witnessing

Coarser = TypeVar("Coarser", Decimal, timedelta)


@dataclass(frozen=True, slots=True)
class Duty:
    """One group to be degraded. ``steps`` maps each of its quantities to a base-unit step, or to ``None`` when the
    quantity is left out; no mapping at all drops the whole group. ``because`` says which grant asks for it.
    """

    group: str
    steps: Mapping[str, Decimal | None] | None
    because: str


@dataclass(frozen=True, slots=True)
class Duties:
    """Everything one grant asks for: its own duties and those it takes over from other datasets (rule 3).

    ``watermark`` is the text as it is written, with the partner's code. ``witnesses`` are what agreement, dataset and
    grant demand together.
    """

    degrade: tuple[Duty, ...]
    grant: GrantTable
    watermark: str | None = None
    because: tuple[str, ...] = ()
    witnesses: frozenset[WitnessDemand] = frozenset()

    @property
    def why(self) -> tuple[str, ...]:
        """Everything that is asked for, in words."""
        return self.because + tuple(duty.because for duty in self.degrade)


def compile_duties(grant: GrantTable, partner: Partner, datasets: Mapping[str, DatasetFile]) -> Duties:
    """What a matching ``grant`` obliges to, by rules 2 to 4."""
    dataset = datasets[grant.dataset]
    own = [_duty(grant, name, dataset.groups[name], grant.id) for name in (*grant.drop, *grant.round)]
    taken: list[Duty] = []
    for other in partner.grants:
        if other.dataset == grant.dataset or _exempt(grant, other, partner, datasets):
            continue
        taken += _taken_over(dataset, other, datasets[other.dataset])
    text = None if grant.watermark is None else f"{grant.watermark} [{partner.code}]"
    demands = (("agreement", partner.agreement), (dataset.dataset, dataset), (grant.id, grant))
    because = (*_because(grant), *_witnessed(*((name, said.witnesses) for name, said in demands)))
    witnesses = demanded(*(said.witnesses for _, said in demands))
    return Duties(tuple(own + taken), grant, text, because, witnesses)


def _witnessed(*demands: tuple[str, WitnessesTable | None]) -> Iterable[str]:
    """What is demanded of witnesses, in words, and by whom."""
    for name, table in demands:
        if table is not None:
            yield f"{name}: witnesses {table.quorum} of {', '.join(sorted(table.of))}"


def _because(grant: GrantTable) -> Iterable[str]:
    """What a grant asks for besides degrading groups, in words."""
    if grant.delay:
        yield f"{grant.id}: delay {grant.delay}"
    if grant.review is not None:
        yield f"{grant.id}: review by {grant.review.persons}"
    if grant.tear_line:
        yield f"{grant.id}: tear-line version"
    if grant.watermark is not None:
        yield f"{grant.id}: watermark"
    if grant.only is not None:
        yield f"{grant.id}: only {', '.join(sorted(grant.only))}"
    if not grant.waits:
        yield f"{grant.id}: waits for nothing"


def _duty(grant: GrantTable, name: str, group: GroupTable, who: str) -> Duty:
    if name in grant.drop:
        return Duty(name, None, f"{who}: drop {name}")
    chosen = grant.round[name]
    steps = {quantity: to_base(step, group.quantities[quantity].unit) for quantity, step in chosen.items()}
    return Duty(name, steps, f"{who}: round {name}")


def _taken_over(dataset: DatasetFile, other: GrantTable, elsewhere: DatasetFile) -> Iterable[Duty]:
    """What ``other``, a grant over another dataset, obliges to in this one."""
    for there in (*other.drop, *other.round):
        fact = elsewhere.groups[there].fact
        for here, group in dataset.groups.items():
            if group.fact != fact:
                continue
            duty = _duty(other, there, elsewhere.groups[there], f"{other.id} ({elsewhere.dataset})")
            yield Duty(here, _carried(duty, elsewhere.groups[there], group), duty.because)


def _carried(duty: Duty, there: GroupTable, here: GroupTable) -> Mapping[str, Decimal | None] | None:
    """The other group's rounding in this group's quantities (rule 3); ``None`` drops the whole group."""
    steps = duty.steps
    if steps is None:
        return None
    names = [name for name, table in here.quantities.items() if _namesake(name, table, there)]
    if not names:
        return None
    return {
        name: steps[name] if name in names else _largest(dimension(table.unit), steps, there)
        for name, table in here.quantities.items()
    }


def _namesake(name: str, table: QuantityTable, there: GroupTable) -> bool:
    measured = there.quantities.get(name)
    return measured is not None and dimension(measured.unit) == dimension(table.unit)


def _largest(measure: str, steps: Mapping[str, Decimal | None], there: GroupTable) -> Decimal | None:
    """The largest step of the other group in one dimension, if it has any."""
    found = [step for name, step in steps.items() if dimension(there.quantities[name].unit) == measure]
    return max((step for step in found if step is not None), default=None)


def _exempt(grant: GrantTable, other: GrantTable, partner: Partner, datasets: Mapping[str, DatasetFile]) -> bool:
    """Rule 4."""
    here, there = datasets[grant.dataset].facts, datasets[other.dataset].facts
    for name, mine in grant.where.tests:
        for also, theirs in other.where.tests:
            if also == name and _comparable(here[name], there[name]) and _apart(mine, theirs, partner.own_codes):
                return True
    return False


def _comparable(one: FactTable, two: FactTable) -> bool:
    return one.separates and two.separates and one.meaning == two.meaning


def _apart(mine: Predicate, theirs: Predicate, own: frozenset[str]) -> bool:
    if isinstance(mine, OneOf) and isinstance(theirs, OneOf):
        return not any(theirs.holds(value) for value in mine.values)
    if isinstance(mine, Within) and isinstance(theirs, Within):
        return not mine.members & theirs.members
    if isinstance(mine, Within) and isinstance(theirs, Beyond):
        return mine.members <= own and mine.members <= theirs.members
    return False


def merge(dataset: DatasetFile, matching: Iterable[Duties], level: int | None = None) -> Obligations:
    """The strictest of each kind over all matching grants (rule 1), as fields of the dataset's records.

    ``level`` is what the record is judged at, as :data:`gateway.policy.values.LEVELS` counts; a review from some level
    on is asked for at that level, and when it is not known.
    """
    matching = tuple(matching)
    grants = tuple(each.grant for each in matching)
    drop, steps, spans = _degraded(dataset, [duty for each in matching for duty in each.degrade])
    if matching and dataset.record.tear_line is not None:
        drop.add(dataset.record.tear_line)
    waits = all(grant.waits for grant in grants)
    return Obligations(
        drop=frozenset(drop),
        round=_besides(drop, steps),
        delay=_delay(grants) if waits else timedelta(0),
        because=tuple(sorted({why for each in matching for why in each.why})),
        coarsen=_besides(drop, spans),
        only=_only(grants),
        watermark=_watermark(dataset, matching),
        review=_review(grants, level) if waits else None,
        witnesses=strictest_witnessing(demand for each in matching for demand in each.witnesses),
    )


def _delay(grants: Iterable[GrantTable]) -> timedelta:
    """The longest."""
    return max((grant.delay for grant in grants), default=timedelta(0))


def _only(grants: Iterable[GrantTable]) -> frozenset[str] | None:
    """The fields that every grant with a list of them lists; ``None`` when no grant has one."""
    lists = [grant.only for grant in grants if grant.only is not None]
    return frozenset.intersection(*lists) if lists else None


def _watermark(dataset: DatasetFile, matching: Iterable[Duties]) -> Mapping[str, str]:
    """Every text, in the dataset's field for it."""
    texts = sorted({each.watermark for each in matching if each.watermark is not None})
    field = dataset.record.watermark
    return {field: " ".join(texts)} if texts and field is not None else {}


def _review(grants: Iterable[GrantTable], level: int | None) -> Review | None:
    """The strictest review that a record at this level needs; at a level that is not known, all are needed."""
    asked = [grant.review for grant in grants if grant.review is not None]
    asked = [table for table in asked if level is None or level >= LEVELS[table.level]]
    return strictest_review([Review(table.persons, table.tell, table.within) for table in asked])


def _degraded(
    dataset: DatasetFile, duties: Sequence[Duty]
) -> tuple[set[str], dict[str, Decimal], dict[str, timedelta]]:
    """Fields to leave out, to round and to coarsen, the strictest of each group."""
    drop: set[str] = set()
    steps: dict[str, Decimal] = {}
    spans: dict[str, timedelta] = {}
    groups = dataset.groups.items() if duties else ()
    for name, group in groups:
        asked = [duty.steps for duty in duties if duty.group == name]
        rounding = [each for each in asked if each is not None]
        if len(rounding) < len(asked):
            drop |= group.fields
        elif rounding:
            drop |= set(group.repeats)
            for quantity, table in group.quantities.items():
                step = _strictest([each[quantity] for each in rounding])
                if step is None:
                    drop |= set(table.fields)
                elif table.unit == INSTANT:
                    spans |= dict.fromkeys(table.fields, timedelta(seconds=int(step)))
                else:
                    steps |= dict.fromkeys(table.fields, from_base(step, table.unit))
    return drop, steps, spans


def strictest_review(asked: list[Review]) -> Review | None:
    """The most persons, the shortest wait; the partner is told only where every grant that asks says so."""
    if not asked:
        return None
    persons, tell = max(each.persons for each in asked), all(each.tell for each in asked)
    return Review(persons, tell, min(each.within for each in asked))


def _strictest(asked: list[Decimal | None]) -> Decimal | None:
    """The largest step, or ``None`` as soon as one asks to leave the quantity out."""
    steps = [step for step in asked if step is not None]
    return max(steps) if len(steps) == len(asked) else None


def _besides(drop: set[str], made_coarser: Mapping[str, Coarser]) -> dict[str, Coarser]:
    """What is done to fields that are not left out, sorted by field."""
    return {path: made_coarser[path] for path in sorted(made_coarser) if not _gone(path, drop)}


def _gone(path: str, drop: set[str]) -> bool:
    """Whether the field, or a record it stands in, is left out."""
    parts = path.split(".")
    return any(".".join(parts[:length]) in drop for length in range(1, len(parts) + 1))


def may_degrade(dataset: DatasetFile, duties: Iterable[Duties]) -> frozenset[str]:
    """Every field that any of these could degrade: what a partner may not filter or sort on.

    Where only some fields go, all others that can be asked about count as degraded.
    """
    duties = tuple(duties)
    groups = {duty.group for each in duties for duty in each.degrade}
    found = {field for name in groups for field in dataset.groups[name].fields}
    record = dataset.record
    found |= {field for field in (record.tear_line, record.watermark) if field is not None}
    asked = {*dataset.query.parameters.values(), *dataset.query.sortable} - {record.identifier, record.marking}
    for each in duties:
        if each.grant.only is not None:
            found |= {field for field in asked if field.partition(".")[0] not in each.grant.only}
    return frozenset(found)
