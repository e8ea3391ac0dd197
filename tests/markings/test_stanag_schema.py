"""What is written is valid by the schema of ADatP-4774: a checker of its own, from the standard's content models.

The checker knows nothing of the writer. It states for each element its attributes, its children in their order with how
often each may stand, and the form of its text, and reads the document with the standard library's parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given

from gateway.markings import CategoryType, SecurityCategory, SecurityClearance, SecurityLabel
from gateway.markings.stanagxml import write_clearance, write_label
from tests.markings.test_stanag import SCLR, SLAB, clearances, labels

TOKEN = re.compile(r"\S(?:.*\S)?", re.DOTALL)
ANY = re.compile(r".*", re.DOTALL)
NOTHING = re.compile(r"\s*")
MOMENT = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
URI = re.compile(r"urn:oid:[0-2](?:\.\d+)+")
MANY = 10**6


@dataclass(frozen=True)
class Shape:
    """One element: required and optional attributes with their forms, its children, and the form of its text."""

    required: dict[str, re.Pattern[str]] = field(default_factory=dict)
    optional: dict[str, re.Pattern[str]] = field(default_factory=dict)
    children: tuple[tuple[str, int, int], ...] = ()
    text: re.Pattern[str] = NOTHING


def _slab(name: str) -> str:
    return f"{{{SLAB}}}{name}"


def _sclr(name: str) -> str:
    return f"{{{SCLR}}}{name}"


_LABEL = Shape(
    optional={"ReviewDateTime": MOMENT, "Id": TOKEN},
    children=(
        (_slab("ConfidentialityInformation"), 1, 1),
        (_slab("OriginatorID"), 0, 1),
        (_slab("CreationDateTime"), 1, 1),
        (_slab("SuccessionHandling"), 0, 1),
    ),
)
SHAPES = {
    **dict.fromkeys(
        map(
            _slab,
            (
                "ConfidentialityLabel",
                "originatorConfidentialityLabel",
                "alternativeConfidentialityLabel",
                "metadataConfidentialityLabel",
                "SuccessorConfidentialityLabel",
            ),
        ),
        _LABEL,
    ),
    _slab("ConfidentialityInformation"): Shape(
        children=(
            (_slab("PolicyIdentifier"), 1, 1),
            (_slab("Classification"), 1, 1),
            (_slab("PrivacyMark"), 0, 1),
            (_slab("Category"), 0, MANY),
        )
    ),
    _slab("PolicyIdentifier"): Shape(optional={"URI": URI}, text=TOKEN),
    _slab("Classification"): Shape(text=TOKEN),
    _slab("PrivacyMark"): Shape(text=ANY),
    _slab("Category"): Shape(
        required={"Type": re.compile("RESTRICTIVE|PERMISSIVE|INFORMATIVE"), "TagName": ANY},
        optional={"URI": URI},
        children=((_slab("GenericValue"), 0, MANY),),
    ),
    _slab("GenericValue"): Shape(text=ANY),
    _slab("OriginatorID"): Shape(required={"IDType": TOKEN}, text=ANY),
    _slab("CreationDateTime"): Shape(text=MOMENT),
    _slab("SuccessionHandling"): Shape(
        children=((_slab("SuccessionDateTime"), 1, 1), (_slab("SuccessorConfidentialityLabel"), 1, 1))
    ),
    _slab("SuccessionDateTime"): Shape(text=MOMENT),
    _sclr("ConfidentialityClearance"): Shape(
        children=(
            (_slab("PolicyIdentifier"), 1, 1),
            (_sclr("ClassificationList"), 1, 1),
            (_slab("Category"), 0, MANY),
        )
    ),
    _sclr("ClassificationList"): Shape(children=((_slab("Classification"), 1, MANY),)),
}


def faults(document: bytes) -> list[str]:
    """What is not valid in a document; empty when it is."""
    root = ElementTree.fromstring(document)  # noqa: S314 - our own output
    return [fault for element in root.iter() for fault in _faults(element)]


def _faults(element: ElementTree.Element) -> list[str]:
    shape = SHAPES.get(element.tag)
    if shape is None:
        return [f"{element.tag} is unknown"]
    found = [f"{element.tag} lacks {name}" for name in shape.required.keys() - element.attrib.keys()]
    forms = shape.required | shape.optional
    found += [
        f"{element.tag} {name}={value!r}"
        for name, value in element.attrib.items()
        if name not in forms or not forms[name].fullmatch(value)
    ]
    if not shape.text.fullmatch(element.text or "") or any((child.tail or "").strip() for child in element):
        found.append(f"the text of {element.tag}")
    names = [child.tag for child in element]
    for name, least, most in shape.children:
        count = 0
        while names and names[0] == name:
            names.pop(0)
            count += 1
        if not least <= count <= most:
            found.append(f"{count} of {name} in {element.tag}")
    return found + [f"{name} in {element.tag}, out of place" for name in names]


@given(labels)
def test_any_label_that_is_written_is_valid_by_the_schema(label: SecurityLabel) -> None:
    assert faults(write_label(label)) == []


@given(clearances)
def test_any_clearance_that_is_written_is_valid_by_the_schema(clearance: SecurityClearance) -> None:
    assert faults(write_clearance(clearance)) == []


BROKEN = [
    ("CreationDateTime", "CreatedDateTime"),
    ("2025-01-01T00:00:00Z", "2025-01-01 00:00:00Z"),
    ("2025-01-01T00:00:00Z", "2025-01-01T00:00:00"),
    ("PERMISSIVE", "permissive"),
    ('TagName="Release"', ""),
    ("<slab:Classification>OPEN</slab:Classification>", ""),
    ("<slab:GenericValue>XAA</slab:GenericValue>", "XAA"),
]


@pytest.mark.parametrize(("old", "new"), BROKEN)
def test_the_checker_notices_what_the_schema_would_not_accept(old: str, new: str) -> None:
    category = SecurityCategory(CategoryType.PERMISSIVE, "Release", ("XAA",))
    written = write_label(SecurityLabel("AURORA", "OPEN", datetime(2025, 1, 1, tzinfo=UTC), (category,))).decode()
    assert old in written
    assert faults(written.encode()) == []
    assert faults(written.replace(old, new).encode()) != []
