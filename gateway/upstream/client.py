"""Fetch bytes from a source system: bounded in size and time, no redirects, nothing of the partner's passed on.

The rules kept here:

1. The partner's credential never goes upstream; the gateway's own does.
2. The address is the setting's base URL plus a path from the policy set plus a quoted identifier; nothing else.
3. A redirect, a body over the limit, a coding we did not ask for, or a media type other than JSON is an error.
4. A cancelled request cancels its fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

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


class Upstream:
    """The HTTP client for all source systems; an async context manager."""

    def __init__(self, sources: Mapping[str, Source], most_connections: int = 64) -> None:
        self._sources = dict(sources)
        self._most_connections = most_connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._most_connections),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

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
        known = self._sources.get(source)
        if known is None or self._session is None:
            raise UpstreamError(UNREACHABLE, source, "no such source in the settings")
        url = known.url + path
        if identifier is not None:
            url += "/" + quote(identifier, safe="")
        if query:
            url += "?" + urlencode(list(query), quote_via=quote)
        headers = {"Accept": JSON, "Accept-Encoding": "identity"}
        if known.token is not None:
            headers["Authorization"] = f"Bearer {known.token}"
        if traceparent is not None:
            headers["traceparent"] = traceparent
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=known.connect_seconds, sock_read=known.read_seconds)
        try:
            async with (
                asyncio.timeout(known.connect_seconds + known.read_seconds),
                self._session.get(
                    URL(url, encoded=True), headers=headers, allow_redirects=False, timeout=timeout
                ) as response,
            ):
                return await _read(known, response)
        except TimeoutError as error:
            raise UpstreamError(TIMED_OUT, source, f"no whole answer in {known.read_seconds} s") from error
        except aiohttp.ClientError as error:
            raise UpstreamError(UNREACHABLE, source, f"{type(error).__name__}: {error}") from error


async def _read(source: Source, response: aiohttp.ClientResponse) -> Fetched:
    """Read one answer within the source's limit, refusing every shape that was not asked for."""
    status = response.status
    if 300 <= status < 400:
        raise UpstreamError(REDIRECTED, source.name, f"answered {status}")
    if status == 404:
        return Fetched(404, b"")
    if status == 400:
        return Fetched(400, b"")
    if status != 200:
        raise UpstreamError(REFUSED, source.name, f"answered {status}")
    coding = response.headers.get("Content-Encoding", "identity")
    if coding != "identity":
        raise UpstreamError(MALFORMED, source.name, f"answered with content coding {coding!r}, which was not asked for")
    if response.content_type != JSON:
        raise UpstreamError(MALFORMED, source.name, f"answered with media type {response.content_type!r}, not {JSON}")
    if response.content_length is not None and response.content_length > source.max_body_bytes:
        raise UpstreamError(TOO_LARGE, source.name, f"announced {response.content_length} bytes")
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > source.max_body_bytes:
            raise UpstreamError(TOO_LARGE, source.name, f"sent more than {source.max_body_bytes} bytes")
    return Fetched(200, bytes(body))
