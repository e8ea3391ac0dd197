"""Running the service on a real port: for a ``with`` block in a test, or until it is told to stop.

The socket is bound before the server starts, so that a busy port is an error of ours with the port in it, and
port 0 gives a free one whose number is known at once.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from sample_source.app import SampleSource, Source

LOOPBACK = "127.0.0.1"
#: Seconds that a server is given to start or to stop.
PATIENCE = 60.0


class PortBusyError(OSError):
    """Something else listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"{host}:{port} is in use by another program")
        self.host, self.port = host, port


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers: its address, and its state with what it saw."""

    base_url: str
    port: int
    source: Source
    server: uvicorn.Server

    def stop(self) -> None:
        """Begin to stop; the block's end waits until it has."""
        self.server.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises :class:`PortBusyError`, or :class:`OSError` for an unusable address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusyError(host, port) from error
        raise
    return listener


def server(app: SampleSource) -> uvicorn.Server:
    """A server that logs nothing by itself and waits for nobody when it stops."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


@contextmanager
def serving(app: SampleSource, port: int = 0) -> Iterator[Served]:
    """Serve on a loopback port in a thread until the block ends; port 0 takes a free one."""
    listener = bind(LOOPBACK, port)
    bound = int(listener.getsockname()[1])
    running = server(app)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        # The socket listens already: a request that comes before the server is up waits in the backlog.
        yield Served(f"http://{LOOPBACK}:{bound}", bound, app.source, running)
    finally:
        running.should_exit = True
        thread.join(PATIENCE)
        listener.close()
