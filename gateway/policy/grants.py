"""The rules of a partner file: what goes (grants, alerts, emergencies), what never does (denies), how much (volumes).

Alerts and emergencies are grants too: they let records go, under conditions of their own. Whatever a grant must keep
(agreement, ceiling, label, consent, channel, denies) they must keep as well.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from gateway.policy.dataset import Where
from gateway.policy.values import (
    Coarse,
    Duration,
    FieldName,
    LevelName,
    Moment,
    Slug,
    Some,
    Span,
    Strict,
    Text,
    even_span,
)
from gateway.policy.witnesses import WitnessesTable

REVIEW_LIMIT = timedelta(days=30)
"""Longest that a record may wait for a human release."""


class ReviewTable(Strict):
    """``review`` of a grant: officers release each record, one by one, before it goes.

    ``persons`` is how many different ones. ``level`` is the level from which on they are asked; absent means always.
    ``tell = true`` lets the partner know that a record it names waits. ``within`` is how long an item waits after it
    was last asked for, before it leaves the queue.
    """

    persons: Annotated[int, Field(ge=1, le=2)]
    level: LevelName = "UNCLASSIFIED"
    tell: bool = False
    within: Duration = timedelta(days=3)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not timedelta(0) < self.within <= REVIEW_LIMIT:
            raise ValueError(f"a review waits for more than nothing and at most {REVIEW_LIMIT.days} days")
        return self


class GrantTable(Strict):
    """``[[grant]]``: records that may go, for which purposes, and what must be done to them first.

    ``drop`` names groups to leave out; ``round`` gives a group a step for **every** quantity of it, in the
    unit the dataset states, or a span of time for an instant. ``tear_line`` lets the record's tear-line version go in
    its place. ``watermark`` is a sentence that is written into each record. ``delay`` holds a record until that long
    after its ``delay_from``; ``review`` holds it until officers have released it. ``witnesses`` demands that so many of
    them have cosigned the log before it goes. ``from`` and ``until`` bound the grant itself; absent means as long as
    the agreement.
    """

    id: Slug
    dataset: Slug
    purposes: Annotated[tuple[Slug, ...], Some]
    where: Where
    drop: tuple[Slug, ...] = ()
    round: dict[Slug, Annotated[dict[Slug, Coarse], Some]] = Field(default_factory=dict)
    tear_line: bool = False
    watermark: Text | None = None
    delay: Duration = timedelta(0)
    review: ReviewTable | None = None
    witnesses: WitnessesTable | None = None
    from_: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None

    @property
    def waits(self) -> bool:
        """Whether delays and reviews hold what this lets go; alerts and emergencies wait for nothing."""
        return True

    @property
    def only(self) -> frozenset[str] | None:
        """The only fields that may go; ``None`` for all that the dataset gives."""
        return None

    @property
    def lasts(self) -> timedelta | None:
        """How long it stands once an officer has opened it; ``None`` for what needs no opening."""
        return None

    def active(self, at: datetime) -> bool:
        """Whether the grant's own dates allow ``at``."""
        return (self.from_ is None or at >= self.from_) and (self.until is None or at < self.until)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for group in self.drop:
            if group in self.round:
                raise ValueError(f"group {group} is both dropped and rounded; drop is the stricter, name it once")
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            raise ValueError("the grant ends before it begins: until is exclusive and lies after from")
        return self


class AlertTable(GrantTable):
    """``[[alert]]``: warnings that are authorised beforehand, since they cannot wait for a person.

    ``where`` names the message types, ``fields`` the only fields that go (a group's fields go together or not at
    all), ``until`` when the authorisation ends, ``reviewer`` who looks afterwards at what went. It waits neither for
    a delay nor for a review, its own or another grant's.
    """

    fields: Annotated[tuple[FieldName, ...], Some]
    until: Moment
    reviewer: Text

    @property
    def waits(self) -> bool:
        """An alert never waits."""
        return False

    @property
    def only(self) -> frozenset[str]:
        """The fields that it names."""
        return frozenset(self.fields)

    @model_validator(mode="after")
    def _prompt(self) -> Self:
        return _refuse_waiting(self, "an alert")


class EmergencyTable(GrantTable):
    """``[[procedures.emergency]]``: what one of ``officers`` may open by name, for at most ``for``, when it must be.

    That it stands in the set, which other officers signed, is the second signature. While it is open it counts as a
    grant, and no delay or review holds what it speaks of. It opens nothing else: label, originator, releasability,
    clearance, agreement, channel, denies and stops stay as they are.
    """

    for_: Span = Field(alias="for")
    officers: Annotated[tuple[Text, ...], Some]

    @property
    def waits(self) -> bool:
        """An emergency never waits."""
        return False

    @property
    def lasts(self) -> timedelta:
        """How long it stands once it is opened."""
        return self.for_

    @model_validator(mode="after")
    def _prompt(self) -> Self:
        if self.where.everything:
            raise ValueError("an emergency names what it opens, not everything")
        if self.for_ > _LONGEST_EMERGENCY:
            raise ValueError("an emergency lasts a week at most; what lasts longer is a grant")
        return _refuse_waiting(self, "an emergency")


_LONGEST_EMERGENCY = timedelta(days=7)


Prompt = TypeVar("Prompt", bound=GrantTable)


def _refuse_waiting(table: Prompt, what: str) -> Prompt:
    if table.delay or table.review is not None:
        raise ValueError(f"{what} waits for nothing: delay and review do not stand in it")
    return table


class VolumeTable(Strict):
    """``[[procedures.volume]]``: no more than so many records, or requests, in each span of time.

    Spans follow each other from 1970-01-01 on, UTC: a day is a day. ``datasets`` are those counted together; absent
    means all of the agreement's. What would go beyond is refused to the caller (403 ``volume_exhausted``).
    """

    id: Slug
    records: Annotated[int, Field(ge=1)] | None = None
    requests: Annotated[int, Field(ge=1)] | None = None
    per: Span
    datasets: Annotated[tuple[Slug, ...], Some] | None = None

    @property
    def most(self) -> int:
        """How many are allowed in one span."""
        return self.records or self.requests or 0

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.records is None) == (self.requests is None):
            raise ValueError("a volume counts either records or requests")
        if not even_span(self.per):
            raise ValueError("per divides a day evenly, or is a number of whole days")
        return self


class ProceduresTable(Strict):
    """``[procedures]``: how much may go, and what may be opened in an emergency."""

    volume: tuple[VolumeTable, ...] = ()
    emergency: tuple[EmergencyTable, ...] = ()


class RedelegationTable(Strict):
    """``[redelegation]``: the only officers who may release by hand, or open an emergency, for this partner.

    Absent means: whoever the gateway's configuration names. An empty list means nobody.
    """

    officers: tuple[Text, ...]


class PartnerDenyTable(Strict):
    """``[[deny]]`` of a partner: records of one dataset that never go to it. Fires unless its condition is
    false.
    """

    id: Slug
    dataset: Slug
    where: Where
    because: Text | None = None
