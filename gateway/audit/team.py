"""Reading the log by several processes that all see it as of one moment.

Rules.

1. Every process reads in a transaction of its own, and all transactions see the same moment. PostgreSQL hands its
   moment on. SQLite has no such thing: the transactions are begun together, and count only if nobody has committed
   between the first and the last of them; else all begin again.
2. Where that cannot be had, one process reads alone, which gives the same answers.
3. What is asked of the processes is answered in the order in which it was asked, so that nothing depends on how many
   there are. No more is asked ahead than they need to keep busy: memory does not grow with the log.
4. A process that ends before it has answered is an error, and never an answer.

The moment lasts as long as the reading: SQLite keeps beside its file, and PostgreSQL in its tables, what others write
over meanwhile.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn, Protocol, TypeVar, cast

from sqlalchemy import Connection

from gateway.audit.database import Database
from gateway.audit.errors import LogAltered, LogUnavailable

Other = TypeVar("Other")
Asked = tuple[Callable[..., Other], tuple[Any, ...]]
"""A function of a module, which gets the connection of whoever carries it out, and the rest of its arguments."""

AHEAD = 2
"""How many questions each process has before it: one that it works on, and the next."""
KEPT = 64
"""How many answers of each process are kept while one before them is still waited for."""
TRIES = 50
"""How often processes begin together, until nobody has committed meanwhile."""
ENDS_IN = 5
"""Seconds that a process has to end by itself."""


class Readers(Protocol):
    """Whoever reads the log at the moment that is being checked."""

    def each(self, asked: Iterable[Asked[Other]]) -> Iterator[Other]:
        """Carry out what is asked, and give the answers in that order."""
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """Only this process, by its own transaction."""

    connection: Connection

    def each(self, asked: Iterable[Asked[Other]]) -> Iterator[Other]:
        """Carry out one after the other."""
        for work, arguments in asked:
            yield work(self.connection, *arguments)


def useful_processes(wanted: int, work: int, each: int) -> int:
    """How many processes read: as many as are wanted (0: as there are cores), each with at least so much to do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted or max(1, min(cores, work // each))


@contextmanager
def reading(database: Database, processes: int) -> Iterator[tuple[Connection, Readers]]:
    """A read transaction of this process, and whoever reads at its moment: so many processes beside it, or, with fewer
    than two, this one. Raises :class:`LogUnavailable`, also where a process ends before its work.
    """
    with _team(database, processes if processes > 1 else 0) as team:
        for _ in range(TRIES if team.members else 0):
            before = database.commits_of_others()
            with database.reading() as connection:
                team.begin(database.moment(connection) or _see(connection))
                if database.commits_of_others() == before:
                    yield connection, team
                    return
    with database.reading() as connection:
        _see(connection)
        yield connection, Alone(connection)


def _see(connection: Connection) -> str:
    """Let a transaction see its moment now; no name for it."""
    connection.exec_driver_sql(_ANY[connection.dialect.name]).scalar_one()
    return ""


_ANY = {"sqlite": "SELECT count(*) FROM sqlite_master", "postgresql": "SELECT count(*) FROM pg_class"}


@dataclass(slots=True)
class _Member:
    """A process, the pipe to it, and the numbers of what it was asked, in order."""

    process: BaseProcess
    pipe: Pipe
    asked: deque[int] = field(default_factory=deque)

    def ask(self, what: object) -> None:
        try:
            self.pipe.send(what)
        except OSError:
            self.ended()

    def answer(self) -> object:
        """What it says next. Raises :class:`LogUnavailable` for what it could not do, and if it has ended."""
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self.ended()
        if isinstance(said, _Failed):
            raise said.kind(said.first, said.message, hint=said.hint)
        return said

    def ended(self) -> NoReturn:
        self.process.join(ENDS_IN)
        how = f"a process that read a part of the log ended before it was done (exit code {self.process.exitcode})"
        raise LogUnavailable("read", how, hint="Nothing is known of the log now. Try again, with --processes 1.")


@dataclass(frozen=True, slots=True)
class _Failed:
    """What became of a process's transaction: the parts of a :class:`LogUnavailable`, or of its kind that says where
    the store was altered.
    """

    kind: type[LogUnavailable]
    first: str
    message: str
    hint: str


class _Team:
    """Several processes, each with its transaction."""

    def __init__(self, members: Sequence[_Member]) -> None:
        self.members = members

    def begin(self, moment: str) -> None:
        """Let every process see a moment, named, or now; what they saw before they let go."""
        for member in self.members:
            member.ask(moment)
        for member in self.members:
            member.answer()

    def each(self, asked: Iterable[Asked[Other]]) -> Iterator[Other]:
        """Hand out what is asked to whoever has the least to do."""
        waiting = enumerate(asked)
        answers: dict[int, Other] = {}
        given, more = 0, True
        while True:
            while given in answers:
                yield answers.pop(given)
                given += 1
            while more and (idle := self._idle(len(answers))) is not None:
                question = next(waiting, None)
                if question is None:
                    more = False
                else:
                    idle.asked.append(question[0])
                    idle.ask(question[1])
            busy = {member.pipe: member for member in self.members if member.asked}
            if not busy:
                return  # all that was asked is given, so that nobody was too far ahead to be asked more
            for pipe in wait(list(busy)):
                member = busy[pipe]  # type: ignore[index]  # each is one of the pipes given
                answers[member.asked[0]] = cast("Other", member.answer())
                member.asked.popleft()

    def _idle(self, answered: int) -> _Member | None:
        """Whom to ask next, if anybody."""
        least = min(self.members, key=lambda member: len(member.asked))
        return None if len(least.asked) >= AHEAD or answered >= KEPT * len(self.members) else least


@contextmanager
def _team(database: Database, count: int) -> Iterator[_Team]:
    """So many processes, for as long as a block lasts."""
    members: list[_Member] = []
    try:
        # Nothing to start a process with (no memory, no place for the socket that they are started by): fewer read.
        with suppress(OSError):
            for _ in range(count):
                members.append(_start(database))
        yield _Team(members)
    finally:
        for member in members:
            member.pipe.close()
            member.process.terminate()
        for member in members:
            member.process.join(ENDS_IN)
            member.process.kill()


def _start(database: Database) -> _Member:
    context = get_context("forkserver")  # a fork of this process would take over its connections and threads
    context.set_forkserver_preload([__name__, "gateway.audit.verification"])
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, database), daemon=True)
    try:
        process.start()
    finally:
        theirs.close()  # else its end would not show as the end of the pipe
    return _Member(process, ours)


def _serve(pipe: Pipe, database: Database) -> None:
    """What a process does: see the moment that it is given, answer what it is asked, until there is another moment, or
    nobody who asks.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells all at once, and whoever asks ends the others
    try:
        said = pipe.recv()
        while True:
            with database.reading(said) as connection:
                _see(connection)
                pipe.send("")
                while not isinstance(said := pipe.recv(), str):
                    work, arguments = said
                    pipe.send(work(connection, *arguments))
    except LogAltered as error:
        with suppress(OSError):
            pipe.send(_Failed(LogAltered, error.where, error.what, error.hint))
    except LogUnavailable as error:
        with suppress(OSError):
            pipe.send(_Failed(LogUnavailable, error.failed, error.message, error.hint))
    except (EOFError, OSError):
        return
