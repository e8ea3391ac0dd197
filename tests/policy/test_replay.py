"""What is recorded of a decision reads back equal, and gives the same decision again."""

from __future__ import annotations

import json

import pytest

from gateway.policy.decision import Facts
from gateway.policy.replay import (
    ReplayError,
    facts_from_json,
    facts_to_json,
    subject_from_json,
    subject_to_json,
)
from tests.policy.worlds import world


def through_text(value: object) -> object:
    """As an audit entry keeps it: JSON in which no number may stand."""

    def no_numbers(text: str) -> float:
        raise AssertionError(f"a number in canonical JSON: {text}")

    return json.loads(json.dumps(value, allow_nan=False), parse_float=no_numbers, parse_int=no_numbers)


@pytest.mark.parametrize("seed", range(40))
def test_a_decision_made_again_from_its_record_is_the_same_decision(seed: int) -> None:
    drawn = world(f"replay-{seed}")
    for _ in range(20):
        subject, dataset, label, facts, purpose, at = drawn.question()
        again = (
            subject_from_json(through_text(subject_to_json(subject))),  # type: ignore[arg-type]
            dataset,
            label,
            facts_from_json(through_text(facts_to_json(facts))),  # type: ignore[arg-type]
            purpose,
            at,
        )
        assert again[0] == subject
        assert facts_to_json(again[3]) == facts_to_json(facts)
        assert drawn.policy.decide(*again) == drawn.policy.decide(subject, dataset, label, facts, purpose, at)


@pytest.mark.parametrize(
    "value", [0.1, -0.0, 5e-324, 1.7976931348623157e308, 2**63, -1, True, "", "é", frozenset({"a"})]
)
def test_a_fact_keeps_its_type_and_every_bit(value: object) -> None:
    back = facts_from_json(through_text(facts_to_json(Facts({"f": value})))).values["f"]  # type: ignore[arg-type,dict-item]
    assert type(back) is type(value)
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"values": {"f": ["float", "wide"]}},
        {"values": {"f": ["int", "1", "2"]}},
        {"values": {"f": ["tuple", "1"]}},
        {"values": {"f": ["bool", "maybe"]}},
        {"values": {"f": 1}},
        {"delay_from": "2026-06-18T00:00:00"},
        {"delay_from": "today"},
        {"stops": "stop"},
    ],
)
def test_a_record_that_was_tampered_with_is_not_read(spoiled: dict[str, object]) -> None:
    with pytest.raises(ReplayError):
        facts_from_json(facts_to_json(Facts()) | spoiled)  # type: ignore[operator]


def test_a_record_that_lacks_a_member_is_not_read() -> None:
    for read in (subject_from_json, facts_from_json):
        with pytest.raises(ReplayError, match="lack"):
            read({})
