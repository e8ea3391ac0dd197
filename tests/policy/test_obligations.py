"""Strictest of each kind, whole groups, and the same fact in two datasets."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.policy.decision import Decision, Review
from gateway.policy.errors import PolicyError
from tests.policy.worked import ESA_OBJECT, GBR_OBJECT, ask, changed, whole_files

GBR = "policies/partners/GBR.toml"
HEAD = whole_files()[GBR].decode().split("# 6.")[0]
ELSET = {"satNo": GBR_OBJECT, "meanMotion": 15.0, "eccentricity": 0.001}


def rule(name: str, dataset: str, *lines: str, where: str = '"everything"') -> str:
    head = ["[[grant]]", f'id = "{name}"', f'dataset = "{dataset}"', 'purposes = ["collision-avoidance"]']
    return "\n".join([*head, f"where = {where}", *lines, ""])


def decide(*rules: str, dataset: str = "statevector", **values: object) -> Decision:
    compiled = changed({GBR: (HEAD + "\n".join(rules)).encode()})
    shown = {**ELSET, "satNo": ESA_OBJECT, "satNo1": GBR_OBJECT, "satNo2": ESA_OBJECT, **values}
    return ask("GBR", dataset, "U", shown, purpose="collision-avoidance", compiled=compiled)


def state(position: object) -> str:
    return (
        f"round.state = {{ position = {position}, velocity = 1, acceleration = 1, "
        "position-uncertainty = 1, velocity-uncertainty = 1 }"
    )


ENCOUNTER = (
    "round.encounter = { separation = 100, closing-speed = 10, position = 1, velocity = 0.01, acceleration = 1, "
    "position-uncertainty = 1, velocity-uncertainty = 1 }"
)


def test_rounding_a_group_leaves_out_every_field_that_repeats_it() -> None:
    obligations = decide(rule("a", "statevector", state(1))).obligations
    assert obligations.round["xpos"] == obligations.round["zposAlt2"] == Decimal(1)
    assert {"cov", "sigmaPosUVW", "rawFileURI", "descriptor"} <= obligations.drop
    assert not obligations.drop & obligations.round.keys()


def test_the_larger_of_two_steps_applies_in_either_order() -> None:
    one, two = rule("a", "statevector", state(1)), rule("b", "statevector", state(10))
    assert decide(one, two).obligations == decide(two, one).obligations
    assert decide(one, two).obligations.round["xpos"] == Decimal(10)


def test_drop_beats_round_and_the_longer_delay_beats_the_shorter() -> None:
    one = rule("a", "statevector", state(1), 'delay = "1h"')
    two = rule("b", "statevector", 'drop = ["state"]', 'delay = "90m"')
    obligations = decide(one, two).obligations
    assert not obligations.round
    assert {"xpos", "cov"} <= obligations.drop
    assert obligations.delay == timedelta(minutes=90)


def test_every_obligation_says_which_grant_asked_for_it() -> None:
    because = decide(rule("a", "statevector", state(1), 'delay = "1h"', 'drop = ["provenance"]')).obligations.because
    assert because == ("a: delay 1:00:00", "a: drop provenance", "a: round state")


def test_a_grant_that_does_not_match_obliges_to_nothing() -> None:
    other = rule("b", "statevector", 'drop = ["state"]', where='{ dataMode = "TEST" }')
    assert not decide(rule("a", "statevector"), other).obligations.drop


def test_rounding_in_one_dataset_rounds_the_same_quantities_in_another() -> None:
    obligations = decide(rule("a", "statevector"), rule("b", "conjunction", ENCOUNTER)).obligations
    assert obligations.round["xpos"] == Decimal(1)
    assert obligations.round["xvel"] == Decimal("0.01")
    assert obligations.because == ("b (conjunction): round encounter",)


def test_a_quantity_without_a_namesake_takes_the_largest_step_of_its_dimension() -> None:
    decision = decide(rule("a", "conjunction"), rule("b", "statevector", state(1)), dataset="conjunction")
    assert decision.obligations.round["missDistance"] == Decimal(1000)  # 1 km, in metres
    assert decision.obligations.round["stateVector2.xpos"] == Decimal(1)


def test_elements_are_left_out_whole_where_states_are_rounded() -> None:
    obligations = decide(rule("a", "elset"), rule("b", "statevector", state(1)), dataset="elset").obligations
    assert {"meanMotion", "line1", "semiMajorAxis"} <= obligations.drop
    assert not obligations.round


def test_a_fact_left_out_in_one_dataset_is_left_out_in_another() -> None:
    obligations = decide(rule("a", "statevector"), rule("b", "elset", 'drop = ["elements", "provenance"]')).obligations
    assert {"xpos", "cov", "origin"} <= obligations.drop


ESA, BOTH, ONLY_GBR = (
    '{ owners = { within = ["ESA"] } }',
    '{ owners = { within = ["ESA", "GBR"] } }',
    '{ within = ["GBR"] }',
)
REAL, TEST = '{ dataMode = "REAL" }', '{ dataMode = "TEST" }'


@pytest.mark.parametrize(
    ("here", "there", "exempt"),
    [
        pytest.param(REAL, TEST, True, id="other values of a fact that separates"),
        pytest.param(REAL, '{ dataMode = ["REAL", "TEST"] }', False, id="a value in common"),
        pytest.param(ESA, f"{{ owners = {ONLY_GBR} }}", True, id="other owners"),
        pytest.param(BOTH, f"{{ owners = {ONLY_GBR} }}", False, id="an owner in common"),
        pytest.param(ESA, '{ owners = { contains = "GBR" } }', False, id="contains leaves room for others"),
        pytest.param(
            ESA, '{ owners = { beyond = ["ESA"] } }', False, id="beyond protects others, but these are not own"
        ),
        pytest.param('"everything"', TEST, False, id="everything is never apart"),
    ],
)
def test_a_grant_is_exempt_only_where_conditions_prove_different_things(here: str, there: str, exempt: bool) -> None:
    decision = decide(
        rule("a", "statevector", where=here), rule("b", "conjunction", ENCOUNTER, where=there), dataMode="REAL"
    )
    assert decision.grants == ("a",)
    assert (not decision.obligations.round) is exempt


def test_a_partners_own_objects_are_its_own_though_it_sees_others_coarsely() -> None:
    own = rule("a", "statevector", where='{ owners = { within = ["GBR"] } }')
    shared = rule("b", "conjunction", ENCOUNTER, where='{ owners = { contains = "GBR", beyond = ["GBR"] } }')
    assert not decide(own, shared, satNo=GBR_OBJECT).obligations.round
    all_shared = rule("b", "conjunction", ENCOUNTER, where='{ owners = { contains = "GBR" } }')
    assert decide(own, all_shared, satNo=GBR_OBJECT).obligations.round


def test_of_two_reviews_the_most_persons_the_shortest_wait_and_silence_apply_in_either_order() -> None:
    one = rule("a", "statevector", 'review = { persons = 1, tell = true, within = "2h" }')
    two = rule("b", "statevector", 'review = { persons = 2, within = "3d" }')
    none = rule("c", "statevector")
    assert decide(one, two, none).obligations == decide(none, two, one).obligations
    assert decide(one, two, none).obligations.review == Review(2, tell=False, within=timedelta(hours=2))
    assert decide(one, none).reasons == ("hold:review_pending",)
    assert decide(none).permitted


def test_a_review_is_a_hold_and_is_not_carried_over_to_another_dataset() -> None:
    reviewed = rule("b", "elset", "review = { persons = 1 }")
    assert decide(rule("a", "statevector"), reviewed).permitted


@pytest.mark.parametrize("said", ["persons = 0", "persons = 3", 'persons = 1, within = "31d"', "tell = true"])
def test_a_review_by_nobody_or_without_end_refuses_the_set(said: str) -> None:
    with pytest.raises(PolicyError):
        decide(rule("a", "statevector", f"review = {{ {said} }}"))
