"""Instants are moved back to whole spans, and nothing of what the source wrote is left in them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.content.check import Expected, ExpectedRecord, Form, Listed, Permitted, Refusal, check
from gateway.content.coarsening import coarsen_instant
from gateway.content.degrade import degrade, plan_cuts
from gateway.content.errors import CheckRefused, ObligationRefused
from gateway.policy.decision import Obligations

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MARKING = "classificationMarking"
NAMES = Listed(frozenset({MARKING, "id", "a", "b", "notice"}), frozenset({"at"}))


@pytest.mark.parametrize(
    ("text", "span", "left"),
    [
        ("2026-06-17T10:59:59.999999999Z", HOUR, "2026-06-17T10:00:00Z"),
        ("2026-06-17T10:00:00Z", HOUR, "2026-06-17T10:00:00Z"),
        ("2026-06-17T01:30:00+02:00", DAY, "2026-06-16T00:00:00Z"),
        ("1969-12-31T23:59:59Z", HOUR, "1969-12-31T23:00:00Z"),
        ("2026-06-17t10:20:30z", timedelta(minutes=10), "2026-06-17T10:20:00Z"),
    ],
)
def test_an_instant_becomes_the_whole_span_at_or_before_it(text, span, left):
    assert coarsen_instant(json.dumps(text).encode(), span) == json.dumps(left).encode()


@pytest.mark.parametrize("text", ["2026-06-17", "2026-06-17T10:00:00", "yesterday", "", "2026-06-17T10:00:60Z",
                                  "0001-01-01T00:00:00+14:00", "2026-13-01T00:00:00Z"])  # fmt: skip
def test_what_is_no_instant_with_a_zone_is_left_out(text):
    record = json.dumps({MARKING: "U", "at": text}).encode()
    done = degrade(record, plan_cuts(Obligations(coarsen={"at": HOUR}), MARKING))
    assert json.loads(done.raw) == {MARKING: "U"}
    assert done.unroundable == ("at",)


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from([timedelta(seconds=1), HOUR, DAY, 7 * DAY]))
def test_coarsening_twice_is_coarsening_once_and_the_checker_agrees(at, span):
    written = json.dumps(at.isoformat()).encode()
    once = coarsen_instant(written, span)
    if once is None:
        return  # before the year 1
    assert coarsen_instant(once, span) == once
    left = datetime.fromisoformat(json.loads(once))
    assert left <= at < left + span
    body = b'{"classificationMarking":"U","id":"a","at":' + once + b"}"
    assert checked(body, Permitted(frozenset({"U"}), coarsened={"at": span})) is None


@pytest.mark.parametrize("value", ["2026-06-17T10:00:01Z", "2026-06-17T10:00:00.000Z", "2026-06-17T10:00:00+00:00",
                                   " 2026-06-17T10:00:00Z", "2026-6-17T10:00:00Z", 1750154400, True, {}])  # fmt: skip
def test_the_checker_refuses_anything_but_a_whole_span_in_its_one_form(value):
    body = json.dumps({MARKING: "U", "id": "a", "at": value}).encode()
    assert checked(body, Permitted(frozenset({"U"}), coarsened={"at": HOUR})) is Refusal.NOT_COARSENED


def test_only_the_named_members_go_and_the_watermark_is_written_over_what_the_source_wrote():
    plan = plan_cuts(Obligations(only=frozenset({"a"}), watermark={"notice": 'For "us"'}), MARKING, "id")
    record = b'{"id":"1","classificationMarking":"U","a":1,"b":{"c":2},"notice":"old"}'
    done = degrade(record, plan)
    assert json.loads(done.raw) == {"id": "1", MARKING: "U", "a": 1, "notice": 'For "us"'}
    assert done.redacted == ("b",)


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        ({"notice": "For us"}, None),
        ({"notice": "For them"}, Refusal.WATERMARK_MISSING),
        ({}, Refusal.WATERMARK_MISSING),
        ({"notice": "For us", "b": None}, Refusal.FIELD_NOT_NAMED),
    ],
)
def test_the_checker_wants_the_watermark_to_the_letter_and_no_field_that_is_not_named(members, refusal):
    body = json.dumps({MARKING: "U", "id": "a", "a": 1, **members}).encode()
    permitted = Permitted(frozenset({"U"}), only=frozenset({"a"}), watermark={"notice": "For us"})
    assert checked(body, permitted) is refusal


@pytest.mark.parametrize("field", [MARKING, "id"])
def test_a_watermark_never_replaces_a_marking_or_an_identifier(field):
    with pytest.raises(ObligationRefused):
        plan_cuts(Obligations(watermark={field: "x"}), MARKING, "id")


def checked(body, permitted):
    """The checker's refusal, or nothing."""
    try:
        check(body, Expected(Form.OBJECT, [ExpectedRecord("a", permitted)], MARKING, "id", NAMES))
    except CheckRefused as refused:
        return Refusal(refused.code)
    return None
