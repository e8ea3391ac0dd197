"""Waiting for what must come, however slow the machine is; and a port that nobody else is given meanwhile.

Two kinds of waits are in the tests. What must come is waited for here, and its bound is only there so that a failing
test ends. What must *not* come is waited for by a short sleep beside: on a slow machine that can miss a fault, and
never sees one that is not there.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

PATIENCE = 300.0
"""Seconds after which what has not come is taken never to come. Only a test that fails waits so long."""
STEP = 0.01

Found = TypeVar("Found")


def until(look: Callable[[], Found], missing: str) -> Found:
    """What ``look`` finds, once it finds something; fails with ``missing`` if it never does."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, missing
        time.sleep(STEP)
    return found


async def come(look: Callable[[], Found], missing: str) -> Found:
    """The same on an event loop, which goes on meanwhile."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, missing
        await asyncio.sleep(STEP)
    return found


def happens(event: threading.Event, missing: str) -> None:
    """Wait for an event that must come."""
    assert event.wait(PATIENCE), missing


@contextmanager
def held_port() -> Iterator[int]:
    """A loopback port on which nobody listens, and which the system gives to nobody else while the block lasts.

    Whoever is told its number can listen on it, by SO_REUSEADDR; until then whoever connects is refused.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
