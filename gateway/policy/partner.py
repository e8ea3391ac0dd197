"""What a partner file says (``policies/partners/CODE.toml``), in the order of a delegation of disclosure
letter: who, under what instrument, up to what level in which category, by what channel, to which systems,
with whose consent, what is authorised and what is not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.policy.dataset import Kind, Where
from gateway.policy.decision import Credential, PartnerKind
from gateway.policy.levels import LevelRowTable, read_levels
from gateway.policy.values import Category, Code, Duration, LevelName, Moment, Slug, Some, Step, Strict, Text

Algorithm = Literal["EdDSA", "ES256", "ES384", "PS256", "RS256"]
"""Signature algorithms a partner's tokens may use. Never ``none``, never an HMAC: those prove nothing about
who.
"""

REVIEW_LIMIT = timedelta(days=30)
"""Longest that a record may wait for a human release."""


class ConditionTable(Strict):
    """``[[agreement.condition]]``: something the partner must keep doing. Lapsed from ``met_until`` on.

    ``met = false`` says that it is not met now; without ``met_until`` a met condition never lapses by date.
    """

    id: Slug
    text: Text
    met: bool = True
    met_until: Moment | None = None

    def lapsed(self, at: datetime) -> bool:
        """Whether the condition does not hold at ``at``."""
        return not self.met or (self.met_until is not None and at >= self.met_until)


class AgreementTable(Strict):
    """``[agreement]``: the instrument, in force from ``from`` until ``until`` (exclusive), and what it
    covers.
    """

    instrument: Text
    from_: Moment = Field(alias="from")
    until: Moment
    datasets: Annotated[tuple[Slug, ...], Some]
    purposes: Annotated[tuple[Slug, ...], Some]
    condition: tuple[ConditionTable, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.from_ >= self.until:
            raise ValueError("the agreement ends before it begins: until is exclusive and lies after from")
        return self


class ChannelTable(Strict):
    """``[channel]``: the weakest credential accepted, and whether answers may go unsealed (default: no)."""

    credential: Literal["bearer", "dpop", "mtls"]
    plain: bool = False

    @property
    def strength(self) -> Credential:
        """The weakest credential accepted, as gates compare it."""
        return Credential[self.credential.upper()]


class IdentityTable(Strict):
    """``[identity]``: whose tokens are believed, for which audience, signed how."""

    issuer: Annotated[str, Field(pattern=r"^https?://[!-~]{1,200}$")]
    audience: Annotated[str, Field(min_length=1, max_length=200)]
    algorithms: Annotated[tuple[Algorithm, ...], Some]


class SystemTable(Strict):
    """``[[system]]``: a calling system of the partner, its clearance, and what it is read into.

    ``purposes`` narrows the agreement's for this system; absent means all of the agreement's.
    """

    id: Slug
    clearance: LevelName
    holds: tuple[Text, ...] = ()
    purposes: Annotated[tuple[Slug, ...], Some] | None = None


class ConsentTable(Strict):
    """``[[consent]]``: an originator's consent that this partner may have its controlled material.

    ``control`` is the control it speaks to (``PR``, ``DS``, ``ORCON``, ..) or ``THIRD-PARTY``. ``datasets``
    and ``types`` are its scope: which datasets, and for PR and DS which data types; absent ``types`` means
    any.
    """

    originator: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_ -]{0,40}$")]
    control: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9 -]{0,30}$")]
    datasets: Annotated[tuple[Slug, ...], Some]
    types: Annotated[tuple[str, ...], Some] | None = None
    from_: Moment = Field(alias="from")
    until: Moment
    reference: Text

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.from_ >= self.until:
            raise ValueError("the consent ends before it begins: until is exclusive and lies after from")
        return self


class ReviewTable(Strict):
    """``review`` of a grant: officers release each record, one by one, before it goes.

    ``persons`` is how many different ones. ``tell = true`` lets the partner know that a record it names waits.
    ``within`` is how long an item waits after it was last asked for, before it leaves the queue.
    """

    persons: Annotated[int, Field(ge=1, le=2)]
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
    unit the dataset states; ``delay`` holds a record until that long after its ``delay_from``; ``review`` holds it
    until officers have released it. ``from`` and ``until`` bound the grant itself; absent means as long as the
    agreement.
    """

    id: Slug
    dataset: Slug
    purposes: Annotated[tuple[Slug, ...], Some]
    where: Where
    drop: tuple[Slug, ...] = ()
    round: dict[Slug, Annotated[dict[Slug, Step], Some]] = Field(default_factory=dict)
    delay: Duration = timedelta(0)
    review: ReviewTable | None = None
    from_: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None

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


class PartnerDenyTable(Strict):
    """``[[deny]]`` of a partner: records of one dataset that never go to it. Fires unless its condition is
    false.
    """

    id: Slug
    dataset: Slug
    where: Where
    because: Text | None = None


class PartnerFile(Strict):
    """A whole partner file."""

    partner: Code
    name: Text
    kind: Kind
    nation: Code | None = None
    agreement: AgreementTable
    ceiling: dict[Category, LevelName] = Field(default_factory=dict)
    channel: ChannelTable
    identity: IdentityTable
    system: tuple[SystemTable, ...] = ()
    consent: tuple[ConsentTable, ...] = ()
    grant: tuple[GrantTable, ...] = ()
    deny: tuple[PartnerDenyTable, ...] = ()
    level: tuple[LevelRowTable, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        read_levels(self.agreement.instrument, self.level)
        if (self.nation is None) != (self.kind is PartnerKind.ORGANISATION):
            raise ValueError("a government or company has a nation; an organisation has none")
        if self.kind is PartnerKind.COMPANY:
            self._check_company()
        ids = [grant.id for grant in self.grant] + [deny.id for deny in self.deny]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"the id {name} stands on two rules")
        systems = [system.id for system in self.system]
        for name in systems:
            if systems.count(name) > 1:
                raise ValueError(f"the system {name} is registered twice")
        return self

    def _check_company(self) -> None:
        for grant in self.grant:
            if grant.where.everything:
                raise ValueError(f"grant {grant.id}: a company needs a grant that names the content, not everything")
