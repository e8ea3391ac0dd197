"""A gateway in a process of its own, to be killed: served by the real server from a settings file.

Processes are forked from one that has imported everything already (multiprocessing's fork server), so that a start
takes a fraction of a second and twenty of them are no long test.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import structlog

from gateway.http.server import serve
from gateway.service import Service
from gateway.settings import load
from tests.system.acting import Clock

_CONTEXT = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Process:
    """A running gateway; ``url`` is where it answers."""

    url: str
    running: BaseProcess

    def kill(self) -> None:
        """End it as a power cut does (SIGKILL), and wait until it is gone."""
        self.running.kill()
        self.running.join()

    def stop(self) -> None:
        """End it in order (SIGTERM), and wait until it is gone."""
        self.running.terminate()
        self.running.join()


@contextmanager
def started(config: Path, **changed: object) -> Iterator[Process]:
    """Start a gateway from a settings file and wait until it answers."""
    with begun(config, **changed) as (running, told):
        yield Process(told.recv(), running)


@contextmanager
def begun(config: Path, **changed: object) -> Iterator[tuple[BaseProcess, Connection]]:
    """Begin to start a gateway: its process, and where it will tell its address; at the block's end it is gone."""
    _CONTEXT.set_forkserver_preload([__name__])
    here, there = _CONTEXT.Pipe(duplex=False)
    running = _CONTEXT.Process(target=_run, args=(config, changed, there), daemon=True)
    running.start()
    there.close()
    try:
        yield running, here
    finally:
        running.kill()
        running.join()
        here.close()


def _run(config: Path, changed: dict[str, object], tell: Connection) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)

    def say(_server: object, _service: Service, url: str) -> None:
        tell.send(url)

    serve(load(config).settings.model_copy(update={"step_ms": 0} | changed), say, Clock())
