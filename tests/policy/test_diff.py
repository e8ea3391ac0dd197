"""What a change of a file means, whatever the text looks like."""

from __future__ import annotations

import pytest

from gateway.policy.changes import Change, Direction
from gateway.policy.diff import diff
from gateway.policy.load import load
from tests.policy.worked import read_files

JPN, GBR, KOR, NZL, FRA, CAN = (f"policies/partners/{code}.toml" for code in ("JPN", "GBR", "KOR", "NZL", "FRA", "CAN"))
MANEUVER = "policies/datasets/maneuver.toml"
SETTINGS = "policies/policy.toml"
WIDER, NARROWER, OTHER = Direction.WIDER, Direction.NARROWER, Direction.OTHER


def changes(file: str, old: str, new: str) -> tuple[Change, ...]:
    files = read_files()
    text = files[file].decode()
    assert old in text
    return diff(load(files), load({**files, file: text.replace(old, new, 1).encode()}))


@pytest.mark.parametrize(
    ("file", "old", "new", "what", "direction"),
    [
        (JPN, "until = 2028-01-01", "until = 2030-01-01", "agreement.until", WIDER),
        (JPN, "until = 2028-01-01", "until = 2027-01-01", "agreement.until", NARROWER),
        (JPN, '8 = "SECRET"', '8 = "CONFIDENTIAL"', "ceiling.8", NARROWER),
        (JPN, '8 = "SECRET"', '8 = "TOP SECRET"', "ceiling.8", WIDER),
        (JPN, 'clearance = "CONFIDENTIAL"', 'clearance = "SECRET"', "system.jpn-academic-liaison", WIDER),
        (JPN, "plain = false", "plain = true", "channel.plain", WIDER),
        (JPN, 'where = { msgType = "SENSOR_STATUS" }', 'where = "everything"', "deny jpn-no-sensor-status", NARROWER),
        (JPN, 'where = { msgType = "COLLISION_WARNING" }', 'where = "everything"', "grant jpn-notice-collision", WIDER),
        (JPN, 'delay = "1h"', 'delay = "30m"', "grant jpn-notice-other", WIDER),
        (JPN, "until = 2027-07-01", "until = 2028-07-01", "consent", WIDER),
        (KOR, "angle = 0.1 ", "angle = 0.01 ", "grant kor-elset-geo", WIDER),
        (KOR, "angle = 0.1 ", "angle = 1 ", "grant kor-elset-geo", NARROWER),
        (KOR, 'drop = ["provenance", "handling", "site"]', 'drop = ["provenance"]', "grant kor-launchevent", WIDER),
        ("policies/communities.toml", "from = 2024-07-01", "from = 2023-07-01", "PSSA", WIDER),
        ("policies/datasets/elset.toml", '"government", "company"', '"government"', "unmarked_default", NARROWER),
        (KOR, "records = 10000", "records = 20000", "volume kor-daily", WIDER),
        (KOR, "requests = 30", "requests = 20", "volume kor-often", NARROWER),
        (KOR, 'per = "1m"', 'per = "2m"', "volume kor-often", OTHER),
        (KOR, 'for = "6h"', 'for = "12h"', "grant kor-station", WIDER),
        (KOR, 'launch = "1d"', 'launch = "2d"', "grant kor-launchevent", NARROWER),
        (KOR, 'launch = "1d"', 'launch = "12h"', "grant kor-launchevent", WIDER),
        (KOR, "Not to be passed on.", "", "grant kor-launchevent", OTHER),
        (KOR, ', "Desk officer, Korea (fictional)"]', "]", "redelegation", NARROWER),
        (KOR, "plain = false", 'plain = false\npost_quantum = "SECRET"', "channel.post_quantum", NARROWER),
        (NZL, '"createdAt", "msgType", "msgBody"]', '"createdAt", "msgType"]', "grant nzl-collision-warning", NARROWER),
        (FRA, "tear_line = true", "", "grant fra-maneuver-others", OTHER),
        (CAN, 'level = "SECRET" }', 'level = "CONFIDENTIAL" }', "grant can-maneuver", NARROWER),
        (MANEUVER, 'level = "SECRET"', 'level = "CONFIDENTIAL"', "compilation maneuver-pattern", WIDER),
        (SETTINGS, "[purposes]", '[tighten.udl]\nFOUO = "never"\n[purposes]', "tighten.udl.FOUO", NARROWER),
    ],
)  # fmt: skip
def test_a_change_is_named_with_its_direction(file: str, old: str, new: str, what: str, direction: Direction) -> None:
    found = changes(file, old, new)
    assert any((each.what, each.direction) == (what, direction) for each in found), found


def test_comments_order_and_cases_change_nothing() -> None:
    files = read_files()
    text = files[GBR].decode()
    head, *grants = text.split("[[grant]]")
    moved = head + "# a remark\n" + "".join("[[grant]]" + each for each in [*grants[1:-1], grants[0], grants[-1]])
    again = {**files, GBR: moved.encode()}
    again["policies/cases/JPN.toml"] = files["policies/cases/JPN.toml"] + b"# a remark\n"
    assert diff(load(files), load(again)) == ()


def test_an_obligation_taken_over_from_another_dataset_is_reported_at_the_rule_it_changes() -> None:
    found = changes(KOR, "angle = 0.1 ", "angle = 1 ")
    texts = [each.text for each in found if each.what == "grant kor-maneuver"]
    assert "preInclination: rounded to 0.1 becomes rounded to 1" in texts


def test_a_partner_added_or_removed_is_one_change() -> None:
    files = read_files()
    without = {path: held for path, held in files.items() if not path.endswith("/KOR.toml")}
    assert [(each.text, each.direction) for each in diff(load(files), load(without))] == [
        ("the partner is removed", NARROWER)
    ]
    assert [each.direction for each in diff(load(without), load(files))] == [WIDER]
