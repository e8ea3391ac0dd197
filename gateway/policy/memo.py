"""Remember what the seven steady gates said, for exactly as long as it stays true.

Why this is safe. The seven gates are pure functions of the subject's clearance and holds, the partner's and
dataset's files, the label, the facts, the purpose and ``at``. They compare ``at`` only with instants that are
written in the partner's file (agreement, conditions, consents, grants), with days in the tables of nations
and communities, and with the label's own date. Between two neighbouring instants of that finite list no
comparison changes its outcome, so the *index* of ``at`` among them can stand in the key for ``at`` itself.
Channel (keys expire) and hold (stops, delays) are not here, and a memo belongs to one compiled policy, so
nothing outlives an activation.

The memo is bounded; the entry used longest ago goes first. It may be lost at any time.
"""

from __future__ import annotations

import bisect
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from gateway import markings
from gateway.policy.decision import Facts, FactValue, GateResult, LabelDoubt, Obligations, Subject, Unknown
from gateway.policy.policyset import Partner


@dataclass(frozen=True, slots=True)
class Judged:
    """What the steady gates said, which grants apply, and what they oblige to."""

    results: tuple[GateResult, ...]
    grants: tuple[str, ...]
    obligations: Obligations


class Memo:
    """A bounded, thread-safe map from a question's key to :class:`Judged`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[Hashable, Judged] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> Judged | None:
        """What is remembered under the key."""
        with self._lock:
            judged = self._held.get(key)
            if judged is not None:
                self._held.move_to_end(key)
            return judged

    def put(self, key: Hashable, judged: Judged) -> None:
        """Remember; forget the oldest entry when there are too many."""
        if self._limit <= 0:
            return
        with self._lock:
            self._held[key] = judged
            self._held.move_to_end(key)
            while len(self._held) > self._limit:
                self._held.popitem(last=False)


class Calendar:
    """The instants at which a partner's steady gates can change their answer, sorted."""

    def __init__(self, partner: Partner, tables: markings.Tables) -> None:
        found = set(_partner_instants(partner))
        found |= {midnight(day) for day in _table_days(tables)}
        self._instants = sorted(found)

    def index(self, at: datetime) -> int:
        """Which of the intervals between the instants ``at`` lies in."""
        return bisect.bisect_right(self._instants, at)

    def following(self, at: datetime) -> datetime | None:
        """The first of the instants after ``at``, if there is one."""
        place = self.index(at)
        return self._instants[place] if place < len(self._instants) else None


def midnight(day: date) -> datetime:
    """The first instant of a day, UTC."""
    return datetime.combine(day, time(0), UTC)


def _partner_instants(partner: Partner) -> Iterable[datetime]:
    agreement = partner.agreement
    yield agreement.from_
    yield agreement.until
    for condition in agreement.condition:
        if condition.met_until is not None:
            yield condition.met_until
    for consent in partner.consents:
        yield consent.from_
        yield consent.until
    for grant in partner.grants:
        yield from (instant for instant in (grant.from_, grant.until) if instant is not None)


def _table_days(tables: markings.Tables) -> Iterable[date]:
    spans: list[tuple[date | None, date | None]] = [(c.since, c.until) for c in tables.countries.values()]
    for community in tables.communities.values():
        spans.append((community.since, community.until))
        spans += [(member.since, member.until) for member in community.members]
    return (day for span in spans for day in span if day is not None)


def key_of(
    subject: Subject,
    dataset: str,
    purpose: str,
    label: markings.Label | LabelDoubt,
    facts: Facts,
    reads: frozenset[str],
    interval: int,
    at: datetime,
) -> Hashable:
    """Everything the steady gates read, as one hashable value; only those facts that the rules read.

    Types stand beside values, since ``1``, ``1.0`` and ``True`` are equal to Python and not to a condition.
    """
    created = None if isinstance(label, LabelDoubt) else label.created
    return (
        (subject.partner, subject.clearance, subject.holds),
        (dataset, purpose, label, created is not None and created > at.date()),
        tuple(
            (name, type(facts.values[name]).__name__, _plain(facts.values[name]))
            for name in sorted(reads & facts.values.keys())
        ),
        tuple((name, facts.problems[name]) for name in sorted(reads & facts.problems.keys())),
        facts.originator,
        interval,
    )


def _plain(value: FactValue | Unknown) -> Hashable:
    """A float by its exact text, since ``0.0`` and ``-0.0`` are equal."""
    return value.hex() if isinstance(value, float) else value
