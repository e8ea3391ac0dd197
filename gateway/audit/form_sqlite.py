"""The form of a log's SQLite file: every definition in it is the one that the gateway gives, word for word, its pages
and indexes are whole, and every value is of its column's type.

SQLite keeps each definition as the statement that made it, so comparing those compares all that a definition can say:
types and collations of columns, defaults, generated columns, checks, keys, what an index is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.audit import tables
from gateway.audit.team import Asked

Said = list[tuple[str, str]]

SHOWN = 100
"""Most places that are named of one table."""

# What SQLite makes by itself has no statement (an index of a key) or serves its planner alone (sqlite_stat1).
_DEFINED = (
    "SELECT type, name, sql FROM sqlite_master"
    " WHERE sql IS NOT NULL AND (type IN ('trigger', 'view') OR name NOT LIKE 'sqlite\\_stat_' ESCAPE '\\')"
)


LOG = tuple(tables.metadata.sorted_tables)
"""The tables of a log; an archive has some of them."""


def definitions(connection: Connection, made: tuple[Table, ...] = LOG) -> Iterator[tuple[str, str]]:
    """Where the file defines something else than the gateway does when it makes these tables, and what."""
    there = {(row.type, row.name): _plain(row.sql) for row in connection.execute(text(_DEFINED))}
    wanted = _wanted(made)
    for kind, name in sorted(there.keys() | wanted.keys()):
        found, own = there.get((kind, name)), wanted.get((kind, name))
        if own is None:
            yield f"{kind} {name}", "is none of the gateway's"
        elif found is None:
            yield f"{kind} {name}", "is missing"
        elif found != own:
            yield f"{kind} {name}", f"is defined otherwise than by the gateway: {found}"


def contents(made: tuple[Table, ...] = LOG) -> list[Asked[Said]]:
    """What to ask to learn where a page or an index is not whole, or a value is of another type than its column's."""
    return [(_whole, ()), *((_values, (table.name,)) for table in made)]


def _whole(connection: Connection) -> Said:
    said = connection.execute(text(f"PRAGMA integrity_check({SHOWN})")).scalars()
    return [("database file", each) for each in said if each != "ok"]


@lru_cache(maxsize=4)
def _wanted(made: tuple[Table, ...]) -> Mapping[tuple[str, str], str]:
    """The statements by which the gateway makes tables and their indexes."""
    dialect = sqlite.dialect()
    said: dict[tuple[str, str], str] = {}
    for table in made:
        said["table", table.name] = _plain(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            said["index", str(index.name)] = _plain(str(CreateIndex(index).compile(dialect=dialect)))
    return said


def _plain(statement: str) -> str:
    """A statement without regard to where its lines break."""
    return " ".join(statement.split())


def _values(connection: Connection, name: str) -> Said:
    table, found = tables.metadata.tables[name], []
    key = [type_coerce(column, Integer) for column in table.primary_key]
    for row in connection.execute(select(*key).where(_has_odd(table)).limit(SHOWN)):
        names = ", ".join(f"{column.name} {value!r:.80}" for column, value in zip(table.primary_key, row, strict=True))
        found.append((f"table {name}", f"holds a value of another type where {names}"))
    return found


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
