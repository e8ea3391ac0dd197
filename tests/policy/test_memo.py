"""The memo changes no answer: it is bounded, forgets nothing it must know, and never holds channel or hold."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.markings import Label
from gateway.policy import Claims, compile_policy
from gateway.policy.decision import Credential, Facts, Obligations
from gateway.policy.memo import Eras, Judged, Memo
from tests.policy.worked import GBR_OBJECT, NOW, ask, policy, read_label
from tests.policy.worlds import world, written

DAY = timedelta(days=1)
ELSET = {"satNo": GBR_OBJECT, "meanMotion": 15.0, "eccentricity": 0.001}


@pytest.mark.parametrize("seed", range(30))
def test_answers_are_the_same_with_and_without_a_memo(seed: int) -> None:
    drawn = world(f"memo-{seed}")
    without = compile_policy(drawn.policy.policy_set, memo_limit=0)
    questions = [drawn.question() for _ in range(30)]
    for question in [*questions, *reversed(questions)]:
        assert drawn.policy.decide(*question) == without.decide(*question)
        moved = (*question[:5], question[5] + drawn.rng.choice([timedelta(days=30), timedelta(days=-30)]))
        assert drawn.policy.decide(*moved) == without.decide(*moved)


@pytest.mark.parametrize("seed", range(12))
def test_labels_of_one_era_are_answered_as_without_a_memo_on_every_day(seed: int) -> None:
    drawn = world(f"eras-{seed}")
    policy_set = drawn.policy.policy_set
    without = compile_policy(policy_set, memo_limit=0)
    eras = Eras(policy_set)
    turning = drawn.rng.sample(eras.days, min(12, len(eras.days)))
    days = [day + timedelta(days=step) for day in turning for step in (-1, 0, 1)]
    for _ in range(6):
        subject, dataset, label, facts, purpose, at = drawn.question()
        if not isinstance(label, Label):
            continue
        marking = written(label) or ""
        for day in [None, at.date(), at.date() + timedelta(days=1), *days]:
            told = (policy.read_label(dataset, marking, day) for policy in (drawn.policy, without))
            first, second = (
                policy.decide(subject, dataset, read, facts, purpose, at)
                for policy, read in zip((drawn.policy, without), told, strict=True)
            )
            assert first == second, (marking, day)


def test_two_days_are_of_one_era_only_between_neighbouring_days_of_the_tables() -> None:
    eras = Eras(policy().policy_set)
    joined = date(2024, 3, 7)  # Sweden joined NATO that day
    assert eras.of(joined - timedelta(days=1)) != eras.of(joined)
    assert eras.of(joined) == eras.of(joined + timedelta(days=1))
    assert eras.of(None) is None


def test_facts_that_python_calls_equal_are_remembered_apart() -> None:
    drawn = world("types")
    without = compile_policy(drawn.policy.policy_set, memo_limit=0)
    subject, dataset, label, _, purpose, at = drawn.friendly()
    for value in (1, True, 1.0, 0.0, -0.0, "1"):
        facts = Facts({"owners": frozenset({"JPN"}), "mode": "REAL", "size": value, "count": value, "flag": value})
        question = (subject, dataset, label, facts, purpose, at)
        assert drawn.policy.decide(*question) == without.decide(*question), value


def test_a_memo_never_holds_more_than_its_limit_and_forgets_the_oldest() -> None:
    memo = Memo(2)
    judged = Judged((), (), Obligations())
    memo.put("first", judged)
    memo.put("second", judged)
    assert memo.get("first") is judged
    memo.put("third", judged)
    assert memo.get("second") is None
    assert memo.get("first") is judged
    assert len(memo) == 2


def test_a_stop_is_heeded_though_the_record_was_just_released() -> None:
    assert ask("GBR", "elset", "U", ELSET, purpose="collision-avoidance").permitted
    stopped = ask("GBR", "elset", "U", ELSET, purpose="collision-avoidance", stops=("stop-7",))
    assert stopped.reasons == ("hold:stopped",)


def test_a_key_that_expires_is_heeded_though_the_record_was_just_released() -> None:
    compiled = policy()
    decision = ask("GBR", "elset", "U", ELSET, purpose="collision-avoidance")
    assert decision.permitted
    key = compiled.recipient("GBR", NOW)
    assert key is not None
    subject = compiled.subject("GBR", "gbr-space-command", Claims(), Credential.BEARER, replace(key, expires=NOW))
    facts = compiled.facts("elset", {**ELSET, "dataMode": "REAL"}, NOW)
    label = read_label("U", compiled, "elset", NOW.date())
    expired = compiled.decide(subject, "elset", label, facts, "collision-avoidance", NOW)
    assert expired.reasons == ("channel:key_expired",)


@pytest.mark.parametrize("order", range(12))
def test_a_kept_decision_says_what_a_new_one_would_on_either_side_of_every_date(order: int) -> None:
    compiled, drawn = policy(), random.Random(order)
    without = compile_policy(compiled.policy_set, memo_limit=0)
    key = compiled.recipient("GBR", NOW)
    assert key is not None
    dated = replace(key, not_before=NOW - timedelta(hours=2), expires=NOW + timedelta(hours=2))
    facts = compiled.facts("elset", {**ELSET, "dataMode": "REAL"}, NOW)
    questions = [
        (replace(subject, credential=credential), "elset", read_label("U", compiled, "elset", day), shown, purpose, at)
        for subject in (
            compiled.subject("GBR", "gbr-space-command", Claims(), Credential.BEARER, held)
            for held in (key, dated, replace(dated, revoked=True), replace(key, thumbprint="other"), None)
        )
        for credential in (Credential.BEARER, Credential.MTLS)
        for day in (NOW.date(), NOW.date() + timedelta(days=1))
        for shown in (facts, replace(facts, stops=("stop-7",)))
        for purpose in ("collision-avoidance", "anomaly-resolution")
        for at in (NOW - timedelta(hours=3), NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2), NOW + DAY)
    ]
    for question in drawn.sample(questions, 150) * 2:
        assert compiled.decide(*question) == without.decide(*question)
    released = [compiled.decide(*question).permitted for question in questions]
    assert 10 < sum(released) < len(released) / 2
