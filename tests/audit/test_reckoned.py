"""A check that goes on from an earlier one compares all that entries add up to, and reads none of them again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gateway.audit import reckoned
from gateway.audit.checkpoint import Checkpoint, cosign, open_checkpoint
from gateway.audit.database import Database
from gateway.audit.errors import ProofRefused
from gateway.audit.log import AuditLog
from gateway.audit.orders import Part, Remove
from gateway.audit.reckoned import Reckoned
from gateway.audit.verification import Report, verify
from tests.audit import everything, long_log
from tests.audit.tampering import AT, make_draft

KEYS = [witness.verifier for witness in everything.WITNESSES]


def check(file: Path, held: Checkpoint | None = None, before: Reckoned | None = None) -> Report:
    with closing(Database(f"sqlite:///{file}")) as database:
        whole = before is None
        return verify(database, long_log.ORIGIN, long_log.LOG.verifier, held=held, whole=whole, before=before)


def said(report: Report) -> str:
    return "\n".join(f"{each.where}: {each.what}" for each in report.findings)


class Grown:
    """A log with everything in it, checked; and what it became since: more of everything, removals of old bodies."""

    def __init__(self, place: Path) -> None:
        self.file = place / "audit.db"
        url = f"sqlite:///{self.file}"
        everything.write(url)
        report = check(self.file)
        assert report.sound
        assert report.reckoned is not None
        note, self.before = reckoned.parse(reckoned.write(report.checkpoint, report.reckoned))
        self.held = open_checkpoint(note, [long_log.LOG.verifier])
        log = everything.opened(url, "one")
        self.grow(log)
        log.close()
        with closing(sqlite3.connect(self.file)) as store:
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def grow(self, log: AuditLog) -> None:
        everything.started(log)
        for number in range(4):
            takes = (everything.Taking("daily", everything.DAY, 3, 100),)
            log.append_now([make_draft(f"new{number}", private=everything.JUDGED, takes=takes)])
        everything.cosigned(log)
        log.append_now([make_draft("speaks of the cosignatures")])
        log.remove(Remove(Part.PRIVATE, 30, 40, "A. Archivist", "old ones", AT))
        log.remove(Remove(Part.LEAF, 10, 12, "A. Archivist", "old ones", AT))
        size = self.held.size
        log.remove(Remove(Part.PRIVATE, size + 1, size + 2, "A. Archivist", "new ones", AT))
        log.remove(Remove(Part.LEAF, size + 3, size + 3, "A. Archivist", "new ones", AT))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    return Grown(tmp_path_factory.mktemp("grown"))


@pytest.fixture
def copy(grown: Grown, tmp_path: Path) -> Iterator[Path]:
    file = Path(shutil.copy(grown.file, tmp_path / "copy.db"))
    yield file
    assert check(grown.file, grown.held, grown.before).sound, "what is taken up is left as it was"


def test_going_on_finds_a_clean_log_sound_and_comes_to_the_sums_of_a_whole_check(grown: Grown):
    part, whole = check(grown.file, grown.held, grown.before), check(grown.file, grown.held)
    assert (said(part), said(whole)) == ("", "")
    assert part.checked == part.size - grown.held.size
    assert part.reckoned is not None
    assert whole.reckoned is not None
    for name in ("artifacts", "totals"):
        assert getattr(part.reckoned.sums, name) == getattr(whole.reckoned.sums, name)
    assert +part.reckoned.sums.usage.sums == +whole.reckoned.sums.usage.sums
    assert part.reckoned.sums.orders == whole.reckoned.sums.orders
    again = check(grown.file, open_checkpoint(part.checkpoint, [long_log.LOG.verifier]), part.reckoned)
    assert (said(again), again.checked) == ("", 0)


TAKEN = "DELETE FROM private_parts WHERE position = (SELECT position FROM entries WHERE release = 'new3')"
CHANGES = {
    "the use of a volume": ("UPDATE usage SET used = used - 1 WHERE counter = 'weekly'", "use of weekly by"),
    "an old use taken away": ("DELETE FROM usage WHERE partner = 'GBR'", "is not counted"),
    "a total": ("UPDATE totals SET released = released + 1", "totals of day"),
    "an activation of before": ("UPDATE activations SET by = 'mallory'", "is not as any entry records it"),
    "a refusal of before": ("DELETE FROM refusals", "is missing, which an entry records"),
    "an artifact planted": ("INSERT INTO artifacts SELECT hex(zeroblob(32)), x'00'", "do not have this digest"),
    "an artifact of before": ("DELETE FROM artifacts WHERE body = CAST('set 1' AS BLOB)", "which is not stored"),
    "a new cosignature": ("DELETE FROM cosigned WHERE size = (SELECT max(size) FROM cosigned)", "are missing"),
    "a removal planted": ("INSERT INTO removals VALUES (2, 'leaf', 1, 1, 1)", "is not as any entry records it"),
    "a new body": (TAKEN, "has no private part"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_stands_beside_the_tree_is_compared_without_reading_what_was_read(grown: Grown, copy: Path, name: str):
    statement, wanted = CHANGES[name]
    with closing(sqlite3.connect(copy, isolation_level=None)) as store:
        store.execute(statement)
    report = check(copy, grown.held, grown.before)
    assert wanted in said(report)
    assert report.checked < report.size


def test_a_removal_on_both_sides_of_the_checkpoint_has_the_whole_log_read(grown: Grown, copy: Path):
    log = everything.opened(f"sqlite:///{copy}", "one")
    log.remove(Remove(Part.PRIVATE, grown.held.size - 1, grown.held.size + 5, "A. Archivist", "both", AT))
    log.close()
    report = check(copy, grown.held, grown.before)
    assert (said(report), report.checked) == ("", report.size)


def test_another_log_than_that_of_the_checkpoint_is_found_although_the_sums_agree(grown: Grown, copy: Path):
    other = Checkpoint(grown.held.origin, grown.held.size, bytes(32))
    assert "not those it was given for" in said(check(copy, other, grown.before))


def test_rows_that_are_planted_as_removals_account_for_nothing_without_sums_either(grown: Grown, copy: Path):
    with closing(sqlite3.connect(copy, isolation_level=None)) as store:
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        store.execute(f"{numbers} INSERT INTO removals SELECT i, 'leaf', 0, 10000, 1 FROM n")  # noqa: S608
        store.execute(TAKEN)
    with closing(Database(f"sqlite:///{copy}")) as database:
        report = verify(database, long_log.ORIGIN, long_log.LOG.verifier, held=grown.held, whole=False)
    assert "removals: 4001 are not as any entry records them" in said(report)
    assert "has no private part" in said(report)


def test_a_state_that_is_none_or_of_another_version_is_refused(grown: Grown):
    note = "note"
    data = reckoned.write(note, grown.before)
    assert reckoned.parse(data)[1] == grown.before
    for wrong in (b"{}", b"{", data[:-9], data.replace(b'"size":', b'"size":"', 1), b"{" * 100_000):
        with pytest.raises(ProofRefused, match="is no state"):
            reckoned.parse(wrong)
    later = msgspec.json.encode(msgspec.json.decode(data) | {"version": 2})
    with pytest.raises(ProofRefused, match="of version 2"):
        reckoned.parse(later)
    assert not reckoned.is_one(cosign(grown_note(grown), everything.WITNESSES[0], AT).encode())
    assert KEYS


def grown_note(grown: Grown) -> str:
    return check(grown.file).checkpoint
