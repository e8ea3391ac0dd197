"""Loading a policy file: XML SPIF 2.1 bytes to a :class:`~gateway.markings.spif.model.PolicyFile`.

The rule: *a file is read by the standard, or refused.* What the reader does not understand could be a limit on
release: an unknown element or attribute, tag type, operation or marking code refuses the whole file. A file that
departs from the standard in a way that cannot change what a label means is loaded, and each departure is named
(:class:`~gateway.markings.spif.model.Tolerated`):

- ``no-namespace``: ``equivalentSecCategoryTag`` outside the SPIF namespace, as the ACME example has it;
- ``name-spaces``: white space at the ends of a value's name or phrase, which is removed;
- ``value-twice``, ``code-twice``: a value's name or code stated twice in one tag. Variants of a name are told apart by
  the classifications they stand with; a rule that refers to a code stated twice refuses the file;
- ``no-time-zone``: a creation date without its zone, which is read as UTC;
- ``foreign-attribute``: an attribute of another namespace, which is passed over;
- ``extensions``: what stands under ``extensions`` is passed over, as the standard allows.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

from gateway.markings.spif.loadrules import (
    Reading,
    equivalent_class,
    equivalent_value,
    requirement,
    style_of,
    window_of,
)
from gateway.markings.spif.model import (
    CASELESS_NAMES,
    STANDARD_RULES,
    Classification,
    EquivalentPolicy,
    EquivalentTagSet,
    PolicyFile,
    PrivacyMark,
    SpifError,
    StandardRules,
    Styles,
    Tag,
    TagSet,
    Value,
)
from gateway.markings.spif.references import check_policy
from gateway.markings.stanag import is_oid
from gateway.markings.xmltree import POLICY_BOUNDS, Element, read_xml

_USER_INPUTS: Final = frozenset(("string", "integer", "date"))
_VERSIONS: Final = frozenset(("2.0", "2.1"))


def load_policy_file(document: bytes) -> PolicyFile:
    """The policy that a file states; :class:`SpifError` (or :class:`XmlRefused`) when it is refused."""
    root = read_xml(document, POLICY_BOUNDS)
    reading = Reading()
    parts = reading.parts(root, "SPIF", _ROOT_ATTRIBUTES)
    if root.get("schemaVersion") not in _VERSIONS:
        raise SpifError("SPIF-VERSION", "schemaVersion is not 2.0 or 2.1", root.line)
    default = parts.optional("defaultSecurityPolicyId")
    if default is not None:
        _policy_id(reading, default)
    named = parts.one("securityPolicyId")
    name, oid = _policy_id(reading, named)
    parts.optional("updateInfo")
    levels = parts.one("securityClassifications")
    sets = parts.optional("securityCategoryTagSets")
    privacy = parts.optional("privacyMarks")
    others = parts.optional("equivalentPolicies")
    whole = style_of(reading, parts)
    extensions = parts.optional("extensions")
    parts.end()
    if extensions is not None and extensions.children:
        reading.tolerate("extensions", extensions.line, "extensions are not read")
    rules = STANDARD_RULES.get(oid, StandardRules(folds_case=name in CASELESS_NAMES))
    level_parts = reading.parts(levels, "securityClassifications", frozenset(("name",)))
    classifications = tuple(_classification(reading, each) for each in level_parts.several("securityClassification"))
    level_style = style_of(reading, level_parts)
    level_parts.end()
    marks, mark_required = _privacy_marks(reading, privacy)
    policy = PolicyFile(
        name=name,
        id=oid,
        version=reading.integer(root, "version", 1),
        created=_creation(reading, root),
        digest=hashlib.sha256(document).hexdigest(),
        classifications=classifications,
        tag_sets=_tag_sets(reading, sets),
        privacy_marks=marks,
        privacy_required=mark_required,
        equivalents=_equivalent_policies(reading, others),
        window=window_of(root),
        styles=Styles(style_of(reading, reading.parts(named, "securityPolicyId")), level_style, whole),
        required_sets=rules.required_sets,
        folds_case=rules.folds_case,
        tolerated=(),
    )
    return check_policy(policy, reading)


_ROOT_ATTRIBUTES: Final = frozenset(
    (
        "schemaVersion",
        "version",
        "creationDate",
        "originatorDN",
        "keyIdentifier",
        "privilegeId",
        "rbacId",
        "userRefURI",
        "docRefURI",
        "notBefore",
        "notAfter",
    )
)


def _policy_id(reading: Reading, one: Element) -> tuple[str, str]:
    reading.attributes(one, frozenset(("name", "id")))
    return reading.name(one), _oid(reading, one)


def _oid(reading: Reading, one: Element) -> str:
    oid = reading.required(one, "id")
    if not is_oid(oid):
        raise SpifError("SPIF-OID", "an id is no object identifier", one.line)
    return oid


def _creation(reading: Reading, root: Element) -> datetime:
    text = reading.required(root, "creationDate")
    digits, zone = (text[:-1], True) if text.endswith("Z") else (text, False)
    try:
        made = datetime.strptime(digits, "%Y%m%d%H%M%S" if len(digits) == 14 else "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        made = None
    if made is None or not digits.isascii() or not digits.isdecimal():
        raise SpifError("SPIF-DATE", "creationDate is no generalised time", root.line)
    if not zone:
        reading.tolerate("no-time-zone", root.line, "creationDate has no time zone; read as UTC")
    return made


def _classification(reading: Reading, one: Element) -> Classification:
    parts = reading.parts(one, "securityClassification", frozenset(("name", "color", "lacv", "hierarchy", "obsolete")))
    equivalents = tuple(equivalent_class(reading, each) for each in parts.several("equivalentClassification"))
    style = style_of(reading, parts)
    requires = tuple(requirement(reading, each) for each in parts.several("requiredCategory"))
    parts.end()
    return Classification(
        name=reading.name(one),
        code=reading.code(one),
        hierarchy=reading.integer(one, "hierarchy"),
        obsolete=reading.truth(one, "obsolete"),
        style=style,
        requires=requires,
        equivalents=equivalents,
    )


def _tag_sets(reading: Reading, one: Element | None) -> tuple[TagSet, ...]:
    if one is None:
        return ()
    parts = reading.parts(one, "securityCategoryTagSets")
    found = tuple(_tag_set(reading, each) for each in parts.several("securityCategoryTagSet"))
    parts.end()
    return found


def _tag_set(reading: Reading, one: Element) -> TagSet:
    parts = reading.parts(one, "securityCategoryTagSet", frozenset(("name", "id")))
    tags = tuple(_tag(reading, each) for each in parts.several("securityCategoryTag"))
    equivalents = tuple(_equivalent_set(reading, each) for each in parts.several("equivalentSecurityCategoryTagSet"))
    parts.end()
    if not tags:
        raise SpifError("SPIF-FORM", "a tag set has no tag", one.line)
    return TagSet(reading.name(one), _oid(reading, one), tags, equivalents)


def _equivalent_set(reading: Reading, one: Element) -> EquivalentTagSet:
    parts = reading.parts(one, "equivalentSecurityCategoryTagSet", frozenset(("policyRef", "name", "id")))
    requires = tuple(requirement(reading, each) for each in parts.several("requiredCategory"))
    parts.end()
    return EquivalentTagSet(reading.required(one, "policyRef"), requires)


_TAG_ATTRIBUTES: Final = frozenset(
    ("name", "tagType", "enumType", "tag7Encoding", "singleSelection", "maxSelection", "minSelection")
)


def _tag(reading: Reading, one: Element) -> Tag:
    parts = reading.parts(one, "securityCategoryTag", _TAG_ATTRIBUTES)
    values = tuple(_value(reading, each) for each in parts.several("tagCategory"))
    style = style_of(reading, parts)
    parts.end()
    most = reading.selection(one, "maxSelection")
    if reading.truth(one, "singleSelection"):
        most = 1 if most is None else min(most, 1)
    least = reading.selection(one, "minSelection") or 0
    if most is not None and not 0 <= least <= most:
        raise SpifError("SPIF-SELECTION", "the least selection is more than the most", one.line)
    return Tag(one.get("name") or "", reading.category_type(one), values, least, most, style)


_VALUE_ATTRIBUTES: Final = frozenset(
    ("name", "lacv", "userInput", "requiredClass", "obsolete", "dateFormat", "notBefore", "notAfter")
)


def _value(reading: Reading, one: Element) -> Value:
    parts = reading.parts(one, "tagCategory", _VALUE_ATTRIBUTES)
    equivalents = tuple(equivalent_value(reading, each) for each in parts.several("equivalentSecCategoryTag"))
    style = style_of(reading, parts)
    excluded = [reading.text(each) for each in parts.several("excludedClass")]
    requires = tuple(requirement(reading, each) for each in parts.several("requiredCategory"))
    excludes = tuple(reading.group(each, "excludedCategory") for each in parts.several("excludedCategory"))
    parts.end()
    typed = one.get("userInput")
    if typed is not None and typed not in _USER_INPUTS:
        raise SpifError("SPIF-INPUT", "userInput is string, integer or date", one.line)
    return Value(
        name=reading.name(one),
        code=reading.code(one),
        obsolete=reading.truth(one, "obsolete"),
        window=window_of(one),
        required_class=one.get("requiredClass"),
        excluded_classes=frozenset(excluded),
        requires=requires,
        excludes=excludes,
        style=style,
        equivalents=equivalents,
        user_input=typed,
    )


def _privacy_marks(reading: Reading, one: Element | None) -> tuple[tuple[PrivacyMark, ...], bool]:
    if one is None:
        return (), False
    parts = reading.parts(one, "privacyMarks", frozenset(("maxSelection", "minSelection")))
    marks = tuple(_privacy_mark(reading, each) for each in parts.several("privacyMark"))
    style_of(reading, parts)
    parts.end()
    return marks, (reading.selection(one, "minSelection") or 0) > 0


def _privacy_mark(reading: Reading, one: Element) -> PrivacyMark:
    parts = reading.parts(one, "privacyMark", frozenset(("name", "obsolete")))
    style = style_of(reading, parts)
    parts.end()
    return PrivacyMark(reading.name(one), reading.truth(one, "obsolete"), style)


def _equivalent_policies(reading: Reading, one: Element | None) -> tuple[EquivalentPolicy, ...]:
    if one is None:
        return ()
    parts = reading.parts(one, "equivalentPolicies")
    found = tuple(_equivalent_policy(reading, each) for each in parts.several("equivalentPolicy"))
    parts.end()
    return found


def _equivalent_policy(reading: Reading, one: Element) -> EquivalentPolicy:
    parts = reading.parts(one, "equivalentPolicy", frozenset(("name", "id", "userRefURI", "docRefURI")))
    requires = tuple(requirement(reading, each) for each in parts.several("requiredCategory"))
    parts.end()
    return EquivalentPolicy(reading.name(one), _oid(reading, one), requires)
