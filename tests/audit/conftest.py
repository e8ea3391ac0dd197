"""Real logs on real SQLite files, and the words their entries are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import SigningKey
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.reading import LogReader

ORIGIN = "gateway.example/log"
AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


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


@pytest.fixture(params=["sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for a log; every test that takes it runs on each store there is."""
    assert request.param == "sqlite"
    file = tmp_path / "audit.db"
    found = Place(f"sqlite:///{file}", file)
    yield found
    for log in found.opened:
        log.close()


@pytest.fixture
def log(place: Place) -> AuditLog:
    return place.open()


@pytest.fixture
def draft() -> Callable[..., Draft]:
    """Makes the draft of a release; anything about it can be said otherwise."""

    def make(release: str = "r0", **said: object) -> Draft:
        told = {
            "event": Event.RELEASE,
            "time": AT,
            "outcome": "released",
            "partner": "JPN",
            "request": f"request-{release}",
            "release": release,
            "content": b"\x01" * 32,
            "sealed": b"\x02" * 32,
            "key": "thumbprint",
            "released": 1,
            "records": (RecordRow(f"id-{release}", "release", b"\x03" * 32, {"marking": "U//REL TO USA, JPN"}),),
            "private": {"policy": "aa", "withheld": 2},
        }
        return Draft(**(told | said))  # type: ignore[arg-type]

    return make


@pytest.fixture
def at() -> datetime:
    return AT
