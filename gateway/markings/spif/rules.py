"""Whether a label or clearance is sound under its policy.

Two steps, in this order:

1. :func:`resolve` reads names: the policy's own, the classification, each tag set, its type and its values must all be
   known, or the label is refused. The result is spelt as the policy spells it.
2. :func:`validate` judges what the names say together. Findings are errors, each with a rule of its own:

- ``SPIF-POLICY-WINDOW``: the policy file is outside ``notBefore`` and ``notAfter``, on the label's day or the day asked
  about;
- ``SPIF-LABEL-FUTURE``: the label is made after the moment asked about;
- ``SPIF-OBSOLETE``: a classification, value or privacy mark is obsolete. The standard lets old labels keep those; a
  file gives no day on which they became so, so every label with one is in doubt;
- ``SPIF-REQUIRED-CATEGORY``: ``requiredCategory`` of the classification or of a value is not met;
- ``SPIF-EXCLUDED-CATEGORY``: an ``excludedCategory`` of a value is there;
- ``SPIF-EXCLUDED-CLASS``, ``SPIF-REQUIRED-CLASS``: a value may not stand with the classification;
- ``SPIF-VALUE-WINDOW``: a value is outside its window;
- ``SPIF-SELECTION``: fewer or more values of a tag are chosen than it allows;
- ``SPIF-EMPTY-CATEGORY``: a category has no values: nobody holds one of none;
- ``SPIF-REQUIRED-SET``: a tag set that the policy's own standard requires is absent (NATO: Context);
- ``SPIF-PRIVACY-MARK``: the policy does not know the privacy mark, or requires one.

Sources: XML SPIF 2.1; ADatP-4774.1 sections 3.3 and 3.4 and table 3; ADatP-4774 appendix 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.spif.model import (
    SPIF_AUTHORITY,
    Classification,
    Group,
    Operation,
    PolicyFile,
    Requirement,
    Tag,
    Value,
    fold,
)
from gateway.markings.stanag import (
    OID_PREFIX,
    SecurityCategory,
    SecurityClearance,
    SecurityLabel,
    check_categories,
    refuse,
)

_DIGITS: Final = frozenset("0123456789")


def resolve(policy: PolicyFile, label: SecurityLabel) -> SecurityLabel:
    """The label in the policy's own spelling, its object identifiers filled in; :class:`MarkingError` if unknown."""
    check_policy_named(policy, label.policy, label.policy_id)
    successor = None if label.succession is None else resolve(policy, label.succession.label)
    return replace(
        label,
        policy=policy.name,
        policy_id=policy.id,
        classification=known_classification(policy, label.classification).name,
        categories=_resolved(policy, label.categories),
        succession=None
        if label.succession is None or successor is None
        else replace(label.succession, label=successor),
    )


def resolve_clearance(policy: PolicyFile, clearance: SecurityClearance) -> SecurityClearance:
    """The clearance in the policy's own spelling; :class:`MarkingError` if a name in it is unknown."""
    check_policy_named(policy, clearance.policy, clearance.policy_id)
    levels = tuple(known_classification(policy, name).name for name in clearance.classifications)
    if len(set(levels)) != len(levels) or not levels:
        raise refuse("SPIF-CLEARANCE", "a clearance holds at least one classification, each once", SPIF_AUTHORITY)
    return replace(
        clearance,
        policy=policy.name,
        policy_id=policy.id,
        classifications=levels,
        categories=_resolved(policy, clearance.categories),
    )


def check_policy_named(policy: PolicyFile, name: str, oid: str | None) -> None:
    """Refuse a label or clearance of another policy."""
    named = policy.same(name, policy.name) or name in {policy.id, OID_PREFIX + policy.id}
    if not named or oid not in {None, policy.id}:
        raise refuse("SPIF-POLICY", "the label is not of this policy", SPIF_AUTHORITY)


def known_classification(policy: PolicyFile, name: str) -> Classification:
    """The classification of that name; :class:`MarkingError` when there is none."""
    found = policy.classification(name)
    if found is None:
        raise refuse("SPIF-CLASSIFICATION", "the policy does not know the classification", SPIF_AUTHORITY)
    return found


def meant(policy: PolicyFile, category: SecurityCategory, value: str) -> tuple[tuple[Tag, Value], ...]:
    """What a value in a category means: its tag and value, more than one where the file states it twice.

    A tag may let its user write a value (``userInput``); such a one means what is written. Empty when unknown.
    """
    tag_set = policy.tag_set(category.tag)
    if tag_set is None:
        return ()
    tags = tag_set.of_type(category.type)
    return policy.values(tag_set, category.type, value) or tuple(
        (tag, each) for tag in tags for each in tag.values if _written(each, value)
    )


def _written(value: Value, text: str) -> bool:
    if value.user_input == "integer":
        return _DIGITS.issuperset(text.removeprefix("-")) and text not in {"", "-"}
    if value.user_input == "date":
        try:
            return date.fromisoformat(text).isoformat() == text
        except ValueError:
            return False
    return value.user_input == "string"


def _resolved(policy: PolicyFile, categories: tuple[SecurityCategory, ...]) -> tuple[SecurityCategory, ...]:
    return check_categories(tuple(_resolved_category(policy, each) for each in categories))


def _resolved_category(policy: PolicyFile, category: SecurityCategory) -> SecurityCategory:
    tag_set = policy.tag_set(category.tag)
    if tag_set is None or category.tag_id not in {None, tag_set.id}:
        raise refuse("SPIF-TAG-SET", "the policy does not know the tag set", SPIF_AUTHORITY)
    if not tag_set.of_type(category.type):
        raise refuse("SPIF-TYPE", "the tag set has no tag of this type", SPIF_AUTHORITY)
    return replace(
        category,
        tag=tag_set.name,
        tag_id=tag_set.id,
        values=tuple(_spelt(policy, category, value) for value in category.values),
    )


def _spelt(policy: PolicyFile, category: SecurityCategory, value: str) -> str:
    found = meant(policy, category, value)
    if not found:
        raise refuse("SPIF-VALUE", "the policy does not know a value of the tag set", SPIF_AUTHORITY)
    return next((each.name for _, each in found if policy.same(each.name, value)), value)


def moment_of(at: date | datetime) -> datetime:
    """The moment asked about: a day is its first moment in UTC. Raises :class:`MarkingError` without a zone."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time.min, UTC)
    if at.tzinfo is None:
        raise refuse("SPIF-MOMENT", "a moment is asked about with its time zone", SPIF_AUTHORITY)
    return at


def validate(policy: PolicyFile, label: SecurityLabel, at: date | datetime | None = None) -> tuple[Finding, ...]:
    """What is wrong with the label on the day it was made and, where given, at the moment asked about."""
    try:
        asked = None if at is None else moment_of(at)
        return tuple(_findings(policy, resolve(policy, label), asked, at))
    except MarkingError as error:
        return error.findings


def validate_clearance(policy: PolicyFile, clearance: SecurityClearance) -> tuple[Finding, ...]:
    """What is wrong with the clearance: names that are unknown, and obsolete ones."""
    try:
        held = resolve_clearance(policy, clearance)
    except MarkingError as error:
        return error.findings
    found = [known_classification(policy, name).obsolete for name in held.classifications]
    for category in held.categories:
        found += [all(v.obsolete for _, v in meant(policy, category, value)) for value in category.values]
    return (_finding("SPIF-OBSOLETE", "the clearance holds what is obsolete"),) if any(found) else ()


def _finding(rule: str, message: str) -> Finding:
    return Finding(rule, SPIF_AUTHORITY, message)


def _findings(
    policy: PolicyFile, label: SecurityLabel, asked: datetime | None, at: date | datetime | None
) -> Iterator[Finding]:
    moments = (label.created,) if asked is None else (label.created, asked)
    if not all(policy.window.holds(moment) for moment in moments):
        yield _finding("SPIF-POLICY-WINDOW", "the policy file was not in force")
    if asked is not None and _future(label.created, asked, at):
        yield _finding("SPIF-LABEL-FUTURE", "the label is made later than the moment asked about")
    level = known_classification(policy, label.classification)
    if level.obsolete:
        yield _finding("SPIF-OBSOLETE", "the classification is obsolete")
    yield from _required(policy, label, level.requires)
    for category in label.categories:
        if not category.values:
            yield _finding("SPIF-EMPTY-CATEGORY", "a category has no value, so nobody holds one")
        for value in category.values:
            yield from _value_findings(policy, label, meant(policy, category, value), moments)
    yield from _selections(policy, label)
    present = {category.tag for category in label.categories}
    for name in policy.required_sets:
        if not any(policy.same(name, tag) for tag in present):
            yield _finding("SPIF-REQUIRED-SET", "a tag set that the policy's standard requires is absent")
    yield from _privacy(policy, label)
    if label.succession is not None:
        yield from _findings(policy, label.succession.label, None, None)


def _future(created: datetime, asked: datetime, at: date | datetime | None) -> bool:
    return created > asked if isinstance(at, datetime) else created.astimezone(UTC).date() > asked.date()


def _value_findings(
    policy: PolicyFile, label: SecurityLabel, found: tuple[tuple[Tag, Value], ...], moments: tuple[datetime, ...]
) -> Iterator[Finding]:
    standing = [value for _, value in found if value.stands_with(label.classification)]
    if not standing:
        excluded = any(label.classification in value.excluded_classes for _, value in found)
        rule = "SPIF-EXCLUDED-CLASS" if excluded else "SPIF-REQUIRED-CLASS"
        yield _finding(rule, "a value may not stand with the classification")
    for value in standing:
        if value.obsolete:
            yield _finding("SPIF-OBSOLETE", "a value is obsolete")
        if not all(value.window.holds(moment) for moment in moments):
            yield _finding("SPIF-VALUE-WINDOW", "a value is outside the time in which it may be used")
        yield from _required(policy, label, value.requires)
        if any(count_in(policy, label.categories, group) for group in value.excludes):
            yield _finding("SPIF-EXCLUDED-CATEGORY", "two values may not stand together")


def _required(policy: PolicyFile, label: SecurityLabel, requires: tuple[Requirement, ...]) -> Iterator[Finding]:
    for requirement in requires:
        counts = [count_in(policy, label.categories, group) for group in requirement.groups]
        met = {
            Operation.ALL: all(counts),
            Operation.ONE_OR_MORE: any(counts),
            Operation.ONLY_ONE: sum(counts) == 1,
        }
        if not met[requirement.operation]:
            yield _finding("SPIF-REQUIRED-CATEGORY", "a category that is required here is absent, or not alone")


def count_in(policy: PolicyFile, categories: tuple[SecurityCategory, ...], group: Group) -> int:
    """How many values of the categories a reference means."""
    found = [each for each in categories if each.type is group.type and policy.same(each.tag, group.tag_set)]
    return sum(
        any(group.code is None or group.code == known.code for _, known in meant(policy, category, value))
        for category in found
        for value in category.values
    )


def _selections(policy: PolicyFile, label: SecurityLabel) -> Iterator[Finding]:
    for tag_set in policy.tag_sets:
        for tag in tag_set.tags:
            chosen = sum(
                any(known is tag for known, _ in meant(policy, category, value))
                for category in label.categories
                if category.tag == tag_set.name and category.type is tag.type
                for value in category.values
            )
            if chosen < tag.least or (tag.most is not None and chosen > tag.most):
                yield _finding("SPIF-SELECTION", "fewer or more values of a tag are chosen than it allows")


def _privacy(policy: PolicyFile, label: SecurityLabel) -> Iterator[Finding]:
    if label.privacy_mark is None:
        if policy.privacy_required:
            yield _finding("SPIF-PRIVACY-MARK", "the policy requires a privacy mark")
        return
    said = fold(label.privacy_mark) if policy.folds_case else label.privacy_mark
    known = [each for each in policy.privacy_marks if (fold(each.name) if policy.folds_case else each.name) == said]
    if not known:
        yield _finding("SPIF-PRIVACY-MARK", "the policy does not know the privacy mark")
    elif known[0].obsolete:
        yield _finding("SPIF-OBSOLETE", "the privacy mark is obsolete")
