"""Processes that append to one log and are killed: what was acknowledged is there, and no checkpoint is gone back on.

One round starts one to three processes, reads what they acknowledge until a moment that is chosen by chance, looks at
the log's checkpoint as somebody outside would, and kills all of them with ``kill -9``. Then it opens the log and checks
that it extends that checkpoint and the one after the round before, and that a start closes what was left open.

The processes are forked off one that has everything imported: a round costs appending and checking, not starting.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from multiprocessing.context import ForkServerProcess

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.canonical import digest
from gateway.audit.checkpoint import Checkpoint, open_note, parse_checkpoint
from gateway.audit.entry import Draft, Event
from gateway.audit.leaf import IdentifierKey, parse_leaf
from gateway.audit.log import AuditLog
from tests.audit import appender

KEY = bytes(range(32))
AT = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("a", "b", "c")
MOST_READ = 100
"""Most acknowledgements that are read of one process before it is killed."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round left: the log's size, how many entries were acknowledged so far, and what is wrong."""

    number: int
    size: int
    acknowledged: int
    faults: tuple[str, ...]


class Appender:
    """A process that appends for itself, and what it acknowledges."""

    def __init__(self, url: str, name: str, count: int = 0) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", appender.__name__])
        reading, writing = context.Pipe(duplex=False)
        self.process: ForkServerProcess = context.Process(target=appender.main, args=(url, KEY, name, count, writing))
        self.process.start()
        writing.close()  # the last end of the pipe is the process's: what it wrote ends where it does
        self.said: TextIOWrapper = os.fdopen(os.dup(reading.fileno()), "r")
        reading.close()

    def rest(self) -> list[str]:
        """Everything it still says, and the end of it."""
        with self.said:
            lines = self.said.readlines()
        self.process.join()
        return lines


def acknowledged(lines: Sequence[str]) -> dict[int, str]:
    """Index to leaf digest, from whole lines: the last may have been cut by the kill."""
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(index): leaf for index, leaf in whole}


def opened(url: str) -> AuditLog:
    """The log, as the process ``a`` would open it at its next start."""
    key = Ed25519PrivateKey.from_private_bytes(KEY)
    identifiers = IdentifierKey(1, bytes(32))
    return AuditLog.open(url, origin="gateway.example/log", key=key, identifier_key=identifiers, instance="a")


def parsed(log: AuditLog, note: str) -> Checkpoint:
    """A checkpoint, its signature checked."""
    return parse_checkpoint(open_note(note, [log.verifier]).text)


def lost(log: AuditLog, said: dict[int, str]) -> list[str]:
    """Which of the acknowledged entries the log does not have."""
    stored = {entry.index: digest(entry.leaf_bytes).hex() for entry in log.entries(limit=10_000_000)}
    return [f"acknowledged entry {index} is lost" for index, leaf in said.items() if stored.get(index) != leaf]


def rounds(url: str, count: int, seed: int = 7) -> Iterator[Round]:
    """Carry out so many rounds on one log, each told of when it is over; the last looks for every acknowledged entry
    and checks the log whole.
    """
    chance = random.Random(seed)
    said: dict[int, str] = {}
    held: Checkpoint | None = None
    for number in range(count):
        seen = _append_and_kill(url, NAMES[: 1 + number % len(NAMES)], chance, said)
        log = opened(url)
        report = log.verify(held=held, whole=held is None)
        faults = [f"{finding.where}: {finding.what}" for finding in report.findings]
        faults += [str(finding) for finding in log.verify(held=parsed(log, seen), whole=False).findings]
        held = parsed(log, report.checkpoint)
        faults += _close_what_was_left(log, report.size)
        if number == count - 1:
            faults += lost(log, said)
            faults += [str(finding) for finding in log.verify().findings]
        yield Round(number, log.size(), len(said), tuple(faults))
        log.close()


def _append_and_kill(url: str, names: Sequence[str], chance: random.Random, said: dict[int, str]) -> str:
    """One round's appending; the checkpoint that stood while the processes were still at it."""
    appenders = [Appender(url, name) for name in names]
    for each in appenders:
        lines = [each.said.readline()]  # it is up and appending
        lines += [each.said.readline() for _ in range(chance.randrange(MOST_READ))]
        said |= acknowledged(lines)
    outside = opened(url)
    seen = outside.checkpoint()
    outside.close()
    for each in appenders:
        each.process.kill()
    for each in appenders:
        said |= acknowledged(each.rest())
    return seen


def _close_what_was_left(log: AuditLog, size: int) -> list[str]:
    """Start as the killed gateway would: its open releases are closed with one entry each, right behind the rest."""
    closed = log.recover(AT)
    wrong = [f"entry {each.index} closes nothing" for each in closed if parse_leaf(each.leaf).event != "interrupted"]
    if [each.index for each in closed] != list(range(size, log.size())):
        wrong.append("a start wrote something else than what closes open releases")
    if log.recover(AT):
        wrong.append("a second start found releases still open")
    log.append_now([Draft(Event.STARTED, AT, "started")])
    return wrong
