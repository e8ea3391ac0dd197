"""What is wrong with a label beyond its form: one function a rule, under the authority's own number.

Any finding of severity ``error`` makes a label unfit for release. A rule looks at one label, however it was
made, so a label built by hand or read from attributes is judged as one that was parsed. :func:`check_banner`
looks at a banner beside its portions.

Numbers such as ``ISM-ID-00033`` are those of ISM-2022; an id of words is ours, and its authority is cited
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Final

from gateway.markings.capco import is_owner_and_type, list_finding
from gateway.markings.findings import Finding, Severity
from gateway.markings.label import Label
from gateway.markings.profiles import Profile, profile
from gateway.markings.releasability import releasable_to
from gateway.markings.tables import Tables
from gateway.markings.words import BY_NAME, RANK, US_LEVELS, Level, Shape

_EXCLUSIVE: Final = ("NOFORN", "RELIDO", "DISPLAY ONLY")


def validate(label: Label, at: date, tables: Tables | None = None) -> tuple[Finding, ...]:
    """Everything wrong with a label on that day; empty when it is sound.

    ``tables`` are the profile's shipped ones unless given. Raises :class:`UnknownProfileError` for a label of
    no known profile.
    """
    chosen = profile(label.profile)
    known = tables or chosen.tables
    found: list[Finding] = []
    for rule in _RULES:
        found.extend(rule(label, chosen))
    found.extend(_lists(label, at, known))
    return tuple(found)


def _system(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.system != "US" or label.owners != ("USA",):
        yield Finding("US-OWNER", "CAPCO-2016 H.1", "this profile reads labels owned by USA alone")
    if label.level not in US_LEVELS:
        yield Finding("US-LEVEL", "CAPCO-2016 H.1", "not a US classification level")


def _controls(label: Label, chosen: Profile) -> Iterator[Finding]:
    for control in label.controls:
        word = chosen.words.get(control.name)
        if word is None or word.shape is Shape.LIST:
            yield Finding("CONTROL-UNKNOWN", chosen.authority, "a control that this profile does not know")
        elif word.shape is Shape.BARE and control.values:
            yield Finding("CONTROL-VALUES", word.authority, "a control that takes no values has some")
        elif word.shape is Shape.OWNED and not is_owner_and_type(control.values):
            yield Finding("UDL-OWNER-TYPE", word.authority, "one owner and one data type are needed")


def _control_order(label: Label, chosen: Profile) -> Iterator[Finding]:
    orders = [(RANK.get(control.name, -1), control.values) for control in label.controls]
    if len(set(orders)) != len(orders):
        yield Finding("GRAMMAR-DUPLICATE", "CAPCO-2016 A.6", "a control stands twice")
    elif orders != sorted(orders):
        yield Finding("GRAMMAR-ORDER", "CAPCO-2016 A.6", "the controls are not in the Register's order")


def _noforn_with_rel(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.has("NOFORN") and label.rel_to is not None:
        yield Finding("ISM-ID-00033", "CAPCO-2016 H.8 NOFORN", "NOFORN and REL TO exclude each other")


def _exclusive(label: Label, chosen: Profile) -> Iterator[Finding]:
    present = label.has("NOFORN") + label.has("RELIDO") + (label.display_to is not None)
    if present > 1:
        message = f"of {', '.join(_EXCLUSIVE)} a marking holds one at most"
        yield Finding("ISM-ID-00169", "CAPCO-2016 H.8 DISPLAY ONLY", message)


def _orcon_with_relido(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.has("ORCON") and label.has("RELIDO"):
        yield Finding("ISM-ID-00325", "CAPCO-2016 H.8 ORCON", "ORCON and RELIDO exclude each other")


def _orcon_level(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.has("ORCON") and label.level is Level.U:
        yield Finding("ORCON-CLASSIFIED", "CAPCO-2016 H.8 ORCON", "ORCON is for classified content")


def _fouo_level(label: Label, chosen: Profile) -> Iterator[Finding]:
    if label.has("FOUO") and label.level is not Level.U:
        yield Finding("FOUO-UNCLASSIFIED", "CAPCO-2016 H.8 FOUO", "FOUO is for unclassified content")


_RULES: Final[tuple[Callable[[Label, Profile], Iterator[Finding]], ...]] = (
    _system,
    _controls,
    _control_order,
    _noforn_with_rel,
    _exclusive,
    _orcon_with_relido,
    _orcon_level,
    _fouo_level,
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


def _list(
    name: str, codes: tuple[str, ...], created: date | None, at: date, tables: Tables
) -> Iterator[Finding]:
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


def _in_use(
    rule: str, codes: tuple[str, ...], created: date | None, at: date, tables: Tables
) -> Iterator[Finding]:
    for day in sorted({at, created or at}):
        if not all(tables.known(code, day) for code in codes if tables.knows(code)):
            message = f"a listed code was not in use on {day.isoformat()}"
            yield Finding(rule, "CAPCO-2016 Register, Annexes A and B", message)


def check_banner(banner: Label, portions: Iterable[Label], at: date) -> tuple[Finding, ...]:
    """What a banner leaves out of its portions; empty when it is at least as strict as each of them on that
    day.

    A stricter banner is no fault. An unclassified portion that says nothing of release asks nothing of the
    list.
    """
    found: dict[str, Finding] = {}
    for portion in portions:
        for finding in _beside(banner, portion, at):
            found.setdefault(finding.rule, finding)
    return tuple(found.values())


def _beside(banner: Label, portion: Label, at: date) -> Iterator[Finding]:
    if banner.level < portion.level:
        yield Finding("ISM-ID-00058", "CAPCO-2016 D.2", "the banner stands below a portion")
    if portion.has("ORCON") and not banner.has("ORCON"):
        yield Finding("ISM-ID-00067", "CAPCO-2016 H.8 ORCON", "a portion's ORCON is not in the banner")
    owned = {control for control in portion.controls if BY_NAME[control.name].shape is Shape.OWNED}
    if not owned.issubset(banner.controls):
        yield Finding("UDL-OWNED", "CAPCO-2016 H.8 PROPIN", "a portion's owner is not in the banner")
    silent = portion.rel_to is None and not portion.has("NOFORN")
    if silent and portion.level is Level.U and portion.display_to is None and not portion.has("RELIDO"):
        return
    if not releasable_to(banner, at) <= releasable_to(portion, at) | {"USA"}:
        yield Finding(
            "ISM-ID-00318", "CAPCO-2016 D.2 table 3", "the banner releases to more than a portion does"
        )
