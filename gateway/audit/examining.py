"""Examining a run of entries by itself: all that can be said of it without the entries before.

A run lies within one complete subtree of :data:`RUN` leaves. What it shows by itself are findings; what crosses its
border is noted as an event, for :mod:`gateway.audit.walk` to judge when it joins the runs in the order of the log. So
runs can be examined in any order and by several processes, and what is found is the same.

A difference is reported where it is and not again at every level above: after one, the stored hash is believed, so that
what follows is judged by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, select

from gateway.audit import catalogue_check, merkle, retention, store, stored, tables
from gateway.audit.checkpoint import VerifierKey, open_checkpoint
from gateway.audit.database import looking
from gateway.audit.edge import NodeId, cover, fold
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.finding import Finding
from gateway.audit.leaf import Leaf
from gateway.audit.orders import Part
from gateway.audit.retention import Span
from gateway.audit.stored import RawEntry, StoredEntry, Summary
from gateway.audit.sums import Sums

LEVEL = catalogue_check.LEVEL
RUN = 1 << LEVEL
"""Entries of a whole run: the leaves of one complete subtree."""


class OpenChunk(NamedTuple):
    """The latest chunk of a release that is open, and which instance has it open."""

    chunk: int
    partner: str
    request: str
    instance: str


class Followed(NamedTuple):
    """A chunk of a release that other entries may have chunks of."""

    release: str
    last: bool
    latest: OpenChunk


class Reached(NamedTuple):
    """The tree of ``size``: the root over its leaves in this run (``None``: there are none), and the root that a
    checkpoint of this size was signed over (``None``: that of the checkpoint which is held from outside). ``lost`` says
    that an entry of the run is missing, so that there is no tree.
    """

    size: int
    inner: bytes | None
    signed: bytes | None
    lost: bool


class Complete(NamedTuple):
    """The whole subtree of the run: its root, and the stored hashes of those that it completes above."""

    root: bytes
    above: Mapping[NodeId, bytes]


Event = Finding | Followed | Reached | Complete


class Scope(NamedTuple):
    """What every run of a check is examined for. ``held`` is the size of the checkpoint held from outside, ``salt``
    that of the sums of words, ``begun`` how many entries were taken as checked.
    """

    origin: str
    verifier: VerifierKey
    held: int
    salt: int
    begun: int


@dataclass(slots=True)
class Examined:
    """What the run of the entries from ``begin`` up to and without ``end`` shows.

    ``events`` are in the order of the log, each with its entry. ``singles`` are the releases of one chunk, which end in
    the entry that they begin in. ``words`` is the sum over its words, ``missing`` what removals must account for,
    ``edge`` the complete subtrees that a run cut short by the log's end leaves.
    """

    begin: int
    end: int
    events: list[tuple[int, Event]] = field(default_factory=list)
    singles: dict[str, int] = field(default_factory=dict)
    words: int = 0
    sums: Sums = field(default_factory=Sums)
    missing: list[Span] = field(default_factory=list)
    edge: list[bytes] = field(default_factory=list)
    lost: bool = False


def runs(begin: int, end: int) -> list[tuple[int, int]]:
    """How entries are cut into runs."""
    cuts = [begin, *range(begin - begin % RUN + RUN, end, RUN), end]
    return list(itertools.pairwise(cuts)) if begin < end else []


def examine(connection: Connection, scope: Scope, begin: int, end: int) -> Examined:
    """Read a run's entries, with the hashes and checkpoints that they complete, and say what they show."""
    return _Examining(connection, scope, Examined(begin, end)).done


class _Examining:
    """A run's own part of the tree, as it grows, and what was noted on the way."""

    def __init__(self, connection: Connection, scope: Scope, run: Examined) -> None:
        self._scope = scope
        self._several: set[str] = set()
        self.done = run
        begin, end = run.begin, run.end
        try:  # a walk that begins within a run finds what is before in the store; whether that is right is held against
            before = cover(begin - begin % RUN, begin)  # the checkpoint it begins at
            found = store.read_nodes(looking(connection), before)
            self._stack = [found[node] for node in before]
        except LogAltered:
            self._stack, run.lost = [], True
        entries = {raw.index: raw for raw in stored.read_raw(connection, begin - 1, end - begin, before=end)}
        self._hashes = _stored_nodes(connection, begin, end)
        notes = _notes(connection, begin, end)
        for index in range(begin, end):
            self._entry(index, entries.get(index))
            if (index + 1) % RUN == 0 and not run.lost:
                self._complete(index)
            if index + 1 in notes:
                self._checkpoint(index + 1, notes[index + 1])
            if index + 1 == scope.held:
                self._reach(index + 1, None)
        run.edge = self._stack

    def _note(self, index: int, event: Event) -> None:
        self.done.events.append((index, event))

    def _find(self, index: int, what: str, where: str = "") -> None:
        self._note(index, Finding(where or f"entry {index}", what))

    def _entry(self, index: int, raw: RawEntry | None) -> None:
        if raw is None:
            self._find(index, "is missing")
            self.done.lost = True
            return
        try:
            if retention.without_leaf(raw):
                retention.note_missing(self.done.missing, index, Part.LEAF)
            else:
                self._follow(stored.check(raw, removed=Part.PRIVATE))  # what is missing is accounted for at the end
        except LogAltered as error:
            self._find(index, error.what, error.where)
        if not self.done.lost:
            is_hash = len(raw.hash) == merkle.HASH_BYTES  # else it was found above, as another than the leaf's
            self._grow(index, raw.hash if is_hash else merkle.leaf_hash(raw.leaf))

    def _follow(self, entry: StoredEntry) -> None:
        """Note what an entry lacks, and which chunk of which release it is; add up what it says."""
        index, leaf, run = entry.index, entry.leaf, self.done
        if entry.lacks is not None and leaf.event in retention.REMOVABLE:
            retention.note_missing(run.missing, index, entry.lacks)
        elif entry.lacks is not None:
            self._find(index, f"lacks its {entry.lacks}; no removal takes it from {leaf.event}")
        if leaf.origin != self._scope.origin:
            self._find(index, f"belongs to the log {leaf.origin}")
        if leaf.release:
            self._chunk(entry, leaf)
        has_private = entry.lacks is not Part.PRIVATE
        run.words += catalogue_check.wanted(self._scope.salt, index, leaf, entry.private if has_private else None)
        if has_private:
            try:
                run.sums.add(index, leaf, entry.private, self._scope.begun)
            except ValueError as error:
                self._find(index, str(error))

    def _chunk(self, entry: StoredEntry, leaf: Leaf) -> None:
        if leaf.chunk == 0 and leaf.last and leaf.release not in self._several:
            self.done.singles.setdefault(leaf.release, entry.index)
            return
        self._several.add(leaf.release)
        self._note(entry.index, Followed(leaf.release, leaf.last, open_chunk(entry)))

    def _grow(self, index: int, current: bytes) -> None:
        """Add a leaf's hash, comparing every node it completes with the stored one."""
        level = 0
        while level < LEVEL and index >> level & 1:
            current = merkle.node_hash(self._stack.pop(), current)
            level += 1
            node = (level, index >> level)
            current, wrong = agreed(node, current, self._hashes.get(node))
            if wrong is not None:
                self._note(index, wrong)
        self._stack.append(current)

    def _complete(self, index: int) -> None:
        above = {node: value for node, value in self._hashes.items() if node[0] > LEVEL}
        self._note(index, Complete(self._stack.pop(), above))

    def _checkpoint(self, size: int, note: str) -> None:
        try:
            said = open_checkpoint(note, [self._scope.verifier])
        except ProofRefused as error:
            self._find(size - 1, f"is not signed by this log's key: {error}", f"checkpoint of {size}")
            return
        if (said.origin, said.size) != (self._scope.origin, size):
            self._find(size - 1, f"is of {said.origin} at size {said.size}", f"checkpoint of {size}")
        else:
            self._reach(size, said.root)

    def _reach(self, size: int, signed: bytes | None) -> None:
        inner = fold(self._stack) if self._stack else None
        self._note(size - 1, Reached(size, inner, signed, self.done.lost))


def agreed(node: NodeId, computed: bytes, expected: bytes | None) -> tuple[bytes, Finding | None]:
    """The hash of a node to go on with, and what is to be said where the stored one is not what was computed."""
    if expected == computed:
        return computed, None
    level, place = node
    where = f"entries {place << level} to {((place + 1) << level) - 1}"
    if expected is None:
        return computed, Finding(where, "the hash over them is missing")
    believed = expected if len(expected) == merkle.HASH_BYTES else computed
    return believed, Finding(where, "are not those that the stored hash was made over")


def open_chunk(entry: StoredEntry | Summary) -> OpenChunk:
    """What stands in the store of a release that is open after this entry."""
    leaf, private = entry.leaf, entry.private or {}
    return OpenChunk(leaf.chunk, leaf.partner, leaf.request, str(private.get("instance")))


def _notes(connection: Connection, begin: int, end: int) -> dict[int, str]:
    table = tables.checkpoints.c
    wanted = select(table.size, table.note).where(table.size > begin, table.size <= end)
    return {row.size: row.note for row in connection.execute(wanted)}


def _stored_nodes(connection: Connection, begin: int, end: int) -> dict[NodeId, bytes]:
    """The interior nodes that leaves ``begin`` to ``end`` complete, as stored."""
    table = tables.nodes.c
    found: dict[NodeId, bytes] = {}
    for level in range(1, end.bit_length() + 1):
        places = table.place.between(begin >> level, (end >> level) - 1)
        wanted = select(table.place, table.hash).where(table.level == level, places)
        found.update({(level, row.place): row.hash for row in connection.execute(wanted)})
    return found
