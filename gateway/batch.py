"""One chunk in the making: the records that go, those withheld on the way, and the admission they were judged under.

What is withheld is for the entry alone. An entry lists so many withheld records one by one (:data:`LISTED`); of any
further ones it says how many, under which marking and for which reasons. So the memory that a chunk takes does not
grow with what is withheld between two records that go, and where the chunk ends still depends on what goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec

from gateway.admission import Admitted
from gateway.policy.schemes import LONGEST_LABEL
from gateway.transforming import NOTHING, Picked

LISTED = 8192
"""Most withheld records that one chunk's entry lists one by one."""

LISTED_BYTES = 32 * 1024 * 1024
"""Bytes of withheld records beyond which none is listed: what is kept of one may be as long as its marking is."""

_KINDS = 1000
"""Most pairs of a marking and reasons that the further ones are counted by; the rest are counted without a marking."""

Readmit = Callable[[], Awaitable[Admitted]]
"""Admits the caller again, at this moment: before each chunk but the first, and when a chunk is whole."""


@dataclass(frozen=True, slots=True)
class Content:
    """One chunk's bytes, ready to be sealed: its media type and its roll-up label as a banner line."""

    body: bytes
    media_type: str
    label: str


@dataclass(slots=True)
class Batch:
    """What one chunk is made of: the records that go, those withheld on the way, and the case they were judged in.

    ``counted`` is how many releasable records a count found. ``number`` counts the answer's chunks from 0; ``before``
    the records that went in earlier ones. ``summed`` counts withheld records that are not in ``withheld`` any more,
    by marking and reasons. ``content`` is there when the checker has read the final bytes already.
    """

    admitted: Admitted
    number: int = 0
    before: int = 0
    going: list[Picked] = field(default_factory=list)
    withheld: list[Picked] = field(default_factory=list)
    summed: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    counted: int = 0
    last: bool = False
    content: Content | None = None
    _listed_bytes: int = 0

    @property
    def stayed(self) -> list[Picked]:
        """Everything that was judged and does not go: what is withheld, and what stays behind a tear line."""
        beside = [picked.beside for picked in (*self.going, *self.withheld) if picked.beside is not None]
        return self.withheld + beside

    def withhold(self, picked: Picked) -> None:
        """Note a withheld record, without its bytes."""
        room = LISTED if picked.waiting is None else 2 * LISTED  # officers find what waits for them by its row
        if len(self.withheld) < room and self._listed_bytes < LISTED_BYTES:
            self._listed_bytes += len(picked.view.raw)
            self.withheld.append(without_bytes(picked))
            return
        kind = ((picked.judged.evidence.marking or "")[: LONGEST_LABEL + 1], picked.judged.reasons)
        if kind not in self.summed and len(self.summed) >= _KINDS:
            kind = ("", picked.judged.reasons)
        self.summed[kind] += 1


def without_bytes(picked: Picked) -> Picked:
    """What an entry says of a withheld record, and no more."""
    view = msgspec.structs.replace(picked.view, raw=b"", values={})
    beside = None if picked.beside is None else without_bytes(picked.beside)
    return Picked(view, picked.judged, NOTHING, beside, picked.waiting)


def same_force(one: Admitted, other: Admitted) -> bool:
    """Whether both were admitted under the same policy set and the same standing orders."""
    return one.case.policy is other.case.policy and one.case.standing.number == other.case.standing.number
