"""Fail every single write step of an append, in both ways, and go on: what the store then holds must be the log.

A step is one statement of the write transaction, or its commit. It fails *before* (nothing of it is done) or *after*
(it is done, and an error is reported all the same), as a disk or a connection would. Then the same process appends
again, and a fresh process opens the store, appends and checks all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.audit.checkpoint import SigningKey, open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.entry import Recorded
from gateway.audit.errors import LogUnavailable
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.orders import Order, Revoke, SetStop, StopKind
from gateway.audit.writer import Writer
from tests.audit.tampering import AT, make_draft

ORIGIN = "gateway.example/log"
IDENTIFIERS = IdentifierKey(1, bytes(32))
COMMIT = "COMMIT"
How = Literal["before", "after"]


class Step:
    """A connection that counts its statements, names them, and fails the one it is told to."""

    def __init__(self, connection: Connection, fail_at: int, how: How) -> None:
        self._connection = connection
        self._fail_at = fail_at
        self._how = how
        self.names: list[str] = []

    def execute(self, statement: object, *rest: object) -> object:
        """Execute, or fail before or after."""
        self.reach(" ".join(str(statement).split()[:3]), "before")
        result = self._connection.execute(statement, *rest)  # type: ignore[call-overload]
        self.reach("", "after")
        return result

    def exec_driver_sql(self, statement: str, *rest: object) -> object:
        """The same for a statement that is given to the driver as it is."""
        self.reach(" ".join(statement.split()[:3]), "before")
        result = self._connection.exec_driver_sql(statement, *rest)  # type: ignore[arg-type]
        self.reach("", "after")
        return result

    def reach(self, name: str, how: How) -> None:
        """One more step, before or after it is done."""
        if name:
            self.names.append(name)
        if len(self.names) - 1 == self._fail_at and how == self._how:
            raise OperationalError(self.names[-1], None, Exception(f"made to fail {how} it was done"))

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


class FailingDatabase(Database):
    """A store in which one step of the next write transactions fails; -1: none does."""

    fail_at = -1
    how: How = "before"
    names: Sequence[str] = ()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As the store's own, with its steps counted."""
        fail_at, how = self.fail_at, self.how
        try:
            with super().writing() as connection:
                step = Step(connection, fail_at, how)
                yield step  # type: ignore[misc]  # it stands in for the connection
                step.reach(COMMIT, "before")
            step.reach("", "after")
        except OperationalError as error:
            self.close()
            raise LogUnavailable("write", str(error)) from error
        finally:
            self.names = step.names


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one failed step led to: which it was, whether its entries persisted, and what checking found."""

    step: str
    how: How
    persisted: bool
    findings: tuple[str, ...]


def open_failing(url: str, key: Ed25519PrivateKey) -> tuple[AuditLog, FailingDatabase]:
    """A log whose writer's store can be made to fail."""
    store = FailingDatabase(url, create=True)
    signing = SigningKey(ORIGIN, key)
    writer = Writer(store, ORIGIN, signing, IDENTIFIERS, "gateway")
    writer.open()
    return AuditLog(writer, Database(url), ORIGIN, signing, IDENTIFIERS), store


def append(log: AuditLog, name: str) -> tuple[Recorded, ...]:
    """One append that makes every kind of write there is: entries, rows, nodes, orders, an open release."""
    orders: tuple[Order, ...] = (
        SetStop(StopKind.PARTNER, name, "officer", "spill", AT),
        Revoke("JPN", name, "officer", AT),
    )
    made = [make_draft(name, last=False), make_draft(name, chunk=1, last=False), make_draft(f"{name}-other")]
    return log.append_now(made, orders)


def steps(url: str, key: Ed25519PrivateKey) -> list[str]:
    """The names of the write steps of one append."""
    log, store = open_failing(url, key)
    append(log, "first")
    append(log, "counted")
    log.close()
    return list(store.names)


def fail(url: str, key: Ed25519PrivateKey, at: int, how: How) -> Outcome:
    """Fail step ``at`` of an append to the log at ``url``; go on in this process and in a fresh one; check."""
    log, store = open_failing(url, key)
    acknowledged = list(append(log, f"acknowledged-{at}-{how}"))
    held = parse_checkpoint(open_note(log.head_note(), [log.verifier]).text)
    store.fail_at, store.how = at, how
    failed = False
    try:
        append(log, f"failed-{at}-{how}")
    except LogUnavailable:
        failed = True
    name = store.names[at]
    store.fail_at = -1
    acknowledged += append(log, f"same-process-{at}-{how}")
    log.close()
    fresh, _ = open_failing(url, key)
    acknowledged += append(fresh, f"fresh-process-{at}-{how}")
    report = fresh.verify(held=held, whole=False)
    there = {entry.index: entry.leaf_bytes for entry in fresh.entries(held.size - 4, 100)}
    findings = [f"{finding.where}: {finding.what}" for finding in report.findings]
    findings += [f"acknowledged entry {one.index} is lost" for one in acknowledged if there.get(one.index) != one.leaf]
    if not failed:
        findings.append("the failure was not reported")
    persisted = bool(fresh.find(f"failed-{at}-{how}"))
    fresh.close()
    return Outcome(name, how, persisted, tuple(findings))
