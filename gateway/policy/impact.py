"""Which answers a new policy set would turn, and which way.

1. A question is put to both sets; what differs is a *flip*. ``gained``: withheld, then released. ``lost``: the other
   way. ``loosened``: released by both, and some field now tells more, or fewer witnesses are demanded. ``tightened``:
   released by both, and neither. ``unsure``: what was recorded does not hold what the new rules read, so that nobody
   can tell.
2. Every doubt counts as a widening: obligations that cannot be compared are loosened, and ``unsure`` widens.
3. Every flip is counted; only examples are thinned out (the first few of each group are kept).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.policy.decision import Decision, Obligations
from gateway.policy.telling import coarser, same_form, tells_no_more, touched, witnessed

EXAMPLES = 3
"""Examples kept of each group of flips."""


class Flip(enum.StrEnum):
    """How an answer turns."""

    GAINED = "gained"
    LOOSENED = "loosened"
    UNSURE = "unsure"
    TIGHTENED = "tightened"
    LOST = "lost"

    @property
    def widens(self) -> bool:
        """Whether a partner may get more than before."""
        return self in (Flip.GAINED, Flip.LOOSENED, Flip.UNSURE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One set's answer. ``unsure`` when what was recorded does not suffice; ``until``: it stays true up to then."""

    permitted: bool
    obligations: Obligations
    reasons: tuple[str, ...] = ()
    until: datetime | None = None
    unsure: bool = False

    @classmethod
    def of(cls, decision: Decision) -> Verdict:
        """A decision's."""
        return cls(decision.permitted, decision.obligations, decision.reasons, decision.stays_true_until)


REFUSED = Verdict(False, Obligations(), ("agreement:partner_unknown",))
"""What a set answers that no longer knows the partner, the system or the dataset."""


def flip(was: Verdict, now: Verdict) -> Flip | None:
    """How the answer turns, or ``None`` when it does not."""
    if now.unsure and not was.permitted:
        return Flip.UNSURE
    if was.permitted is not now.permitted:
        return Flip.GAINED if now.permitted else Flip.LOST
    if not was.permitted or same_form(was.obligations, now.obligations):
        return None
    return Flip.TIGHTENED if tells_no_more(was.obligations, now.obligations) else Flip.LOOSENED


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Flips told together: whose, which way, of which dataset and where the question came from."""

    partner: str
    flip: Flip
    dataset: str
    origin: str


@dataclass(slots=True)
class Found:
    """How many flips a group has, and some of them in words."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Impact:
    """Everything that was asked and every flip that was found."""

    asked: dict[str, int] = field(default_factory=dict)
    groups: dict[Group, Found] = field(default_factory=dict)

    def note(self, origin: str, partner: str, dataset: str, was: Verdict, now: Verdict, said: str) -> Flip | None:
        """Count one question; ``said`` describes it, if it should be kept as an example."""
        self.asked[origin] = self.asked.get(origin, 0) + 1
        turned = flip(was, now)
        if turned is not None:
            found = self.groups.setdefault(Group(partner, turned, dataset, origin), Found())
            found.count += 1
            if len(found.examples) < EXAMPLES:
                found.examples.append(f"{said}: {_why(was, now, turned)}")
        return turned

    @property
    def widens(self) -> bool:
        """Whether any flip may give a partner more."""
        return any(group.flip.widens for group in self.groups)

    def by_partner(self) -> Mapping[str, Mapping[Flip, int]]:
        """How many flips of each way each partner has, sorted by partner."""
        counted: dict[str, dict[Flip, int]] = {}
        for group in sorted(self.groups):
            counts = counted.setdefault(group.partner, dict.fromkeys(Flip, 0))
            counts[group.flip] += self.groups[group].count
        return counted


def _why(was: Verdict, now: Verdict, turned: Flip) -> str:
    if turned is Flip.GAINED:
        return f"was withheld by {', '.join(was.reasons)}"
    if turned is Flip.LOST:
        return f"would be withheld by {', '.join(now.reasons)}"
    if turned is Flip.UNSURE:
        return "the log does not hold what the new rules read"
    paths = touched(was.obligations, now.obligations)
    looser = sorted(path for path in paths if not coarser(was.obligations, now.obligations, path))
    if not paths:
        if was.obligations.witnesses != now.obligations.witnesses:
            return f"witnesses: {witnessed(was.obligations.witnesses)} becomes {witnessed(now.obligations.witnesses)}"
        return "other fields may go, or another watermark is written"
    changed = looser or sorted(paths)
    return f"{'more' if looser else 'less'} of {', '.join(changed[:4])}"
