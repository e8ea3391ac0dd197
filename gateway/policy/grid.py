"""A grid of questions that bring out the differences between two policy sets, made from what either set says.

1. Partners x systems x datasets x purposes x labels x facts x instants, of both sets together. A partner and dataset
   that no grant of either set joins is left out: both sets withhold it.
2. Facts take every value at which a condition of either set can turn: each value it names, one it does not, the owners
   it names alone and together, each bound and just below it.
3. Instants are the one asked about and, after it, each at which a date of either partner file falls; records are of an
   age on either side of each delay.
4. A partner is left out where both sets say the same of it, of every dataset and of everything set-wide: the decision
   reads nothing else, so no answer can differ.
5. The grid is bounded: where facts make more than ``FACTS_LIMIT`` combinations, they are thinned evenly, and the
   answer says how many were left out. So the grid can miss a flip; the log's own questions are never thinned.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.policy.conditions import Between, Beyond, Condition, Contains, OneOf, Predicate, Within
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import Facts, FactValue
from gateway.policy.policyset import Partner, PolicySet

FACTS_LIMIT = 96
OTHER_TEXT, OTHER_OWNER = "NONE-OF-THESE", "NOBODY"
LEVELS = ("U", "C", "S", "TS")
LABELS = ("U", "U//FOUO", "S//NF", "S//RELIDO")
_INSTANTS_LIMIT = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """One question, not yet bound to a set: labels and subjects are read as each set reads them."""

    partner: str
    system: str
    dataset: str
    purpose: str
    marking: str
    day: date
    facts: Facts
    at: datetime


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells, how many there are, and how many combinations of facts were left out."""

    cells: Sequence[Cell]
    thinned: int


def grid(old: PolicySet, new: PolicySet, at: datetime) -> Grid:
    """Every cell for two sets."""
    cells: list[Cell] = []
    thinned = 0
    same = _same_set_wide(old, new)
    for code in sorted(old.partners.keys() | new.partners.keys()):
        if same and old.partners.get(code) == new.partners.get(code):
            continue
        held = [found.partners[code] for found in (old, new) if code in found.partners]
        for name in sorted({grant.dataset for partner in held for grant in partner.grants}):
            datasets = [found.datasets[name] for found in (old, new) if name in found.datasets]
            facts, left_out = _facts(held, datasets, name)
            thinned += left_out
            cells += _cells((old, new), held, datasets, facts, at)
    return Grid(cells, thinned)


def _same_set_wide(old: PolicySet, new: PolicySet) -> bool:
    """Whether the two differ in nothing but partners. Digests are of content, so equal ones say the same."""
    return (
        old.datasets == new.datasets
        and old.settings == new.settings
        and old.casbin_model == new.casbin_model
        and old.tables == new.tables
        and old.own_communities == new.own_communities
    )


def _cells(
    sets: tuple[PolicySet, PolicySet],
    held: Sequence[Partner],
    datasets: Sequence[DatasetFile],
    facts: Sequence[dict[str, FactValue]],
    at: datetime,
) -> Iterator[Cell]:
    name, code = datasets[0].dataset, held[0].code
    systems = sorted({system for partner in held for system in partner.systems})
    granted = [grant for partner in held for grant in partner.grants if grant.dataset == name]
    purposes = sorted({purpose for grant in granted for purpose in grant.purposes})
    marked = sorted(set(_markings(sets, held, datasets)))
    waits = {timedelta(0), *(grant.delay for grant in granted)}
    ages = sorted(waits | {max(waits) + timedelta(days=1)})
    whens = _instants(held, at)
    for moment, system, purpose, marking in itertools.product(whens, systems, purposes, marked):
        # Only the instant asked about is combined with every age: a date turns an answer whatever the age is.
        for age in ages if moment == at else ages[-1:]:
            for values in facts:
                shown = Facts(values=values, delay_from=moment - age, originator="USA")
                for day in {moment.date() - age, (moment - timedelta(days=730)).date()} if age == ages[-1] else ():
                    yield Cell(code, system, name, purpose, marking, day, shown, moment)
                if age != ages[-1]:
                    yield Cell(code, system, name, purpose, marking, moment.date() - age, shown, moment)


def _instants(held: Sequence[Partner], at: datetime) -> list[datetime]:
    """The instant asked about, and each later one that stands in only one of the two files."""
    named = [frozenset(_dates(partner)) for partner in held]
    turning = named[0] ^ named[1] if len(named) == 2 else frozenset()
    return [at, *sorted(moment for moment in turning if moment > at)[:_INSTANTS_LIMIT]]


def _dates(partner: Partner) -> Iterator[datetime]:
    yield from (partner.agreement.from_, partner.agreement.until)
    yield from (condition.met_until for condition in partner.agreement.condition if condition.met_until)
    yield from (moment for consent in partner.consents for moment in (consent.from_, consent.until))
    yield from (moment for grant in partner.grants for moment in (grant.from_, grant.until) if moment)


def _markings(
    sets: tuple[PolicySet, PolicySet], held: Sequence[Partner], datasets: Sequence[DatasetFile]
) -> Iterator[str]:
    yield from LABELS
    for dataset in datasets:
        yield from dataset.markings
    names = {partner.nation or partner.code for partner in held} | {partner.code for partner in held} - {"USA"}
    communities = {each.code for found in sets for each in found.own_communities}
    for name in sorted(names) + sorted(communities):
        yield from (f"{level}//REL TO USA, {name}" for level in LEVELS)
        yield f"S//OC/REL TO USA, {name}"
    for partner in held:
        for consent in partner.consents:
            if consent.control in ("PR", "DS"):
                yield from (f"U//{consent.control}-{consent.originator}-{kind}" for kind in consent.types or ("ELSET",))


def _facts(
    held: Sequence[Partner], datasets: Sequence[DatasetFile], name: str
) -> tuple[list[dict[str, FactValue]], int]:
    """Combinations of facts at which the rules can turn, and how many were left out."""
    rules: list[Condition] = [deny.where for dataset in datasets for deny in dataset.deny]
    for partner in held:
        rules += [grant.where for grant in partner.grants if grant.dataset == name]
        rules += [deny.where for deny in partner.denies if deny.dataset == name]
    tests: dict[str, list[Predicate]] = {}
    for where in rules:
        for fact, predicate in where.tests:
            tests.setdefault(fact, []).append(predicate)
    values = {fact: _values(predicates) for fact, predicates in sorted(tests.items())}
    total = math.prod(len(each) for each in values.values())
    step = -(-total // FACTS_LIMIT)
    if step > 1 and any(math.gcd(step, len(each)) > 1 for each in values.values()):
        step = next(s for s in itertools.count(step) if all(math.gcd(s, len(each)) == 1 for each in values.values()))
    chosen = itertools.islice(itertools.product(*values.values()), 0, None, step)
    combinations = [dict(zip(values, combination, strict=True)) for combination in chosen]
    return combinations, total - len(combinations)


def _values(predicates: Sequence[Predicate]) -> list[FactValue]:
    named: set[str] = set()
    found: list[FactValue] = []
    for predicate in predicates:
        if isinstance(predicate, Contains):
            named.add(predicate.member)
        elif isinstance(predicate, Within | Beyond):
            named |= predicate.members
        elif isinstance(predicate, OneOf):
            found += [*predicate.values, _other(predicate.values[0])]
        else:
            found += _around(predicate)
    if named:
        owners = sorted(named)
        alone = [frozenset({owner}) for owner in [*owners, OTHER_OWNER]]
        found += [*alone, *(frozenset({owner, OTHER_OWNER}) for owner in owners), frozenset(owners)]
    return list({(type(value), value): value for value in found}.values())


def _other(value: str | int | bool) -> str | int | bool:
    if isinstance(value, bool):
        return not value
    return OTHER_TEXT if isinstance(value, str) else value - 1_000_003


def _around(between: Between) -> list[FactValue]:
    bounds = [float(bound) for bound in (between.at_least, between.below) if bound is not None]
    return [side for bound in bounds for side in (math.nextafter(bound, -math.inf), bound, bound + 1.0)]
