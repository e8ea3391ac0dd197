"""How much of something each partner has had in a span of time, counted in the commit that records it.

The rule: *what an entry takes is in the store exactly when the entry is*. So no answer leaves uncounted, an answer that
was refused takes nothing, and gateways that share a store never hand out more together than one might: the write lock
makes them take turns. An entry that would take more than is left is refused, and nothing of it is written.

The table sums up what the private parts of entries say under ``takes``, and a removal of private parts says what those
took (:mod:`gateway.audit.retention`). So it can be counted again from the log, and whoever changes it is found
(:class:`Recount`); until then a partner may have more, or less, of what it may have anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.audit import tables
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import Draft
from gateway.audit.errors import VolumeRefused
from gateway.audit.orders import stamp

_Key = tuple[str, str, str]
"""Partner, counter, and the beginning of the span."""


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
        """Write what was taken. No span is forgotten, so that all of them can be counted again."""
        if self._used:
            into = _SET["postgresql" if self._connection.dialect.name == "postgresql" else "sqlite"]
            self._connection.execute(into, [dict(zip(_NAMES, (*key, n), strict=True)) for key, n in self._used.items()])

    def _known(self, key: _Key) -> int:
        if key in self._used:
            return self._used[key]
        if key not in self._before:
            self._before[key] = _used(self._connection, key)
        return self._before[key]


_NAMES = ("partner", "counter", "since", "used")


def _replacing(into: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    return into.on_conflict_do_update(
        index_elements=list(tables.usage.primary_key), set_={"used": into.excluded["used"]}
    )


_SET = {"postgresql": _replacing(postgresql.insert(tables.usage)), "sqlite": _replacing(sqlite.insert(tables.usage))}


@dataclass
class Recount:
    """What must be in the table, as entry after entry is added."""

    sums: Counter[_Key] = field(default_factory=Counter)

    def add(self, partner: str, private: Mapping[str, PlainJson]) -> None:
        """Add what an entry says that it takes itself, and what the entries took whose private parts it removed.

        Raises ``ValueError`` for what is no such thing.
        """
        for said in _list(private.get("takes")):
            self._count([partner, *_list(said)])
        for order in _list(private.get("orders")):
            for said in _list(order.get("takes") if isinstance(order, dict) else None):
                self._count(_list(said))

    def _count(self, said: Sequence[PlainJson]) -> None:
        match said:
            case [str(partner), str(counter), str(since), int(amount)]:
                self.sums[partner, counter, since] += amount
            case _:
                raise ValueError(f"{said!r:.200} is nothing that is taken")

    def include(self, other: Recount) -> None:
        """Add what other entries took."""
        self.sums.update(other.sums)

    def differences(self, connection: Connection) -> Iterator[tuple[str, str]]:
        """Where the table is not what the entries took, row by row, and how."""
        table = tables.usage
        found = {(row.partner, row.counter, row.since): row.used for row in connection.execute(select(table))}
        for key in sorted(found.keys() | self.sums.keys()):
            partner, counter, since = key
            wanted = self.sums.get(key)
            if found.get(key) == wanted:
                continue
            said = f"is {found[key]}" if key in found else "is not counted"
            took = f"its entries took {wanted}" if wanted is not None else "no entry took any"
            yield f"use of {counter} by {partner} since {since}", f"{said}, but {took}"


def _list(said: PlainJson) -> Sequence[PlainJson]:
    return said if isinstance(said, list) else ()
