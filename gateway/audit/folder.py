"""Publishing the log as a folder of static files (C2SP tlog-tiles): what a web server, a mirror or a carried
disk hands on.

Rules. The folder only grows: before anything is written, the checkpoint in it must be one that the log
extends. Tiles come first and the checkpoint last, each file whole (written beside, synced, renamed), so
a crash at any moment leaves an older checkpoint with all its tiles, and the next run goes on from there.
A full tile is written once. The partial ones that a full one replaces are taken away (tlog-tiles allows it:
whoever holds an older checkpoint reads the full tile).

Entry bundles hold every partner's leaves: they are written only when asked for, for auditors. With them go the policy
sets, tables and lists that entries name by digest (:mod:`gateway.audit.naming`). Where a removal took leaves, what is
left of their bundle and the evidence of the removal are written instead (:mod:`gateway.audit.removed`), and files that
hold removed leaves are taken away once the checkpoint is there: retention asks for it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit import evidence, merkle, naming, tiles
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.errors import AuditError, LogAltered, ProofRefused
from gateway.audit.naming import ARTIFACTS, NAMED
from gateway.audit.published import LeavesRemoved, widths
from gateway.audit.reading import LogReader
from gateway.audit.removed import OWN, REMOVALS
from gateway.audit.tiles import ENTRIES, TILE_WIDTH

CHECKPOINT = "checkpoint"
Progress = Callable[[int, int], None]
"""Called with (tiles looked at, tiles in all) as publishing goes on."""


class FolderRefused(AuditError):
    """A folder that cannot be published to, or is none of this log's. ``path`` names the file."""

    def __init__(self, path: Path, message: str, *, hint: str = "") -> None:
        super().__init__(f"{path}: {message}", hint=hint)
        self.path = path


@dataclass(frozen=True, slots=True)
class Published:
    """What a folder holds after publishing: the log's size there, how many files were written, and how many were taken
    away since they held leaves that the log has removed.
    """

    size: int
    written: int
    taken: int = 0


def publish(reader: LogReader, folder: Path, *, entries: bool = False, progress: Progress | None = None) -> Published:
    """Bring a folder up to the log as it is now. With ``entries`` its bundles are written too, and what is left of
    bundles that lost leaves, with the evidence of their removal.

    Raises :class:`FolderRefused` when the folder holds another log or a file cannot be written,
    :class:`LogAltered` when the log does not extend what the folder holds, :class:`LogUnavailable`.
    """
    if not entries and any((folder / name).is_dir() for name in ("tile/entries", OWN)):
        hint = "Publish with its entries, or hashes alone to another folder."
        raise FolderRefused(folder, "holds entries, which would no longer be those of its checkpoint", hint=hint)
    written = 0
    while True:
        # Read before the checkpoint, so that it covers each of these removals.
        lost = reader.leaves_removed() if entries else ()
        note = reader.checkpoint()
        publishing = _Publishing(reader, folder, open_checkpoint(note, [reader.verifier]), lost)
        check_extends(reader, read_checkpoint(folder, reader.verifier), publishing.head)
        publishing.write(entries=entries, progress=progress)
        written += publishing.written
        if not entries or reader.leaves_removed() == lost:
            break  # else a leaf went meanwhile that this checkpoint does not account for
    # A crash before this line leaves the older checkpoint, whose tiles (or the full ones in their place) are there.
    write_whole(folder / CHECKPOINT, note.encode())
    _sync_names(folder)
    # A crash from here on leaves removed leaves in the folder, for the next run to take away.
    return Published(publishing.head.size, written + 1, publishing.take_away())


class _Publishing:
    """Writing the files of one checkpoint.

    A removal's evidence is written after what is left of its bundles: once it is there, they are too, and are not made
    from the log again.
    """

    def __init__(self, reader: LogReader, folder: Path, head: Checkpoint, lost: Sequence[LeavesRemoved]) -> None:
        self.reader = reader
        self.folder = folder
        self.head = head
        self.written = 0
        self._new = [each for each in lost if not self._evidence(each).exists()]
        self._lost = _bundles(lost)
        self._newly_lost = _bundles(self._new)
        self._names = {folder}

    def write(self, *, entries: bool, progress: Progress | None) -> None:
        """Write every file that is not there yet."""
        wanted = list(_wanted(self.head.size, entries=entries))
        for done, (level, index, width) in enumerate(wanted, start=1):
            if not (level == ENTRIES and self._left(index, width)):
                self._tile(level, index, width)
            if progress is not None:
                progress(done, len(wanted))
        for each in self._new:
            self._write(self._evidence(each), self.reader.evidence(each.position))
        for position in self.reader.naming(self.head.size) if entries else ():
            self._artifacts(position)
        for name in self._names:
            _sync_names(name)

    def _artifacts(self, position: int) -> None:
        """Write the entry that names artifacts, and those. The entry comes first: so no artifact lies here that nothing
        speaks of.
        """
        shown, path = self.reader.evidence(position), self.folder / NAMED / str(position)
        if not path.exists():
            self._write(path, shown)
        for digest in naming.digests(evidence.parse(shown)):
            path = self.folder / ARTIFACTS / digest
            if path.exists():
                continue
            body = self.reader.artifact(digest)
            if body is None:
                raise LogAltered(f"entry {position}", f"names {digest}, which is not stored")
            self._write(path, body)

    def take_away(self) -> int:
        """Take away what holds leaves that the log has removed, now that what is left of them is there."""
        taken = 0
        for index in sorted(self._lost):
            width = min(TILE_WIDTH, self.head.size - index * TILE_WIDTH)
            whole, left = (place / tiles.path(ENTRIES, index) for place in (self.folder, self.folder / OWN))
            current = self.folder / OWN / tiles.path(ENTRIES, index, width)
            if not current.exists():
                continue  # it lost none: what the removal spoke of could not go, or lies beside it
            # The older ones first: left alone after a crash, they would have nothing to agree with.
            for path in (*_partial(whole), whole, *_partial(left), left):
                if path != current and path.exists():
                    path.unlink()
                    _sync_names(path.parent)
                    taken += 1
        return taken

    def _tile(self, level: int, index: int, width: int) -> None:
        path = self.folder / tiles.path(level, index, width)
        if not path.exists():
            data = self.reader.tile(level, index, width, self.head.size)
            if data is None and level == ENTRIES and self.reader.bundle_left(index, width) is not None:
                return  # it lost a leaf just now: publishing begins again
            if data is None:
                raise LogAltered(f"tile {tiles.path(level, index, width)}", "the store no longer reaches that far")
            self._write(path, data)
        if width == TILE_WIDTH:
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)

    def _left(self, index: int, width: int) -> bool:
        """Write what is left of a bundle, if it lost anything and that is not there yet; whether it lost anything."""
        if index not in self._lost:
            return False
        path = self.folder / OWN / tiles.path(ENTRIES, index, width)
        if index not in self._newly_lost and path.exists():
            return True
        data = self.reader.bundle_left(index, width)
        if data is not None:
            self._write(path, data)
        return data is not None

    def _write(self, path: Path, data: bytes) -> None:
        write_whole(path, data)
        self._names.update(each for each in path.parents if each.is_relative_to(self.folder))
        self.written += 1

    def _evidence(self, removal: LeavesRemoved) -> Path:
        return self.folder / REMOVALS / str(removal.position)


def _bundles(removals: Iterable[LeavesRemoved]) -> set[int]:
    """The bundles that removals speak of."""
    return {index for each in removals for index in range(each.first // TILE_WIDTH, each.last // TILE_WIDTH + 1)}


def _partial(path: Path) -> list[Path]:
    """The partial bundles of the place of a full one."""
    return [each for each in path.with_name(f"{path.name}.p").glob("*") if not each.name.startswith(".")]


def read_checkpoint(folder: Path, verifier: VerifierKey) -> Checkpoint | None:
    """The checkpoint in a folder, opened with the log's key; ``None`` when there is none.

    Raises :class:`FolderRefused` when it is not signed by that key.
    """
    path = folder / CHECKPOINT
    try:
        note = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FolderRefused(path, f"cannot be read: {error.strerror}") from error
    try:
        return open_checkpoint(note, [verifier])
    except ProofRefused as error:
        hint = "Publish to an empty folder, or to one of this log."
        raise FolderRefused(path, f"is no checkpoint of this log: {error}", hint=hint) from error


def check_extends(reader: LogReader, old: Checkpoint | None, head: Checkpoint) -> None:
    """Raise :class:`LogAltered` unless the log's head extends a checkpoint that was handed out before."""
    if old is None or old.size == 0:
        return
    if old.origin != head.origin or old.size > head.size:
        raise LogAltered("head", f"is {head.origin} of {head.size}, but {old.origin} of {old.size} was published")
    proof = reader.consistency(old.size, head.size)
    try:
        merkle.verify_consistency(old.size, head.size, proof, old.root, head.root)
    except ProofRefused as error:
        raise LogAltered("head", f"does not extend what was published at size {old.size}: {error}") from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name never stands for less than all of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise FolderRefused(path, f"cannot be written: {error.strerror}") from error


def _sync_names(folder: Path) -> None:
    """Make the names in a folder durable."""
    if folder.is_dir():
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _wanted(size: int, *, entries: bool) -> Iterator[tuple[int, int, int]]:
    """Every (level, index, width) that a published log of this size has, highest-numbered level last."""
    levels = [ENTRIES, 0] if entries else [0]
    while widths(size, levels[-1] + 1):
        levels.append(levels[-1] + 1)
    for level in levels:
        count = widths(size, level)
        for index in range(-(-count // TILE_WIDTH)):
            yield level, index, min(TILE_WIDTH, count - index * TILE_WIDTH)
