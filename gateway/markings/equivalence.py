"""Levels of one nation in the words of another: dated tables, one for each agreement, with a direction.

The rules of this file:

1. **No table is universal.** A pairing of levels holds under one agreement, between its two systems, on certain days.
   None is shipped: an agreement's table is the officer's to state (:func:`level_table`). What is shipped is the order
   of levels in systems whose texts were read (``data/levels.csv``), against which a table is checked.
2. **A label rounds up, a clearance rounds down.** They are two tables, stated apart, because the same rounding that
   protects a label would raise a clearance. A table in which a clearance maps higher than a label of the same level,
   or in which a lower level maps above a higher one, is refused.
3. **What does not map denies** (:class:`UnmappedLevelError`): nothing is interpolated.
4. A row states its source and whether it was verified (``V``) or is only known (``K``). A table takes no ``K`` row.
5. A label is mapped by the rows of the day on which it was made, since its words are that day's; a clearance by those
   of the day asked about.
6. **The originator's label stays.** An equivalent is recorded beside it (:class:`Levelled`).
"""

from __future__ import annotations

import csv
import enum
import functools
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from itertools import combinations

from gateway.markings.findings import Finding, MarkingError, TableError

_AUTHORITY = "gateway.markings.equivalence"


class UnmappedLevelError(MarkingError):
    """The agreement's table has no row for this level, in this direction, on this day. It denies."""


class Direction(enum.StrEnum):
    """What is being mapped: a label's level, which rounds up, or a clearance's, which rounds down."""

    LABEL = "label"
    CLEARANCE = "clearance"


class Status(enum.StrEnum):
    """Whether a row was read in the text it cites, or is only known."""

    VERIFIED = "V"
    KNOWN = "K"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The levels of one system in their order, lowest first, from a day (inclusive) until a day (exclusive)."""

    system: str
    levels: tuple[str, ...]
    since: date | None = None
    until: date | None = None
    source: str = ""

    def spans(self, row_since: date | None, row_until: date | None) -> bool:
        """Whether it holds on every day of a span."""
        early = self.since is not None and (row_since is None or row_since < self.since)
        late = self.until is not None and (row_until is None or row_until > self.until)
        return not early and not late


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One level's equivalent, in one direction, from a day (inclusive) until a day (exclusive)."""

    from_system: str
    from_level: str
    to_system: str
    to_level: str
    direction: Direction
    since: date | None = None
    until: date | None = None
    source: str = ""
    status: Status = Status.VERIFIED

    @property
    def key(self) -> tuple[str, str, Direction]:
        """The two systems and the direction."""
        return self.from_system, self.to_system, self.direction

    def holds(self, on: date) -> bool:
        """Whether it holds on that day."""
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)

    def meets(self, other: LevelRow) -> bool:
        """Whether there is a day on which both hold."""
        starts = [day for day in (self.since, other.since) if day is not None]
        ends = [day for day in (self.until, other.until) if day is not None]
        return not starts or not ends or max(starts) < min(ends)


@dataclass(frozen=True, slots=True)
class EquivalentLevel:
    """A level in another system's words, and the row that says so."""

    system: str
    level: str
    agreement: str
    row: LevelRow


@dataclass(frozen=True, slots=True)
class LevelTable:
    """One agreement's equivalences. ``text`` is its name and its rows, and ``digest`` its SHA-256 in hexadecimal.

    Make one with :func:`level_table`, which checks it.
    """

    agreement: str
    digest: str
    text: str = field(compare=False, repr=False)
    rows: tuple[LevelRow, ...] = field(compare=False, repr=False)

    def label(self, system: str, level: str, to: str, created: date) -> EquivalentLevel:
        """A label's level in the words of ``to``, rounded up; :class:`UnmappedLevelError` when there is none."""
        return self._find((system, to, Direction.LABEL), level, created)

    def clearance(self, system: str, level: str, to: str, at: date) -> EquivalentLevel:
        """A clearance's level in the words of ``to``, rounded down; :class:`UnmappedLevelError` when there is none."""
        return self._find((system, to, Direction.CLEARANCE), level, at)

    def _find(self, key: tuple[str, str, Direction], level: str, on: date) -> EquivalentLevel:
        found = [row for row in self.rows if row.key == key and row.from_level == level and row.holds(on)]
        if len(found) != 1:
            message = "the agreement maps no such level in this direction on this day"
            raise UnmappedLevelError(Finding("LEVEL-UNMAPPED", f"{_AUTHORITY}; {self.agreement}", message))
        return EquivalentLevel(found[0].to_system, found[0].to_level, self.agreement, found[0])


@dataclass(frozen=True, slots=True)
class Levelled:
    """A label's level in its originator's words, and its equivalents beside it, in the order they were added."""

    system: str
    level: str
    created: date
    alternatives: tuple[EquivalentLevel, ...] = ()

    def with_alternative(self, table: LevelTable, to: str) -> Levelled:
        """The same level with its equivalent in the words of ``to``; :class:`UnmappedLevelError` without one."""
        found = table.label(self.system, self.level, to, self.created)
        if any(each.system == to for each in self.alternatives):
            raise TableError(Finding("LEVEL-TWICE", _AUTHORITY, "an alternative in this system is already recorded"))
        return replace(self, alternatives=(*self.alternatives, found))


def level_table(agreement: str, rows: Iterable[LevelRow], ladders: Sequence[Ladder] = ()) -> LevelTable:
    """The table of one agreement, checked against the order of levels in its systems.

    ``ladders`` are orders of systems that are not shipped, or not for those days. Raises :class:`TableError`.
    """
    listed = tuple(rows)
    known = (*shipped_ladders(), *ladders)
    places = {row: (_place(row, known, end="from"), _place(row, known, end="to")) for row in listed}
    for row in listed:
        _check_row(row)
    for one, other in combinations(listed, 2):
        if one.meets(other) and one.key[:2] == other.key[:2]:
            _check_pair(one, other, places)
    text = "\n".join((agreement, *sorted(map(repr, listed))))
    return LevelTable(agreement, hashlib.sha256(text.encode()).hexdigest(), text, listed)


def _fault(rule: str, message: str, row: LevelRow) -> TableError:
    where = f"{row.from_system} {row.from_level} to {row.to_system}, {row.direction}"
    return TableError(Finding(rule, _AUTHORITY, f"{where}: {message}"))


def _check_row(row: LevelRow) -> None:
    if row.status is not Status.VERIFIED or not row.source:
        raise _fault("LEVEL-SOURCE", "a row counts only when it was verified in a source that it names", row)
    if row.since is not None and row.until is not None and row.until <= row.since:
        raise _fault("LEVEL-DATES", "the row ends on or before the day it begins", row)
    if row.from_system == row.to_system:
        raise _fault("LEVEL-SYSTEM", "a level is mapped from one system to another", row)


Place = tuple[Ladder, int]


def _place(row: LevelRow, ladders: Sequence[Ladder], *, end: str) -> Place:
    """Where a row's level stands in its system's order on all the row's days."""
    system, level = (row.from_system, row.from_level) if end == "from" else (row.to_system, row.to_level)
    found = [
        ladder
        for ladder in ladders
        if ladder.system == system and level in ladder.levels and ladder.spans(row.since, row.until)
    ]
    if len(found) != 1:
        raise _fault("LEVEL-UNKNOWN", f"{system} has no such level, or none in one order on all days of the row", row)
    return found[0], found[0].levels.index(level)


def _check_pair(one: LevelRow, other: LevelRow, places: dict[LevelRow, tuple[Place, Place]]) -> None:
    (from_one, to_one), (from_other, to_other) = places[one], places[other]
    if one.direction is other.direction and one.from_level == other.from_level:
        raise _fault("LEVEL-TWICE", "the level has two equivalents on one day", one)
    if from_one[0] is not from_other[0] or to_one[0] is not to_other[0]:
        return
    if one.direction is other.direction:
        rises = (from_one[1] < from_other[1]) == (to_one[1] < to_other[1]) or to_one[1] == to_other[1]
        if not rises:
            raise _fault("LEVEL-ORDER", "a lower level maps above a higher one", one)
    elif from_one[1] == from_other[1]:
        label, clearance = (to_one, to_other) if one.direction is Direction.LABEL else (to_other, to_one)
        if clearance[1] > label[1]:
            raise _fault("LEVEL-ROUNDING", "a clearance of this level maps higher than a label", one)


@functools.lru_cache(maxsize=1)
def shipped_ladders() -> tuple[Ladder, ...]:
    """The orders of levels that come with this package: only those whose texts were read."""
    text = resources.files("gateway.markings").joinpath("data", "levels.csv").read_text(encoding="utf-8")
    groups: dict[tuple[str, str, str, str], list[tuple[int, str]]] = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        key = row["system"], row["since"], row["until"], row["source"]
        groups.setdefault(key, []).append((int(row["place"]), row["level"]))
    return tuple(
        Ladder(system, tuple(level for _, level in sorted(levels)), _day(since), _day(until), source)
        for (system, since, until, source), levels in groups.items()
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
