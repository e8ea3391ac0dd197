"""The dated tables: what a code meant on a day, and how local communities are added."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway import markings
from gateway.markings import Community, Country, Member, TableError, UnknownCodeError, expand, tables_of

SHIPPED = markings.shipped_tables()
ACCESSIONS = [
    ("BEL", date(1949, 8, 24)),
    ("USA", date(1949, 8, 24)),
    ("GRC", date(1952, 2, 18)),
    ("TUR", date(1952, 2, 18)),
    ("DEU", date(1955, 5, 6)),
    ("ESP", date(1982, 5, 30)),
    ("CZE", date(1999, 3, 12)),
    ("HUN", date(1999, 3, 12)),
    ("POL", date(1999, 3, 12)),
    ("BGR", date(2004, 3, 29)),
    ("EST", date(2004, 3, 29)),
    ("ALB", date(2009, 4, 1)),
    ("HRV", date(2009, 4, 1)),
    ("MNE", date(2017, 6, 5)),
    ("MKD", date(2020, 3, 27)),
    ("FIN", date(2023, 4, 4)),
    ("SWE", date(2024, 3, 7)),
]
RETIRED = [
    ("AOSC", date(2005, 12, 12)),
    ("BHTF", date(2015, 10, 27)),
    ("ISAF", date(2016, 3, 17)),
    ("SFOR", date(2016, 3, 17)),
    ("RSMA", date(2021, 11, 3)),
    ("SPAA", date(2021, 11, 3)),
    ("YUG", date(2003, 7, 23)),
    ("SCG", date(2006, 9, 26)),
    ("ANT", date(2010, 12, 15)),
    ("SUN", date(1992, 8, 30)),
]


@pytest.mark.parametrize(("nation", "day"), ACCESSIONS)
def test_a_nation_is_in_nato_from_the_day_of_its_accession(nation: str, day: date) -> None:
    assert nation in expand("NATO", day, SHIPPED)
    assert nation not in expand("NATO", day - timedelta(days=1), SHIPPED)


def test_nato_has_the_members_that_each_enlargement_made() -> None:
    days = (date(1950, 1, 1), date(2000, 1, 1), date(2022, 11, 2), date(2023, 4, 4), date(2024, 3, 7))
    assert [len(expand("NATO", day, SHIPPED)) for day in days] == [12, 19, 30, 31, 32]


@pytest.mark.parametrize(
    ("code", "members"),
    [("TEYE", "AUS GBR USA"), ("ACGU", "AUS CAN GBR USA"), ("FVEY", "AUS CAN GBR NZL USA")],
)
def test_the_eyes_are_exactly_the_nations_the_register_names(code: str, members: str) -> None:
    assert expand(code, date(2026, 1, 1), SHIPPED) == frozenset(members.split())


@pytest.mark.parametrize("code", ["EU", "KFOR", "RISC", "NRDC", "GCCH", "SOFP"])
def test_an_opaque_community_expands_to_nobody_on_any_day(code: str) -> None:
    assert expand(code, date(2026, 1, 1), SHIPPED) == frozenset()


def test_the_shipped_tables_hold_what_the_published_lists_hold() -> None:
    now = [each for each in SHIPPED.communities.values() if each.known(date(2026, 1, 1))]
    assert len(SHIPPED.communities) == 61
    assert sum(each.decomposable for each in now) == 24
    assert sum(each.known(date(2026, 1, 1)) for each in SHIPPED.countries.values()) == 279
    assert all(each.source for each in SHIPPED.communities.values())
    assert all(each.source for each in SHIPPED.countries.values())
    assert all(member.source for each in SHIPPED.communities.values() for member in each.members)


def test_a_member_counts_from_the_day_the_publication_verified_it() -> None:
    assert "JPN" in expand("CMFC", date(2022, 10, 26), SHIPPED)
    assert expand("CMFC", date(2022, 10, 25), SHIPPED) == frozenset()


@pytest.mark.parametrize(("code", "day"), RETIRED)
def test_a_retired_code_is_refused_from_its_day_on(code: str, day: date) -> None:
    assert SHIPPED.knows(code)
    assert SHIPPED.known(code, day - timedelta(days=1))
    with pytest.raises(UnknownCodeError) as refused:
        expand(code, day, SHIPPED)
    assert refused.value.codes == (code,)


@pytest.mark.parametrize("code", ["SSD", "MNE", "SRB", "CUW", "TLS"])
def test_a_code_is_unknown_before_its_nation_had_it(code: str) -> None:
    assert not SHIPPED.known(code, date(2001, 1, 1))
    assert SHIPPED.known(code, date(2026, 1, 1))


def test_a_code_that_no_table_holds_is_refused_by_name() -> None:
    with pytest.raises(UnknownCodeError) as refused:
        expand("CSPO", date(2026, 1, 1), SHIPPED)
    assert refused.value.codes == ("CSPO",)


def _local(**changes: object) -> Community:
    base: dict[str, object] = {"code": "CSPO", "name": "Combined Space Operations", "source": "local"}
    return Community(**(base | changes))  # type: ignore[arg-type]


def test_a_local_community_is_dated_like_any_other() -> None:
    members = (Member("USA"), Member("NOR", since=date(2023, 12, 1)), Member("FRA", until=date(2025, 1, 1)))
    tables = SHIPPED.with_communities([_local(members=members)])
    assert expand("CSPO", date(2023, 6, 1), tables) == {"USA", "FRA"}
    assert expand("CSPO", date(2024, 1, 1), tables) == {"USA", "FRA", "NOR"}
    assert expand("CSPO", date(2025, 1, 1), tables) == {"USA", "NOR"}
    assert not SHIPPED.knows("CSPO")


@pytest.mark.parametrize(
    "community",
    [
        _local(code="NATO"),
        _local(code="JPN"),
        _local(code="cspo"),
        _local(code="C"),
        _local(code="4EYES"),
        _local(code="CS PO"),
        _local(code="C" * 33),
        _local(members=(Member("XYZ"),)),
        _local(members=(Member("FVEY"),)),
        _local(members=(Member("NOR", date(2024, 1, 1), date(2024, 1, 1)),)),
        _local(since=date(2024, 1, 1), until=date(2023, 1, 1)),
        _local(follows_membership=True, source=""),
    ],
    ids=lambda community: f"{community.code}-{community.members}",
)
def test_a_local_community_that_contradicts_the_tables_is_refused(community: Community) -> None:
    with pytest.raises(TableError):
        SHIPPED.with_communities([community])


def test_the_same_local_community_twice_is_refused_too() -> None:
    with pytest.raises(TableError):
        SHIPPED.with_communities([_local(), _local()])


def test_the_digest_depends_on_every_row_and_not_on_their_order() -> None:
    one, other = Country("AAA", "A"), Country("BBB", "B")
    assert tables_of([one, other], []).digest == tables_of([other, one], []).digest
    assert tables_of([one], []) != tables_of([one, other], [])
    dated = SHIPPED.with_communities([_local(members=(Member("NOR"),))])
    other_day = SHIPPED.with_communities([_local(members=(Member("NOR", since=date(2024, 1, 1)),))])
    assert len({SHIPPED.digest, dated.digest, other_day.digest}) == 3
    assert SHIPPED.with_communities([]) is SHIPPED


def test_a_code_is_steady_only_when_no_day_changes_what_it_means() -> None:
    assert [SHIPPED.steady(code) for code in ("JPN", "FVEY", "KFOR")] == [True, True, True]
    assert [SHIPPED.steady(code) for code in ("NATO", "SSD", "YUG", "ISAF", "CMFC", "XYZ")] == [False] * 6
