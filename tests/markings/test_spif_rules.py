"""What a policy finds wrong with a label, rule by rule; and the text that it gives one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.markings import MarkingError
from gateway.markings.spif import SpifPolicy, load_spif
from gateway.markings.stanag import SecurityCategory, SecurityLabel, Succession
from gateway.markings.stanagjson import write_label_json
from gateway.markings.stanagxml import write_label
from tests.markings.policies import (
    ASKED,
    INFORMS,
    MADE,
    PERMITS,
    RESTRICTS,
    aurora,
    cat,
    label,
    rules_of,
    text_of,
)

XAA, XBB, XCC = (cat(PERMITS, "Release", name) for name in ("XAA", "XBB", "XCC"))
RED = cat(RESTRICTS, "Compartment", "RED")

SOUND = [
    label("OPEN"),
    label("GUARDED", XAA),
    label("SEALED", cat(PERMITS, "Release", "XAA", "XBB"), RED),
    label("SEALED", XBB, cat(RESTRICTS, "Compartment", "RED", "BLUE")),
    label("GUARDED", XCC, cat(RESTRICTS, "Compartment", "WHITE")),
    label("LOCKED", cat(PERMITS, "Setting", "AURORA")),
    label("OPEN", cat(INFORMS, "Office", "STAFF", "LEGAL"), cat(INFORMS, "Note", "read me (please)")),
    label("OPEN", cat(RESTRICTS, "Compartment", "GREEN")),
    label("OPEN", cat(PERMITS, "Release", "COMET GROUP"), privacy_mark="HANDLE WITH CARE"),
]


@pytest.mark.parametrize("sound", SOUND)
def test_a_label_that_keeps_every_rule_has_no_finding(sound: SecurityLabel) -> None:
    assert aurora().validate(sound) == ()
    assert aurora().validate(sound, at=ASKED) == ()
    assert aurora().validate(sound, at=datetime(2025, 7, 1, tzinfo=UTC)) == ()


BROKEN = [
    ("SPIF-POLICY", replace(label("OPEN"), policy="MERIDIAN")),
    ("SPIF-POLICY", replace(label("OPEN"), policy="aurora")),
    ("SPIF-POLICY", replace(label("OPEN"), policy_id="2.25.900200")),
    ("SPIF-CLASSIFICATION", label("SECRET")),
    ("SPIF-CLASSIFICATION", label("open")),
    ("SPIF-CLASSIFICATION", label("ОPEN")),
    ("SPIF-TAG-SET", label("OPEN", cat(RESTRICTS, "Nothing", "X"))),
    ("SPIF-TAG-SET", label("OPEN", replace(XCC, tag_id="2.25.900102"))),
    ("SPIF-TYPE", label("OPEN", cat(INFORMS, "Release", "XCC"))),
    ("SPIF-TYPE", label("OPEN", cat(PERMITS, "Compartment", "RED"))),
    ("SPIF-VALUE", label("OPEN", cat(PERMITS, "Release", "XDD"))),
    ("SPIF-VALUE", label("OPEN", cat(PERMITS, "Release", "xcc"))),
    ("SPIF-VALUE", label("OPEN", cat(PERMITS, "Release", "COMET GROUP\n"))),
    ("SPIF-OBSOLETE", label("BURIED")),
    ("SPIF-OBSOLETE", label("OPEN", cat(PERMITS, "Release", "OLD GROUP"))),
    ("SPIF-OBSOLETE", label("OPEN", privacy_mark="OLD CARE")),
    ("SPIF-PRIVACY-MARK", label("OPEN", privacy_mark="EYES ONLY")),
    ("SPIF-REQUIRED-CATEGORY", label("SEALED")),
    ("SPIF-REQUIRED-CATEGORY", label("SEALED", XCC)),
    ("SPIF-REQUIRED-CATEGORY", label("SEALED", XAA, cat(RESTRICTS, "Compartment", "BLUE"))),
    ("SPIF-REQUIRED-CATEGORY", label("GUARDED", cat(RESTRICTS, "Compartment", "WHITE"))),
    (
        "SPIF-REQUIRED-CATEGORY",
        label("GUARDED", cat(PERMITS, "Release", "XAA", "XCC"), cat(RESTRICTS, "Compartment", "WHITE")),
    ),
    ("SPIF-EXCLUDED-CLASS", label("OPEN", XAA)),
    ("SPIF-EXCLUDED-CLASS", label("OPEN", RED)),
    ("SPIF-REQUIRED-CLASS", label("GUARDED", cat(RESTRICTS, "Compartment", "RED", "BLUE"))),
    ("SPIF-EXCLUDED-CATEGORY", label("GUARDED", XCC, RED)),
    ("SPIF-SELECTION", label("OPEN", cat(PERMITS, "Setting", "AURORA", "COMET"))),
    ("SPIF-SELECTION", label("OPEN", cat(INFORMS, "Office", "STAFF", "LEGAL", "MEDICAL"))),
    ("SPIF-EMPTY-CATEGORY", label("OPEN", SecurityCategory(PERMITS, "Release", ()))),
    ("SPIF-VALUE-WINDOW", replace(SOUND[7], created=datetime(2024, 12, 31, 23, tzinfo=UTC))),
    ("SPIF-POLICY-WINDOW", replace(label("OPEN"), created=datetime(2019, 1, 1, tzinfo=UTC))),
    ("SPIF-CLASSIFICATION", label("OPEN", succession=Succession(MADE, label("SHUT")))),
    ("SPIF-REQUIRED-CATEGORY", label("OPEN", succession=Succession(MADE, label("SEALED")))),
]


@pytest.mark.parametrize(("rule", "broken"), BROKEN, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(BROKEN)])
def test_a_label_that_breaks_a_rule_has_that_finding_and_no_other(rule: str, broken: SecurityLabel) -> None:
    assert rules_of(aurora().validate(broken)) == [rule]


def test_windows_are_judged_at_the_labels_moment_and_at_the_one_asked_about() -> None:
    green = SOUND[7]
    assert rules_of(aurora().validate(green, at=date(2026, 1, 1))) == ["SPIF-VALUE-WINDOW"]
    assert rules_of(aurora().validate(green, at=date(2025, 5, 31))) == ["SPIF-LABEL-FUTURE"]
    assert aurora().validate(green, at=MADE.date()) == ()
    assert rules_of(aurora().validate(green, at=MADE.replace(hour=11))) == ["SPIF-LABEL-FUTURE"]
    assert rules_of(aurora().validate(green, at=MADE.replace(tzinfo=None))) == ["SPIF-MOMENT"]


def test_a_least_selection_counts_for_every_label() -> None:
    policy = _changed('maxSelection="2"', 'minSelection="1" maxSelection="2"')
    assert rules_of(policy.validate(label("OPEN"))) == ["SPIF-SELECTION"]
    assert policy.validate(label("OPEN", cat(INFORMS, "Office", "STAFF"))) == ()


def test_a_privacy_mark_may_be_required() -> None:
    policy = _changed("<spif:privacyMarks>", '<spif:privacyMarks minSelection="1">')
    assert rules_of(policy.validate(label("OPEN"))) == ["SPIF-PRIVACY-MARK"]


def test_a_rule_may_speak_of_a_whole_tag_set() -> None:
    policy = _changed(
        'enumType="permissive" lacv="300"/>\n        </spif:tagCategory>',
        'enumType="permissive" all="true"/>\n        </spif:tagCategory>',
    )
    assert rules_of(policy.validate(label("GUARDED", XAA, RED))) == ["SPIF-EXCLUDED-CATEGORY"]


def _changed(old: str, new: str) -> SpifPolicy:
    text = text_of("aurora")
    assert old in text
    return load_spif(text.replace(old, new).encode())


def _as_nato(folded: str = "1.3.26.1.3.1") -> SpifPolicy:
    text = text_of("aurora").replace("2.25.900100", folded).replace('name="Setting"', 'name="Context"')
    return load_spif(text.encode())


def test_natos_policy_compares_without_case_and_requires_a_context() -> None:
    """ADatP-4774 appendix 2; the identifier alone decides which policy it is."""
    policy = _as_nato()
    said = SecurityLabel("aurora", "open", MADE, (cat(PERMITS, "CONTEXT", "Comet"),))
    read = policy.parse_label(write_label(said))
    assert (read.policy, read.classification) == ("AURORA", "OPEN")
    assert read.categories == (SecurityCategory(PERMITS, "Context", ("COMET",), "2.25.900103"),)
    assert policy.validate(said) == ()
    assert rules_of(policy.validate(label("OPEN"))) == ["SPIF-REQUIRED-SET"]


def test_folding_case_folds_the_letters_of_ascii_and_no_look_alikes() -> None:
    """The Kelvin sign lower-cases to k and the long s to s: neither is the letter it looks like."""
    policy = _as_nato()
    for name in ("LOC\u212aED", "\u017fEALED"):
        assert rules_of(policy.validate(label(name, cat(PERMITS, "Context", "COMET")))) == ["SPIF-CLASSIFICATION"]


def test_labels_come_as_xml_and_as_json_and_are_spelt_as_the_policy_spells_them() -> None:
    read = aurora().parse_label(write_label(SOUND[1]))
    assert read == aurora().parse_label_json(write_label_json(SOUND[1]))
    assert (read.policy_id, read.categories[0].tag_id) == ("2.25.900100", "2.25.900101")
    by_id = write_label_json(replace(SOUND[1], policy="urn:oid:2.25.900100"))
    assert aurora().parse_label_json(by_id) == read
    with pytest.raises(MarkingError):
        aurora().parse_label(write_label(label("SECRET")))


MARKINGS = [
    ("AURORA OPEN", label("OPEN"), {}),
    ("AURORA OUVERT", label("OPEN"), {"language": "fr"}),
    ("AURORA OUVERT", label("OPEN"), {"language": "fr-CA"}),
    ("AURORA OPEN", label("OPEN"), {"language": "de"}),
    ("AURORA GUARDED RELEASE TO Alphaland, XBB", label("GUARDED", cat(PERMITS, "Release", "XAA", "XBB")), {}),
    ("AURORA GUARDED RELEASE TO XBB, Alphaland", label("GUARDED", cat(PERMITS, "Release", "XBB", "XAA")), {}),
    ("AURORA GARDÉ DIFFUSION Alphie", label("GUARDED", XAA), {"language": "fr"}),
    ("AG RELEASE TO XAA", label("GUARDED", XAA), {"position": "portionMarking"}),
    ("AURORA OPEN RELEASE TO XCC", label("OPEN", XCC), {"position": "portionMarking"}),
    ("AURORA SEALED RELEASE TO Alphaland RED", label("SEALED", XAA, RED), {"position": "pageBottom"}),
    ("AURORA SEALED RED RELEASE TO Alphaland", label("SEALED", RED, XAA), {"position": "documentEnd"}),
    ("AURORA SEALED", label("SEALED", cat(PERMITS, "Setting", "AURORA")), {}),
    ("BOREALIS LOCKED", label("LOCKED", cat(PERMITS, "Setting", "AURORA")), {}),
    ("AURORA/COMET OPEN", label("OPEN", cat(PERMITS, "Setting", "COMET")), {}),
    ("AURORA OUVERT COMET", label("OPEN", cat(PERMITS, "Setting", "COMET")), {"language": "fr"}),
    ("AURORA", label("LOCKED", cat(PERMITS, "Setting", "HUSH")), {}),
    ("AURORA OPEN STAFF/LEGAL only", label("OPEN", cat(INFORMS, "Office", "STAFF", "LEGAL")), {}),
    ("AURORA OPEN call first", label("OPEN", cat(INFORMS, "Note", "call first")), {}),
    ("AURORA OPEN", label("OPEN", cat(INFORMS, "Note", "Text")), {}),
    ("AURORA OPEN HANDLE WITH CARE", label("OPEN", privacy_mark="HANDLE WITH CARE"), {}),
    ("AURORA OUVERT FRAGILE", label("OPEN", privacy_mark="HANDLE WITH CARE"), {"language": "fr"}),
]


@pytest.mark.parametrize(("text", "marked", "asked"), MARKINGS, ids=[str(n) for n in range(len(MARKINGS))])
def test_a_marking_is_put_together_from_the_policys_phrases(
    text: str, marked: SecurityLabel, asked: dict[str, str]
) -> None:
    assert aurora().marking(marked, **asked) == text


def test_a_label_that_cannot_be_shown_in_full_is_not_marked() -> None:
    for refused, position in (
        (label("OPEN", SecurityCategory(PERMITS, "Release", ())), "pageTop"),
        (label("OPEN"), "x"),
    ):
        with pytest.raises(MarkingError):
            aurora().marking(refused, position=position)
    with pytest.raises(MarkingError):
        aurora().marking(label("SECRET"))


def test_no_finding_repeats_what_the_label_says() -> None:
    for _, broken in BROKEN:
        for finding in aurora().validate(broken):
            assert "COMET" not in finding.message
            assert "EYES" not in finding.message


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("integer", ("7", "-12"), ("", "-", "7.5", "seven", "٧")), ("date", ("2025-01-31",), ("2025-02-30", "20250131"))],
)
def test_a_value_that_the_user_writes_is_of_the_kind_the_policy_says(
    kind: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    policy = _changed('userInput="string"', f'userInput="{kind}"')
    for value in good:
        assert policy.validate(label("OPEN", cat(INFORMS, "Note", value))) == ()
    for value in bad:
        assert rules_of(policy.validate(label("OPEN", cat(INFORMS, "Note", value)))) == ["SPIF-VALUE"]


def test_a_category_may_name_its_tag_set_and_the_policy_by_their_object_identifiers_too() -> None:
    named = replace(label("OPEN", replace(XCC, tag_id="2.25.900101")), policy="2.25.900100", policy_id="2.25.900100")
    assert aurora().validate(named) == ()


def test_names_in_the_values_of_a_mark_are_compared_as_the_policy_compares_names() -> None:
    assert rules_of(aurora().validate(label("OPEN", privacy_mark="handle with care"))) == ["SPIF-PRIVACY-MARK"]
    context = cat(PERMITS, "Context", "COMET")
    assert _as_nato().validate(label("OPEN", context, privacy_mark="handle with care")) == ()
