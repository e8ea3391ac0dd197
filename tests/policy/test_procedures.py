"""Volumes, emergencies, alerts, compilations, tear lines and post-quantum keys, judged by the worked set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.policy import Claims, CompiledPolicy
from gateway.policy.decision import Approval, Around, Credential, Decision, Facts
from gateway.policy.replay import facts_from_json, facts_to_json
from gateway.policy.volume import Take, beginning, ending
from tests.policy.worked import NOW, SYSTEM, changed, edited, policy, read_label

AVOID, AWARE = "collision-avoidance", "space-situational-awareness"
KOR, GBR, NZL, CAN = (f"policies/partners/{code}.toml" for code in ("KOR", "GBR", "NZL", "CAN"))
STATION = {"satNo": 25544, "status": "PLANNED", "dataMode": "REAL"}
MOVED = {"satNo": 900, "status": "VERIFIED", "dataMode": "REAL"}
FAILED = {"dataMode": "REAL", "launchFailureCode": "2", "launchFacilityName": "TTMTR"}
HOURS = timedelta(hours=1)


def shown(compiled: CompiledPolicy, dataset: str, values: Mapping[str, object], around: Around, at: datetime) -> Facts:
    return compiled.facts(dataset, {"createdAt": f"{at.date()}T00:00:00Z", **values}, at, (), around)


def decide(
    partner: str,
    dataset: str,
    marking: str,
    values: Mapping[str, object],
    purpose: str,
    around: Around,
    *,
    at: datetime = NOW,
    compiled: CompiledPolicy | None = None,
    **differing: object,
) -> Decision:
    compiled = compiled or policy()
    key = compiled.recipient(partner, at)
    subject = compiled.subject(partner, SYSTEM[partner], Claims(), Credential.MTLS, key)
    facts = replace(shown(compiled, dataset, values, around, at), **differing)  # type: ignore[arg-type]
    label = read_label(marking, compiled, dataset, at.date())
    return compiled.decide(subject, dataset, label, facts, purpose, at)


def unused(partner: str, dataset: str, **around: object) -> Around:
    return policy().unused(partner, dataset, Around(**around))  # type: ignore[arg-type]


@pytest.mark.parametrize(("used", "goes"), [(0, True), (9_999, True), (10_000, False), (10_001, False), (None, False)])
def test_a_volume_that_is_used_up_or_of_which_nothing_is_known_withholds(used: int | None, *, goes: bool) -> None:
    around = unused("KOR", "notification")
    counted = {**around.usage, "kor-daily": used}
    usage = {name: count for name, count in counted.items() if count is not None}
    notice = {"msgType": "REENTRY_NOTICE", "dataMode": "REAL"}
    decision = decide("KOR", "notification", "U//REL TO USA, KOR", notice, AWARE, replace(around, usage=usage))
    assert decision.reasons == (() if goes else ("hold:volume_exhausted",))


def test_a_caller_who_has_had_it_all_is_told_so_and_others_are_not_counted_with_it() -> None:
    compiled, key = policy(), policy().recipient("KOR", NOW)
    subject = compiled.subject("KOR", SYSTEM["KOR"], Claims(), Credential.BEARER, key)
    around = unused("KOR", "elset", usage={"kor-daily": 10_000})
    assert compiled.admit(subject, "elset", AWARE, NOW, (), around) == ("hold:volume_exhausted",)
    assert compiled.admit(subject, "elset", AWARE, NOW) == ("hold:volume_exhausted",)  # nothing is known
    assert compiled.counters("JPN", "elset") == ()


def test_what_an_answer_takes_is_records_of_one_volume_and_one_request_of_the_other() -> None:
    compiled, day = policy(), datetime(2026, 6, 18, tzinfo=UTC)
    subject = compiled.subject("KOR", SYSTEM["KOR"], Claims(), Credential.BEARER, None)
    taken = compiled.takes(subject, "maneuver", NOW, 7, first=True)
    assert set(taken) == {
        Take("kor-daily", day, 7, 10_000),
        Take("kor-often", day + 12 * HOURS, 1, 30),
        Take("maneuver-pattern", day, 7, 1_000),  # its ceiling lies below what the pattern is
    }
    assert {take.counter for take in compiled.takes(subject, "maneuver", NOW, 0, first=False)} == set()
    cleared = compiled.subject("CAN", "can-space-operations", Claims(), Credential.BEARER, None)
    assert compiled.takes(cleared, "maneuver", NOW, 7, first=True) == (Take("maneuver-pattern", day, 7, None),)


def test_spans_follow_each_other_from_the_epoch_and_no_instant_lies_in_two() -> None:
    for per in (timedelta(minutes=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7)):
        first = beginning(per, NOW)
        assert first <= NOW < ending(per, NOW) == first + per
        assert beginning(per, ending(per, NOW)) == ending(per, NOW)
        assert (first - datetime(1970, 1, 1, tzinfo=UTC)) % per == timedelta(0)


@pytest.mark.parametrize(
    ("since", "goes"),
    [
        (timedelta(0), True),
        (6 * HOURS - timedelta(microseconds=1), True),
        (6 * HOURS, False),
        (-timedelta(microseconds=1), False),
    ],
)
def test_an_emergency_is_open_from_its_opening_until_its_time_is_over(since: timedelta, *, goes: bool) -> None:
    around = unused("KOR", "maneuver", emergencies={"kor-station": NOW - since})
    decision = decide("KOR", "maneuver", "C//REL TO USA, KOR", STATION, AVOID, around)
    assert decision.reasons == (() if goes else ("grant:no_grant",))
    if goes:
        assert decision.grants == ("kor-station",)
        assert decision.stays_true_until is not None
        assert decision.stays_true_until <= NOW - since + 6 * HOURS


@pytest.mark.parametrize(
    ("marking", "differing", "reason"),
    [
        ("C//REL TO USA, JPN", {}, "releasability:nation_not_listed"),
        ("S//REL TO USA, KOR", {}, "clearance:above_ceiling"),
        ("C//NF", {}, "originator:control_forbids"),
        ("C//REL TO USA, KOR", {"stops": ("partner:KOR",)}, "hold:stopped"),
        ("C//REL TO USA, KOR", {"usage": {}}, "hold:volume_exhausted"),
    ],
)
def test_an_open_emergency_opens_grant_delay_and_review_and_nothing_else(
    marking: str, differing: dict[str, object], reason: str
) -> None:
    around = unused("KOR", "maneuver", emergencies={"kor-station": NOW})
    assert reason in decide("KOR", "maneuver", marking, STATION, AVOID, around, **differing).reasons
    exercise = decide("KOR", "maneuver", "C//REL TO USA, KOR", {**STATION, "dataMode": "EXERCISE"}, AVOID, around)
    assert exercise.reasons == ("grant:denied_by_rule",)


def test_a_dataset_that_only_an_emergency_grants_exists_while_it_is_open_and_its_purpose_must_be_named() -> None:
    text = edited(KOR, 'id = "kor-maneuver"', 'id = "kor-maneuver"\nuntil = 2015-01-01').decode()
    head, grant = text.split('[[grant]]\nid = "kor-maneuver"')
    rest = grant.split("[[grant]]", 1)[1]
    compiled = changed({KOR: (head + "[[grant]]" + rest).encode()})
    assert not compiled.granted("KOR", "maneuver")
    assert not compiled.granted("KOR", "maneuver", NOW, {"kor-station": NOW - 7 * HOURS})
    assert compiled.granted("KOR", "maneuver", NOW, {"kor-station": NOW - HOURS})
    assert compiled.purpose("KOR", "maneuver", None).value is None
    assert policy().purpose("KOR", "maneuver", None).value == AWARE


def test_an_alert_goes_at_once_and_what_it_hurries_is_cut_to_its_fields() -> None:
    at = datetime(2026, 6, 18, tzinfo=UTC)  # the very instant at which it was made
    warning = {"msgType": "COLLISION_WARNING", "dataMode": "REAL"}
    decision = decide("NZL", "notification", "U//REL TO USA, NZL", warning, AVOID, Around(), at=at)
    assert decision.permitted
    assert decision.obligations.only == {"createdAt", "msgType", "msgBody"}
    assert decision.obligations.delay == timedelta(0)
    other = decide("NZL", "notification", "U//REL TO USA, NZL", {**warning, "msgType": "REENTRY_NOTICE"}, AVOID,
                   Around(), at=at)  # fmt: skip
    assert other.reasons == ("hold:delay_not_passed",)
    assert {"source", "dataMode"} <= policy().forbidden_parameters("NZL", "notification")
    assert "createdAt" not in policy().forbidden_parameters("NZL", "notification")


def test_an_alert_lifts_a_review_that_another_grant_asks_for() -> None:
    text = edited(NZL, 'delay = "15m"', "review = { persons = 2 }")
    compiled, warning = changed({NZL: text}), {"msgType": "COLLISION_WARNING", "dataMode": "REAL"}
    assert decide("NZL", "notification", "U//REL TO USA, NZL", warning, AVOID, Around(), compiled=compiled).permitted
    late = {**warning, "msgType": "REENTRY_NOTICE"}
    held = decide("NZL", "notification", "U//REL TO USA, NZL", late, AVOID, Around(), compiled=compiled)
    assert held.reasons == ("hold:review_pending",)


def test_a_review_from_a_level_on_is_asked_for_at_that_level_and_by_what_a_compilation_makes_of_it() -> None:
    around = unused("CAN", "maneuver")
    assert decide("CAN", "maneuver", "C//REL TO USA, CAN", MOVED, AWARE, around).permitted
    held = decide("CAN", "maneuver", "S//REL TO USA, CAN", MOVED, AWARE, around)
    assert held.reasons == ("hold:review_pending",)
    assert decide("CAN", "maneuver", "S//REL TO USA, CAN", MOVED, AWARE, around,
                  approval=Approval("review:1", "S//REL TO USA, CAN")).permitted  # fmt: skip
    many = replace(around, usage={"maneuver-pattern": 1_000})
    raised = decide("CAN", "maneuver", "C//REL TO USA, CAN", MOVED, AWARE, many)
    assert raised.reasons == ("hold:review_pending",)


def test_fields_form_a_compilation_only_where_all_of_them_go_and_unless_somebody_looked_they_count_as_there() -> None:
    marking = "C//REL TO USA, NZL"
    above = ("clearance:above_ceiling",)
    assert decide("NZL", "launchevent", marking, FAILED, AWARE, Around()).reasons == above
    unnamed = {**FAILED, "launchFacilityName": None}
    assert decide("NZL", "launchevent", marking, unnamed, AWARE, Around()).permitted
    assert decide("NZL", "launchevent", marking, unnamed, AWARE, Around(), present=None).reasons == above
    # what a grant leaves out does not go: Korea gets no site
    around = unused("KOR", "launchevent")
    korea = decide("KOR", "launchevent", "C//REL TO USA, KOR", FAILED, AWARE, around)
    assert korea.permitted


def test_where_a_post_quantum_key_is_asked_for_a_record_at_that_level_stays_and_the_caller_may_ask() -> None:
    compiled = changed({GBR: edited(GBR, "plain = ", 'post_quantum = "SECRET"\nplain = ')})
    state = {"satNo": 25989, "dataMode": "REAL"}
    held = decide("GBR", "statevector", "S//REL TO USA, FVEY", state, AWARE, Around(), compiled=compiled)
    assert held.reasons == ("channel:key_not_post_quantum",)
    assert decide("GBR", "statevector", "C//REL TO USA, FVEY", state, AWARE, Around(), compiled=compiled).permitted
    subject = compiled.subject("GBR", SYSTEM["GBR"], Claims(), Credential.BEARER, compiled.recipient("GBR", NOW))
    assert compiled.admit(subject, "statevector", AWARE, NOW) == ()


def test_what_is_known_around_a_record_is_read_back_from_an_entry_as_it_was_written() -> None:
    facts = Facts(
        {"satNo": 25544},
        tear_line=True,
        present=frozenset({"b", "a"}),
        usage={"kor-daily": 9, "kor-often": 0},
        emergencies={"kor-station": NOW},
    )
    assert facts_from_json(facts_to_json(facts)) == facts
    assert facts_from_json(facts_to_json(replace(facts, present=frozenset()))).present == frozenset()
    plain = facts_to_json(Facts({"satNo": 25544}))
    assert plain.keys() == {"values", "problems", "delay_from", "originator", "stops"}
