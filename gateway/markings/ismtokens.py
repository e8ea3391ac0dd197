"""Controls as ISM-2022 attributes write them: which attribute, which token, in which order; both ways.

Each attribute is a list of tokens with spaces between. Compartments are tokens of their own beside their parents
(``SI SI-G SI-G-ABCD``), which is how a label holds them. ATOMAL, BALK and BOHEMIA stand in ``nonUSControls``, EYES
ONLY with its list in ``releasableTo``. PR and DS of the Unified Data Library have no ISM form, and neither has CUI
without a category.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.profiles import Profile, profile_names
from gateway.markings.profiles import profile as profile_of
from gateway.markings.structure import SIGMA
from gateway.markings.words import BY_NAME, Category, Shape, Word

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
_ORDERS: Final[Mapping[str, tuple[str, ...]]] = {
    DISSEM: _DISSEM_ORDER,
    NON_US: ("NATO-ATOMAL", "NATO-BOHEMIA", "NATO-BALK"),
}
"""The published order of tokens where it is not that of the controls in a marking (CVEnumISMDissem and others)."""
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
    for attribute, order in _ORDERS.items():
        found.get(attribute, []).sort(key=order.index)
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
        if attribute == PROTECTED and all(profile.tables.knows(token) for token in tokens):
            tokens = _CONCEALED[: len(tokens)]
        read = [_read(attribute, token, known, profile) for token in tokens]
        pairs = [pair for pair in read if pair is not None]
        if len(pairs) != len(read) or not _in_order(attribute, tokens, pairs, profile):
            unread = [token for token, pair in zip(tokens, read, strict=True) if pair is None]
            message = _unread(unread) or f"each token of {attribute} is known, stands once, and in order"
            raise MarkingError(Finding("ISM-TOKENS", f"ISM-2022 {attribute}", message))
        found.extend(pairs)
    lists = frozenset(name for name, _ in found if name in _LISTS)
    return [pair for pair in found if pair[0] not in _LISTS], lists


def _unread(tokens: Iterable[str]) -> str:
    """Where other profiles read a token that this one does not, which they are; else nothing."""
    names = {token.partition("-")[0] for token in tokens} | set(tokens)
    words = [word.name for word in BY_NAME.values() if names & {word.ism, word.name}]
    readers = [name for name in profile_names() if any(word in profile_of(name).words for word in words)]
    return f"a token that this profile does not read, and {' and '.join(readers)} would" if readers else ""


def _known(profile: Profile) -> dict[tuple[str, str], str]:
    return {
        (_attribute(word), word.ism): word.name
        for word in profile.words.values()
        if word.ism and word.shape not in (Shape.OWNED, Shape.SYSTEM, Shape.PROGRAM, Shape.FOREIGN)
    }


_CONCEALED: Final = ("FGI",)
"""What stands for the names of protected sources: those who may read the names are not whom this package serves."""
Reader = Callable[[str, Profile], Pair | None]


def _system(token: str, profile: Profile) -> Pair | None:
    """A control system, or a compartment of one. Form only: whether it can be is for the rules of a label."""
    name, *values = token.split("-")
    return (name, tuple(values)) if name in profile.words and "" not in values else None


def _programme(token: str, profile: Profile) -> Pair | None:
    return ("SAR", tuple(token.split("-"))) if "SAR" in profile.words else None


def _open_source(token: str, profile: Profile) -> Pair | None:
    return ("FGI", (token,)) if "FGI" in profile.words else None


def _concealed_source(token: str, profile: Profile) -> Pair | None:
    return (token, ()) if token in _CONCEALED and token in profile.words else None


def _atomic(token: str, profile: Profile) -> Pair | None:
    """RD or FRD with CNWDI or a SIGMA category; the others have no parts and are found as words."""
    name, _, part = token.partition("-")
    if name not in ("RD", "FRD") or name not in profile.words or not part:
        return None
    number = part.removeprefix("SG-")
    if number == part:
        return name, (part,)
    plain = number.isascii() and number.isdigit() and number[0] != "0"
    return (name, (SIGMA, number.zfill(2))) if plain else None


_READERS: Final[Mapping[str, Reader]] = {
    SCI: _system,
    SAR: _programme,
    OPEN: _open_source,
    PROTECTED: _concealed_source,
    AEA: _atomic,
}


def _read(attribute: str, token: str, known: Mapping[tuple[str, str], str], profile: Profile) -> Pair | None:
    """One token's control; none where the attribute has no such token."""
    name = known.get((attribute, token))
    if name is not None:
        return name, ()
    reader = _READERS.get(attribute)
    return None if reader is None else reader(token, profile)


def _in_order(attribute: str, tokens: tuple[str, ...], pairs: Iterable[Pair], profile: Profile) -> bool:
    """Whether each token stands once and in the published order, which for most attributes is the Register's."""
    if len(set(tokens)) != len(tokens):
        return False
    if attribute in _ORDERS:
        return list(tokens) == sorted(tokens, key=_ORDERS[attribute].index)
    orders = [profile.order(*pair) for pair in pairs]
    return orders == sorted(orders)
