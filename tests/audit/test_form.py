"""Whatever somebody defines anew in the store, or plants beside it, is found before anything else is checked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial

import pytest
from sqlalchemy import Connection, create_engine

from gateway.audit import form_check, form_postgres, tables, team
from gateway.audit.checkpoint import SigningKey
from gateway.audit.database import Database
from gateway.audit.log import AuditLog
from gateway.audit.verification import verify
from tests.audit import everything
from tests.audit.conftest import ORIGIN, Place
from tests.audit.tampering import write_log

REMADE = {
    "a key taken away": ("postings", ", \n\tPRIMARY KEY (word, day, position)\n)\n WITHOUT ROWID", "\n)"),
    "a key in another order": ("postings", "(word, day, position)", "(day, word, position)"),
    "a column without regard to case": ("entries", "partner VARCHAR", "partner VARCHAR COLLATE NOCASE"),
    "a column of another type": ("entries", "partner VARCHAR", "partner BLOB"),
    "a column that may be empty": ("entries", "partner VARCHAR NOT NULL", "partner VARCHAR"),
    "a column with a default": ("entries", "partner VARCHAR NOT NULL", "partner VARCHAR NOT NULL DEFAULT 'GBR'"),
    "a row that cannot be": ("stops", "PRIMARY KEY", "CHECK (subject <> 'GBR'), PRIMARY KEY"),
}
"""A table, and what of its definition becomes what."""

SQLITE = {
    "an index that lets a chunk in twice": (
        "DROP INDEX one_entry_per_chunk",
        "CREATE INDEX one_entry_per_chunk ON entries (release, chunk) WHERE release != ''",
    ),
    "an index over something else": (
        "DROP INDEX record_rows_by_identifier",
        "CREATE INDEX record_rows_by_identifier ON record_rows (substr(identifier, 1, 3))",
    ),
    "an index of that name on another table": (
        "DROP INDEX record_rows_by_identifier",
        "CREATE INDEX record_rows_by_identifier ON head (id)",
    ),
    "an index that lets no second entry in": ("CREATE UNIQUE INDEX more ON entries (hash)",),
    "a view": ("CREATE VIEW seen AS SELECT * FROM entries",),
}

POSTGRESQL = {
    "a view in place of a table": (
        "ALTER TABLE postings SET SCHEMA aside",
        "CREATE VIEW postings AS SELECT * FROM aside.postings WHERE position <> 5",
    ),
    "a rule": ("CREATE RULE never AS ON INSERT TO stops DO INSTEAD NOTHING",),
    "row security": ("ALTER TABLE stops ENABLE ROW LEVEL SECURITY",),
    "rows that come from another table": ("CREATE TABLE aside.more () INHERITS (postings)",),
    "a table that a crash empties": ("ALTER TABLE entries SET UNLOGGED",),
    "a function in place of the server's": (
        "CREATE FUNCTION substr(varchar, integer, integer) RETURNS text LANGUAGE sql AS 'SELECT null::text'",
    ),
    "a column in another order": ('ALTER TABLE totals ALTER COLUMN partner TYPE varchar COLLATE "POSIX"',),
    "a column of another type": ("ALTER TABLE usage ALTER COLUMN partner TYPE text",),
    "a column that may be empty": ("ALTER TABLE entries ALTER COLUMN partner DROP NOT NULL",),
    "a column with a default": ("ALTER TABLE entries ALTER COLUMN partner SET DEFAULT 'GBR'",),
    "a row that cannot be": ("ALTER TABLE stops ADD CHECK (subject <> 'GBR')",),
    "a key taken away": ("ALTER TABLE postings DROP CONSTRAINT postings_pkey",),
    "an index that lets a chunk in twice": (
        "DROP INDEX one_entry_per_chunk",
        "CREATE INDEX one_entry_per_chunk ON entries (release, chunk) WHERE release <> ''",
    ),
    "an index over something else": (
        "DROP INDEX record_rows_by_identifier",
        "CREATE INDEX record_rows_by_identifier ON record_rows (substr(identifier, 1, 3))",
    ),
    "an index that is switched off": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'entries_by_partner'::regclass",
    ),
}


def remake(place: Place, table: str, part: str, other: str) -> None:
    """Put a table of another definition in its place, with the same rows and indexes."""
    with closing(sqlite3.connect(place.file, isolation_level=None)) as store:
        made = partial(store.execute, "SELECT sql FROM sqlite_master WHERE type = ? AND tbl_name = ? AND sql NOT NULL")
        (definition,) = made(("table", table)).fetchone()
        indexes = made(("index", table)).fetchall()
        assert part in definition
        store.execute(f"ALTER TABLE {table} RENAME TO before")
        for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall():
            if any(f" {name} " in index for (index,) in indexes):
                store.execute(f"DROP INDEX {name}")
        store.execute(definition.replace(part, other))
        store.execute(f"INSERT INTO {table} SELECT * FROM before")  # noqa: S608
        store.execute("DROP TABLE before")
        for (index,) in indexes:
            store.execute(index)


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("how", REMADE)
def test_a_table_that_sqlite_defines_otherwise_is_found(log: AuditLog, place: Place, how: str):
    write_log(log)
    log.close()
    remake(place, *REMADE[how])
    reader = place.open_reader()
    assert [finding.where for finding in reader.verify().findings] == [f"table {REMADE[how][0]}"]
    reader.close()


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("how", SQLITE)
def test_what_sqlite_has_beside_the_tables_is_found(log: AuditLog, place: Place, how: str):
    write_log(log)
    place.change(*SQLITE[how])
    assert not log.verify().sound


@pytest.mark.sqlite_alone
def test_a_planners_statistics_are_no_finding(log: AuditLog, place: Place):
    write_log(log)
    place.change("ANALYZE")
    assert log.verify().sound


@pytest.mark.postgresql_alone
def test_whatever_postgresql_defines_otherwise_is_found(log: AuditLog, place: Place):
    write_log(log)
    engine = create_engine(place.url)
    for how, statements in POSTGRESQL.items():
        with engine.connect() as connection:  # what is not committed is taken back
            assert not list(form_check.differences(connection, team.Alone(connection))), how
            for statement in ("CREATE SCHEMA aside", *statements):
                connection.exec_driver_sql(statement)
            assert list(form_check.differences(connection, team.Alone(connection))), how
    engine.dispose()


@pytest.mark.postgresql_alone
def test_an_index_that_lacks_a_row_in_postgresql_is_found_whichever_it_is(place: Place):
    everything.write(place.url)
    engine = create_engine(place.url)
    for table in tables.metadata.sorted_tables:
        for index in (f"{table.name}_pkey", *(str(each.name) for each in table.indexes)):
            with engine.connect() as connection:
                _write_past(connection, table.name, index)
                asked = team.Alone(connection).each(form_postgres.contents())
                found = [where for each in asked for where, _ in each]
                assert found == [f"index {index}"], index
    engine.dispose()


def _write_past(connection: Connection, table: str, index: str) -> None:
    """Write a table's rows again while one of its indexes is switched off."""
    switched = "UPDATE pg_index SET indisready = {0}, indisvalid = {0} WHERE indexrelid = '{1}'::regclass"
    for statement in (
        f"CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM {table}",  # noqa: S608
        f"DELETE FROM {table}",  # noqa: S608
        switched.format("false", index),
        f"INSERT INTO {table} SELECT * FROM kept",  # noqa: S608
        switched.format("true", index),
    ):
        connection.exec_driver_sql(statement)


def test_a_store_without_any_table_is_said_to_hold_no_log(place: Place):
    place.open().close()
    if place.url.startswith("sqlite"):
        place.file.unlink()
        place.file.touch()
    else:
        place.change("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    report = verify(Database(place.url), ORIGIN, SigningKey(ORIGIN, place.key).verifier)
    assert [(each.where, each.what) for each in report.findings] == [
        ("store", "holds no log: none of the gateway's tables is there")
    ]
