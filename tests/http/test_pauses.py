"""The collector's pauses stay short, and what was set aside is looked at again in the end."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from demo.stage import Stage
from gateway.http import pauses
from gateway.http.server import serve
from gateway.service import Service
from gateway.settings.model import Settings
from tests.support.running import POLICIES


class Knot:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _set_aside_again() -> Iterator[None]:
    """What tests/conftest.py set aside, and these tests take back."""
    yield
    gc.freeze()


def test_what_survives_a_full_collection_is_not_walked_by_the_next() -> None:
    with pauses.kept_short():
        gc.collect()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000


def test_a_cycle_that_was_set_aside_is_freed_by_the_next_collection_of_everything() -> None:
    with pauses.kept_short():
        knot = Knot()
        freed = weakref.ref(knot)
        gc.collect()
        del knot
        collections = 0
        while freed() is not None:
            gc.collect()
            collections += 1
        assert 1 <= collections <= pauses.WHOLE


def test_a_cycle_made_since_is_freed_by_the_very_next_full_collection() -> None:
    with pauses.kept_short():
        gc.collect()
        freed = weakref.ref(Knot())
        gc.collect()
        assert freed() is None


def test_the_collector_is_as_it_was_once_the_server_has_ended() -> None:
    before = (gc.get_threshold(), list(gc.callbacks))
    with pauses.kept_short():
        assert gc.get_threshold() == pauses.YOUNG
        gc.collect()
    assert (gc.get_threshold(), list(gc.callbacks)) == before
    assert gc.get_freeze_count() == 0


def thresholds_while_it_serves(settings: Settings) -> tuple[int, int, int]:
    seen = []

    def started(server: uvicorn.Server, _service: Service, _url: str) -> None:
        seen.append(gc.get_threshold())
        server.should_exit = True

    serve(settings, started)
    return seen[0]


def test_a_server_sets_the_collector_only_in_a_process_of_its_own(tmp_path: Path, keys: Path) -> None:
    settings = Stage(tmp_path / "var", keys, POLICIES).prepare("http://127.0.0.1:1")
    before, beside = (701, 11, 11), []
    was = gc.get_threshold()
    gc.set_threshold(*before)
    try:
        assert thresholds_while_it_serves(settings) == pauses.YOUNG
        thread = threading.Thread(target=lambda: beside.append(thresholds_while_it_serves(settings)))
        thread.start()
        thread.join()
        assert beside == [before]
    finally:
        gc.set_threshold(*was)
