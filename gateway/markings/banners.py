"""A banner beside its portions: what it must show of them (CAPCO-2016 D.1, D.2; ISM-2022's roll-up rules).

A stricter banner is no fault. What is asked is that the banner is no lower, carries every control that a roll-up
would carry, and releases to no one to whom a portion does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from gateway.markings.findings import Finding
from gateway.markings.heads import US
from gateway.markings.label import Control, Label
from gateway.markings.profiles import Profile, profile
from gateway.markings.releasability import releasable_to
from gateway.markings.rollup import settle_controls, unite
from gateway.markings.words import BY_NAME, Level, Shape

_RULES = {
    "ORCON": ("ISM-ID-00067", "CAPCO-2016 H.8 ORCON", "a portion's ORCON is not in the banner"),
    "FGI": ("ISM-ID-00064", "CAPCO-2016 H.7", "a portion's foreign source is not in the banner"),
}


def check_banner(banner: Label, portions: Iterable[Label], at: date) -> tuple[Finding, ...]:
    """What a banner leaves out of its portions; empty when it is at least as strict as each of them on that
    day.

    A stricter banner is no fault. An unclassified portion that says nothing of release asks nothing of the
    list.
    """
    found: dict[str, Finding] = {}
    chosen = profile(banner.profile)
    for portion in portions:
        for finding in _beside(banner, portion, at, chosen):
            found.setdefault(finding.rule, finding)
    return tuple(found.values())


def _beside(banner: Label, portion: Label, at: date, chosen: Profile) -> Iterator[Finding]:
    same = (banner.system, banner.owners) == (portion.system, portion.owners)
    level = Level.C if portion.level is Level.R and not same else portion.level
    if banner.level < level:
        yield Finding("ISM-ID-00058", "CAPCO-2016 D.2", "the banner stands below a portion")
    for control in _missing(banner, portion, chosen, same=same):
        yield _not_carried(control)
    yield from _release(banner, portion, at)


def _missing(banner: Label, portion: Label, chosen: Profile, *, same: bool) -> list[Control]:
    """The portion's controls that the banner neither carries nor carries something stronger of."""
    shown = set(banner.controls)
    united = unite((portion,), foreign=same or banner.system != US)
    wanted = settle_controls({*united, *unite((banner,), foreign=True)}, banner.level, chosen)
    if banner.us_only:
        wanted -= {Control("LES NOFORN"), Control("SBU NOFORN")}
    return sorted(
        (control for control in wanted - shown - {Control("FOUO")} if control.name != "CUI"),
        key=lambda control: chosen.order(control.name, control.values),
    )


def _not_carried(control: Control) -> Finding:
    if control.name in _RULES:
        return Finding(*_RULES[control.name])
    word = BY_NAME.get(control.name)
    if word is not None and word.shape is Shape.OWNED:
        return Finding("UDL-OWNED", "CAPCO-2016 H.8 PROPIN", "a portion's owner is not in the banner")
    authority = "CAPCO-2016 D.2" if word is None else word.authority
    return Finding("BANNER-CONTROL", authority, "a portion's control is not in the banner")


def _release(banner: Label, portion: Label, at: date) -> Iterator[Finding]:
    if banner.rel_to == ("USA",):
        yield Finding("ISM-ID-00319", "CAPCO-2016 D.2 table 3", "lists that do not meet are NOFORN, not REL TO USA")
    silent = portion.rel_to is None and not portion.us_only
    if banner.rel_to is not None and silent and (portion.level is not Level.U or portion.display_to is not None):
        message = "the banner has a release list, and a portion that must have one has none"
        yield Finding("ISM-ID-00088", "CAPCO-2016 D.2 table 3", message)
    if silent and portion.level is Level.U and portion.display_to is None and not portion.has("RELIDO"):
        return
    if not releasable_to(banner, at) <= releasable_to(portion, at) | {"USA"}:
        yield Finding("ISM-ID-00318", "CAPCO-2016 D.2 table 3", "the banner releases to more than a portion does")
