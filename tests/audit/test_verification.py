"""Whatever somebody with the database changes, checking the log finds it and says where; clean logs raise no alarm."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from string import Template

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, func, select, text

from gateway.audit import catalogue_check, merkle, tables
from gateway.audit.checkpoint import Checkpoint, SigningKey, open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.entry import Draft, RecordRow
from gateway.audit.errors import LogAltered, LogUnavailable
from gateway.audit.log import AuditLog
from gateway.audit.verification import Report, verify
from tests.audit import everything, long_log, tampering
from tests.audit.tampering import DIGEST, TAMPERINGS, write_log

Drafts = Callable[..., Draft]
STORES = ["sqlite"]  # The SQL that tampers is SQLite's.


@pytest.fixture
def written(place, draft: Drafts, at: datetime) -> AuditLog:
    """A log of 21 entries in several commits, with everything in it that a log can hold."""
    log = place.open()
    write_log(log, draft, at)
    return log


def change(place, *statements: str) -> None:
    tampering.change(place.url, *statements)


def tamper(place, name: str) -> None:
    change(place, *tampering.statements(name))


def said(report: Report) -> str:
    return "\n".join(f"{finding.where}: {finding.what}" for finding in report.findings)


def test_a_clean_log_is_sound_however_it_is_checked(written: AuditLog, place):
    steps: list[tuple[int, int]] = []
    report = written.verify(progress=lambda done, of: steps.append((done, of)))
    assert (report.findings, report.size, report.checked, steps) == ((), 21, 21, [(21, 21)])
    reader = place.open_reader()
    with create_engine(place.url).connect() as connection:
        notes = connection.execute(text("SELECT note FROM checkpoints")).scalars().all()
    for note in notes:
        held = parse_checkpoint(open_note(note, [written.verifier]).text)
        assert reader.verify(held=held).findings == ()
        part = reader.verify(held=held, whole=False)
        assert (part.findings, part.checked) == ((), 21 - held.size)
    reader.close()


def test_a_log_with_everything_in_it_raises_no_alarm_from_any_checkpoint_on(tmp_path):
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    everything.write(url)
    with create_engine(url).connect() as connection:
        notes = connection.execute(text("SELECT note FROM checkpoints ORDER BY size")).scalars().all()
        for table in tables.metadata.sorted_tables:
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() > 0, table.name
    database = Database(url)
    for note in notes[::6]:
        held = parse_checkpoint(open_note(note, [long_log.LOG.verifier]).text)
        for whole in (True, False):
            report = verify(database, long_log.ORIGIN, long_log.LOG.verifier, held=held, whole=whole)
            assert report.findings == (), (held.size, whole)
    database.close()


def test_which_gateway_has_a_release_open_is_checked_from_any_checkpoint_on(written: AuditLog, place):
    note = written.checkpoint()
    held = parse_checkpoint(open_note(note, [written.verifier]).text)
    change(place, "UPDATE open_releases SET instance = 'another'")
    for report in (written.verify(), written.verify(held=held, whole=False)):
        assert said(report) == "open release open: is not what its entries say"


def test_a_new_log_without_entries_is_sound(log: AuditLog):
    assert log.verify().sound
    assert log.verify(held=Checkpoint(log.origin, 0, merkle.EMPTY_ROOT)).sound


@pytest.mark.parametrize("name", TAMPERINGS)
def test_every_edit_of_the_database_is_found_and_located(written: AuditLog, place, name: str):
    tamper(place, name)
    report = written.verify()
    assert not report.sound
    assert re.search(Template(TAMPERINGS[name]["found"]).substitute(DIGEST=DIGEST), said(report)), said(report)


def test_a_value_of_a_row_is_not_taken_for_having_none(log: AuditLog, place, draft: Drafts):
    log.append_now([draft(records=(RecordRow(None, "withhold", None),))])
    assert log.verify().sound
    for value in ("identifier = ''", "digest = x''"):
        change(place, f"UPDATE record_rows SET {value}")  # noqa: S608
        assert "entry 0: its record row 1 is filed under something else" in said(log.verify())
        change(place, f"UPDATE record_rows SET {value.partition(' ')[0]} = NULL")  # noqa: S608


def test_a_posting_that_is_there_twice_is_found_with_its_entry(written: AuditLog, place):
    change(place, "CREATE TABLE twice AS SELECT * FROM postings", "DROP TABLE postings")
    change(
        place,
        "ALTER TABLE twice RENAME TO postings",
        "INSERT INTO postings SELECT * FROM postings WHERE position = 5 LIMIT 1",
    )
    words, compared = Counter(), catalogue_check.Compared(written.size(), salt=7)
    for each in written.summaries():
        words[0] += catalogue_check.wanted(compared.salt, each.index, each.leaf, each.private)
    with Database(place.url).reading() as connection:
        (whole,) = catalogue_check.slices(connection, 1)
        there = catalogue_check.sum_slice(connection, compared.salt, compared.size, whole)
        found = list(catalogue_check.differences(connection, compared, there, words))
    assert [where for where, _ in found] == ["entry 5"]


def test_text_that_is_none_is_named_as_an_alteration(written: AuditLog, place):
    change(place, "UPDATE entries SET partner = CAST(x'ff4a' AS TEXT) WHERE position = 3")
    with pytest.raises(LogAltered, match="'partner'"):
        written.verify()


def test_a_rewritten_leaf_with_all_its_hashes_is_found_by_the_signed_root(written: AuditLog, place, draft: Drafts):
    """The attacker recomputes everything that needs no key: the checkpoints still tell, to the commit."""
    with create_engine(place.url).begin() as connection:
        rows = connection.execute(text("SELECT leaf FROM entries ORDER BY position")).scalars().all()
        leaves = [bytes(row) for row in rows]
        leaves[5] = leaves[5].replace(b"JPN", b"GBR")
        hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
        connection.execute(
            text("UPDATE entries SET leaf = :leaf, hash = :hash, partner = 'GBR' WHERE position = 5"),
            {"leaf": leaves[5], "hash": hashes[5]},
        )
        for level in range(1, 5):
            place_ = 5 >> level
            node = merkle.root(hashes[place_ << level : (place_ + 1) << level])
            connection.execute(
                text("UPDATE nodes SET hash = :hash WHERE level = :level AND place = :place"),
                {"hash": node, "level": level, "place": place_},
            )
    assert said(written.verify()).startswith("entries 5 to 5: do not lead to the root signed for them\n")


def test_a_truncated_log_is_sound_in_itself_and_found_by_a_checkpoint_held_elsewhere(written: AuditLog, place):
    held = parse_checkpoint(open_note(written.checkpoint(), [written.verifier]).text)
    written.close()
    tampering.truncate(place.url, SigningKey(written.origin, place.key))
    cut = place.open_reader()
    assert cut.verify().sound
    assert "rolled back" in said(cut.verify(held=held))
    assert "rolled back" in said(cut.verify(held=held, whole=False))
    cut.close()


def test_a_log_rewritten_by_the_holder_of_the_key_is_found_by_a_checkpoint_held_elsewhere(
    written: AuditLog, place, draft: Drafts
):
    held = parse_checkpoint(open_note(written.checkpoint(), [written.verifier]).text)
    written.close()
    tampering.truncate(place.url, SigningKey(written.origin, place.key))
    forged = place.open()
    forged.append_now([draft(f"n{number}") for number in range(5)])
    assert forged.verify().sound
    assert "not those it was given for" in said(forged.verify(held=held))
    assert "not those it was given for" in said(forged.verify(held=held, whole=False))


def test_a_checkpoint_of_another_log_is_not_taken_for_one_of_this(written: AuditLog):
    head = parse_checkpoint(open_note(written.checkpoint(), [written.verifier]).text)
    assert "of the log other" in said(written.verify(held=Checkpoint("other", head.size, head.root)))


def test_another_key_finds_every_checkpoint_unsigned(written: AuditLog, place):
    place.key = Ed25519PrivateKey.generate()
    reader = place.open_reader()
    report = reader.verify()
    assert said(report).count("is not signed by this log's key") == 17 + 1
    reader.close()


def test_an_altered_entry_is_refused_by_every_way_of_reading_it(written: AuditLog, place):
    change(place, "UPDATE private_parts SET body = CAST('{}' AS BLOB) WHERE position = 6")
    with pytest.raises(LogAltered, match="entry 6"):
        written.entry(6)
    with pytest.raises(LogAltered, match="entry 6"):
        written.entries()
    assert written.entry(7) is not None


def test_a_receipt_that_the_stored_hashes_do_not_prove_is_not_handed_out(written: AuditLog, place):
    change(place, "UPDATE nodes SET hash = zeroblob(32) WHERE level = 2 AND place = 1")
    with pytest.raises(LogAltered, match="entry 1"):
        written.receipt("r0")
    change(place, "UPDATE entries SET partner = 'GBR' WHERE release = 'r5'")
    with pytest.raises(LogAltered, match="another partner"):
        written.receipt("r5")
    change(place, "DELETE FROM nodes WHERE level = 2")
    with pytest.raises(LogAltered, match="is missing"):
        written.receipt("r0")


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("UPDATE entries SET hash = zeroblob(32) WHERE position = 20", "do not lead to the root"),
        ("DELETE FROM entries WHERE position = 20", "says 21 entries, but the last one is 19"),
        ("DELETE FROM nodes WHERE level = 4", "hash 0 of level 4: is missing"),
        ("UPDATE head SET size = 20", "at size 21, not of .* at size 20"),
        ("UPDATE head SET schema_version = 99", "schema version 99"),
        ("DELETE FROM head", "says 0 entries, but the last one is 20"),
        ("DELETE FROM stops", "not those that were signed"),
    ],
)
def test_a_log_that_was_altered_at_its_head_does_not_open(written: AuditLog, place, statement: str, wanted: str):
    written.close()
    change(place, statement)
    for _ in range(2):
        with pytest.raises(LogUnavailable, match=wanted):
            place.open()


def test_rows_beyond_the_head_stop_the_next_append(written: AuditLog, place, draft: Drafts):
    tamper(place, "an entry put behind the head")
    with pytest.raises(LogAltered, match="beyond its head"):
        written.append_now([draft("next")])
