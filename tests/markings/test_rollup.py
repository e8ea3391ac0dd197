"""Roll-up: the rows of CAPCO-2016 table 3, and the algebra that holds for any labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Control, Label, Level, MarkingError, UnknownCodeError
from tests.markings.labels import ASKED, PROFILES, read, sound_labels, written

AT = date(2026, 1, 1)

# One row for each line of CAPCO-2016 D.2 table 3 and each notional example page of H.8 within this grammar.
# The id names where it stands. "*" is every profile.
ROWS = [
    ("table3-noforn-takes-rel", "*", ["S//NF", "S//REL TO USA, JPN"], "S//NF"),
    ("table3-noforn-takes-unclassified-noforn", "*", ["U//NF", "S//REL TO USA, JPN"], "S//NF"),
    ("table3-noforn-takes-relido", "*", ["S//NF", "C//RELIDO"], "S//NF"),
    ("table3-noforn-takes-display", "*", ["S//NF", "S//DISPLAY ONLY AFG"], "S//NF"),
    ("table3-noforn-takes-bare-u", "*", ["U", "S//NF"], "S//NF"),
    ("H.8-p145-level-is-the-highest", "*", ["TS//NF", "S//REL TO USA, JPN"], "TS//NF"),
    (
        "table3-rel-meets-in-common",
        "*",
        ["S//REL TO USA, JPN, NZL", "S//REL TO USA, NZL"],
        "S//REL TO USA, NZL",
    ),
    ("table3-rel-apart-is-noforn", "*", ["S//REL TO USA, JPN", "S//REL TO USA, AUS"], "S//NF"),
    ("ISM-00318-unclassified-rel-narrows", "*", ["U//REL TO USA, AUS", "S//REL TO USA, GBR"], "S//NF"),
    (
        "ISM-00318-u-rel-narrows-in-part",
        "*",
        ["U//REL TO USA, AUS", "S//REL TO USA, AUS, GBR"],
        "S//REL TO USA, AUS",
    ),
    ("ISM-00318-bare-u-does-not-narrow", "*", ["U", "S//REL TO USA, GBR"], "S//REL TO USA, GBR"),
    ("table3-rel-with-unmarked-classified", "*", ["C", "S//REL TO USA, FVEY"], "S//NF"),
    ("table3-rel-with-relido", "*", ["S//REL TO USA, AUS", "C//RELIDO"], "S//NF"),
    ("table3-all-relido", "*", ["S//RELIDO", "C//RELIDO"], "S//RELIDO"),
    ("table3-relido-with-display", "*", ["S//RELIDO", "S//DISPLAY ONLY IRQ"], "S//NF"),
    (
        "H.8-p155-relido-with-rel-relido",
        "icrm-2016",
        ["S//RELIDO", "S//REL TO USA, AUS, CAN/RELIDO"],
        "S//RELIDO",
    ),
    (
        "ISM-00521-relido-with-rel-relido",
        "ism-2022",
        ["S//RELIDO", "S//REL TO USA, AUS, CAN/RELIDO"],
        "S//NF",
    ),
    ("ISM-00521-in-udl-the-stricter", "udl", ["S//RELIDO", "S//REL TO USA, AUS, CAN/RELIDO"], "S//NF"),
    ("H.8-rel-relido-keeps-both", "*", ["S//REL TO USA, AUS/RELIDO"] * 2, "S//REL TO USA, AUS/RELIDO"),
    (
        "H.8-relido-is-lost-beside-rel",
        "*",
        ["S//REL TO USA, AUS/RELIDO", "S//REL TO USA, AUS"],
        "S//REL TO USA, AUS",
    ),
    (
        "H.8-p165-display-meets-in-common",
        "*",
        ["S//DISPLAY ONLY AFG", "S//DISPLAY ONLY AFG, IRQ"],
        "S//DISPLAY ONLY AFG",
    ),
    ("H.8-p166-display-apart-is-noforn", "*", ["S//DISPLAY ONLY AFG", "S//DISPLAY ONLY IRQ"], "S//NF"),
    ("H.8-p166-rel-with-display", "*", ["S//REL TO USA, IRQ", "S//DISPLAY ONLY IRQ"], "S//DISPLAY ONLY IRQ"),
    (
        "H.8-p167-rel-and-display-in-common",
        "*",
        ["S//REL TO USA, IRQ/DISPLAY ONLY AFG"] * 2,
        "S//REL TO USA, IRQ/DISPLAY ONLY AFG",
    ),
    (
        "H.8-p167-rel-and-display-apart",
        "*",
        ["S//REL TO USA, AFG/DISPLAY ONLY IRQ", "S//REL TO USA, GBR/DISPLAY ONLY PAK"],
        "S//NF",
    ),
    (
        "ISM-legal-fvey-stays-itself",
        "*",
        ["S//REL TO USA, FVEY", "C//REL TO USA, FVEY"],
        "S//REL TO USA, FVEY",
    ),
    (
        "ISM-legal-fvey-acgu",
        "*",
        ["S//REL TO USA, FVEY", "S//REL TO USA, ACGU"],
        "S//REL TO USA, AUS, CAN, GBR",
    ),
    (
        "ISM-legal-fvey-nato",
        "ism-2022",
        ["S//REL TO USA, FVEY", "S//REL TO USA, NATO"],
        "S//REL TO USA, CAN, GBR",
    ),
    (
        "table3-icrm-expands-the-eyes-alone",
        "icrm-2016",
        ["S//REL TO USA, FVEY", "S//REL TO USA, NATO"],
        "S//NF",
    ),
    ("ISM-00318-opaque-is-not-its-members", "*", ["S//REL TO USA, KFOR", "S//REL TO USA, DEU"], "S//NF"),
    (
        "ISM-opaque-stays-itself",
        "*",
        ["S//REL TO USA, KFOR", "S//REL TO USA, DEU, KFOR"],
        "S//REL TO USA, KFOR",
    ),
    ("table2-unmarked-classified-alone", "*", ["S"], "S//NF"),
    ("table2-caveated-classified-alone", "*", ["S//OC"], "S//OC/NF"),
    (
        "H.8-orcon-is-carried",
        "*",
        ["S//OC/REL TO USA, GBR", "S//REL TO USA, GBR, JPN"],
        "S//OC/REL TO USA, GBR",
    ),
    ("H.8-p134-fouo-with-bare-u", "*", ["U//FOUO", "U"], "U//FOUO"),
    ("H.8-p134-fouo-with-noforn", "*", ["U//FOUO", "U//NF"], "U//FOUO/NF"),
    ("H.8-p134-fouo-not-in-classified", "*", ["U//FOUO", "S//NF"], "S//NF"),
    (
        "H.8-p134-fouo-with-its-list",
        "*",
        ["U//FOUO/REL TO USA, JPN", "S//REL TO USA, JPN"],
        "S//REL TO USA, JPN",
    ),
    ("table2-fouo-follows-the-banner", "icrm-2016", ["U//FOUO", "S//REL TO USA, GBR"], "S//REL TO USA, GBR"),
    ("udl-fouo-without-a-list-is-for-nobody", "udl", ["U//FOUO", "S//REL TO USA, GBR"], "S//NF"),
    ("udl-owners-are-united", "udl", ["U//PR-B-X", "U//PR-A-X", "U//DS-C-Y"], "U//PR-A-X/PR-B-X//DS-C-Y"),
    ("udl-owner-follows-the-list", "udl", ["U//PR-A-X", "S//REL TO USA, GBR"], "S//PR-A-X/REL TO USA, GBR"),
    ("udl-fouo-stays-beside-an-owner", "udl", ["U//FOUO", "U//PR-A-X"], "U//FOUO/PR-A-X"),
]
CASES = [
    (f"{key}:{name}", name, portions, whole)
    for key, which, portions, whole in ROWS
    for name in (PROFILES if which == "*" else (which,))
]


@pytest.mark.parametrize(("name", "portions", "whole"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_portions_roll_up_as_the_row_of_the_table_says(name: str, portions: list[str], whole: str) -> None:
    profile = markings.profile(name)
    labels = [read(text, name) for text in portions]
    for order in (labels, labels[::-1], labels * 3):
        assert written(markings.roll_up(order, profile)) == whole


def test_an_unmarked_classified_portion_counts_by_its_date_under_table_2() -> None:
    icrm = markings.profile("icrm-2016")
    bare = read("S", "icrm-2016")
    new, old = replace(bare, created=date(2010, 6, 28)), replace(bare, created=date(2010, 6, 27))
    caveated = replace(read("S//OC", "icrm-2016"), created=date(2020, 1, 1))
    assert written(markings.roll_up([new], icrm)) == "S//RELIDO"
    assert written(markings.roll_up([old], icrm)) == "S//NF"
    assert written(markings.roll_up([caveated], icrm)) == "S//OC/NF"
    assert written(markings.roll_up([new, read("S//REL TO USA, JPN", "icrm-2016")], icrm)) == "S//NF"
    udl = replace(read("S", "udl"), created=date(2020, 1, 1))
    assert written(markings.roll_up([udl], markings.profile("udl"))) == "S//NF"


def test_lists_without_dated_communities_roll_up_to_what_the_text_alone_says() -> None:
    udl = markings.profile("udl")
    labels = [read(text, "udl") for text in ("S//REL TO USA, FVEY", "S//REL TO USA, GBR, JPN", "U")]
    whole = markings.roll_up(labels, udl)
    assert whole == markings.parse_portion(whole.portion(), udl)
    assert whole.limits == frozenset()


def test_a_membership_that_begins_later_adds_nobody_to_an_older_day() -> None:
    """FIN stands beside NATO: before it joined, the NATO portion was not for it, nor is the whole."""
    udl = markings.profile("udl")
    labels = [read("S//REL TO USA, NATO", "udl"), read("S//REL TO USA, FIN, GBR", "udl")]
    whole = markings.roll_up(labels, udl)
    assert written(whole) == "S//REL TO USA, FIN, GBR"
    assert markings.releasable_to(whole, at=date(2023, 4, 3)) == {"USA", "GBR"}
    assert markings.releasable_to(whole, at=date(2023, 4, 4)) == {"USA", "GBR", "FIN"}


def test_a_portion_older_than_a_membership_keeps_the_new_member_out() -> None:
    udl = markings.profile("udl")
    old = replace(read("S//REL TO USA, NATO", "udl"), created=date(2022, 1, 1))
    new = replace(read("S//REL TO USA, FIN, GBR", "udl"), created=date(2024, 1, 1))
    whole = markings.roll_up([old, new], udl)
    assert whole.created == date(2022, 1, 1)
    assert written(whole) == "S//REL TO USA, GBR"


def test_the_whole_is_dated_by_its_earliest_portion_or_not_at_all() -> None:
    udl = markings.profile("udl")
    early, late = (replace(read("U", "udl"), created=day) for day in (date(2020, 1, 1), date(2021, 1, 1)))
    assert markings.roll_up([early, late], udl).created == date(2020, 1, 1)
    assert markings.roll_up([early, read("U", "udl")], udl).created is None


def test_nothing_at_all_does_not_roll_up_to_anything() -> None:
    with pytest.raises(MarkingError, match="ROLL-UP-EMPTY"):
        markings.roll_up([], markings.profile("udl"))


def test_labels_of_another_profile_or_system_are_refused_not_mixed() -> None:
    udl = markings.profile("udl")
    with pytest.raises(markings.UnknownProfileError):
        markings.roll_up([read("U", "udl"), read("U", "icrm-2016")], udl)
    with pytest.raises(MarkingError, match="US-LEVEL"):
        markings.roll_up([Label("udl", Level.R)], udl)
    with pytest.raises(MarkingError, match="US-LEVEL"):
        markings.roll_up([Label("cui", Level.S, system="NATO")], markings.profile("cui"))
    with pytest.raises(MarkingError, match="CONTROL-UNKNOWN"):
        markings.roll_up([Label("udl", Level.S, (Control("KLM"),))], udl)


@pytest.mark.parametrize("name", PROFILES)
@given(data=st.data())
def test_order_grouping_and_repetition_never_change_a_roll_up(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    first, second, third = (data.draw(sound_labels(name)) for _ in range(3))

    def both(one: Label, other: Label) -> Label:
        return markings.roll_up([one, other], profile)

    assert both(first, second) == both(second, first)
    assert both(both(first, second), third) == both(first, both(second, third))
    assert both(both(first, second), third) == markings.roll_up([first, second, third], profile)
    whole = markings.roll_up([first, second], profile)
    assert both(whole, whole) == whole
    assert markings.roll_up([whole], profile) == whole
    assert both(whole, first) == whole


@pytest.mark.parametrize("name", PROFILES)
@given(data=st.data())
def test_adding_a_portion_never_adds_a_recipient_on_any_day(name: str, data: st.DataObject) -> None:
    """Against every portion that says something of release, and the whole without the added one."""
    profile = markings.profile(name)
    labels = data.draw(st.lists(sound_labels(name), min_size=1, max_size=4))
    added = data.draw(sound_labels(name))
    before, after = markings.roll_up(labels, profile), markings.roll_up([*labels, added], profile)
    assert after.level >= before.level
    for day in ASKED:
        recipients = markings.releasable_to(after, day)
        for each in (before, *labels, added):
            if not _follows(each, name):
                assert recipients <= markings.releasable_to(each, day) | {"USA"}
                assert _nations(after, day) <= _nations(each, day) | {"USA"}


@pytest.mark.parametrize("name", PROFILES)
@given(data=st.data())
def test_the_text_of_a_roll_up_is_sound_and_no_wider_than_its_portions_now(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    labels = data.draw(st.lists(sound_labels(name), min_size=1, max_size=4))
    assume(not any(markings.validate(label, AT) for label in labels))
    whole = markings.roll_up(labels, profile)
    text_alone = markings.parse_banner(whole.banner(), profile)
    assert markings.validate(whole, AT) == ()
    for each in labels:
        if not _follows(each, name):
            undated = replace(each, created=None)
            assert markings.releasable_to(text_alone, AT) <= markings.releasable_to(undated, AT) | {"USA"}
    assert markings.check_banner(whole, labels, AT) == ()


@pytest.mark.parametrize("name", PROFILES)
@given(data=st.data())
def test_every_owner_and_originator_control_is_carried(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    labels = data.draw(st.lists(sound_labels(name), min_size=1, max_size=4))
    whole = markings.roll_up(labels, profile)
    for control in {control for label in labels for control in label.controls}:
        if control.name in ("ORCON", "PR", "DS"):
            assert control in whole.controls


def _nations(label: Label, day: date) -> frozenset[str]:
    try:
        return markings.releasable_nations(label, day, markings.shipped_tables())
    except UnknownCodeError:
        return frozenset()


def _follows(label: Label, name: str) -> bool:
    """Whether a portion says nothing of release and narrows nothing: a dataset's default is its answer."""
    mute = {"PR", "DS"} | ({"FOUO"} if markings.profile(name).caveated_follows else set())
    silent = label.rel_to is None and label.display_to is None
    return label.level is Level.U and silent and {control.name for control in label.controls} <= mute
