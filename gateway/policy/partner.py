"""What a partner file says (``policies/partners/CODE.toml``), in the order of a delegation of disclosure
letter: who, under what instrument, up to what level in which category, by what channel, to which systems,
with whose consent, what is authorised and what is not, by which procedures, and who else may act on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway import markings
from gateway.policy.dataset import Kind
from gateway.policy.decision import Credential, PartnerKind
from gateway.policy.errors import Misplaced
from gateway.policy.grants import (
    AlertTable,
    GrantTable,
    PartnerDenyTable,
    ProceduresTable,
    RedelegationTable,
)
from gateway.policy.levels import LevelRowTable
from gateway.policy.values import Category, Code, LevelName, Moment, PolicyName, Slug, Some, Strict, Text
from gateway.policy.witnesses import WitnessesTable

Algorithm = Literal["EdDSA", "ES256", "ES384", "PS256", "RS256"]
"""Signature algorithms a partner's tokens may use. Never ``none``, never an HMAC: those prove nothing about
who.
"""


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
    covers. ``witnesses`` demands that so many of them have cosigned the log before any answer under it leaves.
    """

    instrument: Text
    from_: Moment = Field(alias="from")
    until: Moment
    datasets: Annotated[tuple[Slug, ...], Some]
    purposes: Annotated[tuple[Slug, ...], Some]
    condition: tuple[ConditionTable, ...] = ()
    witnesses: WitnessesTable | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.from_ >= self.until:
            raise ValueError("the agreement ends before it begins: until is exclusive and lies after from")
        return self


_STRENGTHS = {strength.name.lower(): strength for strength in Credential}


class ChannelTable(Strict):
    """``[channel]``: the weakest credential accepted, and whether answers may go unsealed (default: no).

    ``post_quantum`` names a level: what is at or above it goes only to a key whose wrap resists a quantum computer.
    """

    credential: Literal["bearer", "dpop", "mtls"]
    plain: bool = False
    post_quantum: LevelName | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.plain and self.post_quantum == "UNCLASSIFIED":
            raise ValueError("answers that may go unsealed cannot all be sealed to a post-quantum key")
        return self

    @property
    def strength(self) -> Credential:
        """The weakest credential accepted, as gates compare it."""
        return _STRENGTHS[self.credential]


class IdentityTable(Strict):
    """``[identity]``: whose tokens are believed, for which audience, signed how."""

    issuer: Annotated[str, Field(pattern=r"^https?://[!-~]{1,200}$")]
    audience: Annotated[str, Field(min_length=1, max_length=200)]
    algorithms: Annotated[tuple[Algorithm, ...], Some]
    jwks_url: Annotated[
        str | None,
        Field(pattern=r"^(https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/])[!\"$-?A-~]{1,200}$"),
    ] = None
    """Where the issuer publishes further keys for its tokens, by https (loopback in development aside), without
    credentials or a fragment.
    """


class HeldTable(Strict):
    """``[[system.cleared.category]]``: the values of one tag set and type that are held, as the policy names them."""

    tag: Text
    type: Literal["RESTRICTIVE", "PERMISSIVE"]
    values: Annotated[tuple[Text, ...], Some]


class ClearedTable(Strict):
    """``[[system.cleared]]``: what the system is cleared for under the security policy ``profile``.

    ``levels`` are the classifications held, each by name: none includes a lower one. ``category`` are the categories.
    """

    profile: PolicyName
    levels: Annotated[tuple[Text, ...], Some]
    category: tuple[HeldTable, ...] = ()

    def under(self, policy: markings.SpifPolicy) -> markings.SecurityClearance:
        """The clearance as the policy reads it; it may still find something wrong with it."""
        held = tuple(
            markings.SecurityCategory(markings.CategoryType(each.type), each.tag, each.values) for each in self.category
        )
        return markings.SecurityClearance(policy.name, self.levels, held)


class SystemTable(Strict):
    """``[[system]]``: a calling system of the partner, its clearance, and what it is read into.

    ``purposes`` narrows the agreement's for this system; absent means all of the agreement's. ``cleared`` says what it
    is cleared for under a security policy of the set; under a policy that it does not name, it is cleared for nothing.
    """

    id: Slug
    clearance: LevelName
    holds: tuple[Text, ...] = ()
    purposes: Annotated[tuple[Slug, ...], Some] | None = None
    cleared: tuple[ClearedTable, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        named = [each.profile for each in self.cleared]
        for index, name in enumerate(named):
            if name in named[:index]:
                raise Misplaced(f"the clearance under {name} is stated twice", "cleared", index, "profile")
        return self


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
    alert: tuple[AlertTable, ...] = ()
    deny: tuple[PartnerDenyTable, ...] = ()
    procedures: ProceduresTable = Field(default_factory=ProceduresTable)
    redelegation: RedelegationTable | None = None
    level: tuple[LevelRowTable, ...] = ()

    def releasing(self) -> Iterator[tuple[list[str | int], GrantTable]]:
        """Every rule that lets records go (grants, alerts, emergencies), with its place in the file."""
        tables: tuple[tuple[tuple[str, ...], tuple[GrantTable, ...]], ...] = (
            (("grant",), self.grant),
            (("alert",), self.alert),
            (("procedures", "emergency"), self.procedures.emergency),
        )
        for named, rules in tables:
            for index, rule in enumerate(rules):
                yield [*named, index], rule

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.nation is None) != (self.kind is PartnerKind.ORGANISATION):
            raise Misplaced("a government or company has a nation; an organisation has none", "nation")
        if self.kind is PartnerKind.COMPANY:
            self._check_company()
        self._check_names()
        return self

    def _check_names(self) -> None:
        """One id, one rule; one name, one system."""
        places = [(rule.id, (*field, "id")) for field, rule in self.releasing()]
        places += [(deny.id, ("deny", index, "id")) for index, deny in enumerate(self.deny)]
        volumes = enumerate(self.procedures.volume)
        places += [(volume.id, ("procedures", "volume", index, "id")) for index, volume in volumes]
        taken: set[str] = set()
        for name, field in places:
            if name in taken:
                raise Misplaced(f"the id {name} stands on two rules", *field)
            taken.add(name)
        systems = [system.id for system in self.system]
        for index, name in enumerate(systems):
            if name in systems[:index]:
                raise Misplaced(f"the system {name} is registered twice", "system", index, "id")

    def _check_company(self) -> None:
        for field, grant in self.releasing():
            if grant.where.everything:
                message = f"grant {grant.id}: a company needs a grant that names the content, not everything"
                raise Misplaced(message, *field, "where")
