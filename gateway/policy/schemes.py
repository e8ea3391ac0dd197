"""How the markings of one dataset are read: under a shipped profile, or under a security policy (``spif:NAME``).

A record's marking field holds a portion mark under the one, and under the other a STANAG 4774 label as text: its XML
form, or the JSON form of STANAG 5636. What differs between the two stands here and in the gates that read labels
(:mod:`gateway.policy.decide`, :mod:`gateway.policy.spifgates`); everything else asks a :class:`Scheme`.

The rule of this file: a label of the other kind is refused, never passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol, TypeVar

from gateway import markings
from gateway.markings.stanag import refuse

Marked = markings.Label | markings.SecurityLabel
"""What a record is marked with, read."""

Kind = TypeVar("Kind", markings.Label, markings.SecurityLabel)

LONGEST_LABEL: Final = 8_192
"""Most characters of a marking field that any scheme reads; what is longer is no label."""


@dataclass(frozen=True, slots=True)
class RolledUp:
    """The label of a whole, and its text as a banner line."""

    label: Marked
    banner: str


class Scheme(Protocol):
    """What can be asked of the labels of one profile. Each method raises :class:`gateway.markings.MarkingError`."""

    def read(self, marking: str, day: date | None) -> Marked:
        """The label that a record's marking is, the record being of that day."""

    def roll_up(self, labels: Iterable[Marked]) -> RolledUp:
        """The label of a whole whose parts have these."""

    def outer_is_below(self, outer: Marked, inner: Sequence[Marked], at: date) -> bool:
        """Whether a label is less strict than one of those inside it (ISM-ID-00058)."""


@dataclass(frozen=True, slots=True)
class PortionMarks:
    """Markings under a shipped profile. A mark holds no date, so a label gets its record's."""

    profile: markings.Profile

    def read(self, marking: str, day: date | None) -> markings.Label:
        """The label of a portion mark."""
        return replace(markings.parse_portion(marking, self.profile), created=day)

    def roll_up(self, labels: Iterable[Marked]) -> RolledUp:
        """The roll-up of CAPCO table 3, and its banner line."""
        label = markings.roll_up(_all(markings.Label, labels), self.profile)
        return RolledUp(label, label.banner())

    def outer_is_below(self, outer: Marked, inner: Sequence[Marked], at: date) -> bool:
        """Whether the banner check finds an error."""
        own, *others = _all(markings.Label, (outer, *inner))
        findings = markings.check_banner(own, others, at)
        return any(finding.severity is markings.Severity.ERROR for finding in findings)


@dataclass(frozen=True, slots=True)
class PolicyLabels:
    """Labels under a security policy. They hold their own date; the record's says nothing of them."""

    policy: markings.SpifPolicy

    def read(self, marking: str, day: date | None) -> markings.SecurityLabel:
        """The label that an XML document is, or a JSON text where it begins as one.

        A label with a successor is refused: no dominant label could be made of it and others.
        """
        if len(marking) > LONGEST_LABEL:
            raise refuse("LABEL-LENGTH", f"the label is longer than {LONGEST_LABEL} characters", "gateway.policy")
        octets = _octets(marking)
        label = self.policy.parse_label_json(octets) if marking.startswith("{") else self.policy.parse_label(octets)
        if label.succession is not None:
            raise refuse("LABEL-SUCCESSION", "a label with a successor has no part in a whole", "gateway.policy")
        return label

    def roll_up(self, labels: Iterable[Marked]) -> RolledUp:
        """The dominant label, and the policy's own English text for the top of a page.

        Refused where a permissive category is left without values: to leave the category out instead, as the standard
        does, would release to everyone what a part held back.
        """
        label = self.policy.dominant(_all(markings.SecurityLabel, labels))
        banner = self.policy.marking(label)
        if not (banner.isascii() and banner.isprintable() and 0 < len(banner) <= markings.LONGEST_MARKING):
            raise refuse("LABEL-BANNER", "the whole's marking is no line of ASCII text", "gateway.policy")
        return RolledUp(label, banner)

    def outer_is_below(self, outer: Marked, inner: Sequence[Marked], at: date) -> bool:
        """Whether the outer label is not the dominant one; so it is too where there is none."""
        own, *others = _all(markings.SecurityLabel, (outer, *inner))
        try:
            return _strictness(self.policy.dominant([own, *others])) != _strictness(self.policy.dominant([own]))
        except markings.MarkingError:
            return True


def scheme_of(profile: markings.Profile | markings.SpifPolicy) -> Scheme:
    """How labels are read under a profile or policy."""
    return PortionMarks(profile) if isinstance(profile, markings.Profile) else PolicyLabels(profile)


def _octets(marking: str) -> bytes:
    try:
        return marking.encode()
    except UnicodeEncodeError:
        raise refuse("LABEL-TEXT", "the label holds half a character", "gateway.policy") from None


def _all(kind: type[Kind], labels: Iterable[Marked]) -> list[Kind]:
    found: list[Kind] = []
    for label in labels:
        if not isinstance(label, kind):
            raise refuse("LABEL-OTHER", "a label of another kind stands among these", "gateway.policy")
        found.append(label)
    return found


def _strictness(label: markings.SecurityLabel) -> object:
    return label.classification, frozenset((each.type, each.tag, frozenset(each.values)) for each in label.categories)
