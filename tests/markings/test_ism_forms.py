"""ISM attributes on an element and in JSON: found, handed on, written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import MarkingError
from gateway.markings.ismforms import ISM_NAMESPACE, from_ism_json, from_ism_xml, to_ism_json, to_ism_xml
from tests.markings.labels import sound_labels
from tests.markings.policies import rules_of

ISM = markings.profile("ism-2022")
MARKED = (
    f'<Report xmlns="urn:example" xmlns:i="{ISM_NAMESPACE}" id="7" i:DESVersion="202111.202211"'
    ' i:classification="S" i:ownerProducer="USA" i:disseminationControls="REL" i:releasableTo="USA JPN">'
    "<Body>text</Body></Report>"
)


def test_an_elements_ism_attributes_are_read_by_their_namespace_and_not_by_a_prefix() -> None:
    label = markings.parse_banner("SECRET//REL TO USA, JPN", ISM)
    assert from_ism_xml(MARKED.encode(), ISM) == label
    assert from_ism_xml(to_ism_xml(label, ("urn:example", "Report")), ISM) == label
    other = MARKED.replace(ISM_NAMESPACE, "urn:us:gov:ic:other").replace("i:", "ism:").replace("xmlns:i=", "xmlns:ism=")
    with pytest.raises(MarkingError) as refused:
        from_ism_xml(other.encode(), ISM)
    assert rules_of(refused.value) == ["ISM-MISSING"]


REFUSED = [
    ("ISM-VERSION", 'DESVersion="202111.202211"', 'DESVersion="201609"'),
    ("XML-FORM", 'i:ownerProducer="USA"', 'i:ownerProducer="USA" xmlns:j="urn:us:gov:ic:ism" j:classification="U"'),
    ("XML-DOCTYPE", "<Report", "<!DOCTYPE Report><Report"),
]


@pytest.mark.parametrize(("rule", "old", "new"), REFUSED, ids=[rule for rule, *_ in REFUSED])
def test_an_element_whose_attributes_could_be_read_in_two_ways_is_refused(rule: str, old: str, new: str) -> None:
    with pytest.raises(MarkingError) as refused:
        from_ism_xml(MARKED.replace(old, new).encode(), ISM)
    assert rules_of(refused.value) == [rule]


def test_an_attribute_that_is_not_understood_refuses_the_element() -> None:
    with pytest.raises(MarkingError):
        from_ism_xml(MARKED.replace("i:releasableTo", "i:releasedTo").encode(), ISM)


LOST = ("atomicEnergyMarkings", "ismatomicEnergyMarkings", "i.nonICmarkings", "i-SARIdentifier", "CLASSIFICATION")


@pytest.mark.parametrize("name", LOST)
def test_an_attribute_that_lost_its_prefix_refuses_the_element_and_does_not_disappear(name: str) -> None:
    with pytest.raises(MarkingError) as refused:
        from_ism_xml(MARKED.replace("i:classification", f'{name}="TFNI" i:classification').encode(), ISM)
    assert rules_of(refused.value) == ["ISM-ATTRIBUTE"]


def test_json_lists_are_arrays_or_texts() -> None:
    label = markings.parse_banner("SECRET//REL TO USA, JPN", ISM)
    text = '{"classification":"S","ownerProducer":["USA"],"disseminationControls":"REL","releasableTo":["USA","JPN"]}'
    assert from_ism_json(text, ISM) == label
    for wrong in ("[]", "1", "null", '["USA JPN"]', '["USA",1]', '{"a":"USA"}'):
        with pytest.raises(MarkingError):
            from_ism_json(text.replace('["USA","JPN"]', wrong), ISM)
    with pytest.raises(MarkingError):
        from_ism_json(text.replace('"S"', '"S","classification":"U"'), ISM)


@given(data=st.data())
def test_any_label_survives_a_round_trip_through_an_element_and_through_json(data: st.DataObject) -> None:
    label = data.draw(sound_labels("ism-2022"))
    assert from_ism_xml(to_ism_xml(label), ISM) == label
    assert from_ism_json(to_ism_json(label), ISM) == label
