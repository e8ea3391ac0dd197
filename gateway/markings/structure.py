"""Controls with parts of their own, from text and back: SCI, special access, atomic energy, FGI, EYES ONLY.

    SCI   = system *("-" compartment *(SP sub))          SI-G ABCD EFGH-XYZ
    SAP   = programme *("-" compartment *(SP sub))       SAR-BP-J12 J54-K15/CD-YYY 456 689
    AEA   = ("RD" ["-CNWDI"] / "FRD") ["-SIGMA" 1*(SP n)]  a portion writes SG
    FGI   = "FGI" *(SP code)                             bare: the source is concealed
    EYES  = code *("/" code) " EYES ONLY"                a portion writes EYES

One text becomes several controls, each compartment under its parent: ``SI-G ABCD`` is ``SI``, ``SI-G`` and
``SI-G ABCD``. A marking is then a *set* of controls, to unite markings is to unite sets, and who must hold what
is a comparison of sets. The same closure is the form of ISM attributes (ISM-ID-00388).

Sources: CAPCO-2016 A.6, H.4 to H.8; ISM-2022 SCIcontrols and atomicEnergyMarkings.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.markings.findings import Finding
from gateway.markings.profiles import Profile
from gateway.markings.words import COMPARTMENTS, EYES, PART, PROGRAM, UNLISTED, Letters, Shape, Word

Values = tuple[str, ...]
SIGMA: Final = "SIGMA"
_SIGMA_TEXT: Final = {False: "SIGMA", True: "SG"}
_LEVELS_OF_PARTS: Final = 2


def read_parts(word: Word, token: str, profile: Profile, *, portion: bool) -> tuple[Values, ...] | Finding:
    """The values of each control that the text states, in order; or what is wrong with it.

    ``token`` is the text with its word, for special access without (``BP-J12 J54``).
    """
    if word.shape is Shape.SYSTEM:
        return _tree(word, token.split("-")[1:], word.name)
    if word.shape is Shape.PROGRAM:
        program, *parts = token.split("-")
        return _program(word, program, parts)
    if word.shape is Shape.ATOMIC:
        return _atomic(word, token.split("-")[1:], profile, portion=portion)
    if word.shape is Shape.FOREIGN:
        return _foreign(word, token.split(" ")[1:], profile)
    return ((),)


def _tree(word: Word, parts: Sequence[str], system: str) -> tuple[Values, ...] | Finding:
    found: list[Values] = [()]
    for part in parts:
        name, *subs = part.split(" ")
        form = _compartment(system, name)
        if form is None:
            return Finding("SCI-COMPARTMENT", word.authority, "not a compartment of this system")
        found.append((name,))
        for sub in subs:
            if form is _NO_SUBS or not form.fits(sub):
                return Finding("SCI-COMPARTMENT", word.authority, "not a sub-compartment of this compartment")
            found.append((name, sub))
    return _ascending(word, found)


_NO_SUBS: Final = Letters(frozenset(), 1, 0)


def _compartment(system: str, name: str) -> Letters | None:
    """The form of a compartment's sub-compartments; none where there is no such compartment."""
    listed = COMPARTMENTS[system]
    if name in listed:
        return listed[name] or _NO_SUBS
    unlisted = UNLISTED.get(system)
    if unlisted is None or not unlisted[0].fits(name):
        return None
    return unlisted[1] or _NO_SUBS


def _program(word: Word, program: str, parts: Sequence[str]) -> tuple[Values, ...] | Finding:
    if not PROGRAM.fits(program):
        return Finding("SAP-PROGRAM", word.authority, "not the identifier of a programme")
    found: list[Values] = [(program,)]
    for part in parts:
        name, *subs = part.split(" ")
        if not PART.fits(name) or not all(PART.fits(sub) for sub in subs):
            return Finding("SAP-PROGRAM", word.authority, "not the identifier of a compartment")
        found.append((program, name))
        found.extend((program, name, sub) for sub in subs)
    return _ascending(word, found)


def _atomic(word: Word, parts: Sequence[str], profile: Profile, *, portion: bool) -> tuple[Values, ...] | Finding:
    found: list[Values] = [()]
    rest = list(parts)
    if rest and rest[0] == "CNWDI" and word.name == "RD":
        found.append((rest.pop(0),))
    if rest:
        name, *numbers = rest.pop(0).split(" ")
        if rest or name != _SIGMA_TEXT[portion] or not numbers:
            return Finding("AEA-PARTS", word.authority, "CNWDI or SIGMA categories follow, each once, in this form")
        for number in numbers:
            if not _is_sigma(number, profile):
                return Finding("AEA-SIGMA", word.authority, "not a SIGMA category of this profile")
            found.append((SIGMA, number.zfill(2)))
    return _ascending(word, found)


def _is_sigma(number: str, profile: Profile) -> bool:
    short = 0 < len(number) <= _LEVELS_OF_PARTS and number[0] != "0"
    return short and number.isascii() and number.isdigit() and int(number) in profile.sigmas


def _foreign(word: Word, codes: list[str], profile: Profile) -> tuple[Values, ...] | Finding:
    if not codes:
        return ((),)
    if not all(profile.tables.knows(code) for code in codes):
        return Finding("ISM-ID-00265", word.authority, "a source is neither a nation nor a community of the tables")
    if "USA" in codes:
        return Finding("FGI-SOURCE", word.authority, "the United States is no foreign source")
    ordered = sorted(set(codes), key=profile.tables.sort_key)
    if len(ordered) != len(codes):
        return Finding("ISM-ID-00236", word.authority, "a source stands twice")
    if ordered != codes:
        message = "nations stand before communities, each in alphabetical order"
        return Finding("LIST-ORDER", word.authority, message, suggestion=f"FGI {' '.join(ordered)}")
    return tuple((code,) for code in codes)


def _ascending(word: Word, found: list[Values]) -> tuple[Values, ...] | Finding:
    for before, after in itertools.pairwise(found):
        if before == after:
            return Finding("GRAMMAR-DUPLICATE", word.authority, "a part stands twice")
        if before > after:
            return Finding("GRAMMAR-ORDER", word.authority, "parts stand in ascending order, digits before letters")
    return tuple(found)


def eyes_finding(word: Word, codes: Values) -> Finding | None:
    """What is wrong with the list of EYES ONLY: USA first, then others of the five, by alphabet."""
    if not set(codes) <= set(EYES):
        return Finding("ISM-ID-00345", word.authority, "EYES ONLY names none but the five")
    if codes[:1] != ("USA",) or len(codes) < 2:
        return Finding("EYES-USA-FIRST", word.authority, "the list begins with USA and names another")
    if list(codes[1:]) != sorted(set(codes[1:])):
        return Finding("LIST-ORDER", word.authority, "each once, in alphabetical order")
    return None


def parts_finding(word: Word, values: Values, profile: Profile) -> Finding | None:
    """What is wrong with one control's values, however it was made: they are written and read again."""
    if word.shape is Shape.EYES:
        return eyes_finding(word, values)
    if word.shape not in _WITH_PARTS:
        return None
    wrong = Finding("CONTROL-VALUES", word.authority, "a control has parts that it cannot have")
    if not all(_PLAIN.issuperset(value) for value in values) or not _writable(word, values):
        return wrong
    text = write_parts(word, sorted({*parents(word, values), values}), portion=False)
    found = read_parts(word, text.removeprefix("SAR-"), profile, portion=False)
    if isinstance(found, Finding):
        return found
    return None if values in found else wrong


_WITH_PARTS: Final = frozenset((Shape.SYSTEM, Shape.PROGRAM, Shape.ATOMIC, Shape.FOREIGN))
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def _writable(word: Word, values: Values) -> bool:
    if word.shape is Shape.PROGRAM:
        return 0 < len(values) <= 1 + _LEVELS_OF_PARTS
    if word.shape is Shape.SYSTEM:
        return len(values) <= _LEVELS_OF_PARTS
    return values[:1] != (SIGMA,) or (len(values) == len((SIGMA, "14")) and values[1].isdigit())


def parents(word: Word, values: Values) -> Iterable[Values]:
    """The controls of the same word that must stand beside one with these values (ISM-ID-00388)."""
    if word.shape is Shape.SYSTEM:
        return (values[:size] for size in range(len(values)))
    if word.shape is Shape.PROGRAM:
        return (values[:size] for size in range(1, len(values)))
    if word.shape is Shape.ATOMIC and values:
        return ((),)
    return ()


def write_parts(word: Word, all_values: Sequence[Values], *, portion: bool) -> str:
    """The text of a word's controls, given in order."""
    if word.shape is Shape.SYSTEM:
        return "".join(_written(word.name, values) for values in all_values)
    if word.shape is Shape.PROGRAM:
        texts = "".join(_written(f"/{values[0]}", values[1:]) for values in all_values)
        return f"SAR-{texts[1:]}"
    if word.shape is Shape.ATOMIC:
        text = "-CNWDI" if ("CNWDI",) in all_values else ""
        numbers = [values[1] for values in all_values if values[:1] == (SIGMA,)]
        sigmas = " ".join((f"-{_SIGMA_TEXT[portion]}", *(str(int(number)) for number in numbers)))
        return word.name + text + (sigmas if numbers else "")
    if word.shape is Shape.FOREIGN:
        return " ".join((word.name, *(code for values in all_values for code in values)))
    return f"{'/'.join(all_values[0])} {word.portion if portion else word.name}"


def _written(head: str, values: Values) -> str:
    """A head, ``-compartment`` or `` sub``: a parent stands right before what is under it."""
    if not values:
        return head
    return f"-{values[0]}" if len(values) == 1 else f" {values[1]}"
