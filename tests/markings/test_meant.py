"""Suggestions for a human: the marking that was perhaps meant, whole and in the right form, or nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import MarkingError
from tests.markings.labels import EVERY_PROFILE
from tests.markings.making import KINDS, make_label, mangle

ICRM = markings.profile("icrm-2016")


def _suggested(text: str, name: str = "icrm-2016", *, portion: bool = False) -> str | None:
    with pytest.raises(MarkingError) as refused:
        (markings.parse_portion if portion else markings.parse_banner)(text, markings.profile(name))
    return refused.value.findings[0].suggestion


BANNERS = [
    ("secret//noforn", "SECRET//NOFORN"),
    ("SECRET ", "SECRET"),
    ("TOP  SECRET//SI", "TOP SECRET//SI"),
    ("TOPSECRET//SI", "TOP SECRET//SI"),
    ("SECRET NOFORN", "SECRET//NOFORN"),
    ("SECRET/NOFORN", "SECRET//NOFORN"),
    ("SECRET///NOFORN", "SECRET//NOFORN"),
    ("SECRET\\\\NOFORN", "SECRET//NOFORN"),
    ("SECRET\u2215\u2215NOFORN", "SECRET//NOFORN"),
    ("S\u0415CRET//N\u041eFORN", "SECRET//NOFORN"),
    ("SECRET\u200b//NOFORN", "SECRET//NOFORN"),
    ("\uff33\uff25\uff23\uff32\uff25\uff34", "SECRET"),
    ("TOP SECRET//SI\u2013G//ORCON/NOFORN", "TOP SECRET//SI-G//ORCON/NOFORN"),
    ("SECRET//NOFORN/ORCON", "SECRET//ORCON/NOFORN"),
    ("SECRET//NOFORN//SI", "SECRET//SI//NOFORN"),
    ("SECRET//ORIGINATOR CONTROLLED", "SECRET//ORCON"),
    ("TOP SECRET//TALENT KEYHOLE", "TOP SECRET//TK"),
    ("SECRET//NOFRON", "SECRET//NOFORN"),
    ("SECRET//REL TO USA,JPN", "SECRET//REL TO USA, JPN"),
    ("SECRET//REL TO USA JPN AUS", "SECRET//REL TO USA, AUS, JPN"),
    ("SECRET//RELTO USA, JPN", "SECRET//REL TO USA, JPN"),
    ("SECRET//REL TO USA, UK", "SECRET//REL TO USA, GBR"),
    ("SECRET//FGI JPN, GBR", "SECRET//FGI GBR JPN"),
    ("SECRET//RD-SIGMA 20 14", "SECRET//RD-SIGMA 14 20"),
    ("SECRET//CNWDI", "SECRET//RD-CNWDI"),
    ("NATO SECRET", "//NATO SECRET"),
    ("TS//SI", "TOP SECRET"),
    ("//CTS//BALK", "//COSMIC TOP SECRET"),
]


@pytest.mark.parametrize(("text", "suggestion"), BANNERS, ids=[repr(text) for text, _ in BANNERS])
def test_a_banner_with_one_kind_of_slip_is_suggested_in_the_right_form(text: str, suggestion: str) -> None:
    assert _suggested(text) == suggestion


SILENT = [
    "//XXX SECRET",
    "SECRET//REL TO USA, XXX",
    "SECRET//REL TO",
    "SECRET//FGI USA",
    "SECRET//QQQQQQ",
    "RESTRICTED",
    "SECRET//REL TO USA, JPN//REL TO USA, GBR//X",
    "SECRET//" + "NOFORN/" * 40,
    "X" * 4_000,
    "",
    "//",
    "()",
]


@pytest.mark.parametrize("text", SILENT, ids=[repr(text[:40]) for text in SILENT])
def test_where_a_code_is_unknown_or_nothing_is_close_nothing_is_suggested(text: str) -> None:
    assert _suggested(text) is None


def test_a_portion_is_suggested_as_a_portion_and_by_its_profiles_own_words() -> None:
    assert _suggested("S//NOFORN/ORCON", portion=True) == "(S//OC/NF)"
    assert _suggested("(s//rel to usa, jpn)", portion=True) == "(S//REL TO USA, JPN)"
    assert _suggested("u//fouo", "udl", portion=True) == "U//FOUO"
    assert _suggested("(CUI//FEDCON//SP-CTI)", "cui", portion=True) == "(CUI//SP-CTI//FEDCON)"


def test_a_word_of_another_profile_is_said_to_be_one() -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_banner("SECRET//KLM", ICRM)
    assert "other profiles" in str(refused.value)


@pytest.mark.parametrize("name", EVERY_PROFILE)
@given(data=st.data())
def test_any_whole_suggestion_is_itself_a_marking_of_the_same_form(name: str, data: st.DataObject) -> None:
    chance: random.Random = data.draw(st.randoms(use_true_random=False))
    profile, portion = markings.profile(name), chance.random() < 0.5
    label = make_label(chance, profile)
    text = mangle(chance, label.portion() if portion else label.banner(), chance.choice(KINDS))
    read = markings.parse_portion if portion else markings.parse_banner
    try:
        read(text, profile)
    except MarkingError as refused:
        suggestion = refused.findings[0].suggestion
        if suggestion is not None and "//" in suggestion.strip("/"):
            assert suggestion != text
            assert read(suggestion, profile)
