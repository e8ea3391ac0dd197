"""A partner cannot tell a source that holds what is withheld from it from one that never did."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.system.expect import Asker
from tests.system.two_sources import ASKERS, Request, Twosome, draw, twosome

REQUESTS = 40
"""Requests of each asker; ``make silence`` draws thousands."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twosome]:
    with twosome(tmp_path_factory.mktemp("two"), tmp_path_factory.mktemp("two-keys"), 120) as made:
        yield made


@pytest.mark.parametrize("asker", ASKERS, ids=str)
def test_nothing_that_is_observed_tells_whether_withheld_records_exist(both: Twosome, asker: Asker) -> None:
    both.hold_for(asker)
    rng = random.Random(f"two sources for {asker}")
    for _ in range(REQUESTS):
        assert both.difference(draw(rng, both.tables, asker), asker) == ""


@pytest.mark.parametrize("asker", ASKERS, ids=str)
def test_walking_all_pages_tells_nothing_whatever_their_size(both: Twosome, asker: Asker) -> None:
    both.hold_for(asker)
    accept = "Accept: application/jose" if asker.sealed else "Accept: application/json"
    for size in (1, 7, 50):
        for first in range(0, 130, max(size, 40)):
            target = f"/udl/elset?epoch=%3E2000-01-01&firstResult={first}&maxResults={size}"
            assert both.difference(Request("GET", target, (accept,)), asker) == ""


def test_the_comparison_would_notice_a_record_more(both: Twosome) -> None:
    asker = ASKERS[1]
    both.hold_for(asker)
    both.full.here.source.hold(both.lean.here.source.tables)
    held = dict(both.lean.here.source.tables.records)
    held["elset"] = held["elset"][1:]
    both.lean.here.source.hold(type(both.tables)(held))
    request = Request("GET", "/udl/elset/count?epoch=%3E2000-01-01", ("Accept: application/json",))
    assert "body" in both.difference(request, asker)
