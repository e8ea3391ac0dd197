"""Removal, archives, backups: what may go, what stays provable, and what a copy that is too old looks like."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from gateway.audit import archive, backup, merkle, ranges, receipt, tiles
from gateway.audit.archive import Archive, ArchiveRefused
from gateway.audit.backup import BackupRefused
from gateway.audit.checkpoint import open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.errors import DraftRefused, LogAltered
from gateway.audit.log import AuditLog
from gateway.audit.orders import Activate, Part, Remove, SetStop, StopKind
from gateway.audit.reading import LogReader
from gateway.audit.retention import Span, begun_before, uncovered
from gateway.audit.search import criteria
from gateway.audit.spill import Sought
from tests.audit.conftest import Place
from tests.audit.tampering import DIGEST, MANIFEST, TABLE, make_draft

Drafts = Callable[..., Draft]
LATER = datetime(2026, 9, 1, tzinfo=UTC)
BLANK = "UPDATE entries SET leaf = x'', time = '', event = '', partner = '', release = ''"


@pytest.fixture
def kept(log: AuditLog, draft: Drafts) -> AuditLog:
    """Thirty releases, ten a month from March to May; entry 5 is a stop."""
    for number in range(30):
        at = datetime(2026, 3 + number // 10, 1 + number % 10, tzinfo=UTC)
        if number == 5:
            stop = SetStop(StopKind.PARTNER, "FRA", "officer", "spill", at)
            log.append_now([draft("", event=Event.STOP_SET, outcome="done", partner="", time=at, records=())], [stop])
            continue
        rows = (RecordRow(f"rec-{number % 3}", "release", bytes([number]) * 32), RecordRow("x", "withhold", None))
        log.append_now([draft(f"r{number}", time=at, records=rows, private={"dataset": "elset"})])
    return log


def remove(log: AuditLog, what: Part, first: int, last: int) -> None:
    log.remove(Remove(what, first, last, "A. Archivist", "retention", LATER))


def findings(log: AuditLog) -> str:
    return "\n".join(f"{each.where}: {each.what}" for each in log.verify().findings)


@pytest.mark.parametrize("what", list(Part))
def test_bodies_that_a_removal_took_are_gone_and_the_log_still_verifies(kept: AuditLog, place, what: Part):
    before = kept.receipt("r3")
    remove(kept, what, 0, 9)
    assert findings(kept) == ""
    held = parse_checkpoint(open_note(kept.checkpoint(), [kept.verifier]).text)
    remove(kept, Part.LEAF, 10, 12)
    assert kept.verify(held=held).sound
    assert kept.verify(held=held, whole=False).sound
    with create_engine(place.url).connect() as connection:
        for table in ("record_rows",) if what is Part.ROWS else ("record_rows", "private_parts"):
            left = connection.execute(text(f"SELECT position FROM {table} WHERE position < 10")).scalars().all()  # noqa: S608
            assert set(left) <= {5}
    # The receipt given out before still proves, and new ones are given while the leaf is there.
    assert before is not None
    assert receipt.verify(before.receipt, receipt.leaf_of(before.receipt), [kept.verifier]).index == 3
    assert (kept.receipt_at(3) is None) == (what is Part.LEAF)
    assert kept.receipt_at(13) is not None


def test_orders_are_never_removed_and_what_stands_still_stands(kept: AuditLog):
    remove(kept, Part.LEAF, 0, 29)
    entry = kept.entry(5)
    assert entry is not None
    assert entry.lacks is None
    assert [str(stop) for stop in kept.standing().stops] == ["partner:FRA"]
    remove(kept, Part.LEAF, 0, 30)
    assert findings(kept) == ""
    assert kept.bodies_removed() == 29


def test_reading_goes_on_over_entries_that_lost_their_bodies(kept: AuditLog):
    remove(kept, Part.PRIVATE, 0, 3)
    remove(kept, Part.LEAF, 6, 9)
    assert [(each.index, each.lacks) for each in kept.entries(limit=12)] == [
        *((index, Part.PRIVATE) for index in range(4)), (4, None), (5, None), (10, None), (11, None),
    ]  # fmt: skip
    assert kept.entries(after=5, limit=2)[0].index == 10
    assert [each.index for each in kept.search(criteria({"dataset": "elset"})).found][-1] == 4
    assert [each.index for each in kept.search(criteria({"partner": "JPN"})).found][-5:] == [4, 3, 2, 1, 0]
    assert kept.entry(7) is None


@pytest.mark.parametrize(
    ("statements", "wanted"),
    [
        (["DELETE FROM private_parts WHERE position = 12", "DELETE FROM record_rows WHERE position = 12"],
         "entry 12: has no private part"),
        (["DELETE FROM record_rows WHERE position = 12"], "entry 12: its record rows"),
        (["UPDATE removals SET last = 12"], "removals: 30, leaf is not as any entry records it"),
        (["UPDATE removals SET count = 3"], "removals: 30, leaf is missing"),
        (["INSERT INTO removals VALUES (29, 'leaf', 0, 29, 1)"], "removals: 29, leaf is not as any entry records it"),
        (["DELETE FROM removals"], "removals: 30, leaf is missing"),
        (["DELETE FROM private_parts WHERE position = 12", "DELETE FROM record_rows WHERE position = 12",
          f"{BLANK} WHERE position = 12"],
         "entry 12: has no leaf"),
        (["UPDATE entries SET hash = CAST('32 bytes that are not this hash.' AS BLOB) WHERE position = 2"],
         "entries 2 to 3"),
    ],
)  # fmt: skip
def test_a_deletion_is_not_passed_off_as_a_removal(kept: AuditLog, place, statements: list[str], wanted: str):
    remove(kept, Part.LEAF, 0, 9)
    assert findings(kept) == ""
    place.change(*statements)
    assert wanted in findings(kept)


@pytest.mark.parametrize(
    ("what", "statements", "wanted"),
    [
        (Part.PRIVATE, ["DELETE FROM private_parts WHERE position = 1"],
         "entry 1: lacks its private; no removal takes it from started"),
        (Part.LEAF, ["DELETE FROM private_parts WHERE position = 1",
                     f"{BLANK} WHERE position = 1"],
         "removals: took 2 leaves by the entries that record them, but 3 are missing"),
    ],
)  # fmt: skip
def test_what_no_removal_takes_is_missed_also_in_the_range_of_one(
    log: AuditLog, draft: Drafts, place, what: Part, statements: list[str], wanted: str
):
    log.append_now([draft("before", private={"dataset": "elset"})])
    log.append_now([draft("", event=Event.STARTED, outcome="started", partner="", records=(), private={})])
    log.append_now([draft("after", private={"dataset": "elset"})])
    remove(log, what, 0, 2)
    assert findings(log) == ""
    place.change(*statements)
    assert wanted in findings(log)


@pytest.mark.parametrize("what", list(Part))
def test_what_a_removal_took_and_somebody_put_back_is_found(kept: AuditLog, place, what: Part):
    place.change(*(f"CREATE TABLE old_{name} AS SELECT * FROM {name}" for name in BODIES))  # noqa: S608
    remove(kept, what, 0, 9)
    place.change(*_put_back(3))
    place.change(*(f"DROP TABLE old_{name}" for name in BODIES))
    assert f"entry 3: has its {what} again, which a removal took" in findings(kept)


BODIES = ("entries", "private_parts", "record_rows")


def _put_back(position: int) -> Iterator[str]:
    """The statements that bring an entry's bodies back from copies of the tables."""
    for name in BODIES:
        yield f"DELETE FROM {name} WHERE position = {position}"  # noqa: S608
        yield f"INSERT INTO {name} SELECT * FROM old_{name} WHERE position = {position}"  # noqa: S608


def test_no_leaf_that_may_not_go_goes_in_the_place_of_one_that_was_removed_and_put_back(
    log: AuditLog, place, draft: Drafts
):
    log.append_now([draft(f"r{number}", records=()) for number in range(4)])
    asked = {"by": "PEP", "evaluations": [{"decision": True, "record": log.keyed("sat-1"), "partner": "JPN"}]}
    log.append_now([draft("", event=Event.EVALUATED, outcome="done", records=(), private=asked)])
    sought = Sought(identifiers=frozenset([log.keyed("sat-1")]))
    assert len(log.who_got(sought).permitted) == 1
    place.change(
        "CREATE TABLE old_entries AS SELECT * FROM entries", "CREATE TABLE old_postings AS SELECT * FROM postings"
    )
    remove(log, Part.LEAF, 0, 4)
    place.change(
        "DELETE FROM entries WHERE position = 2",
        "INSERT INTO entries SELECT * FROM old_entries WHERE position = 2",
        f"{BLANK} WHERE position = 4",
        "DELETE FROM private_parts WHERE position = 4",
        "DELETE FROM postings WHERE position = 4",
        "INSERT INTO postings SELECT * FROM old_postings WHERE position = 2",
        "DROP TABLE old_entries",
        "DROP TABLE old_postings",
    )
    assert log.who_got(sought).permitted == ()
    assert "entry 2: has its leaf again, which a removal took" in findings(log)


def test_a_removal_that_cannot_be_is_refused_and_takes_nothing(kept: AuditLog, draft: Drafts):
    kept.append_now([draft("open", last=False)])
    for first, last in ((-1, 3), (4, 3), (0, 5000), (0, 30)):
        with pytest.raises(DraftRefused, match="remove"):
            remove(kept, Part.ROWS, first, last)
    assert kept.bodies_removed() == 0


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_what_a_removal_does_not_cover_is_left_over_exactly(a: int, b: int, c: int, d: int):
    run, removal = Span(Part.PRIVATE, min(a, b), max(a, b)), Span(Part.PRIVATE, min(c, d), max(c, d))
    left = uncovered([run], [removal])
    covered = set(range(removal.first, removal.last + 1))
    assert {n for span in left for n in range(span.first, span.last + 1)} == {*range(run.first, run.last + 1)} - covered
    assert uncovered([run], [Span(Part.ROWS, 0, 30)]) == [run]
    assert uncovered([run], [Span(Part.LEAF, 0, 30)]) == []


@given(st.integers(1, 70), st.data())
def test_a_run_of_leaves_with_its_neighbours_hashes_gives_the_root_of_the_tree(size: int, data: st.DataObject):
    first = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(first, size))
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]

    def nodes(ids: list[tuple[int, int]]) -> list[bytes]:
        return [merkle.root(leaves[place << level : (place + 1) << level]) for level, place in ids]

    left, right = nodes(ranges.left_of(first)), nodes(ranges.right_of(end, size))
    assert ranges.root(first, leaves[first:end], size, left, right) == merkle.root(leaves)


def archived(place, month: str, folder: Path) -> Path:
    database = Database(place.url)
    file = folder / f"{month}.audit"
    archive.write(database, month, LATER, file)
    database.close()
    return file


def test_a_month_in_cold_storage_proves_itself_and_answers_as_the_log_did(kept: AuditLog, place, tmp_path: Path):
    sought = Sought(identifiers=frozenset([kept.keyed("rec-1")]))
    asked = criteria({"dataset": "elset", "partner": "JPN"}, until=datetime(2026, 4, 1, tzinfo=UTC))
    wanted = [each.entry.index for each in kept.who_got(sought).carried if each.entry.index < 10]
    file = archived(place, "2026-03", tmp_path)
    remove(kept, Part.PRIVATE, 0, 9)
    kept.close()
    cold = Archive(file, kept.origin, kept.verifier)
    found = cold.verify()
    assert (found.partition.first, found.partition.last, found.entries, found.bodiless) == (0, 9, 10, 0)
    assert [each.entry.index for each in cold.who_got(sought).carried] == wanted == [1, 4, 7]
    assert [each.index for each in cold.search(asked).found] == [9, 8, 7, 6, 4, 3, 2, 1, 0]
    cold.close()
    assert sorted(path.name for path in tmp_path.iterdir() if "audit.db" not in path.name) == ["2026-03.audit"]


def test_an_archive_of_what_was_partly_removed_says_how_much_is_missing(kept: AuditLog, place, tmp_path: Path):
    remove(kept, Part.LEAF, 12, 14)
    remove(kept, Part.ROWS, 15, 16)
    cold = Archive(archived(place, "2026-04", tmp_path), kept.origin, kept.verifier)
    assert (cold.verify().entries, cold.verify().bodiless) == (10, 5)
    assert [each.index for each in cold.search(criteria({"partner": "JPN"})).found] == [19, 18, 17, 16, 15, 11, 10]
    cold.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE private_parts SET body = CAST('{}' AS BLOB) WHERE position = 12",
        "DELETE FROM record_rows WHERE position = 12 AND number = 1",
        "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), 'JPN', 'GBR') AS BLOB) WHERE position = 12",
        "DELETE FROM entries WHERE position = 12",
        "DELETE FROM entries WHERE position = 19",
        """UPDATE entries SET hash = zeroblob(32), leaf = x'', time = '', event = '', partner = '', release = ''
        WHERE position = 12; DELETE FROM private_parts WHERE position = 12;
        DELETE FROM record_rows WHERE position = 12""",
        "UPDATE archive SET value = zeroblob(32) WHERE name = 'left'",
        "UPDATE archive SET value = x'' WHERE name = 'right'",
        "UPDATE archive SET value = CAST('9' AS BLOB) WHERE name = 'first'",
        "UPDATE archive SET value = x'00' WHERE name = 'checkpoint'",
        "DELETE FROM archive WHERE name = 'month'",
        "DROP TABLE entries",
        "DELETE FROM postings WHERE position = 12 AND word = (SELECT max(word) FROM postings WHERE position = 12)",
        "CREATE TRIGGER planted AFTER INSERT ON entries BEGIN SELECT 1; END",
        "DROP INDEX record_rows_by_identifier; CREATE INDEX record_rows_by_identifier ON record_rows (substr(body, 1))",
        "ALTER TABLE record_rows RENAME TO kept; CREATE VIEW record_rows AS SELECT * FROM kept WHERE position <> 12",
        """CREATE TABLE none (a); CREATE INDEX empty ON none (a); PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'empty')
        WHERE name = 'record_rows_by_identifier'; DELETE FROM sqlite_master WHERE name IN ('none', 'empty')""",
    ],
)
def test_an_archive_that_was_altered_does_not_verify(kept: AuditLog, place, tmp_path: Path, statement: str):
    file = archived(place, "2026-04", tmp_path)
    with sqlite3.connect(file) as database:
        database.executescript(statement)
    database.close()
    cold = Archive(file, kept.origin, kept.verifier)
    with pytest.raises((LogAltered, ArchiveRefused)):
        cold.verify()
    cold.close()


@pytest.fixture
def named(log: AuditLog, draft: Drafts) -> AuditLog:
    """An activation in March and releases in April, which name its set and the table in it."""
    for month in (3, 4):
        at = datetime(2026, month, 5, tzinfo=UTC)
        if month == 3:
            files = {"files": {"table": hashlib.sha256(TABLE).hexdigest()}}
            activated = draft("", event=Event.POLICY_ACTIVATED, partner="", time=at, records=(), private=files)
            log.append_now([activated], [Activate(DIGEST, "officer", at, (MANIFEST, TABLE))])
        log.append_now([draft(f"r{month}", time=at)])
    return log


@pytest.mark.parametrize(("month", "bodies"), [("2026-03", {MANIFEST, TABLE}), ("2026-04", {MANIFEST})])
def test_an_archive_has_what_its_entries_name_by_digest_and_nothing_else(
    named: AuditLog, place, tmp_path: Path, month: str, bodies: set[bytes]
):
    file = archived(place, month, tmp_path)
    with sqlite3.connect(file) as database:
        found = dict(database.execute("SELECT digest, body FROM artifacts"))
    database.close()
    assert found == {hashlib.sha256(body).hexdigest(): body for body in bodies}
    cold = Archive(file, named.origin, named.verifier)
    assert cold.verify().bodiless == 0
    cold.close()


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("DELETE FROM artifacts WHERE body = CAST('table' AS BLOB)", "which is not stored"),
        ("UPDATE artifacts SET body = CAST('other' AS BLOB)", "do not have this digest"),
        ("INSERT INTO artifacts VALUES ('00', x'00')", "do not have this digest"),
        (
            "INSERT INTO artifacts VALUES ('2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881', x'78')",
            "by no",
        ),
        ("DELETE FROM archive WHERE name = 'form'", "has form 1, and this gateway knows 2"),
    ],
)
def test_an_artifact_missing_from_an_archive_altered_or_too_many_is_found(
    named: AuditLog, place, tmp_path: Path, statement: str, wanted: str
):
    file = archived(place, "2026-03", tmp_path)
    with sqlite3.connect(file) as database:
        database.execute(statement)
    database.close()
    cold = Archive(file, named.origin, named.verifier)
    with pytest.raises((LogAltered, ArchiveRefused), match=wanted):
        cold.verify()
    cold.close()


def test_a_month_that_is_not_over_or_has_nothing_or_is_none_is_not_archived(kept: AuditLog, place, tmp_path: Path):
    for month, wrong in (
        ("2026-09", "not over"),
        ("2025-01", "no entries"),
        ("2026-13", "no month"),
        ("9999-12", "no month"),
        ("x", "no month"),
    ):
        with pytest.raises(ArchiveRefused, match=wrong):
            archived(place, month, tmp_path)
    archived(place, "2026-05", tmp_path)
    with pytest.raises(ArchiveRefused, match="there already"):
        archived(place, "2026-05", tmp_path)


def dated(log: AuditLog, draft: Drafts, *dates: str) -> None:
    moments = [datetime.fromisoformat(date).replace(tzinfo=UTC) for date in dates]
    log.append_now([draft(f"d{number}", time=at, records=()) for number, at in enumerate(moments)])


AHEAD = ("2026-03-30", "2026-04-01", "2026-04-02", "2100-01-01", "2026-04-03", "2026-04-04", "2026-05-01", "2026-06-01")
BACK = ("2026-03-30", "2026-04-01", "2026-04-02", "1970-01-01", "2026-04-03", "2026-04-04", "2026-05-01", "2026-06-01")


@pytest.mark.parametrize("dates", [AHEAD, BACK])
def test_an_entry_that_a_wrong_clock_dated_stays_in_the_month_of_its_neighbours(
    log: AuditLog, place, draft: Drafts, dates: tuple[str, ...]
):
    dated(log, draft, *dates)
    with Database(place.url).reading() as connection:
        found = [archive.partition(connection, month, LATER) for month in ("2026-03", "2026-04", "2026-05", "2026-06")]
    assert [(each.first, each.last) for each in found] == [(0, 0), (1, 5), (6, 6), (7, 7)]


@pytest.mark.sqlite_alone
@given(st.lists(st.integers(1, 5), min_size=1, max_size=9))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_months_are_parted_where_the_fewest_entries_contradict_it(tmp_path: Path, months: list[int]):
    place = Place(f"sqlite:///{tmp_path}/{uuid.uuid4()}.db", tmp_path)
    log = place.open()
    dated(log, make_draft, *(f"2026-0{month}-15" for month in months))

    def contradicting(begun: int, month: int) -> int:
        return sum(each >= month for each in months[:begun]) + sum(each < month for each in months[begun:])

    before = 0
    with Database(place.url).reading() as connection:
        for month in range(1, 7):
            begun = begun_before(connection, datetime(2026, month, 1, tzinfo=UTC))
            fewest = min(contradicting(at, month) for at in range(len(months) + 1))
            assert contradicting(begun, month) == fewest
            assert begun >= before, "no entry is in two months"
            before = begun
    log.close()


@pytest.mark.sqlite_alone("a server is backed up by its own tools")
def test_a_backup_taken_while_the_log_is_written_is_one_sound_moment_of_it(kept: AuditLog, place, tmp_path: Path):
    copy = tmp_path / "copy" / "audit.sqlite3"
    backup.back_up(place.url, copy)
    kept.append_now([Draft(Event.RESUMED, LATER, "resumed")])
    report = backup.check_copy(copy, kept.origin, kept.verifier, [])
    assert (report.sound, report.size) == (True, 30)
    assert copy.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupRefused, match="there already"):
        backup.back_up(place.url, copy)
    with pytest.raises(BackupRefused, match="SQLite"):
        backup.back_up("postgresql+psycopg://server/log", tmp_path / "x")


@pytest.mark.sqlite_alone("a server is backed up by its own tools")
def test_a_copy_is_one_file_that_stays_as_it_is_while_it_is_checked_and_read(kept: AuditLog, place, tmp_path: Path):
    copy = tmp_path / "copy.sqlite3"
    backup.back_up(place.url, copy)
    before = copy.read_bytes()
    assert backup.check_copy(copy, kept.origin, kept.verifier, []).sound
    reader = LogReader.open_to_read(f"sqlite:///{copy}", origin=kept.origin, verifier=kept.verifier)
    assert (reader.size(), len(reader.entries(limit=50)), reader.receipt("r3") is None) == (30, 30, False)
    reader.close()
    assert copy.read_bytes() == before
    assert list(tmp_path.glob("copy*")) == [copy]


@pytest.mark.sqlite_alone("a server is backed up by its own tools")
def test_a_copy_that_is_older_than_a_checkpoint_held_elsewhere_is_found_out(kept: AuditLog, place, tmp_path: Path):
    copy = tmp_path / "copy.sqlite3"
    backup.back_up(place.url, copy)
    same = parse_checkpoint(open_note(kept.checkpoint(), [kept.verifier]).text)
    kept.append_now([Draft(Event.RESUMED, LATER + timedelta(days=1), "resumed")])
    later = parse_checkpoint(open_note(kept.checkpoint(), [kept.verifier]).text)
    assert backup.check_copy(copy, kept.origin, kept.verifier, [same]).sound
    for held in ([later], [same, later], [later, same]):
        report = backup.check_copy(copy, kept.origin, kept.verifier, held)
        assert "rolled back" in report.findings[0].what


def test_a_bundle_with_a_removed_leaf_is_no_longer_served_and_its_hashes_still_are(kept: AuditLog):
    before = kept.tile(0, 0, 30)
    assert kept.tile(tiles.ENTRIES, 0, 30) is not None
    remove(kept, Part.LEAF, 3, 3)
    assert kept.tile(tiles.ENTRIES, 0, 30) is None
    assert kept.tile(0, 0, 30) == before
