"""Recomputing a log's tree entry by entry: the part of checking a log that goes from the first entry to the
last.

A difference is reported where it is and not again at every level above: after one, the stored hash is
believed, so that what follows is judged by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Integer, cast, func, select

from gateway.audit import cosigned, merkle, retention, store, stored, tables, usage
from gateway.audit.canonical import PlainJson
from gateway.audit.catalogue_check import CatalogueCheck
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.edge import NodeId, fold
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.orders import Part
from gateway.audit.retention import Span
from gateway.audit.stored import RawEntry, StoredEntry, Summary

PAGE = 1000
FINDINGS_LIMIT = 100_000


OpenChunk = tuple[int, str, str, str]
"""The latest chunk of a release that is open: its number, its partner, its request, and which instance has it open."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was signed: where, and what is wrong there."""

    where: str
    what: str


@dataclass
class Walk:
    """The tree as it is being recomputed, and what was found on the way."""

    origin: str
    verifier: VerifierKey
    size: int
    held: Checkpoint | None = None
    next: int = 0
    findings: list[Finding] = field(default_factory=list)
    stack: list[bytes] = field(default_factory=list)
    lost: bool = False  # an entry is missing: the tree cannot be recomputed past it
    chunks: dict[str, OpenChunk] = field(default_factory=dict)
    artifacts: dict[str, int] = field(default_factory=dict)  # what must be stored, and the first entry that names it
    catalogue: CatalogueCheck = field(default_factory=CatalogueCheck)
    usage: usage.Recount = field(default_factory=usage.Recount)
    cosigned: cosigned.Recount = field(default_factory=cosigned.Recount)
    orders: list[tuple[int, Mapping[str, PlainJson]]] = field(default_factory=list)
    missing: list[Span] = field(default_factory=list)  # what entries lack, for a removal to account for
    bad_roots: int = 0
    good_size: int = 0

    def find(self, where: str, what: str) -> None:
        """Note a difference."""
        if len(self.findings) < FINDINGS_LIMIT:
            self.findings.append(Finding(where, what))

    def start_at(self, connection: Connection, size: int) -> None:
        """Begin after ``size`` entries, with the stored edge: the held checkpoint says if it is right."""
        self.next = self.good_size = size
        try:
            self.stack = list(store.read_edge(connection, size).hashes)
        except LogAltered as error:
            self.find(error.where, error.what)
            self.lost = True
        table = tables.entries.c
        begun = select(func.max(table.position)).where(table.position < size, table.release != "")
        unfinished = begun.group_by(table.release).having(func.max(cast(table.last, Integer)) == 0)
        for raw in stored.read_some(connection, list(connection.execute(unfinished).scalars())).values():
            with contextlib.suppress(LogAltered):  # its release is then found to be another than the store has open
                found = stored.check_summary(raw)
                self.chunks[found.leaf.release] = _open_chunk(found)

    def page(self, connection: Connection) -> None:
        """Check the next page of entries, with the hashes and checkpoints that they complete."""
        begin, end = self.next, min(self.next + PAGE, self.size)
        entries = {raw.index: raw for raw in stored.read_raw(connection, begin - 1, PAGE, before=end)}
        hashes = _stored_nodes(connection, begin, end)
        table = tables.checkpoints.c
        wanted = select(table.size, table.note).where(table.size > begin, table.size <= end)
        notes = {row.size: row.note for row in connection.execute(wanted)}
        for index in range(begin, end):
            self._entry(index, entries.get(index), hashes)
            if index + 1 in notes:
                self._checkpoint(index + 1, notes[index + 1])
            self.next = index + 1
            self.compare_held()

    def compare_held(self) -> None:
        """Compare the tree as it is now with the checkpoint held from outside, if that is of this size."""
        held = self.held
        if held is None or held.size != self.next:
            return
        if held.origin != self.origin:
            self.find("held checkpoint", f"is of the log {held.origin}, not of {self.origin}")
        elif self.lost or fold(self.stack) != held.root:
            self.find("held checkpoint", f"the first {held.size} entries are not those it was given for")

    def _entry(self, index: int, raw: RawEntry | None, hashes: Mapping[NodeId, bytes]) -> None:
        if raw is None:
            self.find(f"entry {index}", "is missing")
            self.lost = True
            return
        try:
            if retention.without_leaf(raw):
                retention.note_missing(self.missing, index, Part.LEAF)
            else:
                entry = stored.check(raw, removed=Part.PRIVATE)  # what is missing is accounted for at the end
                if entry.lacks is not None and entry.leaf.event in retention.REMOVABLE:
                    retention.note_missing(self.missing, index, entry.lacks)
                elif entry.lacks is not None:
                    self.find(f"entry {index}", f"lacks its {entry.lacks}; no removal takes it from {entry.leaf.event}")
                self._follow(entry)
                self.catalogue.add(index, entry.leaf, None if entry.lacks is Part.PRIVATE else entry.private)
        except LogAltered as error:
            self.find(error.where, error.what)
        if not self.lost:
            is_hash = len(raw.hash) == merkle.HASH_BYTES  # else it was found above, as another than the leaf's
            self._grow(index, raw.hash if is_hash else merkle.leaf_hash(raw.leaf), hashes)

    def _grow(self, index: int, current: bytes, hashes: Mapping[NodeId, bytes]) -> None:
        """Add a leaf's hash, comparing every node it completes with the stored one."""
        level = 0
        while index >> level & 1:
            current = merkle.node_hash(self.stack.pop(), current)
            level += 1
            node = (level, index >> level)
            expected = hashes.get(node)
            if expected is None:
                self.find(_range(node), "the hash over them is missing")
            elif expected != current:
                self.find(_range(node), "are not those that the stored hash was made over")
                current = expected if len(expected) == merkle.HASH_BYTES else current
        self.stack.append(current)

    def _follow(self, entry: StoredEntry) -> None:
        """Follow chunks and collect orders."""
        leaf = entry.leaf
        if leaf.origin != self.origin:
            self.find(f"entry {entry.index}", f"belongs to the log {leaf.origin}")
        if leaf.release:
            before = self.chunks.pop(leaf.release, None)
            if leaf.chunk != (-1 if before is None else before[0]) + 1 and not (before is None and self._lost_leaves):
                self.find(f"entry {entry.index}", f"chunk {leaf.chunk} of {leaf.release} does not follow the last")
            if not leaf.last:
                self.chunks[leaf.release] = _open_chunk(entry)
        self.cosigned.add(leaf.event, entry.private)
        try:
            self.usage.add(leaf.partner, entry.private)
        except ValueError as error:
            self.find(f"entry {entry.index}", str(error))
        said = entry.private.get("orders", [])
        for order in said if isinstance(said, list) else ():
            if isinstance(order, dict):
                self.orders.append((entry.index, order))
        for digest in _named(entry.private):
            self.artifacts.setdefault(digest, entry.index)

    @property
    def bodiless(self) -> int:
        """How many entries have no private part."""
        return sum(span.last - span.first + 1 for span in self.missing if span.what is not Part.ROWS)

    @property
    def _lost_leaves(self) -> bool:
        """Whether leaves were removed, so that a release's first chunks may be among them."""
        return any(span.what is Part.LEAF for span in self.missing)

    def _checkpoint(self, size: int, note: str) -> None:
        try:
            said = open_checkpoint(note, [self.verifier])
        except ProofRefused as error:
            self.find(f"checkpoint of {size}", f"is not signed by this log's key: {error}")
            return
        if (said.origin, said.size) != (self.origin, size):
            self.find(f"checkpoint of {size}", f"is of {said.origin} at size {said.size}")
        elif self.lost or said.root != fold(self.stack):
            self.bad_roots += 1
            if self.bad_roots == 1:  # all later ones differ too: the first tells where
                self.find(f"entries {self.good_size} to {size - 1}", "do not lead to the root signed for them")
        else:
            self.good_size = size


def _open_chunk(entry: StoredEntry | Summary) -> OpenChunk:
    leaf, private = entry.leaf, entry.private or {}
    return leaf.chunk, leaf.partner, leaf.request, str(private.get("instance"))


def _named(private: Mapping[str, PlainJson]) -> Iterator[str]:
    """The digests of everything that an entry says a decision is made from: policy set, files, tables, officers."""
    for name in ("policy", "list"):
        said = private.get(name)
        if isinstance(said, str) and said:
            yield said
    for name in ("tables", "files"):
        said = private.get(name)
        for digest in said.values() if isinstance(said, dict) else ():
            if isinstance(digest, str) and digest:  # without: a table that has no rows
                yield digest


def _stored_nodes(connection: Connection, begin: int, end: int) -> dict[NodeId, bytes]:
    """The interior nodes that leaves ``begin`` to ``end`` complete, as stored."""
    table = tables.nodes.c
    found: dict[NodeId, bytes] = {}
    for level in range(1, end.bit_length() + 1):
        places = table.place.between(begin >> level, (end >> level) - 1)
        wanted = select(table.place, table.hash).where(table.level == level, places)
        found.update({(level, row.place): row.hash for row in connection.execute(wanted)})
    return found


def _range(node: NodeId) -> str:
    level, place = node
    return f"entries {place << level} to {((place + 1) << level) - 1}"
