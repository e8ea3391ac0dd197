"""A question that was denied: who asked, for what, and every reason against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.policy.decision import Facts, LabelDoubt
from gateway.policy.policyset import PolicySet
from gateway.policy.schemes import Marked

LONGER = timedelta(days=366)
"""How much longer an agreement or condition is made to last than the question that it would have answered."""

Changed = tuple[PolicySet, str]
"""A set with one change carried out on a copy, and the change in words."""


@dataclass(frozen=True, slots=True)
class Denied:
    """A question and why it was denied (``gate:code``). ``label`` and ``facts`` are missing where the caller itself was
    refused; ``day`` is the label's.
    """

    partner: str
    system: str
    dataset: str
    purpose: str
    at: datetime
    reasons: tuple[str, ...]
    label: Marked | LabelDoubt | None = None
    facts: Facts | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The reason codes, each once, in gate order."""
        return tuple(dict.fromkeys(reason.partition(":")[2] for reason in self.reasons))

    @property
    def day(self) -> datetime:
        """The first instant of the day it was asked on, UTC."""
        return self.at.replace(hour=0, minute=0, second=0, microsecond=0)
