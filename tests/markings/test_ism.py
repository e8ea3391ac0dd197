"""ISM attributes: read as strictly as the text, and back to the same label."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Label, Level, MarkingError
from tests.markings.labels import sound_labels

ISM = markings.profile("ism-2022")
BASE = {
    "classification": "S",
    "ownerProducer": "USA",
    "disseminationControls": "REL",
    "releasableTo": "USA JPN",
}


def test_attributes_read_as_the_label_that_their_banner_states() -> None:
    label = markings.from_ism(BASE, ISM)
    assert label == Label("ism-2022", Level.S, (), ("USA", "JPN"))
    assert label == markings.parse_banner("SECRET//REL TO USA, JPN", ISM)
    assert markings.from_ism({f"ism:{name}": value for name, value in BASE.items()}, ISM) == label


REFUSED = [
    ("US-OWNER", {"ownerProducer": None}),
    ("US-OWNER", {"ownerProducer": "USA GBR"}),
    ("US-LEVEL", {"classification": None}),
    ("US-LEVEL", {"classification": "R"}),
    ("US-LEVEL", {"classification": "s"}),
    ("ISM-ATTRIBUTE", {"reasonForCompilation": "none"}),
    ("ISM-ATTRIBUTE", {"ism:classification": "U"}),
    ("ISM-TOKENS", {"disseminationControls": "REL FOUO"}),
    ("ISM-TOKENS", {"disseminationControls": "REL REL"}),
    ("ISM-TOKENS", {"disseminationControls": "REL IMC"}),
    ("ISM-TOKENS", {"disseminationControls": "REL  RELIDO"}),
    ("ISM-ID-00031", {"releasableTo": None}),
    ("ISM-ID-00031", {"releasableTo": ""}),
    ("ISM-ID-00032", {"disseminationControls": None}),
    ("ISM-ID-00213", {"disseminationControls": "REL DISPLAYONLY"}),
    ("ISM-ID-00168", {"displayOnlyTo": "KOR"}),
    ("ISM-ID-00265", {"releasableTo": "USA XYZ"}),
    ("ISM-ID-00265", {"releasableTo": "USA  JPN"}),
    ("ISM-ID-00236", {"releasableTo": "USA JPN JPN"}),
    ("REL-USA-FIRST", {"releasableTo": "JPN USA"}),
    ("ISM-ID-00319", {"releasableTo": "USA"}),
    ("LIST-ORDER", {"releasableTo": "USA NATO JPN"}),
    ("ISM-DATE", {"createDate": "2026-1-2"}),
    ("ISM-DATE", {"createDate": "20260102"}),
]


@pytest.mark.parametrize(("rule", "changes"), REFUSED, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(REFUSED)])
def test_attributes_with_any_doubt_in_them_are_refused(rule: str, changes: dict[str, str | None]) -> None:
    attributes = {name: value for name, value in (BASE | changes).items() if value is not None}
    with pytest.raises(MarkingError) as refused:
        markings.from_ism(attributes, ISM)
    assert rule in [finding.rule for finding in refused.value.findings]


@given(data=st.data())
def test_any_label_survives_a_round_trip_through_ism_attributes(data: st.DataObject) -> None:
    label = data.draw(sound_labels("ism-2022"))
    assert markings.from_ism(label.to_ism(), ISM) == label
