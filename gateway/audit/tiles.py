"""Tiles of the tree as static files (C2SP tlog-tiles): their paths, their bytes, and the bundles of entries.

A tile of level L holds up to 256 consecutive hashes of tree level 8 * L. Level -1 stands here for the entry
bundles, whose path says ``entries`` in place of a level. Pure: bytes and text in, bytes and text out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from gateway.audit import merkle
from gateway.audit.errors import ProofRefused, shown

TILE_WIDTH = 256
ENTRIES = -1
"""The level that :func:`path` and :func:`parse_path` use for bundles of entries."""
TOP = 63
"""The highest level that a path can name."""

_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


def path(level: int | Literal["entries"], index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile below the log's prefix: ``tile/0/x001/x234/067`` or, partial, ``tile/0/003.p/17``.

    ``level`` is 0 to 63, or :data:`ENTRIES` for the bundle of entries; the word in its path says so too.
    """
    level = ENTRIES if level == "entries" else level
    _tile(level, index, width, lowest=ENTRIES)
    digits = str(index)
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{'entries' if level == ENTRIES else level}/{number}{partial}"


def parse_path(text: str) -> tuple[int, int, int]:
    """The (level, index, width) that a path names; exactly the paths that :func:`path` gives are taken."""
    if not isinstance(text, str):
        raise ProofRefused(f"a tile's path is text, not {type(text).__name__}")
    found = _PATH.fullmatch(text)
    if found is None:
        raise ProofRefused(f"{text!r} is not the path of a tile")
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    index = int(found["number"].replace("x", "").replace("/", ""))
    width = int(found["width"] or TILE_WIDTH)
    if path(level, index, width) != text:
        raise ProofRefused(f"{text!r} is not the path of a tile as it is written")
    return level, index, width


def tile(leaf_hashes: Sequence[bytes], level: int, index: int, width: int) -> bytes:
    """A tile's bytes: ``width`` hashes, each the root of 256**level leaves, from hash ``256 * index`` on.

    Raises :class:`ProofRefused` when the leaves do not reach that far.
    """
    _tile(level, index, width, lowest=0)
    merkle.check_list(leaf_hashes, "leaf hashes")
    span = TILE_WIDTH**level
    first = index * TILE_WIDTH * span
    if first + width * span > len(leaf_hashes):
        raise ProofRefused(f"a tree of {len(leaf_hashes)} leaves has no tile {path(level, index, width)}")
    return b"".join(merkle.root(leaf_hashes[at : at + span]) for at in range(first, first + width * span, span))


def entries_bundle(entries: Sequence[bytes]) -> bytes:
    """Up to 256 entries, each after its length as a big-endian uint16."""
    merkle.check_list(entries, "entries")
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ProofRefused(f"a bundle holds 1 to {TILE_WIDTH} entries, not {len(entries)}")
    for number, entry in enumerate(entries):
        if not isinstance(entry, bytes):
            raise ProofRefused(f"entry {number} is a {type(entry).__name__}, not bytes")
        if len(entry) > 0xFFFF:
            raise ProofRefused(f"entry {number} has {len(entry)} bytes; a bundle's lengths have 16 bits")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; refuses one that is empty, cut short, or holds more than 256."""
    if not isinstance(data, bytes):
        raise ProofRefused(f"a bundle is bytes, not {type(data).__name__}")
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise ProofRefused(f"the bundle is cut short in entry {len(entries)}")
        entries.append(data[at + 2 : end])
        at = end
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ProofRefused(f"a bundle holds 1 to {TILE_WIDTH} entries, not {len(entries)}")
    return entries


def _tile(level: int, index: int, width: int, *, lowest: int) -> None:
    """Refuse numbers that no tile has; a tile's index counts at most as far as the leaves of the largest tree."""
    for number, name in ((level, "level"), (index, "index"), (width, "width")):
        if isinstance(number, bool) or not isinstance(number, int):
            raise ProofRefused(f"a tile's {name} is a whole number, not {type(number).__name__}")
    if not lowest <= level <= TOP or not 0 <= index <= merkle.MAX_SIZE or not 1 <= width <= TILE_WIDTH:
        said = f"level {shown(level)}, index {shown(index)}, width {shown(width)}"
        raise ProofRefused(f"there is no tile of {said}")
