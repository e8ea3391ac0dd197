"""To whom a label may go, by its release lists alone, on a day.

Rules this file keeps (CAPCO-2016 G.2, table 5 and H.8):

1. NOFORN is the United States alone, whatever stands beside it; so is a control whose row in the profile's release
   table is ``never``, and one that has no row.
2. ``REL TO`` is the United States and who is listed. DISPLAY ONLY never counts: it hands over no copy. RELIDO
   grants nothing by itself. No list is nobody; what a bare ``U`` may do is the dataset's to say, not this
   file's.
3. What another nation owns and says nothing more of is for that nation. NATO's and a joint label without a list
   name no nation: they are for nobody, until someone consents.
4. A community is expanded as it stood on the label's day and on the day asked about, and an opaque one means nobody
   that can be told. Expansion never grants by itself: the partner's own grant still decides.
5. What several portions were rolled up into goes to those alone who may have every one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from gateway.markings.findings import UnknownCodeError
from gateway.markings.label import Label
from gateway.markings.profiles import Effect, profile
from gateway.markings.tables import Tables, unknown_code

_US_ALONE = frozenset(("USA",))
_NOBODY: frozenset[str] = frozenset()


def releasable_to(label: Label, at: date, tables: Tables | None = None) -> frozenset[str]:
    """The nations that may have a copy on that day, communities expanded as they stood on that day.

    Where the label has a date, a nation must have been meant on that day too, unless the community follows
    membership. A code that was not in use means nobody. ``tables`` are the profile's shipped ones unless given. For
    the question as policy asks it, in which a label without a date is in doubt, see :func:`releasable_nations`.
    """
    known = tables or profile(label.profile).tables
    if label.us_only:
        return _US_ALONE
    lists = _lists(label)
    if lists is None:
        return _owner(label, at, known)
    own, *limits = lists
    met = [_meant(codes, created, at, known) for created, codes in limits or [own]]
    listed = frozenset.intersection(_listed(own[1], at, known), *met)
    return listed & _US_ALONE if _forbidden(label) else listed


def releasable_nations(label: Label, at: date, tables: Tables) -> frozenset[str]:
    """The nations that may have a copy on that day, each doubt about a date resolved against release.

    A nation passes when it is named, and its code was in use on the label's date and on ``at``; or when it
    belonged to a named community on both days (on ``at`` alone where the community follows membership). A
    label without a date releases to no member of a community whose members have ever changed. Raises
    :class:`UnknownCodeError` when a listed code was not in use on either day: then the label itself is in
    doubt.
    """
    if label.us_only:
        return _US_ALONE
    lists = _lists(label)
    if lists is None:
        return _NOBODY
    own, *limits = lists
    if not limits:
        return _on_both_days(own[1], own[0], at, tables)
    strict = frozenset.intersection(*(_on_both_days(codes, created, at, tables) for created, codes in limits))
    return strict & _listed(own[1], at, tables)


def releasable_codes(label: Label) -> tuple[str, ...]:
    """The codes the label's release list names, unexpanded: an organisation must be named itself.

    Empty without a list, and under NOFORN. Under a roll-up, only what every portion names.
    """
    lists = _lists(label)
    if label.us_only or lists is None:
        return ()
    common = frozenset.intersection(*(frozenset(codes) for _, codes in lists))
    return tuple(code for code in lists[0][1] if code in common)


def next_change(label: Label, at: date, tables: Tables) -> date | None:
    """The first day after ``at`` on which a table could change who may have it.

    ``None`` when none is known.
    """
    days: set[date] = set()
    for _, codes in _lists(label) or ():
        for code in codes:
            days |= _days(code, tables)
    return min((day for day in days if day > at), default=None)


def _forbidden(label: Label) -> bool:
    """Whether a control's row lets it go to nobody else; a control without a row denies."""
    rows = profile(label.profile).rows
    return any((row := rows.get(control.name)) is None or row.kind is Effect.NEVER for control in label.controls)


def _owner(label: Label, at: date, tables: Tables) -> frozenset[str]:
    """The nation whose it is, where a label of another nation says nothing more."""
    silent = label.display_to is None and not label.has("RELIDO") and not label.limits
    if label.system != "NON-US" or not silent or _forbidden(label):
        return _NOBODY
    countries = (tables.countries.get(owner) for owner in label.owners)
    return frozenset(country.code for country in countries if country is not None and country.known(at))


def _days(code: str, tables: Tables) -> set[date]:
    country, community = tables.countries.get(code), tables.communities.get(code)
    found = {country.since, country.until} if country is not None else set()
    if community is not None:
        found |= {community.since, community.until}
        for member in community.members:
            found |= {member.since, member.until}
    return {day for day in found if day is not None}


def _lists(label: Label) -> list[tuple[date | None, tuple[str, ...]]] | None:
    """The label's own list and those of the portions it was rolled up from.

    ``None`` where there is no list.
    """
    if label.rel_to is None:
        return None
    lists: list[tuple[date | None, tuple[str, ...]]] = [(label.created, label.rel_to)]
    for limit in label.limits:
        if limit.rel_to is None:
            return None
        lists.append((limit.created, limit.rel_to))
    return lists


def _listed(codes: Iterable[str], on: date, tables: Tables) -> frozenset[str]:
    found: set[str] = set()
    for code in codes:
        country, community = tables.countries.get(code), tables.communities.get(code)
        if country is not None and country.known(on):
            found.add(code)
        elif community is not None:
            found |= community.members_on(on)
    return frozenset(found)


def _meant(codes: Iterable[str], created: date | None, at: date, tables: Tables) -> frozenset[str]:
    """The nations that the codes meant on that day and, where it is known, on the label's."""
    if created is None or created == at:
        return _listed(codes, at, tables)
    following = [code for code in codes if (known := tables.communities.get(code)) and known.follows_membership]
    return _listed(codes, at, tables) & (_listed(codes, created, tables) | _listed(following, at, tables))


def _on_both_days(codes: Iterable[str], created: date | None, at: date, tables: Tables) -> frozenset[str]:
    found: set[str] = set()
    for code in codes:
        for day in (created, at):
            if day is not None and not tables.known(code, day):
                raise unknown_code(code, day)
        community = tables.communities.get(code)
        if community is None:
            found.add(code)
        elif community.follows_membership:
            found |= community.members_on(at)
        elif created is not None or tables.steady(code):
            found |= community.members_on(created or at) & community.members_on(at)
    return frozenset(found)


__all__ = ["UnknownCodeError", "next_change", "releasable_codes", "releasable_nations", "releasable_to"]
