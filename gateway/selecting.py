"""Steps 2 to 5 for a whole answer: fetch, label, decide and transform, until a chunk's worth of records may go.

What is selected is given out in batches, one a chunk. A batch ends when its released bytes reach the limit, or with
the answer. What was withheld on the way comes along for the entry, and for nothing else.

A batch is given out only if what it was judged by is still in force when it is whole, however long the source took:
otherwise the caller is admitted again, or refused, and the batch is selected once more from where it began. So a stop
or an activation holds for requests that are under way.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from gateway.admission import Admitted
from gateway.asking import Ask, Operation, identifier_exists
from gateway.audit.log import AuditLog
from gateway.batch import Batch, Readmit, same_force
from gateway.bulk import Bulk
from gateway.content.records import RecordView
from gateway.picking import pick_strictly
from gateway.refusals import Refused
from gateway.transforming import Picked
from gateway.upstream.client import Upstream
from gateway.upstream.errors import MALFORMED, UpstreamError
from gateway.upstream.paging import PagingMemory, Place
from gateway.walking import PAGE_LIMIT, Collection, PlaceLost, QueryNotUnderstood, Seen, one, walk


@dataclass(frozen=True, slots=True)
class Start:
    """Where a batch begins: for whom, at which place, as which of the answer's chunks, after how many records.

    ``uniform``: whatever was counted up to the place was judged by what the caller is now admitted under.
    """

    admitted: Admitted
    place: Place
    number: int = 0
    before: int = 0
    uniform: bool = True

    def follow(self, now: Admitted, place: Place, released: int) -> Start:
        """Where the next batch begins, after one that released so many records."""
        uniform = self.uniform and same_force(now, self.admitted)
        return Start(now, place, self.number + 1, self.before + released, uniform)


class Overtaken(Exception):
    """What a batch was judged by is no longer in force; it is to be selected again from ``start``."""

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.start = start


class Selector:
    """Selects records for answers. Holds the sources, the paging memory and the log that keys identifiers."""

    def __init__(
        self, upstream: Upstream, log: AuditLog, memory: PagingMemory, bulk: Bulk, chunk_bytes: int, max_page: int
    ) -> None:
        self._upstream = upstream
        self._log = log
        self._memory = memory
        self._bulk = bulk
        self._chunk_bytes = chunk_bytes
        self._max_page = max_page

    async def select(self, ask: Ask, admitted: Admitted, readmit: Readmit) -> AsyncGenerator[Batch]:
        """Give out an answer's batches, the last one marked so; there is always at least one.

        Raises:
            UpstreamError: the source failed.
            Refused: ``not_found``, ``query_refused``, or access was lost between two chunks.
        """
        if ask.operation is Operation.QUERYHELP:
            yield Batch(admitted, last=True)
        elif ask.operation is Operation.IDENTIFIED:
            yield await self._settled(self._one, ask, admitted, readmit)
        elif ask.operation is Operation.BULK:
            async with aclosing(self._bulk.select(ask, admitted, readmit)) as batches:
                async for batch in batches:
                    yield batch
        elif ask.operation is Operation.COUNT:
            yield await self._settled(self._count, ask, admitted, readmit)
        else:
            async with aclosing(self._list(ask, admitted, readmit)) as batches:
                async for batch in batches:
                    yield batch

    @staticmethod
    async def _settled(
        select: Callable[[Ask, Admitted], Awaitable[Batch]], ask: Ask, admitted: Admitted, readmit: Readmit
    ) -> Batch:
        """Select until what the batch was judged by is still in force when it is whole."""
        while True:
            batch = await select(ask, admitted)
            admitted = await readmit()
            if same_force(admitted, batch.admitted):
                return batch

    def _judge(self, admitted: Admitted, view: RecordView, *, twin: bool) -> Picked:
        standing = admitted.case.standing
        record = self._log.keyed(view.identifier) if standing.stops_records and view.identifier else None
        stops = standing.stopping(admitted.partner.code, admitted.dataset.dataset, record)
        return pick_strictly(admitted, view, stops, self._log, twin=twin)

    async def _one(self, ask: Ask, admitted: Admitted) -> Batch:
        identifier = ask.identifier
        batch = Batch(admitted, last=True)
        if identifier is None or not identifier_exists(identifier, admitted.rules):
            return batch
        view = await one(self._upstream, _collection(ask, admitted), identifier)
        if view is not None:
            picked = self._judge(admitted, view, twin=False)
            (batch.going.append if picked.permitted else batch.withhold)(picked)
        return batch

    async def _count(self, ask: Ask, admitted: Admitted) -> Batch:
        batch = Batch(admitted, last=True)
        async with self._walk(ask, admitted, Place(), PAGE_LIMIT) as walking:
            async for seen in walking:
                picked = self._judge(admitted, seen.view, twin=seen.twin)
                if picked.permitted:
                    batch.counted += 1
                    if picked.beside is not None:
                        batch.withhold(picked.beside)
                else:
                    batch.withhold(picked)
        return batch

    async def _list(self, ask: Ask, admitted: Admitted, readmit: Readmit) -> AsyncGenerator[Batch]:
        start = Start(admitted, self._recall(admitted))
        while True:
            try:
                async with aclosing(self._list_from(start, ask, readmit)) as batches:
                    async for batch in batches:
                        yield batch
            except PlaceLost as lost:
                if start.number:
                    why = "records before the ones already given out have changed"
                    raise UpstreamError(MALFORMED, admitted.dataset.source, why) from lost
                start = Start(start.admitted, Place())
            except Overtaken as overtaken:
                start = overtaken.start
            else:
                return

    def _recall(self, admitted: Admitted) -> Place:
        return self._memory.recall(_walk_key(admitted), admitted.plan.first, admitted.case.at)

    async def _list_from(self, start: Start, ask: Ask, readmit: Readmit) -> AsyncGenerator[Batch]:
        plan, place = start.admitted.plan, start.place
        wanted = plan.first + min(plan.most, self._max_page)
        batch, size = Batch(start.admitted, start.number, start.before), 0
        until = _earlier(place.until, _midnight_after(start.admitted.case.at))  # owners are looked up by day
        async with self._walk(ask, start.admitted, place, max(1, wanted - place.released)) as walking:
            async for seen in walking:
                if place.released >= wanted:
                    break
                picked = self._judge(batch.admitted, seen.view, twin=seen.twin)
                until = _earlier(until, _holds_until(picked))
                if not picked.permitted:
                    if place.released >= plan.first:
                        batch.withhold(picked)
                    continue
                place = Place(place.released + 1, seen.after, seen.view.identifier, until)
                if place.released > plan.first:
                    batch.going.append(picked)
                    size += len(picked.cut.raw)
                if place.released >= wanted:
                    break
                if size >= self._chunk_bytes:
                    await self._check_force(start, readmit)
                    yield batch
                    before, start = start, start.follow(await readmit(), place, len(batch.going))
                    if start.admitted.case.policy is not before.admitted.case.policy:
                        raise Overtaken(start)  # what is to be read of a record is said by policy too
                    batch, size = Batch(start.admitted, start.number, start.before), 0
        await self._check_force(start, readmit)
        if start.uniform:
            self._memory.remember(_walk_key(start.admitted), place, start.admitted.case.at)
        batch.last = True
        yield batch

    async def _check_force(self, start: Start, readmit: Readmit) -> None:
        """Raise :class:`Overtaken` unless what the batch was judged by is in force, now that it is whole."""
        now = await readmit()
        if not same_force(now, start.admitted):
            if start.number == 0:
                raise Overtaken(Start(now, self._recall(now)))
            raise Overtaken(Start(now, start.place, start.number, start.before, uniform=False))

    @asynccontextmanager
    async def _walk(self, ask: Ask, admitted: Admitted, start: Place, size: int) -> AsyncIterator[AsyncIterator[Seen]]:
        """Walk the dataset for this caller; ending early ends the fetch."""
        collection = _collection(ask, admitted)
        try:
            async with aclosing(walk(self._upstream, collection, start.offset, size, start.behind)) as walking:
                yield walking
        except QueryNotUnderstood as error:
            raise Refused("query_refused") from error


def _holds_until(picked: Picked) -> datetime | None:
    """When what was decided of a record, and of its tear-line version, may come out otherwise."""
    until = picked.judged.decision.stays_true_until
    return until if picked.beside is None else _earlier(until, picked.beside.judged.decision.stays_true_until)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two instants; ``None`` is never."""
    return one if other is None or (one is not None and one <= other) else other


def _midnight_after(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(UTC).date() + timedelta(days=1), time(0), UTC)


def _collection(ask: Ask, admitted: Admitted) -> Collection:
    dataset, plan = admitted.dataset, admitted.plan
    return Collection(
        source=dataset.source,
        path=dataset.path,
        filters=plan.filters,
        sort=plan.sort,
        shape=admitted.shape,
        traceparent=ask.traceparent,
        named_by=dataset.named_by,
        at_once=dataset.query.ids_at_once,
    )


def _walk_key(admitted: Admitted) -> tuple[object, ...]:
    """Everything a walk's answer depends on, but time."""
    case, plan = admitted.case, admitted.plan
    return (
        case.policy.digest,
        case.standing.number,
        case.subject,
        case.dataset,
        case.purpose,
        case.policy.special(case.subject.partner, case.dataset, case.around, case.at),
        plan.filters,
        plan.sort,
    )
