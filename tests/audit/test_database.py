"""What a store must promise before it takes an entry: that what it called committed is there after a loss of power."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import make_url

from gateway.audit.database import Database
from gateway.audit.entry import Draft
from gateway.audit.errors import LogUnavailable
from tests.audit.conftest import carry_out

Drafts = Callable[..., Draft]
STORES = ["postgresql"]


@pytest.fixture
def database(place):
    """The name of the test's database; afterwards its settings and the server's are as they were."""
    name = make_url(place.url).database
    yield name
    carry_out(make_url(place.url), f"ALTER DATABASE {name} RESET ALL", "ALTER SYSTEM RESET ALL")
    carry_out(make_url(place.url), "SELECT pg_reload_conf()")


def test_a_log_is_not_begun_where_a_commit_may_return_before_its_sync(place, database: str):
    place.change(f"ALTER DATABASE {database} SET synchronous_commit = off")
    with pytest.raises(LogUnavailable, match="synchronous_commit = off: a loss of power may") as refused:
        place.open()
    assert "Set synchronous_commit = on" in refused.value.hint
    place.change(f"ALTER DATABASE {database} SET synchronous_commit = remote_apply")
    assert place.open().size() == 0


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_told_while_it_runs_to_be_less_durable_takes_no_more_entries(
    place, database: str, draft: Drafts, setting: str
):
    if place.server is None:
        pytest.skip("the server that RELGATE_TEST_POSTGRES names is not ours to set")
    log = place.open()
    log.append_now([draft("before")])
    reloaded(place, f"ALTER SYSTEM SET {setting} = off", setting)
    with pytest.raises(LogUnavailable, match=f"{setting} = off"):
        log.append_now([draft("never")])
    reloaded(place, f"ALTER SYSTEM SET {setting} = on", setting)
    log.append_now([draft("after")])
    assert [entry.leaf.release for entry in log.entries()] == ["before", "after"]


@pytest.mark.sqlite_alone("PostgreSQL's settings are the server's")
def test_every_connection_that_writes_syncs_each_commit_also_after_a_failure(place):
    database = Database(place.url, create=True)
    for _ in range(2):
        with database.writing() as connection:
            asked = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")
            ]
            assert asked == ["wal", 2]  # FULL: https://sqlite.org/pragma.html#pragma_synchronous
        with pytest.raises(LogUnavailable), database.writing() as connection:
            connection.exec_driver_sql("SELECT * FROM no_such_table")
    database.close()


def test_a_failure_in_one_thread_takes_no_statement_of_another_away(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'one.db'}", create=True)
    with database.writing():
        pass
    counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT count(*) FROM n"
    with ThreadPoolExecutor(1) as pool:
        for _ in range(5):
            asked = pool.submit(database.glance, counted, {"most": 300_000})
            time.sleep(0.01)
            database.close()  # as after any failure
            assert asked.result() == [(300_000,)]


def reloaded(place, change: str, setting: str) -> None:
    """Change a setting of the server, and wait until a connection has it."""
    carry_out(make_url(place.url), change, "SELECT pg_reload_conf()")
    engine = create_engine(place.url, poolclass=NullPool)
    found = ""
    while found != change.rpartition(" ")[2]:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(f"SHOW {setting}").scalar_one()


@pytest.mark.postgresql_alone
def test_a_driver_that_is_not_installed_is_named_with_how_to_install_it(place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as an import of what is not there
    with pytest.raises(LogUnavailable, match="psycopg is not installed") as refused:
        place.open()
    assert refused.value.code == "driver_missing"
