"""All records of a source, made once from the catalogue, a number of records and a seed.

The order of a table is that of creation, and it is the order in which an unsorted list answers. A test that
wants to know what a partner should get reads :attr:`Tables.records` and judges each record by itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sample_source import schema
from sample_source.catalogue import Catalogue, load
from sample_source.conjunctions import make_conjunction
from sample_source.drafts import Draft
from sample_source.elsets import make_elset
from sample_source.flaws import FLAWS, Flaw, Flaws, flaw_at
from sample_source.notifications import make_notification
from sample_source.records import Json, StoredRecord, members_of, store
from sample_source.schema import Table
from sample_source.statevectors import make_statevector

_OF_A_SATELLITE = {
    "elset": make_elset,
    "statevector": make_statevector,
    "notification": make_notification,
}
SAME = FLAWS["same-identifier"]


@dataclass(frozen=True, slots=True)
class Tables:
    """Every record that a source holds, by data type, in order."""

    records: Mapping[str, tuple[StoredRecord, ...]]

    def raw(self, table: str) -> tuple[bytes, ...]:
        """The bytes of every record of a type as a list answers with them, in order, flawed ones included."""
        return tuple(record.abridged for record in self.records[table])


def build_tables(
    records: int, seed: int = 1, flaws: Flaws = Flaws.READABLE, catalogue: Catalogue | None = None
) -> Tables:
    """Make ``records`` records of each type. The same arguments always give the same bytes."""
    known = load() if catalogue is None else catalogue
    return Tables(
        MappingProxyType(
            {table.name: _build(table, _Maker(table, seed, known), records, flaws) for table in schema.TABLES.values()}
        )
    )


class _Maker:
    """Makes the records of one type by number, going through the catalogue in an order of the seed's."""

    def __init__(self, table: Table, seed: int, catalogue: Catalogue) -> None:
        self._table, self._seed = table, seed
        rng = random.Random(f"{seed}/order")
        self._satellites = rng.sample(catalogue.satellites, len(catalogue.satellites))
        self._encounters = rng.sample(catalogue.encounters, len(catalogue.encounters))

    def draft(self, index: int, flaw: Flaw | None) -> Draft:
        return Draft(self._table, self._seed, index, None if flaw is None else flaw.marking)

    def make(self, index: int, flaw: Flaw | None) -> dict[str, Json]:
        draft = self.draft(index, flaw)
        if self._table.name != "conjunction":
            generation, place = divmod(index, len(self._satellites))
            return _OF_A_SATELLITE[self._table.name](draft, self._satellites[place], generation)
        generation, place = divmod(index, len(self._encounters))
        event = self.draft(place, None)
        return make_conjunction(draft, event, self._encounters[place], generation)


def _build(table: Table, maker: _Maker, count: int, flaws: Flaws) -> tuple[StoredRecord, ...]:
    made: list[tuple[str, StoredRecord]] = []
    for index in range(count):
        own, after = flaw_at(table, flaws, index), flaw_at(table, flaws, index + 1)
        twin = after is SAME and index + 1 < count
        flaw = SAME if twin else own
        record = maker.make(index, flaw)
        if own is SAME:
            record[table.identifier] = maker.draft(index - 1, None).identifier()
        members = members_of(table, record)
        if flaw is not None:
            members = flaw.spoil(table, members)
        made.append((str(record["createdAt"]), store(table, members, None if flaw is None else flaw.name)))
    return tuple(record for _, record in sorted(made, key=lambda pair: pair[0]))
