"""Validation beyond form: one row for each rule, and sound labels against all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Control, Label, Level, Severity
from tests.markings.labels import DAYS, read, sound_labels

AT = date(2026, 1, 1)
NF, OC, RELIDO, FOUO = Control("NOFORN"), Control("ORCON"), Control("RELIDO"), Control("FOUO")


def _label(level: Level = Level.S, *controls: Control, **more: object) -> Label:
    return Label("udl", level, controls, **more)  # type: ignore[arg-type]


FAULTS = [
    ("ISM-ID-00033", _label(Level.S, NF, rel_to=("USA", "JPN"))),
    ("ISM-ID-00169", _label(Level.S, NF, RELIDO)),
    ("ISM-ID-00169", _label(Level.S, NF, display_to=("AFG",))),
    ("ISM-ID-00169", _label(Level.S, RELIDO, display_to=("AFG",))),
    ("ISM-ID-00325", _label(Level.S, OC, RELIDO)),
    ("ISM-ID-00031", _label(rel_to=())),
    ("ISM-ID-00213", _label(display_to=())),
    ("ISM-ID-00265", _label(rel_to=("USA", "XYZ"))),
    ("ISM-ID-00265", _label(display_to=("XYZ",))),
    ("ISM-ID-00236", _label(rel_to=("USA", "JPN", "JPN"))),
    ("ISM-ID-00199", _label(rel_to=("USA", "ISAF"))),
    ("ISM-ID-00199", _label(rel_to=("USA", "YUG"))),
    ("ISM-ID-00199", _label(rel_to=("USA", "SSD"), created=date(2009, 1, 1))),
    ("ISM-ID-00201", _label(display_to=("ISAF",))),
    ("REL-USA-FIRST", _label(rel_to=("JPN", "USA"))),
    ("ISM-ID-00319", _label(rel_to=("USA",))),
    ("DISPLAY-USA", _label(display_to=("USA", "AFG"))),
    ("LIST-ORDER", _label(rel_to=("USA", "FVEY", "JPN"))),
    ("FOUO-UNCLASSIFIED", _label(Level.S, FOUO, rel_to=("USA", "JPN"))),
    ("ORCON-CLASSIFIED", _label(Level.U, OC)),
    ("GRAMMAR-DUPLICATE", _label(Level.S, NF, NF)),
    ("GRAMMAR-ORDER", _label(Level.S, NF, OC)),
    ("CONTROL-UNKNOWN", _label(Level.S, Control("KLM"))),
    ("CONTROL-UNKNOWN", _label(Level.S, Control("REL TO"))),
    ("CONTROL-UNKNOWN", replace(_label(Level.U, Control("PR", ("A", "B"))), profile="icrm-2016")),
    ("CONTROL-VALUES", _label(Level.S, Control("NOFORN", ("X",)))),
    ("UDL-OWNER-TYPE", _label(Level.U, Control("PR", ("SPIRE",)))),
    ("UDL-OWNER-TYPE", _label(Level.U, Control("DS", ("a", "B")))),
    ("US-LEVEL", _label(Level.R)),
    ("US-OWNER", _label(system="NATO")),
    ("US-OWNER", _label(owners=("GBR",))),
]


@pytest.mark.parametrize(("rule", "label"), FAULTS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(FAULTS)])
def test_a_label_that_breaks_a_rule_has_that_rules_finding(rule: str, label: Label) -> None:
    found = {finding.rule: finding for finding in markings.validate(label, at=AT)}
    assert rule in found
    assert found[rule].severity is Severity.ERROR
    assert found[rule].authority


def test_a_display_list_that_repeats_the_release_list_is_only_a_warning() -> None:
    label = _label(rel_to=("USA", "JPN"), display_to=("JPN",))
    assert [(each.rule, each.severity) for each in markings.validate(label, AT)] == [
        ("DISPLAY-REPEATS", Severity.WARNING)
    ]


def test_a_retired_community_is_sound_before_its_last_day() -> None:
    label = _label(rel_to=("USA", "RSMA"))
    assert markings.validate(label, date(2021, 11, 2)) == ()
    assert [each.rule for each in markings.validate(label, date(2021, 11, 3))] == ["ISM-ID-00199"]


def test_a_local_community_is_sound_only_beside_the_tables_that_hold_it() -> None:
    tables = markings.shipped_tables().with_communities([markings.Community("CSPO", "local", source="local")])
    label = _label(rel_to=("USA", "CSPO"))
    assert markings.validate(label, AT, tables) == ()
    assert [each.rule for each in markings.validate(label, AT)] == ["ISM-ID-00265"]


def test_the_lists_that_a_roll_up_kept_are_judged_on_their_own_days() -> None:
    udl = markings.profile("udl")
    old = replace(read("S//REL TO USA, JPN, RSMA", "udl"), created=date(2020, 1, 1))
    new = replace(read("S//REL TO USA, JPN", "udl"), created=date(2020, 6, 1))
    whole = markings.roll_up([old, new], udl)
    assert markings.validate(whole, date(2021, 1, 1)) == ()
    assert [each.rule for each in markings.validate(whole, AT)] == ["ISM-ID-00199"]


def test_a_label_of_no_known_profile_is_not_judged_but_refused() -> None:
    with pytest.raises(markings.UnknownProfileError):
        markings.validate(replace(_label(), profile="made-up"), AT)


@pytest.mark.parametrize("created", DAYS[:1] + DAYS[2:])
@given(data=st.data())
def test_a_label_made_by_the_rules_has_nothing_wrong_with_it(data: st.DataObject, created: date | None) -> None:
    label = replace(data.draw(sound_labels("udl")), created=created)
    assert markings.validate(label, AT) == ()


BANNERS = [
    ("ISM-ID-00058", "C//NF", ["S//NF"]),
    ("ISM-ID-00067", "S//NF", ["S//OC/NF"]),
    ("ISM-ID-00318", "S//REL TO USA, FVEY", ["S//REL TO USA, FVEY", "S//REL TO USA, NATO"]),
    ("ISM-ID-00318", "S//REL TO USA, GBR", ["U//REL TO USA, AUS", "S//REL TO USA, GBR"]),
    ("ISM-ID-00318", "S//REL TO USA, DEU", ["S//REL TO USA, KFOR"]),
    ("ISM-ID-00318", "S//REL TO USA, JPN", ["S//NF"]),
    ("ISM-ID-00088 ISM-ID-00318", "S//REL TO USA, JPN", ["S//DISPLAY ONLY JPN"]),
    ("ISM-ID-00318", "S//REL TO USA, JPN", ["U//RELIDO"]),
    ("UDL-OWNED", "U", ["U//PR-A-B"]),
    (None, "S//NF", ["S//REL TO USA, JPN", "S//REL TO USA, AUS"]),
    (None, "S//NF", ["U", "S//REL TO USA, JPN"]),
    (None, "S//REL TO USA, AUS, CAN, GBR", ["S//REL TO USA, FVEY", "S//REL TO USA, ACGU"]),
    (None, "S//REL TO USA, ACGU", ["S//REL TO USA, FVEY", "S//REL TO USA, ACGU"]),
    (None, "TS//REL TO USA, GBR", ["U", "S//REL TO USA, GBR, JPN"]),
    (None, "S//DISPLAY ONLY GBR", ["S//REL TO USA, GBR", "S//DISPLAY ONLY GBR"]),
]


@pytest.mark.parametrize(("rule", "banner", "portions"), BANNERS, ids=[f"{row[0]}:{row[1]}" for row in BANNERS])
def test_a_banner_wider_than_a_portion_is_found_and_a_stricter_one_is_not(
    rule: str | None, banner: str, portions: list[str]
) -> None:
    found = markings.check_banner(read(banner, "udl"), [read(each, "udl") for each in portions], AT)
    assert [each.rule for each in found] == (rule or "").split()
