"""What each part of a label means, for a person: its words, what it does to a release, and the source of both.

Nothing is decided here. Every sentence is put together from the vocabulary, the profile's release table and the
table of combinations, so that what is explained is what is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.markings.combinations import EXCLUDES, LOWEST, NEEDS
from gateway.markings.heads import JOINT, NATO, NON_US
from gateway.markings.label import Control, Label
from gateway.markings.profiles import Effect, Profile, ReleaseRow
from gateway.markings.words import ALL_LEVELS, NATO_LEVELS, Category, Level, Shape, Word


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a label: its ``text``, what it means, what it does to a release, and who says so."""

    text: str
    meaning: str
    effect: str
    source: str


def explain(label: Label, chosen: Profile) -> tuple[Part, ...]:
    """A label's parts in the order in which they stand."""
    return (*_head(label, chosen), *(_control(control, chosen) for control in label.controls), *_lists(label, chosen))


def _head(label: Label, chosen: Profile) -> Iterator[Part]:
    name = NATO_LEVELS[label.level][0] if label.system == NATO else ALL_LEVELS[label.level]
    row = chosen.systems.get(label.system)
    if label.system == JOINT:
        yield Part(name, f"owned jointly by {' and '.join(label.owners)}", effect_of(row), "CAPCO-2016 H.3")
    elif label.system in (NON_US, NATO):
        yield Part(name, f"the level is that of {label.owners[0]}", effect_of(row), "CAPCO-2016 H.2 and H.7")
    else:
        yield Part(name, "the classification of the United States", "judged by the clearance", "CAPCO-2016 H.1")


def _control(control: Control, chosen: Profile) -> Part:
    word = chosen.words.get(control.name)
    text = "-".join((control.name, *control.values))
    row = chosen.rows.get(control.name)
    if word is None:
        return Part(text, "not a word of this profile", effect_of(None), chosen.authority)
    return Part(text, _meaning(word, control.values), effect_of(row), row.source if row is not None else word.authority)


def _meaning(word: Word, values: tuple[str, ...]) -> str:
    if not values:
        return "foreign government information, its source concealed" if word.shape is Shape.FOREIGN else word.meaning
    named = " ".join(values)
    return {
        Shape.OWNED: f"{word.meaning}, {values[0]}",
        Shape.FOREIGN: f"information of {named}",
        Shape.EYES: f"for the eyes of {named} only",
        Shape.PROGRAM: f"{word.meaning}, programme {named}",
        Shape.SYSTEM: f"{word.meaning}, compartment {named}",
    }.get(word.shape, f"{word.meaning}, {named}")


def _lists(label: Label, chosen: Profile) -> Iterator[Part]:
    for name, codes in (("REL TO", label.rel_to), ("DISPLAY ONLY", label.display_to)):
        if codes is not None:
            row = chosen.rows.get(name)
            meaning = "may be released to these" if name == "REL TO" else "may be shown to these, no copy handed over"
            source = row.source if row is not None else chosen.authority
            yield Part(f"{name} {', '.join(codes)}", meaning, effect_of(row), source)


_EFFECTS: Final = {
    Effect.NEVER: "never released",
    Effect.READ_IN: "released to those read in only",
    Effect.NO_EFFECT: "no effect by itself",
}


def effect_of(row: ReleaseRow | None) -> str:
    """What a row of the release table does, in words; no row denies."""
    if row is None:
        return "denied: no row in the release table"
    return _EFFECTS.get(row.kind) or f"needs the consent of the {row.whose}"


def rules_about(word: Word) -> tuple[str, ...]:
    """The ids of the rules that a control is judged by, beyond its form; sorted."""
    found = {row.rule for row in LOWEST if row.about.name == word.name}
    found |= {row.rule for row in NEEDS if word.name in (row.about.name, row.needed)}
    found |= {row.rule for row in EXCLUDES if word.name == row.about.name or word.name in row.excluded}
    if word.lowest is not Level.U and not any(row.about.name == word.name and not row.about.values for row in LOWEST):
        found.add("LEVEL-LOWEST")
    if word.highest is not Level.TS:
        found.add("LEVEL-HIGHEST")
    found |= set(_OTHER_RULES.get(word.name, ())) | set(_SHAPE_RULES.get(word.shape, ()))
    if word.category is Category.CUI:
        found.add("CUI-MISSING")
    return tuple(sorted(found))


_OTHER_RULES: Final[dict[str, tuple[str, ...]]] = {
    "ATOMAL": ("ISM-ID-00163",),
    "BALK": ("ISM-ID-00163",),
    "BOHEMIA": ("ISM-ID-00163",),
    "CUI": ("CUI-MISSING", "CUI-UNCLASSIFIED"),
    "DISPLAY ONLY": ("ISM-ID-00169", "ISM-ID-00201", "ISM-ID-00213", "DISPLAY-REPEATS", "DISPLAY-USA"),
    "FGI": ("FGI-IN-FOREIGN", "ISM-ID-00064", "ISM-ID-00217"),
    "FOUO": ("FOUO-UNCLASSIFIED",),
    "NOFORN": ("ISM-ID-00169", "JOINT-EXCLUDES"),
    "HCS": ("JOINT-EXCLUDES",),
    "ORCON": ("ISM-ID-00067", "ORCON-CLASSIFIED"),
    "REL TO": ("ISM-ID-00031", "ISM-ID-00088", "ISM-ID-00199", "ISM-ID-00318", "ISM-ID-00319", "ISM-ID-00377"),
    "RELIDO": ("ISM-ID-00169",),
}
_SHAPE_RULES: Final[dict[Shape, tuple[str, ...]]] = {
    Shape.SYSTEM: ("ISM-ID-00388", "SCI-COMPARTMENT"),
    Shape.PROGRAM: ("ISM-ID-00388", "SAP-PROGRAM"),
    Shape.ATOMIC: ("AEA-PARTS", "AEA-SIGMA", "ISM-ID-00388"),
    Shape.FOREIGN: ("FGI-SOURCE", "ISM-ID-00265"),
    Shape.LIST: ("ISM-ID-00236", "ISM-ID-00265"),
    Shape.OWNED: ("UDL-OWNED", "UDL-OWNER-TYPE"),
    Shape.EYES: ("EYES-USA-FIRST", "ISM-ID-00345"),
}


def rolled_up(word: Word) -> str:
    """How a control goes into a roll-up, in words."""
    said = _ROLLED.get(word.name)
    if said is not None:
        return said
    if word.highest is Level.U and word.category not in (Category.CUI, Category.HEAD):
        return "carried while the whole is unclassified; a classified whole is NOFORN instead"
    return "carried"


_ROLLED: Final = {
    "NOFORN": "takes all",
    "SBU NOFORN": "takes all; a classified whole is NOFORN instead; yields to EXDIS and NODIS",
    "LES NOFORN": "takes all; LES and NOFORN in a classified whole",
    "LES": "carried; LES NOFORN takes its place",
    "REL TO": "intersection, else NOFORN",
    "DISPLAY ONLY": "intersection with what may be shown, else NOFORN",
    "RELIDO": "kept where every portion has it, else NOFORN or lists",
    "EYES ONLY": "NOFORN",
    "FOUO": "kept while the whole is unclassified and has no other such control",
    "FGI": "sources unite; a concealed one conceals all",
    "RD": "carried; FRD and TFNI yield to it",
    "FRD": "carried; yields to RD, TFNI to it",
    "TFNI": "carried; yields to RD and FRD",
    "EXDIS": "carried; yields to NODIS",
    "SBU": "carried while the whole is unclassified; yields to SBU NOFORN; a classified whole is NOFORN instead",
    "ORCON-USGOV": "carried; yields to ORCON, in ism-2022 beside it",
}
