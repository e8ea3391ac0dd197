"""The head of a marking: whose it is and how high, before the first category; from text and back.

    US     = level                                 SECRET                       (S)
    non-US = "//" code SP level                    //GBR SECRET                 (//GBR S)
    JOINT  = "//JOINT" SP level 2*(SP code)        //JOINT SECRET GBR USA       (//JOINT S GBR USA)
    NATO   = "//" NATO's own words                 //COSMIC TOP SECRET          (//CTS)
    CUI    = "CUI", in place of UNCLASSIFIED       CUI                          (CUI)

Every other nation may be RESTRICTED, the United States may not, and neither may what it owns jointly. The owners
of JOINT stand by alphabet, nations before communities, USA among them. ATOMAL, BALK and BOHEMIA are controls and
no part of the head. Sources: CAPCO-2016 H.1 to H.3, H.7; 32 CFR 2002.20 for CUI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.markings.findings import Finding
from gateway.markings.profiles import Profile
from gateway.markings.words import ALL_LEVELS, NATO_LEVELS, US_LEVELS, Level

US: Final = "US"
NON_US: Final = "NON-US"
JOINT: Final = "JOINT"
NATO: Final = "NATO"
FEWEST_OWNERS: Final = 2


@dataclass(frozen=True, slots=True)
class Head:
    """A marking system, a level, and whose it is; ``cui`` where the head says CUI."""

    system: str
    level: Level
    owners: tuple[str, ...]
    cui: bool = False


_US_HEADS: Final = {
    portion: {level.name if portion else name: Head(US, level, ("USA",)) for level, name in US_LEVELS.items()}
    for portion in (False, True)
}
_NATO_HEADS: Final = {
    portion: {names[portion]: Head(NATO, level, ("NATO",)) for level, names in NATO_LEVELS.items()}
    for portion in (False, True)
}
_LEVELS: Final = {
    portion: {level.name if portion else name: level for level, name in ALL_LEVELS.items()} for portion in (False, True)
}
_CUI: Final = Head(US, Level.U, ("USA",), cui=True)


def read_us_head(text: str, profile: Profile, *, portion: bool) -> Head | Finding:
    """The head of a US marking; or what is wrong with it."""
    head = _US_HEADS[portion].get(text)
    if "CUI" in profile.words:
        head = _CUI if text == "CUI" else head if head is None or head.level is Level.U else None
    if head is not None:
        return head
    others = _US_HEADS[not portion]
    meant = others[text].level if text in others else None
    suggestion = next((name for name, each in _US_HEADS[portion].items() if each.level is meant), None)
    if text == "CONTROLLED" and "CUI" in profile.words:
        suggestion = "CUI"
    message = "a marking begins with a US classification, as written in this form"
    return Finding("GRAMMAR-CLASSIFICATION", "CAPCO-2016 H.1", message, suggestion=suggestion)


def read_other_head(text: str, profile: Profile, *, portion: bool) -> Head | Finding:
    """The head that follows the two slashes which a marking of another system begins with."""
    if not profile.systems:
        message = "markings of other nations, NATO and JOINT are not read by this profile"
        return Finding("GRAMMAR-SYSTEM", "CAPCO-2016 H.2", message)
    nato = _NATO_HEADS[portion].get(text)
    if nato is not None:
        return nato
    first, _, rest = text.partition(" ")
    if first == JOINT:
        return _joint(rest, profile, portion=portion)
    level = _LEVELS[portion].get(rest)
    if level is None or first in ("USA", NATO):
        message = "two slashes, then JOINT, NATO's own words, or a nation and its level, as written in this form"
        return Finding("GRAMMAR-SYSTEM", "CAPCO-2016 H.2", message, suggestion=_meant(text, portion=portion))
    if not profile.tables.knows(first):
        return Finding("ISM-ID-00265", "CAPCO-2016 H.2", "neither a nation nor a community of the tables")
    return Head(NON_US, level, (first,))


def _joint(text: str, profile: Profile, *, portion: bool) -> Head | Finding:
    words = text.split(" ")
    size = 2 if words[0] == "TOP" else 1
    level = _LEVELS[portion].get(" ".join(words[:size]))
    owners = tuple(words[size:])
    if level is None:
        return Finding("GRAMMAR-CLASSIFICATION", "CAPCO-2016 H.3", "JOINT is followed by a level in this form")
    return owners_finding(JOINT, level, owners, profile) or Head(JOINT, level, owners)


def owners_finding(system: str, level: Level, owners: tuple[str, ...], profile: Profile) -> Finding | None:
    """What is wrong with the system, the level and the owners of a label together."""
    if system == US:
        return _us_finding(level, owners)
    if system == NON_US:
        return _nation_finding(owners, profile)
    if system == JOINT:
        return _joint_finding(level, owners, profile)
    if system == NATO and owners == (NATO,):
        return None
    return Finding("US-OWNER", "CAPCO-2016 H.1", "a system and owners that do not belong together")


def _us_finding(level: Level, owners: tuple[str, ...]) -> Finding | None:
    if owners != ("USA",):
        return Finding("US-OWNER", "CAPCO-2016 H.1", "a US label is owned by USA alone")
    if level not in US_LEVELS:
        return Finding("US-LEVEL", "CAPCO-2016 H.1", "not a US classification level")
    return None


def _nation_finding(owners: tuple[str, ...], profile: Profile) -> Finding | None:
    if len(owners) != 1 or owners[0] in ("USA", NATO):
        return Finding("NON-US-OWNER", "CAPCO-2016 H.2", "one other nation or community owns it")
    if not profile.tables.knows(owners[0]):
        return Finding("ISM-ID-00265", "CAPCO-2016 H.2", "neither a nation nor a community of the tables")
    return None


def _joint_finding(level: Level, owners: tuple[str, ...], profile: Profile) -> Finding | None:
    if level not in US_LEVELS:
        return Finding("JOINT-LEVEL", "CAPCO-2016 H.3", "what USA owns jointly is never RESTRICTED")
    if not all(profile.tables.knows(code) for code in owners):
        return Finding("ISM-ID-00265", "CAPCO-2016 H.3", "an owner is neither a nation nor a community of the tables")
    if len(set(owners)) != len(owners):
        return Finding("ISM-ID-00236", "CAPCO-2016 H.3", "an owner stands twice")
    if len(owners) < FEWEST_OWNERS or "USA" not in owners:
        return Finding("JOINT-OWNERS", "CAPCO-2016 H.3", "JOINT names USA and at least one other owner")
    ordered = sorted(owners, key=profile.tables.sort_key)
    if list(owners) != ordered:
        message = "owners stand in alphabetical order, nations before communities"
        return Finding("LIST-ORDER", "CAPCO-2016 H.3", message, suggestion=" ".join(ordered))
    return None


def _meant(text: str, *, portion: bool) -> str | None:
    """NATO's word in this form, where the text is a known other way to write it; for a human only."""
    for level, names in NATO_LEVELS.items():
        if text in (names[not portion], f"NATO {ALL_LEVELS[level]}", f"NATO {level.name}"):
            return f"//{names[portion]}"
    plain, _, _ = text.partition("-")
    bare = {"CTSA": "CTS", "NSAT": "NS", "NCA": "NC"}.get(text, plain if text.endswith("-A") else "")
    return f"//{bare}//ATOMAL" if portion and bare in ("CTS", "NS", "NC") else None


def write_head(system: str, level: Level, owners: tuple[str, ...], *, portion: bool) -> str:
    """The head's text, without the slashes that precede the first category."""
    name = level.name if portion else ALL_LEVELS[level]
    if system == JOINT:
        return f"//JOINT {name} {' '.join(owners)}"
    if system == NATO:
        return f"//{NATO_LEVELS[level][portion]}"
    return f"//{' '.join(owners)} {name}" if system == NON_US else name
