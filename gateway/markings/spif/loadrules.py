"""The parts that many elements of a policy file share: names, codes, references, phrases, windows.

:class:`Reading` is one file's reading; it gathers what was tolerated. Nothing here knows what a part is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.markings.findings import MarkingError
from gateway.markings.spif.model import (
    Applied,
    EquivalentClass,
    EquivalentValue,
    Group,
    Operation,
    Phrase,
    Qualifier,
    Requirement,
    SpifError,
    Style,
    Tolerated,
    Window,
    canonical_code,
)
from gateway.markings.stanag import LONGEST_VALUE, CategoryType, is_oid, read_moment
from gateway.markings.xmltree import SCHEMA_LOCATION, XML_NAMESPACE, Element

SPIF_NAMESPACE: Final = "http://www.xmlspif.org/spif"
LANGUAGE: Final = (XML_NAMESPACE, "lang")

POSITIONS: Final = frozenset(
    (
        "pageTop",
        "pageBottom",
        "pageTopBottom",
        "documentStart",
        "documentEnd",
        "firstLineOfText",
        "lastLineOfText",
        "subject",
        "xHeader",
        "portionMarking",
        "inputTitle",
        "waterMark",
    )
)
"""Marking codes that say where a phrase stands (XML SPIF 2.1, markingCode)."""

BEHAVIOURS: Final = frozenset(("noNameDisplay", "noMarkingDisplay", "suppressClassName", "replacePolicy"))
"""Marking codes that say what a phrase does."""

_TYPES: Final = {
    ("restrictive", None): CategoryType.RESTRICTIVE,
    ("restrictive", "restrictive"): CategoryType.RESTRICTIVE,
    ("permissive", None): CategoryType.PERMISSIVE,
    ("permissive", "permissive"): CategoryType.PERMISSIVE,
    ("enumerated", "restrictive"): CategoryType.RESTRICTIVE,
    ("enumerated", "permissive"): CategoryType.PERMISSIVE,
    ("tagType7", None): CategoryType.INFORMATIVE,
}
_UNQUALIFIED: Final = "equivalentSecCategoryTag"


class Reading:
    """One file's reading, and what it tolerated."""

    def __init__(self) -> None:
        self.tolerated: list[Tolerated] = []

    def tolerate(self, code: str, line: int, message: str) -> None:
        """Name a departure from the standard."""
        self.tolerated.append(Tolerated(code, line, message))

    def parts(self, one: Element, local: str, attributes: frozenset[str] | None = None) -> Parts:
        """The element's children, in order; refuses another element and unknown attributes (unless not given)."""
        self._check_name(one, local)
        if attributes is not None:
            self.attributes(one, attributes)
        if one.text.strip():
            raise SpifError("SPIF-FORM", f"{local} holds text", one.line)
        return Parts(self, one)

    def attributes(self, one: Element, allowed: frozenset[str]) -> None:
        """Refuse attributes that the standard does not name; note those of other namespaces."""
        for name in one.attributes:
            namespace, local = name
            if not namespace and local not in allowed:
                raise SpifError("SPIF-ATTRIBUTE", f"the attribute {local[:64]!r} is unknown here", one.line)
            if namespace and name not in {SCHEMA_LOCATION, LANGUAGE}:
                self.tolerate("foreign-attribute", one.line, "an attribute of another namespace is passed over")

    def _check_name(self, one: Element, local: str) -> None:
        namespace, found = one.name
        if found == local == _UNQUALIFIED and not namespace:
            self.tolerate("no-namespace", one.line, f"{local} is outside the SPIF namespace")
        elif (namespace, found) != (SPIF_NAMESPACE, local):
            raise SpifError("SPIF-FORM", f"{local} is expected here", one.line)

    def required(self, one: Element, attribute: str) -> str:
        """An attribute that must be there, without white space at its ends."""
        text = one.get(attribute)
        if not text or text != text.strip():
            raise SpifError("SPIF-ATTRIBUTE", f"{attribute} is missing, or has white space at its ends", one.line)
        return text

    def name(self, one: Element) -> str:
        """The element's name; white space at the ends is removed, and named."""
        text = one.get("name") or ""
        name = text.strip()
        if name != text:
            self.tolerate("name-spaces", one.line, "a name has white space at its ends")
        if not 0 < len(name) <= LONGEST_VALUE or not name.isprintable():
            raise SpifError("SPIF-NAME", "a name is missing, too long, or cannot be printed", one.line)
        return name

    def code(self, one: Element, attribute: str = "lacv") -> str:
        """A label and certificate value, as it is compared."""
        return canonical_code(self.required(one, attribute))

    def integer(self, one: Element, attribute: str, default: int | None = None) -> int:
        """A whole number; ``default`` where the attribute is absent."""
        if default is not None and one.get(attribute) is None:
            return default
        text = self.required(one, attribute)
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):
            raise SpifError("SPIF-NUMBER", f"{attribute} is no whole number", one.line)
        return int(text)

    def selection(self, one: Element, attribute: str) -> int | None:
        """How many may be chosen; ``None`` for ``unbounded``, which is the standard's default."""
        if one.get(attribute) in {None, "unbounded"}:
            return None
        count = self.integer(one, attribute)
        if count < 0:
            raise SpifError("SPIF-SELECTION", f"{attribute} is less than nothing", one.line)
        return count

    def truth(self, one: Element, attribute: str) -> bool:
        """An ``xs:boolean`` whose default is false."""
        text = one.get(attribute)
        if text in {"true", "1"}:
            return True
        if text in {None, "false", "0"}:
            return False
        raise SpifError("SPIF-BOOLEAN", f"{attribute} is neither true nor false", one.line)

    def text(self, one: Element) -> str:
        """An element's text, which must not be empty, without the white space around it."""
        self.attributes(one, frozenset())
        if one.children or not one.text.strip():
            raise SpifError("SPIF-FORM", f"{one.name[1]} holds a text", one.line)
        return one.text.strip()

    def category_type(self, one: Element) -> CategoryType:
        """What ``tagType`` and ``enumType`` say; an unknown pair is refused, never taken for informative."""
        said = (one.get("tagType") or "", one.get("enumType"))
        kind = _TYPES.get(said)
        if kind is None:
            raise SpifError("SPIF-TAG-TYPE", "tagType and enumType are not a pair that is known", one.line)
        return kind

    def group(self, one: Element, local: str = "categoryGroup") -> Group:
        """A reference to one value or to all of a tag set; it says which."""
        allowed = frozenset(("tagSetRef", "tagType", "enumType", "lacv", "all"))
        self.parts(one, local, allowed).end()
        whole = self.truth(one, "all")
        if whole == (one.get("lacv") is not None):
            raise SpifError("SPIF-REFERENCE", "a reference has either a lacv or all", one.line)
        code = None if whole else self.code(one)
        return Group(self.required(one, "tagSetRef"), self.category_type(one), code)

    def applied(self, one: Element) -> Applied:
        """In which direction an equivalence holds."""
        try:
            return Applied(one.get("applied") or "")
        except ValueError:
            raise SpifError("SPIF-APPLIED", "applied is encrypt, decrypt or both", one.line) from None


class Parts:
    """An element's children, taken from the front in the standard's order."""

    def __init__(self, reading: Reading, parent: Element) -> None:
        self._reading = reading
        self._parent = parent
        self._left = list(reversed(parent.children))

    def optional(self, local: str) -> Element | None:
        """The next child, if it has that name."""
        names = {(SPIF_NAMESPACE, local), ("", local)} if local == _UNQUALIFIED else {(SPIF_NAMESPACE, local)}
        if self._left and self._left[-1].name in names:
            return self._left.pop()
        return None

    def one(self, local: str) -> Element:
        """The next child, which must have that name."""
        found = self.optional(local)
        if found is None:
            raise SpifError("SPIF-FORM", f"{local} is missing or out of its place", self._parent.line)
        return found

    def several(self, local: str) -> Iterator[Element]:
        """The next children of that name."""
        while (found := self.optional(local)) is not None:
            yield found

    def end(self) -> None:
        """Refuse what is left."""
        if self._left:
            message = f"the element {self._left[-1].name[1][:64]!r} is unknown, or out of its place"
            raise SpifError("SPIF-FORM", message, self._left[-1].line)


def requirement(reading: Reading, one: Element) -> Requirement:
    """A ``requiredCategory``; the standard gives its operation no default, so it must be stated."""
    parts = reading.parts(one, "requiredCategory", frozenset(("operation",)))
    groups = tuple(reading.group(each) for each in parts.several("categoryGroup"))
    parts.end()
    try:
        operation = Operation(one.get("operation") or "")
    except ValueError:
        raise SpifError("SPIF-OPERATION", "operation is onlyOne, oneOrMore or all", one.line) from None
    if not groups:
        raise SpifError("SPIF-FORM", "a requirement names nothing", one.line)
    return Requirement(operation, groups)


def style_of(reading: Reading, parts: Parts) -> Style:
    """The phrases and qualifiers that come next."""
    phrases = tuple(_phrase(reading, each) for each in parts.several("markingData"))
    qualifiers = [q for each in parts.several("markingQualifier") for q in _qualifiers(reading, each)]
    return Style(phrases, tuple(qualifiers))


def _phrase(reading: Reading, one: Element) -> Phrase:
    parts = reading.parts(one, "markingData", frozenset(("phrase",)))
    codes = frozenset(reading.text(each) for each in parts.several("code"))
    parts.end()
    if not codes <= POSITIONS | BEHAVIOURS:
        raise SpifError("SPIF-MARKING-CODE", "a marking code is unknown", one.line)
    text = one.get("phrase")
    if text is not None and text != text.strip():
        reading.tolerate("name-spaces", one.line, "a phrase has white space at its ends")
    return Phrase(None if text is None else text.strip(), one.attributes.get(LANGUAGE), codes)


def _qualifiers(reading: Reading, one: Element) -> Iterator[Qualifier]:
    parts = reading.parts(one, "markingQualifier", frozenset(("markingCode",)))
    position = one.get("markingCode")
    if position is not None and position not in POSITIONS | BEHAVIOURS:
        raise SpifError("SPIF-MARKING-CODE", "a marking code is unknown", one.line)
    for each in parts.several("qualifier"):
        reading.parts(each, "qualifier", frozenset(("markingQualifier", "qualifierCode"))).end()
        code, text = each.get("qualifierCode"), each.get("markingQualifier")
        if text is None or code not in {"prefix", "suffix", "separator"}:
            raise SpifError("SPIF-MARKING-CODE", "a qualifier is a prefix, suffix or separator", each.line)
        yield Qualifier(text, code, each.attributes.get(LANGUAGE), position)
    parts.end()


def window_of(one: Element) -> Window:
    """``notBefore`` and ``notAfter``."""
    try:
        first, last = (
            None if text is None else read_moment(text.strip()) for text in (one.get("notBefore"), one.get("notAfter"))
        )
    except MarkingError:
        raise SpifError("SPIF-DATE", "notBefore or notAfter is no time with its zone", one.line) from None
    return Window(first, last)


def equivalent_class(reading: Reading, one: Element) -> EquivalentClass:
    """An ``equivalentClassification``."""
    parts = reading.parts(one, "equivalentClassification", frozenset(("policyRef", "lacv", "applied")))
    requires = tuple(requirement(reading, each) for each in parts.several("requiredCategory"))
    parts.end()
    return EquivalentClass(reading.required(one, "policyRef"), reading.code(one), reading.applied(one), requires)


_EQUIVALENT: Final = frozenset(("policyRef", "tagSetId", "tagType", "enumType", "lacv", "applied", "action"))


def equivalent_value(reading: Reading, one: Element) -> EquivalentValue:
    """An ``equivalentSecCategoryTag``."""
    reading.parts(one, "equivalentSecCategoryTag", _EQUIVALENT).end()
    if one.get("action") not in {None, "discard"}:
        raise SpifError("SPIF-ACTION", "an equivalence's action is discard", one.line)
    tag_set_id = reading.required(one, "tagSetId")
    if not is_oid(tag_set_id):
        raise SpifError("SPIF-OID", "an id is no object identifier", one.line)
    return EquivalentValue(
        policy=reading.required(one, "policyRef"),
        tag_set_id=tag_set_id,
        type=reading.category_type(one),
        code=reading.code(one),
        applied=reading.applied(one),
        discard=one.get("action") == "discard",
    )
