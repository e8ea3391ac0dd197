"""Reading XML from strangers, and writing it: one small frozen tree, made by the standard library's expat.

Rules this file keeps:

1. A document is UTF-8 and says nothing else of itself (XML 1.0; a declaration may name UTF-8 alone).
2. No document type, no entity beyond the five of XML itself, no processing instruction, no CDATA section: nothing
   that can expand, be fetched, or be read in two ways. No network is ever asked.
3. Bytes, depth, elements and attributes are bounded (:class:`Bounds`). Names that stand twice are refused by expat,
   also when two prefixes mean one namespace.
4. A comment may stand between elements where the caller allows comments, never inside text: readers disagree on what
   a text with a comment in it says.
5. Text is kept only where an element has no children; anything but white space beside children is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from xml.parsers import expat  # rules 1 to 5 close what S405 warns of

from gateway.markings.findings import Finding, MarkingError

XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
XSI_NAMESPACE: Final = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA_LOCATION: Final = (XSI_NAMESPACE, "schemaLocation")
"""A hint where a schema may lie: the one attribute that every reader here passes over. Nothing is fetched."""

Name = tuple[str, str]
"""A namespace (empty for none) and a local name."""

_SPACES: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a document may be, and whether comments may stand between its elements."""

    octets: int
    depth: int
    elements: int
    attributes: int = 64
    comments: bool = False


LABEL_BOUNDS: Final = Bounds(octets=65_536, depth=16, elements=2_000)
POLICY_BOUNDS: Final = Bounds(octets=8_388_608, depth=32, elements=200_000, comments=True)


class XmlRefused(MarkingError):
    """A document breaks a rule of this file. ``line`` is where, from 1."""

    def __init__(self, rule: str, message: str, line: int = 1) -> None:
        self.line = line
        super().__init__(Finding(rule, "XML 1.0; gateway.markings.xmltree", f"{message} (line {line})"))


@dataclass(frozen=True, slots=True)
class Element:
    """One element. ``text`` is its text where it has no children, else empty."""

    name: Name
    attributes: Mapping[Name, str]
    children: tuple[Element, ...] = ()
    text: str = ""
    line: int = 1

    def get(self, attribute: str) -> str | None:
        """The attribute of that name that is in no namespace."""
        return self.attributes.get(("", attribute))


@dataclass(slots=True)
class _Open:
    name: Name
    attributes: Mapping[Name, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    commented: bool = False


def read_xml(document: bytes, bounds: Bounds = LABEL_BOUNDS) -> Element:
    """The document's root element; :class:`XmlRefused` when a rule of this file is broken."""
    if len(document) > bounds.octets:
        raise XmlRefused("XML-SIZE", f"more than {bounds.octets} bytes")
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        raise XmlRefused("XML-ENCODING", "not UTF-8") from None
    return _Reading(bounds).read(document)


class _Reading:
    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._open: list[_Open] = []
        self._count = 0
        self._root: Element | None = None
        parser = expat.ParserCreate("UTF-8", " ")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.XmlDeclHandler = self._declaration
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._comment
        parser.StartDoctypeDeclHandler = self._refuser("XML-DOCTYPE", "a document type declaration")
        parser.EntityDeclHandler = self._refuser("XML-ENTITY", "an entity declaration")
        parser.ExternalEntityRefHandler = self._refuser("XML-ENTITY", "an external entity")
        parser.SkippedEntityHandler = self._refuser("XML-ENTITY", "an unknown entity")
        parser.ProcessingInstructionHandler = self._refuser("XML-INSTRUCTION", "a processing instruction")
        parser.StartCdataSectionHandler = self._refuser("XML-CDATA", "a CDATA section")
        self._parser = parser

    def read(self, document: bytes) -> Element:
        try:
            self._parser.Parse(document, True)
        except expat.ExpatError as error:
            raise XmlRefused("XML-FORM", f"not well formed: {expat.ErrorString(error.code)}", error.lineno) from None
        if self._root is None:  # expat does not end without a root
            raise XmlRefused("XML-FORM", "no root element")
        return self._root

    def _refuse(self, rule: str, message: str) -> XmlRefused:
        return XmlRefused(rule, message, self._parser.CurrentLineNumber)

    def _refuser(self, rule: str, what: str) -> Callable[..., int]:
        def refuse(*_anything: object) -> int:
            raise self._refuse(rule, f"{what} is refused")

        return refuse

    def _declaration(self, version: str, encoding: str | None, _standalone: int) -> None:
        if version != "1.0" or (encoding is not None and encoding.lower() != "utf-8"):
            raise self._refuse("XML-ENCODING", "a document is XML 1.0 in UTF-8")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > self._bounds.elements or len(attributes) > self._bounds.attributes:
            raise self._refuse("XML-SIZE", "too many elements, or too many attributes of one")
        if len(self._open) >= self._bounds.depth:
            raise self._refuse("XML-DEPTH", f"nested deeper than {self._bounds.depth}")
        named = MappingProxyType({_name(key): value for key, value in attributes.items()})
        self._open.append(_Open(_name(name), named, self._parser.CurrentLineNumber))

    def _end(self, _name: str) -> None:
        one = self._open.pop()
        text = "".join(one.text)
        if one.children and text.strip(_SPACES):
            raise self._refuse("XML-MIXED", "text stands beside elements")
        if one.commented and text.strip(_SPACES):
            raise self._refuse("XML-COMMENT", "a comment stands in a text")
        done = Element(one.name, one.attributes, tuple(one.children), "" if one.children else text, one.line)
        if self._open:
            self._open[-1].children.append(done)
        else:
            self._root = done

    def _characters(self, text: str) -> None:
        self._open[-1].text.append(text)

    def _comment(self, _text: str) -> None:
        if not self._bounds.comments:
            raise self._refuse("XML-COMMENT", "a comment is refused")
        if self._open:
            self._open[-1].commented = True


def _name(expanded: str) -> Name:
    namespace, _, local = expanded.rpartition(" ")
    return namespace, local


def collapse(text: str) -> str:
    """White space as ``xs:token`` reads it: none at the ends, one space between words."""
    return " ".join(part for part in text.translate(_TO_SPACE).split(" ") if part)


_TO_SPACE: Final = str.maketrans("\t\r\n", "   ")


def write_xml(root: Element, prefixes: Mapping[str, str]) -> bytes:
    """A document of this tree; ``prefixes`` gives each namespace used its prefix, declared on the root.

    Line ends, tabs and carriage returns in values are written as character references, so that they come back.
    """
    declared = "".join(f" xmlns:{prefix}={_quoted(namespace)}" for namespace, prefix in prefixes.items())
    body = "".join(_written(root, prefixes, declared))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


# xml.sax.saxutils would do this, and would load an HTTP client with it.
_IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE: Final = _IN_TEXT | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


def _written(element: Element, prefixes: Mapping[str, str], declared: str = "") -> Iterator[str]:
    name = _qualified(element.name, prefixes)
    attributes = "".join(f" {_qualified(key, prefixes)}={_quoted(value)}" for key, value in element.attributes.items())
    yield f"<{name}{declared}{attributes}>"
    yield element.text.translate(_IN_TEXT)
    for child in element.children:
        yield from _written(child, prefixes)
    yield f"</{name}>"


def _quoted(value: str) -> str:
    return f'"{value.translate(_IN_ATTRIBUTE)}"'


def _qualified(name: Name, prefixes: Mapping[str, str]) -> str:
    namespace, local = name
    return f"{prefixes[namespace]}:{local}" if namespace else local


def element(name: Name, attributes: Iterable[tuple[Name, str]] = (), *children: Element, text: str = "") -> Element:
    """An element to be written."""
    return Element(name, MappingProxyType(dict(attributes)), children, text)
