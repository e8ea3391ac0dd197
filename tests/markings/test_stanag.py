"""ADatP-4774 XML and the STANAG 5636 JSON form: strict in, valid out, the same label back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.markings import MarkingError
from gateway.markings.stanag import (
    CategoryType,
    LabelKind,
    Originator,
    SecurityCategory,
    SecurityClearance,
    SecurityLabel,
    Succession,
    read_moment,
)
from gateway.markings.stanagjson import read_label_json, write_label_json
from gateway.markings.stanagxml import read_clearance, read_label, write_clearance, write_label
from gateway.markings.xmltree import read_xml
from tests.markings.policies import rules_of

SLAB = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"
SCLR = "urn:nato:stanag:4774:confidentialityclearance:1:0"
LABEL = f"""<slab:originatorConfidentialityLabel xmlns:slab="{SLAB}" ReviewDateTime="2031-01-01T00:00:00Z">
  <slab:ConfidentialityInformation>
    <slab:PolicyIdentifier URI="urn:oid:2.25.900100">AURORA</slab:PolicyIdentifier>
    <slab:Classification>GUARDED</slab:Classification>
    <slab:PrivacyMark>HANDLE WITH CARE</slab:PrivacyMark>
    <slab:Category Type="PERMISSIVE" TagName="Release" URI="urn:oid:2.25.900101">
      <slab:GenericValue>XAA</slab:GenericValue><slab:GenericValue>XBB</slab:GenericValue>
    </slab:Category>
    <slab:Category Type="RESTRICTIVE" TagName="Compartment"><slab:GenericValue>RED</slab:GenericValue></slab:Category>
  </slab:ConfidentialityInformation>
  <slab:OriginatorID IDType="rfc822Name">office@example.org</slab:OriginatorID>
  <slab:CreationDateTime>2025-06-01T12:00:00Z</slab:CreationDateTime>
</slab:originatorConfidentialityLabel>"""


def test_a_published_form_of_label_is_read_with_every_part_in_its_place() -> None:
    assert read_label(LABEL.encode()) == SecurityLabel(
        policy="AURORA",
        classification="GUARDED",
        created=datetime(2025, 6, 1, 12, tzinfo=UTC),
        categories=(
            SecurityCategory(CategoryType.PERMISSIVE, "Release", ("XAA", "XBB"), "2.25.900101"),
            SecurityCategory(CategoryType.RESTRICTIVE, "Compartment", ("RED",)),
        ),
        policy_id="2.25.900100",
        privacy_mark="HANDLE WITH CARE",
        review=datetime(2031, 1, 1, tzinfo=UTC),
        originator=Originator("office@example.org", "rfc822Name"),
    )


@pytest.mark.parametrize("kind", list(LabelKind))
def test_each_of_the_four_roots_is_read_as_what_it_is(kind: LabelKind) -> None:
    assert read_label(LABEL.replace("originatorConfidentialityLabel", kind.value).encode()).kind is kind


CREATED = "<slab:CreationDateTime>2025-06-01T12:00:00Z</slab:CreationDateTime>"
POLICY = '<slab:PolicyIdentifier URI="urn:oid:2.25.900100">AURORA</slab:PolicyIdentifier>'
CLASS = "<slab:Classification>GUARDED</slab:Classification>"
ORIGIN = '<slab:OriginatorID IDType="rfc822Name">office@example.org</slab:OriginatorID>'
CHANGES = [
    ("LABEL-ROOT", "originatorConfidentialityLabel", "alternateConfidentialityLabel"),
    ("LABEL-ROOT", SLAB, "urn:nato:stanag:4774:confidentialitymetadatalabel:2:0"),
    ("LABEL-FORM", CREATED, ""),
    ("LABEL-FORM", CREATED, CREATED + CREATED),
    ("LABEL-FORM", POLICY, ""),
    ("LABEL-FORM", POLICY, POLICY + POLICY),
    ("LABEL-FORM", CLASS, ""),
    ("LABEL-FORM", CLASS, CLASS + "<slab:Classification>OPEN</slab:Classification>"),
    ("LABEL-FORM", POLICY + "\n    " + CLASS, CLASS + POLICY),
    ("LABEL-FORM", ORIGIN + "\n  " + CREATED, CREATED + ORIGIN),
    ("LABEL-FORM", "<slab:Classification>", '<slab:Classification URI="urn:oid:1.2">'),
    ("LABEL-FORM", "GenericValue>XAA</slab:GenericValue", "IntegerValue>1</slab:IntegerValue"),
    ("LABEL-FORM", CLASS, CLASS + '<x:Marking xmlns:x="urn:x"/>'),
    ("LABEL-FORM", ' ReviewDateTime="2031', ' xmlns:x="urn:x" x:release="all" ReviewDateTime="2031'),
    ("LABEL-FORM", "ReviewDateTime", "reviewDateTime"),
    ("LABEL-TYPE", 'Type="PERMISSIVE"', 'Type="permissive"'),
    ("LABEL-TYPE", 'Type="PERMISSIVE"', 'Type="ADVISORY"'),
    ("LABEL-TYPE", 'Type="PERMISSIVE" ', ""),
    ("LABEL-FORM", 'Type="PERMISSIVE"', 'Type="PERMISSIVE" type="RESTRICTIVE"'),
    ("LABEL-VALUE", ' TagName="Release"', ""),
    ("LABEL-VALUE", ">GUARDED<", "><"),
    ("LABEL-VALUE", ">XAA<", "> XAA<"),
    ("LABEL-VALUE", ">XAA<", ">XAA\n<"),
    ("LABEL-VALUE", ">XAA<", ">X\u202eAA<"),
    ("LABEL-VALUE", ">XAA<", f">{'X' * 257}<"),
    ("LABEL-VALUE", ">XAA<", "><"),
    ("LABEL-DUPLICATE", ">XBB<", ">XAA<"),
    ("LABEL-DUPLICATE", ">XBB<", ">xaa<"),
    ("LABEL-DUPLICATE", 'Type="RESTRICTIVE" TagName="Compartment"', 'Type="PERMISSIVE" TagName="Release"'),
    ("LABEL-URI", "urn:oid:2.25.900100", "urn:uuid:2.25"),
    ("LABEL-URI", "urn:oid:2.25.900100", "urn:oid:2.25.x"),
    ("LABEL-ORIGINATOR", ' IDType="rfc822Name"', ""),
    ("LABEL-ORIGINATOR", "rfc822Name", "telex"),
    ("LABEL-TIME", "2025-06-01T12:00:00Z", "2025-06-01T12:00:00"),
    ("LABEL-TIME", "2025-06-01T12:00:00Z", "2025-06-01"),
    ("LABEL-TIME", "2025-06-01T12:00:00Z", "20250601T120000Z"),
    ("LABEL-TIME", "2025-06-01T12:00:00Z", "2025-W22-7T12:00:00Z"),
    ("LABEL-TIME", "2025-06-01T12:00:00Z", "2025-13-01T12:00:00Z"),
    ("LABEL-TIME", "2031-01-01T00:00:00Z", "soon"),
]


@pytest.mark.parametrize(("rule", "old", "new"), CHANGES, ids=[f"{rule}-{n}" for n, (rule, _, _) in enumerate(CHANGES)])
def test_a_label_with_anything_missing_twice_unknown_or_out_of_place_is_refused(rule: str, old: str, new: str) -> None:
    assert old in LABEL
    with pytest.raises(MarkingError) as refused:
        read_label(LABEL.replace(old, new).encode())
    assert rule in rules_of(refused.value)


def test_white_space_is_collapsed_where_the_schema_says_token_and_nowhere_else() -> None:
    spaced = LABEL.replace(">GUARDED<", ">\n  GUARDED\n<").replace(CREATED[23:-24], f"\n{CREATED[23:-24]}\n")
    assert read_label(spaced.encode()) == read_label(LABEL.encode())


def test_a_review_time_is_an_attribute_or_an_element_and_never_both() -> None:
    review = "<slab:ReviewDateTime>2031-01-01T00:00:00Z</slab:ReviewDateTime>"
    as_child = LABEL.replace("</slab:CreationDateTime>", f"</slab:CreationDateTime>{review}")
    with pytest.raises(MarkingError, match="LABEL-FORM"):
        read_label(as_child.encode())
    alone = as_child.replace(' ReviewDateTime="2031-01-01T00:00:00Z"', "")
    assert read_label(alone.encode()) == read_label(LABEL.encode())


def test_output_holds_creation_time_and_every_required_part_in_the_schemas_order() -> None:
    root = read_xml(write_label(read_label(LABEL.encode())))
    assert [child.name for child in root.children] == [
        (SLAB, "ConfidentialityInformation"),
        (SLAB, "OriginatorID"),
        (SLAB, "CreationDateTime"),
    ]
    assert [child.name[1] for child in root.children[0].children] == [
        "PolicyIdentifier",
        "Classification",
        "PrivacyMark",
        "Category",
        "Category",
    ]
    assert root.children[0].children[3].attributes == {
        ("", "Type"): "PERMISSIVE",
        ("", "TagName"): "Release",
        ("", "URI"): "urn:oid:2.25.900101",
    }


_names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=8).filter(
    lambda name: not name.startswith("urn:oid:")
)
_oids = st.none() | st.lists(st.integers(0, 99999), min_size=1, max_size=5).map(
    lambda parts: "2." + ".".join(map(str, parts))
)
_zones = st.sampled_from((UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-3, minutes=-30))))
_times = st.datetimes(datetime(1970, 1, 1), timezones=_zones)  # noqa: DTZ001 - the zones are drawn beside it
_categories = st.builds(
    SecurityCategory,
    st.sampled_from(CategoryType),
    _names,
    st.lists(_names, max_size=3, unique_by=str.casefold).map(tuple),
    _oids,
)
_listed = st.lists(_categories, max_size=4, unique_by=lambda each: (each.type, each.tag.casefold())).map(tuple)
_plain = st.builds(SecurityLabel, _names, _names, _times, _listed, _oids)
_originators = st.builds(Originator, _names, st.sampled_from(("rfc822Name", "directoryName", "jID")))
labels = st.builds(
    SecurityLabel,
    _names,
    _names,
    _times,
    _listed,
    _oids,
    st.none() | _names,
    st.none() | _times,
    st.none() | _originators,
    st.none() | st.builds(Succession, _times, _plain),
    st.sampled_from(LabelKind),
)


@given(labels)
def test_any_label_survives_a_round_trip_through_xml(label: SecurityLabel) -> None:
    assert read_label(write_label(label)) == label


@given(st.builds(SecurityLabel, _names, _names, _times, st.lists(_categories, max_size=0).map(tuple)) | _plain)
def test_any_label_without_object_identifiers_survives_a_round_trip_through_json(label: SecurityLabel) -> None:
    read = read_label_json(write_label_json(label))
    bare = tuple(SecurityCategory(each.type, each.tag, each.values) for each in label.categories)
    assert (read.policy, read.classification, read.created, read.categories) == (
        label.policy,
        label.classification,
        label.created,
        bare,
    )


clearances = st.builds(
    SecurityClearance, _names, st.lists(_names, min_size=1, unique_by=str.casefold).map(tuple), _listed
)


@given(clearances)
def test_any_clearance_survives_a_round_trip_through_xml(clearance: SecurityClearance) -> None:
    assert read_clearance(write_clearance(clearance)) == clearance


JSON = (
    '{"ocl":{"pol":"AURORA","cls":"GUARDED","catl":[{"type":"P","name":"Release","vals":["XAA"]}],'
    '"dcr":"2025-06-01T12:00:00Z"},"context":{"@base":"urn:nato:stanag:5636:A:1:elements:json"}}'
)


def test_the_json_form_that_public_material_uses_is_read_and_written() -> None:
    label = read_label_json(JSON)
    assert label.categories == (SecurityCategory(CategoryType.PERMISSIVE, "Release", ("XAA",)),)
    assert write_label_json(label) == JSON
    assert read_label_json(JSON.replace('"AURORA"', '"urn:oid:2.25.900100"')).policy_id == "2.25.900100"


JSON_CHANGES = [
    ("JSON-LABEL", '"ocl"', '"acl"'),
    ("JSON-LABEL", ":A:1:", ":B:1:"),
    ("JSON-LABEL", ',"context":{"@base":"urn:nato:stanag:5636:A:1:elements:json"}', ""),
    ("JSON-LABEL", '"cls":"GUARDED",', ""),
    ("JSON-LABEL", '"cls":"GUARDED"', '"cls":5'),
    ("JSON-LABEL", '"cls":"GUARDED"', '"cls":"GUARDED","extra":1'),
    ("JSON-LABEL", ',"dcr":"2025-06-01T12:00:00Z"', ""),
    ("JSON-LABEL", '"type":"P"', '"type":"X"'),
    ("JSON-LABEL", '"type":"P",', ""),
    ("JSON-LABEL", '"vals":["XAA"]', '"vals":"XAA"'),
    ("JSON-LABEL", '"vals":["XAA"]', '"vals":[["XAA"]]'),
    ("JSON-LABEL", '"catl":[', '"catl":{"a":['),
    ("JSON-FORM", '"cls":"GUARDED"', '"cls":"GUARDED","cls":"OPEN"'),
    ("JSON-FORM", '"cls":"GUARDED"', '"cls":NaN'),
    ("JSON-FORM", '"cls":"GUARDED"', '"cls":' + "9" * 5000),
    ("JSON-FORM", '"cls":"GUARDED"', '"cls":' + "[" * 60000),
    ("JSON-FORM", "}}", "}} x"),
    ("LABEL-DUPLICATE", '["XAA"]', '["XAA","XAA"]'),
    ("LABEL-VALUE", '"XAA"', '"XAA "'),
    ("LABEL-VALUE", '"XAA"', '"\\ud800"'),
    ("LABEL-TIME", "12:00:00Z", "12:00:00"),
]


@pytest.mark.parametrize(
    ("rule", "old", "new"), JSON_CHANGES, ids=[f"{rule}-{n}" for n, (rule, _, _) in enumerate(JSON_CHANGES)]
)
def test_a_json_label_with_any_doubt_in_it_is_refused(rule: str, old: str, new: str) -> None:
    assert old in JSON
    with pytest.raises(MarkingError) as refused:
        read_label_json(JSON.replace(old, new))
    assert {rule, "JSON-FORM"} & set(rules_of(refused.value))


@pytest.mark.parametrize(
    "more", [{"privacy_mark": "X"}, {"review": datetime(2030, 1, 1, tzinfo=UTC)}, {"kind": LabelKind.ALTERNATIVE}]
)
def test_a_label_with_a_part_that_the_json_form_cannot_hold_is_not_cut_down_to_fit(more: dict[str, object]) -> None:
    label = SecurityLabel("AURORA", "OPEN", datetime(2025, 1, 1, tzinfo=UTC), **more)  # type: ignore[arg-type]
    with pytest.raises(MarkingError):
        write_label_json(label)


def test_a_policys_name_that_json_would_read_as_an_identifier_is_not_written() -> None:
    with pytest.raises(MarkingError, match="LABEL-URI"):
        write_label_json(SecurityLabel("urn:oid:", "OPEN", datetime(2025, 1, 1, tzinfo=UTC)))


CLEARANCE = f"""<sclr:ConfidentialityClearance xmlns:sclr="{SCLR}" xmlns:slab="{SLAB}">
  <slab:PolicyIdentifier>AURORA</slab:PolicyIdentifier>
  <sclr:ClassificationList><slab:Classification>OPEN</slab:Classification></sclr:ClassificationList>
  <slab:Category Type="PERMISSIVE" TagName="Release"><slab:GenericValue>XAA</slab:GenericValue></slab:Category>
</sclr:ConfidentialityClearance>"""


def test_a_clearance_is_read_in_its_published_form_and_with_all_parts_in_its_own_namespace() -> None:
    read = read_clearance(CLEARANCE.encode())
    assert read.classifications == ("OPEN",)
    assert read.categories == (SecurityCategory(CategoryType.PERMISSIVE, "Release", ("XAA",)),)
    assert read_clearance(CLEARANCE.replace("slab:", "sclr:").encode()) == read


CLEARANCE_CHANGES = [
    ("CLEARANCE-ROOT", "ConfidentialityClearance", "Clearance"),
    ("CLEARANCE-FORM", "slab:Category", "sclr:Category"),
    ("CLEARANCE-FORM", "<slab:Classification>OPEN</slab:Classification>", ""),
    (
        "CLEARANCE-FORM",
        "OPEN</slab:Classification>",
        "OPEN</slab:Classification><slab:Classification>Open</slab:Classification>",
    ),
    ("LABEL-FORM", "sclr:ClassificationList", "slab:ClassificationList"),
    ("LABEL-FORM", "<slab:PolicyIdentifier>AURORA</slab:PolicyIdentifier>", ""),
    ("LABEL-TYPE", "PERMISSIVE", "ANY"),
]


@pytest.mark.parametrize(
    ("rule", "old", "new"), CLEARANCE_CHANGES, ids=[f"{r}-{n}" for n, (r, _, _) in enumerate(CLEARANCE_CHANGES)]
)
def test_a_clearance_with_any_doubt_in_it_is_refused(rule: str, old: str, new: str) -> None:
    with pytest.raises(MarkingError) as refused:
        read_clearance(CLEARANCE.replace(old, new).encode())
    assert rules_of(refused.value) == [rule]


@pytest.mark.parametrize("text", ["2025-06-01T12:00:00Z", "2025-06-01T12:00:00.123Z", "2025-06-01T12:00:00+09:00"])
def test_times_with_a_zone_are_read_and_compare_as_instants(text: str) -> None:
    assert read_moment(text).tzinfo is not None
