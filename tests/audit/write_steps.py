"""Fail every single write step of the log, in both ways, and go on: what the store then holds must be the log.

A step is one statement that changes the store, or the commit of its transaction; which there are is taken from what the
log does, so that a new one is failed too. It fails *before* (nothing of it is done) or *after* (it is done, and an
error is reported all the same), as a disk or a connection would. Then the same process does the same again, and a fresh
one opens the store, appends and checks what came since. All that writes to the store is an *act*: making it, appending
(every kind of order with it), removing, closing what a start found open, keeping cosignatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect
from sqlalchemy.exc import OperationalError

from gateway.audit import tables
from gateway.audit.checkpoint import cosign, open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.entry import Recorded, Taking
from gateway.audit.errors import LogUnavailable
from gateway.audit.log import AuditLog
from gateway.audit.orders import (
    Activate,
    Announce,
    Approve,
    CloseEmergency,
    InstallOfficers,
    LiftStop,
    OpenEmergency,
    Order,
    Part,
    Refuse,
    Remove,
    Revoke,
    SetStop,
    StopKind,
    Withhold,
)
from gateway.audit.writer import Writer
from tests.audit.everything import DAY, JUDGED, WITNESSES, started
from tests.audit.long_log import IDENTIFIERS, LOG, ORIGIN
from tests.audit.tampering import AT, make_draft

COMMIT = "COMMIT"
How = Literal["before", "after"]
WAYS: tuple[How, How] = ("before", "after")
_CHANGES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")


@dataclass
class Plan:
    """Which step of the next write transaction fails, and how; -1: none does. ``names`` are those it reached."""

    at: int = -1
    how: How = "before"
    names: list[str] = field(default_factory=list)
    counting: bool = False

    def reach(self, name: str, how: How) -> None:
        """One more step, before it is done or after."""
        if not self.counting:
            return
        if how == "before":
            self.names.append(name)
        if len(self.names) - 1 == self.at and how == self.how:
            raise OperationalError(name, None, Exception(f"made to fail {how} it was done"))


class FailingDatabase(Database):
    """A store of which one step fails as planned."""

    def __init__(self, url: str, plan: Plan, *, create: bool = False) -> None:
        super().__init__(url, create=create)
        self._plan = plan

    def _connect(self) -> Engine:
        engine = super()._connect()
        event.listen(engine, "before_cursor_execute", lambda *given: self._reach(given[2], "before"))
        event.listen(engine, "after_cursor_execute", lambda *given: self._reach(given[2], "after"))
        return engine

    def _reach(self, statement: str, how: How) -> None:
        words = statement.split()
        if words[0] in _CHANGES:
            self._plan.reach(" ".join(words[:3]).replace('"', ""), how)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As the store's own, with its steps counted."""
        self._plan.names, self._plan.counting = [], True
        try:
            with super().writing() as connection:
                yield connection
                self._plan.reach(COMMIT, "before")
            self._plan.reach(COMMIT, "after")
        except OperationalError as error:  # only what failed after the commit comes out as such
            self.close()
            raise LogUnavailable("write", str(error)) from error
        finally:
            self._plan.counting = False


class Place:
    """A store that fails as planned, to be opened again and again, and what is in it."""

    def __init__(self, url: str) -> None:
        self.plan = Plan()
        self._writing = FailingDatabase(url, self.plan, create=True)
        self._reading = FailingDatabase(url, self.plan)
        self._looking = create_engine(url, poolclass=NullPool)

    def opened(self) -> AuditLog:
        """The log, as a process that knows nothing of it opens it."""
        writer = Writer(self._writing, ORIGIN, LOG, IDENTIFIERS, "gateway")
        writer.open()
        return AuditLog(writer, self._reading, ORIGIN, LOG, IDENTIFIERS)

    def counts(self) -> tuple[int, ...]:
        """How many rows each table has; nothing of a store without tables."""
        with self._looking.connect() as connection:
            if not inspect(connection).has_table("head"):
                return ()
            counted = ", ".join(f"(SELECT count(*) FROM {name})" for name in tables.metadata.tables)  # noqa: S608 - ours
            found: Sequence[int] = connection.exec_driver_sql(f"SELECT {counted}").one()
            return tuple(found)

    @contextmanager
    def failing(self, at: int, how: How) -> Iterator[list[str]]:
        """In the block a step fails; gives faults: that its failure was not reported, unless it was."""
        self.plan.at, self.plan.how = at, how
        faults = ["the failure was not reported"]
        try:
            yield faults
        except LogUnavailable:
            faults.clear()
        self.plan.at = -1


def begin(log: AuditLog, name: str) -> tuple[Recorded, ...]:
    """What acts are done to: an entry that may be removed, and two releases that are open."""
    spare = make_draft(f"{name}-spare", private=JUDGED)
    return log.append_now([spare, *(make_draft(f"{name}-{open_}", last=False) for open_ in ("left", "ends"))])


def append(log: AuditLog, name: str, _begun: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    """One append that makes every kind of write there is but a removal's."""
    takes = (Taking("daily", DAY, 1, None), Taking("daily", DAY + timedelta(days=1), 1, None))
    made = [
        make_draft(name, last=False, private=JUDGED, takes=takes),
        make_draft(name, chunk=1, last=False),
        make_draft(f"{name}-whole"),
    ]
    return log.append_now(made, orders(name))


def orders(name: str) -> tuple[Order, ...]:
    """Every kind of order but a removal and those before an activation; what ends something ends what an order before
    it began.
    """
    bodies = {what: f"{what} {name}".encode() for what in ("set", "approval", "list", "signatures")}
    digests = {what: hashlib.sha256(body).hexdigest() for what, body in bodies.items()}
    about = ("JPN", "elset", "p", "aa" * 32, "U", digests["set"], digests["list"])
    return (
        SetStop(StopKind.PARTNER, "GBR", "officer", "spill", AT),
        SetStop(StopKind.RECORD, name, "officer", "spill", AT),
        LiftStop(StopKind.RECORD, name, "officer", "", AT),
        Activate(digests["set"], "officer", AT, (bodies["set"], bodies["approval"]), digests["approval"]),
        InstallOfficers(digests["list"], "officer", AT, (bodies["list"], bodies["signatures"]), digests["signatures"]),
        Approve("item", *about, 2, AT + timedelta(days=9), "officer", "needed", AT),
        Withhold(name, "officer", "not needed", AT),
        Revoke("JPN", name, "officer", AT),
        OpenEmergency("JPN", "flood", "officer", "it is so", AT),
        OpenEmergency("JPN", name, "officer", "it is so", AT),
        CloseEmergency("JPN", name, "officer", "it is over", AT),
    )


def announce(log: AuditLog, name: str, _begun: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    """The orders that an activation ends, which no entry holds beside one."""
    return log.append_now([make_draft(f"{name}-announced")], before_activation(name))


def before_activation(name: str) -> tuple[Order, ...]:
    """An announced set, and one that was refused."""
    body = f"next {name}".encode()
    announced = Announce(hashlib.sha256(body).hexdigest(), "officer", AT, (body,))
    return (announced, Refuse("line 3", "officer", AT))


def remove(log: AuditLog, _name: str, begun: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    """Remove all that may be removed of an entry."""
    spare = begun[0].index
    return (log.remove(Remove(Part.LEAF, spare, spare, "officer", "retention", AT)),)


def interrupt(log: AuditLog, _name: str, _begun: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    """Close what is open, as a start does."""
    return log.recover(AT)


def keep_cosignatures(log: AuditLog, _name: str, _begun: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    """Keep what a witness signed for the head."""
    note = log.head_note()
    log.keep_cosignatures(log.size(), [cosign(note, WITNESSES[0], AT).removeprefix(note)])
    return ()


Act = Callable[[AuditLog, str, tuple[Recorded, ...]], tuple[Recorded, ...]]
ACTS: tuple[Act, ...] = (append, announce, remove, interrupt, keep_cosignatures)
ORDERS = frozenset({Remove, *map(type, (*orders("kinds"), *before_activation("kinds")))})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one failed step led to: which it was, whether anything of its act persisted, and what is wrong."""

    act: str
    step: str
    how: How
    persisted: bool
    faults: tuple[str, ...]


def fail_making(urls: Iterator[str], every: int = 1) -> Iterator[Outcome]:
    """Fail each step of making a store in each way, each at a place of its own; with ``every``, only each so-manieth
    case, and the commit.
    """
    counted = Place(next(urls))
    counted.opened().close()
    for at, step, how in _cases(counted.plan.names, every):
        place = Place(next(urls))
        with place.failing(at, how) as faults:
            place.opened()
        persisted = place.counts() != ()
        log = place.opened()
        log.append_now([make_draft("first")])
        faults += [str(finding) for finding in log.verify().findings]
        log.close()
        yield Outcome("make", step, how, persisted, tuple(faults))


def steps(url: str) -> set[str]:
    """The steps of all acts: what there is to fail."""
    place, found = Place(url), set[str]()
    log = place.opened()
    for act in ACTS:
        act(log, act.__name__, begin(log, act.__name__))
        found.update(place.plan.names)
    log.close()
    return found


def fail_acts(url: str, every: int = 1) -> Iterator[Outcome]:
    """Fail each step of each act on one log; each case goes on in a process that opened what the one before left."""
    place = Place(url)
    log = place.opened()
    started(log)
    for act in ACTS:
        name = act.__name__
        act(log, f"{name}-counted", begin(log, f"{name}-counted"))
        for at, step, how in _cases(place.plan.names, every):
            persisted, faults, log = Case(place, act, f"{name}-{at}-{how}").run(log, at, how)
            yield Outcome(name, step, how, persisted, tuple(faults))
    faults = [str(finding) for finding in log.verify().findings]
    log.close()
    yield Outcome("all", "", "after", persisted=False, faults=tuple(faults))


def _cases(names: Sequence[str], every: int) -> list[tuple[int, str, How]]:
    cases = [(at, step, how) for at, step in enumerate(names) for how in WAYS]
    return [case for number, case in enumerate(cases) if case[1] == COMMIT or number % every == 0]


@dataclass(frozen=True, slots=True)
class Case:
    """One step of an act, to be failed in one way."""

    place: Place
    act: Act
    name: str

    def run(self, log: AuditLog, at: int, how: How) -> tuple[bool, list[str], AuditLog]:
        """Fail it; go on with the same log, then with one that is opened afresh.

        Whether anything of the act persisted, what is wrong, and the log that was opened afresh.
        """
        held = parse_checkpoint(open_note(log.head_note(), [log.verifier]).text)
        begun = begin(log, self.name)
        before = self.place.counts()
        with self.place.failing(at, how) as faults:
            self.act(log, f"{self.name}-failed", begun)
        persisted = self.place.counts() != before
        kept = [*begun[1:], *self.act(log, f"{self.name}-same", begun)]
        kept += log.append_now([make_draft(f"{self.name}-same-process")])
        log.close()
        fresh = self.place.opened()
        kept += fresh.append_now([make_draft(f"{self.name}-fresh-process")])
        there = {entry.index: entry.leaf_bytes for entry in fresh.entries(held.size - 1, 1000)}
        faults += [f"acknowledged entry {one.index} is lost" for one in kept if there.get(one.index) != one.leaf]
        faults += [str(finding) for finding in fresh.verify(held=held, whole=False).findings]
        return persisted, faults, fresh
