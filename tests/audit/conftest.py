"""Real logs on real SQLite files and a real PostgreSQL server, and the words their entries are made of."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from gateway.audit.checkpoint import SigningKey
from gateway.audit.entry import Draft
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.reading import LogReader
from tests.audit.tampering import AT, make_draft
from tests.support import postgres

SERVER = os.environ.get("RELGATE_TEST_POSTGRES", "")
STORES = ["sqlite", "postgresql"]
ORIGIN = "gateway.example/log"


@dataclass(frozen=True)
class Postgresql:
    """A database for one test at a time, and its server where that is ours."""

    url: URL
    server: postgres.Server | None

    def empty(self) -> None:
        """Take away all that the last test left, and whoever is still connected."""
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        mine = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        carry_out(self.url, f"{others} {mine}", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def carry_out(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@dataclass
class Place:
    """Where a test's log is, with its keys: opens it as often as the test likes and closes all of them."""

    url: str
    file: Path
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    identifiers: IdentifierKey = field(default_factory=lambda: IdentifierKey(1, bytes(range(32))))
    opened: list[AuditLog] = field(default_factory=list)
    server: postgres.Server | None = None  # the PostgreSQL server, where it is ours to crash

    def open(self, **options: object) -> AuditLog:
        settings = {
            "origin": ORIGIN,
            "key": self.key,
            "identifier_key": self.identifiers,
            "busy_timeout": 60.0,
        }
        log = AuditLog.open(self.url, **(settings | options))  # type: ignore[arg-type]
        self.opened.append(log)
        return log

    def change(self, *statements: str) -> None:
        """Alter the store as somebody would who may do everything there; bytes are written as SQLite writes them."""
        url = make_url(self.url)
        if url.get_backend_name() == "postgresql":
            typed = [statement.replace("AS BLOB", "AS BYTEA") for statement in statements]
            statements = tuple(re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea", statement) for statement in typed)
        carry_out(url, *statements)

    def open_reader(self) -> LogReader:
        verifier = SigningKey(ORIGIN, self.key).verifier
        return LogReader.open_to_read(self.url, origin=ORIGIN, verifier=verifier)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test on each store there is; a module whose tests are about one store says so in ``STORES``, a test
    by the mark ``sqlite_alone`` or ``postgresql_alone``.
    """
    if "place" in metafunc.fixturenames:
        stores = getattr(metafunc.module, "STORES", STORES)
        alone = [store for store in STORES if metafunc.definition.get_closest_marker(f"{store}_alone")]
        metafunc.parametrize("place", alone or stores, indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A database on a PostgreSQL server of our own, or on the one that RELGATE_TEST_POSTGRES names."""
    if not SERVER and (absent := postgres.missing()):
        pytest.skip(absent)
    with nullcontext() if SERVER else postgres.running() as server:
        administration = make_url(SERVER if server is None else server.url)
        name = f"relgate_test_{uuid.uuid4().hex}"
        carry_out(administration, f"CREATE DATABASE {name}")
        yield Postgresql(administration.set(database=name), server)
        carry_out(administration, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for a log of its own."""
    file = tmp_path / "audit.db"
    if request.param == "sqlite":
        found = Place(f"sqlite:///{file}", file)
    else:
        database: Postgresql = request.getfixturevalue("postgresql")
        database.empty()
        found = Place(database.url.render_as_string(hide_password=False), file, server=database.server)
    yield found
    for log in found.opened:
        log.close()


@pytest.fixture
def log(place: Place) -> AuditLog:
    return place.open()


@pytest.fixture
def draft() -> Callable[..., Draft]:
    """Makes the draft of a release; anything about it can be said otherwise."""

    return make_draft


@pytest.fixture
def at() -> datetime:
    return AT
