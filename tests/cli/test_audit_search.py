"""Auditors' questions by command: who got a record, what was searched for, what left in all; each reading recorded."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.audit_log import RECORD, fill

QUERIES = """
[cut]
about = "What JPN had"
partner = "JPN"
since = "2026-06-01"
"""


@pytest.fixture
def filled(ready):
    fill()
    return ready


def latest(relgate) -> dict:
    """The newest reading that was recorded before this one."""
    page = json.loads(relgate("audit", "search", "event=audit-read", "-n", "2", "--json").out)
    (whole,) = json.loads(relgate("audit", "show", str(page["entries"][1]["index"]), "--json").out)
    return whole["private"]


def test_a_record_file_finds_its_own_bytes_and_with_its_field_its_other_forms(filled, place):
    (place / "record.json").write_bytes(RECORD + b"\n")
    alone = json.loads(filled("audit", "who-got", "record.json", "--json").out)
    assert [each["partner"] for each in alone["releases"]] == ["GBR", "JPN"]
    (place / "cut.json").write_bytes(RECORD.replace(b"S//", b"C//"))
    said = json.loads(filled("audit", "who-got", "cut.json", "--field", "idElset", "--json").out)
    assert [(each["partner"], each["matched"]) for each in said["releases"]] == [
        ("GBR", "identifier"),
        ("JPN", "identifier"),
    ]
    first, second = said["releases"]
    assert (first["marking"], first["system"], first["dataset"]) == ("S//REL TO USA, FVEY", "gbr-system", "elset")
    assert second["obligations"]["redacted"] == ["covariance"]


@pytest.mark.parametrize("typed", ["A-1", " a-1 ", "a-1\n"])
def test_an_identifier_in_another_spelling_is_found_and_said_to_be_one(filled, typed):
    said = json.loads(filled("audit", "who-got", typed, "--identifier", "--json").out)
    assert {each["matched"] for each in said["releases"]} == {"another spelling"}
    assert len(said["partners"]) == 2
    assert "found by another spelling" in filled("audit", "who-got", typed, "--identifier", "--markdown").out


def test_a_digest_is_taken_in_capitals_and_with_its_name_before_it(filled):
    digest = hashlib.sha256(RECORD).hexdigest()
    for typed in (digest.upper(), f"sha256:{digest}", f" SHA-256:{digest.upper()}\n"):
        said = json.loads(filled("audit", "who-got", typed, "--json").out)
        assert said["sought"]["digests"] == [digest]
        assert len(said["releases"]) == 2


def test_an_identifier_and_a_digest_are_sought_as_they_are_given(filled):
    digest = hashlib.sha256(RECORD).hexdigest()
    by_digest = json.loads(filled("audit", "who-got", digest, "--json").out)
    assert [each["matched"] for each in by_digest["releases"]] == ["digest", "identifier"]
    assert len(json.loads(filled("audit", "who-got", "a-1", "--json").out)["partners"]) == 2
    nothing = filled("audit", "who-got", "a-2")
    assert (nothing.code, nothing.out.splitlines()[0]) == (0, "no release in this log carried the record")


@pytest.mark.parametrize("name", ["recrod.json", "evidence/a-1", ".", "record.JSON"])
def test_a_file_that_is_not_there_is_no_identifier_that_nobody_got(filled, name):
    done = filled("audit", "who-got", name)
    assert done.code == 2
    assert "no such file is here" in done.err
    assert "--identifier" in done.err
    said = filled("audit", "who-got", name, "--identifier")
    assert (said.code, said.out.splitlines()[0]) == (0, "no release in this log carried the record")


def test_what_is_sought_as_an_identifier_is_said_to_be(filled):
    assert "a-1 is sought as an identifier" in filled("audit", "who-got", "a-1").err


def test_a_place_that_cannot_be_written_ends_in_words(filled):
    done = filled("audit", "who-got", "a-1", "--receipts", "/dev/null/evidence")
    assert (done.code, done.err.splitlines()[-1]) == (2, "error: /dev/null/evidence: Not a directory")
    done = filled("audit", "export", "--output", "/nowhere/out")
    assert (done.code, "error: /nowhere/out: No such file or directory" in done.err.splitlines()) == (2, True)
    (Path("archive.txt")).write_text("no archive", encoding="utf-8")
    done = filled("audit", "who-got", "a-1", "--archive", "archive.txt")
    assert (done.code, "sqlalche" in done.err, "file is not a database" in done.err) == (1, False, True)


def test_the_question_is_recorded_without_the_identifier_in_clear(filled, place):
    filled("audit", "who-got", "a-1", "--by", "A. Auditor")
    said = latest(filled)
    assert said["by"] == "A. Auditor"
    assert said["what"].startswith("who-got 1:")
    assert b"a-1" not in b"".join(path.read_bytes() for path in (place / "var").iterdir())


def test_each_release_comes_with_a_receipt_that_proves_it_offline(filled, place):
    said = json.loads(filled("audit", "who-got", "a-1", "--receipts", "evidence", "--json").out)
    for each in said["releases"]:
        proven = json.loads(filled("receipt", "verify", each["receipt"], "--json").out)
        assert (proven["index"], proven["leaf"]["partner"]) == (each["entry"], each["partner"])


def test_the_report_as_markdown_names_partners_releases_and_what_it_cannot_say(filled):
    page = filled("audit", "who-got", "a-1", "--markdown").out
    assert "**2 partner(s) may have received the record" in page.replace("\\", "")
    assert "may have received the record. Whether it arrived, no log can say." in page
    assert "| GBR | 1 | 2026-06-01T12:00:00.000000Z |" in page
    assert "gateway.example/log\n" in page
    assert "a-1" not in page


def test_an_auditor_with_identifier_keys_alone_asks_a_copy(filled, place):
    key = json.loads(filled("keys", "list", "--json").out)["gateway"]["log_key"]
    mine = place / "mine"
    mine.mkdir(mode=0o700)
    shutil.copy2(place / "keys" / "gateway" / "identifier-1.key", mine)
    shutil.rmtree(place / "keys" / "gateway")
    done = filled("audit", "who-got", "a-1", "--log-key", key, "--identifier-keys", "mine", "--json")
    assert len(json.loads(done.out)["releases"]) == 2
    assert filled("audit", "who-got", "a-1", "--log-key", key, "--identifier-keys", "nowhere").code == 1


@pytest.mark.parametrize(
    ("content", "arguments", "wrong"),
    [
        (b"[1]", ("--field", "idElset"), "cannot be read"),
        (b"{}", ("--field", "idElset"), "no field idElset"),
        (b'{"idElset": {}}', ("--field", "idElset"), "cannot be read"),
        (b'{"idElset": true}', ("--field", "idElset"), "cannot be read"),
        (b'{"idElset": ""}', ("--field", "idElset"), "no field idElset"),
        (b'{"idElset": "a-1", "idElset": "a-2"}', ("--field", "idElset"), "a member name stands twice"),
        (b'{"idElset": "a-1"', ("--field", "idElset"), "not JSON"),
        (b"\xff", ("--field", "idElset"), "not UTF-8"),
        (b" \n", (), "is empty"),
    ],
)
def test_a_record_file_without_the_identifier_is_refused_in_words(filled, place: Path, content, arguments, wrong):
    (place / "r.json").write_bytes(content)
    done = filled("audit", "who-got", "r.json", *arguments)
    assert (done.code, wrong in done.err) == (2, True)
    assert filled("audit", "who-got", "a-1", "--field", "idElset").code == 2


def test_a_search_pages_by_cursor_and_is_recorded_with_what_it_asked(filled):
    first = json.loads(filled("audit", "search", "event=release", "-n", "2", "--json").out)
    second = json.loads(filled("audit", "search", "event=release", "--cursor", first["cursor"], "--json").out)
    assert [each["release"] for each in first["entries"] + second["entries"]] == ["r2", "r1", "r0"]
    assert second["cursor"] is None
    assert latest(filled)["what"] == "search event=release"


def test_a_search_by_words_saved_query_and_time_finds_only_what_fits_all(filled, place):
    (place / "audit-queries.toml").write_text(QUERIES)
    saved = json.loads(filled("audit", "search", "--saved", "cut", "until=2026-07-01", "elset", "--json").out)
    assert [each["release"] for each in saved["entries"]] == ["r1"]
    assert filled("audit", "search", "--saved", "other").code == 2
    assert filled("audit", "search", "colour=red").code == 2
    assert filled("audit", "search", "--cursor", "x").code == 2


@pytest.mark.parametrize(
    "text", ["x = 1", "[q]\ncolour = 'red'", "[q]\npartner = 1", "[q]\nlast = 'soon'", "[q\n", "[q]\nabout = ['a']"]
)
def test_a_file_of_queries_with_a_mistake_is_refused_whole(filled, place, text):
    (place / "audit-queries.toml").write_text(f"[good]\npartner = 'JPN'\n{text}" if text[0] == "[" else text)
    assert filled("audit", "search", "--saved", "good").code == 2


def test_a_mistake_in_saved_queries_is_said_with_file_and_query(filled, place):
    (place / "audit-queries.toml").write_text("[late]\npartnr = 'JPN'\n", encoding="utf-8")
    said = filled("audit", "search", "--saved", "late").err
    assert "audit-queries.toml: late: nothing is found by 'partnr'" in said
    (place / "audit-queries.toml").write_text("x = [", encoding="utf-8")
    assert "audit-queries.toml: is not TOML" in filled("audit", "search", "--saved", "late").err


def test_a_report_adds_up_answers_and_records_by_day_partner_and_level(filled):
    said = json.loads(filled("audit", "report", "--since", "2026-06-01", "--until", "2026-06-03", "--json").out)
    assert said == [
        {"day": "2026-06-01", "partner": "GBR", "level": "S", "answers": 1, "refusals": 0, "released": 1,
         "withheld": 1, "redacted": 0},
        {"day": "2026-06-02", "partner": "JPN", "level": "S", "answers": 1, "refusals": 0, "released": 1,
         "withheld": 1, "redacted": 0},
    ]  # fmt: skip
    assert "JPN" not in filled("audit", "report", "--since", "2026-06-01", "--partner", "GBR").out
    assert latest(filled)["what"].startswith("report 2026-06-01")
