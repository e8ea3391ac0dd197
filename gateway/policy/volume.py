"""How much of something a partner may have in a span of time: what is counted, and what an answer takes of it.

A counter belongs to one partner: a volume of its procedures, or a compilation of a dataset that counts records. Spans
follow each other from 1970-01-01 on, UTC, so that everybody agrees in which span an instant lies. Counting itself is
the log's, in the same commit as the entry of what is handed over (``gateway.audit.usage``): nothing leaves uncounted,
and two gateways that share a log never hand out more together than one might.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.policy.books import Book
from gateway.policy.decision import Subject
from gateway.policy.values import LEVELS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Counter:
    """Something counted: its name (unique in the set), how long a span is, and whether requests are counted."""

    name: str
    per: timedelta
    requests: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    """So much taken of a counter in the span that begins at ``since``; ``most`` may be taken in all, ``None``: any."""

    counter: str
    since: datetime
    amount: int
    most: int | None


def beginning(per: timedelta, at: datetime) -> datetime:
    """The first instant of the span that ``at`` lies in."""
    return at - (at - _EPOCH) % per


def ending(per: timedelta, at: datetime) -> datetime:
    """The first instant after the span that ``at`` lies in."""
    return beginning(per, at) + per


def counters(book: Book) -> tuple[Counter, ...]:
    """Everything that is counted of the partner's releases of the dataset."""
    volumes = tuple(Counter(volume.id, volume.per, volume.records is None) for volume in book.volumes)
    counting = tuple(Counter(rule.id, rule.per) for rule in book.dataset.compilation if rule.per is not None)
    return volumes + counting


def taken_besides(counting: Iterable[Counter], usage: Mapping[str, int]) -> dict[str, int]:
    """Use as an answer meets it that is under way: its own request, counted with its first chunk, does not end it."""
    own = {counter.name for counter in counting if counter.requests}
    return {name: used - 1 if name in own and used else used for name, used in usage.items()}


def takes(book: Book, subject: Subject, at: datetime, records: int, *, first: bool) -> tuple[Take, ...]:
    """What an answer of so many records takes; a request is counted with its first chunk.

    A compilation bounds a partner only if it may not have what the compilation makes of the records.
    """
    found = []
    for volume in book.volumes:
        amount = records if volume.records is not None else int(first)
        found.append(Take(volume.id, beginning(volume.per, at), amount, volume.most))
    for rule in book.dataset.compilation:
        if rule.per is not None:
            bound = None if _may_have(book, subject, LEVELS[rule.level]) else rule.more_than
            found.append(Take(rule.id, beginning(rule.per, at), records, bound))
    return tuple(take for take in found if take.amount)


def _may_have(book: Book, subject: Subject, level: int) -> bool:
    ceilings = [book.partner.ceiling.get(category) for category in book.dataset.categories]
    cleared = [*ceilings, subject.clearance]
    return all(name is not None and name in LEVELS and LEVELS[name] >= level for name in cleared)
