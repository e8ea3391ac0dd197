"""A source whose bulk answer a test writes piece by piece, and a receiver that a test reads as slowly as it likes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.loopback import Loopback

LINES = "application/x-ndjson"
BULK = "/udl/elset/bulk?epoch=%3E2000-01-01T00:00:00Z"


@dataclass(slots=True)
class Sends:
    """Answers a bulk request with these pieces, one by one, as fast as they are taken; anything else soundly.

    ``before`` is called with a piece's number before it is sent, and may take its time. ``sent`` counts the bytes that
    the connection took; ``ended`` is set when all were, or when whoever asked has gone.
    """

    pieces: Callable[[], Iterable[bytes]]
    content_type: str = LINES
    before: Callable[[int], object] | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    sent: int = 0
    asked: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if not scope["path"].endswith("/bulk"):
            await sound(scope, receive, send)
            return
        self.asked += 1
        gone = asyncio.ensure_future(self._until_gone(receive))
        kind = (b"content-type", self.content_type.encode())
        await send({"type": "http.response.start", "status": 200, "headers": [kind, *self.headers]})
        for number, piece in enumerate(self.pieces()):
            if self.before is not None:
                await asyncio.to_thread(self.before, number)
            if gone.done():
                break
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            self.sent += len(piece)
            await asyncio.sleep(0)
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})
        gone.cancel()
        self.ended.set()

    @staticmethod
    async def _until_gone(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def whole(body: bytes, content_type: str = LINES, size: int = 1000) -> Sends:
    """A source that answers with this body in pieces of this size."""
    return Sends(lambda: (body[at : at + size] for at in range(0, len(body), size)), content_type)


class Receiver:
    """A connection that asked for a bulk answer in clear and reads it by hand."""

    def __init__(self, here: Loopback, accept: str = LINES, path: str = BULK) -> None:
        where = httpx.URL(here.gateway.url)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        self._socket.settimeout(60)
        self._socket.connect((where.host, where.port or 80))
        asked = (
            f"GET {path} HTTP/1.1\r\nHost: gateway\r\nAccept: {accept}\r\nAuthorization: Bearer {here.token()}\r\n\r\n"
        )
        self._socket.sendall(asked.encode())
        self.received = b""

    def read(self, size: int) -> None:
        """Read until so many bytes have come, head and all, or nothing more comes."""
        while len(self.received) < size:
            piece = self._socket.recv(65536)
            if not piece:
                return
            self.received += piece

    def leave(self) -> None:
        """Close the connection in the middle."""
        self._socket.close()
