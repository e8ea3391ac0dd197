"""Let answers leave in steps, so that the time they took tells little of what was withheld on the way.

An answer by identifier that is *not found* took longer when there was a record to fetch, judge and write down than when
there was none. A list or a count took longer for each record that was passed over. So these wait, once they are
recorded, until one step has gone by since the request came, or two, four, eight: the time tells how long the work was
within a factor of two, and nothing of work that took less than a step.

What this does not hide is in docs/decisions, "Side channels".
"""

from __future__ import annotations

import asyncio

from gateway.asking import Operation

SELF_EVIDENT = frozenset({Operation.IDENTIFIED, Operation.QUERYHELP})
"""Operations whose answers with content need no step: the content says itself that the record is there."""


class Steps:
    """The steps of one request, from now on. ``step`` is in seconds; 0 waits for nothing."""

    def __init__(self, step: float) -> None:
        self._step = step
        self._begun = asyncio.get_running_loop().time()

    async def before_content(self, operation: Operation) -> None:
        """Wait before the first chunk of an answer leaves."""
        if operation not in SELF_EVIDENT:
            await self._wait()

    async def before_refusal(self, code: str) -> None:
        """Wait before a refusal is said, where it may be about a record."""
        if code == "not_found":
            await self._wait()

    async def _wait(self) -> None:
        """Wait for the end of one step, or of two, four, eight: twice as many for as long as it takes."""
        if self._step:
            gone = asyncio.get_running_loop().time() - self._begun
            until = self._step
            while until < gone:
                until *= 2
            await asyncio.sleep(until - gone)
