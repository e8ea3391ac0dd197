"""Waiting until enough witnesses have cosigned the log, before an answer leaves.

Rules. Whoever waits for an entry is served by the first round (:mod:`gateway.audit.rounds`) that began after it was
recorded: so one round serves every answer that waits for the same, like one commit does. The next such round begins
when nobody waits in the one before. Other demands have rounds of their own: a witness that only one partner demands
must not hold up another's answers. Where a round that covers the entry brings too little, whoever waits is refused and
nothing leaves.

A witness that has seen what the log does not hold (more entries, or another history) says that the log was rolled back
or has forked. It is its word alone, so it stops nothing that others may witness; but it is logged as an error, and
:attr:`Witnessing.contradicted` says it until that witness cosigns again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from gateway.audit.checkpoint import VerifierKey
from gateway.audit.demands import Demand, Demands
from gateway.audit.errors import AuditError
from gateway.audit.log import AuditLog
from gateway.audit.rounds import NotWitnessed, Overtaken, Round
from gateway.audit.submitting import Clock, Send, Submitter, Witness, WitnessFailed

__all__ = ["NotWitnessed", "Witness", "WitnessFailed", "WitnessesRefused", "Witnessing", "cover"]

UNASKED_EVERY_SECONDS = 1.0
"""How long rounds that nobody waits for are apart at least."""
OVERTAKEN_TRIES = 5
"""How many rounds somebody joins that another gateway on this log overtakes each time."""
REMEMBERED = 8
"""How many of the last rounds are remembered: what they got serves those that come late."""

_Lane = deque[Round]
"""The last rounds for one set of demands."""


class WitnessesRefused(AuditError):
    """Witnesses that would not be what they seem: one that counts twice, or that is the log itself."""


class Witnessing:
    """The witnesses of one log, for one event loop. ``quorum`` of them are demanded of every answer.

    Raises :class:`WitnessesRefused` where a key or a name stands for two witnesses, or is the log's own.
    """

    def __init__(self, log: AuditLog, witnesses: Sequence[Witness], quorum: int, send: Send, clock: Clock) -> None:
        _check(witnesses, log.verifiers)
        self._log = log
        self._submitters = tuple(Submitter(log, each, send, clock) for each in witnesses)
        everybody = frozenset(each.mark for each in witnesses)
        self._always: Demands = frozenset({Demand(quorum, everybody)} if quorum else ())
        self._lanes: dict[Demands, _Lane] = {}
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unasked: asyncio.Task[None] | None = None
        self.contradicted: dict[str, str] = {}
        """What witnesses say against this log, by the witness's name."""

    async def cover(self, size: int, demands: Demands = frozenset()) -> None:
        """Return once a checkpoint of at least ``size`` entries carries all that is demanded, here and always.

        Where nothing is, it returns at once, and the witnesses are asked in the background. Raises
        :class:`NotWitnessed` when a round that covers ``size`` brought too little.
        """
        needed = demands | self._always
        if not needed:
            self.ask_in_background()
            return None
        overtaken, lane = 0, self._lane(needed)
        while not any(each.satisfies(size, needed) for each in lane):
            before = lane[-1] if lane else None
            current = self._current(lane)
            with current.joined():
                covers = await asyncio.shield(current.opened) >= size
                if covers and (current is not before or current.may_meet(needed)):
                    try:
                        return await current.serve(needed)
                    except Overtaken:
                        overtaken += 1
                        if overtaken == OVERTAKEN_TRIES:
                            raise
            await current.until_idle()
            current.superseded = True
        return None

    def ask_in_background(self) -> None:
        """Let the witnesses see the newest checkpoint soon, though nobody waits for it."""
        if self._submitters and (self._unasked is None or self._unasked.done()):
            self._unasked = asyncio.create_task(self._ask_and_rest())

    async def close(self) -> None:
        """End what goes on in the background."""
        tasks = [*self._tasks, *(() if self._unasked is None else (self._unasked,))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_and_rest(self) -> None:
        self._current(self._lane(frozenset()))
        await asyncio.sleep(UNASKED_EVERY_SECONDS)

    def _lane(self, needed: Demands) -> _Lane:
        """The rounds of those who need just this; those in which nothing goes on are forgotten when a new one comes."""
        if needed not in self._lanes:
            self._lanes = {key: lane for key, lane in self._lanes.items() if not all(each.over for each in lane)}
            self._lanes[needed] = deque(maxlen=REMEMBERED)
        return self._lanes[needed]

    def _current(self, lane: _Lane) -> Round:
        """The round to join: the newest one, or a new one where that is over or has been superseded."""
        newest = lane[-1] if lane else None
        if newest is not None and not newest.over and not newest.superseded:
            return newest
        begun = Round(self._log, self._submitters, self.contradicted, self._opening)
        lane.append(begun)
        task = asyncio.create_task(begun.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return begun


async def cover(witnessing: Witnessing | None, size: int, demands: Demands) -> None:
    """As :meth:`Witnessing.cover`; where no witness is configured, nothing that demands one is covered."""
    if witnessing is not None:
        await witnessing.cover(size, demands)
    elif demands:
        raise NotWitnessed(max(each.quorum for each in demands), 0, "no witness is configured")


def _check(witnesses: Sequence[Witness], own: Sequence[VerifierKey]) -> None:
    """Refuse what would count twice, and the log's own keys."""
    taken: dict[str | bytes, str] = {}
    for each in witnesses:
        if each.key.public in {key.public for key in own} or each.key.name in {key.name for key in own}:
            raise WitnessesRefused(f"the witness {each.name} has the name or key of the log itself, and proves nothing")
        for said in (each.key.name, each.key.public):
            if taken.setdefault(said, each.name) != each.name:
                message = f"{taken[said]} and {each.name} are one witness under two names, and it would count twice"
                raise WitnessesRefused(message)
