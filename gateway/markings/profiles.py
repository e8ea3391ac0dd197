"""Profiles: one named, versioned reading of markings, and what each control does to a release.

Two authorities disagree in places, so a label always belongs to one profile and labels of two are never
mixed. The profiles are data (``data/profiles.toml``); the release tables beside them (``data/release.csv``)
hold one row for each control a profile knows. A control without a row denies, and policy may tighten a row
but never loosen it.
"""

from __future__ import annotations

import csv
import enum
import functools
import hashlib
import io
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from types import MappingProxyType
from typing import Any

from gateway.markings.findings import Finding, UnknownProfileError
from gateway.markings.tables import Community, Tables, shipped_tables
from gateway.markings.words import BY_NAME, Word


class Effect(enum.StrEnum):
    """What a control does to a release, by its row in the profile's release table."""

    NEVER = "never"
    CONSENT = "consent"
    READ_IN = "read-in"
    NO_EFFECT = "no-effect"


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One control's row: what it does, and for ``CONSENT`` whose it is.

    ``whose`` is ``"originator"`` (of the material), ``"owner"`` (named in the control itself) or
    ``"officer"`` (a disclosure officer must release it); empty for the other kinds.
    """

    control: str
    kind: Effect
    whose: str
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A named, versioned reading of markings. Equal when name, digest and tables are.

    ``digest`` is the SHA-256 over the profile's own rows; ``tables`` has a digest of its own.
    ``bare_portions``: a portion may stand without parentheses, and is written so. The other fields are
    explained in ``data/profiles.toml``.
    """

    name: str
    digest: str
    tables: Tables
    version: str = field(compare=False)
    title: str = field(compare=False)
    authority: str = field(compare=False)
    bare_portions: bool = field(compare=False)
    words: Mapping[str, Word] = field(compare=False, repr=False)
    rows: Mapping[str, ReleaseRow] = field(compare=False, repr=False)
    expands: frozenset[str] = field(compare=False)
    unmarked_relido: date | None = field(compare=False)
    relido_wins: bool = field(compare=False)
    caveated_follows: bool = field(compare=False)

    def with_communities(self, added: Iterable[Community]) -> Profile:
        """The same profile, reading some local communities as well.

        Raises :class:`TableError` as the tables do.
        """
        return replace(self, tables=self.tables.with_communities(added))

    def with_tables(self, tables: Tables) -> Profile:
        """The same profile, read against other tables."""
        return replace(self, tables=tables)


def profile(name: str) -> Profile:
    """The profile of that name, with the shipped tables; :class:`UnknownProfileError` when there is none."""
    known = _shipped().get(name)
    if known is None:
        message = f"no marking profile has this name; known: {', '.join(sorted(_shipped()))}"
        raise UnknownProfileError(Finding("PROFILE", "gateway.markings", message))
    return known


def profile_names() -> tuple[str, ...]:
    """The names of the shipped profiles, sorted."""
    return tuple(sorted(_shipped()))


def release_row(chosen: Profile, control: str) -> ReleaseRow | None:
    """A control's row in that profile's release table; ``None`` denies."""
    return chosen.rows.get(control)


def require_profile(chosen: Profile, name: str) -> None:
    """Refuse to read a label of one profile by another (:class:`UnknownProfileError`)."""
    if chosen.name != name:
        message = f"a label of profile {name} is not read by profile {chosen.name}"
        raise UnknownProfileError(Finding("PROFILE", "gateway.markings", message))


def _data(name: str) -> str:
    return resources.files("gateway.markings").joinpath("data", name).read_text(encoding="utf-8")


@functools.lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Profile]:
    rows = list(csv.DictReader(io.StringIO(_data("release.csv"), newline="")))
    found = tomllib.loads(_data("profiles.toml"))
    return MappingProxyType({name: _profile(name, says, rows) for name, says in found.items()})


def _profile(name: str, says: dict[str, Any], rows: list[dict[str, str]]) -> Profile:
    mine = {
        row["control"]: ReleaseRow(row["control"], Effect(row["kind"]), row["whose"], row["source"])
        for row in rows
        if row["profile"] in ("*", name)
    }
    words = {word: BY_NAME[word] for word in says["words"]}
    reading = repr(
        (name, sorted(says.items()), sorted(map(repr, words.values())), sorted(map(repr, mine.values())))
    )
    return Profile(
        name=name,
        digest=hashlib.sha256(reading.encode()).hexdigest(),
        tables=shipped_tables(),
        version=says["version"],
        title=says["title"],
        authority=says["authority"],
        bare_portions=says["parentheses"] == "optional",
        words=MappingProxyType(words),
        rows=MappingProxyType(mine),
        expands=frozenset(says["expands"]),
        unmarked_relido=says.get("unmarked_relido"),
        relido_wins=says["relido_wins"],
        caveated_follows=says["caveated"] == "follows",
    )
