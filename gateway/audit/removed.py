"""What a published folder shows of leaves that retention removed, for whoever has the folder and nothing else.

A bundle of c2sp.org/tlog-tiles has every leaf, so one that lost a leaf cannot be written any more. In its place stand,
under a name of our own that no path of tlog-tiles begins with:

- ``relgate/tile/entries/...``: the bundle's other leaves, in the bundle's own form, with nothing (length 0) where a
  leaf was removed;
- ``relgate/removals/INDEX``: the entry at that index, which records a removal, as :mod:`gateway.audit.evidence` shows
  one. It says from where to where leaves went and how many.

Rules. A leaf may be absent only where such an entry covers it. No more may be absent than the entries say went: the
leaves that are there tell by their events which of them could have gone (those of an older folder are still there), so
every leaf that was taken out of a folder beside those of the removal is one too many. A file that is not there at all
is never accounted for. So whoever can alter the folder, and not sign, passes no deletion off as a removal.

Pure: bytes in, values out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.audit import evidence
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import Event
from gateway.audit.errors import ProofRefused
from gateway.audit.finding import Finding
from gateway.audit.leaf import Leaf
from gateway.audit.orders import Part
from gateway.audit.retention import REMOVABLE, Span, note_missing

OWN = "relgate"
"""The folder, beside ``tile``, that holds what is not of tlog-tiles."""

REMOVALS = f"{OWN}/removals"


@dataclass(frozen=True, slots=True)
class Removal:
    """The entry at ``index`` says that ``count`` leaves went from the entries ``first`` to ``last``. ``hash`` is its
    own leaf's, which the tree must have there.
    """

    index: int
    first: int
    last: int
    count: int
    hash: bytes


def parse_evidence(data: bytes, index: int, origin: str) -> Removal:
    """The removal that a file shows, if the tree has its hash at ``index``. Raises :class:`ProofRefused`."""
    shown = evidence.parse(data)
    leaf = shown.leaf
    if leaf.origin != origin or leaf.event != Event.BODIES_REMOVED:
        raise ProofRefused(f"is of an entry of {leaf.event} in {leaf.origin}, not of a removal in {origin}")
    return _removal(shown.private.get("orders"), index, shown.hash)


def _removal(orders: PlainJson, index: int, own: bytes) -> Removal:
    """The one removal of leaves that an entry's orders are."""
    match orders:
        case [
            {"order": "remove", "what": Part.LEAF.value, "first": int(first), "last": int(last), "count": int(count)}
        ]:
            if 0 <= first <= last < index and 0 <= count <= last - first + 1:
                return Removal(index, first, last, count, own)
            raise ProofRefused(f"says that {count} leaves of the entries {first} to {last} went, which cannot be")
        case _:
            raise ProofRefused("does not say one removal of leaves")


@dataclass
class Account:
    """The leaves that a folder lacks and those it has, against the removals that it shows."""

    removals: dict[int, Removal] = field(default_factory=dict)
    absent: list[Span] = field(default_factory=list)
    could_go: list[Span] = field(default_factory=list)

    def begin(self, start: int) -> bool:
        """Leave out what took nothing from ``start`` on. False where a removal reaches over it: how much of that went
        from ``start`` on, only the entries before it tell.
        """
        if any(each.first < start <= each.last for each in self.removals.values()):
            return False
        self.removals = {index: each for index, each in self.removals.items() if each.first >= start}
        return True

    def add(self, index: int, leaf: Leaf | None) -> None:
        """Note the next entry: its leaf, or that there is none."""
        if leaf is None:
            note_missing(self.absent, index, Part.LEAF)
        elif self.removals and leaf.event in REMOVABLE:
            note_missing(self.could_go, index, Part.LEAF)

    @property
    def lacking(self) -> int:
        """How many entries have no leaf here."""
        return sum(run.length for run in self.absent)

    def settle(self, size: int) -> tuple[list[Finding], list[Finding]]:
        """What no removal accounts for, and what is accounted for, in a log of ``size``."""
        findings: list[Finding] = []
        remarks: list[Finding] = []
        after = 0  # the first entry that no group has spoken of
        for group in _groups(self.removals.values()):
            first, last = group[0].first, max(each.last for each in group)
            findings += self._unaccounted(after, first - 1)
            after = last + 1
            lacking, could_go = (
                sum(run.length for run in _within(runs, first, last)) for runs in (self.absent, self.could_go)
            )
            allowed = sum(each.count for each in group)
            by = _entries(each.index for each in group)
            if lacking + could_go > allowed:
                more = f"; {could_go} of them could go too, but are here" if could_go else ""
                what = f"lack {lacking} leaves{more}: by the removals that {by}, {allowed} went"
                findings.append(Finding(_run(first, last), what))
            elif lacking:
                what = f"lack {lacking} leaves, which retention removed, as {by}"
                remarks.append(Finding(_run(first, last), what))
        return findings + self._unaccounted(after, size - 1), remarks

    def _unaccounted(self, first: int, last: int) -> list[Finding]:
        what = "without a leaf, and no removal that the folder shows took it"
        return [Finding(_run(span.first, span.last), what) for span in _within(self.absent, first, last)]


def _groups(removals: Iterable[Removal]) -> Iterator[list[Removal]]:
    """Removals whose ranges overlap, together: which of them took a leaf need not be told apart."""
    group: list[Removal] = []
    end = -1
    for each in sorted(removals, key=lambda removal: (removal.first, removal.last)):
        if group and each.first > end:
            yield group
            group = []
        group.append(each)
        end = max(end, each.last)
    if group:
        yield group


def _within(runs: Sequence[Span], first: int, last: int) -> list[Span]:
    """The parts of runs, which are in order and apart, that lie in a range, which may be empty."""
    at = bisect_left(runs, first, key=lambda run: run.last)
    found: list[Span] = []
    while first <= last and at < len(runs) and runs[at].first <= last:
        found.append(Span(runs[at].what, max(runs[at].first, first), min(runs[at].last, last)))
        at += 1
    return found


def _run(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _entries(indices: Iterable[int]) -> str:
    """The entries that record removals, in words."""
    numbers = [str(index) for index in indices]
    return f"entry {numbers[0]} records" if len(numbers) == 1 else f"entries {', '.join(numbers)} record"
