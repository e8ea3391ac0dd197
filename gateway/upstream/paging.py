"""Where a partner's page begins upstream: offsets count releasable records, so somebody must remember the way.

A partner's ``firstResult`` counts records *it may have*; the source's counts all. To find the source's offset for a
partner's offset, the gateway walks the collection from a place it knows. This memory holds such places: "the first
``released`` releasable records of this walk all stand before source offset ``offset``, the last of them directly".

The memory is a hint. It may be lost at any time: a walk from the beginning finds the same place, since a place is
only remembered under a key that holds everything the walk depends on (policy, stops, subject, purpose, query), and
only believed while the same record stands before it (``behind``), and while every decision that was made on the way
would come out the same (``until``): when a delay passes or an agreement ends, the way is counted anew. Places are
forgotten after ``seconds`` besides, because records may change where they stand.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Place:
    """``released`` releasable records stand before the source's record number ``offset``.

    ``behind`` is the identifier of the last of them, the record just before; ``None`` where there is none. ``until`` is
    the first instant at which a decision about any record before the place may come out otherwise; ``None`` is never.
    """

    released: int = 0
    offset: int = 0
    behind: str | None = None
    until: datetime | None = None

    def stands(self, at: datetime) -> bool:
        """Whether the decisions it was counted by still hold."""
        return self.until is None or at < self.until


@dataclass(slots=True)
class _Walk:
    """The places of one walk by their ``released``, least recently used first."""

    begun: datetime
    places: OrderedDict[int, Place] = field(default_factory=OrderedDict)


class PagingMemory:
    """A bounded memory of places, least recently used first out, so that several who walk the same way at different
    places, or one who begins again, each keep where they are.
    """

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
        places = (place for place in walk.places.values() if place.released <= released and place.stands(at))
        before = max((place.released for place in places), default=None)
        if before is None:
            return Place()
        walk.places.move_to_end(before)
        return walk.places[before]

    def remember(self, key: Hashable, place: Place, at: datetime) -> None:
        """Keep a place for the next page; the places and walks used longest ago make room."""
        walk = self._walks.get(key)
        if walk is None or at - walk.begun > self._keep:
            walk = self._walks[key] = _Walk(at)
        self._walks.move_to_end(key)
        walk.places[place.released] = place
        walk.places.move_to_end(place.released)
        while len(walk.places) > self._most_places:
            walk.places.popitem(last=False)
        while len(self._walks) > self._most_walks:
            self._walks.popitem(last=False)
