"""Checking what is stored by its digest: policy sets with their files, tables, lists of officers, signatures. What
entries name is there, as it was, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter

from sqlalchemy import Connection, select

from gateway.audit import canonical, orders_check, tables
from gateway.audit.finding import Finding
from gateway.audit.sums import Sums


def all_named(said: Sums) -> dict[str, int]:
    """Every digest that entries name themselves or by their orders, and the first entry that does."""
    named = dict(said.artifacts)
    for index, digest in orders_check.stored_by(said.orders):
        named[digest] = min(index, named.get(digest, index))
    return named


def differences(connection: Connection, named: Mapping[str, int], *, every: bool = True) -> Iterator[Finding]:
    """Where what is stored is not what is named; with ``every`` False entries that were not looked at may name more."""
    there: set[str] = set()
    for row in connection.execute(select(tables.artifacts)):
        there.add(row.digest)
        if canonical.digest(row.body).hex() != row.digest:
            yield Finding(f"artifact {row.digest}", "its bytes do not have this digest")
        elif every and row.digest not in named:
            yield Finding(f"artifact {row.digest}", "is named by no entry")
    for digest, index in sorted(named.items(), key=itemgetter(1)):
        if digest not in there:
            yield Finding(f"entry {index}", f"names {digest}, which is not stored")
