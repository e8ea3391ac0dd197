"""Fetching from a source that lies: what comes back is bounded, whole, JSON and asked for, or an error by its code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.upstream.client import Fetched, Source, Upstream
from gateway.upstream.errors import (
    MALFORMED,
    REDIRECTED,
    REFUSED,
    TIMED_OUT,
    TOO_LARGE,
    UNREACHABLE,
    UpstreamError,
)
from tests.support.waiting import PATIENCE

Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]
LIMIT = 2000
SOON = 0.5
"""Seconds, where it is to be seen that they end."""


@dataclass
class Liar:
    """A source on a socket: it says what it was told to, byte by byte, and keeps what it heard."""

    says: bytes | Talk
    heard: list[bytes] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                if isinstance(self.says, bytes):
                    writer.write(self.says)
                    await writer.drain()
                else:
                    await self.says(writer)
                if not isinstance(self.says, bytes):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.left.set()
            writer.close()


@asynccontextmanager
async def upstream(liar: Liar, seconds: float = PATIENCE) -> AsyncIterator[Upstream]:
    """The client of a source that lies; it waits so long for an answer."""
    server = await asyncio.start_server(liar.answer, "127.0.0.1")
    liar.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    source = Source("udl", liar.url, "the-gateways-own", seconds, seconds, LIMIT)
    async with server, Upstream({"udl": source}) as opened:
        yield opened


def http(body: bytes = b"[]", *lines: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """A whole answer; a line of the same name replaces one of ours."""
    ours = {"Content-Type": "application/json", "Content-Length": str(len(body) if length is None else length)}
    named = {line.split(":")[0] for line in lines}
    head = [f"{name}: {value}" for name, value in ours.items() if name not in named]
    return "\r\n".join([f"HTTP/1.1 {status}", *head, *lines, "", ""]).encode("latin-1") + body


async def fetch(says: bytes | Talk, seconds: float = PATIENCE) -> Fetched:
    async with upstream(Liar(says), seconds) as opened:
        return await opened.fetch("udl", "/udl/elset")


REFUSED_ANSWERS = (
    ("redirect", http(b"", "Location: http://127.0.0.1:1/elsewhere", status="302 Found"), REDIRECTED),
    ("redirect-kept", http(b"", "Location: /udl/other", status="307 Temporary Redirect"), REDIRECTED),
    ("not-modified", http(b"", status="304 Not Modified"), REDIRECTED),
    ("accepted", http(status="202 Accepted"), REFUSED),
    ("no-content", http(b"", status="204 No Content"), REFUSED),
    ("partial", http(status="206 Partial Content"), REFUSED),
    ("unauthorised", http(b"who are you", status="401 Unauthorized"), REFUSED),
    ("broken", http(b"Traceback", status="500 Internal Server Error"), REFUSED),
    ("html", http(b"<html>", "Content-Type: text/html"), MALFORMED),
    ("no-type", http(b"[]", "Content-Type: "), MALFORMED),
    ("nearly-json", http(b"[]", "Content-Type: application/jsonp"), MALFORMED),
    ("gzip", http(b"\x1f\x8b", "Content-Encoding: gzip"), MALFORMED),
    ("gzip-named-in-capitals", http(b"\x1f\x8b", "Content-Encoding: GZIP"), MALFORMED),
    ("coding-unknown", http(b"[]", "Content-Encoding: x"), MALFORMED),
    ("announced-too-large", http(b"[", length=LIMIT + 1), TOO_LARGE),
    ("length-negative", http(b"[]", "Content-Length: -1"), UNREACHABLE),
    ("lengths-that-differ", http(b"[]", "Content-Length: 2", "Content-Length: 3"), UNREACHABLE),
    ("length-no-number", http(b"[]", "Content-Length: two"), UNREACHABLE),
    ("chunk-no-number", http(b"zz\r\n[]\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length:"), UNREACHABLE),
    ("no-status-line", b"hello\r\n\r\n", UNREACHABLE),
    ("no-http", b"\x16\x03\x01\x02\x00\r\n\r\n", UNREACHABLE),
    ("header-without-end", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, UNREACHABLE),
    ("header-with-a-null", http(b"[]", "X: a\x00b"), UNREACHABLE),
    ("length-and-chunks", http(b"2\r\n[]\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), UNREACHABLE),
)


@pytest.mark.parametrize(("says", "code"), [each[1:] for each in REFUSED_ANSWERS], ids=[e[0] for e in REFUSED_ANSWERS])
async def test_an_answer_that_is_not_what_was_asked_for_is_an_error_by_its_code(says: bytes, code: str):
    with pytest.raises(UpstreamError) as refused:
        await fetch(says)
    assert (refused.value.code, refused.value.source) == (code, "udl")
    assert "the-gateways-own" not in str(refused.value)


@pytest.mark.parametrize("status", [404, 400])
async def test_not_found_and_not_understood_are_answers_and_their_bodies_are_not_read(status: int):
    fetched = await fetch(http(b'{"message":"SECRET"}', status=f"{status} No"))
    assert fetched == Fetched(status, b"")


async def test_a_body_of_the_limit_passes_and_one_byte_more_does_not():
    assert await fetch(http(b"x" * LIMIT)) == Fetched(200, b"x" * LIMIT)
    with pytest.raises(UpstreamError, match=TOO_LARGE):
        await fetch(http(b"x" * (LIMIT + 1)))


async def test_a_body_without_a_length_is_cut_off_at_the_limit_however_long_it_would_go_on():
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(http(b"", "Transfer-Encoding: chunked", "Content-Length:").replace(b"Content-Length:\r\n", b""))
        while sent < 100_000_000:
            writer.write(b"400\r\n" + b"x" * 0x400 + b"\r\n")
            sent += 0x400
            await writer.drain()

    with pytest.raises(UpstreamError, match=TOO_LARGE):
        await fetch(endless)
    assert sent < 50_000_000


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", http(b"[", length=10)])
async def test_a_connection_that_ends_early_is_an_error_and_never_a_shorter_answer(sent: bytes):
    async def leave(writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()

    with pytest.raises(UpstreamError) as refused:
        await fetch(leave)
    assert refused.value.code == UNREACHABLE


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", http(b"[", length=10)])
async def test_a_source_that_stops_in_the_middle_is_given_up_after_its_time(sent: bytes):
    async def stall(writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await asyncio.sleep(PATIENCE)

    with pytest.raises(UpstreamError) as refused:
        await fetch(stall, SOON)
    assert refused.value.code == TIMED_OUT


async def test_a_source_that_sends_a_byte_now_and_then_is_given_up_after_its_time():
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(http(b"", length=1000))
        for _ in range(1000):
            writer.write(b" ")
            await asyncio.sleep(0.1)

    with pytest.raises(UpstreamError) as refused:
        await fetch(trickle, SOON)
    assert refused.value.code == TIMED_OUT


async def test_interim_answers_without_end_are_given_up_after_their_time():
    async def interim(writer: asyncio.StreamWriter) -> None:
        for _ in range(1000):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0.05)

    with pytest.raises(UpstreamError) as refused:
        await fetch(interim, SOON)
    assert refused.value.code in (TIMED_OUT, UNREACHABLE)


async def test_what_a_source_sends_after_its_answer_is_never_taken_for_the_next_answer():
    liar = Liar(http(b'["true"]') + http(b'["false"]'))
    async with upstream(liar) as opened:
        for _ in range(5):
            try:
                assert (await opened.fetch("udl", "/udl/elset")).body == b'["true"]'
            except UpstreamError as error:
                assert error.code == UNREACHABLE
            await asyncio.sleep(0.01)


async def test_a_shorter_length_than_the_body_gives_the_announced_bytes_alone_or_none():
    try:
        assert (await fetch(http(b"[1,2,3]", length=3))).body == b"[1,"
    except UpstreamError as error:
        assert error.code == UNREACHABLE


async def test_a_source_that_is_down_is_unreachable_and_one_that_is_unknown_too():
    async with Upstream({"udl": Source("udl", "http://127.0.0.1:1", None)}) as opened:
        for name in ("udl", "other"):
            with pytest.raises(UpstreamError) as refused:
                await opened.fetch(name, "/udl/elset")
            assert (refused.value.code, refused.value.source) == (UNREACHABLE, name)
        assert opened.knows("udl")
        assert not opened.knows("other")


async def test_a_client_that_was_closed_fetches_nothing_more():
    opened = Upstream({"udl": Source("udl", "http://127.0.0.1:1", None)})
    async with opened:
        pass
    with pytest.raises(UpstreamError, match=UNREACHABLE):
        await opened.fetch("udl", "/udl/elset")


async def test_an_identifier_and_a_value_are_quoted_so_that_neither_can_leave_its_place():
    liar = Liar(http(b"{}"))
    async with upstream(liar) as opened:
        await opened.fetch("udl", "/udl/elset", identifier="../x?a=b#c/é")
        await opened.fetch("udl", "/udl/elset", [("epoch", "a&b=c#d e\r\nX: y"), ("a=b", "é")])
    lines = [heard.split(b"\r\n")[0] for heard in liar.heard]
    assert lines == [
        b"GET /udl/elset/..%2Fx%3Fa%3Db%23c%2F%C3%A9 HTTP/1.1",
        b"GET /udl/elset?epoch=a%26b%3Dc%23d%20e%0D%0AX%3A%20y&a%3Db=%C3%A9 HTTP/1.1",
    ]


async def test_a_request_carries_the_gateways_own_credential_asks_for_plain_json_and_keeps_no_cookie():
    liar = Liar(http(b"[]", "Set-Cookie: session=1; Path=/"))
    async with upstream(liar) as opened:
        for _ in range(2):
            await opened.fetch("udl", "/udl/elset", traceparent="00-1-2-00")
    for heard in liar.heard:
        assert b"\r\nAuthorization: Bearer the-gateways-own\r\n" in heard
        assert b"\r\nAccept: application/json\r\n" in heard
        assert b"\r\nAccept-Encoding: identity\r\n" in heard
        assert b"\r\ntraceparent: 00-1-2-00\r\n" in heard
        assert b"cookie" not in heard.lower()


async def test_a_redirect_is_not_followed_so_the_credential_stays_where_it_belongs():
    other = Liar(http())
    async with upstream(other):
        with pytest.raises(UpstreamError, match=REDIRECTED):
            await fetch(http(b"", f"Location: {other.url}/udl/elset", status="301 Moved"))
    assert not other.heard


async def test_giving_up_a_request_ends_its_fetch():
    liar = Liar(b"")
    async with upstream(liar) as opened:
        fetching = asyncio.create_task(opened.fetch("udl", "/udl/elset"))
        while not liar.heard:
            await asyncio.sleep(0.01)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        await asyncio.wait_for(liar.left.wait(), PATIENCE)
