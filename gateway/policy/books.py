"""One partner's rules over one dataset, compiled: its grants and denies in casbin, its obligations worked
out.

Casbin decides, and the gateway's own matching decides beside it; where the two disagree the grant gate
denies. The own matching is what finds *all* the grants that apply: pycasbin's ``enforce_ex`` names only the
last line it looked at, so that swapping two lines would swap the obligations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.policy.conditions import Condition, FactKind, Truth
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import Facts, FactValue, Unknown, WitnessDemand
from gateway.policy.engine import ACTION, Engine, engine
from gateway.policy.grants import GrantTable, VolumeTable
from gateway.policy.obligations import Duties, compile_duties
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.reasons import Reason
from gateway.policy.witnesses import demanded


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant and what it obliges to when it matches."""

    table: GrantTable
    duties: Duties


@dataclass(frozen=True, slots=True)
class Matching:
    """Which grants apply and what speaks against: reasons are empty exactly when the record is granted."""

    grants: tuple[Grant, ...]
    reasons: tuple[Reason, ...]


def stands(table: GrantTable, facts: Facts, at: datetime) -> bool:
    """Whether a grant is in force at ``at`` for what these facts are of: its dates, its opening, its version.

    A grant speaks of a tear-line version only where it says so; an emergency only while an officer has it open.
    """
    if not table.active(at) or (facts.tear_line and not table.tear_line):
        return False
    return table.lasts is None or is_open(table, facts.emergencies, at)


def is_open(table: GrantTable, emergencies: Mapping[str, datetime], at: datetime) -> bool:
    """Whether an emergency has been opened and its time is not over."""
    opened = emergencies.get(table.id)
    return opened is not None and table.lasts is not None and opened <= at < opened + table.lasts


@dataclass(frozen=True, slots=True)
class Book:
    """A partner's rules over a dataset. ``reads`` names the facts they read; each of them must be there.

    For each purpose that a grant names, ``naming`` holds those grants and ``engines`` the lines which can speak of it;
    ``other`` is asked about any purpose that none names. Casbin walks all its lines at each question, so it is given no
    others. ``witnesses`` is what the agreement and the dataset demand of every answer.
    """

    partner: Partner
    dataset: DatasetFile
    grants: tuple[Grant, ...]
    denies: Mapping[str, Condition]
    reads: frozenset[str]
    naming: Mapping[str, tuple[Grant, ...]]
    engines: Mapping[str, Engine]
    other: Engine
    volumes: tuple[VolumeTable, ...] = ()
    witnesses: frozenset[WitnessDemand] = frozenset()

    @property
    def emergencies(self) -> tuple[GrantTable, ...]:
        """The emergencies among the grants."""
        return tuple(grant.table for grant in self.grants if grant.table.lasts is not None)

    def match(self, facts: Facts, purpose: str, at: datetime) -> Matching:
        """All grants that apply to a record with these facts, and every reason against releasing it."""
        doubts = self._doubts(facts)
        if doubts:
            return Matching((), doubts)
        values = facts.values
        matching = tuple(
            [
                grant
                for grant in self.naming.get(purpose, ())
                if grant.table.where.truth(values) is Truth.TRUE and stands(grant.table, facts, at)
            ]
        )
        denying = [name for name, where in self.denies.items() if where.truth(values) is not Truth.FALSE]
        reasons = [] if matching else [Reason.NO_GRANT]
        if denying:
            reasons.append(Reason.DENIED_BY_RULE)
        true = frozenset([*(grant.table.id for grant in matching), *denying])
        asked = self.engines.get(purpose, self.other)
        allowed = asked.allows(self.partner.code, self.dataset.dataset, purpose, true)
        if allowed is not (not reasons):
            reasons.append(Reason.ENGINES_DISAGREE)
        return Matching(matching, tuple(reasons))

    def _doubts(self, facts: Facts) -> tuple[Reason, ...]:
        """Why the facts cannot be relied on: one that is read is missing, or is not of its type."""
        found: set[Reason] = set()
        for name in self.reads:
            if name in facts.problems:
                missing = facts.problems[name] == "missing"
                found.add(Reason.FACT_MISSING if missing else Reason.FACT_INVALID)
            elif name not in facts.values:
                found.add(Reason.FACT_MISSING)
            elif not is_of_kind(facts.values[name], self.dataset.facts[name].kind):
                found.add(Reason.FACT_INVALID)
        return tuple(sorted(found))


def is_of_kind(value: FactValue | Unknown, kind: FactKind) -> bool:
    """Whether a fact's value has the type its dataset states. A value that no table knows fits any kind."""
    if isinstance(value, Unknown):
        return True
    if kind is FactKind.STRING:
        return isinstance(value, str)
    if kind is FactKind.BOOLEAN:
        return isinstance(value, bool)
    if kind is FactKind.SET:
        return isinstance(value, frozenset) and all(isinstance(member, str) for member in value)
    if isinstance(value, bool):
        return False
    if kind is FactKind.INTEGER:
        return isinstance(value, int)
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def compile_book(policy_set: PolicySet, partner: Partner, dataset: DatasetFile) -> Book:
    """Compile one partner's rules over one dataset; raises :class:`PolicyError` when casbin's model is no
    good.
    """
    grants = tuple(
        Grant(table, compile_duties(table, partner, policy_set.datasets))
        for table in partner.grants
        if table.dataset == dataset.dataset
    )
    denies = {deny.id: deny.where for deny in dataset.deny}
    denies |= {deny.id: deny.where for deny in partner.denies if deny.dataset == dataset.dataset}
    conditions = [grant.table.where for grant in grants] + list(denies.values())
    reads = frozenset(name for where in conditions for name in where.reads)
    purposes = sorted({purpose for grant in grants for purpose in grant.table.purposes})
    naming = {purpose: tuple(grant for grant in grants if purpose in grant.table.purposes) for purpose in purposes}
    refusing = tuple((partner.code, dataset.dataset, ACTION, "*", name, "deny") for name in denies)

    def over(purpose: str) -> Engine:
        allowing = tuple(
            (partner.code, dataset.dataset, ACTION, purpose, grant.table.id, "allow")
            for grant in naming.get(purpose, ())
        )
        return engine(policy_set.casbin_model, allowing + refusing, _holds)

    engines = {purpose: over(purpose) for purpose in purposes}
    volumes = tuple(
        volume for volume in partner.volumes if volume.datasets is None or dataset.dataset in volume.datasets
    )
    witnesses = demanded(partner.agreement.witnesses, dataset.witnesses)
    return Book(partner, dataset, grants, denies, reads, naming, engines, over(""), volumes, witnesses)


def _holds(true: object, rule: str) -> bool:
    """The function that casbin's matcher calls as ``holds(r.facts, p.rule)``: the rules that hold of the facts were
    worked out once, for all lines.
    """
    if not isinstance(true, frozenset):
        raise TypeError("casbin was asked about something that is not the rules that hold of a record")
    return rule in true
