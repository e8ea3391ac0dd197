"""Joining runs of entries in the order of the log: the part of checking a log that goes from the first entry to the
last.

Each run was examined by itself (:mod:`gateway.audit.examining`), by this process or another. What crosses runs is
judged here: the tree above them, the roots that checkpoints sign, chunks of releases, what entries add up to.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter

from sqlalchemy import Connection, Integer, cast, func, select

from gateway.audit import merkle, store, stored, tables
from gateway.audit.checkpoint import Checkpoint, VerifierKey
from gateway.audit.edge import fold
from gateway.audit.errors import LogAltered
from gateway.audit.examining import (
    LEVEL,
    RUN,
    Complete,
    Event,
    Examined,
    Followed,
    OpenChunk,
    Reached,
    Scope,
    agreed,
    open_chunk,
)
from gateway.audit.finding import Finding
from gateway.audit.orders import Part
from gateway.audit.retention import Span
from gateway.audit.sums import Sums

FINDINGS_LIMIT = 100_000


@dataclass(slots=True)
class Walk:
    """The tree as it is being put together, and what was found on the way."""

    origin: str
    verifier: VerifierKey
    size: int
    held: Checkpoint | None = None
    begun: int = 0  # so many entries are taken as checked
    salt: int = field(default_factory=lambda: secrets.randbits(62))
    next: int = 0
    findings: list[Finding] = field(default_factory=list)
    stack: list[bytes] = field(default_factory=list)
    lost: bool = False  # an entry is missing: the tree cannot be recomputed past it
    chunks: dict[str, OpenChunk] = field(default_factory=dict)
    sums: Sums = field(default_factory=Sums)
    words: dict[int, int] = field(default_factory=dict)  # of each run, the sum over its words
    missing: list[Span] = field(default_factory=list)  # what entries lack, for a removal to account for
    bad_roots: int = 0
    good_size: int = 0

    @property
    def scope(self) -> Scope:
        """What runs are to be examined for."""
        return Scope(self.origin, self.verifier, 0 if self.held is None else self.held.size, self.salt, self.begun)

    def find(self, where: str, what: str) -> None:
        """Note a difference."""
        if len(self.findings) < FINDINGS_LIMIT:
            self.findings.append(Finding(where, what))

    def find_all(self, differences: Iterable[tuple[str, str]]) -> None:
        """Note several."""
        for where, what in differences:
            self.find(where, what)

    def start_at(self, connection: Connection, size: int) -> None:
        """Begin after ``size`` entries, with the stored edge: the held checkpoint says if it is right."""
        self.begun = self.next = self.good_size = size
        try:
            edge = list(store.read_edge(connection, size).hashes)
        except LogAltered as error:
            self.find(error.where, error.what)
            edge, self.lost = [], True
        if self.held is not None and self.held.size == size:
            self._compare_held(self.held, None if self.lost else fold(edge))
        self.stack = edge[: (size // RUN).bit_count()]  # the rest is of the run that the walk begins in
        table = tables.entries.c
        begun = select(func.max(table.position)).where(table.position < size, table.release != "")
        unfinished = begun.group_by(table.release).having(func.max(cast(table.last, Integer)) == 0)
        for raw in stored.read_some(connection, list(connection.execute(unfinished).scalars())).values():
            with contextlib.suppress(LogAltered):  # its release is then found to be another than the store has open
                found = stored.check_summary(raw)
                self.chunks[found.leaf.release] = open_chunk(found)

    def join(self, run: Examined) -> None:
        """Go on with the next run."""
        self._miss(run.missing)
        for index, event in self._events(run):
            self._judge(index, event)
        self.next = run.end
        self.lost = self.lost or run.lost
        self.stack += run.edge
        self.words[run.begin // RUN] = run.words
        self.sums.include(run.sums)

    @property
    def bodiless(self) -> int:
        """How many entries have no private part."""
        return sum(span.length for span in self.missing if span.what is not Part.ROWS)

    def _miss(self, spans: list[Span]) -> None:
        for span in spans:
            last = self.missing[-1] if self.missing else None
            if last is not None and last.what is span.what and last.last == span.first - 1:
                self.missing[-1] = Span(span.what, last.first, span.last)
            else:
                self.missing.append(span)

    def _events(self, run: Examined) -> list[tuple[int, Event]]:
        """What is to be judged, with the releases of one chunk that were open already."""
        clashing = self.chunks.keys() & run.singles.keys()
        if not clashing:
            return run.events
        singles = [(run.singles[name], Followed(name, True, OpenChunk(0, "", "", ""))) for name in clashing]
        return sorted([*run.events, *singles], key=itemgetter(0))

    def _judge(self, index: int, event: Event) -> None:
        match event:
            case Finding(where, what):
                self.find(where, what)
            case Followed():
                self._follow(index, event)
            case Complete() if not self.lost:
                self._grow(index, event)
            case Reached():
                self._reach(event)

    def _follow(self, index: int, said: Followed) -> None:
        before = self.chunks.pop(said.release, None)
        follows = said.latest.chunk == (-1 if before is None else before.chunk) + 1
        if not follows and not (before is None and self._lost_leaves_before(index)):
            self.find(f"entry {index}", f"chunk {said.latest.chunk} of {said.release} does not follow the last")
        if not said.last:
            self.chunks[said.release] = said.latest

    def _lost_leaves_before(self, index: int) -> bool:
        """Whether leaves were removed, so that a release's first chunks may be among them."""
        return any(span.what is Part.LEAF and span.first < index for span in self.missing)

    def _grow(self, index: int, whole: Complete) -> None:
        """Add the subtree of a whole run, comparing every node it completes with the stored one."""
        current, level = whole.root, LEVEL
        while index >> level & 1:
            current = merkle.node_hash(self.stack.pop(), current)
            level += 1
            node = (level, index >> level)
            current, wrong = agreed(node, current, whole.above.get(node))
            if wrong is not None:
                self.find(*wrong)
        self.stack.append(current)

    def _reach(self, at: Reached) -> None:
        lost = self.lost or at.lost
        root = None if lost else fold(self.stack if at.inner is None else [*self.stack, at.inner])
        if at.signed is None:
            if self.held is not None:
                self._compare_held(self.held, root)
        elif root != at.signed:
            self.bad_roots += 1
            if self.bad_roots == 1:  # all later ones differ too: the first tells where
                self.find(f"entries {self.good_size} to {at.size - 1}", "do not lead to the root signed for them")
        else:
            self.good_size = at.size

    def _compare_held(self, held: Checkpoint, root: bytes | None) -> None:
        """Compare the tree of its size with the checkpoint held from outside."""
        if held.origin != self.origin:
            self.find("held checkpoint", f"is of the log {held.origin}, not of {self.origin}")
        elif root != held.root:
            self.find("held checkpoint", f"the first {held.size} entries are not those it was given for")
