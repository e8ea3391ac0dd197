"""A security policy, loaded: everything it can be asked, in one value.

    policy = markings.load_spif(open("policy.xml", "rb").read())
    label, clearance = policy.parse_label(label_xml), policy.parse_clearance(clearance_xml)
    policy.decide(label, clearance, at=date(2026, 1, 1)).permitted

A policy is made from bytes by :func:`load_spif` and never changes. What its file departed from is in ``tolerated``;
a label is never tolerated. A policy is a profile too: its name there is ``spif:`` and the policy's name, and a
:class:`ProfileRegistry`, itself a value, knows it beside the shipped ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from gateway.markings.findings import Finding, UnknownProfileError
from gateway.markings.profiles import Profile, profile
from gateway.markings.spif import decision, equivalents, phrases, rules
from gateway.markings.spif.decision import Access
from gateway.markings.spif.equivalents import CodedLabel
from gateway.markings.spif.load import load_policy_file
from gateway.markings.spif.model import SPIF_AUTHORITY, Applied, PolicyFile, Tolerated
from gateway.markings.stanag import SecurityClearance, SecurityLabel, refuse
from gateway.markings.stanagjson import read_label_json
from gateway.markings.stanagxml import read_clearance, read_label

SPIF_PROFILE: Final = "spif:"
"""What the names of profiles that are policies begin with."""


@dataclass(frozen=True, slots=True)
class SpifProfile:
    """A policy as a profile: what a decision records of it. ``digest`` is that of the policy file's bytes."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class SpifPolicy:
    """A loaded security policy. Equal when the files' bytes are."""

    profile: SpifProfile
    file: PolicyFile = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """The policy's name, as labels state it."""
        return self.file.name

    @property
    def id(self) -> str:
        """The policy's object identifier, without ``urn:oid:``."""
        return self.file.id

    @property
    def classifications(self) -> tuple[str, ...]:
        """The names of its classifications, the lowest first."""
        return tuple(each.name for each in sorted(self.file.classifications, key=lambda each: each.hierarchy))

    @property
    def instants(self) -> frozenset[datetime]:
        """Every instant at which, by its file alone, an answer can become another."""
        values = (value for tag_set in self.file.tag_sets for tag in tag_set.tags for value in tag.values)
        windows = (self.file.window, *(value.window for value in values))
        return frozenset(instant for window in windows for instant in window.instants)

    @property
    def tolerated(self) -> tuple[Tolerated, ...]:
        """Where its file departs from the standard."""
        return self.file.tolerated

    def parse_label(self, document: bytes) -> SecurityLabel:
        """The label that an ADatP-4774 XML document is; :class:`MarkingError` if a word in it is unknown here."""
        return rules.resolve(self.file, read_label(document))

    def parse_label_json(self, text: str | bytes) -> SecurityLabel:
        """The label that a STANAG 5636 JSON text is; :class:`MarkingError` if a word in it is unknown here."""
        return rules.resolve(self.file, read_label_json(text))

    def parse_clearance(self, document: bytes) -> SecurityClearance:
        """The clearance that an ADatP-4774 XML document is; :class:`MarkingError` as for a label."""
        return rules.resolve_clearance(self.file, read_clearance(document))

    def validate(self, label: SecurityLabel, at: date | datetime | None = None) -> tuple[Finding, ...]:
        """What is wrong with the label when it was made and, where given, at that moment; empty when sound."""
        return rules.validate(self.file, label, at)

    def validate_clearance(self, clearance: SecurityClearance) -> tuple[Finding, ...]:
        """What is wrong with the clearance; empty when sound."""
        return rules.validate_clearance(self.file, clearance)

    def dominant(self, labels: Sequence[SecurityLabel]) -> SecurityLabel:
        """The label of a whole whose parts have these labels (ADatP-4774.1 section 4.4)."""
        return decision.dominant(self.file, labels)

    def marking(self, label: SecurityLabel, language: str = "en", position: str = "pageTop") -> str:
        """The label's text in a language, at a position (a marking code of XML SPIF 2.1)."""
        return phrases.marking(self.file, label, language, position)

    def decide(self, label: SecurityLabel, clearance: SecurityClearance, at: date | datetime) -> Access:
        """Whether the clearance suffices for the label at that moment, and why not."""
        return decision.decide(self.file, label, clearance, at)

    def equivalent(self, label: SecurityLabel | CodedLabel, policy_id: str, direction: str = "encrypt") -> CodedLabel:
        """Our label in another policy's codes; ``policy_id`` is its OID or name.

        ``encrypt``: as it goes out. ``decrypt``: by the rows for labels that come in, which says what could have come
        in as this label and is never to be sent. A label that comes in is taken with :meth:`received`. Raises
        :class:`MarkingError` where a part has no equivalent in that direction.
        """
        if isinstance(label, CodedLabel) or direction not in {"encrypt", "decrypt"}:
            raise refuse("SPIF-DIRECTION", "a label of ours is mapped by encrypt or decrypt", SPIF_AUTHORITY)
        return equivalents.going_out(self.file, label, policy_id, Applied(direction))

    def received(self, label: CodedLabel) -> SecurityLabel:
        """Another policy's label (from its :meth:`coded`) in our terms, as an alternative label."""
        return equivalents.coming_in(self.file, label)

    def coded(self, label: SecurityLabel) -> CodedLabel:
        """A label of ours in our own codes, for another policy to take in."""
        return equivalents.coded(self.file, label)

    def named(self, label: CodedLabel) -> SecurityLabel:
        """A label in our codes (from another policy's :meth:`equivalent`) by our names, as an alternative label."""
        return equivalents.named(self.file, label)


def load_spif(document: bytes) -> SpifPolicy:
    """The policy that an XML SPIF 2.1 file states.

    Raises :class:`MarkingError`: a :class:`SpifError` with the line where the file breaks the standard, or an
    :class:`XmlRefused` where it is no XML that is read here.
    """
    file = load_policy_file(document)
    return SpifPolicy(SpifProfile(SPIF_PROFILE + file.name, str(file.version), file.digest), file)


@dataclass(frozen=True, slots=True)
class ProfileRegistry:
    """The shipped profiles and some policies, by name. A value: adding a policy makes another registry."""

    policies: tuple[SpifPolicy, ...] = ()

    def __post_init__(self) -> None:
        names = [policy.profile.name for policy in self.policies]
        if len(set(names)) != len(names) or len({policy.id for policy in self.policies}) != len(names):
            raise _unknown("two policies have one name or one object identifier")

    def with_policies(self, added: Iterable[SpifPolicy]) -> ProfileRegistry:
        """A registry of these and more policies; :class:`UnknownProfileError` when a name or OID stands twice."""
        return replace(self, policies=(*self.policies, *added))

    def policy(self, name: str) -> SpifPolicy:
        """The policy whose profile has that name (``spif:...``); :class:`UnknownProfileError` otherwise."""
        found = next((policy for policy in self.policies if policy.profile.name == name), None)
        if found is None:
            raise _unknown("no policy with this profile name is loaded")
        return found

    def profile(self, name: str) -> Profile | SpifProfile:
        """The profile of that name; :class:`UnknownProfileError` when there is none."""
        return self.policy(name).profile if name.startswith(SPIF_PROFILE) else profile(name)


def _unknown(message: str) -> UnknownProfileError:
    return UnknownProfileError(Finding("PROFILE", "gateway.markings", message))
