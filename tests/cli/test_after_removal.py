"""Every command of the log after retention took leaves: it still works, or says what it cannot say any more."""

import json
import shutil
from datetime import timedelta

import pytest

from tests.cli.audit_log import fill
from tests.cli.test_audit_keeping import MONTH, NEXT, later, log_key, wipe

REMOVED = "retention removed"


@pytest.fixture
def removed(ready, place, monkeypatch):
    """A log whose entries 1 and 2 were releases and lost their leaves; of before: folder, state, head, archive."""
    fill(NEXT)
    monkeypatch.setattr("gateway.cli.session.now", later)
    for arguments in (
        ("audit", "verify", "--state", "state"),
        ("audit", "verify", "--keep", "kept"),
        ("audit", "publish", "folder", "--entries"),
        ("audit", "archive", MONTH, "--to", "cold"),
        ("audit", "remove", "--before", (NEXT + timedelta(hours=25)).isoformat(), "--what", "leaf", "--reason", "R7"),
    ):
        done = ready(*arguments)
        assert done.code == 0, done.err
    return ready


def test_the_log_and_its_folder_verify_incrementally_and_whole_and_say_what_was_removed(removed, place):
    assert removed("audit", "verify").code == 0
    again = json.loads(removed("audit", "verify", "--state", "state", "--json").out)
    assert (again["sound"], again["extends_held"]) == (True, True)
    published = removed("audit", "publish", "folder", "--entries")
    assert "1 taken away that held entries which the log has removed" in published.out
    key = log_key(removed)
    done = removed("audit", "verify", "--folder", "folder", "--log-key", key)
    assert done.code == 0, done.out
    assert "of 2 of them the hash alone" in done.out
    assert "remark: entries 0 to 2 lack 2 leaves, which retention removed, as entry 6 records" in done.out
    next((place / "folder" / "relgate" / "removals").iterdir()).unlink()
    done = removed("audit", "verify", "--folder", "folder", "--log-key", key)
    assert (done.code, "entries 1 to 2  without a leaf, and no removal" in done.out) == (1, True)
    assert removed("audit", "publish", "folder").code == 2


def test_what_is_read_of_the_log_says_that_bodies_were_removed(removed, place):
    shown = removed("audit", "show", "2")
    assert (shown.code, "only the hash is left" in shown.err, "show 6" in shown.err) == (1, True, True)
    for number in ("99", "9" * 19, "9" * 5000):
        assert f"no entry and no release {number}" in removed("audit", "show", number).err
    for command in (("search", "partner=GBR"), ("replay",), ("who-got", "a-1")):
        done = removed("audit", *command)
        assert (done.code, "removed" in done.out) == (0, True), done.out
    for command in (("gaps", "--no-grid"), ("impact", "policies", "--no-grid")):
        done = removed("policy", *command)
        assert REMOVED in done.err, (done.out, done.err)
    done = removed("audit", "export", "--format", "jsonl")
    exported = [json.loads(line)["index"] for line in done.out.splitlines()]
    assert (exported[:3], REMOVED in done.err) == ([0, 3, 4], True)


def test_archives_and_copies_of_a_log_that_lost_leaves_prove_themselves(removed, place):
    found = json.loads(removed("audit", "who-got", "a-1", "--archive", f"cold/{MONTH}.audit", "--json").out)
    assert [each["partner"] for each in found["releases"]] == ["GBR", "JPN"]
    assert removed("audit", "check-archive", f"cold/{MONTH}.audit").code == 0
    none = removed("audit", "archive", MONTH, "--to", "again")
    assert (none.code, "have no month any more" in none.err) == (1, True)
    month = f"{NEXT + timedelta(days=40):%Y-%m}"
    assert removed("audit", "archive", month, "--to", "cold").code == 0
    assert removed("audit", "check-archive", f"cold/{month}.audit").code == 0
    assert removed("audit", "backup", "copy.sqlite3").code == 0
    wipe(place)
    assert removed("audit", "restore", "copy.sqlite3", "--held", "kept").code == 0
    assert removed("audit", "verify", "--held", "kept").code == 0
    assert removed("audit", "publish", "folder", "--entries").code == 0
    shutil.rmtree(place / "var")
    assert removed("audit", "verify", "--folder", "folder", "--log-key", log_key(removed), "--held", "kept").code == 0


def test_a_replay_of_releases_without_what_they_were_decided_from_says_so(removed):
    done = removed(
        "audit", "remove", "--before", (NEXT + timedelta(days=60)).isoformat(), "--what", "private", "--reason", "R8"
    )
    assert done.code == 0, done.err
    said = json.loads(removed("audit", "replay", "3", "--json").out)
    assert (said["entries"], said["bodiless"], REMOVED in said["note"]) == (0, 1, True)
