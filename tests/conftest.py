"""For all tests: random cases have no time limit, because how long one takes says nothing of whether it is right, and
are the same in each run unless EXPLORE asks for others, so that a run tells of a change and not of luck; temporary
folders lie in memory where there is room, because most tests write a log and wait for each sync; and no proxy of the
machine's stands before loopback.

The modules and the thousands of collected tests live as long as the process. The garbage collector walked all of them
in every full collection, a quarter of the suite's processor time, and so is kept away from them.
"""

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from gateway.http.pauses import YOUNG
from tests.support.memory import place_in_memory

ROOM = 4 << 30
"""Bytes that must be free in memory: the folders of three runs, which pytest keeps, many times over."""

settings.register_profile(
    "no-clock",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize=not os.environ.get("EXPLORE"),
)
settings.load_profile("no-clock")
for _proxy in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[_proxy]


def pytest_configure(config: pytest.Config) -> None:
    """Choose where temporary folders lie, unless the caller did."""
    memory = place_in_memory(ROOM, runs=True)
    if memory is not None and config.option.basetemp is None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage among tests that are being collected; then set them aside, and look for garbage no oftener
    than a gateway does.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*YOUNG)
        gc.enable()


@pytest.fixture(scope="module")
def uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile, for tests that parse Python: a collection that meets a forgotten connection has its
    warning's traceback formatted, which parses too, and CPython 3.11 ends the parse that it came into in a SystemError
    (python/cpython#106905).
    """
    gc.collect()
    gc.disable()
    yield
    gc.enable()
