"""Whether a store has the form that the gateway gives it: its tables, columns, keys and indexes defined as the gateway
defines them and nothing beside them, one head, and in every column values of its type.

What somebody plants acts when others write or read: a trigger, a view or a rule. What somebody defines anew answers
otherwise: a column that compares without regard to case, a table that takes a row twice, an index that lacks rows.
SQLite keeps a value of any type in any column besides. What is not of this form cannot be checked further: it says
where, and checking ends there.

What each database can hold beside tables is in :mod:`gateway.audit.form_sqlite` and :mod:`gateway.audit.form_postgres`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, select

from gateway.audit import form_postgres, form_sqlite, tables
from gateway.audit.finding import Finding
from gateway.audit.team import Readers

_FORMS = {
    "sqlite": (form_sqlite.definitions, form_sqlite.contents),
    "postgresql": (form_postgres.definitions, form_postgres.contents),
}


def has_its_tables(connection: Connection) -> bool:
    """Whether the tables are those of the gateway, so that they can be read."""
    return not any(_FORMS[connection.dialect.name][0](connection))


def differences(connection: Connection, readers: Readers) -> Iterator[Finding]:
    """Everything about the store's form that is not as the gateway makes it."""
    definitions, contents = _FORMS[connection.dialect.name]
    if tables.metadata.tables.keys().isdisjoint(inspect(connection).get_table_names()):
        yield Finding("store", "holds no log: none of the gateway's tables is there")
        return
    wrong = [Finding(where, what) for where, what in definitions(connection)]
    yield from wrong
    if wrong:
        return
    for found in readers.each(contents()):
        yield from (Finding(where, what) for where, what in found)
    heads = list(connection.execute(select(tables.head.c.id)).scalars())
    if not heads:
        yield Finding("head", "the store has no head")
    elif heads != [1]:
        yield Finding("head", f"there is one, and its number is 1; here are {heads[:10]}")
