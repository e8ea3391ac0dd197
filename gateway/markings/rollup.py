"""One label for several portions: never one recipient more than any of them allows.

The rules are those of CAPCO-2016 D.2 table 3 and the precedence rules of H.3 to H.9. Here they are one lattice, so
that neither order nor grouping nor repetition can change the outcome:

1. The level is the highest. Portions of one system and owner stay theirs; any others together are a US whole, in
   which what another nation, NATO or a co-owner holds stands as FGI and RESTRICTED rounds up (H.3, H.7).
2. Controls unite, each with its parts. Some yield: FOUO to a classified whole and to any other control that is
   not one of release (H.8, FOUO); an open FGI source to a concealed one (H.7); TFNI to FRD and both to RD,
   with their SIGMA categories (H.6); SBU to SBU NOFORN, both to EXDIS, and that to NODIS (H.9); ORCON-USGOV to
   ORCON, unless the profile keeps both, and beside SI-G always (ISM-ID-00341). A control that a classified banner
   cannot show (SBU, UCNI) leaves it and leaves NOFORN behind. ``LES NOFORN`` is LES and NOFORN in a classified
   whole.
3. A portion says of foreign release one of: nothing (it *follows* the rest: a bare ``U``, or ``U`` with only
   PR or DS, whose owner's consent is asked in any case); *nothing, but controlled* (``U//FOUO``); NOFORN; or
   lists and RELIDO. NOFORN takes all. A controlled portion beside a marked one is NOFORN, unless the profile
   lets it follow (CAPCO-2016 table 2). A classified portion that says nothing is NOFORN, or RELIDO where the
   profile dates that. FGI, EYES ONLY and another owner's unmarked portion beside anything else are NOFORN.
4. Lists meet in their intersection: REL TO with REL TO, unclassified portions included; what may be released
   may be shown, so DISPLAY ONLY meets the union of both lists. An empty intersection is NOFORN, never ``REL
   TO USA``. RELIDO stays only where every portion carries it.
5. A community named by every portion stays; otherwise it is taken apart, where the profile allows, into the
   members it has now and had on the portion's date.

A membership may begin or end, so no list of names says once and for all what the portions' lists say. The
label therefore keeps the lists that met in :attr:`Label.limits`, and every release question asks each of them
on its day: that is what makes a roll-up as strict as its portions on *every* date, and the meeting
associative. Its text is the intersection as it stands now.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.heads import JOINT, US
from gateway.markings.label import Control, Label, Limit
from gateway.markings.profiles import Profile, require_profile
from gateway.markings.words import BY_NAME, US_LEVELS, US_ONLY, Category, Level

_NOW = date.max
"""The state of the tables' memberships at their end: the newest known."""

_OWNED = frozenset(("PR", "DS"))


def roll_up(labels: Iterable[Label], profile: Profile) -> Label:
    """The label of the whole of several portions, all of one profile.

    Its date is the earliest, or none where any portion has none. Raises :class:`MarkingError` for no labels
    at all, for labels of another profile (:class:`UnknownProfileError`) and for labels of a system that the
    profile does not read.
    """
    distinct = set({id(label): label for label in labels}.values())
    if not distinct:
        raise MarkingError(Finding("ROLL-UP-EMPTY", "CAPCO-2016 D.2", "nothing to roll up"))
    for label in distinct:
        _check(label, profile)
    release = _meet([_stand(label, profile) for label in distinct], profile)
    highest = max(label.level for label in distinct)
    if any(_hidden(control, highest) for label in distinct for control in label.controls):
        release = _Release("NOFORN")
    system, owners = _whose(distinct, release)
    level = Level.C if highest is Level.R and system == US else highest
    united = unite(distinct, foreign=system != US)
    created = _earliest({label.created for label in distinct})
    alone = _settle([Limit(created, release.rel_to, release.display_to)], profile)
    controls = _marked(settle_controls(united, level, profile), release.mark)
    return Label(
        profile.name,
        level,
        tuple(sorted(controls, key=lambda control: profile.order(control.name, control.values))),
        release.rel_to,
        release.display_to,
        created=created,
        system=system,
        owners=owners,
        limits=frozenset() if release.limits == alone else release.limits,
    )


def _check(label: Label, profile: Profile) -> None:
    require_profile(profile, label.profile)
    foreign = label.system in profile.systems
    if not (foreign or label.system == US) or (label.level not in US_LEVELS and label.system in (US, JOINT)):
        message = "a label of a system or level that does not roll up in this profile"
        raise MarkingError(Finding("US-LEVEL", "CAPCO-2016 H.1", message))
    if not all(control.name in profile.words for control in label.controls):
        message = "a control that this profile does not know"
        raise MarkingError(Finding("CONTROL-UNKNOWN", profile.authority, message))


def _whose(labels: Collection[Label], release: _Release) -> tuple[str, tuple[str, ...]]:
    """The system and owners of the whole: theirs if all have the same, else the United States'.

    JOINT is never NOFORN (CAPCO-2016 H.3), so co-owners whose lists do not meet leave a US whole.
    """
    heads = {(label.system, label.owners) for label in labels}
    if len(heads) > 1 or (release.mark == "NOFORN" and any(system == JOINT for system, _ in heads)):
        return US, ("USA",)
    return heads.pop()


def unite(labels: Collection[Label], *, foreign: bool) -> set[Control]:
    """The controls of the portions together, besides those that say to whom it may go.

    In a US whole the owners of another system's portion stand as sources of FGI.
    """
    found = {control for label in labels for control in label.controls if control.name not in _SAYS_WHO}
    if not foreign:
        found |= {Control("FGI", (owner,)) for label in labels for owner in label.owners if owner != "USA"}
    return found


_SAYS_WHO = frozenset(("NOFORN", "RELIDO", "EYES ONLY"))
_SILENT = frozenset(("NOFORN", "RELIDO", "FOUO", "PR", "DS"))
_YIELD_TO = {
    "RD": ("FRD", "TFNI"),
    "FRD": ("TFNI",),
    "NODIS": ("EXDIS", "SBU", "SBU NOFORN"),
    "EXDIS": ("SBU", "SBU NOFORN"),
    "SBU NOFORN": ("SBU",),
}
"""What leaves a whole beside something stronger of its kind (CAPCO-2016 H.6, H.9; ISM-ID-00321, ISM-ID-00038)."""
_DISSEMINATION = (Category.DISSEM, Category.NON_IC)


def _hidden(control: Control, level: Level) -> bool:
    """Whether a control cannot be shown at this level; FOUO has a rule of its own."""
    return control.name != "FOUO" and BY_NAME[control.name].highest < level


def settle_controls(united: Collection[Control], level: Level, profile: Profile) -> set[Control]:
    """What stays of the united controls, in a whole of this level (rule 2)."""
    found = {control for control in united if not _hidden(control, level)}
    gone = _yielding(found, level, profile)
    if Control("FGI") in found:
        found = {control for control in found if control.name != "FGI" or not control.values}
    if Control("RD") in found:
        found |= {Control("RD", control.values) for control in found if control.name == "FRD"}
    if "LES NOFORN" in gone:
        found.add(Control("LES"))
    return {control for control in found if control.name not in gone}


def _yielding(found: Collection[Control], level: Level, profile: Profile) -> set[str]:
    """The names of those that leave a whole of this level, because another stands for them."""
    names = {control.name for control in found}
    gone = {weaker for name in names & _YIELD_TO.keys() for weaker in _YIELD_TO[name]}
    if "LES NOFORN" in names:
        gone.add("LES" if level is Level.U else "LES NOFORN")
    if "ORCON" in names and (Control("SI", ("G",)) in found or not profile.both_orcons):
        gone.add("ORCON-USGOV")
    if level is not Level.U or any(BY_NAME[name].category in _DISSEMINATION for name in names - _SILENT):
        gone.add("FOUO")
    return gone


def _marked(controls: set[Control], mark: str | None) -> set[Control]:
    """The controls with the mark of release: NOFORN is not written beside a control that says it (ISM-ID-00372)."""
    if mark is None or (mark == "NOFORN" and any(control.name in US_ONLY for control in controls)):
        return controls
    return controls | {Control(mark)}


def _earliest(days: Collection[date | None]) -> date | None:
    """The earliest day; none where any is unknown."""
    known = [day for day in days if day is not None]
    return min(known) if len(known) == len(days) else None


class _Says(enum.Enum):
    """What a portion says of foreign release."""

    FOLLOWS = "nothing"
    CONTROLLED = "nothing, but controlled"
    NOFORN = "nobody"
    MARKED = "lists or RELIDO"
    OWNER = "its owner alone"


class _Relido(enum.Enum):
    """Whether a portion leaves release to a disclosure officer, and whether it names anyone besides."""

    NO = "no"
    ALONE = "alone"
    LISTED = "with a list"


@dataclass(frozen=True, slots=True)
class _Stand:
    """One portion, as the lattice sees it."""

    says: _Says
    relido: _Relido = _Relido.NO
    limits: frozenset[Limit] = frozenset()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Release:
    """What the whole says of foreign release: ``mark`` is NOFORN, RELIDO or nothing."""

    mark: str | None = None
    rel_to: tuple[str, ...] | None = None
    display_to: tuple[str, ...] | None = None
    limits: frozenset[Limit] = frozenset()


def _stand(label: Label, profile: Profile) -> _Stand:
    if label.us_only or label.has("EYES ONLY"):
        return _Stand(_Says.NOFORN)
    if label.rel_to is None and label.display_to is None and not label.has("RELIDO"):
        if label.system != US:
            return _Stand(_Says.OWNER, owners=label.owners)
        return _Stand(_Says.NOFORN) if label.has("FGI") else _unmarked(label, profile)
    relido = _Relido.NO
    if label.has("RELIDO") and not label.has("ORCON") and label.display_to is None:
        relido = _Relido.ALONE if label.rel_to is None else _Relido.LISTED
    own = frozenset((Limit(label.created, label.rel_to, label.display_to),))
    return _Stand(_Says.MARKED, relido, label.limits or own)


def _unmarked(label: Label, profile: Profile) -> _Stand:
    """A portion without any foreign disclosure marking (CAPCO-2016 B.3, table 2)."""
    names = {control.name for control in label.controls}
    if label.level is Level.U:
        if profile.caveated_follows:
            names.discard("FOUO")
        return _Stand(_Says.FOLLOWS if names <= _OWNED else _Says.CONTROLLED)
    since = profile.unmarked_relido
    if names or since is None or label.created is None or label.created < since:
        return _Stand(_Says.NOFORN)
    return _Stand(_Says.MARKED, _Relido.ALONE, frozenset((Limit(label.created, None, None),)))


def _meet(stands: Collection[_Stand], profile: Profile) -> _Release:
    said = {stand.says for stand in stands}
    if _Says.NOFORN in said or said >= {_Says.CONTROLLED, _Says.MARKED}:
        return _Release("NOFORN")
    if _Says.OWNER in said:
        alone = len(said) == 1 and len({stand.owners for stand in stands}) == 1
        return _Release() if alone else _Release("NOFORN")
    marked = [stand for stand in stands if stand.says is _Says.MARKED]
    return _meet_marked(marked, profile) if marked else _Release()


def _meet_marked(marked: Collection[_Stand], profile: Profile) -> _Release:
    """What those say together that have lists or RELIDO."""
    limits = _settle({limit for stand in marked for limit in stand.limits}, profile)
    relido = _relido({stand.relido for stand in marked}, profile)
    rel_to, display_to = _intersection(limits, profile)
    if rel_to is None and display_to is None:
        alone = relido is not _Relido.NO and (profile.relido_wins or relido is _Relido.ALONE)
        return _Release("RELIDO" if alone else "NOFORN")
    return _Release("RELIDO" if relido is _Relido.LISTED else None, rel_to, display_to, limits)


def _relido(found: set[_Relido], profile: Profile) -> _Relido:
    """RELIDO is carried only when every portion carries it.

    With and without lists meet as the profile says.
    """
    if _Relido.NO in found or (len(found) > 1 and not profile.relido_wins):
        return _Relido.NO
    return _Relido.ALONE if _Relido.ALONE in found else _Relido.LISTED


def _settle(limits: Collection[Limit], profile: Profile) -> frozenset[Limit]:
    """The same limits, fewer: lists that mean the same on every day are met for good, and need no date."""
    steady: list[Limit] = []
    kept: set[Limit] = set()
    for limit in limits:
        codes = (*(limit.rel_to or ()), *(limit.display_to or ()))
        if all(profile.tables.steady(code) for code in codes):
            steady.append(limit)
        else:
            kept.add(limit)
    return frozenset(kept | {Limit(None, *_intersection(steady, profile))} if steady else kept)


def _intersection(limits: Collection[Limit], profile: Profile) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """What the lists allow together: the release list and, besides it, the display list.

    What may be released may be shown (CAPCO-2016 H.8, DISPLAY ONLY), so a portion shows to both its lists.
    """
    lists = [(limit.created, limit.rel_to) for limit in limits if limit.rel_to is not None]
    released = _common(lists, profile) if len(lists) == len(limits) else frozenset()
    both = [(limit.created, (*(limit.rel_to or ()), *(limit.display_to or ()))) for limit in limits]
    shown = _common(both, profile) - released - _members(released, None, profile) - {"USA"}
    ordered = ("USA", *_ordered(released - {"USA"}, profile)) if released else None
    return ordered, _ordered(shown, profile) or None


def _common(lists: Collection[tuple[date | None, tuple[str, ...]]], profile: Profile) -> frozenset[str]:
    """The codes that stand for the intersection of the lists; empty when it is nobody but USA.

    A nation that a community of steady membership names already is not named beside it, so that the same set of
    nations has one text, however the lists were grouped.
    """
    literal = frozenset.intersection(*(frozenset(codes) for _, codes in lists))
    nations = frozenset.intersection(*(_nations(codes, created, profile) for created, codes in lists))
    settled = [code for code in literal if profile.tables.steady(code)]
    found = (literal | (nations - _members(literal, None, profile))) - _members(settled, None, profile)
    return found if found - {"USA"} else frozenset()


def _nations(codes: Collection[str], created: date | None, profile: Profile) -> frozenset[str]:
    countries = profile.tables.countries
    return frozenset(code for code in codes if code in countries) | _members(codes, created, profile)


def _members(codes: Iterable[str], created: date | None, profile: Profile) -> frozenset[str]:
    """The members, now and on that day, of those communities that the profile allows to take apart."""
    found: set[str] = set()
    for code in codes:
        community = profile.tables.communities.get(code)
        if community is None or not ("*" in profile.expands or code in profile.expands):
            continue
        members = community.members_on(_NOW)
        found |= members if created is None else members & community.members_on(created)
    return frozenset(found)


def _ordered(codes: Iterable[str], profile: Profile) -> tuple[str, ...]:
    return tuple(sorted(codes, key=profile.tables.sort_key))
