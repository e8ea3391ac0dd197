"""Reading a source's answer as it comes: each byte once, in order, no further ahead than its reader, and to its end."""

from __future__ import annotations

import asyncio

import pytest

from gateway.content.pieces import Layout
from gateway.upstream.errors import MALFORMED, REDIRECTED, REFUSED, TIMED_OUT, UNREACHABLE, UpstreamError
from tests.support.waiting import PATIENCE
from tests.upstream.test_client import SOON, Liar, Talk, http, upstream

LINES = "Content-Type: application/x-ndjson"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
UNENDED = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/%b\r\n\r\n"


async def read(
    says: bytes | Talk, layout: Layout | None = None, seconds: float = PATIENCE
) -> tuple[Layout, bytes] | None:
    async with upstream(Liar(says), seconds) as opened, opened.stream("udl", "/udl/elset/bulk", layout=layout) as body:
        return None if body is None else (body.layout, b"".join([piece async for piece in body.pieces]))


def test_a_body_longer_than_any_limit_is_read_piece_by_piece_and_its_media_type_says_what_it_is():
    assert asyncio.run(read(http(b"[1]"))) == (Layout.ARRAY, b"[1]")
    assert asyncio.run(read(http(b"1\n" * 9000, LINES))) == (Layout.LINES, b"1\n" * 9000)
    assert asyncio.run(read(CHUNKED + b"2\r\n1\n\r\n2\r\n2\n\r\n0\r\n\r\n")) == (Layout.LINES, b"1\n2\n")
    assert asyncio.run(read(http(status="400 Bad Request"))) is None


@pytest.mark.parametrize(
    ("says", "layout", "code"),
    [
        (http(b"[]"), Layout.LINES, MALFORMED),
        (http(b"1\n", LINES), Layout.ARRAY, MALFORMED),
        (http(b"1\n", "Content-Type: text/html"), None, MALFORMED),
        (http(b"1\n", LINES, "Content-Encoding: gzip"), None, MALFORMED),
        (http(status="404 Not Found"), None, MALFORMED),
        (http(b"", "Location: /elsewhere", status="302 Found"), None, REDIRECTED),
        (http(status="500 Oh"), None, REFUSED),
        (http(b"1\n", LINES, length=3), None, TIMED_OUT),
        (CHUNKED + b"2\r\n1\n\r\n", None, TIMED_OUT),
        (CHUNKED + b"zz\r\n1\n\r\n", None, UNREACHABLE),
    ],
)
def test_what_was_not_asked_for_and_what_does_not_end_is_refused_by_its_code(
    says: bytes, layout: Layout | None, code: str
):
    with pytest.raises(UpstreamError) as refused:
        asyncio.run(read(says, layout, SOON if code == TIMED_OUT else PATIENCE))
    assert refused.value.code == code


def test_lines_that_only_the_end_of_the_connection_ends_are_refused_and_an_array_ends_itself():
    async def closes(writer: asyncio.StreamWriter, kind: bytes) -> None:
        writer.write(UNENDED % kind + b"[1]\n")
        await writer.drain()

    with pytest.raises(UpstreamError) as refused:
        asyncio.run(read(lambda writer: closes(writer, b"x-ndjson")))
    assert "marks no end" in refused.value.detail
    assert asyncio.run(read(lambda writer: closes(writer, b"json"))) == (Layout.ARRAY, b"[1]\n")


def test_leaving_in_the_middle_hangs_up_and_a_reader_that_waits_holds_the_source_back():
    sent = 0

    async def sends(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(CHUNKED)
        while True:
            writer.write(b"10000\r\n" + b"1\n" * 32768 + b"\r\n")
            await writer.drain()
            sent += 65536

    async def scenario() -> int:
        liar = Liar(sends)
        async with upstream(liar) as opened:
            async with opened.stream("udl", "/udl/elset/bulk") as body:
                assert body is not None
                async for _ in body.pieces:
                    break
                before = -1
                while before < sent:
                    before = sent
                    await asyncio.sleep(0.2)
            await asyncio.wait_for(liar.left.wait(), PATIENCE)
            return before

    assert asyncio.run(scenario()) < 16_000_000
