"""A source on a socket of the test's own loop: it holds records in an order, and hands out pages of them.

Small enough that a property test can ask it thousands of times; it may change between two pages.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from gateway.policy.shape import RecordShape
from gateway.upstream.client import Source, Upstream
from gateway.walking import Collection

SHAPE = RecordShape(identifier="id", marking="classificationMarking", date="createdAt")
COLLECTION = Collection("udl", "/udl/thing", (), "id,ASC", SHAPE)
OWN_ORDER = Collection("udl", "/udl/thing", (), "size,DESC,id,ASC", SHAPE, named_by="name", at_once=3)
"""The same in an order of the partner's own, which may keep records that share an identifier apart."""


def record(identifier: str, **members: object) -> bytes:
    """A record's bytes: sound unless ``members`` say otherwise."""
    ours = {"id": identifier, "classificationMarking": "U", "createdAt": "2026-01-01T00:00:00Z"}
    return json.dumps(ours | members, separators=(",", ":")).encode()


@dataclass(slots=True)
class Shelf:
    """``records`` in the source's order. ``asked`` are the (offset, size) of every page, ``named`` what was asked for
    by identifiers; ``before_page`` may change it.

    ``single`` is what it answers with by identifier; empty for not found.
    """

    records: Sequence[bytes]
    single: bytes = b""
    asked: list[tuple[int, int]] = field(default_factory=list)
    named: list[Sequence[str]] = field(default_factory=list)
    before_page: Callable[[Shelf], None] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer pages until the connection ends."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                query = urlsplit(head.split(b" ", 2)[1].decode()).query
                body = self._page(dict(parse_qsl(query))) if query else self.single
                status = b"200 OK" if body else b"404 Not Found"
                lines = (b"HTTP/1.1 " + status, b"Content-Type: application/json", b"Content-Length: %d" % len(body))
                writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _page(self, said: dict[str, str]) -> bytes:
        first, most = int(said["firstResult"]), int(said["maxResults"])
        if "name" in said:
            return self._named(said["name"].split(","), most)
        self.asked.append((first, most))
        if self.before_page is not None:
            self.before_page(self)
        return b"[" + b",".join(self.records[first : first + most]) + b"]"

    def _named(self, names: Sequence[str], most: int) -> bytes:
        """The records of these identifiers, in the order of identifiers."""
        self.named.append(names)
        held = [(json.loads(raw).get("id"), raw) for raw in self.records if raw.startswith(b"{")]
        found = sorted((name, raw) for name, raw in held if name in names)
        return b"[" + b",".join(raw for _, raw in found[:most]) + b"]"


@asynccontextmanager
async def serving(shelf: Shelf) -> AsyncIterator[Upstream]:
    """The client of a source that serves this shelf."""
    server = await asyncio.start_server(shelf.serve, "127.0.0.1")
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Upstream({"udl": Source("udl", address, "token")}) as opened:
        yield opened
