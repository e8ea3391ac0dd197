"""Taking bodies out of the log while the tree still proves that they were there.

Rules.

1. What is taken is one of :class:`Part`; the leaf's hash always stays, so that the tree, every proof and every
   receipt given out before stay as they are.
2. A removal is an order: the entry that records it (:attr:`~gateway.audit.entry.Event.BODIES_REMOVED`) says what, from
   where to where, by whom, why, and in which archive it is; and the bodies go in that entry's own transaction.
3. Only entries of :data:`REMOVABLE` events lose anything. Orders are never removed, removals least of all: they are
   what standing orders and the next check are worked out from.
4. Checking the log accepts a body that is missing only where a removal in the log covers it, of an entry that may lose
   it, and no more leaves than removals took; and none that a removal took is there again, or another could go in its
   place. So somebody with the database cannot pass off a deletion as a removal: that needs the signing key.
5. The words that came from what is removed go with it (:mod:`gateway.audit.catalogue`). Totals and the use of volumes
   stay: they name nobody but the partner. The order says what the private parts that go said of them, so that both can
   still be counted again.

The database's file keeps no trace of what was removed once SQLite has written over it: run ``VACUUM`` afterwards, and
remember that backups and archives have it still. That is what they are for, and why they have owners.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from gateway.audit import catalogue, store, stored, tables, usage
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import Event
from gateway.audit.errors import DraftRefused, LogAltered
from gateway.audit.orders import Counted, Part, Remove, Taken, stamp
from gateway.audit.stored import RawEntry, Summary

REMOVABLE = ("release", "interrupted", "audit-read", "resumed")
"""The events whose bodies may be removed. Those of a start say who the witnesses are, and stay."""

SLICE = 2_000
"""Most entries that one removal speaks of: it is one transaction, and releases wait for it."""

PUT_BACK_LIMIT = 100
"""Most entries of one run of removals that are named as having a part again."""

NO_FIELDS = ("", "", "", "", 0, True)
"""What an entry without a leaf is filed under."""


def check(connection: Connection, order: Remove) -> None:
    """Refuse a removal that cannot be carried out. Raises :class:`DraftRefused`."""
    head = store.read_head(connection)
    size = 0 if head is None else head.size
    if not 0 <= order.first <= order.last < size:
        raise DraftRefused("orders", f"remove entries {order.first} to {order.last} of {size}")
    if order.last - order.first >= SLICE:
        raise DraftRefused("orders", f"remove more than {SLICE} entries at once", hint="Remove them in several steps.")
    open_now = tables.open_releases.c.release
    within = select(tables.entries.c.release).where(
        tables.entries.c.position.between(order.first, order.last), tables.entries.c.release.in_(select(open_now))
    )
    if connection.execute(within.limit(1)).one_or_none() is not None:
        raise DraftRefused("orders", "remove the beginning of a release that is still open", hint="Wait for its end.")
    if order != completed(connection, order):
        raise DraftRefused("orders", "remove entries that are no longer as they were", hint="Try again.")


def completed(connection: Connection, order: Remove) -> Remove:
    """The order with what it takes from how many entries: its own entry says it in their place."""
    losing = _losing(connection, order)
    spans = removals(connection)
    entries: list[Summary] = []
    for start in range(0, 0 if order.what is Part.ROWS else len(losing), store.IN_LIMIT):
        raw = stored.read_some(connection, losing[start : start + store.IN_LIMIT])
        entries += checked(raw.values(), spans)
    taken, totals = usage.Recount(), catalogue.Totals()
    for entry in entries:
        if entry.private is not None:
            taken.add(entry.leaf.partner, entry.private)
            catalogue.count_in(totals, entry.leaf, entry.private)
    counted = [
        Counted(cell.day, cell.partner, cell.level, tuple(counts[name] for name in catalogue.COUNTED))
        for cell, counts in sorted(totals.items())
    ]
    took = [Taken(*key, amount) for key, amount in sorted(taken.sums.items())]
    return replace(order, count=len(losing), takes=tuple(took), totals=tuple(counted))


def carry_out(connection: Connection, position: int, order: Remove) -> None:
    """Remove what the order says, as of the entry at ``position``."""
    wanted = _losing(connection, order)
    for start in range(0, len(wanted), store.IN_LIMIT):
        _remove(connection, order.what, wanted[start : start + store.IN_LIMIT])
    said = {"what": order.what.value, "first": order.first, "last": order.last, "count": order.count}
    connection.execute(insert(tables.removals).values(position=position, **said))


def begun_before(connection: Connection, at: datetime) -> int:
    """How many entries, from the log's beginning on, are of the time before a moment.

    Where times contradict one another, since a clock was wrong for a while or writers took turns, it is the number that
    the fewest entries contradict, the smaller of two: so an entry that a wrong clock dated years ahead neither keeps
    all that follow it, nor cuts its month in two. Entries whose leaves were removed say nothing.
    """
    entries, moment = tables.entries.c, stamp(at)
    is_later = entries.time >= moment
    first_later = connection.execute(select(func.min(entries.position)).where(is_later)).scalar_one()
    if first_later is None:
        head = store.read_head(connection)
        return 0 if head is None else head.size
    said = (entries.position > first_later) & (entries.time != "")
    last_earlier = connection.execute(select(func.max(entries.position)).where(said, ~is_later)).scalar_one()
    if last_earlier is None:
        return int(first_later)
    best, least, contradicting = int(first_later), 0, 1  # the first itself, if what precedes ended after it
    times = select(entries.position, is_later).where(said, entries.position <= last_earlier).order_by(entries.position)
    for position, later in connection.execute(times.execution_options(stream_results=True)):
        contradicting += 1 if later else -1
        if contradicting < least:
            best, least = position + 1, contradicting
    return best


def bodies_removed(connection: Connection) -> int:
    """How often an entry has lost something."""
    return int(connection.execute(select(func.coalesce(func.sum(tables.removals.c.count), 0))).scalar_one())


def _losing(connection: Connection, order: Remove) -> list[int]:
    """The entries of the range that have what is to be removed, and may lose it."""
    entries = tables.entries.c
    inside = select(entries.position).where(
        entries.position.between(order.first, order.last), entries.event.in_(REMOVABLE)
    )
    if order.what is Part.ROWS:
        inside = inside.where(entries.position.in_(select(tables.record_rows.c.position)))
    elif order.what is Part.PRIVATE:
        inside = inside.where(entries.position.in_(select(tables.private_parts.c.position)))
    return list(connection.execute(inside.order_by(entries.position)).scalars())


def _remove(connection: Connection, what: Part, positions: Sequence[int]) -> None:
    def among(column: ColumnElement[int]) -> ColumnElement[bool]:
        return column.in_(positions)

    connection.execute(delete(tables.record_rows).where(among(tables.record_rows.c.position)))
    if what is Part.ROWS:
        return
    raw = stored.read_some(connection, positions)
    catalogue.remove_postings(connection, _words(raw.values(), what))
    connection.execute(delete(tables.private_parts).where(among(tables.private_parts.c.position)))
    if what is Part.LEAF:
        blank = {"leaf": b"", "time": "", "event": "", "partner": "", "release": "", "chunk": 0, "last": True}
        connection.execute(update(tables.entries).where(among(tables.entries.c.position)).values(blank))


def _words(entries: Iterable[RawEntry], what: Part) -> list[tuple[int, int, int]]:
    """The postings that nothing is left of: all of an entry's, or those that its leaf does not give."""
    gone: list[tuple[int, int, int]] = []
    for raw in entries:
        entry = stored.check_summary(raw, removed=Part.PRIVATE)
        kept = set() if what is Part.LEAF else set(catalogue.postings(raw.index, entry.leaf, None))
        gone += [place for place in catalogue.postings(raw.index, entry.leaf, entry.private) if place not in kept]
    return gone


@dataclass(frozen=True, slots=True)
class Span:
    """A run of neighbouring entries that all lack the same part; both ends are in it."""

    what: Part
    first: int
    last: int

    @property
    def length(self) -> int:
        """How many entries."""
        return self.last - self.first + 1


def without_leaf(raw: RawEntry) -> bool:
    """Whether an entry is as a removal of its leaf leaves it: a hash, and nothing else."""
    return not raw.leaf and raw.filed == NO_FIELDS and raw.private is None and not raw.rows


def removals(connection: Connection) -> list[Span]:
    """The removals so far, as the store says; a check of the log compares them with the entries that record them.

    Raises :class:`LogAltered` for one of something that no removal takes.
    """
    table = tables.removals
    return _spans(connection.execute(select(table).order_by(table.c.position)).all())


def _spans(rows: Iterable[Row[tuple[int, str, int, int, int]]]) -> list[Span]:
    try:
        return [Span(Part(row.what), row.first, row.last) for row in rows]
    except ValueError as error:
        raise LogAltered("removals", f"one cannot be read: {error}") from error


def recorded(connection: Connection) -> tuple[list[Span], int]:
    """The removals that an entry records, as far as its column says, and how many rows of the table no entry does: as
    many of them as anybody plants. Raises as :func:`removals`.
    """
    table = tables.removals
    said = (tables.entries.c.position == table.c.position) & (tables.entries.c.event == Event.BODIES_REMOVED.value)
    rows = connection.execute(select(table).join(tables.entries, said).order_by(table.c.position)).all()
    count = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
    return _spans(rows), count - len(rows)


def part_removed(spans: Sequence[Span], index: int) -> Part | None:
    """The most that any removal took from an entry."""
    parts = {span.what for span in spans if span.first <= index <= span.last}
    return max(parts, key=list(Part).index) if parts else None


def summaries(connection: Connection, found: Iterable[RawEntry]) -> list[Summary]:
    """Entries checked against their leaves, without their rows; those whose leaves were removed are left out."""
    return checked(found, removals(connection))


def checked(found: Iterable[RawEntry], spans: Sequence[Span]) -> list[Summary]:
    """The same, where the removals are at hand."""
    summed: list[Summary] = []
    for raw in found:
        removed = part_removed(spans, raw.index)
        if removed is not Part.LEAF or not without_leaf(raw):
            summed.append(stored.check_summary(raw, removed=removed))
    return summed


def spans_of(orders: Iterable[tuple[int, Mapping[str, PlainJson]]]) -> list[Span]:
    """The removals among the orders in entries' private parts. Raises ``ValueError`` or ``KeyError``."""
    return [
        Span(Part(str(order["what"])), int(str(order["first"])), int(str(order["last"])))
        for _, order in orders
        if order.get("order") == "remove"
    ]


def leaves_taken(orders: Iterable[tuple[int, Mapping[str, PlainJson]]], since: int = 0) -> int:
    """How many leaves the removals among the orders took from entries from ``since`` on. Raises ``ValueError`` or
    ``KeyError``.
    """
    said = [order for _, order in orders if order.get("order") == "remove" and order.get("what") == Part.LEAF]
    return sum(int(str(order["count"])) for order in said if int(str(order["first"])) >= since)


def reach_over(connection: Connection, size: int) -> bool:
    """Whether a removal recorded after the first ``size`` entries took from these and from later ones what said what
    they add up to.
    """
    table = tables.removals.c
    over = (table.position >= size) & (table.first < size) & (table.last >= size) & (table.what != Part.ROWS.value)
    return connection.execute(select(table.position).where(over).limit(1)).first() is not None


def note_missing(spans: list[Span], index: int, what: Part) -> None:
    """Add an entry that lacks a part to the runs found so far, in the order of the log."""
    if spans and spans[-1].what is what and spans[-1].last == index - 1:
        spans[-1] = Span(what, spans[-1].first, index)
    else:
        spans.append(Span(what, index, index))


def uncovered(missing: Iterable[Span], removals: Sequence[Span]) -> list[Span]:
    """The parts of runs that no removal accounts for; a removal of more covers a lack of less."""
    order = list(Part)
    taken = {what: _joined(span for span in removals if order.index(span.what) >= order.index(what)) for what in Part}
    left: list[Span] = []
    for run in missing:
        at, removed = run.first, taken[run.what]
        for first, last in removed[bisect_left(removed, run.first, key=itemgetter(1)) :]:
            if first > run.last:
                break
            if first > at:
                left.append(Span(run.what, at, first - 1))
            at = last + 1
        if at <= run.last:
            left.append(Span(run.what, at, run.last))
    return left


def put_back(connection: Connection, removals: Sequence[Span]) -> Iterator[tuple[int, Part]]:
    """Entries that have a part again which a removal took: at its moment every entry of its range that may lose it lost
    it. As long as leaves agree with the columns they are filed under, nothing but those is looked at.
    """
    order, entries = list(Part), tables.entries.c
    within = {Part.LEAF: tables.entries, Part.PRIVATE: tables.private_parts, Part.ROWS: tables.record_rows}
    for part, table in within.items():
        for first, last in _joined(span for span in removals if order.index(span.what) >= order.index(part)):
            there = select(table.c.position).where(table.c.position.between(first, last), entries.event.in_(REMOVABLE))
            if part is not Part.LEAF:
                there = there.join(tables.entries, entries.position == table.c.position)
            found = there.distinct().order_by(table.c.position).limit(PUT_BACK_LIMIT)
            yield from ((position, part) for position in connection.execute(found).scalars())


def _joined(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """The same entries in as few runs as can be, in order."""
    runs: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda span: span.first):
        if runs and span.first <= runs[-1][1] + 1:
            runs[-1] = runs[-1][0], max(runs[-1][1], span.last)
        else:
            runs.append((span.first, span.last))
    return runs
