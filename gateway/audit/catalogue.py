"""The catalogue: the words that entries are found by, and the running totals, kept with the entries themselves.

It is written in the transaction that writes the entries, from the same bytes, so that it can never be ahead of the
log or behind it. Nothing in it is signed, and nothing that it says is believed: a search checks what it finds against
the leaves, and :func:`compare` works all of it out again. Whoever can write the database can hide an entry from a
search in this way, but not from that comparison, nor from reading the log in order, nor from the answer after a spill
(:mod:`gateway.audit.spill`), which asks the record rows that every entry's leaf binds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.audit import canonical, store, tables
from gateway.audit.leaf import Leaf, Prepared
from gateway.audit.terms import Private, by_label, day_of, entry_words

COUNTED = ("answers", "refusals", "released", "withheld", "redacted")
"""What the totals count: entries with content, entries that refuse, and records by what became of them."""

NO_LEVEL = ""
"""The level of what has none: a refusal, or a record whose label could not be read."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """What one total is about: a day (counted from 1970-01-01), a partner, a level."""

    day: int
    partner: str
    level: str


Totals = dict[Cell, Counter[str]]


def add_entries(connection: Connection, first: int, prepared: Sequence[Prepared]) -> None:
    """Add entries that are being written from position ``first`` on."""
    places: list[tuple[int, int, int]] = []
    totals: Totals = {}
    for position, entry in enumerate(prepared, start=first):
        leaf = entry.fields
        private = canonical.decode_trusted(entry.private)
        places += postings(position, leaf, private)
        count_in(totals, leaf, private)
    add_postings(connection, places)
    add_totals(connection, totals)


def postings(position: int, leaf: Leaf, private: Private | None) -> list[tuple[int, int, int]]:
    """An entry's (word, day, position)."""
    day = day_of(leaf.time)
    return [(word, day, position) for word in entry_words(leaf, private)]


def add_postings(connection: Connection, places: Sequence[tuple[int, int, int]]) -> None:
    """Write postings, in the order of the table, which is the cheapest.

    One that is there already is left as it is: nothing planted here can stop the log.
    """
    store.add_rows(connection, tables.postings, sorted(places), keep=True)


def remove_postings(connection: Connection, places: Iterable[tuple[int, int, int]]) -> None:
    """Take postings away, where the private parts they come from are removed."""
    table = tables.postings.c
    for word, day, position in places:
        one = (table.word == word) & (table.day == day) & (table.position == position)
        connection.execute(delete(tables.postings).where(one))


def count_in(totals: Totals, leaf: Leaf, private: Private) -> None:
    """Count one entry into totals."""
    if leaf.event != "release":
        return
    day, said = day_of(leaf.time), private.get("level")
    own = _counted(totals, Cell(day, leaf.partner, said if isinstance(said, str) else NO_LEVEL))
    own["answers" if leaf.outcome == "released" else "refusals"] += 1
    for counts in by_label(private):
        cell = _counted(totals, Cell(day, leaf.partner, str(counts.get("level", NO_LEVEL))))
        for name in ("released", "withheld", "redacted"):
            number = counts.get(name)
            cell[name] += number if isinstance(number, int) else 0


def _counted(totals: Totals, cell: Cell) -> Counter[str]:
    found = totals.get(cell)
    if found is None:
        found = totals[cell] = Counter()
    return found


def count_removed(totals: Totals, private: Private) -> None:
    """Count in what the orders of an entry say of private parts that they removed: their totals stay."""
    orders = private.get("orders")
    for order in orders if isinstance(orders, list) else ():
        said = order.get("totals") if isinstance(order, dict) else None
        for each in said if isinstance(said, list) else ():
            match each:
                case [int(day), str(partner), str(level), *counts]:
                    cell = _counted(totals, Cell(day, partner, level))
                    cell.update({name: n for name, n in zip(COUNTED, counts, strict=False) if isinstance(n, int)})


def include_totals(totals: Totals, others: Totals) -> None:
    """Add the totals of other entries."""
    for cell, counts in others.items():
        _counted(totals, cell).update(counts)


def add_totals(connection: Connection, totals: Totals) -> None:
    """Add to the running totals, in one statement."""
    if not totals:
        return
    rows = [
        {"day": cell.day, "partner": cell.partner, "level": cell.level, **{name: counts[name] for name in COUNTED}}
        for cell, counts in sorted(totals.items())
    ]
    connection.execute(_GROW["postgresql" if connection.dialect.name == "postgresql" else "sqlite"], rows)


def _growing(into: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    grown = {name: tables.totals.c[name] + into.excluded[name] for name in COUNTED}
    return into.on_conflict_do_update(index_elements=list(tables.totals.primary_key), set_=grown)


_GROW = {"postgresql": _growing(postgresql.insert(tables.totals)), "sqlite": _growing(sqlite.insert(tables.totals))}


def read_totals(connection: Connection, since: int | None = None, until: int | None = None) -> Totals:
    """The totals of the days from ``since`` up to and without ``until``."""
    table = tables.totals
    wanted = select(table).order_by(table.c.day, table.c.partner, table.c.level)
    if since is not None:
        wanted = wanted.where(table.c.day >= since)
    if until is not None:
        wanted = wanted.where(table.c.day < until)
    return {
        Cell(row.day, row.partner, row.level): Counter({name: getattr(row, name) for name in COUNTED})
        for row in connection.execute(wanted)
    }


def compare(connection: Connection, entries: Iterator[tuple[int, Leaf, Private | None]]) -> list[str]:
    """Work the postings out again from checked entries; what is missing from them or too much, in words.

    Totals are compared by :func:`compare_totals`: those of entries whose private part was removed remain.
    """
    wrong: list[str] = []
    counted = 0
    table = tables.postings.c
    for position, leaf, private in entries:
        wanted = {(word, day) for word, day, _ in postings(position, leaf, private)}
        counted += len(wanted)
        days = {day for _, day in wanted}
        there = select(table.word, table.day).where(
            table.word.in_([word for word, _ in wanted]), table.day.in_(days), table.position == position
        )
        found = {(row.word, row.day) for row in connection.execute(there)}
        if found != wanted:
            wrong.append(f"entry {position}: {len(wanted - found)} of its {len(wanted)} words are missing")
    stored = connection.execute(select(func.count()).select_from(tables.postings)).scalar_one()
    if stored > counted:
        wrong.append(f"postings: {stored - counted} belong to no entry")
    return wrong


def compare_totals(found: Totals, wanted: Totals) -> list[str]:
    """Where totals differ, in words."""
    return [
        f"totals of day {cell.day}, {cell.partner or 'nobody'}, level {cell.level or 'none'}: differ from the entries'"
        for cell in sorted(found.keys() | wanted.keys())
        if any(found.get(cell, Counter())[name] != wanted.get(cell, Counter())[name] for name in COUNTED)
    ]
