"""The collector's pauses stay short, and what was set aside is looked at again in the end."""

from __future__ import annotations

import gc
import weakref

from gateway.http import pauses


class Knot:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


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
