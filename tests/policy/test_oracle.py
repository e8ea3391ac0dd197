"""The compiled decision against the slow oracle, on random sets: 2,000 cases here, 100,000 by ``make oracle``.

``ORACLE_CASES`` sets how many; each test takes 250 of them, so that a long run shows its progress.
"""

from __future__ import annotations

import os

import pytest

from tests.policy.agreement import difference
from tests.policy.worlds import world

CASES = int(os.environ.get("ORACLE_CASES", "2000"))
A_TEST, A_WORLD = 250, 25


@pytest.mark.parametrize("start", range(0, CASES, A_TEST))
def test_the_decision_and_the_oracle_agree_on_everything(start: int) -> None:
    for seed in range(start, min(start + A_TEST, CASES), A_WORLD):
        drawn = world(seed)
        for number in range(A_WORLD):
            question = drawn.question()
            assert difference(drawn.policy, question) == "", f"world {seed}, question {number}: {question}"


def test_the_random_cases_release_and_oblige_often_enough_to_mean_something() -> None:
    released = obliged = withheld = 0
    for seed in range(0, 2000, A_WORLD):
        drawn = world(seed)
        for _ in range(A_WORLD):
            decision = drawn.policy.decide(*drawn.question())
            released += decision.permitted
            withheld += not decision.permitted
            obliged += bool(decision.obligations.drop or decision.obligations.round)
    assert released >= 25
    assert withheld >= 500
    assert obliged >= 100
