"""Attributes beside a marking: accepted by their form, never held, and refused where they limit what it says."""

from __future__ import annotations

from datetime import date

import pytest

from gateway import markings
from gateway.markings import MarkingError
from gateway.markings.ismbeside import BESIDE, DES_VERSIONS

ISM = markings.profile("ism-2022")
BASE = {"classification": "S", "ownerProducer": "USA", "disseminationControls": "REL", "releasableTo": "USA JPN"}
WHOLE = {
    "DESVersion": "202111.202211",
    "ISMCATCESVersion": "202211",
    "resourceElement": "true",
    "compliesWith": "USGov USIC",
    "createDate": "2015-03-13",
    "classifiedBy": "An officer, of an office",
    "classificationReason": "1.4(c)",
    "derivedFrom": "Multiple Sources",
    "declassDate": "2040-01-01",
    "declassException": "25X1",
    "noticeType": "FISA IMC",
    "excludeFromRollup": "false",
    "hasApproximateMarkings": "false",
}


def test_a_resource_elements_other_attributes_change_nothing_in_its_label() -> None:
    label = markings.from_ism(BASE | WHOLE, ISM)
    assert label.banner() == "SECRET//REL TO USA, JPN"
    assert label.created == date(2015, 3, 13)
    assert set(label.to_ism()) & BESIDE == set()


def test_an_element_as_the_specification_writes_it_is_read() -> None:
    document = b"""<r:Security xmlns:r="urn:example" xmlns:ism="urn:us:gov:ic:ism" ism:ownerProducer="USA"
        ism:classification="U" ism:DESVersion="202111.202211" ism:resourceElement="true"
        ism:compliesWith="USGov USIC" ism:ISMCATCESVersion="202211" ism:createDate="2015-03-13"/>"""
    assert markings.from_ism_xml(document, ISM).banner() == "UNCLASSIFIED"


DOUBTS = [
    ("hasApproximateMarkings", "true"),
    ("noAggregation", "true"),
    ("handleViaChannels", "SI"),
    ("secondBannerLine", "HVCO"),
    ("highWaterNATO", "NATO-S"),
    ("noticeType", "DoD-Dist-C"),
    ("noticeType", "FISA DoD-Dist-B"),
    ("noticeType", "SOMETHING"),
    ("compliesWith", "OtherAuthority"),
    ("resourceElement", "yes"),
    ("declassDate", "2040-13-01"),
    ("declassDate", "20400101"),
    ("classifiedBy", ""),
    ("classifiedBy", "two\nlines"),
    ("derivedFrom", "x" * 5_000),
    ("pocType", "a  b"),
    ("pocType", "a b!"),
]


@pytest.mark.parametrize(("name", "value"), DOUBTS, ids=[f"{name}={value[:20]!r}" for name, value in DOUBTS])
def test_an_attribute_that_limits_or_blurs_the_marking_refuses_it_and_is_named(name: str, value: str) -> None:
    with pytest.raises(MarkingError) as refused:
        markings.from_ism(BASE | {name: value}, ISM)
    [finding] = refused.value.findings
    assert finding.rule == "ISM-BESIDE"
    assert name in finding.authority


def test_an_edition_that_is_not_known_is_refused_wherever_it_stands() -> None:
    for edition in DES_VERSIONS:
        assert markings.from_ism(BASE | {"DESVersion": edition}, ISM)
    with pytest.raises(MarkingError, match="ISM-VERSION"):
        markings.from_ism(BASE | {"DESVersion": "201609"}, ISM)


def test_lists_may_be_sequences_and_booleans_may_be_themselves() -> None:
    joint = {
        "classification": "S",
        "ownerProducer": ["GBR", "USA"],
        "joint": True,
        "disseminationControls": ["REL"],
        "releasableTo": ("USA", "GBR"),
    }
    label = markings.from_ism(joint, ISM)
    assert label.banner() == "//JOINT SECRET GBR USA//REL TO USA, GBR"
    plain = {"classification": "S", "ownerProducer": "USA", "disseminationControls": "NF", "joint": "false"}
    assert markings.from_ism(plain, ISM).system == "US"


@pytest.mark.parametrize("value", [None, 1, {"USA"}, {"USA": 1}, ["USA", ""], ["USA JPN"], ["USA", 1], b"USA"])
def test_a_value_that_is_no_text_and_no_list_of_words_is_refused(value: object) -> None:
    with pytest.raises(MarkingError, match="ISM-VALUE"):
        markings.from_ism(BASE | {"releasableTo": value}, ISM)  # type: ignore[dict-item]  # what a stranger may pass


TOKENS = [
    ("nonUSControls", "NATO-BALK NATO-ATOMAL"),
    ("SCIcontrols", "TK SI"),
    ("SCIcontrols", "SI-G SI"),
    ("SARIdentifier", "CD BP"),
    ("atomicEnergyMarkings", "RD RD-SG-18 RD-SG-14"),
    ("atomicEnergyMarkings", "RD RD-SG-"),
    ("atomicEnergyMarkings", "RD RD-"),
    ("atomicEnergyMarkings", "RD RD-SG-014"),
    ("nonICmarkings", "LES DS"),
    ("FGIsourceProtected", "FGI GBR"),
    ("FGIsourceProtected", "XYZ"),
]


@pytest.mark.parametrize(("name", "value"), TOKENS)
def test_tokens_out_of_the_published_order_or_form_are_refused(name: str, value: str) -> None:
    with pytest.raises(MarkingError, match="ISM-TOKENS"):
        markings.from_ism({"classification": "TS", "ownerProducer": "USA", name: value}, ISM)


def test_a_protected_source_that_is_named_is_concealed_all_the_same() -> None:
    given = {"classification": "S", "ownerProducer": "USA", "disseminationControls": "NF"}
    for sources in ("FGI", "GBR", "GBR JPN NATO"):
        label = markings.from_ism(given | {"FGIsourceProtected": sources}, ISM)
        assert label.banner() == "SECRET//FGI//NOFORN"
        assert label.to_ism()["FGIsourceProtected"] == "FGI"


def test_nato_controls_are_written_in_the_order_in_which_they_are_published() -> None:
    label = markings.parse_banner("//COSMIC TOP SECRET//BALK/BOHEMIA//ATOMAL", ISM)
    assert label.to_ism()["nonUSControls"] == "NATO-ATOMAL NATO-BOHEMIA NATO-BALK"
    assert markings.from_ism(label.to_ism(), ISM) == label
