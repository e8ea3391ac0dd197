"""The label as a value: hashable, told apart, written out in two forms and as attributes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Control, Label, Level
from tests.markings.labels import read, sound_labels


def test_levels_are_ordered_from_unclassified_to_top_secret() -> None:
    assert [level.name for level in sorted(Level)] == ["U", "R", "C", "S", "TS"]
    assert [int(level) for level in Level] == [0, 1, 2, 3, 4]


def test_labels_that_say_the_same_are_equal_and_hash_alike() -> None:
    one, other = read("S//OC/REL TO USA, JPN", "udl"), read("(S//OC/REL TO USA, JPN)", "udl")
    assert one == other
    assert hash(one) == hash(other)
    assert replace(one, created=date(2026, 1, 1)) != one


def test_a_label_cannot_be_changed_after_it_was_made() -> None:
    with pytest.raises(FrozenInstanceError):
        read("S", "udl").level = Level.U  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "bare"),
    [("U", True), ("C", False), ("U//FOUO", False), ("U//NF", False), ("U//REL TO USA, JPN", False),
     ("U//PR-A-B", False), ("U//DISPLAY ONLY JPN", False)],
)  # fmt: skip
def test_only_an_unclassified_label_that_says_nothing_else_is_bare(text: str, bare: bool) -> None:
    assert read(text, "udl").bare is bare


def test_a_portion_mark_stands_in_parentheses_except_in_the_udl() -> None:
    assert read("S//NF", "udl").portion() == "S//NF"
    assert read("S//NF", "icrm-2016").portion() == "(S//NF)"


def test_ism_attributes_say_what_the_banner_line_says() -> None:
    label = replace(read("S//OC/REL TO USA, JPN/DISPLAY ONLY KOR", "icrm-2016"), created=date(2026, 1, 2))
    assert label.to_ism() == {
        "classification": "S",
        "ownerProducer": "USA",
        "disseminationControls": "OC REL DISPLAYONLY",
        "releasableTo": "USA JPN",
        "displayOnlyTo": "KOR",
        "createDate": "2026-01-02",
    }


def test_a_proprietary_label_has_no_ism_form_and_says_so() -> None:
    with pytest.raises(markings.MarkingError, match="ISM-TOKENS"):
        read("U//PR-SPIRE-AIS", "udl").to_ism()


@given(data=st.data())
def test_a_control_is_written_once_and_in_order_in_both_forms(data: st.DataObject) -> None:
    label = data.draw(sound_labels("udl"))
    for text in (label.banner(), label.portion()):
        assert text.count("//") <= 2
        assert "///" not in text


def test_a_control_knows_its_place_among_the_others() -> None:
    controls = [
        Control("DS", ("A", "B")),
        Control("NOFORN"),
        Control("PR", ("B", "C")),
        Control("PR", ("A", "C")),
    ]
    names = [(each.name, *each.values) for each in sorted(controls, key=lambda each: each.order)]
    assert names == [("NOFORN",), ("PR", "A", "C"), ("PR", "B", "C"), ("DS", "A", "B")]
    assert Label("udl", Level.U, (controls[0],)).has("DS")
