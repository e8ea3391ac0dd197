"""A proposal is the smallest change that would have released what was withheld; what nobody may release has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy import Claims, compile_policy
from gateway.policy.decision import Credential, Decision
from gateway.policy.denied import Denied
from gateway.policy.edits import EDITS
from gateway.policy.impact import Flip, Verdict, flip
from gateway.policy.proposals import Proposal, propose
from gateway.policy.reasons import Reason
from gateway.policy.remedies import Whose, remedy
from tests.policy.worked import DEU_OBJECT, GBR_OBJECT, NOW, SYSTEM, policy, read_label
from tests.policy.worked import ask as decide
from tests.policy.worlds import world

AVOID, AWARE = "collision-avoidance", "space-situational-awareness"
ELSET = {"satNo": GBR_OBJECT, "meanMotion": 15.0, "eccentricity": 0.001}


def denied(
    partner: str, dataset: str, marking: str, values: dict[str, object], purpose: str, at: datetime = NOW
) -> tuple[Denied, Decision]:
    compiled = policy()
    decision = decide(partner, dataset, marking, values, purpose=purpose, at=at)
    shown = {"createdAt": f"{at.date()}T00:00:00Z", "dataMode": "REAL", **values}
    facts = compiled.facts(dataset, shown, at, (), compiled.unused(partner, dataset))
    label = read_label(marking, compiled, dataset, at.date())
    return Denied(partner, SYSTEM[partner], dataset, purpose, at, decision.reasons, label, facts), decision


def released_by(proposal: Proposal, asked: Denied) -> bool:
    """Whether the question goes under the changed set, with the marking the originator would have to give."""
    changed = compile_policy(proposal.edited)
    key = changed.recipient(asked.partner, asked.at)
    subject = changed.subject(asked.partner, asked.system, Claims(), Credential.BEARER, key)
    label = asked.label
    if proposal.marking is not None:
        label = read_label(proposal.marking, changed, asked.dataset, asked.at.date())
    assert label is not None
    assert asked.facts is not None
    return changed.decide(subject, asked.dataset, label, asked.facts, asked.purpose, asked.at).permitted


AFTER = datetime(2031, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("partner", "dataset", "marking", "values", "purpose", "at", "code", "words"),
    [
        pytest.param("KOR", "elset", "S//REL TO USA, KOR", {**ELSET, "meanMotion": 1.0}, AWARE, NOW,
                     Reason.ABOVE_CEILING, "a ceiling of SECRET in category 8", id="above_ceiling"),
        pytest.param("KOR", "elset", "U", ELSET, AWARE, NOW,
                     Reason.NO_GRANT, "a grant of elset for space-situational-awareness where", id="no_grant"),
        pytest.param("KOR", "elset", "U", {**ELSET, "meanMotion": 1.0}, AVOID, NOW,
                     Reason.NO_GRANT, "grant kor-elset-geo for collision-avoidance too", id="no_grant_by_purpose"),
        pytest.param("KOR", "elset", "C//REL TO USA, GBR", {**ELSET, "meanMotion": 1.0}, AWARE, NOW,
                     Reason.NATION_NOT_LISTED, "mark it C//REL TO USA, GBR, KOR", id="nation_not_listed"),
        pytest.param("KOR", "elset", "U//PR-SPIRE-AIS", {**ELSET, "meanMotion": 1.0}, AWARE, NOW,
                     Reason.CONSENT_MISSING, "the consent on record of SPIRE to PR AIS", id="consent_missing"),
        pytest.param("KOR", "elset", "U", {**ELSET, "meanMotion": 1.0}, AWARE, AFTER,
                     Reason.AGREEMENT_EXPIRED, "the agreement renewed, until 2032-01-02", id="agreement_expired"),
        pytest.param("KOR", "notification", "U", {"msgType": "LAUNCH_NOTICE", "dataMode": "EXERCISE"}, AWARE, NOW,
                     Reason.DENIED_BY_RULE, "the deny notification-no-exercise taken back (of the", id="denied"),
    ],
)  # fmt: skip
def test_the_change_that_is_proposed_is_named_and_releases_the_record(
    partner: str, dataset: str, marking: str, values: dict[str, object], purpose: str, at: datetime,
    code: Reason, words: str,
) -> None:  # fmt: skip
    asked, decision = denied(partner, dataset, marking, values, purpose, at)
    assert not decision.permitted
    proposals = propose(policy().policy_set, asked)
    assert proposals
    assert released_by(proposals[-1], asked)
    steps = {step.code: step for step in proposals[-1].steps}
    assert words in steps[code].what
    assert steps[code].whose is remedy(code).whose


def test_a_member_of_an_own_community_is_proposed_before_a_new_marking() -> None:
    asked, _ = denied("KOR", "elset", "C//REL TO USA, CSPO", {**ELSET, "meanMotion": 1.0}, AWARE)
    first, second = propose(policy().policy_set, asked)
    assert first.steps[0].what.startswith("KOR a member of CSPO")
    assert released_by(first, asked)
    assert second.marking == "C//REL TO USA, KOR, CSPO"
    assert released_by(second, asked)


@pytest.mark.parametrize("marking", ["S//NF", "U//NF", "C//NF"])
def test_what_its_label_forbids_has_no_proposal_at_all(marking: str) -> None:
    asked, _ = denied("JPN", "elset", marking, {**ELSET, "satNo": DEU_OBJECT}, AVOID)
    assert propose(policy().policy_set, asked) == ()


def test_classified_content_for_a_company_has_no_proposal_at_all() -> None:
    asked, _ = denied("ORBITWATCH", "elset", "S//REL TO USA, GBR", ELSET, AVOID)
    assert propose(policy().policy_set, asked) == ()


def test_a_partner_that_the_set_does_not_know_has_no_proposal() -> None:
    asked, _ = denied("KOR", "elset", "U", ELSET, AWARE)
    assert propose(policy().policy_set, replace(asked, partner="ATL")) == ()


def test_proposing_changes_nothing_in_the_set_that_is_asked() -> None:
    before = policy().policy_set
    kept = (before.partners["KOR"], before.datasets["elset"], before.digest)
    asked, _ = denied("KOR", "elset", "U", ELSET, AWARE)
    propose(before, asked)
    assert (before.partners["KOR"], before.datasets["elset"], before.digest) == kept


def test_every_reason_with_an_edit_has_a_remedy_that_somebody_may_carry_out() -> None:
    assert all(remedy(code).whose is not Whose.NOBODY for code in EDITS)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_a_proposal_carried_out_never_withholds_what_was_released_nor_tells_what_is_forbidden(seed: int) -> None:
    drawn = world(f"proposals-{seed}")
    old = drawn.policy
    questions = [drawn.question() for _ in range(40)]
    answers = [old.decide(*question) for question in questions]
    for (subject, dataset, label, facts, purpose, at), answer in zip(questions, answers, strict=True):
        if answer.permitted:
            continue
        asked = Denied(subject.partner, subject.system, dataset, purpose, at, answer.reasons, label, facts)
        for proposal in propose(old.policy_set, asked):
            new = compile_policy(proposal.edited)
            for question, was in zip(questions, answers, strict=True):
                now = new.decide(*question)
                turned = flip(Verdict.of(was), Verdict.of(now))
                assert turned not in (Flip.LOST, Flip.LOOSENED), proposal.steps
                if "originator:control_forbids" in was.reasons:
                    assert not now.permitted
        break


def test_a_renewal_lasts_a_year_beyond_the_question() -> None:
    asked, _ = denied("KOR", "elset", "U", {**ELSET, "meanMotion": 1.0}, AWARE, AFTER)
    (proposal,) = propose(policy().policy_set, asked)
    assert proposal.edited.partners["KOR"].agreement.until == AFTER + timedelta(days=366)
