"""Walk a source's collection record by record, knowing of each whether its identifier stands for another one too.

The source is asked page by page, in an order whose last key is the identifier, beginning one record before the place
wanted and reading one past each record given out: records that share an identifier stand side by side, so each is
known to be a twin whatever the page sizes were. A partner's own sort order may keep twins apart; so in any order that
does not begin with the identifier, the source is asked besides, page by page, for the identifiers of the page under the
same filters, and a record that is not found exactly once is a twin. So which records of a collection are twins does not
depend on the order in which it is asked for (docs/decisions, "Twins are twins in every order").

Each page begins with the last record of the page before. If it does not, the source's order has changed in between
(or it takes no notice of offsets), and records would be lost or come twice: the walk is refused.

A place to start from comes from memory, and the source may have changed since. Whoever remembers it also remembers the
record before it; if another stands there now, the place is lost (:class:`PlaceLost`) and is to be found again from the
beginning. Otherwise a record that a partner may not have would, by coming or going, move those that it may have.

Pages begin at the size the request asks for and double: the work depends on the request's shape and on the
collection, not on this memory or that page size.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from gateway.content.errors import SourceMalformed
from gateway.content.records import RecordView, read_array, read_object
from gateway.policy.shape import RecordShape
from gateway.refusals import Refused
from gateway.upstream.client import Upstream
from gateway.upstream.errors import MALFORMED, TOO_LARGE, UpstreamError

PAGE_LIMIT = 1000
"""Most records asked of a source at once."""

WALK_LIMIT = 5_000_000
"""Most records of one walk; a source that never ends is broken."""


_ASKABLE = re.compile(r"(?!.*\.\.)[A-Za-z0-9_.:-]{1,128}")
"""Identifiers that a query can name: no list, comparison, range or pattern can be read into them."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What is walked: a dataset's path at its source, filtered and sorted.

    ``named_by`` is the parameter that filters on identifiers, ``at_once`` how many of them the source takes in it.
    """

    source: str
    path: str
    filters: tuple[tuple[str, str], ...]
    sort: str | None
    shape: RecordShape
    traceparent: str | None = None
    named_by: str | None = None
    at_once: int = 1

    @property
    def parts_twins(self) -> bool:
        """Whether its order may keep records that share an identifier apart."""
        return self.sort is None or self.sort.partition(",")[0] != self.shape.identifier


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
    waiting: tuple[RecordView, int, bool] | None = None
    before: str | None = None
    while offset < start + WALK_LIMIT:
        overlap = 0 if waiting is None else 1
        page = await _page(upstream, collection, offset - overlap, size)
        if waiting is not None and not (page and _is_same(page[0], waiting[0])):
            raise UpstreamError(MALFORMED, collection.source, f"the order changed before record {offset}")
        if waiting is None and behind is not None and not (page and page[0].identifier == behind):
            raise PlaceLost
        apart = await _apart(upstream, collection, page[overlap:]) if collection.parts_twins else frozenset()
        for view in page[overlap:]:
            if waiting is not None:
                if waiting[1] >= start:
                    yield _seen(waiting, before, view.identifier)
                before = waiting[0].identifier
            waiting = (view, offset, view.identifier in apart)
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
    try:
        fetched = await upstream.fetch(
            collection.source, collection.path, identifier=identifier, traceparent=collection.traceparent
        )
    except UpstreamError as error:
        if error.code in (MALFORMED, TOO_LARGE):  # it came, so there is something; nobody who may not know is told
            raise Refused("not_found", str(error)) from error
        raise
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


def _seen(waiting: tuple[RecordView, int, bool], before: str | None, after: str | None) -> Seen:
    view, offset, apart = waiting
    return Seen(view, apart or (view.identifier is not None and view.identifier in (before, after)), offset + 1)


async def _apart(upstream: Upstream, collection: Collection, page: Sequence[RecordView]) -> frozenset[str]:
    """The identifiers of a page that are not known to stand for one record of the collection alone.

    The work is that of the page, whatever is in it: nothing here knows what a partner may have.
    """
    named = list(dict.fromkeys(view.identifier for view in page if view.identifier is not None))
    askable = [identifier for identifier in named if _ASKABLE.fullmatch(identifier) and collection.named_by]
    alone: set[str] = set()
    for first in range(0, len(askable), collection.at_once):
        alone |= await _alone(upstream, collection, askable[first : first + collection.at_once])
    return frozenset(named) - alone


async def _alone(upstream: Upstream, collection: Collection, identifiers: Sequence[str]) -> AbstractSet[str]:
    """Which of these identifiers the source finds exactly once under the collection's filters."""
    wanted = (str(collection.named_by), ",".join(identifiers))
    others = tuple(filter_ for filter_ in collection.filters if filter_[0] != collection.named_by)
    found = replace(collection, filters=(*others, wanted), sort=f"{collection.shape.identifier},ASC")
    most = 2 * len(identifiers)
    page = await _page(upstream, found, 0, most)
    times = Counter(view.identifier for view in page)
    if not times.keys() <= {*identifiers}:
        raise UpstreamError(MALFORMED, collection.source, "answered with records of other identifiers than asked for")
    if len(page) == most and len(identifiers) > 1:  # there may be more, of some that did not come
        half = len(identifiers) // 2
        first = await _alone(upstream, collection, identifiers[:half])
        return first | await _alone(upstream, collection, identifiers[half:])
    return {identifier for identifier in identifiers if times[identifier] == 1}


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
