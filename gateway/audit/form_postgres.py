"""The form of a log's PostgreSQL schema: its tables, columns, keys and indexes are those that the gateway makes, and
nothing stands beside them that acts when the gateway reads or writes.

The server is asked, and believed in what its own catalogue says: somebody who gives it other programs has it say
anything. Its tables can be copied to a server of one's own (``pg_dump``) and checked there.

An index is compared with the table that it is of by counting both: rows that were written while somebody had it
switched off are in the table, and not in it, so that searches pass them over. (``amcheck`` says more where it is
installed, which cannot be relied on.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from sqlalchemy import Column, ColumnElement, Connection, Index, Integer, Table, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from gateway.audit import tables
from gateway.audit.team import Asked

_OURS = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
_IN_REACH = "(SELECT oid FROM pg_namespace WHERE nspname = ANY (current_schemas(false)))"
"""The schemas in which names are looked up: what stands there may be taken in place of the server's own."""

_RELATIONS = f"""
    SELECT relname, relkind::text, relpersistence::text, relrowsecurity OR relforcerowsecurity AS hides_rows,
        EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid OR inhrelid = c.oid) AS shares_rows
    FROM pg_class c WHERE relnamespace = {_OURS} AND relkind NOT IN ('i', 'c')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')"""  # noqa: S608 - words of ours
_COLUMNS = f"""
    SELECT relname, attname, format_type(atttypid, atttypmod) AS type, attnotnull,
        attcollation = typcollation AND NOT atthasdef AND attidentity = '' AND attgenerated = '' AS plain
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_type t ON t.oid = atttypid
    WHERE relnamespace = {_OURS} AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"""  # noqa: S608
_INDEXES = f"""
    SELECT c.relname, pg_get_indexdef(indexrelid) AS definition, indisvalid AND indisready AND indislive AS works
    FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = {_OURS}"""  # noqa: S608
_PLANTED = f"""
    SELECT 'trigger', tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
        WHERE relnamespace = {_OURS} AND NOT tgisinternal
    UNION ALL SELECT 'rule', rulename::text FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class
        WHERE relnamespace = {_OURS} AND relkind = 'r'
    UNION ALL SELECT 'constraint', conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid
        WHERE relnamespace = {_OURS} AND contype NOT IN ('p', 'n')
    UNION ALL SELECT 'function', proname::text FROM pg_proc p WHERE pronamespace IN {_IN_REACH}
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
    UNION ALL SELECT 'operator', oprname::text FROM pg_operator o WHERE oprnamespace IN {_IN_REACH}
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = o.oid AND deptype = 'e')"""  # noqa: S608

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's


def definitions(connection: Connection) -> Iterator[tuple[str, str]]:
    """Where the schema defines something else than the gateway does, and what."""
    wanted = {table.name: table for table in tables.metadata.sorted_tables}
    there = {row.relname: row for row in connection.execute(text(_RELATIONS))}
    for name in sorted(there.keys() | wanted.keys()):
        if name not in there:
            yield f"table {name}", "is missing"
        elif name not in wanted:
            yield f"table {name}", "is none of the gateway's"
        else:
            _, kind, persistence, hides_rows, shares_rows = there[name]
            if (kind, persistence) != ("r", "p"):
                yield f"table {name}", f"is no lasting table: PostgreSQL has it as {kind}{persistence}, not as rp"
            if hides_rows or shares_rows:
                yield f"table {name}", "has row security, or shares its rows with another by inheritance"
    yield from _columns(connection, there.keys())
    yield from _indexes(connection, there.keys())
    for kind, name in connection.execute(text(_PLANTED)):
        yield f"{kind} {name}", "is none of the gateway's"


def contents() -> list[Asked[list[tuple[str, str]]]]:
    """What to ask to learn where an index has not as many rows as its table. Values are of their columns' types:
    PostgreSQL sees to that.
    """
    indexed = ((table.name, *each) for table in tables.metadata.sorted_tables for each in _indexed(table))
    return [(_rows, each) for each in indexed]


def _rows(connection: Connection, table: str, index: str, every_row: str) -> list[tuple[str, str]]:
    counted = f"SELECT count(*) FROM {table} WHERE {every_row}"  # noqa: S608 - names of ours
    by_index, by_table = (_count(connection, counted, by_index=way) for way in (True, False))
    same = by_index == by_table
    return [] if same else [(f"index {index}", f"finds {by_index} of the {by_table} rows that it is over")]


def _count(connection: Connection, counted: str, *, by_index: bool) -> int:
    """Count by the table's pages alone, or by an index wherever one serves."""
    ways = {"seqscan": not by_index, "indexscan": by_index, "indexonlyscan": by_index, "bitmapscan": by_index}
    for way, said in ways.items():
        connection.exec_driver_sql(f"SET LOCAL enable_{way} = {said}")
    found = int(connection.exec_driver_sql(counted).scalar_one())
    for way in ways:
        connection.exec_driver_sql(f"SET LOCAL enable_{way} TO DEFAULT")
    return found


def _indexed(table: Table) -> Iterator[tuple[str, str]]:
    """Each index of a table: its name, and a condition that it serves and every row in it fulfils.

    A row without a value fulfils no comparison, and is counted neither here nor there.
    """
    yield _key_name(table), _any(next(iter(table.primary_key)))
    for index in table.indexes:
        within = _definition(index).partition(" WHERE ")[2]
        leading = next(each for each in index.expressions if not isinstance(each, str))
        yield str(index.name), " AND ".join(filter(None, (_any(leading), within)))


def _any(leading: ColumnElement[object]) -> str:
    """That what an index begins with has a value, as a comparison, which is what an index serves."""
    numbers = isinstance(leading, Column) and isinstance(leading.type, Integer)
    least = "CAST('-9223372036854775808' AS BIGINT)" if numbers else "''"
    return f"{leading.compile(dialect=_DIALECT, compile_kwargs={'include_table': False})} >= {least}"


def _columns(connection: Connection, within: Collection[str]) -> Iterator[tuple[str, str]]:
    wanted = {
        (table.name, column.name): (_TYPES[column.type.compile(_DIALECT)], not column.nullable, True)
        for table in tables.metadata.sorted_tables
        if table.name in within  # else it was found to be missing, as a whole
        for column in table.columns
    }
    there = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(text(_COLUMNS))}
    for table, column in sorted(there.keys() | wanted.keys()):
        if table in tables.metadata.tables and there.get((table, column)) != wanted.get((table, column)):
            yield f"table {table}", f"has its column {column} defined otherwise than by the gateway, or not at all"


_TYPES: Mapping[str, str] = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "BYTEA": "bytea",
    "INTEGER": "integer",
    "TEXT": "text",
    "VARCHAR": "character varying",
}
"""What PostgreSQL calls each of the types that the gateway gives to columns."""


def _indexes(connection: Connection, within: Collection[str]) -> Iterator[tuple[str, str]]:
    there = {row.relname: row for row in connection.execute(text(_INDEXES))}
    wanted = {name: said for name, (table, said) in _wanted_indexes().items() if table in within}
    for name in sorted(there.keys() | wanted.keys()):
        if name not in there:
            yield f"index {name}", "is missing"
        elif name not in wanted:
            yield f"index {name}", "is none of the gateway's"
        elif _bare(there[name].definition) != wanted[name]:
            yield f"index {name}", f"is defined otherwise than by the gateway: {there[name].definition}"
        elif not there[name].works:
            yield f"index {name}", "is switched off, or was not made whole"


@lru_cache(maxsize=1)
def _wanted_indexes() -> Mapping[str, tuple[str, str]]:
    """Each index's table, and its definition."""
    made: dict[str, tuple[str, str]] = {}
    for table in tables.metadata.sorted_tables:
        keys = ", ".join(column.name for column in table.primary_key)
        key = _bare(f"CREATE UNIQUE INDEX {_key_name(table)} ON {table.name} ({keys})")
        made[_key_name(table)] = table.name, key
        made |= {str(index.name): (table.name, _bare(_definition(index))) for index in table.indexes}
    return made


def _key_name(table: Table) -> str:
    """What PostgreSQL calls the index of a table's key."""
    return f"{table.name}_pkey"


def _definition(index: Index) -> str:
    return str(CreateIndex(index).compile(dialect=_DIALECT))


def _bare(definition: str) -> str:
    """An index's definition without what PostgreSQL adds when it says it: schema, method, casts, brackets, quotes."""
    said = re.sub(r" ON [^ ]*?\.(?=[^ ]+ )", " ON ", definition).replace(" USING btree", "").replace("!=", "<>")
    return re.sub(r"::text|[()\"\s]", "", said)
