"""What the two set-wide files say: ``policies/policy.toml`` (vocabulary, tightened rows) and
``policies/communities.toml`` (communities that are defined here and in no public list, member by member,
dated).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway import markings
from gateway.policy.errors import Misplaced
from gateway.policy.values import Category, Code, Day, Slug, Some, Strict, Text
from gateway.policy.witnesses import WitnessKey, counted_twice

RowKind = Literal["no-effect", "read-in", "consent", "never"]

STRICTNESS: dict[str, int] = {"no-effect": 0, "read-in": 1, "consent": 2, "never": 3}
"""How strict a row of a release table is. Policy may raise a row, never lower it; the row that was there
still counts, so raising ``read-in`` to ``consent`` asks for both."""


class SetFile(Strict):
    """``policies/policy.toml``: the words the other files may use, and rows of release tables made stricter.

    ``tighten`` maps a marking profile to controls and the stricter row each gets, for example
    ``[tighten.udl]`` ``FOUO = "never"``. ``witnesses`` gives each witness that the other files may name its verifier
    key, as its operator gave it.
    """

    name: Text
    purposes: Annotated[dict[Slug, Text], Some]
    categories: Annotated[dict[Category, Text], Some]
    tighten: dict[Slug, dict[str, RowKind]] = Field(default_factory=dict)
    witnesses: dict[Slug, WitnessKey] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if twice := counted_twice(self.witnesses):
            first, second = twice
            message = f"{first} and {second} are one witness under two names, and it would count twice"
            raise Misplaced(message, "witnesses", second)
        return self


class MemberTable(Strict):
    """``[[community.member]]``: a nation and the days it belongs, ``until`` exclusive; no ``until`` means
    still.
    """

    nation: Code
    from_: Day = Field(alias="from")
    until: Day | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.until is not None and self.from_ >= self.until:
            raise ValueError("the membership ends before it begins")
        return self


class CommunityTable(Strict):
    """``[[community]]``: a community of the set's own. ``source`` says where its membership is stated.

    ``follows_membership``: material marked for it follows today's members; otherwise a member must have
    belonged when the record was marked and belong now.
    """

    code: Code
    name: Text
    source: Text
    follows_membership: bool = False
    member: Annotated[tuple[MemberTable, ...], Some]

    def as_marking(self) -> markings.Community:
        """The community as the marking layer's tables hold it."""
        members = tuple(markings.Member(each.nation, each.from_, each.until, self.source) for each in self.member)
        return markings.Community(
            self.code, self.name, members, follows_membership=self.follows_membership, source=self.source
        )


class CommunitiesFile(Strict):
    """A whole communities file."""

    community: tuple[CommunityTable, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        codes = [community.code for community in self.community]
        for code in codes:
            if codes.count(code) > 1:
                raise ValueError(f"the community {code} is defined twice")
        return self
