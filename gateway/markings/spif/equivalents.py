"""The same label in another policy's terms, and another policy's label in ours.

A policy names its equivalents by code, since it does not hold the other policy's names: what comes out is a
:class:`CodedLabel`, which the other policy turns into a label (:func:`named`). The rules:

1. An equivalence is used in its direction alone: ``encrypt`` for a label of ours that goes out, ``decrypt`` for one
   of theirs that comes in, ``both`` for either.
2. A classification without an equivalent, or with two that differ, is refused going out. Coming in, where several of
   ours have that equivalent, the highest is taken: a label rounds up.
3. A restrictive value without an equivalent is refused. A permissive one is left out, which narrows; when all of a
   category are, the label is refused, since a category that is gone limits nobody. An informative one is left out.
   ``action="discard"`` is the policy's word that a value may be left out.
4. What ``requiredCategory`` asks for in the other policy is added; where it leaves a choice, the label is refused.
5. The originator's label stays as it is. What is made here is an alternative label, to be recorded beside it.

Sources: XML SPIF 2.1; ADatP-4774.1 sections 3.6 and 4.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.markings.findings import MarkingError
from gateway.markings.spif.model import (
    SPIF_AUTHORITY,
    Applied,
    EquivalentPolicy,
    EquivalentValue,
    Operation,
    PolicyFile,
    Requirement,
    Value,
)
from gateway.markings.spif.rules import known_classification, meant, resolve
from gateway.markings.stanag import (
    OID_PREFIX,
    CategoryType,
    LabelKind,
    SecurityCategory,
    SecurityLabel,
    refuse,
)


@dataclass(frozen=True, slots=True)
class CodedCategory:
    """Values of a tag set by code. The tag set is named by OID, or by name where a policy names it so."""

    type: CategoryType
    codes: tuple[str, ...]
    tag_set_id: str | None = None
    tag_set: str | None = None


@dataclass(frozen=True, slots=True)
class CodedLabel:
    """A label of a policy in that policy's codes."""

    policy: str
    policy_id: str
    classification: str
    created: datetime
    categories: tuple[CodedCategory, ...] = ()


def going_out(policy: PolicyFile, label: SecurityLabel, other: str, direction: Applied) -> CodedLabel:
    """Our label in the terms of ``other`` (its OID or name); :class:`MarkingError` where a part has none.

    With ``direction`` ``DECRYPT`` the rows for labels that come in are read backwards: as what in the other policy this
    label could have come in. That is for comparing, and never a label to send: two levels may come in as one.
    """
    theirs = known_policy(policy, other)
    read = resolve(policy, label)
    level = known_classification(policy, read.classification)
    rows = [row for row in level.equivalents if row.policy == theirs.name and row.applied.holds(direction)]
    if len({row.code for row in rows}) != 1:
        raise _none("the classification has no equivalent, or more than one")
    categories = [found for each in read.categories if (found := _coded(policy, read, each, theirs, direction))]
    asked = [*theirs.requires, *(each for row in rows for each in row.requires)]
    present = {category.tag for category in read.categories}
    for tag_set in policy.tag_sets:
        if tag_set.name in present:
            asked += [r for each in tag_set.equivalents if each.policy == theirs.name for r in each.requires]
    added = [category for requirement in asked for category in _added(requirement)]
    return CodedLabel(theirs.name, theirs.id, rows[0].code, read.created, _merged([*categories, *added]))


def coming_in(policy: PolicyFile, label: CodedLabel) -> SecurityLabel:
    """Another policy's label in our terms, as an alternative label; :class:`MarkingError` where a part has none."""
    theirs = known_policy(policy, label.policy_id)
    levels = [
        level
        for level in policy.classifications
        for row in level.equivalents
        if row.policy == theirs.name and row.code == label.classification and row.applied.holds(Applied.DECRYPT)
    ]
    if not levels:
        raise _none("the classification has no equivalent")
    found: dict[tuple[CategoryType, str], list[str]] = {}
    for category in label.categories:
        for kind, tag, values in _received(policy, theirs.name, category):
            found.setdefault((kind, tag), []).extend(values)
    return resolve(
        policy,
        SecurityLabel(
            policy=policy.name,
            classification=max(levels, key=lambda level: level.hierarchy).name,
            created=label.created,
            categories=tuple(
                SecurityCategory(kind, tag, tuple(dict.fromkeys(values))) for (kind, tag), values in found.items()
            ),
            kind=LabelKind.ALTERNATIVE,
        ),
    )


def coded(policy: PolicyFile, label: SecurityLabel) -> CodedLabel:
    """A label of ours in our own codes, for another policy to take in; :class:`MarkingError` where one is unclear."""
    read = resolve(policy, label)
    categories = []
    for category in read.categories:
        tag_set = policy.tag_set(category.tag)
        codes = [_one_code(policy, read, category, value) for value in category.values]
        categories.append(CodedCategory(category.type, tuple(codes), tag_set.id if tag_set else None))
    level = known_classification(policy, read.classification)
    return CodedLabel(policy.name, policy.id, level.code, read.created, tuple(categories))


def named(policy: PolicyFile, label: CodedLabel) -> SecurityLabel:
    """A coded label of this policy by its names, as an alternative label; :class:`MarkingError` if one is unknown."""
    if label.policy_id != policy.id:
        raise refuse("SPIF-POLICY", "the label is not of this policy", SPIF_AUTHORITY)
    levels = [level.name for level in policy.classifications if level.code == label.classification]
    if not levels:
        raise _none("the policy has no such classification")
    values: dict[tuple[CategoryType, str], list[str]] = {}
    for category in label.categories:
        tag, names = _named(policy, category)
        values.setdefault((category.type, tag), []).extend(names)
    categories = tuple(SecurityCategory(k, tag, tuple(dict.fromkeys(names))) for (k, tag), names in values.items())
    made = SecurityLabel(policy.name, levels[0], label.created, categories, policy.id, kind=LabelKind.ALTERNATIVE)
    return resolve(policy, made)


def known_policy(policy: PolicyFile, other: str) -> EquivalentPolicy:
    """The equivalent policy of that OID or name; :class:`MarkingError` when the file knows none."""
    oid = other.removeprefix(OID_PREFIX)
    found = next((each for each in policy.equivalents if oid == each.id or other == each.name), None)
    if found is None:
        raise _none("the policy knows no equivalent policy of this name")
    return found


def _none(message: str) -> MarkingError:
    return refuse("SPIF-EQUIVALENCE", message, SPIF_AUTHORITY)


def _coded(
    policy: PolicyFile, label: SecurityLabel, category: SecurityCategory, theirs: EquivalentPolicy, direction: Applied
) -> list[CodedCategory]:
    found: list[CodedCategory] = []
    for value in category.values:
        rows = [
            row
            for known in _standing(policy, label, category, value)
            for row in known.equivalents
            if row.policy == theirs.name and row.applied.holds(direction)
        ]
        kept = [row for row in rows if not row.discard]
        if category.type is CategoryType.RESTRICTIVE and not rows:
            raise _none("a restrictive value has no equivalent")
        if category.type is CategoryType.RESTRICTIVE and any(row.type is not category.type for row in kept):
            raise _none("a restrictive value's equivalent does not restrict")
        found += [CodedCategory(row.type, (row.code,), row.tag_set_id) for row in kept]
    if category.type is CategoryType.PERMISSIVE and not any(each.type is category.type for each in found):
        raise _none("no value of a permissive category has an equivalent")
    return found


def _merged(categories: Iterable[list[CodedCategory] | CodedCategory]) -> tuple[CodedCategory, ...]:
    """One category for each tag set and type."""
    flat = [each for one in categories for each in (one if isinstance(one, list) else [one])]
    codes: dict[tuple[CategoryType, str | None, str | None], list[str]] = {}
    for each in flat:
        codes.setdefault((each.type, each.tag_set_id, each.tag_set), []).extend(each.codes)
    return tuple(
        CodedCategory(kind, tuple(dict.fromkeys(found)), oid, name) for (kind, oid, name), found in codes.items()
    )


def _added(requirement: Requirement) -> Iterator[CodedCategory]:
    """What a requirement adds to a label of another policy; a choice is nobody's here to make."""
    if requirement.operation is not Operation.ALL and len(requirement.groups) > 1:
        raise _none("what the other policy requires leaves a choice")
    for group in requirement.groups:
        if group.code is None:
            raise _none("what the other policy requires leaves a choice")
        yield CodedCategory(group.type, (group.code,), None, group.tag_set)


def _standing(policy: PolicyFile, label: SecurityLabel, category: SecurityCategory, value: str) -> tuple[Value, ...]:
    found = [known for _, known in meant(policy, category, value)]
    return tuple(known for known in found if known.stands_with(label.classification)) or tuple(found)


def _one_code(policy: PolicyFile, label: SecurityLabel, category: SecurityCategory, value: str) -> str:
    codes = {known.code for known in _standing(policy, label, category, value)}
    if len(codes) != 1:
        raise _none("a value has more than one code")
    return codes.pop()


def _received(
    policy: PolicyFile, theirs: str, category: CodedCategory
) -> Iterator[tuple[CategoryType, str, list[str]]]:
    """Our values for each of their codes, by our tag set."""
    mapped = False
    for code in category.codes:
        ours = [
            (tag_set.name, tag.type, value.name)
            for tag_set in policy.tag_sets
            for tag in tag_set.tags
            for value in tag.values
            if any(_arrives(row, theirs, category, code) for row in value.equivalents)
        ]
        if category.type is CategoryType.RESTRICTIVE and not any(kind is category.type for _, kind, _ in ours):
            raise _none("a restrictive value has no equivalent that restricts")
        if category.type is CategoryType.PERMISSIVE and len({each for each in ours if each[1] is category.type}) > 1:
            raise _none("a permissive value has more than one equivalent")
        for name, kind, value in ours:
            mapped |= kind is CategoryType.PERMISSIVE
            yield kind, name, [value]
    if category.type is CategoryType.PERMISSIVE and not mapped:
        raise _none("no value of a permissive category has an equivalent")


def _arrives(row: EquivalentValue, theirs: str, category: CodedCategory, code: str) -> bool:
    same = row.policy == theirs and row.code == code and row.type is category.type
    return same and row.tag_set_id == category.tag_set_id and row.applied.holds(Applied.DECRYPT) and not row.discard


def _named(policy: PolicyFile, category: CodedCategory) -> tuple[str, list[str]]:
    sets = [each for each in policy.tag_sets if each.id == category.tag_set_id or each.name == category.tag_set]
    if len(sets) != 1:
        raise _none("the policy has no such tag set")
    values: list[str] = []
    for code in category.codes:
        names = {v.name for tag in sets[0].of_type(category.type) for v in tag.values if v.code == code}
        if len(names) != 1:
            raise _none("the policy has no such value, or more than one")
        values.append(names.pop())
    return sets[0].name, values
