"""Walk a source's collection record by record, knowing of each whether its identifier stands for another one too.

The source is asked page by page, in an order whose last key is the identifier, beginning one record before the place
wanted and reading one past each record given out: records that share an identifier stand side by side, so each is
known to be a twin whatever the page sizes were. Twins that a partner's own sort order or filters keep apart are not
seen here; the answer by identifier refuses them (see :func:`one`).

Each page begins with the last record of the page before. If it does not, the source's order has changed in between
(or it takes no notice of offsets), and records would be lost or come twice: the walk is refused.

A place to start from comes from memory, and the source may have changed since. Whoever remembers it also remembers the
record before it; if another stands there now, the place is lost (:class:`PlaceLost`) and is to be found again from the
beginning. Otherwise a record that a partner may not have would, by coming or going, move those that it may have.

Pages begin at the size the request asks for and double: the work depends on the request's shape and on the
collection, not on this memory or that page size.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from gateway.content.errors import SourceMalformed
from gateway.content.records import RecordView, read_array, read_object
from gateway.policy.shape import RecordShape
from gateway.refusals import Refused
from gateway.upstream.client import Upstream
from gateway.upstream.errors import MALFORMED, UpstreamError

PAGE_LIMIT = 1000
"""Most records asked of a source at once."""

WALK_LIMIT = 5_000_000
"""Most records of one walk; a source that never ends is broken."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What is walked: a dataset's path at its source, filtered and sorted."""

    source: str
    path: str
    filters: tuple[tuple[str, str], ...]
    sort: str | None
    shape: RecordShape
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One record on the way. ``after`` is the source's offset just behind it."""

    view: RecordView
    twin: bool
    after: int


async def walk(
    upstream: Upstream, collection: Collection, start: int, size: int, behind: str | None = None
) -> AsyncGenerator[Seen]:
    """Walk from the source's offset ``start`` to the end, ``size`` records in the first page.

    ``behind`` is the identifier of the record before ``start``, where the caller remembers one.

    Raises:
        PlaceLost: another record stands before ``start`` now; nothing was given out.
        UpstreamError: a page could not be had, is no array of records, or holds more than was asked for.
    """
    offset = max(0, start - 1)
    size = max(1, min(size + (start - offset) + 1, PAGE_LIMIT))
    waiting: tuple[RecordView, int] | None = None
    before: str | None = None
    while offset < start + WALK_LIMIT:
        overlap = 0 if waiting is None else 1
        page = await _page(upstream, collection, offset - overlap, size)
        if waiting is not None and not (page and _is_same(page[0], waiting[0])):
            raise UpstreamError(MALFORMED, collection.source, f"the order changed before record {offset}")
        if waiting is None and behind is not None and not (page and page[0].identifier == behind):
            raise PlaceLost
        for view in page[overlap:]:
            if waiting is not None:
                if waiting[1] >= start:
                    yield _seen(waiting, before, view.identifier)
                before = waiting[0].identifier
            waiting = (view, offset)
            offset += 1
        if len(page) == overlap:
            if waiting is not None and waiting[1] >= start:
                yield _seen(waiting, before, None)
            return
        size = min(size * 2, PAGE_LIMIT)
    raise UpstreamError(MALFORMED, collection.source, f"the collection does not end within {WALK_LIMIT} records")


async def one(upstream: Upstream, collection: Collection, identifier: str) -> RecordView | None:
    """Fetch one record by its identifier; ``None`` when there is none.

    Raises:
        Refused: ``not_found`` when what came is not exactly this one record; why is for the entry alone.
    """
    fetched = await upstream.fetch(
        collection.source, collection.path, identifier=identifier, traceparent=collection.traceparent
    )
    if fetched.status != 200:
        return None
    try:
        view = read_object(fetched.body, collection.shape)
    except SourceMalformed as error:
        raise Refused("not_found", str(error)) from error
    if view.identifier != identifier:
        raise Refused("not_found", "the source answered with another record")
    return view


def _is_same(view: RecordView, known: RecordView) -> bool:
    return view.identifier == known.identifier if known.identifier is not None else view.raw == known.raw


def _seen(waiting: tuple[RecordView, int], before: str | None, after: str | None) -> Seen:
    view, offset = waiting
    return Seen(view, view.identifier is not None and view.identifier in (before, after), offset + 1)


class PlaceLost(Exception):
    """The place to start from is no longer where it was: the source's records before it have changed."""


class QueryNotUnderstood(Exception):
    """The source answered 400: it does not understand the query. Says nothing about records."""


async def _page(upstream: Upstream, collection: Collection, offset: int, size: int) -> tuple[RecordView, ...]:
    sort = () if collection.sort is None else (("sort", collection.sort),)
    query = (*collection.filters, *sort, ("firstResult", str(offset)), ("maxResults", str(size)))
    fetched = await upstream.fetch(collection.source, collection.path, query, traceparent=collection.traceparent)
    if fetched.status == 400:
        raise QueryNotUnderstood
    if fetched.status == 404:
        raise UpstreamError(MALFORMED, collection.source, "the collection was not found")
    try:
        views = read_array(fetched.body, collection.shape)
    except SourceMalformed as error:
        raise UpstreamError(MALFORMED, collection.source, str(error)) from error
    if len(views) > size:
        raise UpstreamError(MALFORMED, collection.source, f"sent {len(views)} records where {size} were asked for")
    return views
