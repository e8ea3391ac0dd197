"""Labels of the whole grammar, made at random: sound ones, of any profile and system, and texts mangled on purpose.

Used by the property tests (through hypothesis' own randomness) and by the fuzz campaign.
"""

from __future__ import annotations

import random
from datetime import date

from gateway import markings
from gateway.markings import Control, Label, Level, Profile

AT = date(2026, 1, 1)
NATIONS = ("AUS", "CAN", "DEU", "FIN", "FRA", "GBR", "JPN", "KOR", "NOR", "NZL")
COMMUNITIES = ("ACGU", "FVEY", "KFOR", "NATO")
ROOM_TO_TRY = 40
Pairs = set[tuple[str, tuple[str, ...]]]


def make_label(chance: random.Random, profile: Profile) -> Label:
    """A label with nothing wrong with it on :data:`AT`; a bare one where forty attempts have none."""
    for _ in range(ROOM_TO_TRY):
        label = _attempt(chance, profile)
        if not any(finding.severity is markings.Severity.ERROR for finding in markings.validate(label, AT)):
            return label
    return Label(profile.name, Level.U)


def _attempt(chance: random.Random, profile: Profile) -> Label:
    system = chance.choice(("US", "US", "US", *profile.systems))
    level = chance.choice((Level.U, Level.C, Level.S, Level.TS))
    if system in ("NON-US", "NATO") and chance.random() < 0.2:
        level = Level.R
    if "CUI" in profile.words:
        level = Level.U
    pairs: Pairs = set()
    for name in chance.sample(sorted(profile.words), chance.choice((0, 0, 1, 1, 2, 3))):
        pairs |= _control(chance, name, profile)
    if "CUI" in profile.words and (pairs or chance.random() < 0.5):
        pairs.add(("CUI", ()))
    rel_to = display_to = None
    says = chance.choice(("", "NF", "REL", "REL", "REL", "RELIDO", "DISPLAY", "REL/DISPLAY", "REL/RELIDO"))
    owners = _owners(chance, system, profile)
    if "REL" in says and says != "RELIDO":
        named = set(_codes(chance)) | ({*owners} - {"USA"} if system == "JOINT" else set())
        rel_to = ("USA", *sorted(named, key=profile.tables.sort_key))
    if "DISPLAY" in says:
        display_to = tuple(code for code in _codes(chance) if code not in (rel_to or ())) or None
    if says.endswith("RELIDO"):
        pairs.add(("RELIDO", ()))
    names = {name for name, _ in pairs}
    if says == "NF" or (names & {"HCS", "NODIS", "EXDIS"} and rel_to is None and display_to is None):
        pairs.add(("NOFORN", ()))
    if ("SI", ("G",)) in pairs or "HCS" in names or ("ORCON-USGOV" in names and profile.both_orcons):
        pairs.add(("ORCON", ()))
    if names & {"BALK", "BOHEMIA", "ATOMAL"} and system == "US" and "FGI" not in names:
        pairs.add(("FGI", ("NATO",)))
    ordered = sorted(pairs, key=lambda pair: profile.order(*pair))
    controls = tuple(Control(*pair) for pair in ordered)
    return Label(profile.name, level, controls, rel_to, display_to, system=system, owners=owners)


def _owners(chance: random.Random, system: str, profile: Profile) -> tuple[str, ...]:
    if system == "JOINT":
        return tuple(sorted({"USA", *chance.sample(NATIONS, chance.choice((1, 2)))}, key=profile.tables.sort_key))
    return {"US": ("USA",), "NATO": ("NATO",)}.get(system, (chance.choice(NATIONS),))


def _codes(chance: random.Random) -> tuple[str, ...]:
    nations = chance.sample(NATIONS, chance.choice((1, 1, 2, 3)))
    return (*sorted(nations), *sorted(chance.sample(COMMUNITIES, chance.choice((0, 0, 0, 1)))))


def _control(chance: random.Random, name: str, profile: Profile) -> Pairs:
    if name in ("REL TO", "DISPLAY ONLY", "NOFORN", "RELIDO"):
        return set()
    if name in ("PR", "DS"):
        return {(name, (chance.choice(("SPIRE", "A_1")), chance.choice(("AIS", "ELSET"))))}
    if name == "SAR":
        return chance.choice(({(name, ("BP",))}, {(name, ("BP",)), (name, ("BP", "J12")), (name, ("BP", "J12", "X"))}))
    if name == "FGI":
        return {(name, ())} if chance.random() < 0.3 else {(name, (code,)) for code in _codes(chance)}
    if name == "EYES ONLY":
        return {(name, ("USA", *sorted(chance.sample(("AUS", "CAN", "GBR", "NZL"), chance.randint(1, 4)))))}
    if name in ("RD", "FRD"):
        extra = chance.choice((set(), {(name, ("SIGMA", "14")), (name, ("SIGMA", "20"))}, {(name, ("CNWDI",))}))
        return {(name, ())} | (extra if name == "RD" or ("FRD", ("CNWDI",)) not in extra else set())
    parts = {
        "SI": (("G",), ("G", "ABCD"), ("NK",), ("XYZ",)),
        "TK": (("BLFH",), ("KAND",), ("KAND", "A1")),
        "HCS": (("O",), ("P",), ("P", "JJJ")),
        "RSV": (("A1B",),),
    }.get(name, ())
    chosen = chance.choice(((), *parts))
    return {(name, chosen[:size]) for size in range(len(chosen) + 1)}


TYPO, DELIMITER, REORDER, CASE, SPACE = KINDS = ("typo", "delimiter", "reorder", "case", "space")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 /-,"
_ALIKE = {"A": "\u0410", "E": "\u0415", "O": "\u041e", "S": "\u0405", "/": "\u2044", "-": "\u2010", " ": "\u00a0"}


def mangle(chance: random.Random, text: str, kind: str) -> str:
    """The text with one slip of that kind, or itself where it has no place for one."""
    place = chance.randrange(len(text))
    if kind == TYPO:
        return chance.choice(
            (
                text[:place] + text[place + 1 :],
                text[:place] + chance.choice(_LETTERS) + text[place:],
                text[:place] + chance.choice(_LETTERS) + text[place + 1 :],
                text[:place] + text[place + 1 : place + 2] + text[place] + text[place + 2 :],
            )
        )
    if kind == DELIMITER:
        old, new = chance.choice(
            (("//", "/"), ("/", "//"), (", ", ","), (", ", " "), (" ", ", "), ("-", " "), (" ", "-"), ("//", "///"),
             ("//", " "), ("/", ", "), ("-", "/"), ("(", "["), ("//", "\\\\"), (", ", "/"), ("//", ""), (", ", ""))
        )  # fmt: skip
        return text.replace(old, new, chance.choice((-1, 1)))
    if kind == REORDER:
        return _reorder(chance, text)
    if kind == CASE:
        return chance.choice((text.lower(), text.title(), text[:place] + text[place:].swapcase(), text.capitalize()))
    letter = text[place]
    alike = _ALIKE.get(letter, letter + chance.choice(("\u200b", "\u0301", " ", "\t", "\n", "\ufeff")))
    return text[:place] + alike + text[place + 1 :]


def _reorder(chance: random.Random, text: str) -> str:
    """Categories, the controls of a category, or the parts of one control in another order.

    A code moved from one list to another is no slip but another marking, as well formed as the first.
    """
    inner = text.removeprefix("(").removesuffix(")")
    segments = inner.split("//")
    depth = chance.choice(("//", "/", ", ", "-", " "))
    if depth == "//":
        chance.shuffle(segments)
    else:
        place = chance.randrange(len(segments))
        tokens = segments[place].split("/")
        if depth == "/":
            chance.shuffle(tokens)
        else:
            chosen = chance.randrange(len(tokens))
            parts = tokens[chosen].split(depth)
            chance.shuffle(parts)
            tokens[chosen] = depth.join(parts)
        segments[place] = "/".join(tokens)
    return text.replace(inner, "//".join(segments))
