"""Every rule of the package is named by a test, and those that no table of other files names are shown here."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gateway import markings
from gateway.markings import Direction, LevelRow, MarkingError, SecurityLabel, UnmappedLevelError, level_table
from tests.markings.policies import aurora

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "gateway" / "markings"
AT = date(2026, 1, 1)
ICRM = markings.profile("icrm-2016")
NO_RULES = {"UTF-8", "ATTORNEY-CLIENT", "ATTORNEY-WP", "USA-CUI", "USA-CUI-ONLY", "ORCON-USGOV"}
"""Words of the package that only look like ids."""
BEHIND_ANOTHER = {"XML-ENTITY"}
"""A second wall: no document gets so far, because one that declares entities has a document type."""


def test_every_rule_of_the_package_is_named_by_a_test() -> None:
    named: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        named |= set(re.findall(r'"((?:ISM-ID-\d{5}|[A-Z0-9]{2,}(?:-[A-Z0-9]+)+))"', path.read_text(encoding="utf-8")))
    tested = "\n".join(path.read_text(encoding="utf-8") for path in HERE.rglob("test_*.py"))
    tested += "\n".join(re.findall(r"def (test_\w+)", tested)).upper().replace("_", "-")
    assert {rule for rule in named - NO_RULES - BEHIND_ANOTHER if rule not in tested} == set()


def test_banner_control_a_portions_control_is_in_the_banner() -> None:
    banner = markings.parse_banner("TOP SECRET//NOFORN", ICRM)
    portion = markings.parse_portion("(TS//SI//NF)", ICRM)
    assert [each.rule for each in markings.check_banner(banner, [portion], AT)] == ["BANNER-CONTROL"]
    assert markings.check_banner(markings.parse_banner("TOP SECRET//SI//NOFORN", ICRM), [portion], AT) == ()


def test_ism_joint_joint_is_a_boolean_and_nothing_else() -> None:
    attributes = {"classification": "S", "ownerProducer": "GBR USA", "joint": "yes"}
    with pytest.raises(MarkingError, match="ISM-JOINT"):
        markings.from_ism(attributes, ICRM)


def test_level_unmapped_a_level_without_a_row_on_that_day_denies() -> None:
    row = LevelRow(
        "FRA", "SECRET", "USA", "SECRET", Direction.LABEL, date(2021, 7, 1), source="an agreement, article 1"
    )
    table = level_table("an agreement", [row])
    assert table.label("FRA", "SECRET", "USA", date(2022, 1, 1)).level == "SECRET"
    for level, day in (("SECRET", date(2021, 6, 30)), ("TRES SECRET", date(2022, 1, 1))):
        with pytest.raises(UnmappedLevelError, match="LEVEL-UNMAPPED"):
            table.label("FRA", level, "USA", day)
    with pytest.raises(UnmappedLevelError, match="LEVEL-UNMAPPED"):
        table.clearance("FRA", "SECRET", "USA", date(2022, 1, 1))


def test_spif_direction_position_and_dominant_are_refused_by_their_ids() -> None:
    label = SecurityLabel("AURORA", "OPEN", datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(MarkingError, match="SPIF-DIRECTION"):
        aurora().equivalent(label, "MERIDIAN", direction="both")
    with pytest.raises(MarkingError, match="SPIF-POSITION"):
        aurora().marking(label, position="somewhere")
    with pytest.raises(MarkingError, match="SPIF-DOMINANT"):
        aurora().dominant([])
    with pytest.raises(MarkingError, match="SPIF-DOMINANT"):
        aurora().dominant([label, replace(label, privacy_mark="A mark")])
