"""A gateway before a sample source, both on loopback, with what a test looks at: answers, entries, what the source saw.

Requests can be written byte by byte (:meth:`Loopback.send`), since every HTTP client mends what a hostile caller sends.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.stage import Stage
from gateway.activation.running import Clock
from gateway.audit.stored import StoredEntry
from gateway.service import now
from sample_source.app import Source, build_app
from sample_source.faults import Answers
from sample_source.records import as_array
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.plain import NO_TLS
from tests.support.running import POLICIES, RunningGateway, running_gateway

ELSETS = "/udl/elset?epoch=%3E2000-01-01T00:00:00Z"
"""Every element set, by the one parameter that is required."""

RECORDS = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, its header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code; empty when the answer is no problem, or a problem without its body (HEAD)."""
        if self.headers.get("content-type") != "application/problem+json" or not self.body:
            return ""
        return str(json.loads(self.body)["code"])

    @property
    def bare(self) -> bytes:
        """The body without the one thing that differs between two problems of one kind: the request's id."""
        return self.body.replace(self.headers.get("x-request-id", "-").encode(), b"")


@dataclass(slots=True)
class Loopback:
    """A running gateway and the source behind it."""

    gateway: RunningGateway = field(repr=False)
    source: Source = field(repr=False)
    client: httpx.Client = field(repr=False)

    def get(self, path: str, partner: str = "GBR", **headers: str) -> Answer:
        """Ask as one of a partner's systems: GBR's may have plain answers."""
        given = {"Accept": "application/json", "Authorization": f"Bearer {self.token(partner)}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.get(path, headers=given)
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    def token(self, partner: str = "GBR", purpose: str | None = "collision-avoidance") -> str:
        """A token by the gateway's own clock."""
        return self.gateway.stage.token(partner, purpose=purpose, at=self.gateway.service.clock())

    def send(
        self,
        target: str,
        *lines: str,
        method: str = "GET",
        token: str | None = "",
        host: str = "gateway",
        body: bytes = b"",
    ) -> Answer:
        """Send exactly this request line, these header lines and this body; ``token=None`` sends no credential."""
        head = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *lines]
        if token is not None:
            head.append(f"Authorization: Bearer {token or self.token()}")
        return self.exchange("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body, method)

    def exchange(self, request: bytes, method: str = "GET") -> Answer:
        """Send bytes, read one answer."""
        where = httpx.URL(self.gateway.url)
        with socket.create_connection((where.host, where.port or 80), timeout=60) as connection:
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())

    def entry(self, answer: Answer) -> StoredEntry:
        """The one audit entry of an answer."""
        (found,) = self.entries(answer)
        return found

    def entries(self, answer: Answer) -> list[StoredEntry]:
        """Every audit entry of an answer, found by its request id."""
        request = answer.headers["x-request-id"]
        return [entry for entry in self.log() if entry.leaf.request == request]

    def log(self, last: int = 20) -> tuple[StoredEntry, ...]:
        """The last entries, oldest first."""
        log = self.gateway.service.log
        return log.entries(max(-1, log.size() - last - 1), last)

    def ready(self) -> tuple[int, list[str]]:
        """What readiness says: the status and the problems that are not about development."""
        answer = self.client.get("/readyz")
        return answer.status_code, [code for code in answer.json()["problems"] if code != "development_mode"]


@dataclass(frozen=True, slots=True)
class Holds:
    """A source that holds these element sets and no others, in this order whatever order is asked for (a fault of the
    sample); by identifiers it finds those that name them.
    """

    records: tuple[bytes, ...]

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a page."""
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        first, held = int(asked["firstResult"]), self.records
        if "idElset" in asked:
            names = [f'"idElset":"{name}"'.encode() for name in sorted(asked["idElset"].split(","))]
            held = tuple(raw for name in names for raw in held if name in raw)
        page = as_array(held[first : first + int(asked["maxResults"])])
        await Answers(200, page)(sound, scope, receive, send)


@dataclass(slots=True)
class Hands:
    """A clock whose hands a test moves."""

    at: datetime

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.at

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


def clock() -> Hands:
    """A clock that stands still now."""
    return Hands(datetime.now(UTC))


_tables = cache(build_tables)
"""The same number of records is the same records."""

UNPACKED = {"Accept-Encoding": "identity"}


@contextmanager
def loopback(
    root: Path,
    keys: Path,
    *,
    policies: Path = POLICIES,
    records: int = RECORDS,
    clock: Clock = now,
    activated: bool = True,
    **changed: object,
) -> Iterator[Loopback]:
    """A gateway with a fresh log under ``root`` and the keys in ``keys``, before a source of so many records a type."""
    stage = Stage(root, keys, policies)
    stage.prepare("http://127.0.0.1:1")
    app = build_app(_tables(records), stage.source_token.read_text().strip())
    with (
        serving(app) as served,
        running_gateway(stage, served.base_url, activated=activated, clock=clock, **changed) as gateway,
        httpx.Client(
            base_url=gateway.url, timeout=60, headers={"Accept-Encoding": "identity"}, verify=NO_TLS
        ) as client,
    ):
        yield Loopback(gateway, served.source, client)
        served.stop()  # meanwhile the gateway ends too
