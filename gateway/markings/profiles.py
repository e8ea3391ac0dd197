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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from types import MappingProxyType
from typing import Any

from gateway.markings.findings import Finding, UnknownProfileError
from gateway.markings.tables import Community, Tables, shipped_tables
from gateway.markings.words import BY_NAME, CUI_CATEGORIES, Category, Shape, Word


class Effect(enum.StrEnum):
    """What a control does to a release, by its row in the profile's release table."""

    NEVER = "never"
    CONSENT = "consent"
    READ_IN = "read-in"
    NO_EFFECT = "no-effect"


NOT_VERIFIED = " (known, not verified)"


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One control's row: what it does, and for ``CONSENT`` whose it is.

    ``whose`` is ``"originator"`` (of the material), ``"owner"`` (named in the control itself) or
    ``"officer"`` (a disclosure officer must release it); empty for the other kinds. ``source`` ends in
    :data:`NOT_VERIFIED` where the text it cites was not read for this table.
    """

    control: str
    kind: Effect
    whose: str
    source: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a profile by how one form, banner or portion, writes them.

    ``whole``: the words that stand alone, by their text. ``stems``: the words that a hyphen may follow.
    """

    whole: Mapping[str, Word]
    stems: Mapping[str, Word]


@dataclass(frozen=True, slots=True)
class Profile:
    """A named, versioned reading of markings. Equal when name, digest and tables are.

    ``text`` is what the profile says, its own rows among it, and ``digest`` its SHA-256 in hexadecimal; ``tables``
    has a digest of its own.
    ``bare_portions``: a portion may stand without parentheses, and is written so. ``rank`` is the order of the
    profile's words; ``systems`` are the release rows of the marking systems besides the US one that it reads.
    The other fields are explained in ``data/profiles.toml``.
    """

    name: str
    digest: str
    text: str = field(compare=False, repr=False)
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
    rank: Mapping[str, int] = field(compare=False, repr=False)
    systems: Mapping[str, ReleaseRow] = field(compare=False, repr=False)
    banner: Vocabulary = field(compare=False, repr=False)
    portion: Vocabulary = field(compare=False, repr=False)
    sigmas: frozenset[int] = field(compare=False)
    both_orcons: bool = field(compare=False)

    def order(self, name: str, values: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        """Where a control stands among those of a marking; unknown ones stand first.

        Foreign sources stand nations before communities, as codes do everywhere.
        """
        if name == "FGI" and values:
            values = ("1" if values[0] in self.tables.communities else "0", *values)
        return self.rank.get(name, -1), values

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
    """The row of a control, or of a marking system, in that profile's release table; ``None`` denies."""
    return chosen.rows.get(control) or chosen.systems.get(control)


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
    words = {word: BY_NAME[word] for word in _words(says)}
    mine = _rows(words, name, rows)
    systems = _rows(says.get("systems", ()), name, rows)
    reading = repr(
        (
            name,
            sorted(says.items()),
            sorted(map(repr, words.values())),
            sorted(map(repr, mine.values())),
            sorted(map(repr, systems.values())),
        )
    )
    return Profile(
        name=name,
        digest=hashlib.sha256(reading.encode()).hexdigest(),
        text=reading,
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
        rank=MappingProxyType({word: rank for rank, word in enumerate(words)}),
        systems=MappingProxyType(systems),
        banner=_vocabulary(words, lambda word: word.spelling),
        portion=_vocabulary(words, lambda word: word.portion),
        sigmas=frozenset(says.get("sigmas", range(1, 100))),
        both_orcons=says.get("both_orcons", False),
    )


def _words(says: dict[str, Any]) -> Iterable[str]:
    for name in says["words"]:
        yield name
        if name == "CUI":
            yield from (word.name for word in CUI_CATEGORIES)


def _rows(names: Iterable[str], profile_name: str, rows: list[dict[str, str]]) -> dict[str, ReleaseRow]:
    """The rows of these names; a row of the profile's own takes the place of a general one.

    A row whose control ends in ``*`` stands for every control of that beginning that has none of its own.
    """
    found: dict[str, dict[str, str]] = {}
    wanted = tuple(names)
    for general in (True, False):
        for row in rows:
            if row["profile"] == ("*" if general else profile_name):
                beginning = row["control"].removesuffix("*")
                for name in wanted if row["control"].endswith("*") else (row["control"],):
                    if name in wanted and name.startswith(beginning) and not (name in found and "*" in row["control"]):
                        found[name] = row
    return {
        name: ReleaseRow(name, Effect(found[name]["kind"]), found[name]["whose"], _source(found[name]))
        for name in wanted
        if name in found
    }


def _source(row: dict[str, str]) -> str:
    """A row's source, with what is to be known of it: whether it was read, or is only known."""
    return row["source"] + {"V": "", "K": NOT_VERIFIED}[row["status"]]


_STEMS = frozenset((Shape.OWNED, Shape.SYSTEM, Shape.PROGRAM, Shape.ATOMIC))
_NEVER_WHOLE = frozenset((Shape.LIST, Shape.OWNED, Shape.PROGRAM, Shape.EYES))


def _vocabulary(words: Mapping[str, Word], spell: Callable[[Word], str]) -> Vocabulary:
    inside = [word for word in words.values() if word.category is not Category.HEAD]
    return Vocabulary(
        MappingProxyType({spell(word): word for word in inside if word.shape not in _NEVER_WHOLE}),
        MappingProxyType({spell(word): word for word in inside if word.shape in _STEMS}),
    )
