"""What a security policy information file says, as values: XML SPIF 2.1.

A policy's *codes* (``lacv``, label and certificate values) name its classifications and values towards other
policies and inside its own rules; labels in XML and JSON use names. Codes are compared as numbers where they are
numbers (``004`` is ``4``).

Names compare letter for letter, except in the policies whose standard says that case does not count (NATO and PUBLIC,
ADatP-4774 appendix 2): there the 26 letters of ASCII are folded, and nothing else is.
"""

from __future__ import annotations

import enum
import functools
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.stanag import CategoryType

SPIF_AUTHORITY: Final = "XML SPIF 2.1; ADatP-4774.1 section 3"

_FOLDED: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class SpifError(MarkingError):
    """A policy file is refused. ``line`` is where, from 1; 0 where no one line is at fault."""

    def __init__(self, rule: str, message: str, line: int = 0) -> None:
        self.line = line
        where = f" (line {line})" if line else ""
        super().__init__(Finding(rule, SPIF_AUTHORITY, f"the policy file is refused: {message}{where}"))


@dataclass(frozen=True, slots=True)
class Tolerated:
    """A departure from the standard that a policy file was loaded in spite of: a stable code, where, and what."""

    code: str
    line: int
    message: str


class Operation(enum.StrEnum):
    """How many of a requirement's groups must be there."""

    ONLY_ONE = "onlyOne"
    ONE_OR_MORE = "oneOrMore"
    ALL = "all"


class Applied(enum.StrEnum):
    """When an equivalence holds: for a label that is sent out, for one that is received, or both."""

    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    BOTH = "both"

    def holds(self, direction: Applied) -> bool:
        """Whether it holds in that direction."""
        return self is Applied.BOTH or self is direction


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of a marking (``markingData``): ``text`` is ``None`` where the name itself is meant.

    ``language`` is ``None`` for every language; ``codes`` say where it stands and what it does.
    """

    text: str | None
    language: str | None
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Qualifier:
    """A prefix, suffix or separator of a marking; ``position`` ``None`` is every position."""

    text: str
    code: str
    language: str | None
    position: str | None


@dataclass(frozen=True, slots=True)
class Style:
    """How a part of a policy is marked."""

    phrases: tuple[Phrase, ...] = ()
    qualifiers: tuple[Qualifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A reference to one value of a tag set, by its code, or to all of them (``code`` is ``None``).

    ``tag_set`` is the tag set's name; in a requirement about another policy, a name in that policy.
    """

    tag_set: str
    type: CategoryType
    code: str | None


@dataclass(frozen=True, slots=True)
class Requirement:
    """Groups of which only one, one or more, or all must be in the label."""

    operation: Operation
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """From when (inclusive) until when (inclusive, as XML SPIF words it) something may be used."""

    not_before: datetime | None = None
    not_after: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the moment lies in the window."""
        early = self.not_before is not None and at < self.not_before
        late = self.not_after is not None and at > self.not_after
        return not early and not late

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The moments at which :meth:`holds` may become another answer: the first one, and the one after the last."""
        try:
            ends = () if self.not_after is None else (self.not_after + timedelta.resolution,)
        except OverflowError:  # nothing comes after the last moment there is
            ends = ()
        return (*ends, *(() if self.not_before is None else (self.not_before,)))


@dataclass(frozen=True, slots=True)
class EquivalentClass:
    """A classification's equivalent in another policy, by its code there."""

    policy: str
    code: str
    applied: Applied
    requires: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class EquivalentValue:
    """A value's equivalent in another policy: tag set by OID, value by code. ``discard``: it may have none."""

    policy: str
    tag_set_id: str
    type: CategoryType
    code: str
    applied: Applied
    discard: bool = False


@dataclass(frozen=True, slots=True)
class EquivalentTagSet:
    """What must be added to a label of another policy when this tag set is in ours."""

    policy: str
    requires: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class EquivalentPolicy:
    """Another policy that this one knows, and what a label of that policy always needs."""

    name: str
    id: str
    requires: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """A level of the policy. A higher ``hierarchy`` dominates."""

    name: str
    code: str
    hierarchy: int
    obsolete: bool = False
    style: Style = field(default_factory=Style)
    requires: tuple[Requirement, ...] = ()
    equivalents: tuple[EquivalentClass, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a tag set. A file may state one name twice, with rules for different classifications."""

    name: str
    code: str
    obsolete: bool = False
    window: Window = field(default_factory=Window)
    required_class: str | None = None
    excluded_classes: frozenset[str] = frozenset()
    requires: tuple[Requirement, ...] = ()
    excludes: tuple[Group, ...] = ()
    style: Style = field(default_factory=Style)
    equivalents: tuple[EquivalentValue, ...] = ()
    user_input: str | None = None

    def stands_with(self, classification: str) -> bool:
        """Whether its own rules let it stand with that classification."""
        required = self.required_class is None or self.required_class == classification
        return required and classification not in self.excluded_classes


@dataclass(frozen=True, slots=True)
class Tag:
    """Values of one type, chosen together. ``most`` is ``None`` where any number may be chosen."""

    name: str
    type: CategoryType
    values: tuple[Value, ...]
    least: int = 0
    most: int | None = None
    style: Style = field(default_factory=Style)


@dataclass(frozen=True, slots=True)
class TagSet:
    """A named set of tags; its name is the TagName in a label, its OID the URI."""

    name: str
    id: str
    tags: tuple[Tag, ...]
    equivalents: tuple[EquivalentTagSet, ...] = ()

    def of_type(self, kind: CategoryType) -> tuple[Tag, ...]:
        """Its tags of one type."""
        return tuple(tag for tag in self.tags if tag.type is kind)


Index = Mapping[tuple[str, CategoryType, str], tuple[tuple[Tag, Value], ...]]
"""Values by the name of their tag set, their type, and their own name as the policy compares it."""


@dataclass(frozen=True, slots=True)
class PrivacyMark:
    """A privacy mark that a label may carry."""

    name: str
    obsolete: bool = False
    style: Style = field(default_factory=Style)


@dataclass(frozen=True, slots=True)
class Styles:
    """How the whole of a marking is made: the policy's own name, the classifications, everything."""

    policy: Style = field(default_factory=Style)
    classifications: Style = field(default_factory=Style)
    whole: Style = field(default_factory=Style)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A whole file. ``required_sets`` are tag sets that the policy's standard requires in every label.

    ``digest`` is the SHA-256 of the file's bytes, in hexadecimal; ``index`` finds values by tag set, type and name.
    """

    name: str
    id: str
    version: int
    created: datetime
    digest: str
    classifications: tuple[Classification, ...]
    tag_sets: tuple[TagSet, ...]
    privacy_marks: tuple[PrivacyMark, ...] = ()
    privacy_required: bool = False
    equivalents: tuple[EquivalentPolicy, ...] = ()
    window: Window = field(default_factory=Window)
    styles: Styles = field(default_factory=Styles)
    required_sets: tuple[str, ...] = ()
    folds_case: bool = False
    tolerated: tuple[Tolerated, ...] = ()
    index: Index = field(default_factory=dict, compare=False, repr=False)

    def key(self, name: str) -> str:
        """A name as this policy compares it."""
        return fold(name) if self.folds_case else name

    def same(self, one: str, other: str) -> bool:
        """Whether two names are one in this policy."""
        return one == other or (self.folds_case and fold(one) == fold(other))

    def classification(self, name: str) -> Classification | None:
        """The classification of that name."""
        return next((each for each in self.classifications if self.same(each.name, name)), None)

    def tag_set(self, name: str) -> TagSet | None:
        """The tag set of that name."""
        return next((each for each in self.tag_sets if self.same(each.name, name)), None)

    def values(self, tag_set: TagSet, kind: CategoryType, name: str) -> tuple[tuple[Tag, Value], ...]:
        """What a name means among the values of one type; more than one where the file states the name twice."""
        return self.index.get((tag_set.name, kind, self.key(name)), ())


@functools.lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The text with the capital letters of ASCII made small, and nothing else changed."""
    return text.translate(_FOLDED)


def canonical_code(text: str) -> str:
    """A code as it is compared: a decimal number without leading zeros, any other text as it stands."""
    digits = text.removeprefix("-")
    return str(int(text)) if digits.isascii() and digits.isdecimal() and len(digits) <= 64 else text


@dataclass(frozen=True, slots=True)
class StandardRules:
    """What a policy's own standard says that its file cannot: whether case counts, which tag sets must be there."""

    folds_case: bool = False
    required_sets: tuple[str, ...] = ()


STANDARD_RULES: Final[Mapping[str, StandardRules]] = {
    "1.3.26.1.3.1": StandardRules(folds_case=True, required_sets=("Context",)),
}
"""By policy OID: NATO (ADatP-4774 appendix 2: case is ignored, Context must be present)."""

CASELESS_NAMES: Final = frozenset(("PUBLIC",))
"""Policies known by name alone whose values compare without case (ADatP-4774 appendix 2, annex C)."""
