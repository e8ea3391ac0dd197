"""The service: the library's five read operations for each data type, behind one bearer token.

Everything it answers with is bytes made beforehand. It keeps a record of what it was asked, so that a test
can say what a gateway passed on and, above all, what it did not; ``/_seen`` shows that record only when the
builder says so.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from sample_source.bulk import Endless, answer
from sample_source.catalogue import DATA_EPOCH
from sample_source.faults import Fault
from sample_source.help import query_help
from sample_source.query import Query, QueryError, find, read_flag, read_query
from sample_source.records import Json, StoredRecord, as_array, collapse_extensions, encode
from sample_source.schema import TABLES, Table
from sample_source.tables import Tables

REMEMBERED_QUERIES, REMEMBERED_REQUESTS = 64, 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived, credential and all, and the status it was answered with."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    status: int

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(slots=True)
class Source:
    """The running service's state. ``fault`` may be changed while it runs; None is sound."""

    tables: Tables
    token: str
    now: Callable[[], datetime]
    fault: Fault | None = None
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=REMEMBERED_REQUESTS))
    on_request: Callable[[Seen], None] | None = None
    endless: Endless | None = None
    _found: OrderedDict[tuple[str, Query], tuple[StoredRecord, ...]] = field(default_factory=OrderedDict)

    def find(self, table: Table, query: Query) -> tuple[StoredRecord, ...]:
        """All records that a query finds, remembered: the pages of one walk are cut from one answer."""
        key = (table.name, Query(query.filters, query.order, 0, 0, None, False))
        if key not in self._found:
            self._found[key] = find(table, self.tables.records[table.name], query)
            if len(self._found) > REMEMBERED_QUERIES:
                self._found.popitem(last=False)
        return self._found[key]

    def hold(self, tables: Tables) -> None:
        """Hold these records from now on, in place of those held before."""
        self.tables = tables
        self._found.clear()

    def by_identifier(self, table: Table, identifier: str) -> tuple[StoredRecord, ...]:
        """Every record with this identifier: one, none, or two of a source that is broken."""
        records = self.tables.records[table.name]
        return tuple(record for record in records if record.identifier == identifier)


@dataclass(frozen=True, slots=True)
class SampleSource:
    """The ASGI application: records each request, lets a fault answer if there is one, else the service."""

    source: Source
    service: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.service(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        fault = self.source.fault
        try:
            if fault is None or scope["path"] in {"/health", "/_seen"}:
                await self.service(scope, receive, watched)
            else:
                await fault(self.service, scope, receive, watched)
        finally:
            self._remember(scope, status)

    def _remember(self, scope: Scope, status: int) -> None:
        if scope["path"] in {"/health", "/_seen"}:
            return
        seen = Seen(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
            status=status,
        )
        self.source.seen.append(seen)
        if self.source.on_request is not None:
            self.source.on_request(seen)


def build_app(
    tables: Tables,
    token: str,
    *,
    now: Callable[[], datetime] = lambda: DATA_EPOCH,
    fault: Fault | None = None,
    show_seen: bool = False,
    on_request: Callable[[Seen], None] | None = None,
    endless: Endless | None = None,
) -> SampleSource:
    """The service over these records. ``token`` is the only credential it accepts; ``now`` is its clock. ``endless``
    says that bulk answers are made up to a size instead of being those that are found.

    Raises :class:`ValueError` for an empty token: a source that lets everybody in would hide a gateway that
    forgot its own credential.
    """
    if not token:
        raise ValueError("the sample source needs a token; an empty one would let everybody in")
    source = Source(tables, token, now, fault, on_request=on_request, endless=endless)
    routes = _Routes(source)
    paths = [
        Route("/health", routes.health),
        Route("/udl/{table}", routes.list),
        Route("/udl/{table}/count", routes.count),
        Route("/udl/{table}/tuple", routes.tuple),
        Route("/udl/{table}/queryhelp", routes.queryhelp),
        Route("/udl/{table}/bulk", routes.bulk),
        Route("/udl/{table}/{identifier}", routes.one),
    ]
    if show_seen:
        paths.append(Route("/_seen", routes.seen))
    return SampleSource(source, Starlette(routes=paths, exception_handlers={HTTPException: _refusal}))


@dataclass(frozen=True, slots=True)
class _Routes:
    """The operations; each checks the credential before it looks at anything else."""

    source: Source

    def _table(self, request: Request) -> Table:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.source.token}".encode()):
            raise HTTPException(401, "a bearer token is required", headers={"www-authenticate": "Bearer"})
        table = TABLES.get(request.path_params["table"])
        if table is None:
            raise HTTPException(404, "no such data type")
        return table

    def _query(self, table: Table, request: Request) -> Query:
        try:
            return read_query(table, request.query_params.multi_items(), self.source.now())
        except QueryError as error:
            raise HTTPException(400, str(error)) from error

    async def list(self, request: Request) -> Response:
        table = self._table(request)
        query = self._query(table, request)
        page = self.source.find(table, query)[query.first : query.first + query.limit]
        return _json(as_array(record.abridged for record in page), collapse=query.collapse)

    async def tuple(self, request: Request) -> Response:
        table = self._table(request)
        query = self._query(table, request)
        if query.columns is None:
            raise HTTPException(400, "columns: required for a tuple")
        page = self.source.find(table, query)[query.first : query.first + query.limit]
        return _json(as_array(record.columns(query.columns) for record in page), collapse=query.collapse)

    async def bulk(self, request: Request) -> Response:
        table = self._table(request)
        found = self.source.find(table, self._query(table, request))
        endless = self.source.endless
        records = (record.abridged for record in found) if endless is None else endless.records(found)
        return answer(records, request.headers.get("accept", ""))

    async def count(self, request: Request) -> Response:
        table = self._table(request)
        found = self.source.find(table, self._query(table, request))
        return Response(str(len(found)), media_type="text/plain")

    async def queryhelp(self, request: Request) -> Response:
        return _json(encode(query_help(self._table(request))))

    async def one(self, request: Request) -> Response:
        table = self._table(request)
        found = self.source.by_identifier(table, request.path_params["identifier"])
        if not found:
            raise HTTPException(404, "no such record")
        try:
            collapse = read_flag(request.query_params.get("disableCapcoExtensions"))
        except QueryError as error:
            raise HTTPException(400, str(error)) from error
        body = found[0].full if len(found) == 1 else as_array(record.full for record in found)
        return _json(body, collapse=collapse)

    async def health(self, _: Request) -> Response:
        return _json(b'{"status":"ok"}')

    async def seen(self, _: Request) -> Response:
        listed: list[Json] = [asdict(seen) for seen in self.source.seen]
        return _json(encode(listed))


async def _refusal(_: Request, error: Exception) -> Response:
    """Errors in the library's form: a status and a message."""
    if not isinstance(error, HTTPException):
        raise error
    body = encode({"status": error.status_code, "error": HTTPStatus(error.status_code).phrase, "message": error.detail})
    return Response(body, error.status_code, dict(error.headers or {}), "application/json")


def _json(body: bytes, *, collapse: bool = False) -> Response:
    return Response(collapse_extensions(body) if collapse else body, media_type="application/json")
