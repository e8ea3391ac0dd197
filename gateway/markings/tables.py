"""Dated tables of nations and communities: who a release list means, and on which day.

Rules this file keeps:

1. A code is what a table says it is. ``NSG`` and ``EU`` are communities, ``AX2`` is a place; nothing is told
   by its length.
2. Everything has a day from which and a day until which it holds (the first inclusive, the second exclusive;
   absent means that the table knows no such day). What was not so on that day is not so.
3. A community whose members are not published expands to nobody. It can still be named.
4. A local community may be added; nothing that is there can be changed, and a code never means two things.

The shipped tables are facts from the public-release ISM-2022 vocabularies (``data/countries.csv``,
``data/communities.csv``, ``data/members.csv``), in this project's own form, with NATO's accession dates added
because the published list stops at 30 members. A member whose day of joining the publication does not give
counts from the day on which the publication verified it.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from types import MappingProxyType

from gateway.markings.findings import Finding, TableError, UnknownCodeError

_CODE_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_LONGEST_CODE = 32
_AUTHORITY = "CAPCO-2016 Register, Annexes A and B"


def _holds(since: date | None, until: date | None, on: date) -> bool:
    return (since is None or since <= on) and (until is None or on < until)


@dataclass(frozen=True, slots=True)
class Country:
    """A nation or territory with a code of its own, and the days between which the code was in use."""

    code: str
    name: str
    since: date | None = None
    until: date | None = None
    source: str = ""

    def known(self, on: date) -> bool:
        """Whether the code was in use on that day."""
        return _holds(self.since, self.until, on)


@dataclass(frozen=True, slots=True)
class Member:
    """One nation's membership of a community, from a day (inclusive) until a day (exclusive)."""

    nation: str
    since: date | None = None
    until: date | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Community:
    """A group of nations that a release list may name by one code (a "tetragraph", whatever its length).

    ``decomposable``: its members are published, so it may be expanded. ``follows_membership``: a source says
    that a label means whoever is a member when it is read, not who was one when it was written; then
    ``source`` cites it.
    """

    code: str
    name: str
    members: tuple[Member, ...] = ()
    decomposable: bool = True
    follows_membership: bool = False
    since: date | None = None
    until: date | None = None
    source: str = ""

    def known(self, on: date) -> bool:
        """Whether the code was in use on that day."""
        return _holds(self.since, self.until, on)

    def members_on(self, on: date) -> frozenset[str]:
        """The nations that belonged to it on that day; nobody when it is opaque or was not in use."""
        if not self.decomposable or not self.known(on):
            return frozenset()
        return frozenset(each.nation for each in self.members if _holds(each.since, each.until, on))


@dataclass(frozen=True, slots=True)
class Tables:
    """The countries and communities that markings are read against. Equal when their digests are.

    ``text`` is every row in sorted order, a line each, and ``digest`` its SHA-256 in hexadecimal; make one with
    :func:`tables_of`.
    """

    digest: str
    text: str = field(compare=False, repr=False)
    countries: Mapping[str, Country] = field(compare=False, repr=False)
    communities: Mapping[str, Community] = field(compare=False, repr=False)

    def knows(self, code: str) -> bool:
        """Whether the code has ever been in use."""
        return code in self.countries or code in self.communities

    def known(self, code: str, on: date) -> bool:
        """Whether the code was in use on that day."""
        entry = self.countries.get(code) or self.communities.get(code)
        return entry is not None and entry.known(on)

    def steady(self, code: str) -> bool:
        """Whether the code is known and means the same on every day that the tables know."""
        country = self.countries.get(code)
        if country is not None:
            return country.since is None and country.until is None
        community = self.communities.get(code)
        if community is None or community.since is not None or community.until is not None:
            return False
        return all(member.since is None and member.until is None for member in community.members)

    def sort_key(self, code: str) -> tuple[bool, str]:
        """Nations before communities, each in alphabetical order (CAPCO-2016 H.8, REL TO)."""
        return code in self.communities, code

    def with_communities(self, added: Iterable[Community]) -> Tables:
        """These tables and some local communities.

        Raises :class:`TableError` when a code is malformed or already means something, when a member is no
        known nation, or when a community follows membership without a source.
        """
        added = tuple(added)
        if not added:
            return self
        return tables_of(self.countries.values(), (*self.communities.values(), *added))


def tables_of(countries: Iterable[Country], communities: Iterable[Community]) -> Tables:
    """Check rows against each other and make :class:`Tables` of them; raises :class:`TableError`."""
    nations: dict[str, Country] = {}
    groups: dict[str, Community] = {}
    for country in countries:
        _check_code(country, nations, groups)
        nations[country.code] = country
    for community in communities:
        _check_code(community, nations, groups)
        _check_members(community, nations)
        groups[community.code] = community
    rows = sorted(repr(nations[code]) for code in nations) + sorted(repr(groups[code]) for code in groups)
    text = "\n".join(rows)
    return Tables(hashlib.sha256(text.encode()).hexdigest(), text, MappingProxyType(nations), MappingProxyType(groups))


def _fault(message: str, suggestion: str | None = None) -> TableError:
    return TableError(Finding("TABLE", _AUTHORITY, message, suggestion=suggestion))


def _check_code(entry: Country | Community, nations: Mapping[str, Country], groups: Mapping[str, Community]) -> None:
    code = entry.code
    if not 2 <= len(code) <= _LONGEST_CODE or not _CODE_LETTERS.issuperset(code) or not code[0].isalpha():
        raise _fault(f"{code!r} is no code: 2 to {_LONGEST_CODE} capital letters, digits or _, a letter first")
    if code in nations or code in groups:
        raise _fault(f"{code} stands twice: a code never means two things", "choose another code")
    if entry.since is not None and entry.until is not None and entry.until <= entry.since:
        raise _fault(f"{code} ends on or before the day it begins")


def _check_members(community: Community, nations: Mapping[str, Country]) -> None:
    if community.follows_membership and not community.source:
        raise _fault(f"{community.code} follows membership but cites no source that says so")
    for member in community.members:
        if member.nation not in nations:
            raise _fault(f"{community.code} has the member {member.nation!r}, which is no known nation")
        if member.since is not None and member.until is not None and member.until <= member.since:
            raise _fault(f"{community.code}: {member.nation} leaves on or before the day it joins")


def expand(code: str, on: date, tables: Tables) -> frozenset[str]:
    """The nations that a code meant on that day: a nation itself, a community's members.

    An opaque community means nobody that can be told. Raises :class:`UnknownCodeError` for a code not in use
    then.
    """
    country = tables.countries.get(code)
    if country is not None and country.known(on):
        return frozenset((code,))
    community = tables.communities.get(code)
    if community is not None and community.known(on):
        return community.members_on(on)
    raise unknown_code(code, on)


def unknown_code(code: str, on: date) -> UnknownCodeError:
    """The error for a code that was not in use on that day."""
    message = f"a listed code was not in use on {on.isoformat()}"
    return UnknownCodeError((code,), Finding("ISM-ID-00199", _AUTHORITY, message, suggestion=f"not {code}"))


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("gateway.markings").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@functools.lru_cache(maxsize=1)
def shipped_tables() -> Tables:
    """The tables that come with this package, read once."""
    countries = [
        Country(row["code"], row["name"], _day(row["since"]), _day(row["until"]), row["source"])
        for row in _rows("countries.csv")
    ]
    members: dict[str, list[Member]] = {}
    for row in _rows("members.csv"):
        member = Member(row["nation"], _day(row["since"]), _day(row["until"]), row["source"])
        members.setdefault(row["community"], []).append(member)
    communities = [
        Community(
            row["code"],
            row["name"],
            tuple(members.pop(row["code"], ())),
            decomposable=row["decomposable"] == "yes",
            since=_day(row["since"]),
            until=_day(row["until"]),
            source=row["source"],
        )
        for row in _rows("communities.csv")
    ]
    if members:
        raise _fault(f"members.csv names communities that communities.csv does not: {sorted(members)}")
    return tables_of(countries, communities)
