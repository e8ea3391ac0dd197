"""Officers at the command line: keys, a list, signatures, activation, going back, lifting a stop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

OFFICERS = ("alice", "bob", "carol")


@pytest.fixture
def officers(relgate, place: Path):
    """Three officers' keys and the list of them, and settings that ask for two signatures."""
    settings = place / "relgate.toml"
    settings.write_text("officer_signatures = 2\n" + settings.read_text(), encoding="utf-8")
    assert relgate("keys", "init").code == 0
    tables = []
    for name in OFFICERS:
        made = relgate("officers", "key", name, "--out", f"{name}.pem")
        assert made.code == 0, made.err
        assert (place / f"{name}.pem").stat().st_mode & 0o077 == 0
        tables.append(made.out)
    (place / "officers.toml").write_text("\n".join(tables), encoding="utf-8")
    return relgate


@pytest.fixture
def installed(officers):
    for name in ("alice", "bob"):
        assert officers("officers", "sign", "officers.toml", "--key", f"{name}.pem").code == 0
    done = officers("officers", "install", "officers.toml", "--reason", "first list")
    assert done.code == 0, done.err
    return officers


def test_a_list_that_too_few_of_its_officers_signed_is_not_installed(officers):
    assert officers("officers", "sign", "officers.toml", "--key", "alice.pem").code == 0
    done = officers("officers", "install", "officers.toml")
    assert done.code == 1
    assert "2 officers must sign, and alice has" in done.err
    assert json.loads(officers("officers", "list", "--json").out)["list"] == []


def test_two_officers_sign_a_set_activate_another_and_go_back_to_the_first(installed, place: Path):
    for name in ("alice", "bob"):
        signed = installed("policy", "sign", "--key", f"{name}.pem", "--json")
        assert signed.code == 0, signed.err
    assert json.loads(signed.out)["signed"] == ["alice", "bob"]
    first = json.loads(installed("policy", "activate", "--reason", "first", "--json").out)["policy"]
    file = place / "policies" / "partners" / "JPN.toml"
    file.write_text(file.read_text().replace('delay = "1h"', 'delay = "30m"'), encoding="utf-8")
    refused = installed("policy", "activate", "--reason", "hasty")
    assert refused.code == 1
    assert "2 officers must sign, and nobody has" in refused.err + refused.out
    assert json.loads(installed("policy", "show", "--json").out)["policy"] == first
    for name in ("carol", "bob"):
        assert installed("policy", "sign", "--key", f"{name}.pem").code == 0
    second = json.loads(installed("policy", "activate", "--reason", "sooner", "--lead", "0", "--json").out)["policy"]
    listed = json.loads(installed("policy", "sets", "--json").out)
    assert [(each["policy"], each["signed"], each["in_force"]) for each in listed] == [
        (second, ["bob", "carol"], True),
        (first, ["alice", "bob"], False),
    ]
    (entry,) = json.loads(installed("audit", "show", str(listed[0]["entry"]), "--json").out)
    assert entry["private"]["impact"]["partners"]["JPN"]["gained"] > 0
    back = installed("policy", "rollback", first[:12], "--reason", "too soon", "--json")
    assert back.code == 0, back.err
    assert json.loads(installed("policy", "show", "--json").out)["policy"] == first
    assert installed("policy", "rollback", "ffff").code == 1
    assert installed("audit", "verify").code == 0


def test_a_key_that_is_no_officers_signs_nothing(installed):
    assert installed("officers", "key", "eve", "--out", "eve.pem").code == 0
    done = installed("policy", "sign", "--key", "eve.pem")
    assert done.code == 1
    assert "no key of an officer in force" in done.err


def test_one_officer_stops_and_two_lift(installed):
    assert installed("stop", "partner", "JPN", "--reason", "key stolen", "--unknown").code == 0
    assert installed("stop", "partner", "JPN", "--lift", "--sign", "alice.pem").code == 0
    alone = installed("stop", "partner", "JPN", "--lift", "--reason", "found")
    assert alone.code == 1
    assert "alice has" in alone.err
    assert installed("stop", "partner", "JPN", "--lift", "--sign", "bob.pem").code == 0
    done = installed("stop", "partner", "JPN", "--lift", "--reason", "found")
    assert done.code == 0, done.err
    assert json.loads(installed("stop", "--json").out) == []


def test_a_name_that_could_be_a_path_and_a_key_file_that_is_there_are_refused(officers):
    assert officers("officers", "key", "../eve", "--out", "eve.pem").code == 2
    assert officers("officers", "key", "alice", "--out", "alice.pem").code == 1
