"""Auditors' commands: verify, tail, show, receipts; and that reading is itself recorded."""

import json
import sqlite3

import pytest

from gateway.audit.checkpoint import parse_verifier_key
from gateway.audit.reading import LogReader


def log_key(ready) -> str:
    key: str = json.loads(ready("keys", "list", "--json").out)["gateway"]["log_key"]
    return key


def test_a_sound_log_verifies_and_its_checkpoint_can_be_kept_and_held_against_it(ready, place):
    done = ready("audit", "verify", "--keep", "head.checkpoint")
    assert done.code == 0, done.err
    assert done.out.startswith("sound: ")
    ready("stop", "partner", "JPN", "--reason", "x")
    said = json.loads(ready("audit", "verify", "--held", "head.checkpoint", "--json").out)
    assert (said["sound"], said["extends_held"]) == (True, True)


def test_an_altered_entry_is_found_and_named_with_exit_code_one(ready, place):
    with sqlite3.connect(place / "var" / "audit.sqlite3") as database:
        (body,) = database.execute("select body from private_parts where position = 0").fetchone()
        changed = (bytes(body).replace(b"first", b"other"),)
        database.execute("update private_parts set body = ? where position = 0", changed)
    database.close()
    done = ready("audit", "verify", "--json")
    assert done.code == 1
    said = json.loads(done.out)
    assert said["sound"] is False
    assert any("0" in finding["where"] for finding in said["findings"])


def test_a_log_that_was_put_back_is_found_by_the_checkpoint_held_elsewhere(ready, place):
    old = {path.name: path.read_bytes() for path in (place / "var").iterdir()}
    ready("stop", "partner", "JPN", "--reason", "x")
    assert ready("audit", "verify", "--keep", "head.checkpoint").code == 0
    for path in (place / "var").iterdir():
        path.unlink()
    for name, content in old.items():
        (place / "var" / name).write_bytes(content)
    assert ready("audit", "verify").code == 0
    assert ready("audit", "verify", "--held", "head.checkpoint").code == 1


def test_a_check_goes_on_from_its_state_and_says_what_only_a_whole_check_sees(ready, place):
    assert ready("audit", "verify", "--state", "last.state", "--processes", "2").code == 0
    assert (place / "last.state").stat().st_mode & 0o777 == 0o600
    ready("stop", "partner", "JPN", "--reason", "x")
    done = ready("audit", "verify", "--state", "last.state")
    assert (done.code, "were not read again" in done.out) == (0, True)
    said = json.loads(ready("audit", "verify", "--state", "last.state", "--json").out)
    assert (said["checked"], said["sound"]) == (0, True)
    with sqlite3.connect(place / "var" / "audit.sqlite3") as database:
        database.execute("DELETE FROM stops")
        database.execute("UPDATE activations SET by = 'mallory'")
    database.close()
    done = ready("audit", "verify", "--state", "last.state")
    assert (done.code, "mallory" in done.out or "activations" in done.out) == (1, True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("{}", "is no state of an earlier check"), ('{"version":1', "is no state"), ("nothing", "a note is text")],
)
def test_a_state_file_that_is_none_is_refused_in_words_and_left_as_it_is(ready, place, wrong: str, told: str):
    (place / "last.state").write_text(wrong)
    done = ready("audit", "verify", "--state", "last.state")
    assert done.code != 0
    assert told in done.err
    assert (place / "last.state").read_text() == wrong


def test_a_state_file_with_a_checkpoint_alone_has_everything_read_once(ready, place):
    ready("audit", "verify", "--keep", "last.state")
    said = json.loads(ready("audit", "verify", "--state", "last.state", "--json").out)
    assert said["checked"] == said["entries"] > 0
    assert json.loads(ready("audit", "verify", "--state", "last.state", "--json").out)["checked"] == 0


def test_reading_private_parts_leaves_an_entry_with_who_and_what(ready):
    ready("audit", "show", "0", "--by", "A. Auditor")
    (entry,) = json.loads(ready("audit", "tail", "-n", "2", "--json").out)[:1]
    assert entry["event"] == "audit-read"
    (whole,) = json.loads(ready("audit", "show", str(entry["index"]), "--json").out)
    assert (whole["private"]["by"], whole["private"]["what"]) == ("A. Auditor", "show 0")


def test_an_auditor_with_the_public_key_alone_reads_a_copy_and_writes_nothing(ready, place):
    key = log_key(ready)
    for path in (place / "keys" / "gateway").iterdir():
        path.unlink()
    (place / "keys" / "gateway").rmdir()
    assert ready("audit", "tail", "--log-key", key).code == 0
    assert ready("audit", "verify", "--log-key", key).code == 0
    before = json.loads(ready("audit", "verify", "--log-key", key, "--json").out)["entries"]
    ready("audit", "show", "0", "--log-key", key)
    assert json.loads(ready("audit", "verify", "--log-key", key, "--json").out)["entries"] == before


def test_an_entry_that_is_not_there_says_how_far_the_log_goes(ready):
    done = ready("audit", "show", "99")
    assert done.code == 1
    assert "entries 0 to " in done.err


def test_a_receipt_verifies_offline_and_a_changed_one_does_not(ready, place):
    key = log_key(ready)
    reader = LogReader.open_to_read(
        "sqlite:///var/audit.sqlite3", origin="gateway.example/log", verifier=parse_verifier_key(key)
    )
    issued = reader.receipt_at(0)
    reader.close()
    assert issued is not None
    (place / "a.tlog-proof").write_bytes(issued.receipt)
    (place / "relgate.toml").unlink()
    done = ready("receipt", "verify", "a.tlog-proof", "--log-key", key, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert (said["log"], said["index"], said["leaf"]["event"]) == (
        "gateway.example/log",
        0,
        "policy-activated",
    )
    (place / "b.tlog-proof").write_bytes(issued.receipt.replace(b"index 0", b"index 1"))
    assert ready("receipt", "verify", "b.tlog-proof", "--log-key", key).code == 1


@pytest.mark.parametrize("given", [b"", b"\xff\xfe", b"not a receipt\n"])
def test_what_is_no_receipt_is_refused_and_not_a_crash(ready, place, given):
    (place / "c.tlog-proof").write_bytes(given)
    done = ready("receipt", "verify", "c.tlog-proof")
    assert done.code == 1
    assert done.err.startswith("error: ")
