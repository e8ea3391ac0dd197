"""Checking the catalogue while a whole log is checked: every posting and total worked out again from the entries.

A log has ten times as many postings as entries, so they are compared by sums: of each run of entries, the sum of the
hashes of its postings, as they must be and as they are. The hashes are salted anew for each check, so that nobody can
have prepared changes that cancel out. A run whose sums differ is looked at entry by entry.

The table is ordered by words and not by entries. So it is read in slices of its own, in any order and by any process,
and each slice gives a sum for every run that it has postings of.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from gateway.audit import catalogue, retention, stored, tables
from gateway.audit.catalogue import Totals
from gateway.audit.errors import LogAltered
from gateway.audit.leaf import Leaf
from gateway.audit.orders import Part
from gateway.audit.terms import Private

LEVEL = 10
"""A run of entries is the leaves of a complete subtree of this level."""
OUTSIDE = -1
"""What is summed up of postings of entries that the log does not have: in place of a run's number."""
SHOWN = 1000
"""Most entries whose words are counted where they differ."""
_BATCH = 10_000
_WITHIN = (1 << LEVEL) - 1
_SUM = (1 << 64) - 1
Posting = tuple[int, int, int]


class Compared(NamedTuple):
    """The size of the log that is compared, and the salt of the sums."""

    size: int
    salt: int


class Slice(NamedTuple):
    """A part of the table: words from ``first`` up to and with ``last``, or as many pages of the server's file."""

    first: int
    last: int


_AT = tables.postings.c.position
_OUTSIDE = select(_AT).where(or_(_AT < 0, bindparam("size") <= _AT)).distinct().order_by(_AT).limit(SHOWN)
_READ = {
    "sqlite": "SELECT word, day, position FROM postings WHERE word BETWEEN {} AND {}",
    "postgresql": "SELECT word, day, position FROM postings WHERE ctid BETWEEN '({},0)'::tid AND '({},65535)'::tid",
}
"""A server's table stands in no order, and to read it by its index would be to read its file many times over."""


def slices(connection: Connection, count: int) -> list[Slice]:
    """The table in so many parts, as far as it can be cut."""
    if connection.dialect.name == "sqlite":
        first, length = -(1 << 63), 1 << 64
    else:
        pages = "SELECT pg_relation_size('postings') / current_setting('block_size')::bigint"
        first, length = 0, int(connection.exec_driver_sql(pages).scalar_one())
    cuts = sorted({first + length * number // count for number in range(count + 1)})
    return [Slice(cut, after - 1) for cut, after in pairwise(cuts)]


def sum_slice(connection: Connection, salt: int, size: int, part: Slice) -> dict[int, int]:
    """Of each run that has postings in this part of the table, the sum over those; of what lies outside a log of
    ``size``, under :data:`OUTSIDE`.
    """
    there: defaultdict[int, int] = defaultdict(int)
    for batch in _stored(connection, part):
        for posting in batch:
            there[posting[2] >> LEVEL if 0 <= posting[2] < size else OUTSIDE] += hash((salt, posting))
    return there


def wanted(salt: int, position: int, leaf: Leaf, private: Private | None) -> int:
    """The sum over an entry's postings; ``None`` for a private part that was removed."""
    return sum([hash((salt, posting)) for posting in catalogue.postings(position, leaf, private)])


def differences(
    connection: Connection, scope: Compared, there: Mapping[int, int], words: Mapping[int, int]
) -> Iterator[tuple[str, str]]:
    """Where postings differ, and how: ``there`` are the sums over what is stored, ``words`` those that entries give."""
    wrong = {run for run in there.keys() | words.keys() if there.get(run, 0) != words.get(run, 0)}
    if wrong - {OUTSIDE}:
        yield from _located(connection, scope, wrong - {OUTSIDE})
    if OUTSIDE in wrong:
        for position in connection.execute(_OUTSIDE, {"size": scope.size}).scalars():
            yield f"postings of entry {position}", "belong to no entry"


def totals_differences(connection: Connection, totals: Totals) -> Iterator[tuple[str, str]]:
    """Where the stored totals are not what entries count, and how."""
    for said in catalogue.compare_totals(catalogue.read_totals(connection), totals):
        where, _, what = said.partition(": ")
        yield where, what


def _stored(connection: Connection, part: Slice) -> Iterator[Sequence[Posting]]:
    """The stored postings of a slice, as plain as can be had: there are very many. SQLite's driver gives them itself;
    behind a server's cursor SQLAlchemy has taken rows already, and must give those out first.
    """
    streamed = connection.execution_options(stream_results=True)
    result = streamed.exec_driver_sql(_READ[connection.dialect.name].format(*part))
    if connection.dialect.name == "sqlite" and result.cursor is not None:
        while batch := result.cursor.fetchmany(_BATCH):
            yield batch
        return
    for rows in result.partitions(_BATCH):
        yield [(row[0], row[1], row[2]) for row in rows]


def _located(connection: Connection, scope: Compared, runs: set[int]) -> Iterator[tuple[str, str]]:
    """Which entries of these runs are filed otherwise: by a sum of each entry, so that it takes little memory however
    many there are, and for the first of them by the words themselves.
    """
    sums = {run: array("Q", bytes(8 << LEVEL)) for run in runs}
    for posting in _all_stored(connection):
        own = sums.get(posting[2] >> LEVEL)
        if own is not None and posting[2] < scope.size:
            within = posting[2] & _WITHIN
            own[within] = (own[within] + hash((scope.salt, posting))) & _SUM
    wrong: dict[int, set[Posting] | None] = {}  # what an entry's postings must be; None: there is no such entry
    for run in sorted(runs):
        for position, must in _must_be(connection, run, scope.size):
            own_sum = sum([hash((scope.salt, posting)) for posting in must or ()])
            if own_sum & _SUM != sums[run][position & _WITHIN]:
                wrong[position] = must if len(wrong) < SHOWN else set()
    shown: defaultdict[int, Counter[Posting]] = defaultdict(Counter)
    named = set(list(wrong)[:SHOWN])
    for posting in _all_stored(connection) if named else ():
        if posting[2] in named:
            shown[posting[2]][posting] += 1
    for position, must in wrong.items():
        if must is None:
            yield f"postings of entry {position}", "belong to no entry"
        elif position in named:
            found, wanted = shown[position], Counter(must)
            missing, others = (wanted - found).total(), (found - wanted).total()
            said = f"{missing} of its {len(must)} words are missing, {others} are not its, or there twice"
            yield f"entry {position}", f"is not found by what it says: {said}"
        else:
            yield f"entry {position}", "is not found by what it says"


def _must_be(connection: Connection, run: int, size: int) -> Iterator[tuple[int, set[Posting] | None]]:
    """What the postings of a run's entries must be; ``None`` for an entry that is missing. One that was found altered
    is left out.
    """
    first, after = run << LEVEL, min(size, (run + 1) << LEVEL)
    entries = {raw.index: raw for raw in stored.read_raw(connection, first - 1, 1 << LEVEL, before=after, rows=False)}
    for position in range(first, after):
        raw = entries.get(position)
        try:
            if raw is None:
                yield position, None
            elif retention.without_leaf(raw):
                yield position, set()
            else:
                entry = stored.check_summary(raw, removed=Part.PRIVATE)
                yield position, set(catalogue.postings(position, entry.leaf, entry.private))
        except LogAltered:
            continue


def _all_stored(connection: Connection) -> Iterator[Posting]:
    return chain.from_iterable(batch for part in slices(connection, 1) for batch in _stored(connection, part))
