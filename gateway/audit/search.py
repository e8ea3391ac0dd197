"""Searching the log: what is asked, and one page of what is found, newest first.

Rules. An entry is found when it has every term asked for (:mod:`gateway.audit.terms`) and its time is within bounds.
Each entry that is found is checked against its leaf, and its terms are compared with what was asked: nothing that the
catalogue says is believed. Pages follow one another by a cursor, the place of the last entry of the page before, so
that entries written meanwhile neither repeat nor push anything aside.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Select, and_, exists, func, or_, select

from gateway.audit import retention, stored, tables
from gateway.audit.errors import AuditError
from gateway.audit.observed import written
from gateway.audit.orders import Part, stamp
from gateway.audit.retention import Span
from gateway.audit.stored import Summary
from gateway.audit.terms import EVERYTHING, Kind, Term, day_of, terms, words_of

PAGE = 100
PAGE_LIMIT = 10_000
_PROBE = 2_000  # how far a word's postings are counted to find the rarest
_CURSOR = re.compile(r"(-?[0-9]{1,7})\.([0-9]{1,18})")


class SearchRefused(AuditError):
    """A search that cannot be understood."""


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place between two entries: after this one, towards older ones. As text: ``DAY.POSITION``."""

    day: int
    position: int

    def __str__(self) -> str:
        return f"{self.day}.{self.position}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor. Raises :class:`SearchRefused`."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise SearchRefused(f"{text!r} is no cursor", hint="Give the cursor that the page before ended with.")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is asked: every term must be there, ``since`` <= time < ``until`` (aware)."""

    terms: frozenset[Term] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, found: Summary) -> bool:
        """Whether an entry is one of those asked for."""
        time = found.leaf.time
        if self.since is not None and time < stamp(self.since):
            return False
        if self.until is not None and time >= stamp(self.until):
            return False
        return self.terms <= terms(found.leaf, found.private)


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, newest first. ``cursor`` leads to the next page; ``None``: there is none."""

    found: tuple[Summary, ...]
    cursor: Cursor | None


def criteria(
    said: Mapping[str, str | Sequence[str]], *, since: datetime | None = None, until: datetime | None = None
) -> Criteria:
    """The criteria that names and values ask for, as options and query fields name them.

    Raises :class:`SearchRefused` for a name that is none, or a text without a word in it.
    """
    wanted: set[Term] = set()
    for name, given in said.items():
        if name not in Kind.__members__.values() or name == Kind.ANY:
            raise SearchRefused(f"nothing is found by {name!r}", hint=f"Search by {', '.join(sorted(Kind))[5:]}.")
        for value in (given,) if isinstance(given, str) else given:
            words = _values(Kind(name), value)
            if not value or not words:
                raise SearchRefused(f"{name}: {value!r} has nothing to search for")
            wanted |= {Term(Kind(name), word) for word in words}
    return Criteria(frozenset(wanted), since, until)


def _values(kind: Kind, value: str) -> list[str]:
    """What entries are found by, for a value as somebody typed it."""
    if kind is Kind.TEXT:
        return words_of(value)
    if kind is not Kind.ADDRESS or not value:
        return [value]
    try:
        return [written(value)]
    except ValueError:
        raise SearchRefused(f"{value!r} is no address", hint="Write 192.0.2.7 or 2001:db8::1.") from None


def search(
    connection: Connection,
    asked: Criteria,
    *,
    after: Cursor | None = None,
    limit: int = PAGE,
    leaves_only: bool = False,
) -> Page:
    """One page of the entries asked for, newest first, each checked. Raises :class:`LogAltered`.

    With ``leaves_only`` no private part is read, for somebody who may not have one: then nothing that only a private
    part says is found.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise SearchRefused(f"a page holds 1 to {PAGE_LIMIT} entries, not {limit}")
    places = connection.execute(_places(connection, asked, after).limit(limit)).all()
    read = stored.read_leaves if leaves_only else stored.read_some
    by_place = read(connection, [row.position for row in places])
    raw = [by_place[row.position] for row in places if row.position in by_place]
    # Without private parts an entry is checked as if its own had been removed.
    checked = retention.checked(raw, _ALL_PRIVATE) if leaves_only else retention.summaries(connection, raw)
    found = tuple(each for each in checked if asked.fits(each))
    return Page(found, Cursor(places[-1].day, places[-1].position) if len(places) == limit else None)


_ALL_PRIVATE = (Span(Part.LEAF, 0, sys.maxsize),)


def _places(connection: Connection, asked: Criteria, after: Cursor | None) -> Select[tuple[int, int]]:
    """Where to look, newest first: the postings of the rarest word, those that every other word has too."""
    first, *others = _rarest_first(connection, asked)
    table = tables.postings.alias("first")
    wanted = select(table.c.day, table.c.position).where(table.c.word == first)
    for number, word in enumerate(others):
        other = tables.postings.alias(f"other{number}")
        same = and_(other.c.word == word, other.c.day == table.c.day, other.c.position == table.c.position)
        wanted = wanted.where(exists().where(same))
    if asked.since is not None or asked.until is not None:
        entries = tables.entries
        wanted = wanted.join(entries, entries.c.position == table.c.position)
        if asked.since is not None:
            wanted = wanted.where(table.c.day >= _day(asked.since), entries.c.time >= stamp(asked.since))
        if asked.until is not None:
            wanted = wanted.where(table.c.day <= _last_day(asked.until), entries.c.time < stamp(asked.until))
    if after is not None:
        older = or_(table.c.day < after.day, and_(table.c.day == after.day, table.c.position < after.position))
        wanted = wanted.where(table.c.day <= after.day, older)  # the first bound is what the index can use
    return wanted.order_by(table.c.day.desc(), table.c.position.desc())


def _rarest_first(connection: Connection, asked: Criteria) -> list[int]:
    words = sorted({term.word for term in asked.terms}) or [EVERYTHING.word]
    if len(words) == 1:
        return words
    return sorted(words, key=lambda word: _count(connection, word, asked))


def _count(connection: Connection, word: int, asked: Criteria) -> int:
    """How many postings a word has in the days asked for, counted no further than a bound."""
    table = tables.postings.c
    some = select(table.position).where(table.word == word)
    if asked.since is not None:
        some = some.where(table.day >= _day(asked.since))
    if asked.until is not None:
        some = some.where(table.day <= _last_day(asked.until))
    return int(connection.execute(select(func.count()).select_from(some.limit(_PROBE).subquery())).scalar_one())


def _day(at: datetime) -> int:
    return day_of(stamp(at))


def _last_day(until: datetime) -> int:
    """The day of the last moment before ``until``: at midnight the day that it begins is not looked through."""
    return _day(until - timedelta(microseconds=1))


EARLIEST = 1970
"""The first year that a search speaks of: days are counted from its first."""

_SPAN = re.compile(r"([1-9][0-9]{0,3}) ?(m|h|d)[a-z]*")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def span(text: str) -> timedelta:
    """A length of time: ``30 min``, ``12 h``, ``7 days``. Raises :class:`SearchRefused`."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise SearchRefused(f"{text!r} is no length of time", hint="Write 30 min, 12 h or 7 days.")
    return int(found[1]) * _UNITS[found[2]]


def moment(text: str) -> datetime:
    """A moment from 1970 on as RFC 3339 with a zone, or a date, which means its first moment in UTC. Raises
    SearchRefused.
    """
    try:
        at = datetime.fromisoformat(text)
        found = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SearchRefused(f"{text!r} is no moment", hint="Write 2026-07-01 or 2026-07-01T12:00Z.") from None
    if at.tzinfo is None and len(text) > len("2026-07-01"):
        raise SearchRefused(f"{text!r} has no zone", hint="Add Z for UTC.")
    if found.year < EARLIEST:
        raise SearchRefused(f"{text!r} is before {EARLIEST}", hint="Write a moment from 1970 on.")
    return found
