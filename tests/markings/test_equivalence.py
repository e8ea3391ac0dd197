"""Levels between nations: labels round up, clearances round down, what does not map denies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.markings import MarkingError, TableError
from gateway.markings.equivalence import (
    Direction,
    Ladder,
    Levelled,
    LevelRow,
    LevelTable,
    Status,
    UnmappedLevelError,
    level_table,
    shipped_ladders,
)
from tests.markings.policies import rules_of

CHANGE = date(2021, 7, 1)
SOURCE = "a fictional security agreement, annex"


def row(said: str, direction: str, since: date | None = None, until: date | None = None) -> LevelRow:
    """``FRA:SECRET > NATO:NATO SECRET`` as a row."""
    left, right = (side.strip().split(":") for side in said.split(">"))
    return LevelRow(*left, *right, Direction(direction), since, until, SOURCE)


FRANCE_ROWS = [
    *(
        row(f"FRA:{a} DEFENSE > NATO:{b}", d, None, CHANGE)
        for d in Direction
        for a, b in [
            ("CONFIDENTIEL", "NATO CONFIDENTIAL"),
            ("SECRET", "NATO SECRET"),
            ("TRES SECRET", "COSMIC TOP SECRET"),
        ]
    ),
    *(
        row(f"FRA:{a} > NATO:{b}", d, CHANGE, None)
        for d in Direction
        for a, b in [("SECRET", "NATO SECRET"), ("TRES SECRET", "COSMIC TOP SECRET")]
    ),
    *(
        row(f"NATO:{b} > FRA:{a} DEFENSE", d, None, CHANGE)
        for d in Direction
        for a, b in [
            ("CONFIDENTIEL", "NATO CONFIDENTIAL"),
            ("SECRET", "NATO SECRET"),
            ("TRES SECRET", "COSMIC TOP SECRET"),
        ]
    ),
    row("NATO:NATO CONFIDENTIAL > FRA:SECRET", "label", CHANGE),
    row("NATO:NATO SECRET > FRA:SECRET", "label", CHANGE),
    row("NATO:COSMIC TOP SECRET > FRA:TRES SECRET", "label", CHANGE),
    row("NATO:NATO SECRET > FRA:SECRET", "clearance", CHANGE),
    row("NATO:COSMIC TOP SECRET > FRA:TRES SECRET", "clearance", CHANGE),
]
FRANCE = level_table("France and NATO", FRANCE_ROWS)
BEFORE, AFTER = date(2021, 6, 30), CHANGE


def test_france_had_three_levels_until_2021_07_01_and_has_two_since() -> None:
    assert FRANCE.label("FRA", "CONFIDENTIEL DEFENSE", "NATO", BEFORE).level == "NATO CONFIDENTIAL"
    assert FRANCE.label("FRA", "SECRET", "NATO", AFTER).level == "NATO SECRET"
    assert FRANCE.clearance("FRA", "TRES SECRET DEFENSE", "NATO", BEFORE).level == "COSMIC TOP SECRET"
    for level, day in [("CONFIDENTIEL DEFENSE", AFTER), ("SECRET DEFENSE", AFTER), ("SECRET", BEFORE)]:
        with pytest.raises(UnmappedLevelError):
            FRANCE.label("FRA", level, "NATO", day)


def test_a_label_rounds_up_and_a_clearance_down_where_france_has_no_such_level() -> None:
    assert FRANCE.label("NATO", "NATO CONFIDENTIAL", "FRA", BEFORE).level == "CONFIDENTIEL DEFENSE"
    assert FRANCE.label("NATO", "NATO CONFIDENTIAL", "FRA", AFTER).level == "SECRET"
    with pytest.raises(UnmappedLevelError):
        FRANCE.clearance("NATO", "NATO CONFIDENTIAL", "FRA", AFTER)
    with pytest.raises(UnmappedLevelError):
        FRANCE.label("NATO", "NATO RESTRICTED", "FRA", BEFORE)


JAPAN = Ladder("JPN", ("秘", "極秘"), source="worked example")
JAPAN_SPECIAL = Ladder("JPN", ("特定秘密",), source="worked example")
KOREA = Ladder("KOR", ("LEVEL III", "LEVEL II"), source="worked example, names of grades")
JAPAN_KOREA_ROWS = [
    *(row(f"JPN:{level} > KOR:LEVEL II", d, date(2016, 11, 23)) for d in Direction for level in ("極秘", "特定秘密")),
    row("KOR:LEVEL II > JPN:極秘", "label", date(2016, 11, 23)),
]


def test_japan_and_korea_map_secret_alone_and_only_since_their_agreement_of_2016() -> None:
    """Article 4 of the agreement: the upper of two grades is read there; the lower is inferred, so it does not map."""
    table = level_table("Japan and Korea, 2016", JAPAN_KOREA_ROWS, (JAPAN, JAPAN_SPECIAL, KOREA))
    for level in ("極秘", "特定秘密"):
        assert table.label("JPN", level, "KOR", date(2016, 11, 23)).level == "LEVEL II"
        with pytest.raises(UnmappedLevelError):
            table.label("JPN", level, "KOR", date(2016, 11, 22))
    for level, to in (("秘", "KOR"), ("極秘", "USA")):
        with pytest.raises(UnmappedLevelError):
            table.label("JPN", level, to, date(2020, 1, 1))
    with pytest.raises(UnmappedLevelError):
        table.clearance("KOR", "LEVEL II", "JPN", date(2020, 1, 1))
    inferred = replace(row("JPN:秘 > KOR:LEVEL III", "label"), status=Status.KNOWN)
    with pytest.raises(TableError) as refused:
        level_table("Japan and Korea, 2016", [*JAPAN_KOREA_ROWS, inferred], (JAPAN, JAPAN_SPECIAL, KOREA))
    assert rules_of(refused.value) == ["LEVEL-SOURCE"]


BAD = [
    ("LEVEL-SOURCE", [replace(row("NATO:NATO SECRET > USA:SECRET", "label"), source="")]),
    ("LEVEL-SOURCE", [replace(row("NATO:NATO SECRET > USA:SECRET", "label"), status=Status.KNOWN)]),
    ("LEVEL-DATES", [row("NATO:NATO SECRET > USA:SECRET", "label", CHANGE, CHANGE)]),
    ("LEVEL-SYSTEM", [row("USA:SECRET > USA:CONFIDENTIAL", "label")]),
    ("LEVEL-UNKNOWN", [row("NATO:SECRET > USA:SECRET", "label")]),
    ("LEVEL-UNKNOWN", [row("NATO:NATO RESTRICTED > USA:RESTRICTED", "label")]),
    ("LEVEL-UNKNOWN", [row("FRA:SECRET DEFENSE > NATO:NATO SECRET", "label")]),
    ("LEVEL-UNKNOWN", [row("FRA:SECRET > NATO:NATO SECRET", "label", date(2021, 6, 30))]),
    ("LEVEL-UNKNOWN", [row("DEU:GEHEIM > NATO:NATO SECRET", "label")]),
    (
        "LEVEL-TWICE",
        [row("NATO:NATO SECRET > USA:SECRET", "label"), row("NATO:NATO SECRET > USA:TOP SECRET", "label", CHANGE)],
    ),
    (
        "LEVEL-ORDER",
        [row("NATO:NATO SECRET > USA:SECRET", "label"), row("NATO:NATO RESTRICTED > USA:TOP SECRET", "label")],
    ),
    (
        "LEVEL-ROUNDING",
        [row("NATO:NATO SECRET > USA:SECRET", "label"), row("NATO:NATO SECRET > USA:TOP SECRET", "clearance")],
    ),
]


@pytest.mark.parametrize(("rule", "rows"), BAD, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(BAD)])
def test_a_table_that_rounds_the_wrong_way_or_cannot_be_checked_is_refused(rule: str, rows: list[LevelRow]) -> None:
    with pytest.raises(TableError) as refused:
        level_table("any", rows)
    assert rules_of(refused.value) == [rule]


def test_two_lower_levels_may_share_a_higher_one() -> None:
    rows = [row(f"NATO:NATO {level} > USA:CONFIDENTIAL", "label") for level in ("RESTRICTED", "CONFIDENTIAL")]
    table = level_table("any", rows)
    assert table.label("NATO", "NATO RESTRICTED", "USA", CHANGE).level == "CONFIDENTIAL"


def test_the_originators_level_stays_and_equivalents_are_recorded_beside_it() -> None:
    said = Levelled("NATO", "NATO CONFIDENTIAL", AFTER)
    recorded = said.with_alternative(FRANCE, "FRA")
    assert (recorded.system, recorded.level, recorded.created) == ("NATO", "NATO CONFIDENTIAL", AFTER)
    assert [(each.system, each.level, each.agreement) for each in recorded.alternatives] == [
        ("FRA", "SECRET", "France and NATO")
    ]
    assert said.alternatives == ()
    with pytest.raises(MarkingError):
        recorded.with_alternative(FRANCE, "FRA")
    with pytest.raises(UnmappedLevelError):
        said.with_alternative(FRANCE, "USA")


def test_a_table_is_known_by_its_rows_whatever_their_order() -> None:
    assert level_table("France and NATO", reversed(FRANCE_ROWS)) == FRANCE
    assert level_table("another agreement", FRANCE_ROWS) != FRANCE
    assert isinstance(FRANCE, LevelTable)


def test_only_orders_that_were_read_in_their_texts_are_shipped() -> None:
    assert {ladder.system for ladder in shipped_ladders()} == {"USA", "NATO", "EU", "FRA"}
    assert all(ladder.source for ladder in shipped_ladders())
