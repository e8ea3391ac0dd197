"""The comparison of times sees a difference that is there, none that is not, and knows how small a one it would see."""

from __future__ import annotations

import random

from tests.system.latency import compare, rank_sum


def sample(rng: random.Random, size: int, shift: float = 0.0) -> list[float]:
    """Times as answers take them: most near three milliseconds, some much longer."""
    return [3 + shift + rng.expovariate(2) + (10 * rng.random() if rng.random() < 0.02 else 0) for _ in range(size)]


def test_a_difference_a_little_larger_than_the_least_that_can_be_seen_is_seen() -> None:
    seen = 0
    for seed in range(20):
        rng = random.Random(seed)
        alike = compare(sample(rng, 400), sample(rng, 400), rng)
        apart = compare(sample(rng, 400), sample(rng, 400, shift=1.3 * alike.least), rng)
        seen += apart.interval[0] > 0 and apart.p < 0.01
    assert seen >= 16


def test_where_there_is_no_difference_none_is_found_but_by_the_chance_that_was_allowed() -> None:
    found = [compare(sample(rng, 300), sample(rng, 300), rng).exceeds(0) for rng in map(random.Random, range(40))]
    assert sum(found) <= 3


def test_ranks_that_are_all_tied_or_turned_round_are_judged_as_they_should_be() -> None:
    assert rank_sum([1.0] * 9, [1.0] * 9) == 1.0
    assert rank_sum(list(map(float, range(30))), list(map(float, range(30)))) > 0.9
    assert rank_sum(list(map(float, range(30))), list(map(float, range(30, 60)))) < 1e-6
