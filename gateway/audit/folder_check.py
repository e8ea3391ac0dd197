"""Checking a published folder from its first entry to its checkpoint: no gateway, no database, no network.

1. The checkpoint is signed by the log's key.
2. Every hash tile is there and whole; every entry has the hash that its tile says (unless the folder is one of hashes
   alone, and may be), and is a leaf of this log.
3. Every tile above is made of the ones below it, and all of them lead to the checkpoint's root.
4. The checkpoint extends the one that the checker holds from before, if any.
5. A leaf is absent only where a removal that the log records took it (:mod:`gateway.audit.removed`).
6. Every artifact that entries name by digest is there (:mod:`gateway.audit.naming`).
7. What else lies among the tiles contradicts none of them, and is remarked on (unless only what is new is checked):
   tiles of a longer log come before its checkpoint.

A difference is reported where it is and not again above: after one, the stored hash is believed. An incremental
check starts at the held checkpoint: the tree up to there is taken from the tiles, and only if it has the held
root.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.audit import folder_artifacts, folder_files, merkle, tiles
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.edge import Edge, NodeId, cover
from gateway.audit.errors import ProofRefused
from gateway.audit.finding import Finding
from gateway.audit.folder import CHECKPOINT
from gateway.audit.leaf import parse_leaf
from gateway.audit.merkle import HASH_BYTES
from gateway.audit.naming import ARTIFACTS, NAMED, NAMING
from gateway.audit.published import TREE_LEVELS, widths
from gateway.audit.removed import OWN, REMOVALS, Account, parse_evidence
from gateway.audit.tiles import ENTRIES, TILE_WIDTH
from gateway.audit.verification import Progress, Report


class Holds(enum.StrEnum):
    """What a folder must hold to be what it was handed over as."""

    WHOLE = "whole"  # entries with the artifacts that they name: what an auditor is given
    ENTRIES = "entries"  # entries alone: what an auditor fetched over HTTP
    HASHES = "hashes"  # hashes alone: what partners, witnesses and monitors are given


def verify_folder(
    folder: Path,
    origin: str,
    verifier: VerifierKey,
    *,
    held: Checkpoint | None = None,
    whole: bool = True,
    holds: Holds = Holds.WHOLE,
    progress: Progress | None = None,
) -> Report:
    """Check a folder. ``held`` is a checkpoint kept from before, opened; with ``whole`` False what it covers is
    not read again. ``holds`` is what must be in it; what is there besides is checked too.

    The report's ``checked`` counts entries, or hashes where the folder holds no entries (``hashes_alone``).
    """
    try:
        note = folder_files.read_note(folder / CHECKPOINT)
    except ProofRefused as error:
        return Report(0, 0, "", (Finding("checkpoint", str(error)),))
    try:
        head = open_checkpoint(note, [verifier])  # 1
    except ProofRefused as error:
        return Report(0, 0, "", (Finding("checkpoint", f"is not one that this log's key signed: {error}"),))
    check = _Check(folder, origin, head)
    if head.origin != origin:
        check.find("checkpoint", f"is of the log {head.origin}, not of {origin}")
    check.read_removals()
    start = check.begin(held, whole=whole)
    for index in range(start // TILE_WIDTH, -(-head.size // TILE_WIDTH)):
        if not check.tile(index):
            break
        if progress is not None:
            progress(check.edge.size - start, head.size - start)
    check.finish()
    if (holds is Holds.WHOLE and check.has_entries) or any((folder / name).exists() for name in (NAMED, ARTIFACTS)):
        check.findings += folder_artifacts.differences(folder, check.naming, head.size, whole=whole)  # 6
    if holds is not Holds.HASHES and head.size and not check.has_entries:
        check.find("tile/entries", "is missing: no entry is here, only their hashes, as where `--holds hashes` is said")
    unaccounted, accounted = check.account.settle(head.size)  # 5
    strays = list(folder_files.strays(folder, head.size)) if whole else []  # 7
    findings = (*check.findings, *unaccounted, *(Finding(each.name, each.what) for each in strays if each.wrong))
    remarks = (*accounted, *(Finding(each.name, each.what) for each in strays if not each.wrong))
    return Report(
        head.size,
        head.size - start,
        note.decode(),
        findings,
        hashes_alone=not check.has_entries,
        lacking=check.account.lacking,
        remarks=remarks,
    )


@dataclass
class _Check:
    """The tree as it is being recomputed from the folder."""

    folder: Path
    origin: str
    head: Checkpoint
    held: Checkpoint | None = None
    edge: Edge = field(default_factory=Edge)
    findings: list[Finding] = field(default_factory=list)
    above: dict[tuple[int, int], list[bytes]] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    naming: dict[int, bytes] = field(default_factory=dict)  # entries that name artifacts, with their leaves' hashes

    @property
    def has_entries(self) -> bool:
        return any((self.folder / name).is_dir() for name in ("tile/entries", OWN))

    def find(self, where: str, what: str) -> None:
        self.findings.append(Finding(where, what))

    def begin(self, held: Checkpoint | None, *, whole: bool) -> int:
        """Compare with the held checkpoint (4) what can be compared now; how many entries are taken as checked."""
        self.held = held
        if held is None:
            return 0
        if held.origin != self.origin:
            self.find("held checkpoint", f"is of the log {held.origin}, not of {self.origin}")
        if held.size > self.head.size:
            sizes = f"the folder has {self.head.size} entries, but you hold a checkpoint of {held.size}"
            self.find("checkpoint", f"{sizes}: rolled back")
            self.held = None
            return 0
        if whole or held.size == 0 or not self.account.begin(held.size):
            return 0
        try:
            known = Edge(held.size, tuple(self._node(node) for node in cover(0, held.size)))
        except ProofRefused as error:
            self.find("tiles", str(error))
            return 0
        self.edge = known
        self._compare_held()
        return held.size

    def read_removals(self) -> None:
        """Read the removals that the folder shows; that the log has them is seen as the walk comes to them."""
        try:
            numbers = [number for number in folder_files.shown(self.folder, REMOVALS) if number < self.head.size]
        except ProofRefused as error:
            self.find(REMOVALS, str(error))
            return
        for number in numbers:
            try:
                data = folder_files.read_shown(self.folder, REMOVALS, number)
                self.account.removals[number] = parse_evidence(data, number, self.origin)
            except ProofRefused as error:
                self.find(f"{REMOVALS}/{number}", str(error))

    def tile(self, index: int) -> bool:
        """Check one level-0 tile with its entries and the hashes it completes; whether one can go on."""
        width = min(TILE_WIDTH, self.head.size - index * TILE_WIDTH)
        try:
            hashes = self._hashes(0, index, width)
        except ProofRefused as error:
            self.find(f"entries {index * TILE_WIDTH} to {index * TILE_WIDTH + width - 1}", str(error))
            return False
        skip = self.edge.size - index * TILE_WIDTH
        for number in range(index * TILE_WIDTH, index * TILE_WIDTH + width) if self.account.removals else ():
            shown = self.account.removals.get(number)
            if shown is not None and shown.hash != hashes[number - index * TILE_WIDTH]:
                self.find(f"{REMOVALS}/{number}", "is not of the entry that the log has there")
                del self.account.removals[number]
        if self.has_entries:
            self._entries(index, width, hashes, skip)
        pending = hashes[skip:]
        if self.held is not None and self.edge.size < self.held.size <= self.edge.size + len(pending):
            cut = self.held.size - self.edge.size
            self._grow(pending[:cut])
            self._compare_held()
            pending = pending[cut:]
        self._grow(pending)
        return True

    def finish(self) -> None:
        """The root, once every tile has been read."""
        if self.edge.size == self.head.size and self.edge.root != self.head.root and not self.findings:
            self.find(f"entries 0 to {self.head.size - 1}", "do not lead to the root that was signed")

    def _entries(self, index: int, width: int, hashes: Sequence[bytes], skip: int) -> None:
        try:
            path = tiles.path(ENTRIES, index, width)
            entries, left = folder_files.read_bundle(self.folder, index, width)
        except ProofRefused as error:
            self.find(f"entries {index * TILE_WIDTH} to {index * TILE_WIDTH + width - 1}", str(error))
            return
        for number in range(skip, min(width, len(entries))):
            where = f"entry {index * TILE_WIDTH + number}"
            if left and not entries[number]:
                self.account.add(index * TILE_WIDTH + number, None)
                continue
            if merkle.leaf_hash(entries[number]) != hashes[number]:
                self.find(where, "is not the one that its hash was made over")
                continue
            try:
                leaf = parse_leaf(entries[number])
                self.account.add(index * TILE_WIDTH + number, leaf)
                if leaf.origin != self.origin:
                    self.find(where, "belongs to another log")
                if leaf.event in NAMING:
                    self.naming[index * TILE_WIDTH + number] = hashes[number]
            except ProofRefused as error:
                self.find(where, str(error))
        if len(entries) < width:
            self.find(f"entry {index * TILE_WIDTH + len(entries)}", f"is missing from {path}")

    def _grow(self, hashes: Sequence[bytes]) -> None:
        """Add leaf hashes; compare what they complete with the tiles above, and believe those."""
        size, stack = self.edge.size, list(self.edge.hashes)
        for value in hashes:
            current, level = value, 0
            while size >> level & 1:
                current = merkle.node_hash(stack.pop(), current)
                level += 1
                if level % TREE_LEVELS == 0:
                    current = self._agreed(level, size >> level, current)
            stack.append(current)
            size += 1
        self.edge = Edge(size, tuple(stack))

    def _agreed(self, level: int, offset: int, computed: bytes) -> bytes:
        """The hash that the tile above says for a node, noting when it is not the computed one."""
        stored = self._above(level // TREE_LEVELS, offset)
        if stored is not None and stored != computed:
            first = offset << level
            self.find(f"entries {first} to {first + (1 << level) - 1}", "are not those that their hash was made over")
        return computed if stored is None else stored

    def _above(self, level: int, offset: int) -> bytes | None:
        """The hash that the tile of this level says; ``None`` (and a finding) when the tile cannot be read."""
        index, within = divmod(offset, TILE_WIDTH)
        if (level, index) not in self.above:
            width = min(TILE_WIDTH, widths(self.head.size, level) - index * TILE_WIDTH)
            for old in [key for key in self.above if key[0] == level]:
                del self.above[old]
            try:
                self.above[level, index] = self._hashes(level, index, width)
            except ProofRefused as error:
                self.find(tiles.path(level, index, width), str(error))
                self.above[level, index] = []
        hashes = self.above[level, index]
        return hashes[within] if within < len(hashes) else None

    def _compare_held(self) -> None:
        held = self.held
        if held is not None and self.edge.root != held.root:
            self.find("held checkpoint", f"the first {held.size} entries are not those it was given for")
        self.held = None

    def _node(self, node: NodeId) -> bytes:
        """The root of a complete subtree, from the tile that holds it or what it is made of."""
        level, place = node[0] // TREE_LEVELS, node[1] << node[0] % TREE_LEVELS
        count = 1 << node[0] % TREE_LEVELS
        index, within = divmod(place, TILE_WIDTH)
        width = min(TILE_WIDTH, widths(self.head.size, level) - index * TILE_WIDTH)
        return merkle.root(self._hashes(level, index, width)[within : within + count])

    def _hashes(self, level: int, index: int, width: int) -> list[bytes]:
        path = tiles.path(level, index, width)
        data = folder_files.read_tile(self.folder, level, index, width)
        if len(data) < width * HASH_BYTES or len(data) % HASH_BYTES:
            raise ProofRefused(f"{path} has {len(data)} bytes, not {width * HASH_BYTES}")
        return list(_split(data[: width * HASH_BYTES]))


def _split(data: bytes) -> Iterator[bytes]:
    return (data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))
