"""Remember what the seven steady gates said, for exactly as long as it stays true.

Why this is safe. The seven gates are pure functions of the subject's clearance and holds, the partner's and
dataset's files, the label, the facts, the purpose and ``at``. They compare ``at`` only with instants that are
written in the partner's file (agreement, conditions, consents, grants), with those in the set's security policies,
with days in the tables of nations and communities, with the label's own date, and with the times an emergency was
opened and ends, which stand in the key as the list of those that are open. Between two neighbouring instants of that
finite list no comparison changes its outcome, so the *index* of ``at`` among them can stand in the key for
``at`` itself.
In the same way the label's date stands there as its era (:class:`Eras`).
Channel (keys expire) and hold (stops, delays) are not here, and a memo belongs to one compiled policy, so
nothing outlives an activation.

The memo is bounded; what was used lately stays longest. It may be lost at any time.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Generic, TypeVar

from gateway import markings
from gateway.policy.decision import Facts, GateResult, Obligations, Subject
from gateway.policy.policyset import Partner, PolicySet


@dataclass(frozen=True, slots=True)
class Judged:
    """What the steady gates said, which grants apply, and what they oblige to."""

    results: tuple[GateResult, ...]
    grants: tuple[str, ...]
    obligations: Obligations


Held = TypeVar("Held")


class Named:
    """Gives a label that is asked about again and again a number in place of its hash, which costs more to work out.

    A number stands for an object for as long as that object is held here, and is never given to one that is not alike:
    labels share one only where whoever holds them says that no steady gate can tell them apart. Whatever is not held
    stands for itself. May be emptied at any time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[int, tuple[object, int]] = {}
        self._alike: dict[Hashable, int] = {}
        self._numbers = itertools.count()

    def hold(self, label: object, alike: Hashable = None) -> None:
        """Give the object a number: that of the others held as ``alike``, or (``None``) one of its own."""
        if len(self._held) >= self._limit:
            self._held.clear()
            self._alike.clear()
        number = next(self._numbers) if alike is None else self._alike.get(alike)
        if number is None:
            number = self._alike[alike] = next(self._numbers)
        self._held[id(label)] = (label, number)

    def name(self, label: Hashable) -> Hashable:
        """The object's number, or itself."""
        held = self._held.get(id(label))
        return held[1] if held is not None and held[0] is label else label


class Memo(Generic[Held]):
    """A bounded map from a question's key to what is kept of its answer. Any thread may use it.

    It has two halves. What is new, and what is asked for again, goes into the younger one; when that is full, the older
    is forgotten and the younger takes its place. So what was used lately stays, and nothing is moved at each use. Two
    threads that fill a half at once may lose what it held, which only costs asking again.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._young: dict[Hashable, Held] = {}
        self._old: dict[Hashable, Held] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Hashable) -> Held | None:
        """What is remembered under the key."""
        held = self._young.get(key)
        if held is None:
            held = self._old.get(key)
            if held is not None:
                self.put(key, held)
        return held

    def put(self, key: Hashable, held: Held) -> None:
        """Remember; forget the older half when the younger is full."""
        if self._half == 0:
            return
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = held


_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def instants_of_tables(policy_set: PolicySet) -> frozenset[datetime]:
    """The instants at which a label can come to mean something else, whoever asks."""
    days = {midnight(day) for day in _table_days(policy_set.communities)}
    return frozenset(days.union(*(policy.instants for policy in policy_set.policies.values())))


class Calendar:
    """The instants at which a partner's steady gates can change their answer, sorted: those of the partner's file and
    those that the set's tables have for everybody (:func:`instants_of_tables`).
    """

    def __init__(self, partner: Partner, tables: frozenset[datetime]) -> None:
        self._instants = sorted(tables.union(_partner_instants(partner)))
        self._latest = (_LAST, _FIRST, 0)

    def index(self, at: datetime) -> int:
        """Which of the intervals between the instants ``at`` lies in. Mostly the one that was asked about last."""
        begin, end, index = self._latest
        if not begin <= at < end:
            index = bisect.bisect_right(self._instants, at)
            begin = self._instants[index - 1] if index else _FIRST
            self._latest = (begin, self.following(at) or _LAST, index)
        return index

    def following(self, at: datetime) -> datetime | None:
        """The first of the instants after ``at``, if there is one."""
        place = bisect.bisect_right(self._instants, at)
        return self._instants[place] if place < len(self._instants) else None


class Eras:
    """Which days are one as far as a label's date goes: those between two neighbouring days that a table names.

    A label's date is compared with days in the tables of nations and communities, in the agreements' tables of levels
    and in the marking profile, and with ``at``; nothing else reads it. So two labels that differ in their day alone,
    both from one era and neither from the future, are answered alike.
    """

    def __init__(self, policy_set: PolicySet) -> None:
        found = set(_table_days(policy_set.communities))
        for profile in policy_set.profiles.values():
            found |= {*_table_days(profile.tables), *filter(None, (profile.unmarked_relido,))}
        rows = (row for partner in policy_set.partners.values() for row in partner.levels.rows)
        found |= {day for row in rows for day in (row.since, row.until) if day is not None}
        self.days = tuple(sorted(found))

    def of(self, day: date | None) -> int | None:
        """The era's number; ``None`` for no day, which is like no other."""
        return None if day is None else bisect.bisect_right(self.days, day)


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
    ground: Hashable,
    subject: Subject,
    purpose: str,
    label: Hashable,
    facts: Facts,
    reads: Sequence[str],
    interval: int,
    future: bool,
    special: Hashable = (),
) -> Hashable:
    """Everything the steady gates read, as one hashable value; only those facts that the rules read, in a fixed order.

    ``ground`` stands for partner and dataset, ``label`` is the label or what stands for it alone; ``future`` says that
    its date is still to come. ``special`` holds what a dataset with compilations, tear lines or emergencies adds. Types
    stand behind values, since ``1``, ``1.0`` and ``True`` are equal to Python and not to a condition; ``0.0`` and
    ``-0.0`` are one number to both. One ground reads the same number of facts each time, so that nothing in the row can
    be taken for what stands beside it.
    """
    values, problems = tuple(map(facts.values.get, reads)), facts.problems
    return (
        ground,
        subject.clearance,
        subject.holds,
        purpose,
        label,
        future,
        interval,
        tuple([problems.get(name) for name in reads]) if problems else None,
        facts.originator,
        facts.approval is not None,
        special,
        *values,
        *map(type, values),
    )
