"""Publishing the log as a folder of static files (C2SP tlog-tiles): what a web server, a mirror or a carried
disk hands on.

Rules. The folder only grows: before anything is written, the checkpoint in it must be one that the log
extends. Tiles come first and the checkpoint last, each file whole (written beside, synced, renamed), so
a crash at any moment leaves an older checkpoint with all its tiles, and the next run goes on from there.
A full tile is written once. The partial ones that a full one replaces are taken away (tlog-tiles allows it:
whoever holds an older checkpoint reads the full tile).

Entry bundles hold every partner's leaves: they are written only when asked for, for auditors.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.audit import merkle, tiles
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.errors import AuditError, LogAltered, ProofRefused
from gateway.audit.published import widths
from gateway.audit.reading import LogReader
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
    """What a folder holds after publishing: the log's size there, and how many files were written."""

    size: int
    written: int


def publish(reader: LogReader, folder: Path, *, entries: bool = False, progress: Progress | None = None) -> Published:
    """Bring a folder up to the log as it is now. With ``entries`` its bundles are written too.

    Raises :class:`FolderRefused` when the folder holds another log or a file cannot be written,
    :class:`LogAltered` when the log does not extend what the folder holds, :class:`LogUnavailable`.
    """
    note = reader.checkpoint()
    head = open_checkpoint(note, [reader.verifier])
    check_extends(reader, read_checkpoint(folder, reader.verifier), head)
    wanted = list(_wanted(head.size, entries=entries))
    written = 0
    touched = {folder}
    for done, (level, index, width) in enumerate(wanted, start=1):
        path = folder / tiles.path(level, index, width)
        if not path.exists():
            data = reader.tile(level, index, width, head.size)
            if data is None and level == tiles.ENTRIES and reader.bodies_removed():
                continue  # a leaf among them was removed: no such bundle can be written any more
            if data is None:
                raise LogAltered(f"tile {tiles.path(level, index, width)}", "the store no longer reaches that far")
            write_whole(path, data)
            touched.update([path.parent, path.parent.parent])
            written += 1
        if width == TILE_WIDTH:
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)
        if progress is not None:
            progress(done, len(wanted))
    for each in touched:
        _sync_names(each)
    # A crash before this line leaves the older checkpoint, whose tiles (or the full ones in their place) are there.
    write_whole(folder / CHECKPOINT, note.encode())
    _sync_names(folder)
    return Published(head.size, written + 1)


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
