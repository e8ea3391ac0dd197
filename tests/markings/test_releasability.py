"""To whom a label may go on a day, by its lists alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Community, Control, Label, Level, Member, UnknownCodeError
from tests.markings.labels import ASKED, read, sound_labels

AT = date(2026, 1, 1)
CSPO = Community("CSPO", "Combined Space Operations", (Member("JPN"), Member("NOR", date(2023, 12, 1))), source="local")
LOCAL = markings.shipped_tables().with_communities([CSPO])


def _dated(text: str, created: date | None) -> Label:
    profile = markings.profile("udl").with_tables(LOCAL)
    return replace(markings.parse_portion(text, profile), created=created)


@pytest.mark.parametrize(
    ("text", "nations"),
    [
        ("S//REL TO USA, JPN", "JPN USA"),
        ("S//REL TO USA, JPN, TEYE", "AUS GBR JPN USA"),
        ("U//REL TO USA, KFOR", "USA"),
        ("S//NF", "USA"),
        ("S//OC/NF", "USA"),
        ("S//REL TO USA, JPN/RELIDO", "JPN USA"),
        ("S//REL TO USA, JPN/DISPLAY ONLY KOR", "JPN USA"),
        ("U//FOUO/REL TO USA, JPN", "JPN USA"),
        ("U", ""),
        ("S", ""),
        ("U//FOUO", ""),
        ("S//RELIDO", ""),
        ("S//OC", ""),
        ("S//DISPLAY ONLY JPN", ""),
        ("U//PR-SPIRE-AIS", ""),
    ],
)
def test_each_marking_goes_to_exactly_whom_its_list_names(text: str, nations: str) -> None:
    label = read(text, "udl")
    assert markings.releasable_to(label, at=AT) == frozenset(nations.split())
    assert markings.releasable_nations(label, AT, LOCAL) == frozenset(nations.split())


def test_noforn_beside_a_list_still_goes_to_nobody_abroad() -> None:
    label = Label("udl", Level.S, (Control("NOFORN"),), ("USA", "JPN"))
    assert markings.releasable_to(label, AT) == {"USA"}
    assert markings.releasable_nations(label, AT, LOCAL) == {"USA"}
    assert markings.releasable_codes(label) == ()


def test_nato_means_its_members_of_the_day_that_is_asked_about() -> None:
    label = read("S//REL TO USA, NATO", "udl")
    assert "FIN" not in markings.releasable_to(label, at=date(2023, 4, 3))
    assert "FIN" in markings.releasable_to(label, at=date(2023, 4, 4))
    assert "SWE" not in markings.releasable_to(label, at=date(2024, 3, 6))
    assert "SWE" in markings.releasable_to(label, at=date(2024, 3, 7))


@pytest.mark.parametrize(
    ("created", "at", "norway"),
    [
        (date(2023, 5, 1), date(2023, 6, 1), False),
        (date(2023, 5, 1), date(2024, 1, 1), False),
        (date(2024, 1, 1), date(2024, 1, 1), True),
        (date(2023, 12, 1), date(2024, 1, 1), True),
        (None, date(2024, 1, 1), False),
    ],
)
def test_a_member_must_have_belonged_on_the_labels_day_and_on_this_one(
    created: date | None, at: date, norway: bool
) -> None:
    label = _dated("C//REL TO USA, CSPO", created)
    assert ("NOR" in markings.releasable_nations(label, at, LOCAL)) is norway


def test_a_member_that_has_left_is_out_whatever_the_labels_day() -> None:
    left = Community("LEFT", "left", (Member("JPN", until=date(2025, 1, 1)),), source="local")
    tables = markings.shipped_tables().with_communities([left])
    label = Label("udl", Level.S, (), ("USA", "LEFT"), created=date(2024, 1, 1))
    assert "JPN" in markings.releasable_nations(label, date(2024, 6, 1), tables)
    assert "JPN" not in markings.releasable_nations(label, date(2025, 1, 1), tables)


def test_a_dated_label_is_for_nobody_who_was_not_meant_on_its_own_day() -> None:
    label = read("S//REL TO USA, NATO", "udl")
    assert "FIN" not in markings.releasable_to(replace(label, created=date(2020, 1, 1)), AT)
    assert "NOR" in markings.releasable_to(replace(label, created=date(2020, 1, 1)), AT)
    assert "FIN" in markings.releasable_to(replace(label, created=date(2023, 4, 4)), AT)
    young = Label("udl", Level.S, (), ("USA", "SSD"), created=date(2009, 1, 1))
    assert markings.releasable_to(young, AT) == {"USA"}
    follows = replace(CSPO, code="FOLL", follows_membership=True, source="charter, article 3")
    tables = markings.shipped_tables().with_communities([CSPO, follows])
    for code, meant in (("CSPO", False), ("FOLL", True)):
        dated = Label("udl", Level.S, (), ("USA", code), created=date(2023, 1, 1))
        assert ("NOR" in markings.releasable_to(dated, AT, tables)) is meant


def test_a_community_that_follows_membership_asks_only_about_this_day() -> None:
    follows = replace(CSPO, code="FOLL", follows_membership=True, source="charter, article 3")
    tables = markings.shipped_tables().with_communities([follows])
    label = Label("udl", Level.S, (), ("USA", "FOLL"), created=date(2023, 1, 1))
    assert "NOR" in markings.releasable_nations(label, AT, tables)
    assert "NOR" not in markings.releasable_nations(label, date(2023, 11, 30), tables)


@pytest.mark.parametrize(
    ("codes", "created", "at", "unknown"),
    [
        (("USA", "ISAF"), date(2015, 1, 1), AT, "ISAF"),
        (("USA", "YUG"), date(2000, 1, 1), AT, "YUG"),
        (("USA", "SSD"), date(2009, 1, 1), AT, "SSD"),
        (("USA", "XYZ"), AT, AT, "XYZ"),
        (("USA", "CSPO"), AT, AT, "CSPO"),
    ],
)
def test_a_code_not_in_use_on_either_day_puts_the_whole_label_in_doubt(
    codes: tuple[str, ...], created: date, at: date, unknown: str
) -> None:
    label = Label("udl", Level.S, (), codes, created=created)
    with pytest.raises(UnknownCodeError) as refused:
        markings.releasable_nations(label, at, markings.shipped_tables())
    assert refused.value.codes == (unknown,)
    assert markings.releasable_to(label, at) <= {"USA", "SSD"}


def test_an_organisation_is_named_itself_and_never_by_expansion() -> None:
    label = read("S//REL TO USA, JPN, FVEY, NATO", "udl")
    assert markings.releasable_codes(label) == ("USA", "JPN", "FVEY", "NATO")
    assert markings.releasable_codes(read("S//RELIDO", "udl")) == ()


def test_an_organisation_named_by_one_portion_alone_is_not_named_by_the_whole() -> None:
    udl = markings.profile("udl")
    whole = markings.roll_up([read("S//REL TO USA, FVEY", "udl"), read("S//REL TO USA, NATO", "udl")], udl)
    assert set(markings.releasable_codes(whole)) <= {"USA"}


def test_the_next_change_is_the_first_day_a_table_could_change_the_answer() -> None:
    label = read("S//REL TO USA, NATO", "udl")
    tables = markings.shipped_tables()
    assert markings.next_change(label, date(2023, 1, 1), tables) == date(2023, 4, 4)
    assert markings.next_change(label, date(2023, 4, 4), tables) == date(2024, 3, 7)
    assert markings.next_change(label, date(2024, 3, 7), tables) is None
    assert markings.next_change(read("S//REL TO USA, FVEY", "udl"), AT, tables) is None
    assert markings.next_change(read("U", "udl"), AT, tables) is None


@given(data=st.data())
def test_the_answer_for_policy_is_never_wider_than_the_public_one(data: st.DataObject) -> None:
    label = data.draw(sound_labels("udl"))
    for day in ASKED:
        try:
            strict = markings.releasable_nations(label, day, markings.shipped_tables())
        except UnknownCodeError:
            continue
        assert strict <= markings.releasable_to(label, day)
