"""One partner's rules over one dataset, compiled: its grants and denies in casbin, its obligations worked
out.

Casbin decides, and the gateway's own matching decides beside it; where the two disagree the grant gate
denies. The own matching is what finds *all* the grants that apply: pycasbin's ``enforce_ex`` names only the
last line it looked at, so that swapping two lines would swap the obligations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import casbin
from casbin.model import Model
from simpleeval import InvalidExpression

from gateway.policy.conditions import Condition, FactKind, Truth
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import Facts, FactValue, Unknown
from gateway.policy.errors import PolicyError, PolicyFinding
from gateway.policy.obligations import Duties, compile_duties
from gateway.policy.partner import GrantTable
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.reasons import Reason

ACTION = "release"
_MODEL_FILE = "policies/casbin-model.conf"
_MODEL_FAULTS = (
    InvalidExpression,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    NameError,
    AttributeError,
    SyntaxError,
)
"""What casbin and the evaluator it uses raise for a model they cannot read."""


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What casbin hands back to the condition function."""

    values: Mapping[str, FactValue | Unknown]
    at: datetime


class Engine:
    """A casbin enforcer over the rules of one partner and one dataset; built in memory, never changed
    again.
    """

    def __init__(
        self, model_text: str, lines: tuple[tuple[str, ...], ...], holds: Callable[[object, str], bool]
    ) -> None:
        model = Model()
        model.load_model_from_text(model_text)
        self._enforcer: Any = casbin.Enforcer(model)  # casbin ships no types; nothing of it leaves this class
        self._enforcer.add_function("holds", holds)
        for line in lines:
            self._enforcer.model.add_policy("p", "p", list(line))

    def allows(self, partner: str, dataset: str, purpose: str, asked: object) -> bool:
        """Casbin's answer; anything but a plain ``True`` is no."""
        return self._enforcer.enforce(partner, dataset, ACTION, purpose, asked) is True


@dataclass(frozen=True, slots=True)
class Book:
    """A partner's rules over a dataset. ``reads`` names the facts they read; each of them must be there.

    ``engines`` holds for each purpose that a grant names the lines which can speak of it; ``other`` is asked about any
    purpose that none names. Casbin walks all its lines at each question, so it is given no others.
    """

    partner: Partner
    dataset: DatasetFile
    grants: tuple[Grant, ...]
    denies: Mapping[str, Condition]
    reads: frozenset[str]
    engines: Mapping[str, Engine]
    other: Engine

    def match(self, facts: Facts, purpose: str, at: datetime) -> Matching:
        """All grants that apply to a record with these facts, and every reason against releasing it."""
        doubts = self._doubts(facts)
        if doubts:
            return Matching((), doubts)
        matching = tuple(
            grant
            for grant in self.grants
            if purpose in grant.table.purposes
            and grant.table.active(at)
            and grant.table.where.truth(facts.values) is Truth.TRUE
        )
        denied = any(where.truth(facts.values) is not Truth.FALSE for where in self.denies.values())
        reasons = [] if matching else [Reason.NO_GRANT]
        if denied:
            reasons.append(Reason.DENIED_BY_RULE)
        engine = self.engines.get(purpose, self.other)
        allowed = engine.allows(self.partner.code, self.dataset.dataset, purpose, _Asked(facts.values, at))
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
    holds = _condition_function(grants, denies)
    refusing = tuple((partner.code, dataset.dataset, ACTION, "*", name, "deny") for name in denies)

    def engine(purpose: str | None) -> Engine:
        allowing = tuple(
            (partner.code, dataset.dataset, ACTION, purpose, grant.table.id, "allow")
            for grant in grants
            if purpose is not None and purpose in grant.table.purposes
        )
        return _engine(policy_set.casbin_model, allowing + refusing, holds)

    purposes = sorted({purpose for grant in grants for purpose in grant.table.purposes})
    engines = {purpose: engine(purpose) for purpose in purposes}
    return Book(partner, dataset, grants, denies, reads, engines, engine(None))


def _condition_function(grants: tuple[Grant, ...], denies: Mapping[str, Condition]) -> Callable[[object, str], bool]:
    """The function that casbin's matcher calls as ``holds(r.facts, p.rule)``."""
    tables = {grant.table.id: grant.table for grant in grants}

    def holds(asked: object, rule: str) -> bool:
        if not isinstance(asked, _Asked):
            raise TypeError("casbin was asked about something that is no record's facts")
        if rule in denies:
            return denies[rule].truth(asked.values) is not Truth.FALSE
        table = tables[rule]
        return table.active(asked.at) and table.where.truth(asked.values) is Truth.TRUE

    return holds


def _engine(model_text: str, lines: tuple[tuple[str, ...], ...], holds: Callable[[object, str], bool]) -> Engine:
    try:
        return Engine(model_text, lines, holds)
    except _MODEL_FAULTS as error:
        hint = "the model shipped with the project is in policies/casbin-model.conf"
        finding = PolicyFinding(_MODEL_FILE, 0, 0, "", f"casbin cannot read the model: {error}", hint)
        raise PolicyError((finding,)) from error


_ALLOW = ("PROBE", "probe", ACTION, "probing", "allow-rule", "allow")
_DENY = ("PROBE", "probe", ACTION, "*", "deny-rule", "deny")
_PROBES: tuple[tuple[str, tuple[tuple[str, ...], ...], tuple[str, str, str], frozenset[str], bool], ...] = (
    ("allows without any rule", (), ("PROBE", "probe", "probing"), frozenset(), False),
    (
        "refuses what a grant allows",
        (_ALLOW,),
        ("PROBE", "probe", "probing"),
        frozenset({"allow-rule"}),
        True,
    ),
    ("ignores a grant's condition", (_ALLOW,), ("PROBE", "probe", "probing"), frozenset(), False),
    ("ignores the partner", (_ALLOW,), ("OTHER", "probe", "probing"), frozenset({"allow-rule"}), False),
    ("ignores the dataset", (_ALLOW,), ("PROBE", "other", "probing"), frozenset({"allow-rule"}), False),
    ("ignores the purpose", (_ALLOW,), ("PROBE", "probe", "other"), frozenset({"allow-rule"}), False),
    (
        "lets a grant win over a deny",
        (_ALLOW, _DENY),
        ("PROBE", "probe", "probing"),
        frozenset({"allow-rule", "deny-rule"}),
        False,
    ),
    (
        "denies by a rule that is false",
        (_ALLOW, _DENY),
        ("PROBE", "probe", "probing"),
        frozenset({"allow-rule"}),
        True,
    ),
)


def _among(true_rules: frozenset[str], _: object, rule: str) -> bool:
    return rule in true_rules


def probe_model(model_text: str) -> None:
    """Ask the set's casbin model eight questions whose answers are known; raises :class:`PolicyError` if one
    is wrong.

    Every decision compares casbin with the own matching, so a wrong model could only deny; this tells the
    officer at once instead of at the first request.
    """
    for what, lines, (partner, dataset, purpose), true_rules, expected in _PROBES:
        for ordered in {lines, lines[::-1]}:
            engine = _engine(model_text, ordered, partial(_among, true_rules))
            try:
                answer = engine.allows(partner, dataset, purpose, object())
            except _MODEL_FAULTS as error:
                message = f"casbin's model fails: {type(error).__name__}: {error}"
                raise PolicyError((PolicyFinding(_MODEL_FILE, 0, 0, "matchers", message),)) from error
            if answer is not expected:
                hint = "the model shipped with the project is in policies/casbin-model.conf"
                raise PolicyError((PolicyFinding(_MODEL_FILE, 0, 0, "", f"the model {what}", hint),))
