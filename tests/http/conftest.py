"""One gateway for each module of tests, its log lines kept, its source sound again after each test."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gateway import logs
from gateway.settings.model import LogFormat, LogLevel
from tests.support.loopback import Loopback, loopback


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of everybody; making them takes longer than starting a gateway."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def log_lines() -> Iterator[io.StringIO]:
    """Every log line written while the module's gateway runs."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    logs.configure(LogLevel.DEBUG, LogFormat.JSON, stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, keys: Path, log_lines: io.StringIO) -> Iterator[Loopback]:
    """The module's gateway."""
    with loopback(tmp_path_factory.mktemp("gateway") / "var", keys) as running:
        yield running


@pytest.fixture
def here(shared: Loopback) -> Iterator[Loopback]:
    """The module's gateway, before a sound source that has seen nothing yet."""
    shared.source.fault = None
    shared.source.seen.clear()
    yield shared
    shared.source.fault = None
