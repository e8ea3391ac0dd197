"""What is said of a caller: its claims lower what its partner's file gives it, never raise it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.policy import CallerRefused, Claims
from gateway.policy.decision import Credential, Subject
from tests.policy.worked import NOW, SYSTEM, changed, edited, policy, revoked_jwks


def subject(partner: str = "JPN", system: str | None = None, **claims: str) -> Subject:
    chosen = system or SYSTEM[partner]
    return policy().subject(partner, chosen, Claims(**claims), Credential.BEARER, policy().recipient(partner, NOW))


@pytest.mark.parametrize(
    ("system", "claimed", "given"),
    [
        ("jpn-space-operations", None, "SECRET"),
        ("jpn-space-operations", "CONFIDENTIAL", "CONFIDENTIAL"),
        ("jpn-space-operations", "TOP SECRET", "SECRET"),
        ("jpn-academic-liaison", "SECRET", "CONFIDENTIAL"),
    ],
)
def test_a_clearance_claim_lowers_and_never_raises(system: str, claimed: str | None, given: str) -> None:
    claims = {"clearance": claimed} if claimed else {}
    assert subject("JPN", system, **claims).clearance == given


@pytest.mark.parametrize(
    ("arguments", "claims", "reason"),
    [
        (("XXX", "sys"), {}, "partner_unknown"),
        (("JPN", "gbr-space-command"), {}, "system_unknown"),
        (("JPN", "jpn-space-operations"), {"nationality": "GBR"}, "nationality_claim_invalid"),
        (("NATO", "nato-space-centre"), {"nationality": "BEL"}, "nationality_claim_invalid"),
        (("JPN", "jpn-space-operations"), {"clearance": "COSMIC"}, "clearance_claim_invalid"),
        (("JPN", "jpn-space-operations"), {"clearance": ""}, "clearance_claim_invalid"),
    ],
)
def test_a_claim_that_does_not_fit_the_file_is_refused(
    arguments: tuple[str, str], claims: dict[str, str], reason: str
) -> None:
    with pytest.raises(CallerRefused) as refused:
        policy().subject(*arguments, Claims(**claims), Credential.BEARER)
    assert refused.value.reason == reason


def test_a_nationality_claim_that_is_the_nation_changes_nothing() -> None:
    assert subject(nationality="JPN") == subject()


@pytest.mark.parametrize(
    ("partner", "dataset", "claimed", "system", "value", "reason"),
    [
        ("JPN", "elset", "collision-avoidance", None, "collision-avoidance", None),
        ("JPN", "elset", None, None, None, "purpose_required"),
        ("JPN", "elset", None, "jpn-academic-liaison", "anomaly-resolution", None),
        ("JPN", "elset", "collision-avoidance", "jpn-academic-liaison", None, "purpose_not_agreed"),
        ("JPN", "elset", "space-situational-awareness", None, None, "purpose_not_agreed"),
        ("JPN", "elset", "", None, None, "purpose_not_agreed"),
        ("NOR", "notification", None, None, "collision-avoidance", None),
        ("NOR", "elset", None, None, None, "purpose_required"),
        ("JPN", "elset", None, "nobody", None, "system_unknown"),
        ("XXX", "elset", None, None, None, "partner_unknown"),
    ],
)
def test_a_purpose_is_claimed_within_the_agreement_or_the_only_one_granted(
    partner: str, dataset: str, claimed: str | None, system: str | None, value: str | None, reason: str | None
) -> None:
    found = policy().purpose(partner, dataset, claimed, system)
    assert (found.value, found.reason) == (value, reason)


def test_a_caller_against_whom_nothing_stands_is_admitted() -> None:
    assert policy().admit(subject(), "elset", "collision-avoidance", NOW) == ()


def test_everything_against_a_caller_is_told_in_gate_order() -> None:
    path = "policies/partners/JPN.toml"
    keys = "keys/partners/JPN.jwks.json"
    strict = changed({path: edited(path, 'credential = "bearer"', 'credential = "mtls"'), keys: revoked_jwks("JPN")})
    caller = strict.subject("JPN", "jpn-space-operations", Claims(), Credential.BEARER, strict.recipient("JPN", NOW))
    late = datetime(2029, 1, 1, tzinfo=UTC)
    assert strict.admit(caller, "elset", "no-purpose", late, ("stop-1",)) == (
        "agreement:agreement_condition_lapsed",
        "agreement:agreement_expired",
        "agreement:purpose_not_agreed",
        "channel:credential_too_weak",
        "channel:key_revoked",
        "hold:stopped",
    )
    early = datetime(2000, 1, 1, tzinfo=UTC)
    assert "agreement:agreement_not_yet_in_force" in strict.admit(caller, "elset", "collision-avoidance", early)


def test_a_dataset_the_agreement_does_not_cover_is_told_to_whoever_may_know_of_it() -> None:
    nor = subject("NOR")
    assert "agreement:dataset_not_covered" in policy().admit(nor, "conjunction", "collision-avoidance", NOW)
    assert policy().admit(nor, "no-dataset", "collision-avoidance", NOW) == ("agreement:dataset_unknown",)
