"""The same label in another policy's terms: in the right direction, rounding up, refusing what does not map."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.markings import MarkingError
from gateway.markings.spif import CodedCategory, CodedLabel, load_spif
from gateway.markings.stanag import LabelKind, SecurityLabel
from tests.markings.policies import (
    INFORMS,
    MADE,
    PERMITS,
    RESTRICTS,
    aurora,
    cat,
    label,
    meridian,
    rules_of,
    text_of,
)

XAA, XBB, XCC = (cat(PERMITS, "Release", name) for name in ("XAA", "XBB", "XCC"))
RED = cat(RESTRICTS, "Compartment", "RED")


def test_a_label_goes_out_in_the_other_policys_codes_with_what_that_policy_requires() -> None:
    out = aurora().equivalent(label("SEALED", XAA, RED), "2.25.900200")
    assert out == CodedLabel(
        "MERIDIAN",
        "2.25.900200",
        "30",
        MADE,
        (
            CodedCategory(PERMITS, ("1",), "2.25.900201"),
            CodedCategory(RESTRICTS, ("9",), "2.25.900202"),
            CodedCategory(RESTRICTS, ("9",), None, "Handling"),
            CodedCategory(PERMITS, ("3",), None, "Share"),
        ),
    )
    assert out == aurora().equivalent(label("SEALED", XAA, RED), "MERIDIAN", direction="encrypt")
    assert out == aurora().equivalent(label("SEALED", XAA, RED), "urn:oid:2.25.900200")


def test_the_other_policy_reads_the_codes_as_an_alternative_label_and_the_original_stays() -> None:
    original = label("SEALED", XAA, RED)
    other = meridian().named(aurora().equivalent(original, "MERIDIAN"))
    assert other.kind is LabelKind.ALTERNATIVE
    assert (other.policy, other.classification) == ("MERIDIAN", "CLOSEST")
    assert [(each.tag, each.values) for each in other.categories] == [
        ("Share", ("ONE", "THREE")),
        ("Handling", ("NARROW",)),
    ]
    assert meridian().validate(other) == ()
    assert original == label("SEALED", XAA, RED)


def test_a_permissive_value_without_an_equivalent_narrows_and_an_informative_one_is_left_out() -> None:
    out = aurora().equivalent(
        label("GUARDED", cat(PERMITS, "Release", "XAA", "XCC"), cat(INFORMS, "Office", "STAFF")), "MERIDIAN"
    )
    assert out.categories[0] == CodedCategory(PERMITS, ("1",), "2.25.900201")
    assert len(out.categories) == 2


def test_a_value_that_the_policy_lets_be_discarded_is_left_out() -> None:
    out = aurora().equivalent(label("GUARDED", cat(RESTRICTS, "Compartment", "RED", "GREY")), "MERIDIAN")
    assert out.categories == (CodedCategory(RESTRICTS, ("9",), "2.25.900202"),)


REFUSED: list[tuple[str, SecurityLabel, str, str]] = [
    ("unmapped level", label("OPEN"), "MERIDIAN", "encrypt"),
    ("unknown policy", label("GUARDED"), "ZENITH", "encrypt"),
    ("unknown direction", label("GUARDED"), "MERIDIAN", "sideways"),
    ("both is no direction", label("GUARDED"), "MERIDIAN", "both"),
    ("every release unmapped", label("GUARDED", XCC), "MERIDIAN", "encrypt"),
    ("a release that goes out only", label("GUARDED", XBB), "MERIDIAN", "decrypt"),
    ("a compartment unmapped", label("GUARDED", cat(RESTRICTS, "Compartment", "GREEN")), "MERIDIAN", "encrypt"),
    ("no label of ours", replace(label("GUARDED"), policy="MERIDIAN"), "MERIDIAN", "encrypt"),
]


@pytest.mark.parametrize(("why", "asked", "other", "direction"), REFUSED, ids=[why for why, *_ in REFUSED])
def test_what_does_not_map_in_that_direction_is_refused(
    why: str, asked: SecurityLabel, other: str, direction: str
) -> None:
    with pytest.raises(MarkingError):
        aurora().equivalent(asked, other, direction=direction)


def test_each_direction_uses_its_own_rows_and_those_that_hold_both_ways() -> None:
    guarded, sealed = label("GUARDED"), label("SEALED", XAA)
    assert aurora().equivalent(sealed, "MERIDIAN", direction="encrypt").classification == "30"
    assert aurora().equivalent(sealed, "MERIDIAN", direction="decrypt").classification == "20"
    for direction in ("encrypt", "decrypt"):
        assert aurora().equivalent(guarded, "MERIDIAN", direction=direction).classification == "20"


def test_a_label_that_comes_in_rounds_up_to_the_highest_of_ours_that_has_its_level() -> None:
    theirs = SecurityLabel("MERIDIAN", "CLOSED", MADE, (cat(PERMITS, "Share", "ONE"),))
    read = aurora().received(meridian().coded(theirs))
    assert read.kind is LabelKind.ALTERNATIVE
    assert read.classification == "SEALED"
    assert [(each.tag, each.values) for each in read.categories] == [("Release", ("XAA",))]


@pytest.mark.parametrize(
    "theirs",
    [
        SecurityLabel("MERIDIAN", "PLAIN", MADE),
        SecurityLabel("MERIDIAN", "CLOSEST", MADE),
        SecurityLabel("MERIDIAN", "CLOSED", MADE, (cat(PERMITS, "Share", "TWO"),)),
        SecurityLabel("MERIDIAN", "CLOSED", MADE, (cat(RESTRICTS, "Handling", "BROAD"),)),
    ],
    ids=["unmapped level", "a row that goes out only", "a release that goes out only", "a compartment unmapped"],
)
def test_what_comes_in_and_has_no_equivalent_for_that_direction_is_refused(theirs: SecurityLabel) -> None:
    with pytest.raises(MarkingError) as refused:
        aurora().received(meridian().coded(theirs))
    assert rules_of(refused.value) == ["SPIF-EQUIVALENCE"]


def test_a_requirement_that_leaves_a_choice_is_nobodys_to_make() -> None:
    text = text_of("aurora").replace(
        'tagSetRef="Share" tagType="permissive" lacv="3"', 'tagSetRef="Share" tagType="permissive" all="true"'
    )
    with pytest.raises(MarkingError):
        load_spif(text.encode()).equivalent(label("SEALED", XAA), "MERIDIAN")


def test_codes_that_the_other_policy_does_not_have_are_refused() -> None:
    base = CodedLabel("MERIDIAN", "2.25.900200", "20", MADE)
    for wrong in (
        replace(base, classification="21"),
        replace(base, policy_id="2.25.900100"),
        replace(base, categories=(CodedCategory(PERMITS, ("99",), "2.25.900201"),)),
        replace(base, categories=(CodedCategory(RESTRICTS, ("1",), "2.25.900201"),)),
        replace(base, categories=(CodedCategory(PERMITS, ("1",), "2.25.1"),)),
    ):
        with pytest.raises(MarkingError):
            meridian().named(wrong)
