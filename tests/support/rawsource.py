"""A source on loopback that answers every request with the very bytes it is told, framing and all."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class RawSource:
    """``says`` is sent for each request; then the connection is kept, or closed if ``closes``. ``asked``: the heads."""

    says: bytes = b""
    closes: bool = True
    url: str = ""
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def raw_source() -> Iterator[RawSource]:
    """The source, until the block ends."""
    source = RawSource()

    class Handler(socketserver.StreamRequestHandler):
        timeout = 30

        def handle(self) -> None:
            with suppress(OSError):
                while head := self._head():
                    source.asked.append(head)
                    self.wfile.write(source.says)
                    self.wfile.flush()
                    if source.closes:
                        return

        def _head(self) -> bytes:
            head = b""
            while line := self.rfile.readline(65_536):
                head += line
                if line in (b"\r\n", b"\n"):
                    return head
            return b""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is what is under test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        source.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield source
        server.shutdown()
