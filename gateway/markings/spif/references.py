"""Whether a policy file is consistent: every name once, every reference to something that is there, and only once.

These are the schema's keys and references (XML SPIF 2.1) and the consistency checks of ADatP-4774.1 section 3.4, done
here because the published schema does not compile. A value's name or code that stands twice in one tag is tolerated
and named; a rule that refers to a code standing twice could mean either, so it refuses the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.markings.spif.loadrules import Reading
from gateway.markings.spif.model import Group, Index, PolicyFile, Requirement, SpifError, Tag, Value, fold
from gateway.markings.stanag import CategoryType


def check_policy(policy: PolicyFile, reading: Reading) -> PolicyFile:
    """The policy, with what was tolerated; :class:`SpifError` when it contradicts itself."""
    _check_names(policy)
    for tag_set in policy.tag_sets:
        for tag in tag_set.tags:
            _note_twice(tag, reading, policy)
    for group in _own_groups(policy):
        if len(referred(policy, group)) == 0:
            raise SpifError("SPIF-REFERENCE", "a rule refers to a tag set or value that is not there")
        if group.code is not None and len({value.name for value in referred(policy, group)}) > 1:
            raise SpifError("SPIF-REFERENCE", "a rule refers to a code that stands twice in its tag set")
    known = {policy.name, *(each.name for each in policy.equivalents)}
    if not set(_policies_named(policy)) <= known:
        raise SpifError("SPIF-REFERENCE", "an equivalence names a policy that equivalentPolicies does not")
    if any(policy.tag_set(name) is None for name in policy.required_sets):
        raise SpifError("SPIF-REFERENCE", "a tag set that the policy's standard requires is not there")
    return replace(policy, tolerated=tuple(reading.tolerated), index=_index(policy))


def _index(policy: PolicyFile) -> Index:
    found: dict[tuple[str, CategoryType, str], tuple[tuple[Tag, Value], ...]] = {}
    for tag_set in policy.tag_sets:
        for tag in tag_set.tags:
            for value in tag.values:
                key = tag_set.name, tag.type, policy.key(value.name)
                found[key] = (*found.get(key, ()), (tag, value))
    return found


def referred(policy: PolicyFile, group: Group) -> tuple[Value, ...]:
    """The values that a reference means: those of its tag set and type, of its code or all."""
    tag_set = policy.tag_set(group.tag_set)
    if tag_set is None:
        return ()
    values = [value for tag in tag_set.of_type(group.type) for value in tag.values]
    return tuple(value for value in values if group.code is None or value.code == group.code)


def _check_names(policy: PolicyFile) -> None:
    names = [each.name for each in policy.classifications]
    _once(policy, names, "a classification's name")
    _once(policy, [each.code for each in policy.classifications], "a classification's lacv")
    _once(policy, [each.name for each in policy.tag_sets], "a tag set's name")
    _once(policy, [each.id for each in policy.tag_sets], "a tag set's id")
    _once(policy, [each.name for each in policy.privacy_marks], "a privacy mark")
    _once(policy, [each.name for each in policy.equivalents], "an equivalent policy's name")
    _once(policy, [each.id for each in policy.equivalents] + [policy.id], "a policy's id")
    if len({each.hierarchy for each in policy.classifications}) != len(names) or not names:
        raise SpifError("SPIF-TWICE", "there is no classification, or two have one place in the hierarchy")
    named = {each for value in _values(policy) for each in (*value.excluded_classes, value.required_class)} - {None}
    if not named <= set(names):
        raise SpifError("SPIF-REFERENCE", "a value refers to a classification that is not there")


def _once(policy: PolicyFile, names: Iterable[str], what: str) -> None:
    folded = [fold(name) if policy.folds_case else name for name in names]
    if len(set(folded)) != len(folded):
        raise SpifError("SPIF-TWICE", f"{what} stands twice")


def _note_twice(tag: Tag, reading: Reading, policy: PolicyFile) -> None:
    names = Counter(fold(value.name) if policy.folds_case else value.name for value in tag.values)
    codes = Counter(value.code for value in tag.values)
    for name in sorted(name for name, count in names.items() if count > 1):
        reading.tolerate("value-twice", 0, f"{tag.name}: {name!r} stands {names[name]} times")
    for code in sorted(code for code, count in codes.items() if count > 1):
        reading.tolerate("code-twice", 0, f"{tag.name}: lacv {code!r} stands {codes[code]} times")


def _values(policy: PolicyFile) -> Iterator[Value]:
    for tag_set in policy.tag_sets:
        for tag in tag_set.tags:
            yield from tag.values


def _own_groups(policy: PolicyFile) -> Iterator[Group]:
    """Every reference into this policy; those of equivalences lead into others."""
    for classification in policy.classifications:
        yield from _groups(classification.requires)
    for value in _values(policy):
        yield from _groups(value.requires)
        yield from value.excludes


def _groups(requires: Iterable[Requirement]) -> Iterator[Group]:
    for each in requires:
        yield from each.groups


def _policies_named(policy: PolicyFile) -> Iterator[str]:
    for classification in policy.classifications:
        yield from (each.policy for each in classification.equivalents)
    for tag_set in policy.tag_sets:
        yield from (each.policy for each in tag_set.equivalents)
    for value in _values(policy):
        yield from (each.policy for each in value.equivalents)
