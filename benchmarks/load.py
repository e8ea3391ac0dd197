"""A client that costs little: so many connections, each with one request under way, answers counted and some kept.

Requests are made beforehand and written as they are; of an answer only its status and length are read.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

CONNECTIONS = 32
KEEP_EVERY = 97
"""Every so many answers one is kept to be looked at."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it is written, and its number."""

    number: int
    request: bytes


@dataclass(slots=True)
class Outcome:
    """What a round of load came to: answers, seconds, the server's processor time, some answers by number.

    ``waits`` are the seconds of each answer with what followed from it, ``firsts`` those of it alone, where something
    did.
    """

    answers: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    failed: list[bytes] = field(default_factory=list)
    kept: list[tuple[int, bytes]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of the server's processor time an answer."""
        return self.processor / self.answers * 1e6


Then = Callable[[Asked, bytes], bytes | None]
"""The request that follows from an answer, before it counts; ``None`` where nothing more is to be asked."""


class _Connection(asyncio.Protocol):
    def __init__(self, ask: Callable[[], Asked | None], outcome: Outcome, then: Then | None, keep_every: int) -> None:
        self._ask, self._outcome, self._then, self._keep_every = ask, outcome, then, keep_every
        self._asked: Asked | None = None
        self._received: list[bytes] = []
        self._missing = 0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        asked = self._ask()
        if asked is None:
            self._transport.close()
            return
        self._number, self._begun, self._asked = asked.number, time.perf_counter(), asked
        self._transport.write(asked.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        if not self._missing:
            head = b"".join(self._received)
            end = head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._received = [head]
            low = head[:end].lower()
            at = low.find(b"content-length: ") + 16
            self._missing = end + 4 + int(low[at:].split(b"\r\n", 1)[0]) - len(head)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._answered(b"".join(self._received))

    def _answered(self, answer: bytes) -> None:
        outcome = self._outcome
        if self._then is not None and self._asked is not None and answer.startswith(b"HTTP/1.1 200"):
            follow, self._asked = self._then(self._asked, answer), None
            if follow is not None:
                outcome.firsts.append(time.perf_counter() - self._begun)
                self._received = []
                self._transport.write(follow)  # type: ignore[attr-defined]
                return
        outcome.answers += 1
        outcome.waits.append(time.perf_counter() - self._begun)
        if not answer.startswith(b"HTTP/1.1 200"):
            outcome.failed.append(answer[:400])
        elif outcome.answers % self._keep_every == 1 % self._keep_every:  # the first of all is kept too
            outcome.kept.append((self._number, answer))
        self._received = []
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def drive(
    port: int,
    requests: Sequence[bytes],
    seconds: float,
    process: int,
    first: int = 0,
    then: Then | None = None,
    *,
    clients: int = CONNECTIONS,
    keep_every: int = KEEP_EVERY,
) -> Outcome:
    """Ask for so many seconds, beginning with request number ``first``; ``process`` is the server's id. With ``then``,
    an answer counts once what follows from it is answered too.
    """
    numbers = itertools.count(first)

    async def load() -> Outcome:
        outcome = Outcome()
        processor, begun = processor_time(process), time.perf_counter()

        def ask() -> Asked | None:
            if time.perf_counter() - begun > seconds:
                return None
            number = next(numbers) % len(requests)
            return Asked(number, requests[number])

        loop = asyncio.get_running_loop()
        connections = [
            (await loop.create_connection(lambda: _Connection(ask, outcome, then, keep_every), "127.0.0.1", port))[1]
            for _ in range(clients)
        ]
        await asyncio.gather(*(connection.ended for connection in connections))
        outcome.seconds = time.perf_counter() - begun
        outcome.processor = processor_time(process) - processor
        return outcome

    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(load())


def processor_time(process: int) -> float:
    """Seconds of processor time that a process has used, its threads included."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
