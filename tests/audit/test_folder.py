"""A published folder is the log: it grows, it verifies by itself, and every change to it is found and located."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import tiles
from gateway.audit.checkpoint import Checkpoint, SigningKey, open_note, parse_checkpoint, sign
from gateway.audit.entry import Draft
from gateway.audit.errors import LogAltered
from gateway.audit.folder import FolderRefused, publish
from gateway.audit.folder_check import Holds, verify_folder
from gateway.audit.log import AuditLog
from gateway.audit.verification import Report
from tests.audit.crashing import crashing_after

Drafts = Callable[..., Draft]
STORES = ["sqlite"]
ORIGIN = "gateway.example/log"


def grow(log: AuditLog, draft: Drafts, count: int) -> Checkpoint:
    first = log.size()
    for at in range(first, first + count, 100):
        log.append_now([draft(f"r{n}", records=()) for n in range(at, min(at + 100, first + count))])
    return opened(log)


def opened(log: AuditLog) -> Checkpoint:
    return parse_checkpoint(open_note(log.checkpoint(), [log.verifier]).text)


def said(report: Report) -> str:
    return "\n".join(f"{finding.where}: {finding.what}" for finding in report.findings)


def checked(log: AuditLog, folder: Path, **how: object) -> Report:
    return verify_folder(folder, ORIGIN, log.verifier, **how)  # type: ignore[arg-type]


@pytest.fixture
def long(log: AuditLog, draft: Drafts) -> AuditLog:
    """A log of 600 entries: two full tiles, one partial, one tile above."""
    grow(log, draft, 600)
    return log


def test_a_folder_verifies_at_every_size_it_was_published_at(log: AuditLog, draft: Drafts, tmp_path: Path):
    folder = tmp_path / "public"
    held = None
    for more in (0, 1, 1, 253, 1, 1, 255, 300):
        if more:
            grow(log, draft, more)
        assert publish(log, folder, entries=True).size == log.size()
        whole = checked(log, folder, held=held)
        assert (whole.findings, whole.size, whole.checked) == ((), log.size(), log.size())
        part = checked(log, folder, held=held, whole=False)
        assert (part.findings, part.checked) == ((), log.size() - (held.size if held else 0))
        held = opened(log)
    assert publish(log, folder, entries=True).written == 1


def test_the_files_are_those_of_tlog_tiles_and_old_partial_tiles_go(long: AuditLog, draft: Drafts, tmp_path: Path):
    publish(long, tmp_path / "p", entries=True)
    names = {str(path.relative_to(tmp_path / "p")) for path in (tmp_path / "p").rglob("*") if path.is_file()}
    tiles_wanted = {f"tile/{level}/{name}" for level in ("0", "entries") for name in ("000", "001", "002.p/88")}
    assert names == {"checkpoint", "tile/1/000.p/2", *tiles_wanted}
    grow(long, draft, 200)
    publish(long, tmp_path / "p", entries=True)
    assert not (tmp_path / "p" / "tile" / "0" / "002.p").exists()
    assert (tmp_path / "p" / "tile" / "0" / "003.p" / "32").stat().st_size == 32 * 32
    assert (tmp_path / "p" / "tile" / "1" / "000.p" / "2").exists()


def test_without_entries_the_folder_holds_hashes_only_and_still_verifies(long: AuditLog, tmp_path: Path):
    publish(long, tmp_path / "p")
    assert not (tmp_path / "p" / "tile" / "entries").exists()
    assert checked(long, tmp_path / "p", holds=Holds.HASHES).sound
    publish(long, tmp_path / "p", entries=True)
    bundle = (tmp_path / "p" / "tile" / "entries" / "001").read_bytes()
    assert tiles.parse_bundle(bundle)[3] == long.entries(258, 1)[0].leaf_bytes


def test_an_older_checkpoint_still_finds_all_its_tiles_after_a_later_publication(
    long: AuditLog, draft: Drafts, tmp_path: Path
):
    publish(long, tmp_path / "p", entries=True)
    old = (tmp_path / "p" / "checkpoint").read_bytes()
    grow(long, draft, 200)
    publish(long, tmp_path / "p", entries=True)
    (tmp_path / "p" / "checkpoint").write_bytes(old)
    assert (checked(long, tmp_path / "p").findings, checked(long, tmp_path / "p").size) == ((), 600)


def test_a_crash_at_any_file_leaves_a_folder_that_verifies_and_is_gone_on_with(
    long: AuditLog, draft: Drafts, tmp_path: Path
):
    publish(long, tmp_path / "p", entries=True)
    grow(long, draft, 300)
    for allowed in range(6):  # four tiles and bundles, the tile above, the checkpoint
        copy = tmp_path / f"copy{allowed}"
        shutil.copytree(tmp_path / "p", copy)
        with crashing_after(allowed), pytest.raises(KeyboardInterrupt):
            publish(long, copy, entries=True)
        assert (checked(long, copy).findings, checked(long, copy).size) == ((), 600)
        publish(long, copy, entries=True)
        assert (checked(long, copy).findings, checked(long, copy).size) == ((), 900)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def swap_entries(path: Path) -> None:
    entries = tiles.parse_bundle(path.read_bytes())
    entries[0], entries[1] = entries[1], entries[0]
    path.write_bytes(tiles.entries_bundle(entries))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "an entry": (lambda tile: flip(tile / "entries" / "001", 40), r"entry 256: "),
    "two entries exchanged": (lambda tile: swap_entries(tile / "entries" / "000"), r"entry 0: .*\nentry 1: "),
    "an entry's length": (lambda tile: flip(tile / "entries" / "001", 0), r"entries 256 to 511: |entry 25"),
    "a bundle missing": (lambda tile: (tile / "entries" / "001").unlink(), r"entries 256 to 511: .*missing"),
    "a bundle cut short": (
        lambda tile: (tile / "entries" / "001").write_bytes(
            tiles.entries_bundle(tiles.parse_bundle((tile / "entries" / "001").read_bytes())[:9])
        ),
        r"entry 265: is missing",
    ),
    "a leaf hash": (lambda tile: flip(tile / "0" / "001", 32 * 7), r"entry 263: .*\nentries 256 to 511: "),
    "a tile missing": (lambda tile: (tile / "0" / "000").unlink(), r"entries 0 to 255: .*missing"),
    "a tile cut short": (lambda tile: (tile / "0" / "001").write_bytes(bytes(31)), r"entries 256 to 511: .*31 bytes"),
    "a hash above": (lambda tile: flip(tile / "1" / "000.p" / "2", 32), r"entries 256 to 511: are not"),
    "a tile above missing": (lambda tile: (tile / "1" / "000.p" / "2").unlink(), r"tile/1/000.p/2: .*missing"),
    "the last leaf hash": (lambda tile: flip(tile / "0" / "002.p" / "88", 32 * 87), r"entry 599: "),
    "a signature": (lambda tile: flip(tile.parent / "checkpoint", -10), r"checkpoint: is not one"),
    "the root": (lambda tile: flip(tile.parent / "checkpoint", 30), r"checkpoint: is not one"),
    "the checkpoint missing": (
        lambda tile: (tile.parent / "checkpoint").unlink(),
        r"checkpoint: checkpoint is missing",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_to_a_folder_is_found_and_located(long: AuditLog, tmp_path: Path, name: str):
    publish(long, tmp_path / "p", entries=True)
    change, wanted = CHANGES[name]
    change(tmp_path / "p" / "tile")
    found = said(checked(long, tmp_path / "p"))
    assert re.search(wanted, found), found
    if name != "an entry's length":  # that moves all entries after it in its bundle
        assert found.count("\n") <= 2, found


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("tile/0/003", "is of a longer log"),
        ("tile/0/002.p/200", "contradicts"),
        ("tile/2/000.p/1", "is of a longer log"),
        ("tile/notes.txt", "is no tile"),
        ("tile/entries/007", "is of a longer log"),
    ],
)
def test_what_lies_beside_the_tiles_is_remarked_on_and_what_contradicts_one_is_found(
    long: AuditLog, tmp_path: Path, name: str, what: str
):
    folder = tmp_path / "public"
    publish(long, folder, entries=True)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"planted")
    report = checked(long, folder)
    told = report.findings if what == "contradicts" else report.remarks
    assert [(each.where, what in each.what) for each in told] == [(name, True)]
    assert report.sound is (what != "contradicts")


def test_an_older_partial_tile_that_was_changed_is_found(log: AuditLog, draft: Drafts, tmp_path: Path):
    folder = tmp_path / "public"
    grow(log, draft, 10)
    publish(log, folder, entries=True)
    grow(log, draft, 10)
    publish(log, folder, entries=True)
    assert checked(log, folder).sound
    for name in ("tile/0/000.p/10", "tile/entries/000.p/10"):
        sound = (folder / name).read_bytes()
        flip(folder / name, 7)
        assert said(checked(log, folder)) == f"{name}: contradicts the tile of the same place"
        (folder / name).write_bytes(sound)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/001", "tile/entries/001"])
def test_what_is_no_file_or_has_no_end_is_refused_and_never_waited_for(long: AuditLog, tmp_path: Path, name: str):
    folder = tmp_path / "public"
    publish(long, folder, entries=True)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "is no file" in said(checked(long, folder))
    (folder / name).unlink()
    with (folder / name).open("wb") as file:
        file.truncate(1 << 30)
    assert "has more than" in said(checked(long, folder))


def test_a_folder_of_hashes_alone_says_that_no_entry_was_checked(long: AuditLog, tmp_path: Path):
    publish(long, tmp_path / "public")
    assert checked(long, tmp_path / "public", holds=Holds.HASHES).hashes_alone
    publish(long, tmp_path / "public", entries=True)
    assert not checked(long, tmp_path / "public").hashes_alone


def test_a_leaf_and_its_hash_changed_together_are_found_by_the_tile_above(long: AuditLog, tmp_path: Path):
    publish(long, tmp_path / "p", entries=True)
    tile = tmp_path / "p" / "tile"
    entries = tiles.parse_bundle((tile / "entries" / "000").read_bytes())
    entries[9] = entries[9].replace(b"JPN", b"GBR")
    (tile / "entries" / "000").write_bytes(tiles.entries_bundle(entries))
    hashes = bytearray((tile / "0" / "000").read_bytes())
    hashes[9 * 32 : 10 * 32] = tiles.merkle.leaf_hash(entries[9])
    (tile / "0" / "000").write_bytes(hashes)
    assert said(checked(long, tmp_path / "p")).startswith("entries 0 to 255: are not")


def test_a_folder_rolled_back_is_sound_in_itself_and_found_by_a_checkpoint_kept(
    long: AuditLog, draft: Drafts, tmp_path: Path
):
    publish(long, tmp_path / "p", entries=True)
    held = grow(long, draft, 5)
    assert checked(long, tmp_path / "p").sound
    assert "rolled back" in said(checked(long, tmp_path / "p", held=held))


@pytest.mark.parametrize("whole", [True, False])
def test_another_history_signed_by_the_same_key_is_found_by_a_checkpoint_kept(
    place, draft: Drafts, tmp_path: Path, whole: bool
):
    first = place.open()
    held = grow(first, draft, 300)
    place.url = f"sqlite:///{tmp_path / 'other.db'}"
    second = place.open()
    grow(second, draft, 400)
    publish(second, tmp_path / "p", entries=True)
    assert checked(second, tmp_path / "p").sound
    assert "not those it was given for" in said(checked(second, tmp_path / "p", held=held, whole=whole))
    assert "of the log other" in said(
        checked(second, tmp_path / "p", held=Checkpoint("other", held.size, held.root), whole=whole)
    )


def test_publishing_refuses_a_folder_of_another_log_or_of_a_longer_one(place, draft: Drafts, tmp_path: Path):
    log = place.open()
    grow(log, draft, 3)
    folder = tmp_path / "p"
    publish(log, folder)
    other = SigningKey(ORIGIN, Ed25519PrivateKey.generate())
    (folder / "checkpoint").write_text(sign(Checkpoint(ORIGIN, 1, bytes(32)).text, other))
    with pytest.raises(FolderRefused, match="no checkpoint of this log"):
        publish(log, folder)
    own = SigningKey(ORIGIN, place.key)
    for size in (2, 3, 9):
        (folder / "checkpoint").write_text(sign(Checkpoint(ORIGIN, size, bytes(32)).text, own))
        with pytest.raises(LogAltered, match="published"):
            publish(log, folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderRefused, match="cannot be"):
        publish(log, tmp_path / "file")
