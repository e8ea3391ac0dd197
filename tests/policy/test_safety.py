"""No record reaches a partner that its label, agreement, ceiling or facts do not permit: said as sentences, and held
against every release among random questions. And what takes permissions away never adds a release.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.markings import Label, Level
from gateway.policy.decision import Decision, Facts, LabelDoubt, PartnerKind, Subject
from gateway.policy.policyset import Partner
from tests.policy.worlds import Question, World, world

SEEDS = range(60)
LEVEL = {"UNCLASSIFIED": 0, "CONFIDENTIAL": 2, "SECRET": 3, "TOP SECRET": 4}


def releases(seed: int) -> list[tuple[World, Question, Decision]]:
    drawn = world(f"safety-{seed}")
    asked = [drawn.question() for _ in range(40)]
    told = [(drawn, question, drawn.policy.decide(*question)) for question in asked]
    return [each for each in told if each[2].permitted]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_released_was_permitted_by_label_agreement_ceiling_and_facts(seed: int) -> None:
    for drawn, (subject, dataset, label, facts, purpose, at), decision in releases(seed):
        partner = drawn.policy.policy_set.partners[subject.partner]
        data = drawn.policy.policy_set.datasets[dataset]
        assert isinstance(label, Label)
        assert label.created is not None
        assert label.created <= at.date()
        assert partner.agreement.from_ <= at < partner.agreement.until
        assert purpose in partner.agreement.purposes
        assert data.categories
        for category in data.categories:
            assert label.level <= LEVEL[partner.ceiling[category]]
        assert label.level <= LEVEL[str(subject.clearance)]
        assert not label.has("NOFORN")
        assert not label.has("RELIDO")
        assert decision.grants
        assert not facts.stops
        assert subject.key is not None
        assert not subject.key.revoked
        _check_recipient(drawn, partner, dataset, label)


def _check_recipient(drawn: World, partner: Partner, dataset: str, label: Label) -> None:
    if partner.kind is PartnerKind.COMPANY:
        assert label.level is Level.U
        assert label.rel_to is None
    if label.rel_to is None:
        unlisted = {control.name for control in label.controls}
        stated = partner.kind in drawn.policy.policy_set.datasets[dataset].unmarked_default
        assert label.level is Level.U
        assert unlisted <= {"PR", "DS"}
        assert unlisted or stated
    elif partner.kind is PartnerKind.ORGANISATION:
        assert partner.code in label.rel_to
    else:
        communities = drawn.policy.policy_set.communities.communities
        members = {m.nation for code in label.rel_to if code in communities for m in communities[code].members}
        assert partner.nation in set(label.rel_to) | members


@pytest.mark.parametrize("seed", SEEDS)
def test_taking_any_one_permission_away_withholds_what_was_released(seed: int) -> None:
    for drawn, (subject, dataset, label, facts, purpose, at), _ in releases(seed):
        assert isinstance(label, Label)

        def ask(
            *, who: Subject = subject, marked: Label | LabelDoubt = label, shown: Facts = facts, why: str = purpose,
            drawn: World = drawn, dataset: str = dataset, at: object = at,
        ) -> bool:  # fmt: skip
            return drawn.policy.decide(who, dataset, marked, shown, why, at).permitted  # type: ignore[arg-type]

        assert ask()
        assert not ask(who=replace(subject, key=None))
        assert not ask(who=replace(subject, clearance=None))
        assert not ask(who=replace(subject, partner="NOBODY"))
        assert not ask(marked=LabelDoubt("label_missing"))
        assert not ask(marked=replace(label, created=None))
        assert not ask(marked=replace(label, profile="icrm-2016"))
        assert not ask(marked=replace(label, system="FRA", owners=("FRA",)))
        assert not ask(shown=replace(facts, stops=("stop",)))
        assert not ask(why="no-such-purpose")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_decision_stays_true_until_the_moment_it_names(seed: int) -> None:
    drawn = world(f"until-{seed}")
    for _ in range(25):
        subject, dataset, label, facts, purpose, at = drawn.question()
        decision = drawn.policy.decide(subject, dataset, label, facts, purpose, at)
        until = decision.stays_true_until
        assert until is None or until > at
        if until is not None:
            last = until - timedelta(microseconds=1)
            again = drawn.policy.decide(subject, dataset, label, facts, purpose, last)
            assert (again.gates, again.obligations) == (decision.gates, decision.obligations)
