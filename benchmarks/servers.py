"""The servers that a release is compared with, each a process of its own: ``python -m benchmarks.servers KIND ...``.

``source`` stands upstream: it answers from memory, with as little code as HTTP/1.1 needs, on the client's core, so
that it costs the server under test nothing. ``plain`` is a Starlette application that hands on what the source says,
fetched with aiohttp; ``sealing`` signs and seals it besides, as the gateway does. Both are served by uvicorn with the
event loop and the HTTP parser that the gateway has.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.machine import pin
from benchmarks.world import records
from demo.stage import ORIGIN
from gateway.keys.jwks import PrivateJwk, PublicJwk, parse_private_jwks
from gateway.keys.ring import open_ring
from gateway.sealing.jwe import MEDIA_TYPE, seal


class Source(asyncio.Protocol):
    """One connection to the source: requests without a body come in, whole answers go out."""

    answers: dict[bytes, bytes] = {}  # noqa: RUF012 - filled once, before anything is served

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            line = self._waiting[: self._waiting.find(b"\r\n")]
            self._waiting = self._waiting[end + 4 :]
            answer = self.answers.get(line.split(b" ")[1].rpartition(b"/")[2])
            self._transport.write(answer or b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]


async def source(port: int) -> None:
    """Serve the records until killed."""
    for record in records():
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(record.raw)}\r\n\r\n"
        Source.answers[record.identifier.encode()] = head.encode() + record.raw
    server = await asyncio.get_running_loop().create_server(Source, "127.0.0.1", port)
    await server.serve_forever()


Answer = Callable[[Request, bytes], Awaitable[Response]]


async def _as_it_is(_: Request, body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _sealed(signing: PrivateJwk, recipient: PublicJwk) -> Answer:
    async def answer(_: Request, body: bytes) -> Response:
        sealed = seal(
            body,
            media_type="application/json",
            recipient_jwk=recipient,
            recipient="BENCH",
            release=uuid.uuid4().hex,
            chunk=0,
            last=True,
            label="UNCLASSIFIED",
            signing_key=signing,
        )
        return Response(sealed, media_type=MEDIA_TYPE)

    return answer


async def pass_through(port: int, upstream: str, answer: Answer) -> None:
    """Serve what the source says until killed."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:

        async def passing(request: Request) -> Response:
            async with session.get(upstream + request.url.path) as response:
                return await answer(request, await response.read())

        app = Starlette(routes=[Route("/{path:path}", passing)])
        config = uvicorn.Config(app, "127.0.0.1", port, log_config=None, access_log=False, http="h11", lifespan="off")
        await uvicorn.Server(config).serve()


def main() -> None:
    """Serve one of them: ``source PORT``, ``plain PORT UPSTREAM``, ``sealing PORT UPSTREAM RING RECIPIENT``."""
    kind, port = sys.argv[1], int(sys.argv[2])
    pin(first=kind != "source")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if kind == "source":
            runner.run(source(port))
        elif kind == "plain":
            runner.run(pass_through(port, sys.argv[3], _as_it_is))
        else:
            recipient = parse_private_jwks(Path(sys.argv[5]).read_bytes())
            sealing = next(key.public for key in recipient if key.public.use == "enc")
            runner.run(
                pass_through(port, sys.argv[3], _sealed(open_ring(Path(sys.argv[4]), ORIGIN).content_signing, sealing))
            )


if __name__ == "__main__":
    main()
