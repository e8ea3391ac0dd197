"""From a record's fields to facts: types checked, owners looked up as of the day, regimes derived."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gateway.policy.decision import UNKNOWN
from gateway.policy.facts import instant, orbit_regime
from gateway.policy.owners import OwnerTableError, parse_owners
from sample_source.catalogue import load
from tests.policy.worked import ESA_OBJECT, JPN_OBJECT, NOBODYS, NOW, ROOT, policy

NATIONS = frozenset({"JPN", "GBR", "USA"})
HEADER = "satNo,owner,nation,type,since\n"
ELSET = {"satNo": JPN_OBJECT, "meanMotion": 15.0, "eccentricity": 0.001, "dataMode": "REAL"}


def test_owners_are_nations_where_there_is_one_and_owner_codes_elsewhere() -> None:
    conjunction = {"satNo1": JPN_OBJECT, "satNo2": ESA_OBJECT, "dataMode": "REAL"}
    assert policy().facts("conjunction", conjunction, NOW).values["owners"] == frozenset({"JPN", "ESA"})


def test_one_unknown_owner_among_two_makes_the_whole_fact_unknown() -> None:
    conjunction = {"satNo1": JPN_OBJECT, "satNo2": NOBODYS, "dataMode": "REAL"}
    assert policy().facts("conjunction", conjunction, NOW).values["owners"] is UNKNOWN


@pytest.mark.parametrize(
    ("field", "value", "fact", "problem"),
    [
        ("satNo", None, "owners", "missing"),
        ("satNo", "24278", "owners", "invalid"),
        ("satNo", 24278.0, "owners", "invalid"),
        ("satNo", True, "owners", "invalid"),
        ("dataMode", None, "dataMode", "missing"),
        ("dataMode", 1, "dataMode", "invalid"),
        ("dataMode", "", "dataMode", "invalid"),
        ("meanMotion", None, "regime", "missing"),
        ("meanMotion", "15", "regime", "invalid"),
        ("meanMotion", float("nan"), "regime", "invalid"),
        ("meanMotion", float("inf"), "regime", "invalid"),
        ("meanMotion", 10**400, "regime", "invalid"),
        ("meanMotion", 0, "regime", "invalid"),
        ("eccentricity", 1.0, "regime", "invalid"),
        ("eccentricity", -0.1, "regime", "invalid"),
        ("eccentricity", False, "regime", "invalid"),
    ],
)
def test_a_field_of_the_wrong_type_is_a_problem_and_no_value(
    field: str, value: object, fact: str, problem: str
) -> None:
    facts = policy().facts("elset", ELSET | {field: value}, NOW)
    assert facts.problems == {fact: problem}
    assert fact not in facts.values


def test_only_facts_that_some_rule_reads_are_read_and_asked_of_the_source() -> None:
    assert policy().shape("statevector").facts == {"satNo", "dataMode"}
    assert policy().facts("statevector", {"satNo": JPN_OBJECT, "dataMode": "REAL"}, NOW).values.keys() == {
        "owners",
        "dataMode",
    }


def test_the_regime_derived_here_is_that_of_the_published_catalogue() -> None:
    satellites = load().satellites
    assert len(satellites) > 300
    for satellite in satellites:
        derived = orbit_regime(satellite.elements.mean_motion, satellite.elements.eccentricity)
        assert derived == satellite.regime, satellite.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-18T00:00:00Z", datetime(2026, 6, 18, tzinfo=UTC)),
        ("2026-06-18T09:00:00.250+09:00", datetime(2026, 6, 18, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-06-18T00:00:00", None),
        ("2026-06-18", None),
        ("2026-13-18T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (1_750_000_000, None),
        (None, None),
    ],
)
def test_an_instant_has_a_zone_or_is_none(text: object, expected: datetime | None) -> None:
    assert instant(text) == expected


def test_a_satellite_that_changed_hands_belongs_to_its_owner_of_that_day() -> None:
    table = parse_owners((HEADER + "1,UK,GBR,PAY,2020-01-01\n1,JPN,JPN,PAY,2024-01-01\n").encode(), NATIONS)
    assert table.owner(1, date(2019, 12, 31)) is None
    assert table.owner(1, date(2020, 1, 1)) == "GBR"
    assert table.owner(1, date(2023, 12, 31)) == "GBR"
    assert table.owner(1, date(2024, 1, 1)) == "JPN"
    assert table.owner(2, date(2024, 1, 1)) is None


def test_the_order_of_rows_in_the_owner_table_does_not_matter() -> None:
    rows = ["1,UK,GBR,PAY,2020-01-01\n", "1,JPN,JPN,PAY,2024-01-01\n"]
    one, two = (parse_owners((HEADER + "".join(order)).encode(), NATIONS) for order in (rows, rows[::-1]))
    assert one.rows == two.rows


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,JPN,JPN,PAY,2020-01-01", "satNo"),
        ("0,JPN,JPN,PAY,2020-01-01", "satNo"),
        ("1,jpn,JPN,PAY,2020-01-01", "owner code"),
        ("1,JPN,JAP,PAY,2020-01-01", "not a country code"),
        ("1,USA,,PAY,2020-01-01", "would be read as the nation"),
        ("1,JPN,JPN,SAT,2020-01-01", "type"),
        ("1,JPN,JPN,PAY,January", "since"),
        ("1,JPN,JPN,PAY", "cells"),
    ],
)
def test_a_row_that_could_mislead_refuses_the_owner_table(row: str, message: str) -> None:
    with pytest.raises(OwnerTableError, match=message) as refused:
        parse_owners(("# a remark\n" + HEADER + row + "\n").encode(), NATIONS)
    assert refused.value.line == 3


def test_two_owners_of_one_satellite_on_one_day_refuse_the_table() -> None:
    text = HEADER + "1,UK,GBR,PAY,2020-01-01\n1,JPN,JPN,PAY,2020-01-01\n"
    with pytest.raises(OwnerTableError, match="two rows"):
        parse_owners(text.encode(), NATIONS)


def test_the_shipped_owner_table_credits_its_source_and_leaves_the_unknown_out() -> None:
    text = Path(ROOT / "policies" / "tables" / "object-owners.csv").read_text(encoding="utf-8")
    assert "CelesTrak" in text
    assert ",TBD," not in text
