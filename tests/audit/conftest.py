"""Real logs on real SQLite files, and the words their entries are made of."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, text

from gateway.audit.checkpoint import SigningKey
from gateway.audit.entry import Draft
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.reading import LogReader
from tests.audit.tampering import AT, make_draft

SERVER = os.environ.get("RELGATE_TEST_POSTGRES", "")
ORIGIN = "gateway.example/log"


@dataclass
class Place:
    """Where a test's log is, with its keys: opens it as often as the test likes and closes all of them."""

    url: str
    file: Path
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    identifiers: IdentifierKey = field(default_factory=lambda: IdentifierKey(1, bytes(range(32))))
    opened: list[AuditLog] = field(default_factory=list)

    def open(self, **options: object) -> AuditLog:
        settings = {
            "origin": ORIGIN,
            "key": self.key,
            "identifier_key": self.identifiers,
            "busy_timeout": 5.0,
        }
        log = AuditLog.open(self.url, **(settings | options))  # type: ignore[arg-type]
        self.opened.append(log)
        return log

    def open_reader(self) -> LogReader:
        verifier = SigningKey(ORIGIN, self.key).verifier
        return LogReader.open_to_read(self.url, origin=ORIGIN, verifier=verifier)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test on each store there is; a module whose tests are about one store says so in ``STORES``.

    PostgreSQL is there when RELGATE_TEST_POSTGRES holds the URL of a server on which databases may be made.
    """
    if "place" in metafunc.fixturenames:
        stores = getattr(metafunc.module, "STORES", ["sqlite", "postgresql"])
        there = [store for store in stores if store == "sqlite" or SERVER]
        metafunc.parametrize("place", there, indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for a log of its own."""
    file = tmp_path / "audit.db"
    name = f"relgate_test_{uuid.uuid4().hex}"
    if request.param == "sqlite":
        found = Place(f"sqlite:///{file}", file)
    else:
        administer(f"CREATE DATABASE {name}")
        found = Place(f"{SERVER.rpartition('/')[0]}/{name}", file)
    yield found
    for log in found.opened:
        log.close()
    if request.param != "sqlite":
        administer(f"DROP DATABASE {name} WITH (FORCE)")


def administer(statement: str) -> None:
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


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
