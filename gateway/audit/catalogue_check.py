"""Checking the catalogue while a whole log is checked: every posting and total worked out again from the entries.

A log has ten times as many postings as entries, so they are compared by sums: of each page of entries, the sum of the
hashes of its postings, as they must be and as they are. The hashes are salted anew for each check, so that nobody can
have prepared changes that cancel out. A page whose sums differ is looked at entry by entry.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from gateway.audit import catalogue, retention, stored
from gateway.audit.catalogue import Totals
from gateway.audit.errors import LogAltered
from gateway.audit.leaf import Leaf
from gateway.audit.orders import Part
from gateway.audit.terms import Private

PAGE = 1000
_BATCH = 10_000
Posting = tuple[int, int, int]


@dataclass
class CatalogueCheck:
    """What the catalogue must hold, as entry after entry is added."""

    sums: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    totals: Totals = field(default_factory=dict)
    salt: int = field(default_factory=lambda: secrets.randbits(62))

    def add(self, position: int, leaf: Leaf, private: Private | None) -> None:
        """Add an entry that agrees with its leaf; ``None`` for a private part that was removed."""
        salt = self.salt
        self.sums[position // PAGE] += sum(
            [hash((salt, posting)) for posting in catalogue.postings(position, leaf, private)]
        )
        if private is not None:
            catalogue.count_in(self.totals, leaf, private)
            catalogue.count_removed(self.totals, private)

    def differences(self, connection: Connection, size: int) -> Iterator[tuple[str, str]]:
        """Where the stored catalogue differs, and how; for a log that was walked whole up to ``size``."""
        salt = self.salt
        there: defaultdict[int, int] = defaultdict(int)
        for batch in _stored(connection):
            for posting in batch:
                there[posting[2] // PAGE] += hash((salt, posting))
        wrong = {page for page in self.sums.keys() | there.keys() if self.sums[page] != there[page]}
        if wrong:
            yield from _located(connection, wrong, size)
        for said in catalogue.compare_totals(catalogue.read_totals(connection), self.totals):
            where, _, what = said.partition(": ")
            yield where, what


def _stored(connection: Connection) -> Iterator[Sequence[Posting]]:
    """Every stored posting, as plain as can be had: there are very many. SQLite's driver gives them itself; behind a
    server's cursor SQLAlchemy has taken rows already, and must give those out first.
    """
    streamed = connection.execution_options(stream_results=True)
    result = streamed.exec_driver_sql("SELECT word, day, position FROM postings")
    if connection.dialect.name == "sqlite" and result.cursor is not None:
        while batch := result.cursor.fetchmany(_BATCH):
            yield batch
        return
    for rows in result.partitions(_BATCH):
        yield [(row[0], row[1], row[2]) for row in rows]


def _located(connection: Connection, pages: set[int], size: int) -> Iterator[tuple[str, str]]:
    """Which entries of these pages are filed otherwise."""
    there: defaultdict[int, Counter[Posting]] = defaultdict(Counter)
    for batch in _stored(connection):
        for posting in batch:
            if posting[2] // PAGE in pages:
                there[posting[2]][posting] += 1
    for page in sorted(pages):
        for raw in stored.read_raw(connection, page * PAGE - 1, PAGE, before=min(size, (page + 1) * PAGE), rows=False):
            found = there.pop(raw.index, Counter())
            try:
                entry = None if retention.without_leaf(raw) else stored.check_summary(raw, removed=Part.PRIVATE)
            except LogAltered:
                continue  # found already, as what it is
            wanted = Counter(() if entry is None else catalogue.postings(raw.index, entry.leaf, entry.private))
            if found != wanted:
                missing, others = (wanted - found).total(), (found - wanted).total()
                said = f"{missing} of its {wanted.total()} words are missing, {others} are not its, or there twice"
                yield f"entry {raw.index}", f"is not found by what it says: {said}"
    for position in sorted(there):
        yield f"postings of entry {position}", "belong to no entry"
