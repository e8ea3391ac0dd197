"""``relgate check``: a marking against a partner, explained gate by gate."""

import json

import pytest

from gateway.policy.decision import Gate

WHO = ("--system", "jpn-space-operations", "--purpose", "collision-avoidance")
FIELDS = ("--field", "satNo=25544", "--field", "meanMotion=15.5", "--field", "eccentricity=0.0005")


def test_every_gate_is_listed_with_outcome_and_reason_in_words(ready):
    done = ready("check", "SECRET//NOFORN", "JPN", "elset", *FIELDS, *WHO)
    assert done.code == 1
    assert "would NOT go to JPN" in done.out
    for gate in Gate:
        assert gate.value in done.out
    said = json.loads(ready("check", "S//NF", "JPN", "elset", *FIELDS, *WHO, "--json").out)
    assert said["permitted"] is False
    assert [gate["gate"] for gate in said["gates"]] == [gate.value for gate in Gate]


def test_a_marking_that_does_not_parse_is_explained_and_denies(ready):
    done = ready("check", "SECERT", "JPN", "elset", *WHO)
    assert done.code == 1
    assert "marking: " in done.err
    assert "label_unparsed" in done.out


def test_an_unknown_partner_or_dataset_says_what_was_meant(ready):
    assert "did you mean JPN?" in ready("check", "U", "JPM", "elset").err
    done = ready("check", "U", "JPN", "elsett")
    assert done.code == 2
    assert "did you mean elset?" in done.err


@pytest.mark.parametrize(
    "wrong",
    [("--field", "satNo"), ("--at", "yesterday"), ("--date", "soon"), ("--at", "2026-07-01T00:00:00")],
)
def test_an_option_that_cannot_be_read_is_used_wrongly_with_a_hint(ready, wrong):
    done = ready("check", "U", "JPN", "elset", *wrong)
    assert done.code == 2
    assert "hint: " in done.err


def test_a_stop_shows_against_the_set_in_force_and_not_against_the_files(ready):
    ready("stop", "partner", "JPN", "--reason", "x")
    words = ("check", "U", "JPN", "elset", *FIELDS, *WHO, "--json")
    gates = {gate["gate"]: gate["reasons"] for gate in json.loads(ready(*words).out)["gates"]}
    assert "stopped" not in gates["hold"]
    gates = {gate["gate"]: gate["reasons"] for gate in json.loads(ready(*words, "--in-force").out)["gates"]}
    assert "stopped" in gates["hold"]
