"""Keep the garbage collector's long pauses out of answers.

What a running gateway holds lives long: modules, a compiled policy set, remembered decisions, hundreds of thousands of
objects. CPython's collector walks all of them in every full collection, 100 to 250 ms in which nobody is answered, and
does so again and again while they grow. Here what has survived a full collection is set aside (``gc.freeze``), so that
the next one looks only at what came since.

What was set aside and dies later is freed at once, by its count of references, unless it is part of a cycle. A cycle
among what was set aside, an old policy set say, waits for one collection in :data:`WHOLE`, which looks at everything.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = (10_000, 20, 10)
"""Thresholds: objects made and not freed until a young collection, young ones until a middle one, middle ones until a
full one.
"""

WHOLE = 256
"""One full collection in so many looks at everything."""


class SetAside:
    """A collector's callback that sets aside what survived a full collection; see the head of this file."""

    def __init__(self) -> None:
        self._collected = 0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Called by the collector at the start and the end of each collection."""
        if info["generation"] != 2:
            return
        if phase == "start":
            self._collected += 1
            if self._collected % WHOLE == 0:
                gc.unfreeze()
        else:
            gc.freeze()


@contextmanager
def kept_short() -> Iterator[None]:
    """Keep the collector's pauses short in this process while the block lasts."""
    before, setting = gc.get_threshold(), SetAside()
    gc.callbacks.append(setting)
    gc.set_threshold(*YOUNG)
    try:
        yield
    finally:
        gc.callbacks.remove(setting)
        gc.set_threshold(*before)
        gc.unfreeze()
