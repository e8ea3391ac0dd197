"""``relgate emergency``: opened by the officer whom the file names, listed while open, closed by anybody."""

from __future__ import annotations

import json

OFFICER = "Duty disclosure officer (fictional)"
OPEN = ("emergency", "open", "KOR", "kor-station", "--reason", "the station must move")


def test_an_emergency_is_opened_listed_and_closed_and_each_says_so(ready):
    assert "no emergency is open" in ready("emergency", "list").out
    opened = json.loads(ready(*OPEN, "--by", OFFICER, "--json").out)
    assert (opened["partner"], opened["name"], opened["by"]) == ("KOR", "kor-station", OFFICER)
    (listed,) = json.loads(ready("emergency", "list", "--json").out)
    assert (listed["emergency"], listed["until"]) == ("kor-station", opened["until"])
    assert listed["reason"] == "the station must move"
    assert ready("emergency", "close", "KOR", "kor-station", "--reason", "it has moved").code == 0
    assert json.loads(ready("emergency", "list", "--json").out) == []
    again = ready("emergency", "close", "KOR", "kor-station", "--reason", "twice")
    assert again.code == 1
    assert "no such" in again.err


def test_whoever_is_not_named_opens_nothing_and_hears_who_may(ready):
    done = ready(*OPEN, "--by", "Somebody Else")
    assert done.code == 1
    assert OFFICER in done.err
    assert json.loads(ready("emergency", "list", "--json").out) == []


def test_an_emergency_that_the_set_does_not_hold_is_refused_with_those_it_has(ready):
    done = ready("emergency", "open", "KOR", "kor-sattion", "--reason", "why", "--by", OFFICER)
    assert done.code == 1
    assert "kor-station" in done.err


def test_a_reason_is_asked_for_before_anything_is_opened(ready):
    done = ready("emergency", "open", "KOR", "kor-station", "--by", OFFICER)
    assert done.code == 2
    assert "--reason" in done.err


def test_policy_explain_answers_as_if_an_emergency_were_open_and_a_volume_used(ready):
    asked = ("policy", "explain", "C//REL TO USA, KOR", "KOR", "maneuver", "--assume-key", "--json", "--purpose",
             "collision-avoidance", "--at", "2026-06-18", "--field", "satNo=25544", "--field", "status=PLANNED",
             "--field", "dataMode=REAL")  # fmt: skip
    closed = json.loads(ready(*asked).out)
    assert "no officer has it open" in json.dumps(closed)
    opened = json.loads(ready(*asked, "--emergency", "kor-station").out)
    assert opened["grants"] == ["kor-station"]
    used = json.loads(ready(*asked, "--emergency", "kor-station", "--used", "kor-daily=10000").out)
    assert "10000 of 10000 records" in json.dumps(used)
    assert ready(*asked, "--used", "kor-daily").code == 2
