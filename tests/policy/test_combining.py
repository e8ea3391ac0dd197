"""Nine gates, three outcomes each: every one of the 19,683 combinations combines rightly, and nothing means no."""

from __future__ import annotations

import itertools

import pytest

from gateway.policy.decision import Decision, Effect, Gate, GateResult, Outcome, combine


def test_only_nine_passes_of_all_19683_combinations_release() -> None:
    counted = 0
    for outcomes in itertools.product(Outcome, repeat=len(Gate)):
        results = tuple(GateResult(gate, outcome) for gate, outcome in zip(Gate, outcomes, strict=True))
        expected = Effect.RELEASE if set(outcomes) == {Outcome.PASSED} else Effect.WITHHOLD
        assert combine(results) is expected
        counted += 1
    assert counted == 3**9 == 19_683


def test_a_decision_without_any_gates_withholds() -> None:
    assert combine(()) is Effect.WITHHOLD


@pytest.mark.parametrize("missing", list(Gate))
def test_a_missing_gate_withholds_though_all_others_passed(missing: Gate) -> None:
    results = tuple(GateResult(gate, Outcome.PASSED) for gate in Gate if gate is not missing)
    assert combine(results) is Effect.WITHHOLD


def test_a_gate_that_stands_twice_does_not_stand_for_another() -> None:
    gates = [*list(Gate)[:-1], Gate.LABEL]
    assert combine(tuple(GateResult(gate, Outcome.PASSED) for gate in gates)) is Effect.WITHHOLD


def test_a_tenth_answer_beside_nine_passes_withholds() -> None:
    results = tuple(GateResult(gate, Outcome.PASSED) for gate in Gate)
    assert combine((*results, GateResult(Gate.HOLD, Outcome.PASSED))) is Effect.WITHHOLD


def test_a_decision_lists_every_reason_in_gate_order() -> None:
    results = (
        GateResult(Gate.LABEL, Outcome.REFUSED, ("label_missing",)),
        GateResult(Gate.HOLD, Outcome.ERRED, ("gate_erred",)),
    )
    assert Decision(Effect.WITHHOLD, results).reasons == ("label:label_missing", "hold:gate_erred")
