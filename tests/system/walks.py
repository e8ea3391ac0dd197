"""One walk through all pages of a dataset, and everything in which it is not what the partner should get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.system.acting import Acting
from tests.system.compare import differences
from tests.system.expect import Asker, Permitted

DATASETS = ("elset", "statevector", "conjunction", "notification")
SIZES = (1, 2, 3, 7, 100, 10_000)
"""Page sizes; the last is more than all."""

JPN = Asker("JPN", "collision-avoidance")
GBR_PLAIN = Asker("GBR", "collision-avoidance", sealed=False)
GBR = Asker("GBR", "collision-avoidance")
DEU = Asker("DEU", "space-situational-awareness")
AUS = Asker("AUS", "collision-avoidance")
COMPANY = Asker("ORBITWATCH", "collision-avoidance")
NATO = Asker("NATO", "space-situational-awareness")

HAS = {
    "JPN": DATASETS,
    "GBR": DATASETS,
    "DEU": ("elset", "notification"),
    "AUS": ("elset", "conjunction", "notification"),
    "ORBITWATCH": ("elset",),
    "NATO": ("elset", "notification"),
}
"""The datasets of each partner that its purpose above opens."""


def wrong_with_walk(program: Acting, dataset: str, page: int, wanted: Sequence[Permitted]) -> list[str]:
    """Walk with this page size; every difference from the records wanted, in words."""
    names, received = program.walk(dataset, page)
    wrong = list(wrong_with_names(names, wanted))
    if not wrong:
        wrong += [each for raw, permitted in zip(received, wanted, strict=True) for each in _content(raw, permitted)]
    return wrong


def wrong_with_names(names: Sequence[str], wanted: Sequence[Permitted]) -> Iterator[str]:
    """Records withheld that should have come, released that should not, come twice, or out of order."""
    expected = [each.record.identifier for each in wanted]
    if names == expected:
        return
    yield from (f"{name} was released and may not be" for name in sorted(set(names) - set(expected)))
    yield from (f"{name} was withheld and may go" for name in sorted(set(expected) - set(names)))
    yield from (f"{name} came {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1)
    if sorted(names) == sorted(expected):
        yield "the records came in another order"


def _content(raw: bytes, wanted: Permitted) -> Iterator[str]:
    for wrong in differences(raw, wanted.record.abridged, wanted):
        yield f"{wanted.record.identifier} {wrong}"
