"""An issuer's key address on loopback that answers with whatever bytes it is told, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def answer(body: bytes, head: bytes = OK) -> bytes:
    """A whole answer."""
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@dataclass(slots=True)
class HostileServer:
    """``says`` is sent at once; then ``drips``, a byte at a time, until the client has had enough."""

    says: bytes = b""
    drips: bytes = b""
    port: int = 0
    asked: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the set."""
        return f"http://127.0.0.1:{self.port}/jwks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.says)
            await writer.drain()
            for byte in self.drips:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.02)
        with suppress(ConnectionError):
            writer.close()


@asynccontextmanager
async def serving(server: HostileServer, tls: ssl.SSLContext | None = None) -> AsyncIterator[HostileServer]:
    """The server on a free port."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
