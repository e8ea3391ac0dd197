"""Where a partner's page begins upstream: offsets count releasable records, so somebody must remember the way.

A partner's ``firstResult`` counts records *it may have*; the source's counts all. To find the source's offset for a
partner's offset, the gateway walks the collection from a place it knows. This memory holds such places: "the first
``released`` releasable records of this walk all stand before source offset ``offset``".

The memory is a hint. It may be lost at any time: a walk from the beginning finds the same place, since a place is
only remembered under a key that holds everything the walk depends on (policy, stops, subject, purpose, query).
Places are forgotten after ``seconds``, because the collection may grow and delays may pass.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """``released`` releasable records stand before the source's record number ``offset``."""

    released: int = 0
    offset: int = 0


@dataclass(slots=True)
class _Walk:
    begun: datetime
    places: list[Place] = field(default_factory=list)


class PagingMemory:
    """A bounded memory of places, least recently used first out."""

    def __init__(self, *, walks: int = 4096, places: int = 64, seconds: float = 300.0) -> None:
        self._walks: OrderedDict[Hashable, _Walk] = OrderedDict()
        self._most_walks = walks
        self._most_places = places
        self._keep = timedelta(seconds=seconds)

    def recall(self, key: Hashable, released: int, at: datetime) -> Place:
        """The furthest known place that has at most ``released`` releasable records before it."""
        walk = self._walks.get(key)
        if walk is None or at - walk.begun > self._keep:
            self._walks.pop(key, None)
            return Place()
        self._walks.move_to_end(key)
        position = bisect_right(walk.places, released, key=lambda place: place.released)
        return walk.places[position - 1] if position else Place()

    def remember(self, key: Hashable, place: Place, at: datetime) -> None:
        """Keep a place for the next page; the oldest places and walks make room."""
        walk = self._walks.get(key)
        if walk is None or at - walk.begun > self._keep:
            walk = self._walks[key] = _Walk(at)
        self._walks.move_to_end(key)
        position = bisect_right(walk.places, place.released, key=lambda known: known.released)
        if position and walk.places[position - 1].released == place.released:
            walk.places[position - 1] = place
        else:
            walk.places.insert(position, place)
        del walk.places[: max(0, len(walk.places) - self._most_places)]
        while len(self._walks) > self._most_walks:
            self._walks.popitem(last=False)
