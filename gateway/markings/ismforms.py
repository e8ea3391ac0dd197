"""ISM attributes where they stand: on an XML element, or as members of a JSON object.

What the attributes mean is :func:`gateway.markings.from_ism`'s to say; here they are found and written. The rules:

1. On an element, every attribute in the ISM namespace is handed on; one that is not understood is then refused. An
   element without any has no marking. One outside the namespace whose name ends as an ISM attribute is named is refused
   too: a lost prefix would make a control disappear.
2. In JSON a list may be an array of texts or one text with spaces between, and true and false may be written as
   such; every other kind of value is refused.

Source: ISM.XML, DES 202111.202211, for names, namespace and value forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.markings.ism import READ, Value, from_ism
from gateway.markings.ismbeside import BESIDE
from gateway.markings.label import Label
from gateway.markings.profiles import Profile
from gateway.markings.stanag import refuse
from gateway.markings.strictjson import Json, read_json_object, write_json
from gateway.markings.xmltree import LABEL_BOUNDS, Element, Name, element, read_xml, write_xml

ISM_NAMESPACE: Final = "urn:us:gov:ic:ism"
_AUTHORITY: Final = "ISM-2022"
_NAMES: Final = tuple(name.casefold() for name in READ | BESIDE)


def ism_attributes(one: Element) -> dict[str, str]:
    """An element's ISM attributes, by their local names; :class:`MarkingError` where there are none."""
    found = {local: value for (namespace, local), value in one.attributes.items() if namespace == ISM_NAMESPACE}
    if not found.keys() - BESIDE:
        raise refuse("ISM-MISSING", "the element has no ISM attribute", _AUTHORITY)
    others = (local.casefold() for namespace, local in one.attributes if namespace != ISM_NAMESPACE)
    if any(other.endswith(_NAMES) for other in others):
        raise refuse("ISM-ATTRIBUTE", "an attribute named as ISM's are stands outside the ISM namespace", _AUTHORITY)
    return found


def from_ism_xml(document: bytes, profile: Profile) -> Label:
    """The label on a document's root element; :class:`MarkingError` when refused.

    Elements inside the root are not looked at: a portion's marking is read from a document of its own.
    """
    return from_ism(ism_attributes(read_xml(document, LABEL_BOUNDS)), profile)


def to_ism_xml(label: Label, name: Name = ("", "Security")) -> bytes:
    """An empty element of that name that carries the label's ISM attributes."""
    attributes = [((ISM_NAMESPACE, key), value) for key, value in label.to_ism().items()]
    prefixes = {ISM_NAMESPACE: "ism"} | ({name[0]: "own"} if name[0] else {})
    return write_xml(element(name, attributes), prefixes)


def from_ism_json(text: str | bytes, profile: Profile) -> Label:
    """The label that a JSON object of ISM attributes states; :class:`MarkingError` when refused."""
    return from_ism({name: _value(value) for name, value in read_json_object(text).items()}, profile)


def to_ism_json(label: Label) -> str:
    """The label's ISM attributes as a JSON object of texts."""
    attributes: Mapping[str, Json] = dict(label.to_ism())
    return write_json(dict(attributes))


def _value(value: Json) -> Value:
    if isinstance(value, str | bool):
        return value
    if isinstance(value, list) and value:
        words = [each for each in value if isinstance(each, str)]
        if len(words) == len(value):
            return words
    raise refuse("ISM-VALUE", "an attribute's value is a text, a boolean or an array of words", _AUTHORITY)
