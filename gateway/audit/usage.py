"""How much of something each partner has had in a span of time, counted in the commit that records it.

The rule: *what an entry takes is in the store exactly when the entry is*. So no answer leaves uncounted, an answer that
was refused takes nothing, and gateways that share a store never hand out more together than one might: the write lock
makes them take turns. An entry that would take more than is left is refused, and nothing of it is written.

The table may be lost: it can be counted again from the entries (``released`` of each), and until then everything counts
as unused. Whoever can write it can let a partner have more of what it may have anyway; every record still passes its
gates and is in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from gateway.audit import tables
from gateway.audit.entry import Draft
from gateway.audit.errors import VolumeRefused
from gateway.audit.orders import stamp

_Key = tuple[str, str, str]


def read(connection: Connection, partner: str, counters: Mapping[str, datetime]) -> dict[str, int]:
    """How much of each counter the partner has had in the span that begins at the given instant."""
    return {name: _used(connection, (partner, name, stamp(since))) for name, since in counters.items()}


def _used(connection: Connection, key: _Key) -> int:
    table = tables.usage.c
    found = select(table.used).where(table.partner == key[0], table.counter == key[1], table.since == key[2])
    return int(connection.execute(found).scalar_one_or_none() or 0)


class Ledger:
    """What the entries of one commit take."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._used: dict[_Key, int] = {}
        self._before: dict[_Key, int] = {}

    def take(self, drafts: Iterable[Draft]) -> None:
        """Take what the drafts of one job take, all or nothing; raises :class:`VolumeRefused` for too much."""
        taken: dict[_Key, int] = {}
        for draft in drafts:
            for each in draft.takes:
                key = (draft.partner, each.counter, stamp(each.since))
                used = taken.get(key, self._known(key)) + each.amount
                if each.most is not None and used > each.most:
                    raise VolumeRefused(each.counter, used - each.amount, each.amount, each.most)
                taken[key] = used
        self._used.update(taken)

    def write(self) -> None:
        """Write what was taken; of the spans before, one is kept, since answers begun in it may still be under way."""
        table = tables.usage
        for (partner, counter, since), used in self._used.items():
            mine = (table.c.partner == partner) & (table.c.counter == counter)
            found = select(func.max(table.c.since)).where(mine & (table.c.since < since))
            before = self._connection.execute(found).scalar_one_or_none() or since
            passed = (table.c.since < before) | (table.c.since == since)
            self._connection.execute(delete(table).where(mine & passed))
            row = {"partner": partner, "counter": counter, "since": since, "used": used}
            self._connection.execute(insert(table).values(**row))

    def _known(self, key: _Key) -> int:
        if key in self._used:
            return self._used[key]
        if key not in self._before:
            self._before[key] = _used(self._connection, key)
        return self._before[key]
