"""Access, and the dominant label: what a policy decides about labels that it finds sound.

The decision (ADatP-4774.1 section 4.3), with the three known ways of failing open closed:

1. The label and the clearance are judged first; any finding denies.
2. The label's classification is in the clearance's set.
3. Every restrictive value of the label is held.
4. Of each permissive category of the label, at least one value is held. A category without values denies, and so
   does one that the policy requires and the label lacks (both are findings of step 1).
5. Informative categories play no part. No other type exists.
6. A label whose successor is due is judged as both: the label itself and its successor must permit.

The dominant label (section 4.4): highest classification (R3), permissive values intersect (R4), restrictive and
informative ones unite (R7, R8). Where R5 and R6 drop a permissive category, here it stays without values, so that
step 4 denies: dropping it would release to everyone what some label held back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.markings.findings import Severity
from gateway.markings.spif.model import SPIF_AUTHORITY, PolicyFile, TagSet
from gateway.markings.spif.rules import (
    known_classification,
    moment_of,
    resolve,
    resolve_clearance,
    validate,
    validate_clearance,
)
from gateway.markings.stanag import CategoryType, SecurityCategory, SecurityClearance, SecurityLabel, refuse


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a clearance suffices for a label, and each reason why it does not.

    Reasons are ``label_invalid:RULE``, ``clearance_invalid:RULE``, ``classification_not_held``,
    ``restrictive_not_held`` and ``permissive_not_held``, the last two with ``:`` and the tag set's name.
    """

    permitted: bool
    reasons: tuple[str, ...]


def decide(policy: PolicyFile, label: SecurityLabel, clearance: SecurityClearance, at: date | datetime) -> Access:
    """Whether the clearance suffices for the label at that moment. Never raises for what it is asked about."""
    found = [f"label_invalid:{each.rule}" for each in validate(policy, label, at) if each.severity is Severity.ERROR]
    found += [f"clearance_invalid:{each.rule}" for each in validate_clearance(policy, clearance)]
    if not found:
        held = resolve_clearance(policy, clearance)
        read = resolve(policy, label)
        found += _against(read, held)
        if read.succession is not None and moment_of(at) >= read.succession.at:
            found += _against(read.succession.label, held)
    return Access(not found, tuple(dict.fromkeys(found)))


def _against(label: SecurityLabel, held: SecurityClearance) -> Iterator[str]:
    if label.classification not in held.classifications:
        yield "classification_not_held"
    for category in label.categories:
        ours = {
            value
            for each in held.categories
            if each.tag == category.tag and each.type is category.type
            for value in each.values
        }
        if category.type is CategoryType.RESTRICTIVE and not ours.issuperset(category.values):
            yield f"restrictive_not_held:{category.tag}"
        if category.type is CategoryType.PERMISSIVE and ours.isdisjoint(category.values):
            yield f"permissive_not_held:{category.tag}"


def dominant(policy: PolicyFile, labels: Sequence[SecurityLabel]) -> SecurityLabel:
    """The label of a whole whose parts have these labels; :class:`MarkingError` where there is no one answer.

    It is as old as the youngest part and to be reviewed with the first. R9, checking the result against the policy,
    is done by whoever uses it: :func:`decide` and :func:`validate` do.
    """
    read = [resolve(policy, label) for label in labels]
    if not read:
        raise refuse("SPIF-DOMINANT", "no label dominates none", SPIF_AUTHORITY)
    marks = {label.privacy_mark for label in read}
    if len(marks) > 1 or any(label.succession is not None for label in read):
        message = "labels with different privacy marks, or with a successor, have no dominant label"
        raise refuse("SPIF-DOMINANT", message, SPIF_AUTHORITY)
    highest = max(read, key=lambda label: known_classification(policy, label.classification).hierarchy)
    return SecurityLabel(
        policy=policy.name,
        policy_id=policy.id,
        classification=highest.classification,
        created=max(label.created for label in read),
        categories=tuple(_dominant_categories(policy, read)),
        privacy_mark=marks.pop(),
        review=min((label.review for label in read if label.review is not None), default=None),
    )


def _dominant_categories(policy: PolicyFile, labels: Sequence[SecurityLabel]) -> Iterator[SecurityCategory]:
    for tag_set in policy.tag_sets:
        for kind in CategoryType:
            said = [_values(label, tag_set, kind) for label in labels]
            present = [values for values in said if values is not None]
            if not present:
                continue
            if kind is CategoryType.PERMISSIVE:
                common = frozenset.intersection(*present) if len(present) == len(said) else frozenset()
            else:
                common = frozenset().union(*present)
            yield SecurityCategory(kind, tag_set.name, _ordered(tag_set, common), tag_set.id)


def _values(label: SecurityLabel, tag_set: TagSet, kind: CategoryType) -> frozenset[str] | None:
    found = [each for each in label.categories if each.tag == tag_set.name and each.type is kind]
    return frozenset(found[0].values) if found else None


def _ordered(tag_set: TagSet, values: Iterable[str]) -> tuple[str, ...]:
    """Values as the policy file orders them; those that a user wrote come after, in alphabetical order."""
    place: dict[str, int] = {}
    for tag in tag_set.tags:
        for value in tag.values:
            place.setdefault(value.name, len(place))
    return tuple(sorted(values, key=lambda value: (place.get(value, len(place)), value)))
