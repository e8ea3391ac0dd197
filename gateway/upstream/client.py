"""Fetch bytes from a source system: bounded in size and time, no redirects, nothing of the partner's passed on.

A body is fetched whole, within a limit, or streamed (:meth:`Upstream.stream`) piece by piece, without one: nothing of
it is read ahead of whoever reads it but one buffer, so a slow reader holds back the source through TCP.

The rules kept here:

1. The partner's credential never goes upstream; the gateway's own does.
2. The address is the setting's base URL plus a path from the policy set plus a quoted identifier; nothing else.
3. A redirect, a body over the limit, a coding we did not ask for, or a media type other than JSON (of a stream: or
   NDJSON) is an error. So is a stream of lines whose end HTTP does not mark: cut off behind a line, it looks whole.
4. A cancelled request cancels its fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from gateway.content.pieces import Layout
from gateway.upstream.errors import (
    MALFORMED,
    REDIRECTED,
    REFUSED,
    TIMED_OUT,
    TOO_LARGE,
    UNREACHABLE,
    UpstreamError,
)

JSON = "application/json"
LINES = "application/x-ndjson"
LAYOUTS = {JSON: Layout.ARRAY, LINES: Layout.LINES}


@dataclass(frozen=True, slots=True)
class Source:
    """One source system. ``url`` has no trailing slash; ``token`` is the gateway's own bearer credential there."""

    name: str
    url: str
    token: str | None
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    max_body_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source's answer: 200 with a body, 404, or 400 (the source did not understand the query)."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """A source's answer that is still arriving: how records stand in it, and its bytes in pieces as they come."""

    layout: Layout
    pieces: AsyncIterator[bytes]


class Upstream:
    """The HTTP client for all source systems; an async context manager."""

    def __init__(self, sources: Mapping[str, Source], most_connections: int = 64) -> None:
        self._sources = dict(sources)
        self._most_connections = most_connections
        self._session: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = _session(self._most_connections)
        self._streams = _session(0)  # as many as whoever asks for them allows: none of them waits for a slow reader
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._session, self._streams):
            if session is not None:
                await session.close()
        self._session = self._streams = None

    def knows(self, source: str) -> bool:
        """Whether the settings name this source."""
        return source in self._sources

    async def fetch(
        self,
        source: str,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        identifier: str | None = None,
        traceparent: str | None = None,
    ) -> Fetched:
        """Ask a source for a collection page (``path`` with ``query``) or one record (``path``/``identifier``).

        Raises:
            UpstreamError: the source is unknown, unreachable, slow, redirects, or answers anything but bounded JSON.
        """
        known, session = self._source(source, self._session)
        place = path if identifier is None else f"{path}/{quote(identifier, safe='')}"
        try:
            async with (
                asyncio.timeout(known.connect_seconds + known.read_seconds),
                _asking(session, known, place, query, JSON, traceparent) as response,
            ):
                return await _read(known, response)
        except TimeoutError as error:
            raise UpstreamError(TIMED_OUT, source, f"no whole answer in {known.read_seconds} s") from error
        except aiohttp.ClientError as error:
            raise UpstreamError(UNREACHABLE, source, f"{type(error).__name__}: {error}") from error

    @asynccontextmanager
    async def stream(
        self,
        source: str,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        layout: Layout | None = None,
        traceparent: str | None = None,
    ) -> AsyncIterator[Body | None]:
        """Ask a source for everything that a query finds, and read it as it comes; ``None``: it answered 400.

        ``layout`` is the one that is expected; without it, the answer's media type says. Leaving the block ends the
        fetch, whatever has not arrived. How long the whole may take is for the caller to bound; each read is bounded
        here.

        Raises:
            UpstreamError: as :meth:`fetch`, from here or from the pieces.
        """
        known, session = self._source(source, self._streams)
        accept = ", ".join(kind for kind, each in LAYOUTS.items() if layout in (None, each))
        try:
            async with _asking(session, known, path, query, accept, traceparent) as response:
                _refuse_other(known, response, [kind for kind, each in LAYOUTS.items() if layout in (None, each)])
                if response.status == 400:
                    yield None
                    return
                if response.status == 404:
                    raise UpstreamError(MALFORMED, source, "the collection was not found")
                found = LAYOUTS[response.content_type]
                unended = response.content_length is None and "chunked" not in response.headers.get(
                    "Transfer-Encoding", ""
                )
                if found is Layout.LINES and unended:
                    raise UpstreamError(MALFORMED, source, "answered with lines and marks no end of them")
                yield Body(found, response.content.iter_any())
        except TimeoutError as error:
            raise UpstreamError(TIMED_OUT, source, f"nothing more in {known.read_seconds} s") from error
        except aiohttp.ClientError as error:
            raise UpstreamError(UNREACHABLE, source, f"{type(error).__name__}: {error}") from error

    def _source(self, name: str, session: aiohttp.ClientSession | None) -> tuple[Source, aiohttp.ClientSession]:
        known = self._sources.get(name)
        if known is None or session is None:
            raise UpstreamError(UNREACHABLE, name, "no such source in the settings")
        return known, session


def _session(most_connections: int) -> aiohttp.ClientSession:
    """A client without cookies, proxies or decompression; 0 is no limit."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=most_connections),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def _asking(
    session: aiohttp.ClientSession,
    known: Source,
    path: str,
    query: Sequence[tuple[str, str]],
    accept: str,
    traceparent: str | None,
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """One GET with the gateway's own credential and nothing of the partner's but the query."""
    url = known.url + path
    if query:
        url += "?" + urlencode(list(query), quote_via=quote)
    headers = {"Accept": accept, "Accept-Encoding": "identity"}
    if known.token is not None:
        headers["Authorization"] = f"Bearer {known.token}"
    if traceparent is not None:
        headers["traceparent"] = traceparent
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=known.connect_seconds, sock_read=known.read_seconds)
    return session.get(URL(url, encoded=True), headers=headers, allow_redirects=False, timeout=timeout)


async def _read(source: Source, response: aiohttp.ClientResponse) -> Fetched:
    """Read one answer within the source's limit, refusing every shape that was not asked for."""
    _refuse_other(source, response, [JSON])
    if response.status != 200:
        return Fetched(response.status, b"")
    if response.content_length is not None and response.content_length > source.max_body_bytes:
        raise UpstreamError(TOO_LARGE, source.name, f"announced {response.content_length} bytes")
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > source.max_body_bytes:
            raise UpstreamError(TOO_LARGE, source.name, f"sent more than {source.max_body_bytes} bytes")
    return Fetched(200, bytes(body))


def _refuse_other(source: Source, response: aiohttp.ClientResponse, kinds: Sequence[str]) -> None:
    """Refuse every answer but 200 in one of these media types, 404, and 400."""
    status = response.status
    if status in (400, 404):
        return
    if 300 <= status < 400:
        raise UpstreamError(REDIRECTED, source.name, f"answered {status}")
    if status != 200:
        raise UpstreamError(REFUSED, source.name, f"answered {status}")
    transfer = ", ".join(response.headers.getall("Transfer-Encoding", ["chunked"]))
    if transfer.strip().lower() != "chunked":
        # aiohttp would read such a body to the connection's end as it is, as if nothing had been said of it.
        raise UpstreamError(MALFORMED, source.name, f"answered with transfer coding {transfer!r}")
    coding = ", ".join(response.headers.getall("Content-Encoding", ["identity"]))
    if coding != "identity":
        raise UpstreamError(MALFORMED, source.name, f"answered with content coding {coding!r}, which was not asked for")
    if response.content_type not in kinds:
        wanted = " or ".join(kinds)
        raise UpstreamError(MALFORMED, source.name, f"answered with media type {response.content_type!r}, not {wanted}")
