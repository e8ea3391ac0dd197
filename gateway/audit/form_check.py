"""Whether a store has the form that the gateway gives it: its tables and columns, no triggers, one head, and in every
column values of its type.

SQLite keeps a value of any type in any column, and a trigger or a view that somebody plants acts when others write or
read; an index that was edited in the file, and not by a statement, hides rows from whoever searches by it. What is not
of this form cannot be checked further: it says where, and checking ends there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Table,
    func,
    or_,
    select,
    text,
    type_coerce,
)
from sqlalchemy import literal_column as literal

from gateway.audit import tables
from gateway.audit.walk import Finding

SHOWN = 100
"""Most places that are named of one table."""

COLUMNS = {
    "sqlite": "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c"
    " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema()",
}
INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()",
}
TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')",
    "postgresql": "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT tgisinternal AND n.nspname = current_schema()",
}


def differences(connection: Connection) -> Iterator[Finding]:
    """Everything about the store's form that is not as the gateway makes it."""
    wrong = list(_tables(connection))
    yield from wrong
    for name in connection.execute(text(TRIGGERS[connection.dialect.name])).scalars():
        yield Finding(f"trigger or view {name}", "is none of the gateway's")
    if wrong:
        return
    if connection.dialect.name == "sqlite":
        for said in connection.execute(text(f"PRAGMA integrity_check({SHOWN})")).scalars():
            if said != "ok":
                yield Finding("database file", said)
        for table in tables.metadata.sorted_tables:
            yield from _values(connection, table)
    heads = list(connection.execute(select(tables.head.c.id)).scalars())
    if not heads:
        yield Finding("head", "the store has no head")
    elif heads != [1]:
        yield Finding("head", f"there is one, and its number is 1; here are {heads[:10]}")


def _tables(connection: Connection) -> Iterator[Finding]:
    there: defaultdict[str, set[str]] = defaultdict(set)
    for name, column in connection.execute(text(COLUMNS[connection.dialect.name])):
        there[name].add(column)
    wanted = {table.name: table for table in tables.metadata.sorted_tables}
    indexes = set(connection.execute(text(INDEXES[connection.dialect.name])).scalars())
    for name in sorted(there.keys() - wanted.keys()):
        yield Finding(f"table {name}", "is none of the gateway's")
    for name, table in wanted.items():
        if name not in there:
            yield Finding(f"table {name}", "is missing")
            continue
        if there[name] != set(table.columns.keys()):
            yield Finding(f"table {name}", f"has the columns {', '.join(sorted(there[name]))}")
        for missing in sorted({str(index.name) for index in table.indexes} - indexes):
            yield Finding(f"table {name}", f"lacks the index {missing}")


def _values(connection: Connection, table: Table) -> Iterator[Finding]:
    key = [type_coerce(column, Integer) for column in table.primary_key]
    for row in connection.execute(select(*key).where(_has_odd(table)).limit(SHOWN)):
        names = ", ".join(f"{column.name} {value!r:.80}" for column, value in zip(table.primary_key, row, strict=True))
        yield Finding(f"table {table.name}", f"holds a value of another type where {names}")


@lru_cache(maxsize=64)
def _has_odd(table: Table) -> ColumnElement[bool]:
    return or_(*(_is_odd(column) for column in table.columns))


def _is_odd(column: Column[object]) -> ColumnElement[bool]:
    kind: ColumnElement[str] = func.typeof(column)
    if isinstance(column.type, Integer | Boolean):
        wanted = "integer"
    else:
        wanted = "blob" if isinstance(column.type, LargeBinary) else "text"
    odd = kind != literal(f"'{wanted}'")
    if isinstance(column.type, Boolean):
        odd = or_(odd, type_coerce(column, Integer).not_in((0, 1)))
    return odd & (kind != literal("'null'")) if column.nullable else odd
