"""What partners asked for and did not get, gathered: by partner, dataset, label and deciding gates.

A *gap* is one such group. Every denial is counted in exactly one; only the questions kept to work out and weigh a
change are bounded. Nothing here changes a policy, and a gap is no reason to close it: most are as meant.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.policy.proposals import Step
from gateway.policy.remedies import Whose, remedy


class Standing(enum.StrEnum):
    """What could be done about a gap at all."""

    NEVER = "never"
    """No policy may release it: NOFORN, originator control without anybody to consent, classified for a company."""
    OTHERS = "others"
    """Somebody else must act and no policy need change: an originator, a source, the partner, or time."""
    POLICY = "policy"
    """A change of the policy set would release it, once whoever must agree has agreed."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A group of denials. ``marking`` is ``""`` where the caller itself was refused, or the record had none;
    ``reasons`` are all that stood against it (``gate:code``), in gate order.
    """

    partner: str
    dataset: str
    marking: str
    reasons: tuple[str, ...]

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates that refused, in their order."""
        return tuple(dict.fromkeys(reason.partition(":")[0] for reason in self.reasons))

    @property
    def never(self) -> bool:
        """Whether a reason stands that nobody may answer."""
        return any(remedy(reason.partition(":")[2]).whose is Whose.NOBODY for reason in self.reasons)


@dataclass(slots=True)
class Asked:
    """How often a gap was met, and when first and last."""

    count: int
    first: datetime
    last: datetime

    def again(self, at: datetime) -> None:
        """Count one more."""
        self.count += 1
        self.first, self.last = min(self.first, at), max(self.last, at)


@dataclass(frozen=True, slots=True)
class Else:
    """What a change would release besides the gap it is for: of the log's denials, and of the grid's questions."""

    log: int = 0
    grid: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One way to close a gap. ``releases`` counts those of its questions that, judged again, would be released: a
    change made for one of them need not fit them all. ``besides`` is missing where no policy would change.
    """

    steps: tuple[Step, ...]
    releases: int
    besides: Else | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """A gap with what could be done about it."""

    gap: Gap
    asked: Asked
    standing: Standing
    changes: tuple[Change, ...] = ()


@dataclass(slots=True)
class Gaps:
    """Everything that was gathered. ``decisions`` were looked at; ``closed`` of those denied then go under the set that
    is asked now, so they are no gap any more.
    """

    decisions: int = 0
    closed: int = 0
    gaps: dict[Gap, Asked] = field(default_factory=dict)

    def note(self, gap: Gap, at: datetime) -> bool:
        """Count one denial; whether it is the first of its gap."""
        known = self.gaps.get(gap)
        if known is not None:
            known.again(at)
            return False
        self.gaps[gap] = Asked(1, at, at)
        return True

    def ranked(self) -> list[Gap]:
        """All gaps, most asked first."""
        return sorted(self.gaps, key=lambda gap: (-self.gaps[gap].count, gap))

    def by_partner(self) -> Mapping[str, Mapping[bool, int]]:
        """For each partner how many denials no policy may answer (``True``) and how many others there are."""
        counted: dict[str, dict[bool, int]] = {}
        for gap, asked in sorted(self.gaps.items()):
            counts = counted.setdefault(gap.partner, {False: 0, True: 0})
            counts[gap.never] += asked.count
        return counted

    @property
    def denied(self) -> int:
        """How many denials are in a gap."""
        return sum(asked.count for asked in self.gaps.values())


def standing_of(gap: Gap, changes: tuple[Change, ...]) -> Standing:
    """What could be done about a gap, by the ways that were found."""
    if gap.never:
        return Standing.NEVER
    return Standing.POLICY if any(change.besides is not None for change in changes) else Standing.OTHERS


def said(change: Change, asked: int) -> Iterator[str]:
    """A change in words: each step with whose it is, how many of the ``asked`` questions would go, and what else."""
    for step in change.steps:
        yield f"{step.what} ({step.whose})"
    yield f"judged again, {change.releases:,} of {asked:,} would go"
    if change.besides is not None:
        yield f"besides, {change.besides.log:,} others of the log and {change.besides.grid:,} of the grid would go"
