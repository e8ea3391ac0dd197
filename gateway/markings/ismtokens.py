"""Controls as ISM-2022 attributes write them: which attribute, which token, in which order; both ways.

Each attribute is a list of tokens with spaces between. Compartments are tokens of their own beside their parents
(``SI SI-G SI-G-ABCD``), which is how a label holds them. ATOMAL, BALK and BOHEMIA stand in ``nonUSControls``, EYES
ONLY with its list in ``releasableTo``. PR and DS of the Unified Data Library have no ISM form, and neither has CUI
without a category.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.profiles import Profile
from gateway.markings.structure import SIGMA
from gateway.markings.words import Category, Shape, Word

Pair = tuple[str, tuple[str, ...]]

SCI: Final = "SCIcontrols"
SAR: Final = "SARIdentifier"
AEA: Final = "atomicEnergyMarkings"
OPEN: Final = "FGIsourceOpen"
PROTECTED: Final = "FGIsourceProtected"
DISSEM: Final = "disseminationControls"
NON_IC: Final = "nonICmarkings"
NON_US: Final = "nonUSControls"
CUI_BASIC: Final = "cuiBasic"
CUI_SPECIFIED: Final = "cuiSpecified"
CONTROLS: Final = (SCI, SAR, AEA, OPEN, PROTECTED, DISSEM, NON_IC, NON_US, CUI_BASIC, CUI_SPECIFIED)
"""The attributes that hold controls, in the order in which they are written."""

_DISSEM_ORDER: Final = (
    *("RS", "FOUO", "OC", "OC-USGOV", "IMC", "NF", "PR", "REL", "RELIDO", "EYES", "DSEN", "RAWFISA", "FISA"),
    *("DISPLAYONLY", "EXEMPT_FROM_ICD501_DISCOVERY", "WAIVED", "AC", "AWP", "DL_ONLY", "FED_ONLY", "FEDCON", "NOCON"),
)
_LISTS: Final = ("REL TO", "DISPLAY ONLY")


def tokens_of(controls: Iterable[Pair], lists: Iterable[str], profile: Profile) -> dict[str, str]:
    """The attributes that state these controls and release lists; :class:`MarkingError` for one without a form."""
    found: dict[str, list[str]] = {}
    categories = False
    cui = False
    for name, values in controls:
        word = profile.words.get(name)
        if word is not None and word.category is Category.HEAD:
            cui = True
            continue
        attribute, token = _written(word, values)
        categories |= attribute in (CUI_BASIC, CUI_SPECIFIED)
        found.setdefault(attribute, []).append(token)
    if cui and not categories:
        raise _no_form()
    found.setdefault(DISSEM, []).extend(profile.words[name].ism for name in lists)
    found[DISSEM].sort(key=_DISSEM_ORDER.index)
    return {attribute: " ".join(found[attribute]) for attribute in CONTROLS if found.get(attribute)}


def _written(word: Word | None, values: tuple[str, ...]) -> tuple[str, str]:
    if word is None or word.shape is Shape.OWNED:
        raise _no_form()
    if word.shape is Shape.SYSTEM:
        return SCI, "-".join((word.name, *values))
    if word.shape is Shape.PROGRAM:
        return SAR, "-".join(values)
    if word.shape is Shape.FOREIGN:
        return (OPEN, values[0]) if values else (PROTECTED, "FGI")
    if word.shape is Shape.ATOMIC:
        parts = ("SG", str(int(values[1]))) if values[:1] == (SIGMA,) else values
        return AEA, "-".join((word.name, *parts))
    return _attribute(word), word.ism


def _attribute(word: Word) -> str:
    if word.ism.startswith("NATO-"):
        return NON_US
    if word.category is Category.CUI:
        return CUI_SPECIFIED if word.portion.startswith("SP-") else CUI_BASIC
    return {Category.AEA: AEA, Category.NON_IC: NON_IC}.get(word.category, DISSEM)


def _no_form() -> MarkingError:
    return MarkingError(Finding("ISM-TOKENS", "ISM-2022", "a control of this label has no ISM token"))


def controls_of(given: Mapping[str, tuple[str, ...]], profile: Profile) -> tuple[list[Pair], frozenset[str]]:
    """The controls that these attributes' tokens state, and the release lists they ask for.

    Raises :class:`MarkingError` for a token that is unknown, stands twice or out of order.
    """
    found: list[Pair] = []
    known = _known(profile)
    for attribute in CONTROLS:
        tokens = given.get(attribute, ())
        pairs = [_read(attribute, token, known, profile) for token in tokens]
        if any(pair is None for pair in pairs) or not _in_order(attribute, tokens, profile):
            message = f"each token of {attribute} is known, stands once, and in order"
            raise MarkingError(Finding("ISM-TOKENS", "ISM-2022", message))
        found.extend(pair for pair in pairs if pair is not None)
    lists = frozenset(name for name, _ in found if name in _LISTS)
    return [pair for pair in found if pair[0] not in _LISTS], lists


def _known(profile: Profile) -> dict[tuple[str, str], str]:
    return {
        (_attribute(word), word.ism): word.name
        for word in profile.words.values()
        if word.ism and word.shape not in (Shape.OWNED, Shape.SYSTEM, Shape.PROGRAM, Shape.FOREIGN)
    }


def _read(attribute: str, token: str, known: Mapping[tuple[str, str], str], profile: Profile) -> Pair | None:
    """One token's control. Form only: whether its parts can be is for the rules of a label."""
    name, *values = token.split("-")
    if attribute == SCI:
        return (name, tuple(values)) if name in profile.words and not token.endswith("-") else None
    if attribute == SAR:
        return ("SAR", (name, *values)) if "SAR" in profile.words else None
    if attribute == OPEN:
        return ("FGI", (token,)) if "FGI" in profile.words else None
    if attribute == PROTECTED:
        return ("FGI", ()) if values == [] and name == "FGI" and name in profile.words else None
    if attribute == AEA and name in ("RD", "FRD") and values and name in profile.words:
        sigma = values[0] == "SG" and len(values) == 2 and values[1].isascii() and values[1].isdigit()
        if sigma:
            return (name, (SIGMA, values[1].zfill(2))) if values[1][0] != "0" else None
        return name, tuple(values)
    found = known.get((attribute, token))
    return None if found is None else (found, ())


def _in_order(attribute: str, tokens: tuple[str, ...], profile: Profile) -> bool:
    if len(set(tokens)) != len(tokens):
        return False
    if attribute == DISSEM:
        return list(tokens) == sorted(tokens, key=_DISSEM_ORDER.index)
    return attribute != OPEN or list(tokens) == sorted(tokens, key=profile.tables.sort_key)
