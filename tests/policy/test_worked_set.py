"""What the shipped (fictional) policy answers: the scenarios of the domain, one by one."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from gateway.policy import PolicyError, load
from gateway.policy.trial import try_cases
from tests.policy.worked import (
    DEU_OBJECT,
    ESA_OBJECT,
    GBR_OBJECT,
    JPN_OBJECT,
    JPN_OTHER,
    NOBODYS,
    ask,
    changed,
    edited,
    policy,
    read_files,
    revoked_jwks,
    whole_files,
)

AVOID, AWARE = "collision-avoidance", "space-situational-awareness"
LEO, GEO = {"meanMotion": 15.1, "eccentricity": 0.001}, {"meanMotion": 1.0027, "eccentricity": 0.0002}
SHARED = {"satNo1": JPN_OBJECT, "satNo2": GBR_OBJECT}
OWN = {"satNo1": JPN_OBJECT, "satNo2": JPN_OTHER}


def test_the_shipped_files_load_whole_without_any_keys() -> None:
    assert load(read_files()).partners.keys() >= {"JPN", "GBR", "AUS", "DEU", "NATO", "NOR", "ORBITWATCH"}


def test_every_table_that_a_set_names_is_one_of_its_files_or_a_text_of_that_digest() -> None:
    found = load(read_files())
    kept = {hashlib.sha256(text).hexdigest() for text in found.table_texts} | set(found.manifest.values())
    assert {name.partition(":")[0] for name in found.tables} >= {"countries-and-communities", "profile"}
    assert {digest for digest in found.tables.values() if digest} <= kept


def test_every_shipped_partner_file_says_first_that_it_is_fictional() -> None:
    for path, content in read_files().items():
        if path.startswith("policies/partners/"):
            for_editors, for_readers = content.decode().splitlines()[:2]
            assert for_editors.startswith("#:schema "), path
            assert for_readers.startswith("# FICTIONAL"), path


def test_the_worked_set_is_as_large_as_it_is_said_to_be() -> None:
    held = policy().policy_set
    assert {"AUS", "CAN", "GBR", "NZL", "JPN", "DEU", "FRA", "NOR", "KOR", "ORBITWATCH"} <= held.partners.keys()
    assert len(held.datasets) >= 6
    assert len(held.own_communities) >= 3
    assert all(member.from_ for community in held.own_communities for member in community.member)
    report = try_cases(held)
    assert len(report.tried) >= 60
    assert not report.failed
    assert not report.unproved


def test_japan_gets_a_conjunction_on_its_own_satellite_with_the_other_state_rounded() -> None:
    decision = ask("JPN", "conjunction", "S//REL TO USA, JPN", SHARED, purpose=AVOID)
    assert decision.permitted
    assert decision.grants == ("jpn-conjunction-shared",)
    assert decision.obligations.round["missDistance"] == Decimal(1000)
    assert decision.obligations.round["stateVector2.xpos"] == Decimal(1)
    assert {"stateVector2.cov", "comments", "rawFileURI", "origin"} <= decision.obligations.drop


def test_japan_gets_a_conjunction_between_its_own_two_satellites_exactly() -> None:
    decision = ask("JPN", "conjunction", "S//REL TO USA, JPN", OWN, purpose=AVOID)
    assert decision.permitted
    assert not decision.obligations.round
    assert "stateVector1.cov" not in decision.obligations.drop


def test_japan_gets_its_own_element_sets_exactly_though_conjunctions_are_rounded() -> None:
    decision = ask("JPN", "elset", "S//REL TO USA, JPN", {"satNo": JPN_OBJECT, **LEO}, purpose=AVOID)
    assert decision.permitted
    assert not decision.obligations.round
    assert "line1" not in decision.obligations.drop


def test_a_noforn_conjunction_on_its_own_satellite_stays_away_from_japan() -> None:
    decision = ask("JPN", "conjunction", "S//NF", SHARED, purpose=AVOID)
    assert decision.reasons == ("originator:control_forbids", "releasability:no_release_list")


def test_a_system_cleared_confidential_does_not_get_what_its_nation_may_have() -> None:
    decision = ask(
        "JPN", "elset", "S//REL TO USA, JPN", {"satNo": JPN_OBJECT, **LEO}, purpose="anomaly-resolution",
        system="jpn-academic-liaison",
    )  # fmt: skip
    assert decision.reasons == ("clearance:above_system_clearance",)


def test_japan_gets_no_conjunction_between_two_objects_of_others() -> None:
    decision = ask(
        "JPN", "conjunction", "U//REL TO USA, JPN", {"satNo1": GBR_OBJECT, "satNo2": ESA_OBJECT}, purpose=AVOID
    )
    assert decision.reasons == ("grant:no_grant",)


def test_an_object_of_an_unknown_owner_matches_no_grant_that_reads_owners() -> None:
    decision = ask("JPN", "conjunction", "U//REL TO USA, JPN", {"satNo1": JPN_OBJECT, "satNo2": NOBODYS}, purpose=AVOID)
    assert decision.reasons == ("grant:no_grant",)


def test_the_united_kingdom_is_in_fvey_and_gets_state_vectors_exactly() -> None:
    decision = ask("GBR", "statevector", "S//REL TO USA, FVEY", {"satNo": ESA_OBJECT}, purpose=AWARE)
    assert decision.permitted
    assert decision.obligations.drop == frozenset()


def test_the_originators_letter_opens_orcon_material_that_is_listed_too() -> None:
    elset = {"satNo": GBR_OBJECT, **LEO}
    assert ask("GBR", "elset", "S//OC/REL TO USA, GBR", elset, purpose=AWARE).permitted
    refused = ask("GBR", "conjunction", "S//OC/REL TO USA, GBR", SHARED, purpose=AVOID)
    assert refused.reasons == ("originator:consent_missing",)


@pytest.mark.parametrize(
    ("asked", "marked", "expected"),
    [
        pytest.param(date(2023, 6, 1), date(2023, 5, 1), False, id="not yet a member when asked"),
        pytest.param(date(2024, 1, 1), date(2023, 5, 1), False, id="no member when it was marked"),
        pytest.param(date(2024, 1, 1), date(2024, 1, 1), True, id="a member on both days"),
    ],
)
def test_norway_reads_community_notices_only_for_days_of_membership(asked: date, marked: date, expected: bool) -> None:
    at = datetime(asked.year, asked.month, asked.day, tzinfo=UTC)
    decision = ask(
        "NOR", "notification", "C//REL TO USA, CSPO", {"msgType": "LAUNCH_NOTICE"}, purpose=AVOID, at=at, day=marked
    )
    assert decision.permitted is expected
    assert expected or decision.reasons == ("releasability:nation_not_listed",)


def test_norway_gets_nothing_since_its_agreement_has_ended() -> None:
    decision = ask("NOR", "notification", "U//REL TO USA, NOR", {"msgType": "LAUNCH_NOTICE"}, purpose=AVOID)
    assert decision.reasons == ("agreement:agreement_expired",)


def test_a_british_company_is_no_government_that_a_list_could_name() -> None:
    elset = {"satNo": GBR_OBJECT, **LEO}
    decision = ask("ORBITWATCH", "elset", "U//REL TO USA, GBR", elset, purpose=AVOID)
    assert decision.reasons == ("releasability:list_names_governments",)
    assert ask("ORBITWATCH", "elset", "U", elset, purpose=AVOID).permitted
    assert ask("ORBITWATCH", "elset", "U//PR-EXOSCAN-ELSET", elset, purpose=AVOID).permitted
    assert not ask("ORBITWATCH", "elset", "U", {"satNo": GBR_OBJECT, **GEO}, purpose=AVOID).permitted


def test_an_organisation_is_named_itself_and_its_members_do_not_stand_for_it() -> None:
    notice = {"msgType": "LAUNCH_NOTICE"}
    assert ask("NATO", "notification", "U//REL TO USA, NATO", notice, purpose=AWARE).permitted
    by_member = ask("NATO", "notification", "U//REL TO USA, GBR, NOR", notice, purpose=AWARE)
    assert by_member.reasons == ("releasability:organisation_not_named",)


def test_fouo_without_a_list_goes_to_nobody_and_with_one_by_its_list() -> None:
    notice = {"msgType": "LAUNCH_NOTICE"}
    assert ask("GBR", "notification", "U//FOUO", notice, purpose=AWARE).reasons == ("releasability:fouo_without_list",)
    assert ask("GBR", "notification", "U//FOUO/REL TO USA, FVEY", notice, purpose=AWARE).permitted


def test_proprietary_data_goes_where_the_owners_consent_is_on_record() -> None:
    elset = {"satNo": JPN_OBJECT, **LEO}
    assert ask("JPN", "elset", "U//PR-EXOSCAN-ELSET", elset, purpose=AVOID).permitted
    refused = ask("JPN", "elset", "U//PR-SPIRE-ELSET", elset, purpose=AVOID)
    assert refused.reasons == ("originator:consent_missing", "releasability:no_release_list")


def test_relido_and_display_only_hand_over_nothing_by_themselves() -> None:
    notice = {"msgType": "LAUNCH_NOTICE"}
    relido = ask("GBR", "notification", "S//RELIDO", notice, purpose=AWARE)
    assert relido.reasons == ("originator:relido_needs_human_release", "releasability:no_release_list")
    display = ask("JPN", "notification", "S//DISPLAY ONLY JPN", notice, purpose=AVOID)
    assert "releasability:display_is_not_release" in display.reasons


def test_australia_with_a_revoked_key_is_denied_by_the_channel() -> None:
    revoked = changed({"keys/partners/AUS.jwks.json": revoked_jwks("AUS")})
    decision = ask(
        "AUS", "notification", "U//REL TO USA, FVEY", {"msgType": "LAUNCH_NOTICE"}, purpose=AWARE, compiled=revoked
    )
    assert decision.reasons == ("channel:key_revoked",)


def test_germany_gets_coarse_elements_and_no_finer_orbit_from_conjunctions() -> None:
    elset = ask("DEU", "elset", "U//REL TO USA, DEU", {"satNo": ESA_OBJECT, **LEO}, purpose=AWARE)
    assert elset.permitted
    assert elset.obligations.round["meanMotion"] == Decimal("0.001")
    assert {"line1", "line2"} <= elset.obligations.drop
    conjunction = ask(
        "DEU", "conjunction", "U//REL TO USA, DEU", {"satNo1": DEU_OBJECT, "satNo2": ESA_OBJECT}, purpose=AVOID
    )
    assert conjunction.permitted
    assert {"missDistance", "stateVector1.xpos"} <= conjunction.obligations.drop
    assert "deu-elset-real (elset): round elements" in conjunction.obligations.because


def test_exercise_data_is_never_handed_over_whatever_a_grant_says() -> None:
    decision = ask("GBR", "elset", "U", {"satNo": GBR_OBJECT, **LEO, "dataMode": "EXERCISE"}, purpose=AWARE)
    assert decision.reasons == ("grant:denied_by_rule",)


def test_a_delayed_notice_is_absent_until_its_hour_has_passed() -> None:
    at = datetime(2026, 6, 18, 0, 59, 59, tzinfo=UTC)
    notice = {"msgType": "LAUNCH_NOTICE"}
    early = ask("JPN", "notification", "U", notice, purpose=AVOID, at=at)
    assert early.reasons == ("hold:delay_not_passed",)
    assert early.stays_true_until == datetime(2026, 6, 18, 1, tzinfo=UTC)
    assert ask("JPN", "notification", "U", notice, purpose=AVOID, at=datetime(2026, 6, 18, 1, tzinfo=UTC)).permitted
    warning = ask("JPN", "notification", "U", {"msgType": "COLLISION_WARNING"}, purpose=AVOID, at=at)
    assert warning.permitted


def test_japan_may_not_sort_on_uncertainty_that_it_sees_rounded() -> None:
    assert {"posUnc", "xpos", "origin"} <= policy().forbidden_parameters("JPN", "statevector")
    assert "epoch" not in policy().forbidden_parameters("JPN", "statevector")
    assert policy().forbidden_parameters("GBR", "statevector") == frozenset()


def test_a_partner_without_a_grant_over_a_dataset_is_not_granted_it() -> None:
    assert policy().granted("JPN", "conjunction")
    assert not policy().granted("NOR", "conjunction")
    assert not policy().granted("XXX", "conjunction")
    assert not policy().granted("JPN", "no-such-dataset")


def test_tightening_a_row_denies_what_it_let_through_before() -> None:
    strict = changed(
        {"policies/policy.toml": whole_files()["policies/policy.toml"] + b'\n[tighten.udl]\nFOUO = "never"\n'}
    )
    decision = ask(
        "GBR", "notification", "U//FOUO/REL TO USA, FVEY", {"msgType": "LAUNCH_NOTICE"}, purpose=AWARE, compiled=strict
    )
    assert decision.reasons == ("originator:control_forbids",)


def test_loosening_a_row_of_the_release_table_refuses_the_whole_set() -> None:
    files = dict(whole_files())
    files["policies/policy.toml"] += b'\n[tighten.udl]\nNOFORN = "consent"\n'
    with pytest.raises(PolicyError, match="never loosen"):
        load(files)


def test_editing_one_date_in_the_letter_changes_the_answer_that_day() -> None:
    path = "policies/partners/JPN.toml"
    earlier = changed({path: edited(path, "until = 2028-01-01", "until = 2026-06-18")})
    decision = ask("JPN", "elset", "U", {"satNo": JPN_OBJECT, **LEO}, purpose=AVOID, compiled=earlier)
    assert decision.reasons == ("agreement:agreement_expired",)
