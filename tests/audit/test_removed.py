"""A folder without the leaves that retention removed is sound, says so, and hides no other deletion behind that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import receipt, tiles
from gateway.audit.checkpoint import COSIGNATURE, Checkpoint, SigningKey, open_checkpoint
from gateway.audit.entry import Event
from gateway.audit.finding import Finding
from gateway.audit.folder import FolderRefused, publish
from gateway.audit.folder_check import verify_folder
from gateway.audit.leaf import Leaf
from gateway.audit.log import AuditLog
from gateway.audit.orders import Part, Remove, SetStop, StopKind
from gateway.audit.reading import LogReader
from gateway.audit.removed import Account, Removal
from gateway.audit.verification import Report
from gateway.audit.witness import State, add_checkpoint, write_submission
from tests.audit.conftest import ORIGIN, Place
from tests.audit.crashing import crashing_after
from tests.audit.tampering import make_draft

WITNESS = SigningKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)), COSIGNATURE)
LATER = datetime(2026, 9, 1, tzinfo=UTC)


def fill(log: AuditLog, count: int) -> None:
    first = log.size()
    log.append_now([make_draft(f"r{number}", records=()) for number in range(first, first + count)])


def stop(log: AuditLog, partner: str) -> None:
    order = SetStop(StopKind.PARTNER, partner, "officer", "spill", LATER)
    log.append_now([make_draft("", event=Event.STOP_SET, outcome="done", partner="", records=())], [order])


def remove(log: AuditLog, first: int, last: int, what: Part = Part.LEAF) -> int:
    log.remove(Remove(what, first, last, "A. Archivist", "retention", LATER))
    return log.size() - 1


def grown(log: AuditLog) -> AuditLog:
    """600 entries, of which 5 and 300 are stops."""
    for before in (5, 294):
        fill(log, before)
        stop(log, f"P{before}")
    fill(log, 299)
    return log


def checked(folder: Path, log: LogReader, held: Checkpoint | None = None, *, whole: bool = True) -> Report:
    return verify_folder(folder, ORIGIN, log.verifier, held=held, whole=whole)


def said(report: Report) -> str:
    return "\n".join(f"{each.where}: {each.what}" for each in report.findings)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LogReader, Path, Path]]:
    """A log that lost the leaves of the entries 2 to 9 (all but a stop) and, twice spoken of, 290 to 310; its folder of
    before, and a fresh one.
    """
    place = tmp_path_factory.mktemp("kept")
    here = Place(f"sqlite:///{place / 'audit.db'}", place / "audit.db")
    log = grown(here.open())
    publish(log, place / "before", entries=True)
    remove(log, 2, 9)
    remove(log, 290, 300)
    remove(log, 295, 310)
    publish(log, place / "fresh", entries=True)
    yield log, place / "before", place / "fresh"
    log.close()


@pytest.fixture
def fresh(kept: tuple[LogReader, Path, Path], tmp_path: Path) -> Path:
    """A copy of the fresh folder, to be changed."""
    return Path(shutil.copytree(kept[2], tmp_path / "fresh"))


@pytest.fixture
def reader(kept: tuple[LogReader, Path, Path]) -> LogReader:
    return kept[0]


def test_a_fresh_folder_after_a_removal_is_sound_and_says_what_it_lacks(reader: LogReader, fresh: Path):
    report = checked(fresh, reader)
    assert (said(report), report.lacking, report.checked, report.hashes_alone) == ("", 27, 603, False)
    assert [(each.where, each.what) for each in report.remarks] == [
        ("entries 2 to 9", "lack 7 leaves, which retention removed, as entry 600 records"),
        ("entries 290 to 310", "lack 20 leaves, which retention removed, as entries 601, 602 record"),
    ]
    names = {path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()}
    assert {name for name in names if not name.startswith("tile/")} == {
        "checkpoint", "relgate/tile/entries/000", "relgate/tile/entries/001",
        *(f"relgate/removals/{index}" for index in (600, 601, 602)),
    }  # fmt: skip
    assert {name for name in names if name.startswith("tile/entries")} == {"tile/entries/002.p/91"}


def test_what_is_left_of_a_bundle_still_has_every_other_leaf(reader: LogReader, fresh: Path):
    left = tiles.parse_bundle((fresh / "relgate/tile/entries/000").read_bytes())
    assert [number for number, leaf in enumerate(left) if not leaf] == [2, 3, 4, 6, 7, 8, 9]
    assert b"stop-set" in left[5]


def left_out(path: Path, *numbers: int) -> None:
    """Take leaves out of what is left of a bundle, as a removal would."""
    leaves = tiles.parse_bundle(path.read_bytes())
    path.write_bytes(tiles.entries_bundle([b"" if at in numbers else leaf for at, leaf in enumerate(leaves)]))


def edit(path: Path, **fields: str) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def reach_further(path: Path) -> None:
    """Let a removal's evidence say another range."""
    private = json.loads(path.read_text())["private"]
    assert '"last":9' in private
    edit(path, private=private.replace('"last":9', '"last":20').replace('"count":7', '"count":18'))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "evidence missing": (lambda own: (own / "removals/600").unlink(), "entries 2 to 4: without a leaf"),
    "the later evidence missing": (lambda own: (own / "removals/602").unlink(), "entries 301 to 310: without a leaf"),
    "the earlier evidence missing": (lambda own: (own / "removals/601").unlink(), "entries 290 to 294: without a leaf"),
    "evidence of another range": (lambda own: reach_further(own / "removals/600"), "600: has another private part"),
    "evidence of another salt": (lambda own: edit(own / "removals/600", salt="00" * 32), "another private part"),
    "evidence under another entry": (
        lambda own: shutil.copy(own / "removals/602", own / "removals/599"),
        "relgate/removals/599: is not of the entry that the log has there",
    ),
    "evidence that is a release": (
        lambda own: edit(own / "removals/600", leaf=release(own)), "600: has another private part",
    ),
    "evidence that is no JSON": (lambda own: (own / "removals/600").write_bytes(b"{"), "600: does not show an entry"),
    "evidence without end": (
        lambda own: (own / "removals/600").open("wb").truncate(1 << 30), "600: relgate/removals/600 has more than",
    ),
    "evidence that is deep": (
        lambda own: (own / "removals/600").write_bytes(b'{"x":' + b"[" * 1_000_000), "600: does not show an entry",
    ),
    "evidence that is a folder": (
        lambda own: ((own / "removals/600").unlink(), (own / "removals/600").mkdir()), "is no file",
    ),
    "all evidence a file": (
        lambda own: (shutil.rmtree(own / "removals"), (own / "removals").write_text("x")), "removals cannot be read",
    ),
    "a leaf gone that a removal spoke of and that may not go": (
        lambda own: left_out(own / "tile/entries/000", 5),
        "entries 2 to 9: lack 8 leaves: by the removals that entry 600 records, 7 went",
    ),
    "the stop gone where two removals overlap": (
        lambda own: left_out(own / "tile/entries/001", 44), "entries 290 to 310: lack 21 leaves",
    ),
    "a leaf gone that no removal spoke of": (
        lambda own: left_out(own / "tile/entries/000", 10), "entry 10: without a leaf, and no removal",
    ),
    "what is left of a bundle gone": (
        lambda own: (own / "tile/entries/000").unlink(), "entries 0 to 255: tile/entries/000 is missing",
    ),
    "a whole bundle gone": (
        lambda own: (own.parent / "tile/entries/002.p/91").unlink(), "tile/entries/002.p/91 is missing",
    ),
    "everything of removals gone": (shutil.rmtree, "entries 0 to 255: tile/entries/000 is missing"),
    "a whole bundle with a gap in it": (
        lambda own: (own / "tile/entries/000").rename(own.parent / "tile/entries/000"), "entry 2: is not the one",
    ),
    "a leaf of what is left altered": (
        lambda own: (own / "tile/entries/000").write_bytes(
            (own / "tile/entries/000").read_bytes().replace(b"JPN", b"GBR", 1)
        ),
        "entry 0: is not the one",
    ),
}  # fmt: skip


def release(own: Path) -> str:
    return tiles.parse_bundle((own / "tile/entries/000").read_bytes())[0].decode()


@pytest.mark.parametrize("name", CHANGES)
def test_no_deletion_or_change_in_a_folder_passes_for_a_removal(reader: LogReader, fresh: Path, name: str):
    change, wanted = CHANGES[name]
    change(fresh / "relgate")
    report = checked(fresh, reader)
    assert wanted in said(report)
    assert not report.sound


def test_the_evidence_of_another_log_shows_no_removal_of_this_one(reader: LogReader, fresh: Path, place: Place):
    other = place.open()
    fill(other, 600)
    remove(other, 2, 9)
    other_folder = place.file.parent / "other"
    publish(other, other_folder, entries=True)
    (fresh / "relgate/removals/600").write_bytes((other_folder / "relgate/removals/600").read_bytes())
    found = said(checked(fresh, reader))
    assert "relgate/removals/600: is not of the entry that the log has there" in found
    assert "entries 2 to 4: without a leaf" in found


@pytest.mark.parametrize(
    "name", ["removals/01", "removals/700", "removals/x", "tile/0/000", "tile/entries/002", "note"]
)
def test_what_lies_beside_what_is_left_is_remarked_on_and_never_believed(reader: LogReader, fresh: Path, name: str):
    path = fresh / "relgate" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"planted")
    report = checked(fresh, reader)
    assert (said(report), [each.where for each in report.remarks][2:]) == ("", [f"relgate/{name}"])


def test_publishing_into_a_folder_of_before_takes_away_what_retention_demands(
    kept: tuple[LogReader, Path, Path], tmp_path: Path
):
    log, before, fresh = kept
    folder = Path(shutil.copytree(before, tmp_path / "p"))
    stale = folder / "tile" / "entries" / "000.p" / "17"
    stale.parent.mkdir()
    leaves = tiles.parse_bundle((folder / "tile" / "entries" / "000").read_bytes())
    stale.write_bytes(tiles.entries_bundle(leaves[:17]))  # of when it was published with 17 entries
    assert checked(folder, log).sound
    done = publish(log, folder, entries=True)
    assert done.taken == 3
    assert not (folder / "tile" / "entries" / "000").exists()
    assert not stale.exists()
    (folder / "tile" / "entries" / "002.p" / "88").unlink()  # an older partial one that lost nothing stays
    (folder / "tile" / "0" / "002.p" / "88").unlink()
    assert tree(folder) == tree(fresh)
    again = publish(log, folder, entries=True)
    assert (again.written, again.taken) == (1, 0)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_crash_at_any_file_after_a_removal_leaves_a_folder_that_is_gone_on_with(
    kept: tuple[LogReader, Path, Path], tmp_path: Path
):
    log, before, _ = kept
    for allowed in range(12):
        folder = Path(shutil.copytree(before, tmp_path / f"p{allowed}"))
        with crashing_after(allowed) as few:
            try:
                publish(log, folder, entries=True)
            except KeyboardInterrupt:
                assert (said(checked(folder, log)), checked(folder, log).size) == ("", 600)
        publish(log, folder, entries=True)
        assert said(checked(folder, log)) == ""
        assert not (folder / "tile" / "entries" / "001").exists()
    assert few.left > 0, "the last round writes everything"


def test_a_removal_while_publishing_is_accounted_for_by_the_checkpoint_written(place: Place, tmp_path: Path):
    log = place.open()
    fill(log, 300)
    removed = []

    def meanwhile(done: int, _all: int) -> None:
        if not removed:
            removed.append(remove(log, 100, 260))

    for name in ("p", "q"):
        publish(log, tmp_path / name, entries=True, progress=meanwhile)
        report = checked(tmp_path / name, log)
        assert (said(report), report.lacking, report.size) == ("", 161, 301)


def test_leaves_of_a_bundle_may_go_in_several_removals_while_it_grows(place: Place, tmp_path: Path):
    log = place.open()
    folder = tmp_path / "p"
    fill(log, 20)
    for first, last in ((0, 3), (2, 5), (10, 12), (0, 3)):
        remove(log, first, last)
        publish(log, folder, entries=True)
        assert said(checked(folder, log)) == ""
        assert len(list((folder / "relgate/tile/entries/000.p").iterdir())) == 1, "no older one stays"
        fill(log, 60)
    fill(log, 100)
    publish(log, folder, entries=True)
    held = open_checkpoint((folder / "checkpoint").read_bytes(), [log.verifier])
    for part in (Part.ROWS, Part.PRIVATE):  # leaves stay: nothing for a folder to show
        remove(log, 300, 320, part)
    publish(log, folder, entries=True)
    assert (said(checked(folder, log, held)), checked(folder, log, held).lacking) == ("", 9)


@pytest.mark.parametrize("first", [330, 280])
def test_an_incremental_check_accounts_for_removals_of_what_is_new(place: Place, tmp_path: Path, first: int):
    log, folder = place.open(), tmp_path / "p"
    fill(log, 300)
    publish(log, folder, entries=True)
    held = open_checkpoint((folder / "checkpoint").read_bytes(), [log.verifier])
    remove(log, 10, 20)
    fill(log, 29)
    stop(log, "JPN")  # 330
    fill(log, 100)
    remove(log, first, 340)
    publish(log, folder, entries=True)
    report = checked(folder, log, held, whole=False)
    # Where a removal reaches over the held checkpoint, everything is checked.
    assert (said(report), report.checked) == ("", 132 if first > 300 else 432)
    left_out(folder / "relgate/tile/entries/001.p/176", 330 - 256)
    assert "leaves: by the removals that entry 431 records" in said(checked(folder, log, held, whole=False))


def test_a_log_shorter_than_a_bundle_that_lost_leaves_is_not_called_one_of_hashes_alone(place: Place, tmp_path: Path):
    log = place.open()
    fill(log, 9)
    remove(log, 0, 8)
    publish(log, tmp_path / "p", entries=True)
    report = checked(tmp_path / "p", log)
    assert (said(report), report.hashes_alone, report.lacking) == ("", False, 9)


def test_hashes_alone_are_not_published_to_a_folder_that_has_entries(reader: LogReader, fresh: Path):
    with pytest.raises(FolderRefused, match="holds entries"):
        publish(reader, fresh)


def test_a_crash_before_old_bundles_were_taken_away_is_made_good_by_the_next_publishing(
    kept: tuple[LogReader, Path, Path], fresh: Path
):
    log, before, _ = kept
    for name in ("000", "001"):
        shutil.copy(before / "tile/entries" / name, fresh / "tile/entries" / name)
    report = checked(fresh, log)
    assert (said(report), report.lacking, report.hashes_alone) == ("", 0, False)
    assert {each.what for each in report.remarks} == {"is not needed, since the whole bundle is there: not checked"}
    assert publish(log, fresh, entries=True).taken == 2
    assert checked(fresh, log).lacking == 27


def test_a_crash_while_old_bundles_are_taken_away_leaves_a_folder_that_verifies(
    kept: tuple[LogReader, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log, before, _ = kept
    unlink = Path.unlink
    for allowed in range(3):
        folder = Path(shutil.copytree(before, tmp_path / f"p{allowed}"))
        (folder / "tile/entries/000.p").mkdir()
        leaves = tiles.parse_bundle((folder / "tile/entries/000").read_bytes())
        (folder / "tile/entries/000.p/17").write_bytes(tiles.entries_bundle(leaves[:17]))
        left = allowed

        def crash(path: Path, *, missing_ok: bool = False) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            unlink(path, missing_ok=missing_ok)

        monkeypatch.setattr(Path, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            publish(log, folder, entries=True)
        monkeypatch.setattr(Path, "unlink", unlink)
        assert (said(checked(folder, log)), checked(folder, log).size) == ("", 603)
        assert publish(log, folder, entries=True).taken == 3 - allowed


def leaf_of_event(event: str) -> Leaf:
    named = {"event": event, "origin": ORIGIN, "last": True, "version": 1, "chunk": 0, "released": 0}
    texts = ("time", "partner", "request", "release", "outcome", "content", "sealed", "key", "records", "private")
    return Leaf(**dict.fromkeys(texts, ""), **named)  # type: ignore[arg-type]


def test_removals_that_follow_each_other_without_a_gap_account_for_one_run_of_leaves():
    removals = {7: Removal(7, 0, 2, 3, b""), 8: Removal(8, 3, 5, 3, b"")}  # as a long removal is carried out
    account = Account(removals)
    for at in range(9):
        account.add(at, None if at < 6 else leaf_of_event("stop-set"))
    findings, remarks = account.settle(9)
    assert findings == []
    assert [each.where for each in remarks] == ["entries 0 to 2", "entries 3 to 5"]


@given(st.lists(st.booleans(), min_size=1, max_size=24), st.data())
def test_removals_account_for_exactly_the_leaves_that_could_go_and_for_no_other(
    may_go: list[bool], data: st.DataObject
):
    ends = st.integers(0, len(may_go) - 1)
    gone: set[int] = set()
    removals: dict[int, Removal] = {}
    for index, ends_of in enumerate(data.draw(st.lists(st.tuples(ends, ends), max_size=5)), start=len(may_go)):
        first, last = sorted(ends_of)
        losing = {at for at in range(first, last + 1) if may_go[at]} - gone
        removals[index] = Removal(index, first, last, len(losing), b"")
        gone |= losing
    put_back = data.draw(st.sets(st.sampled_from(sorted(gone)))) if gone else set()  # from an older folder

    def settled(absent: set[int]) -> tuple[list[Finding], list[Finding]]:
        account = Account(dict(removals))
        for at, can in enumerate(may_go):
            account.add(at, None if at in absent else leaf_of_event("release" if can else "stop-set"))
        return account.settle(len(may_go))

    findings, remarks = settled(gone - put_back)
    assert findings == []
    assert bool(remarks) == bool(gone - put_back)
    for at in set(range(len(may_go))) - gone:
        assert settled((gone - put_back) | {at})[0], f"leaf {at} was never removed"


def test_a_witness_and_the_holder_of_a_receipt_see_the_log_grow_on_over_a_removal(place: Place):
    log = place.open()
    fill(log, 20)
    given = log.receipt("r3")
    assert given is not None
    witness = State((WITNESS,), {ORIGIN: (log.verifier,)}, int(LATER.timestamp()))
    status, _, witness = add_checkpoint(witness, write_submission(0, [], log.head_note()))
    assert status == 200
    index = remove(log, 0, 9)
    fill(log, 3)
    status, answer, _ = add_checkpoint(witness, write_submission(20, log.consistency(20, 24), log.head_note()))
    assert (status, answer.startswith(b"\xe2\x80\x94 witness")) == (200, True)
    assert receipt.verify(given.receipt, receipt.leaf_of(given.receipt), [log.verifier]).index == 3
    assert (log.receipt("r3"), log.receipt_at(3)) == (None, None)  # there is no leaf to give any more
    for at in (10, index, 23):
        fresh = log.receipt_at(at)
        assert fresh is not None
        assert receipt.verify(fresh.receipt, receipt.leaf_of(fresh.receipt), [log.verifier]).index == at
