"""What came to the socket and was no request: counted, and written into the audit log at a bounded rate.

Bytes that are no HTTP, heads that are never finished and answers that are never taken name no partner and ask for
nothing, and anybody can send as many as he likes. So they get no entry each (that would hand everybody a way to fill
the log): what came is counted by kind and by address, and one entry tells the counts, at most one a minute. Of
addresses, too, anybody can have as many as he likes: the first few are told by themselves, all further ones together.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import structlog

from gateway.audit.entry import Draft, Event, Json
from gateway.audit.errors import AuditError
from gateway.audit.log import AuditLog
from gateway.http.protocol import Fault

EVERY_SECONDS = 60.0
"""Least time between two entries."""

ADDRESSES = 32
"""Most addresses that one entry tells apart."""

OTHERS = "(other)"
"""What stands for all further addresses, and for connections without one."""

logger = structlog.get_logger("gateway.http.strangers")


class Strangers:
    """Counts faults, and writes them down once a minute while there are any."""

    def __init__(self, log: AuditLog, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._clock = clock
        self._counted: Counter[Fault] = Counter()
        self._addresses: Counter[str] = Counter()
        self._since: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def note(self, fault: Fault, address: str) -> None:
        """Count one, and where it came from (``""`` for nowhere); called on the event loop."""
        self._counted[fault] += 1
        self._count(address, 1)
        if self._since is None:
            self._since = self._clock()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_later())

    def _count(self, address: str, number: int) -> None:
        told = address and (address in self._addresses or len(self._addresses) < ADDRESSES)
        self._addresses[address if told else OTHERS] += number

    async def close(self) -> None:
        """Write down what was counted since the last entry; for an orderly shutdown."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._write()

    async def _write_later(self) -> None:
        while self._counted:
            await asyncio.sleep(EVERY_SECONDS)
            await self._write()

    async def _write(self) -> None:
        """One entry for all that was counted; what cannot be written is kept for the next."""
        if not self._counted or self._since is None:
            return
        counted, addresses, since = self._counted, self._addresses, self._since
        self._counted, self._addresses, self._since = Counter(), Counter(), None
        told: dict[str, Json] = {fault.value: count for fault, count in sorted(counted.items())}
        private: dict[str, Json] = {"since": since.isoformat(), "counted": told, "addresses": dict(addresses)}
        try:
            await self._log.append(Draft(Event.NO_REQUEST, self._clock(), "refused", private=private))
        except AuditError:
            self._counted.update(counted)
            for address, number in addresses.items():
                self._count("" if address == OTHERS else address, number)
            self._since = since
            logger.warning("strangers-unrecorded")
        else:
            logger.warning("strangers", problems=counted.total())
