"""Backup, restore, archive, removal and reindex by command, as docs/audit-keeping.md says them."""

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import SigningKey, parse_verifier_key
from gateway.audit.reading import LogReader
from tests.cli.audit_log import fill

NEXT = (datetime.now(UTC).replace(day=1) + timedelta(days=63)).replace(day=2)
"""In the month after the next one: the log's first entries are of now, and a month may end before they are written."""

MONTH = f"{NEXT:%Y-%m}"


def later() -> datetime:
    return NEXT + timedelta(days=400)


@pytest.fixture
def filled(ready):
    fill(NEXT)
    return ready


def log_key(relgate) -> str:
    key: str = json.loads(relgate("keys", "list", "--json").out)["gateway"]["log_key"]
    return key


def wipe(place) -> None:
    shutil.rmtree(place / "var")
    (place / "var").mkdir()


def test_a_backup_that_is_put_back_goes_on_where_it_was_and_says_so(filled, place):
    done = filled("audit", "backup", "copy/audit.sqlite3", "--json")
    assert done.code == 0, done.err
    size = json.loads(done.out)["entries"]
    wipe(place)
    assert filled("audit", "restore", "copy/audit.sqlite3").code == 2
    back = filled("audit", "restore", "copy/audit.sqlite3", "--held", "copy/audit.sqlite3.checkpoint", "--by", "Op")
    assert back.code == 0, back.err
    assert filled("audit", "verify", "--held", "copy/audit.sqlite3.checkpoint").code == 0
    (last,) = json.loads(filled("audit", "show", str(size), "--json").out)
    assert (last["leaf"]["event"], last["private"]["by"]) == ("restored", "Op")
    assert filled("audit", "restore", "copy/audit.sqlite3", "--nothing-held").code == 1


@pytest.mark.parametrize("kind", ["checkpoint", "receipt"])
def test_an_old_copy_is_refused_by_a_later_checkpoint_or_any_later_receipt(filled, place, kind):
    filled("audit", "backup", "copy.sqlite3")
    fill_later = filled("stop", "partner", "JPN", "--reason", "x")
    assert fill_later.code == 0
    filled("audit", "verify", "--keep", "held")
    if kind == "receipt":
        reader = LogReader.open_to_read(
            "sqlite:///var/audit.sqlite3", origin="gateway.example/log", verifier=parse_verifier_key(log_key(filled))
        )
        issued = reader.receipt_at(0)
        reader.close()
        assert issued is not None
        (place / "held").write_bytes(issued.receipt)
    wipe(place)
    done = filled("audit", "restore", "copy.sqlite3", "--held", "held")
    assert (done.code, "rolled back" in done.err) == (1, True)
    assert list((place / "var").iterdir()) == []
    assert filled("audit", "restore", "copy.sqlite3", "--nothing-held").code == 0


def test_a_backup_of_an_altered_log_says_what_is_wrong_where(filled, place):
    with sqlite3.connect(place / "var" / "audit.sqlite3") as database:
        database.execute("UPDATE entries SET partner = 'XXX' WHERE position = 1")
    database.close()
    done = filled("audit", "backup", "copy.sqlite3")
    assert done.code == 1
    assert "the copy is not sound: entry 1: is filed under something else than its leaf says" in done.err


def test_an_altered_copy_is_not_put_back(filled, place):
    filled("audit", "backup", "copy.sqlite3")
    with sqlite3.connect(place / "copy.sqlite3") as database:
        database.execute("UPDATE private_parts SET body = CAST('{}' AS BLOB) WHERE position = 1")
    database.close()
    wipe(place)
    done = filled("audit", "restore", "copy.sqlite3", "--nothing-held")
    assert (done.code, "entry 1" in done.err) == (1, True)


def test_an_archive_is_checked_with_the_logs_key_alone_where_there_are_no_settings(
    filled, place, tmp_path, monkeypatch
):
    monkeypatch.setattr("gateway.cli.session.now", later)
    assert filled("audit", "archive", MONTH, "--to", "cold").code == 0
    key = log_key(filled)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(place / "cold", elsewhere / "cold")
    monkeypatch.chdir(elsewhere)
    done = filled("audit", "check-archive", f"cold/{MONTH}.audit", "--log-key", key)
    assert done.code == 0, done.err
    other = SigningKey("other.example/log", Ed25519PrivateKey.generate()).verifier
    assert filled("audit", "check-archive", f"cold/{MONTH}.audit", "--log-key", str(other)).code != 0


def test_a_month_that_is_archived_again_after_its_bodies_went_says_that_the_earlier_file_counts(
    filled, place, monkeypatch
):
    monkeypatch.setattr("gateway.service.now", later)
    monkeypatch.setattr("gateway.cli.session.now", later)
    (place / "cold").mkdir()
    assert filled("audit", "archive", MONTH, "--to", "cold", "--remove", "private", "--reason", "R7").code == 0
    assert filled("audit", "archive", MONTH, "--to", "cold").code == 1  # the file is there, and stays what it is
    again = filled("audit", "archive", MONTH, "--to", "other")
    assert again.code == 0, again.err
    assert "had lost their bodies before: keep the archive made earlier" in again.out
    assert "without a body" in filled("audit", "check-archive", f"other/{MONTH}.audit").out
    assert "without a body" not in filled("audit", "check-archive", f"cold/{MONTH}.audit").out
    for folder, silent in (("other", False), ("cold", True)):
        answer = filled("audit", "who-got", "a-1", "--archive", f"{folder}/{MONTH}.audit").out
        assert ("entries of the archives asked lack a body" not in answer) is silent


def test_bodies_stay_in_the_log_where_the_storage_for_their_archive_is_not_there(filled, place, monkeypatch):
    monkeypatch.setattr("gateway.cli.session.now", later)
    done = filled("audit", "archive", MONTH, "--to", "cold", "--remove", "rows", "--reason", "R7")
    assert (done.code, "mount the storage" in done.err) == (2, True)
    assert not (place / "cold").exists()
    assert "bodies-removed" not in filled("audit", "export").out


def test_a_month_is_archived_removed_and_checked_without_the_gateway(filled, place, monkeypatch):
    before = json.loads(filled("audit", "who-got", "a-1", "--json").out)
    monkeypatch.setattr("gateway.service.now", later)
    monkeypatch.setattr("gateway.cli.session.now", later)
    (place / "cold").mkdir()
    done = filled("audit", "archive", MONTH, "--to", "cold", "--remove", "private", "--reason", "R7", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["removed"] > 0
    assert filled("audit", "verify").code == 0
    key = log_key(filled)
    shutil.rmtree(place / "keys" / "gateway")
    checked = json.loads(filled("audit", "check-archive", f"cold/{MONTH}.audit", "--log-key", key, "--json").out)
    assert (checked["sound"], checked["sha256"]) == (True, said["sha256"])
    shown = filled("audit", "search", "event=bodies-removed", "--log-key", key, "--json")
    (entry,) = json.loads(shown.out)["entries"]
    (whole,) = json.loads(filled("audit", "show", str(entry["index"]), "--log-key", key, "--json").out)
    (order,) = whole["private"]["orders"]
    assert (order["archive"], order["reason"], order["what"]) == (said["sha256"], "R7", "private")
    assert len(before["releases"]) == 2


def test_an_answer_after_a_spill_asks_the_archives_that_are_named(filled, place, monkeypatch):
    monkeypatch.setattr("gateway.cli.session.now", later)
    (place / "cold").mkdir()
    filled("audit", "archive", MONTH, "--to", "cold", "--remove", "rows")
    alone = json.loads(filled("audit", "who-got", "a-1", "--json").out)
    assert (alone["releases"], alone["entries_without_rows"] > 0) == ([], True)
    with_archive = json.loads(filled("audit", "who-got", "a-1", "--archive", f"cold/{MONTH}.audit", "--json").out)
    assert [each["partner"] for each in with_archive["releases"]] == ["GBR", "JPN"]
    assert with_archive["archives"] == [f"cold/{MONTH}.audit"]


def test_old_bodies_are_removed_by_age_with_a_reason_and_the_log_verifies(filled, monkeypatch):
    monkeypatch.setattr("gateway.cli.session.now", later)
    moment = (NEXT + timedelta(hours=25)).isoformat()
    assert filled("audit", "remove", "--before", moment, "--what", "private").code == 2
    done = filled("audit", "remove", "--before", moment, "--what", "private", "--reason", "R7", "--json")
    assert (done.code, json.loads(done.out)["removed"] > 0) == (0, True)
    assert filled("audit", "verify").code == 0
    assert filled("audit", "tail").code == 0
    assert filled("audit", "remove", "--before", "2999-01-01", "--what", "rows", "--reason", "x").code == 2


def test_a_catalogue_that_was_changed_is_found_by_comparing_it(filled, place):
    assert filled("audit", "reindex").code == 0
    with sqlite3.connect(place / "var" / "audit.sqlite3") as database:
        database.execute("DELETE FROM postings WHERE position = 1")
    database.close()
    done = filled("audit", "reindex", "--json")
    assert (done.code, json.loads(done.out)["agrees"]) == (1, False)
