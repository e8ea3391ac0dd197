"""Changes of grants and denies that would let one denied question through (:mod:`gateway.policy.edits`).

The nearest grant is widened where only its purposes or dates keep it from applying; else a further grant speaks of
exactly the facts that the nearest one tests, with its duties. A deny is taken back whole: part of one cannot be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gateway.policy.conditions import Condition, OneOf, Predicate, Truth, Within
from gateway.policy.decision import Facts, Unknown
from gateway.policy.denied import LONGER, Changed, Denied
from gateway.policy.explain import truth_of
from gateway.policy.grants import GrantTable
from gateway.policy.policyset import Partner, PolicySet


def with_partner(policy_set: PolicySet, partner: Partner) -> PolicySet:
    """A copy of the set with this partner in place of the one of its code."""
    return dataclasses.replace(policy_set, partners={**policy_set.partners, partner.code: partner})


def allow(policy_set: PolicySet, denied: Denied) -> Changed | None:
    """A grant for exactly this: the nearest one widened by purpose or date, else a further one."""
    if denied.facts is None or any(isinstance(value, Unknown) for value in denied.facts.values.values()):
        return None
    partner = policy_set.partners[denied.partner]
    held = [grant for grant in partner.grants if grant.dataset == denied.dataset]
    fitting = [grant for grant in held if truth_of(grant.where, denied.facts) is Truth.TRUE]
    if fitting:
        edit, what = _stretch(fitting[0], denied)
        grants = tuple(edit if grant is fitting[0] else grant for grant in partner.grants)
    else:
        edit, what = _further(held, denied)
        grants = tuple(sorted((*partner.grants, edit), key=lambda grant: grant.id))
    return with_partner(policy_set, dataclasses.replace(partner, grants=grants)), what


def _stretch(grant: GrantTable, denied: Denied) -> tuple[GrantTable, str]:
    update: dict[str, object] = {}
    said = []
    if denied.purpose not in grant.purposes:
        update["purposes"] = (*grant.purposes, denied.purpose)
        said.append(f"for {denied.purpose} too")
    if grant.from_ is not None and denied.at < grant.from_:
        update["from_"] = denied.day
        said.append(f"from {denied.at.date()}")
    if grant.until is not None and denied.at >= grant.until:
        update["until"] = denied.day + LONGER
        said.append(f"until {(denied.day + LONGER).date()}")
    return grant.model_copy(update=update), f"grant {grant.id} {' and '.join(said) or 'as it stands'}"


def _further(held: Sequence[GrantTable], denied: Denied) -> tuple[GrantTable, str]:
    """A further grant over the facts that the nearest grant tests, with its duties; over all facts where none is."""
    facts = denied.facts or Facts()
    near = max(held, key=lambda grant: (_agrees(grant, facts), grant.id), default=None)
    names = sorted(near.where.reads if near is not None and near.where.reads else facts.values)
    tests = tuple((name, test) for name in names for test in (_exactly(facts, name),) if test is not None)
    where = Condition(not tests, tests)
    name = f"proposed-{denied.dataset}"
    if near is None:
        grant = GrantTable.model_construct(id=name, dataset=denied.dataset, purposes=(denied.purpose,), where=where)
    else:
        told = {"id": name, "purposes": (denied.purpose,), "where": where, "from_": None, "until": None}
        grant = near.model_copy(update=told)
    duties = f", with the duties of {near.id}" if near else ", with whatever duties the officer adds"
    said = ", ".join(f"{name} {_said(facts, name)}" for name, _ in tests) or "everything"
    return grant, f"a grant of {denied.dataset} for {denied.purpose} where {said}{duties}"


def _agrees(grant: GrantTable, facts: Facts) -> int:
    """How many of a grant's tests hold."""
    tests = (Condition(False, (test,)) for test in grant.where.tests)
    return sum(truth_of(test, facts) is Truth.TRUE for test in tests)


def _exactly(facts: Facts, name: str) -> Predicate | None:
    value = facts.values.get(name)
    if value is None or isinstance(value, float | Unknown):
        return None
    return Within(value) if isinstance(value, frozenset) else OneOf((value,))


def _said(facts: Facts, name: str) -> str:
    value = facts.values[name]
    return f"within {', '.join(sorted(value))}" if isinstance(value, frozenset) else f"is {value}"


def take_back(policy_set: PolicySet, denied: Denied) -> Changed | None:
    """Every deny that fires, taken away."""
    if denied.facts is None:
        return None
    facts, partner, dataset = denied.facts, policy_set.partners[denied.partner], policy_set.datasets[denied.dataset]
    ours = [d for d in partner.denies if d.dataset == denied.dataset and truth_of(d.where, facts) is not Truth.FALSE]
    theirs = [d for d in dataset.deny if truth_of(d.where, facts) is not Truth.FALSE]
    if not ours and not theirs:
        return None
    edited = with_partner(
        policy_set, dataclasses.replace(partner, denies=tuple(d for d in partner.denies if d not in ours))
    )
    if theirs:
        kept = dataset.model_copy(update={"deny": tuple(d for d in dataset.deny if d not in theirs)})
        edited = dataclasses.replace(edited, datasets={**edited.datasets, denied.dataset: kept})
    whom = " (of the dataset: for every partner)" if theirs else ""
    return edited, f"the deny {', '.join([d.id for d in ours] + [d.id for d in theirs])} taken back{whom}"
