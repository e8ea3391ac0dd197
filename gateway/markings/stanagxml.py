"""ADatP-4774 XML: confidentiality labels and clearances, read strictly and written so that the schema accepts them.

The rules kept here:

1. What the schema requires must be there, once, in its order: ConfidentialityInformation (PolicyIdentifier,
   Classification, PrivacyMark, Category), OriginatorID, CreationDateTime, SuccessionHandling.
2. What the schema allows but this reader does not understand (foreign elements and attributes, a Classification's
   URI, IntegerValue and BitStringValue, which the prose forbids) is refused, not passed over.
3. White space is read by the schema's types: collapsed in PolicyIdentifier, Classification and times (``xs:token``,
   ``xs:dateTime``), kept in values (``xs:string``), where it is then refused at the ends.
4. A clearance's PolicyIdentifier, Classification and Category are in the label namespace, as published; a clearance
   that puts all of them in its own namespace is read too. A mixture is refused.

Sources: ADatP-4774 Ed A V1, appendices 1 and 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.markings.stanag import (
    OID_PREFIX,
    ORIGINATOR_TYPES,
    CategoryType,
    LabelKind,
    Originator,
    SecurityCategory,
    SecurityClearance,
    SecurityLabel,
    Succession,
    check_categories,
    check_value,
    read_moment,
    read_oid,
    refuse,
    write_moment,
)
from gateway.markings.xmltree import (
    LABEL_BOUNDS,
    SCHEMA_LOCATION,
    Element,
    Name,
    collapse,
    element,
    read_xml,
    write_xml,
)

LABEL_NAMESPACE: Final = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"
CLEARANCE_NAMESPACE: Final = "urn:nato:stanag:4774:confidentialityclearance:1:0"

_PREFIX: Final = {LABEL_NAMESPACE: "slab"}
_CLEARANCE_PREFIXES: Final = {CLEARANCE_NAMESPACE: "sclr", LABEL_NAMESPACE: "slab"}
_SUCCESSOR: Final = "SuccessorConfidentialityLabel"


def read_label(document: bytes) -> SecurityLabel:
    """The label that an XML document is; :class:`MarkingError` when it is refused."""
    root = read_xml(document, LABEL_BOUNDS)
    namespace, local = root.name
    kind = next((kind for kind in LabelKind if kind.value == local), None)
    if namespace != LABEL_NAMESPACE or kind is None:
        raise refuse("LABEL-ROOT", "the document is no ADatP-4774 confidentiality label")
    return _label(root, kind)


def label_of(root: Element) -> SecurityLabel:
    """The label that an element already read is, such as one inside a binding."""
    kind = next((kind for kind in LabelKind if (LABEL_NAMESPACE, kind.value) == root.name), None)
    if kind is None:
        raise refuse("LABEL-ROOT", "the element is no ADatP-4774 confidentiality label")
    return _label(root, kind)


def write_label(label: SecurityLabel) -> bytes:
    """The label as an XML document, each part in the schema's order."""
    return write_xml(_label_element(label, label.kind.value), _PREFIX)


def read_clearance(document: bytes) -> SecurityClearance:
    """The clearance that an XML document is; :class:`MarkingError` when it is refused."""
    root = read_xml(document, LABEL_BOUNDS)
    if root.name != (CLEARANCE_NAMESPACE, "ConfidentialityClearance"):
        raise refuse("CLEARANCE-ROOT", "the document is no ADatP-4774 confidentiality clearance")
    _only(root, frozenset((SCHEMA_LOCATION,)))
    used = {child.name[0] for child in root.children if child.name[1] != "ClassificationList"}
    if len(used) != 1 or not used <= set(_CLEARANCE_PREFIXES):
        raise refuse("CLEARANCE-FORM", "the parts of a clearance are in one namespace")
    parts = _Parts(root, used.pop())
    policy, policy_id = _policy(parts.one("PolicyIdentifier"))
    listed = parts.one("ClassificationList", CLEARANCE_NAMESPACE)
    _only(listed)
    levels = _Parts(listed, parts.namespace)
    held = tuple(_classification(each) for each in levels.several("Classification"))
    levels.end()
    categories = tuple(_category(each) for each in parts.several("Category"))
    parts.end()
    if not held or len({name.casefold() for name in held}) != len(held):
        raise refuse("CLEARANCE-FORM", "a clearance lists at least one classification, each once")
    return SecurityClearance(policy, held, check_categories(categories), policy_id)


def write_clearance(clearance: SecurityClearance) -> bytes:
    """The clearance as an XML document."""
    levels = [element((LABEL_NAMESPACE, "Classification"), text=check_value(n)) for n in clearance.classifications]
    root = element(
        (CLEARANCE_NAMESPACE, "ConfidentialityClearance"),
        (),
        _policy_element(clearance.policy, clearance.policy_id),
        element((CLEARANCE_NAMESPACE, "ClassificationList"), (), *levels),
        *map(_category_element, check_categories(clearance.categories)),
    )
    return write_xml(root, _CLEARANCE_PREFIXES)


class _Parts:
    """An element's children, taken from the front in the schema's order."""

    def __init__(self, parent: Element, namespace: str = LABEL_NAMESPACE) -> None:
        self.namespace = namespace
        self._left = list(reversed(parent.children))

    def optional(self, local: str, namespace: str | None = None) -> Element | None:
        name = (namespace or self.namespace, local)
        return self._left.pop() if self._left and self._left[-1].name == name else None

    def one(self, local: str, namespace: str | None = None) -> Element:
        found = self.optional(local, namespace)
        if found is None:
            raise refuse("LABEL-FORM", f"{local} is missing or out of its place")
        return found

    def several(self, local: str) -> Iterator[Element]:
        while (found := self.optional(local)) is not None:
            yield found

    def end(self) -> None:
        if self._left:
            raise refuse("LABEL-FORM", "an element is unknown, stands twice, or is out of its place")


def _only(one: Element, allowed: frozenset[Name] = frozenset()) -> None:
    if not one.attributes.keys() <= allowed:
        raise refuse("LABEL-FORM", "an attribute is not one that this reader understands")


def _leaf(one: Element, *attributes: str) -> str:
    _only(one, frozenset(("", name) for name in attributes))
    if one.children:
        raise refuse("LABEL-FORM", "an element stands where a text must")
    return one.text


_ROOT_ATTRIBUTES: Final = frozenset((("", "Id"), ("", "ReviewDateTime"), SCHEMA_LOCATION))


def _label(root: Element, kind: LabelKind, *, successor: bool = False) -> SecurityLabel:
    _only(root, _ROOT_ATTRIBUTES)
    parts = _Parts(root)
    information = parts.one("ConfidentialityInformation")
    _only(information)
    said = _Parts(information)
    policy, policy_id = _policy(said.one("PolicyIdentifier"))
    classification = _classification(said.one("Classification"))
    mark = said.optional("PrivacyMark")
    categories = check_categories(tuple(_category(each) for each in said.several("Category")))
    said.end()
    originator = parts.optional("OriginatorID")
    created = read_moment(collapse(_leaf(parts.one("CreationDateTime"))))
    review = _review(root, parts)
    succession = None if successor else parts.optional("SuccessionHandling")
    parts.end()
    return SecurityLabel(
        policy=policy,
        classification=classification,
        created=created,
        categories=categories,
        policy_id=policy_id,
        privacy_mark=None if mark is None else check_value(_leaf(mark)),
        review=None if review is None else read_moment(collapse(review)),
        originator=None if originator is None else _originator(originator),
        succession=None if succession is None else _succession(succession),
        kind=kind,
    )


def _review(root: Element, parts: _Parts) -> str | None:
    """When the label is to be reviewed: an attribute as it is written here, or an element as some write it."""
    attribute, child = root.get("ReviewDateTime"), parts.optional("ReviewDateTime")
    if attribute is not None and child is not None:
        raise refuse("LABEL-FORM", "ReviewDateTime stands twice")
    return attribute if child is None else _leaf(child)


def _policy(one: Element) -> tuple[str, str | None]:
    return check_value(collapse(_leaf(one, "URI"))), read_oid(one.get("URI"))


def _classification(one: Element) -> str:
    return check_value(collapse(_leaf(one)))


def _category(one: Element) -> SecurityCategory:
    _only(one, frozenset((("", "Type"), ("", "TagName"), ("", "URI"))))
    said = one.get("Type")
    kind = next((kind for kind in CategoryType if kind.value == said), None)
    if kind is None:
        raise refuse("LABEL-TYPE", "a category's Type is RESTRICTIVE, PERMISSIVE or INFORMATIVE")
    values = _Parts(one, one.name[0])
    found = tuple(check_value(_leaf(each)) for each in values.several("GenericValue"))
    values.end()
    return SecurityCategory(kind, check_value(one.get("TagName") or ""), found, read_oid(one.get("URI")))


def _originator(one: Element) -> Originator:
    kind = one.get("IDType")
    if kind not in ORIGINATOR_TYPES:
        raise refuse("LABEL-ORIGINATOR", "OriginatorID states which kind of name it is")
    return Originator(check_value(_leaf(one, "IDType")), kind)


def _succession(one: Element) -> Succession:
    _only(one)
    parts = _Parts(one)
    at = read_moment(collapse(_leaf(parts.one("SuccessionDateTime"))))
    label = _label(parts.one(_SUCCESSOR), LabelKind.ORIGINATOR, successor=True)
    parts.end()
    return Succession(at, label)


def _slab(local: str) -> Name:
    return LABEL_NAMESPACE, local


def _label_element(label: SecurityLabel, local: str) -> Element:
    mark = [] if label.privacy_mark is None else [element(_slab("PrivacyMark"), text=check_value(label.privacy_mark))]
    information = element(
        _slab("ConfidentialityInformation"),
        (),
        _policy_element(label.policy, label.policy_id),
        element(_slab("Classification"), text=check_value(label.classification)),
        *mark,
        *map(_category_element, check_categories(label.categories)),
    )
    parts = [information]
    if label.originator is not None:
        parts.append(_originator_element(label.originator))
    parts.append(element(_slab("CreationDateTime"), text=write_moment(label.created)))
    if label.succession is not None:
        parts.append(_succession_element(label.succession))
    review = [] if label.review is None else [(("", "ReviewDateTime"), write_moment(label.review))]
    return element(_slab(local), review, *parts)


def _policy_element(policy: str, policy_id: str | None) -> Element:
    return element(_slab("PolicyIdentifier"), _uri(policy_id), text=check_value(policy))


def _uri(oid: str | None) -> list[tuple[Name, str]]:
    uri = None if oid is None else OID_PREFIX + oid
    read_oid(uri)
    return [] if uri is None else [(("", "URI"), uri)]


def _category_element(category: SecurityCategory) -> Element:
    attributes = [(("", "Type"), category.type.value), (("", "TagName"), check_value(category.tag))]
    values = [element(_slab("GenericValue"), text=check_value(value)) for value in category.values]
    return element(_slab("Category"), [*attributes, *_uri(category.tag_id)], *values)


def _originator_element(originator: Originator) -> Element:
    if originator.type not in ORIGINATOR_TYPES:
        raise refuse("LABEL-ORIGINATOR", "OriginatorID states which kind of name it is")
    return element(_slab("OriginatorID"), [(("", "IDType"), originator.type)], text=check_value(originator.name))


def _succession_element(succession: Succession) -> Element:
    if succession.label.succession is not None:
        raise refuse("LABEL-FORM", "a successor has no successor of its own")
    when = element(_slab("SuccessionDateTime"), text=write_moment(succession.at))
    return element(_slab("SuccessionHandling"), (), when, _label_element(succession.label, _SUCCESSOR))
