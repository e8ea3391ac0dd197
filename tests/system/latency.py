"""Do two kinds of answers take the same time? What can be said, and how small a difference would have been seen.

Two samples taken in turns are compared by the rank-sum test of Mann and Whitney (in its normal approximation, which
suffices from some twenty values on), and by the difference of their medians. How well that difference is known comes
from resampling each sample with replacement (the bootstrap): its standard error gives the interval, and the smallest
difference that this many measurements would have shown in four cases of five.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median, pstdev

LEVEL = 0.01
POWER = 0.8
RESAMPLES = 400
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Compared:
    """Two samples compared; every time is in milliseconds. ``difference`` is the second's median less the first's.

    ``least`` is the smallest difference that would have been seen: at the level of 1 %, with a chance of 80 %.
    """

    medians: tuple[float, float]
    difference: float
    error: float
    p: float
    size: int

    @property
    def interval(self) -> tuple[float, float]:
        """Where the difference lies, with a confidence of 99 %."""
        half = _NORMAL.inv_cdf(1 - LEVEL / 2) * self.error
        return self.difference - half, self.difference + half

    @property
    def least(self) -> float:
        """See the class."""
        return (_NORMAL.inv_cdf(1 - LEVEL / 2) + _NORMAL.inv_cdf(POWER)) * self.error

    def exceeds(self, bound: float) -> bool:
        """Whether the difference is certainly (99 %) larger than a bound, one way or the other."""
        low, high = self.interval
        return low > bound or high < -bound


def compare(one: Sequence[float], other: Sequence[float], rng: random.Random) -> Compared:
    """Compare two samples of times in milliseconds."""
    apart = [median(rng.choices(other, k=len(other))) - median(rng.choices(one, k=len(one))) for _ in range(RESAMPLES)]
    medians = median(one), median(other)
    return Compared(medians, medians[1] - medians[0], pstdev(apart), rank_sum(one, other), len(one) + len(other))


def rank_sum(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely samples this far apart in rank are when both are drawn alike (two-sided)."""
    ordered = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks, tied, place = 0.0, 0, 0
    while place < len(ordered):
        end = place
        while end < len(ordered) and ordered[end][0] == ordered[place][0]:
            end += 1
        ranks += sum(which == 0 for _, which in ordered[place:end]) * (place + 1 + end) / 2
        tied += (end - place) ** 3 - (end - place)
        place = end
    first, second = len(one), len(other)
    whole = first + second
    mean = first * (whole + 1) / 2
    spread = math.sqrt(first * second / 12 * (whole + 1 - tied / (whole * (whole - 1))))
    return 1.0 if spread == 0 else 2 * (1 - _NORMAL.cdf(abs(ranks - mean) / spread))
