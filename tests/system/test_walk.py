"""Walking all pages with the unmodified public SDK gives exactly the releasable records, each once, in order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system.acting import Acting
from tests.system.expect import Asker, Wanted
from tests.system.walks import AUS, COMPANY, DATASETS, DEU, GBR, GBR_PLAIN, HAS, JPN, NATO, SIZES, wrong_with_walk

Walk = tuple[Asker, str, int]
EVERY_SIZE: list[Walk] = [
    *((JPN, dataset, size) for dataset in DATASETS for size in SIZES),
    *((GBR_PLAIN, dataset, size) for dataset in DATASETS for size in SIZES),
    *((COMPANY, "elset", size) for size in SIZES),
]
SOME_SIZES: list[Walk] = [
    (asker, dataset, size) for asker in (GBR, DEU, AUS, NATO) for dataset in HAS[asker.partner] for size in (7, 10_000)
]


@pytest.mark.parametrize(("asker", "dataset", "size"), [*EVERY_SIZE, *SOME_SIZES], ids=str)
def test_all_pages_together_are_exactly_the_releasable_records(
    act: Callable[[Asker], Acting], wanted: Wanted, asker: Asker, dataset: str, size: int
) -> None:
    assert wrong_with_walk(act(asker), dataset, size, wanted(asker, dataset)) == []
