"""What is wrong with a label beyond its form: one function a rule, under the authority's own number.

Any finding of severity ``error`` makes a label unfit for release. A rule looks at one label, however it was
made, so a label built by hand or read from attributes is judged as one that was parsed. What may stand at which
level and beside what is a table (:mod:`gateway.markings.combinations`). A banner beside its portions is for
:mod:`gateway.markings.banners`.

Numbers such as ``ISM-ID-00033`` are those of ISM-2022; an id of words is ours, and its authority is cited
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from typing import Final

from gateway.markings.capco import is_owner_and_type, list_finding
from gateway.markings.combinations import EXCLUDES, LOWEST, NEEDS
from gateway.markings.findings import Finding, Severity
from gateway.markings.heads import JOINT, NATO, US, owners_finding
from gateway.markings.label import Control, Label
from gateway.markings.profiles import Profile, profile
from gateway.markings.structure import parents, parts_finding
from gateway.markings.tables import Tables
from gateway.markings.words import BY_NAME, Level, Shape

_EXCLUSIVE: Final = ("NOFORN", "RELIDO", "DISPLAY ONLY")


def validate(label: Label, at: date, tables: Tables | None = None) -> tuple[Finding, ...]:
    """Everything wrong with a label on that day; empty when it is sound.

    ``tables`` are the profile's shipped ones unless given. Raises :class:`UnknownProfileError` for a label of
    no known profile.
    """
    chosen = profile(label.profile)
    known = tables or chosen.tables
    chosen = chosen if known is chosen.tables else _against(label.profile, known)
    found: list[Finding] = []
    for rule in _RULES:
        found.extend(rule(label, chosen))
    found.extend(_lists(label, at, known))
    found.extend(_co_owners(label, at, known))
    owners = _in_use("ISM-ID-00199", tuple(code for code in label.owners if code != "USA"), label.created, at, known)
    found.extend(owners)
    return tuple(found)


@lru_cache(maxsize=64)
def _against(name: str, tables: Tables) -> Profile:
    return profile(name).with_tables(tables)


def _head(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.system != US and label.system not in chosen.systems:
        yield Finding("US-OWNER", "CAPCO-2016 H.1", "this profile reads no labels of that system")
        return
    wrong = owners_finding(label.system, label.level, label.owners, chosen)
    if wrong is not None:
        yield wrong
    if "CUI" in chosen.words and label.level is not Level.U:
        yield Finding("CUI-UNCLASSIFIED", chosen.authority, "CUI is unclassified; this profile reads nothing else")


def _controls(label: Label, chosen: Profile) -> Iterator[Finding]:
    for control in label.controls:
        word = chosen.words.get(control.name)
        if word is None or word.shape is Shape.LIST:
            yield Finding("CONTROL-UNKNOWN", chosen.authority, "a control that this profile does not know")
        elif word.shape is Shape.BARE and control.values:
            yield Finding("CONTROL-VALUES", word.authority, "a control that takes no values has some")
        elif word.shape is Shape.OWNED and not is_owner_and_type(control.values):
            yield Finding("UDL-OWNER-TYPE", word.authority, "one owner and one data type are needed")
        else:
            wrong = parts_finding(word, control.values, chosen)
            if wrong is not None:
                yield wrong
            elif not all(Control(word.name, values) in label.controls for values in parents(word, control.values)):
                message = "a compartment stands without the control that it hangs from"
                yield Finding("ISM-ID-00388", word.authority, message)


def _category(label: Label, chosen: Profile) -> Iterator[Finding]:
    categories = [control for control in label.controls if control.name.startswith("CUI-")]
    if "CUI" not in chosen.words or label.has("CUI"):
        return
    if categories or any(control.name not in _OF_ANY for control in label.controls):
        yield Finding("CUI-MISSING", "32 CFR 2002.20", "categories and limits on dissemination follow CUI")


_RULED: Final = frozenset(row.about.name for row in LOWEST if not row.about.values and not row.about.deeper)


def _levels(label: Label, chosen: Profile) -> Iterator[Finding]:
    if not label.controls:
        return
    for row in LOWEST:
        if label.level < row.level and any(row.about.holds(control) for control in label.controls):
            yield Finding(row.rule, row.authority, f"stands at {row.level.name} or above only")
    for name in {control.name for control in label.controls}:
        word = chosen.words.get(name)
        if word is None:
            continue
        if label.level < word.lowest and name not in _RULED:
            yield Finding("LEVEL-LOWEST", word.authority, f"stands at {word.lowest.name} or above only")
        if label.level > word.highest:
            yield Finding("LEVEL-HIGHEST", word.authority, f"stands at {word.highest.name} or below only")


def _needs(label: Label, chosen: Profile) -> Iterator[Finding]:
    for row in NEEDS if label.controls else ():
        asked = not row.profiles or label.profile in row.profiles
        if asked and not _present(label, row.needed) and any(row.about.holds(control) for control in label.controls):
            yield Finding(row.rule, row.authority, f"needs {row.needed} beside it")


def _excludes(label: Label, chosen: Profile) -> Iterator[Finding]:
    for row in EXCLUDES if label.controls else ():
        asked = not row.profiles or label.profile in row.profiles
        if asked and any(row.about.holds(control) for control in label.controls):
            for name in row.excluded:
                if _stands(label, name):
                    yield Finding(row.rule, row.authority, f"{row.about.name} and {name} exclude each other")


def _present(label: Label, name: str) -> bool:
    return label.us_only if name == "NOFORN" else _stands(label, name)


def _stands(label: Label, name: str) -> bool:
    if name == "REL TO":
        return label.rel_to is not None
    return label.display_to is not None if name == "DISPLAY ONLY" else label.has(name)


def _foreign_sources(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.has("FGI") and label.system != US:
        message = "FGI says whose part of a US marking is; this marking says so itself"
        yield Finding("FGI-IN-FOREIGN", "CAPCO-2016 H.7", message)
    if Control("FGI") in label.controls and sum(control.name == "FGI" for control in label.controls) > 1:
        yield Finding("ISM-ID-00217", "CAPCO-2016 H.7", "a concealed source and a named one exclude each other")


def _nato_controls(label: Label, chosen: Profile) -> Iterator[Finding]:
    if not any(control.name in _OF_NATO for control in label.controls) or label.system == NATO:
        return
    sources = {control.values for control in label.controls if control.name == "FGI"}
    if ("NATO",) not in sources and () not in sources:
        message = "ATOMAL, BALK and BOHEMIA stand in a NATO marking, or beside FGI NATO or concealed FGI"
        yield Finding("ISM-ID-00163", "CAPCO-2016 H.7", message)


def _joint(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.system == JOINT:
        for name in ("HCS", "NOFORN", "SBU NOFORN", "LES NOFORN", "EYES ONLY"):
            if label.has(name):
                yield Finding("JOINT-EXCLUDES", "CAPCO-2016 H.3", f"JOINT and {name} exclude each other")


def _co_owners(label: Label, at: date, tables: Tables) -> Iterator[Finding]:
    """JOINT is released to every owner: by name, or by a community that holds it (ISM-ID-00377)."""
    if label.system != JOINT:
        return
    listed = label.rel_to or ()
    members = {
        each for code in listed if code in tables.communities for each in tables.communities[code].members_on(at)
    }
    if not set(label.owners) <= {*listed, *members}:
        yield Finding("ISM-ID-00377", "CAPCO-2016 H.3", "JOINT needs REL TO every one of its owners")


_OF_ANY: Final = frozenset(("NOFORN", "RELIDO"))
_OF_NATO: Final = frozenset(("ATOMAL", "BALK", "BOHEMIA"))


def _control_order(label: Label, chosen: Profile) -> Iterator[Finding]:
    orders = [chosen.order(control.name, control.values) for control in label.controls]
    if len(set(orders)) != len(orders):
        yield Finding("GRAMMAR-DUPLICATE", "CAPCO-2016 A.6", "a control stands twice")
    elif orders != sorted(orders):
        yield Finding("GRAMMAR-ORDER", "CAPCO-2016 A.6", "the controls are not in the Register's order")


def _exclusive(label: Label, chosen: Profile) -> Iterator[Finding]:
    present = label.has("NOFORN") + label.has("RELIDO") + (label.display_to is not None)
    if present > 1:
        message = f"of {', '.join(_EXCLUSIVE)} a marking holds one at most"
        yield Finding("ISM-ID-00169", "CAPCO-2016 H.8 DISPLAY ONLY", message)


def _orcon_level(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.has("ORCON") and label.level is Level.U:
        yield Finding("ORCON-CLASSIFIED", "CAPCO-2016 H.8 ORCON", "ORCON is for classified content")


def _fouo_level(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.has("FOUO") and label.level is not Level.U:
        yield Finding("FOUO-UNCLASSIFIED", "CAPCO-2016 H.8 FOUO", "FOUO is for unclassified content")


_RULES: Final[tuple[Callable[[Label, Profile], Iterator[Finding]], ...]] = (
    _head,
    _controls,
    _control_order,
    _category,
    _exclusive,
    _excludes,
    _needs,
    _levels,
    _orcon_level,
    _fouo_level,
    _foreign_sources,
    _nato_controls,
    _joint,
)


def _lists(label: Label, at: date, tables: Tables) -> Iterator[Finding]:
    created = None if label.limits else label.created
    if label.rel_to is not None:
        yield from _list("REL TO", label.rel_to, created, at, tables)
    if label.display_to is not None:
        yield from _list("DISPLAY ONLY", label.display_to, created, at, tables)
    if label.rel_to is not None and set(label.rel_to).intersection(label.display_to or ()):
        message = "what may be released may be shown: the display list repeats the release list"
        authority = "CAPCO-2016 H.8 DISPLAY ONLY"
        yield Finding("DISPLAY-REPEATS", authority, message, severity=Severity.WARNING)
    for limit in sorted(label.limits, key=repr):
        if limit.rel_to is not None:
            yield from _in_use("ISM-ID-00199", limit.rel_to, limit.created, at, tables)


def _list(name: str, codes: tuple[str, ...], created: date | None, at: date, tables: Tables) -> Iterator[Finding]:
    word = BY_NAME[name]
    release = name == "REL TO"
    if not codes:
        rule = "ISM-ID-00031" if release else "ISM-ID-00213"
        yield Finding(rule, word.authority, "no list of nations or communities")
    elif not all(tables.knows(code) for code in codes):
        message = "a listed code is neither a nation nor a community of the tables"
        yield Finding("ISM-ID-00265", word.authority, message)
    else:
        form = list_finding(word, codes, tables)
        if form is not None:
            yield form
        yield from _in_use("ISM-ID-00199" if release else "ISM-ID-00201", codes, created, at, tables)


def _in_use(rule: str, codes: tuple[str, ...], created: date | None, at: date, tables: Tables) -> Iterator[Finding]:
    for day in sorted({at, created or at}):
        gone = [code for code in codes if tables.knows(code) and not tables.known(code, day)]
        if gone:
            message = f"a listed code was not in use on {day.isoformat()}"
            authority = "CAPCO-2016 Register, Annexes A and B"
            yield Finding(rule, authority, message, suggestion=f"not {', '.join(gone)}")
