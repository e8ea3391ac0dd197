"""Let answers leave in even steps, so that the time they took tells less of what was withheld on the way.

An answer by identifier that is *not found* took longer when there was a record to fetch, judge and write down than when
there was none. A list or a count took longer for each record that was passed over. So these wait, once they are
recorded, until a whole number of steps has gone by since the request came. Whatever took less than a step then takes
one step.

What this does not hide is in docs/decisions, "Side channels": time beyond a step, and a mean over very many requests
where the time itself scatters by more than a step.
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
        if self._step:
            gone = asyncio.get_running_loop().time() - self._begun
            await asyncio.sleep(self._step - gone % self._step)
