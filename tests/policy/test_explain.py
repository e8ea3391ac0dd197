"""An explanation repeats the decision, shows every ground with its line, and says what would turn the answer."""

from __future__ import annotations

import pytest

from gateway.policy.compile import compile_policy
from gateway.policy.decision import Gate, Outcome
from gateway.policy.explain import Explanation, explain
from gateway.policy.load import load
from gateway.policy.trial import Question, question_of, with_assumed_keys
from gateway.policy.whereabouts import Whereabouts
from tests.policy.worked import read_files
from tests.policy.worlds import world

FILES = read_files()
WHERE = Whereabouts(FILES)
POLICY = compile_policy(with_assumed_keys(load(FILES)))


def explained(name: str) -> Explanation:
    """The explanation of the shipped case of this name."""
    (case,) = (case for file in POLICY.policy_set.cases.values() for case in file.case if case.name == name)
    return explain(POLICY, question_of(POLICY, case), WHERE)


def line(place: str) -> str:
    """The text of the line that a place names."""
    file, _, number = place.rpartition(":")
    return FILES[file].decode().splitlines()[int(number) - 1]


def test_every_ground_of_every_shipped_case_stands_where_it_is_said_to() -> None:
    for file in POLICY.policy_set.cases.values():
        for case in file.case:
            explanation = explain(POLICY, question_of(POLICY, case), WHERE)
            for account in explanation.accounts:
                for ground in account.grounds:
                    if ground.place.file in FILES:
                        assert ground.place.line > 0, (case.name, ground)


@pytest.mark.parametrize(
    ("case", "gate", "text", "written"),
    [
        ("the same after the agreement", Gate.AGREEMENT, "until 2028-01-01", "until = 2028-01-01"),
        ("AUS gets nothing SECRET in intelligence", Gate.CLEARANCE, "category 8 is CONFIDENTIAL", '8 = "CONFIDENTIAL"'),
        ("AUS gets nothing low of others", Gate.GRANT, "regime is LEO", "[[grant]]"),
        ("FRA gets no manoeuvre of a test", Gate.GRANT, "deny fra-no-test-manoeuvres", "[[deny]]"),
        ("GBR's registry is cleared for nothing classified", Gate.CLEARANCE, "UNCLASSIFIED", 'clearance = "UNCL'),
    ],
)
def test_the_ground_of_a_denial_is_shown_with_its_line(case: str, gate: Gate, text: str, written: str) -> None:
    (account,) = (account for account in explained(case).accounts if account.gate is gate)
    assert account.outcome is Outcome.REFUSED
    (ground,) = (ground for ground in account.grounds if text in ground.text)
    assert line(str(ground.place)).startswith(written)


def test_what_no_policy_may_release_is_said_to_be_so() -> None:
    opposite = explained("a conjunction marked for nobody").opposite
    assert any("no policy may release it" in each for each in opposite)
    assert opposite[-1] == "No change of policy releases this record."


def test_several_refusing_gates_must_all_change() -> None:
    opposite = explained("proprietary elements without it").opposite
    assert opposite[-1].startswith("All of these would have to change")


def test_a_release_says_until_when_no_date_changes_it() -> None:
    opposite = explained("an element set of its own, exact").opposite
    assert any("2026-" in each or "2027-" in each for each in opposite)


def test_an_explanation_repeats_the_decision_whatever_is_asked() -> None:
    for seed in range(30):
        drawn = world(f"explain-{seed}")
        where = Whereabouts(drawn.files)
        for _ in range(10):
            subject, dataset, label, facts, purpose, at = drawn.question()
            if subject.system not in drawn.policy.policy_set.partners[subject.partner].systems:
                continue
            question = Question(subject, dataset, label, facts, purpose, at)
            explanation = explain(drawn.policy, question, where)
            assert explanation.decision == question.ask(drawn.policy)
            assert [account.gate for account in explanation.accounts] == list(Gate)
            assert explanation.opposite
            refused = [account for account in explanation.accounts if account.outcome is not Outcome.PASSED]
            assert all(account.against for account in refused)
