"""Run the partner API on a socket: bind first, open the service, answer until told to stop, close in order.

SIGHUP activates the policy set that is on disk (a refusal leaves what is in force). SIGINT and SIGTERM stop taking
requests, finish those under way and close the log.

What belongs to the whole process, SIGHUP and the garbage collector, is set only by a server in the main thread: there
the process is the gateway's own.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import structlog
import uvicorn
import uvloop

from gateway.activation.running import Clock
from gateway.http.app import build_app
from gateway.http.metrics import LOOPBACK, Metrics
from gateway.http.pauses import kept_short
from gateway.http.protocol import HEAD_BYTES, Limits, protocol_within
from gateway.http.strangers import Strangers
from gateway.keys.atrest import Keeping
from gateway.service import Service, keeping, now, open_service, reload_policy
from gateway.settings.model import Settings

DRAIN_SECONDS = 30
logger = structlog.get_logger("gateway.http.server")


@dataclass(eq=False, slots=True)
class AddressBusy(Exception):
    """The address cannot be listened on: ``host``, ``port``, and the system's ``reason``."""

    host: str
    port: int
    reason: str

    def __str__(self) -> str:
        return f"cannot listen on {self.host}:{self.port}: {self.reason}"


Started = Callable[[uvicorn.Server, Service, str], None]
"""Told once, when requests can come: the server, its service, and the address it listens on."""


def bind(host: str, port: int) -> socket.socket:
    """Take the address before anything else is opened; raises :class:`AddressBusy`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except OSError as error:
        listener.close()
        raise AddressBusy(host, port, error.strerror or str(error)) from error
    return listener


def serve(settings: Settings, started: Started, clock: Clock = now, kept: Keeping | None = None) -> None:
    """Serve until stopped. ``kept`` is how private files are kept; by default as the settings say.

    Raises:
        AddressBusy: somebody else listens there.
        LogUnavailable, KeyFileRefused: the service cannot be opened; nothing is served.
    """
    kept = keeping(settings) if kept is None else kept
    listener = bind(settings.host, settings.port)
    pauses = kept_short() if _process_is_ours() else nullcontext()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pauses:
        runner.run(_serve(settings, listener, started, clock, kept))


async def _serve(settings: Settings, listener: socket.socket, started: Started, clock: Clock, kept: Keeping) -> None:
    async with open_service(settings, clock, kept) as service:
        if _process_is_ours():
            gc.collect()  # so that what is in force is set aside before anybody asks
        strangers = Strangers(service.log, clock)
        metrics = _metrics(service, settings.metrics_port)
        config = uvicorn.Config(
            build_app(service),
            log_config=None,
            access_log=False,
            server_header=False,
            http=protocol_within(_limits(settings, strangers)),
            h11_max_incomplete_event_size=HEAD_BYTES,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            ssl_keyfile_password=kept.tls_password,
        )
        server = uvicorn.Server(config)
        if _process_is_ours():
            _reload_on_hangup(service)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            started(server, service, f"{settings.scheme}://{shown}:{port}")
        try:
            await serving
        finally:
            if metrics is not None:
                await asyncio.to_thread(metrics.close)
            await strangers.close()


def _process_is_ours() -> bool:
    return threading.current_thread() is threading.main_thread()


def _metrics(service: Service, port: int | None) -> Metrics | None:
    """The operators' port, where one is set; raises :class:`AddressBusy`."""
    if port is None:
        return None
    try:
        metrics = Metrics(service, port)
    except OSError as error:
        raise AddressBusy(LOOPBACK, port, error.strerror or str(error)) from error
    logger.info("metrics", url=f"http://{LOOPBACK}:{metrics.port}")
    return metrics


def _limits(settings: Settings, strangers: Strangers) -> Limits:
    http = settings.http
    return Limits(http.header_seconds, http.body_seconds, http.stall_seconds, http.max_connections, strangers.note)


def _reload_on_hangup(service: Service) -> None:
    loop = asyncio.get_running_loop()
    reloading: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        activated = await asyncio.to_thread(reload_policy, service)
        logger.info("policy-reloaded" if activated else "policy-refused", signal="SIGHUP")

    def begin() -> None:
        task = loop.create_task(reload())
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    loop.add_signal_handler(signal.SIGHUP, begin)
