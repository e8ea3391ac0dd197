"""A dataset whose records carry labels of a security policy: what each gate says, and what a set may say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations

import pytest

from gateway.markings import MarkingError, SecurityLabel, write_label_json
from gateway.policy import Claims, CompiledPolicy, PolicyError, compile_policy, load
from gateway.policy.decision import Credential, Decision, Gate, LabelDoubt
from gateway.policy.denied import Denied
from gateway.policy.diff import diff
from gateway.policy.explain import explain
from gateway.policy.lint import lint
from gateway.policy.proposals import propose
from gateway.policy.trial import Question
from gateway.policy.whereabouts import Whereabouts
from tests.markings.policies import INFORMS, PERMITS, RESTRICTS, cat
from tests.policy.worked import JPN_OBJECT, NOW, SYSTEM, ask, whole_files
from tests.support.policied import CLEARED, ELSET, MADE, PARTNER, POLICY, marking, replaced, under_policy

XAA, XBB, XCC = (cat(PERMITS, "Release", name) for name in ("XAA", "XBB", "XCC"))
GREEN, RED = cat(RESTRICTS, "Compartment", "GREEN"), cat(RESTRICTS, "Compartment", "RED")
OBJECT = {"satNo": JPN_OBJECT, "meanMotion": 14.3, "eccentricity": 0.001, "source": "SENSOR-7"}
SOON = datetime(2025, 7, 1, tzinfo=UTC)


@cache
def files() -> Mapping[str, bytes]:
    return under_policy(whole_files())


@cache
def compiled() -> CompiledPolicy:
    return compile_policy(load(files()))


def asked(
    text: str, partner: str = "GBR", at: datetime = SOON, policy: CompiledPolicy | None = None, **more: object
) -> Decision:
    values = {**OBJECT, **more}
    return ask(partner, "elset", text, values, purpose="collision-avoidance", at=at, compiled=policy or compiled())


def reasons(text: str, partner: str = "GBR", at: datetime = SOON, **more: object) -> tuple[str, ...]:
    return asked(text, partner, at, **more).reasons


GOES = [marking("GUARDED", XAA), marking("SEALED", XAA), marking("OPEN", XCC), marking("GUARDED", XAA, GREEN)]
STAYS = [
    (marking("GUARDED", XBB), ("releasability:permissive_not_held",)),
    (marking("GUARDED"), ("releasability:no_release_list",)),
    (marking("GUARDED", cat(INFORMS, "Office", "STAFF")), ("releasability:no_release_list",)),
    (marking("GUARDED", XAA, RED), ("need-to-know:not_held",)),
    (
        marking("LOCKED", XAA),
        ("clearance:above_ceiling", "clearance:above_system_clearance", "clearance:foreign_level_unmapped"),
    ),
]


@pytest.mark.parametrize("text", GOES)
def test_a_label_whose_categories_the_system_holds_lets_the_record_go(text: str) -> None:
    assert asked(text).permitted


@pytest.mark.parametrize(("text", "against"), STAYS)
def test_what_the_policy_or_the_agreement_denies_is_said_by_the_gate_it_belongs_to(
    text: str, against: tuple[str, ...]
) -> None:
    assert reasons(text) == against


def test_a_nation_cleared_lower_under_the_policy_has_only_what_it_is_cleared_for() -> None:
    assert asked(marking("OPEN", XCC), "JPN").permitted
    assert reasons(marking("GUARDED", XAA), "JPN") == ("clearance:classification_not_held",)


def test_a_system_whose_clearance_under_the_policy_is_not_stated_has_nothing() -> None:
    silent = dict(files())
    path = PARTNER.format("GBR")
    silent[path] = silent[path].replace(CLEARED.format(levels='"OPEN", "GUARDED", "SEALED", "LOCKED"').encode(), b"\n")
    found = reasons(marking("OPEN", XCC), policy=compile_policy(load(silent)))
    assert found == ("releasability:permissive_not_held", "clearance:system_not_cleared")


def test_a_company_never_has_what_does_not_count_as_unclassified() -> None:
    assert "releasability:company_unclassified_only" not in reasons(marking("OPEN", XCC), "ORBITWATCH")
    assert "releasability:company_unclassified_only" in reasons(marking("GUARDED", XAA), "ORBITWATCH")
    assert "releasability:company_unclassified_only" in reasons(marking("LOCKED", XAA), "ORBITWATCH")


@pytest.mark.parametrize(
    "text",
    [
        "U",
        "",
        marking("GUARDED", XAA)[:-9],
        marking("GUARDED", XAA).replace("AURORA", "MERIDIAN"),
        marking("GUARDED", XAA).replace("PERMISSIVE", "PERHAPS"),
        marking("GUARDED", XAA).replace("PERMISSIVE", "RESTRICTIVE"),
        marking("SECRET", XAA),
        marking("GUARDED", cat(PERMITS, "Release", "XZZ")),
        marking("GUARDED", XAA) + " " * 9000,
        "<!DOCTYPE a [<!ENTITY b 'c'>]>" + marking("GUARDED", XAA),
        marking("GUARDED", XAA) + "\ud800",
        "{",
    ],
)
def test_a_marking_that_is_no_label_of_the_policy_is_a_doubt_and_denies(text: str) -> None:
    assert isinstance(compiled().read_label("elset", text, SOON.date()), LabelDoubt)
    assert {"label:label_doubt", "label:label_unparsed"} <= set(reasons(text))


def test_a_label_that_breaks_the_policys_rules_is_invalid_for_every_gate_that_reads_it() -> None:
    excluded = marking("OPEN", XAA)
    assert reasons(excluded) == (
        "label:label_invalid",
        "releasability:no_label_to_judge",
        "clearance:no_label_to_judge",
        "need-to-know:no_label_to_judge",
    )


def test_a_label_beside_the_originators_own_is_none_of_the_record() -> None:
    text = marking("GUARDED", XAA).replace("originatorConfidentialityLabel", "alternativeConfidentialityLabel")
    assert reasons(text) == ("label:label_invalid",)


def test_the_json_form_of_a_label_reads_as_the_xml_form() -> None:
    label = compiled().read_label("elset", GOES[0], SOON.date())
    assert isinstance(label, SecurityLabel)
    assert compiled().read_label("elset", write_label_json(label), SOON.date()) == label
    assert asked(write_label_json(label)).permitted


def test_a_value_outside_its_window_denies_to_the_moment_and_the_decision_says_when() -> None:
    text = marking("GUARDED", XAA, GREEN)
    last = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    for _ in range(2):  # what is remembered answers as what is asked anew
        assert asked(text, at=last).permitted
        assert "label:label_invalid" in reasons(text, at=last + timedelta(microseconds=1))
    until = asked(text, at=last).stays_true_until
    assert until == last + timedelta(microseconds=1)


def test_a_label_made_later_in_the_same_day_is_not_believed_before_its_moment() -> None:
    text = marking("GUARDED", XAA, made=SOON + timedelta(hours=6))
    for _ in range(2):
        assert "label:label_date_future" in reasons(text, at=SOON)
        assert asked(text, at=SOON + timedelta(hours=6)).permitted
    assert asked(text, at=SOON).stays_true_until == SOON + timedelta(hours=6)


def test_what_one_system_of_a_partner_is_cleared_for_is_not_remembered_for_another() -> None:
    text = marking("OPEN", XCC)
    assert asked(text).permitted
    other = ask(
        "GBR", "elset", text, OBJECT, purpose="collision-avoidance", at=SOON, system="gbr-civil-registry",
        compiled=compiled(),
    )  # fmt: skip
    assert "clearance:system_not_cleared" in other.reasons


def test_whose_material_it_is_the_record_says_and_a_third_party_must_consent() -> None:
    assert reasons(GOES[0], source="SENSOR-8") == ("originator:third_party_consent_missing",)
    assert "originator:originator_unknown" in reasons(GOES[0], source="somebody")


def test_labels_of_the_other_kind_are_no_labels_to_either_set_of_gates() -> None:
    policy = compiled()
    theirs, ours = policy.read_label("elset", GOES[0], SOON.date()), policy.read_label("statevector", "U", SOON.date())
    subject = policy.subject("GBR", SYSTEM["GBR"], Claims(), Credential.BEARER)
    for dataset, label in (("statevector", theirs), ("elset", ours)):
        facts = policy.facts(dataset, OBJECT, SOON)
        found = policy.decide(subject, dataset, label, facts, "collision-avoidance", SOON)
        assert "label:label_other_profile" in found.reasons
        assert "clearance:no_label_to_judge" in found.reasons


def test_the_whole_of_an_answer_has_the_dominant_label_and_the_policys_own_text() -> None:
    policy = compiled()
    labels = [policy.read_label("elset", text, SOON.date()) for text in (GOES[0], GOES[1])]
    rolled = policy.roll_up("elset", [label for label in labels if not isinstance(label, LabelDoubt)])
    assert isinstance(rolled.label, SecurityLabel)
    assert rolled.label.classification == "SEALED"
    assert rolled.banner.startswith("AURORA SEALED")


def test_labels_that_release_to_nobody_in_common_have_no_whole() -> None:
    policy = compiled()
    labels = [policy.read_label("elset", marking("GUARDED", one), SOON.date()) for one in (XAA, XBB)]
    with pytest.raises(MarkingError):
        policy.roll_up("elset", [label for label in labels if not isinstance(label, LabelDoubt)])


def test_every_decision_names_the_policy_file_by_its_digest_among_the_tables() -> None:
    decision = asked(GOES[0])
    assert decision.tables["profile:spif:AURORA"] == compiled().policy_set.policies["spif:AURORA"].profile.digest
    assert POLICY in compiled().policy_set.manifest


def test_another_version_of_the_policy_file_is_another_set_and_a_change_that_a_comparison_names() -> None:
    newer = dict(files()) | {POLICY: files()[POLICY].replace(b'version="7"', b'version="8"')}
    old, new = load(files()), load(newer)
    assert old.digest != new.digest
    assert [change.what for change in diff(old, new)] == ["spif:AURORA"]


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (ELSET, "spif:AURORA", "spif:AURORRA", "no marking profile of this name"),
        (ELSET, 'originator = "source"\n', "", "does not say whose material"),
        (ELSET, 'originators = { "SENSOR-7" = "USA", "SENSOR-8" = "FRA" }', "", ""),
        (ELSET, "unmarked_default = []", 'unmarked_default = ["government"]', "no bare U"),
        (PARTNER.format("GBR"), '"OPEN", "GUARDED"', '"OPEN", "GUARDDED"', "does not know this clearance"),
        (PARTNER.format("GBR"), '"XAA", "XCC"', '"XZZ"', "does not know this clearance"),
        (PARTNER.format("GBR"), 'profile = "spif:AURORA"', 'profile = "spif:OTHER"', "no security policy of this name"),
        (PARTNER.format("GBR"), 'level = "GUARDED"', 'level = "GUARDDED"', "has no such level"),
        (PARTNER.format("GBR"), 'us = "SECRET"\nsource', 'us = "UNCLASSIFIED"\nsource', "maps above a higher one"),
        (POLICY, 'tagType="restrictive"', 'tagType="wishful"', "SPIF-TAG-TYPE"),
        (POLICY, "</spif:SPIF>", "", "XML"),
    ],
)
def test_what_is_wrong_with_a_policy_or_what_is_said_of_it_refuses_the_set(
    path: str, old: str, new: str, said: str
) -> None:
    changed = dict(files()) | {path: replaced(files()[path], (old, new))}
    if not said:
        assert load(changed).digest != load(files()).digest
        return
    with pytest.raises(PolicyError) as refused:
        load(changed)
    assert any(finding.file == path and said in finding.message for finding in refused.value.findings)


def test_an_unknown_policy_name_is_refused_with_the_name_it_may_have_meant() -> None:
    changed = dict(files()) | {ELSET: replaced(files()[ELSET], ("spif:AURORA", "spif:AURORRA"))}
    with pytest.raises(PolicyError) as refused:
        load(changed)
    assert any("perhaps spif:AURORA" in finding.hint for finding in refused.value.findings)


def test_two_files_of_one_policy_are_refused_by_name() -> None:
    changed = dict(files()) | {"policies/spif/again.xml": files()[POLICY]}
    with pytest.raises(PolicyError, match="already stands in"):
        load(changed)


def test_lint_reads_a_set_with_policies_to_the_end_and_names_a_usual_marking_that_is_none() -> None:
    changed = dict(files()) | {ELSET: replaced(files()[ELSET], ("markings = []", 'markings = ["S//NF"]'))}
    assert "marking-unread" not in {finding.rule for finding in lint(files(), NOW)}
    assert "marking-unread" in {finding.rule for finding in lint(changed, NOW)}


def test_the_label_of_a_record_is_read_once_and_then_stands_for_all_that_carry_it() -> None:
    policy = compile_policy(load(files()))
    first = policy.read_label("elset", GOES[0], SOON.date())
    assert policy.read_label("elset", GOES[0], SOON.date()) is first
    assert isinstance(first, SecurityLabel)
    assert first == replace(first, created=MADE)


@pytest.mark.parametrize("text", [GOES[0], *(text for text, _ in STAYS), "<a/>"])
def test_an_explanation_and_proposals_can_be_had_of_every_such_label_and_none_goes_around_it(text: str) -> None:
    policy, whole = compiled(), load(files())
    subject = policy.subject("GBR", SYSTEM["GBR"], Claims(), Credential.BEARER, policy.recipient("GBR", SOON))
    facts = policy.facts(
        "elset", {**OBJECT, "createdAt": SOON.isoformat(), "dataMode": "REAL"}, SOON, (), policy.unused("GBR", "elset")
    )
    label = policy.read_label("elset", text, SOON.date())
    question = Question(subject, "elset", label, facts, "collision-avoidance", SOON)
    decision = question.ask(policy)
    explained = explain(policy, question, Whereabouts(files()))
    assert explained.decision == decision
    assert [account.gate for account in explained.accounts] == list(Gate)
    denied = Denied("GBR", subject.system, "elset", "collision-avoidance", SOON, decision.reasons, label, facts)
    assert all(proposal.marking is None for proposal in propose(whole, denied))


_COUNTS = {"OPEN": 0, "GUARDED": 2, "SEALED": 3}
_CLEARED = {
    "GBR": ({"OPEN", "GUARDED", "SEALED", "LOCKED"}, 3),
    "JPN": ({"OPEN"}, 3),
    "ORBITWATCH": ({"OPEN", "GUARDED"}, 0),
    "AUS": (set(), 3),
}


def expected(partner: str, level: str, release: frozenset[str], compartments: frozenset[str], at: datetime) -> bool:
    """Whether the label lets a record go, worked out from the fictional policy's own words and not by its loader."""
    levels, highest = _CLEARED[partner]
    sound = not (level == "OPEN" and release & {"XAA", "XBB"}) and not (level == "OPEN" and "RED" in compartments)
    sound = (
        sound
        and not ("RED" in compartments and "XCC" in release)
        and (level != "SEALED" or bool(release & {"XAA", "XBB"}))
    )
    sound = sound and ("GREEN" not in compartments or at.year == MADE.year)
    held = bool(release & {"XAA", "XCC"}) and compartments <= {"GREEN"}
    return sound and held and level in levels and _COUNTS.get(level, 9) <= highest


_BY_LABEL = {"label", "originator", "releasability", "clearance", "need-to-know"}
_BY_GRANT = {"releasability:company_needs_naming_grant"}


@pytest.mark.parametrize("partner", sorted(_CLEARED))
@pytest.mark.parametrize("at", [SOON, NOW])
def test_every_combination_of_a_small_vocabulary_goes_to_whom_a_second_reckoning_says(
    partner: str, at: datetime
) -> None:
    subject = compiled().subject(partner, SYSTEM[partner], Claims(), Credential.BEARER)
    facts = compiled().facts("elset", OBJECT, at)
    went = set()
    for level in ("OPEN", "GUARDED", "SEALED", "LOCKED", "BURIED"):
        for release in subsets("XAA", "XBB", "XCC"):
            for compartments in subsets("GREEN", "RED"):
                parts = [cat(PERMITS, "Release", *sorted(release))] if release else []
                parts += [cat(RESTRICTS, "Compartment", *sorted(compartments))] if compartments else []
                label = compiled().read_label("elset", marking(level, *parts), at.date())
                found = compiled().decide(subject, "elset", label, facts, "collision-avoidance", at)
                goes = not {reason for reason in found.reasons if reason.partition(":")[0] in _BY_LABEL} - _BY_GRANT
                assert goes == expected(partner, level, release, compartments, at), (level, release, compartments)
                went |= {level} if goes else set()
    assert went == {level for level in _CLEARED[partner][0] if _COUNTS.get(level, 9) <= _CLEARED[partner][1]}


def subsets(*names: str) -> list[frozenset[str]]:
    return [frozenset(chosen) for size in range(len(names) + 1) for chosen in combinations(names, size)]
