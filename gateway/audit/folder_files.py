"""The files of a published folder: read no further than a tile can be long, and named where they are no tile.

Whoever can write the folder chooses what lies in it: a file without end, a pipe that is never written to, a tile where
the log has not grown to yet, which publishing would then find there already.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.audit import evidence, tiles
from gateway.audit.errors import ProofRefused
from gateway.audit.merkle import HASH_BYTES
from gateway.audit.naming import ARTIFACTS, NAMED
from gateway.audit.note import NOTE_LIMIT
from gateway.audit.published import widths
from gateway.audit.removed import OWN, REMOVALS
from gateway.audit.tiles import ENTRIES, TILE_WIDTH

BUNDLE_LIMIT = TILE_WIDTH * (2 + 0xFFFF)
"""Most bytes that a bundle of entries has."""
ARTIFACT_LIMIT = 1 << 28
"""Most bytes that are read of one artifact."""


def read_note(path: Path) -> bytes:
    """A checkpoint's bytes. Raises :class:`ProofRefused`."""
    return _read(path, path.name, NOTE_LIMIT)


def read_tile(folder: Path, level: int, index: int, width: int) -> bytes:
    """A tile's bytes; a partial one may have become full since the checkpoint (tlog-tiles). Raises
    :class:`ProofRefused`.
    """
    name = tiles.path(level, index, width)
    if not (folder / name).exists() and (folder / tiles.path(level, index)).exists():
        return _read_exactly(folder, level, index, TILE_WIDTH)
    return _read_exactly(folder, level, index, width)


def read_bundle(folder: Path, index: int, width: int) -> tuple[list[bytes], bool]:
    """A bundle's entries, and whether they are what a removal left of it: then some are ``b""``. Raises
    :class:`ProofRefused`.
    """
    names = [tiles.path(ENTRIES, index, each) for each in (width, TILE_WIDTH)]
    left = not any((folder / name).exists() for name in names) and any((folder / OWN / name).exists() for name in names)
    return tiles.parse_bundle(read_tile(folder / OWN if left else folder, ENTRIES, index, width)), left


def shown(folder: Path, place: str) -> list[int]:
    """The entries that the files of ``place`` show, in order. Raises :class:`ProofRefused`."""
    return sorted(int(name) for name in names(folder, place) if _INDEX.fullmatch(name))


def names(folder: Path, place: str) -> list[str]:
    """The names of all that lies in a place of the folder, which may not be there. Raises :class:`ProofRefused`."""
    try:
        return sorted(path.name for path in (folder / place).iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ProofRefused(f"{place} cannot be read: {error.strerror}") from error


def read_shown(folder: Path, place: str, index: int) -> bytes:
    """The file of ``place`` that shows an entry. Raises :class:`ProofRefused`."""
    name = f"{place}/{index}"
    return _read(folder / name, name, evidence.LIMIT)


def read_artifact(folder: Path, digest: str) -> bytes:
    """An artifact's bytes, whatever they are. Raises :class:`ProofRefused`."""
    name = f"{ARTIFACTS}/{digest}"
    return _read(folder / name, name, ARTIFACT_LIMIT)


def _read_exactly(folder: Path, level: int, index: int, width: int) -> bytes:
    name = tiles.path(level, index, width)
    return _read(folder / name, name, BUNDLE_LIMIT if level == ENTRIES else TILE_WIDTH * HASH_BYTES)


def _read(path: Path, name: str, limit: int) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ProofRefused(f"{name} is no file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise ProofRefused(f"{name} is missing") from None
    except OSError as error:
        raise ProofRefused(f"{name} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise ProofRefused(f"{name} has more than {limit} bytes")
    return data


_INDEX = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Stray(NamedTuple):
    """A file among the tiles that the checkpoint's tree does not need: its name, and what is to be said of it. It is
    ``wrong`` where it contradicts a tile that the tree needs; else it may belong to a tree that is yet to be signed.
    """

    name: str
    what: str
    wrong: bool


def strays(folder: Path, size: int) -> Iterator[Stray]:
    """What lies among the tiles of a log of ``size`` beside those it needs. Older partial tiles that are right are
    none.
    """
    for top, judge in (("tile", _stray), (OWN, _own_stray)):
        for place, _, names in sorted(os.walk(folder / top)):
            for name in sorted(names):
                path = (Path(place) / name).relative_to(folder).as_posix()
                if name.startswith(".") and name.endswith(".new"):
                    continue  # what a publishing that was cut short has left; nobody reads it
                found = judge(folder, path, size)
                if found is not None:
                    yield found


def _own_stray(folder: Path, path: str, size: int) -> Stray | None:
    """The same beside what is left of bundles and the evidence of removals."""
    place, _, name = path.rpartition("/")
    if place == ARTIFACTS:
        return None  # each is looked at
    if place in (REMOVALS, NAMED) and _INDEX.fullmatch(name):
        longer = int(name) >= size
        return Stray(path, f"is of a longer log than {size} entries: not checked", wrong=False) if longer else None
    try:
        level, index, width = tiles.parse_path(path.removeprefix(f"{OWN}/"))
    except ProofRefused:
        level, index, width = 0, 0, 0
    if level != ENTRIES:
        return Stray(path, "is no file of a published log", wrong=False)
    if width != min(TILE_WIDTH, size - index * TILE_WIDTH):
        return Stray(path, f"is of a log of another length than {size} entries: not checked", wrong=False)
    if (folder / tiles.path(ENTRIES, index, width)).exists():
        return Stray(path, "is not needed, since the whole bundle is there: not checked", wrong=False)
    return None


def _stray(folder: Path, path: str, size: int) -> Stray | None:
    try:
        level, index, width = tiles.parse_path(path)
    except ProofRefused:
        return Stray(path, "is no tile", wrong=False)
    there = widths(size, level) - index * TILE_WIDTH
    now = min(TILE_WIDTH, there)
    if width == now:
        return None
    if there <= 0:
        return Stray(path, f"is of a longer log than {size} entries: not checked", wrong=False)
    try:
        shorter, longer = (_read_exactly(folder, level, index, each) for each in sorted((width, now)))
    except ProofRefused as error:
        return Stray(path, str(error), wrong=width < now)
    if not longer.startswith(shorter):
        return Stray(path, "contradicts the tile of the same place", wrong=True)
    return None if width < now else Stray(path, f"is of a longer log than {size} entries: not checked", wrong=False)
