"""Steps 2 to 5 for everything that a query finds: one body of the source, of any length, in flat memory.

The source is asked once, for all of it in the order of identifiers, and its body is divided, judged, cut and checked
as it arrives. No more is held than the records of one chunk, one record and one block of the source.

The rules kept here:

1. The order of identifiers is demanded, not hoped for: a record whose identifier stands below one before it ends the
   answer. So records that share an identifier stand side by side, and each is withheld; nothing else of those that went
   need be remembered. Identifiers are compared by code points, which is the order of their UTF-8 bytes.
2. A chunk ends when its released bytes reach the limit. A record that turns out malformed when the chunk is checked is
   withheld like any other, and the chunk is filled further: where it ends, that record has no part in.
3. A chunk goes out only if what it was judged by is in force when it is whole. If not, the source is asked again and
   what stands up to the last record before the chunk is passed over: no place, only an identifier, is remembered.
4. Whoever stops reading ends the fetch. Whoever reads slowly holds a connection to the source meanwhile, so each
   partner has a few bulk answers at a time and no more, and their connections are not those that others ask by.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from gateway.admission import Admitted
from gateway.answering import content_of
from gateway.asking import Ask
from gateway.audit.log import AuditLog
from gateway.batch import Batch, Readmit, same_force
from gateway.content.errors import SourceMalformed
from gateway.content.pieces import Layout, Splitter, splitter
from gateway.content.records import RecordView, read_records
from gateway.content.strict import strict_doubts
from gateway.picking import Picker
from gateway.policy.shape import RecordShape
from gateway.refusals import Refused
from gateway.upstream.client import Body, Upstream
from gateway.upstream.errors import MALFORMED, UpstreamError

LAYOUTS = {"array": Layout.ARRAY, "ndjson": Layout.LINES, None: None}
"""The layout that each form a dataset's file may name stands for."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a chunk begins: for whom, behind which identifier, as which chunk of the answer, after how many records."""

    admitted: Admitted
    behind: str = ""
    number: int = 0
    before: int = 0


class Overtaken(Exception):
    """What a chunk was judged by is no longer in force; it is to be selected again from ``start``."""

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.start = start


class OutOfOrder(Exception):
    """The source does not keep the order of identifiers."""


class Ordered:
    """Records in the order of their identifiers, each known to be a twin or not once the next one is seen.

    ``behind``: records up to this identifier are passed over. A record that seems out of order because it can be read
    in more than one way has no identifier: it is withheld, and the others are not judged by it.
    """

    def __init__(self, marking: str, behind: str = "") -> None:
        self._marking = marking
        self._behind = behind
        self._before: str | None = None
        self._waiting: tuple[str, RecordView] | None = None

    def follow(self, views: Iterable[RecordView]) -> Iterator[tuple[RecordView, bool]]:
        """The records that are settled now, each with whether it is a twin.

        A record without an identifier has no place in the order and is no twin; it is withheld by its own doubt.
        Raises :class:`OutOfOrder`.
        """
        for view in views:
            if view.identifier is None:
                yield view, False
            elif view.identifier > self._behind:
                unplaced = self._unplaced(view, view.identifier)
                if unplaced is not None:
                    yield unplaced, False
                if unplaced is None or unplaced.raw is not view.raw:
                    yield from self.finish(view.identifier)
                    self._waiting = (view.identifier, view)

    def finish(self, following: str | None = None) -> Iterator[tuple[RecordView, bool]]:
        """The record that waits to be settled, if one does; ``following`` is the next one's identifier."""
        if self._waiting is not None:
            own, view = self._waiting
            yield view, own in (self._before, following)
            self._before = own

    def _unplaced(self, view: RecordView, identifier: str) -> RecordView | None:
        """Where the next record seems out of order: it, or the one that waits, whichever has more than one reading."""
        if self._waiting is None or identifier >= self._waiting[0]:
            return None
        for late in (view, self._waiting[1]):
            doubts = strict_doubts(late.raw, self._marking)
            if doubts:
                break
        else:
            raise OutOfOrder
        if late is not view:
            self._waiting = None
            if self._before is not None and identifier <= self._before:
                raise OutOfOrder
        return msgspec.structs.replace(late, identifier=None, doubts=doubts)


class Bulk:
    """Selects everything a query finds. ``record_bytes`` is the longest record that is read, ``each`` how many answers
    one partner may have at a time.
    """

    def __init__(self, upstream: Upstream, log: AuditLog, chunk_bytes: int, record_bytes: int, each: int) -> None:
        self._upstream = upstream
        self._log = log
        self._chunk_bytes = chunk_bytes
        self._record_bytes = record_bytes
        self._each = each
        self._under_way: Counter[str] = Counter()

    async def select(self, ask: Ask, admitted: Admitted, readmit: Readmit) -> AsyncGenerator[Batch]:
        """Give out an answer's batches, checked, the last one marked so; there is always at least one.

        Raises:
            UpstreamError: the source failed, or its body is no body of records in order.
            Refused: ``overloaded``, ``query_refused``, ``release_check_failed``, or access was lost between two chunks.
        """
        partner = admitted.partner.code
        if self._under_way[partner] >= self._each:
            raise Refused("overloaded", f"{partner} has {self._each} bulk answers under way")
        self._under_way[partner] += 1
        try:
            async with aclosing(self._select(ask, admitted, readmit)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            self._under_way[partner] -= 1

    async def _select(self, ask: Ask, admitted: Admitted, readmit: Readmit) -> AsyncGenerator[Batch]:
        start = Start(admitted)
        while True:
            try:
                async with aclosing(self._select_from(start, ask, readmit)) as batches:
                    async for batch in batches:
                        yield batch
            except Overtaken as overtaken:
                start = overtaken.start
            except (SourceMalformed, OutOfOrder) as error:
                why = str(error) or "the records are not in the order of their identifiers"
                raise UpstreamError(MALFORMED, admitted.dataset.source, why) from error
            else:
                return

    async def _select_from(self, start: Start, ask: Ask, readmit: Readmit) -> AsyncGenerator[Batch]:
        picker = Picker(start.admitted, self._log)
        batch, size, seen = Batch(start.admitted, start.number, start.before), 0, start.behind
        async with aclosing(self._records(start, ask)) as blocks:
            async for block in blocks:
                for view, twin in block:
                    picked = picker.pick(view, twin=twin)
                    seen = view.identifier or seen
                    if not picked.permitted:
                        batch.withhold(picked)
                        continue
                    batch.going.append(picked)
                    size += len(picked.cut.raw)
                    if size < self._chunk_bytes:
                        continue
                    size = _check(ask, batch, picker)
                    if size >= self._chunk_bytes:
                        await _hold_force(start, readmit)
                        yield batch
                        now = await readmit()
                        after = Start(now, seen, start.number + 1, start.before + len(batch.going))
                        if now.case.policy is not start.admitted.case.policy:
                            raise Overtaken(after)  # what is to be read of a record is said by policy too
                        start = after
                        picker = Picker(start.admitted, self._log)
                        batch, size = Batch(start.admitted, start.number, start.before), 0
                await asyncio.sleep(0)  # whoever else waits for this loop has a turn between two blocks
        batch.last = True
        _check(ask, batch, picker)
        await _hold_force(start, readmit)
        yield batch

    async def _records(self, start: Start, ask: Ask) -> AsyncGenerator[Iterator[tuple[RecordView, bool]]]:
        """The source's records behind ``start``, block by block as they arrive."""
        admitted = start.admitted
        dataset, plan, shape = admitted.dataset, admitted.plan, admitted.shape
        if dataset.bulk is None:
            raise Refused("not_found", "the dataset has no bulk answer")
        sort = () if plan.sort is None else (("sort", plan.sort),)
        asking = self._upstream.stream(
            dataset.source,
            dataset.bulk.path,
            (*plan.filters, *sort),
            layout=LAYOUTS[dataset.bulk.form],
            traceparent=ask.traceparent,
        )
        async with asking as body:
            if body is None:
                raise Refused("query_refused")
            ordered = Ordered(shape.marking, start.behind)
            async with aclosing(_views(body, splitter(body.layout, self._record_bytes), shape)) as arriving:
                async for views in arriving:
                    yield ordered.follow(views)
            yield ordered.finish()


async def _views(body: Body, dividing: Splitter, shape: RecordShape) -> AsyncGenerator[list[RecordView]]:
    async for piece in body.pieces:
        raws = dividing.feed(piece)
        if raws:
            yield read_records(raws, shape)
    yield read_records(dividing.finish(), shape)


def _check(ask: Ask, batch: Batch, picker: Picker) -> int:
    """Have a batch's final bytes read by the checker (step 6); the bytes that go.

    If it refuses them, each record is read by itself, those with a doubt are withheld, and it is asked again. Raises
    :class:`Refused` where it refuses records without a doubt: then the cutter is wrong, or the checker.
    """
    while True:
        batch.content = None
        try:
            batch.content = content_of(ask.operation, batch)
        except Refused:
            if not picker.withhold_doubtful(batch):
                raise
        else:
            return sum(len(picked.cut.raw) for picked in batch.going)


async def _hold_force(start: Start, readmit: Readmit) -> None:
    """Raise :class:`Overtaken` unless what the batch was judged by is in force, now that it is whole."""
    now = await readmit()
    if not same_force(now, start.admitted):
        raise Overtaken(Start(now, start.behind, start.number, start.before))
