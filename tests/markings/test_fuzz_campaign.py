"""A short fuzz campaign in every run, and its own eyes checked: it notices what it is there to notice."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from gateway import markings
from tests.markings import fuzz_campaign
from tests.markings.making import make_label


def test_two_hundred_rounds_of_slips_widen_nothing_and_repair_nothing() -> None:
    chance, seen = random.Random(7), Counter[str]()
    profiles = [markings.profile(name) for name in markings.profile_names()]
    for _ in range(200):
        fuzz_campaign.one_round(chance, profiles, seen)
    assert seen["typo: refused"] > 100
    assert seen["case: refused"] > 100
    assert seen["document: refused"] > 100
    assert seen["policy label: refused"] > 100
    assert sum(count for what, count in seen.items() if what.startswith("attribute")) > 50


def test_the_campaign_notices_a_text_that_is_wider_than_it_was() -> None:
    profile = markings.profile("icrm-2016")
    narrow = markings.parse_portion("(S//REL TO USA, GBR)", profile)
    with pytest.raises(fuzz_campaign.Wrong, match="wider"):
        fuzz_campaign.check_mangled(narrow, narrow.portion(), "(S//REL TO USA, AUS, CAN)", profile, portion=True)


def test_the_campaign_notices_attributes_that_are_wider_than_they_were() -> None:
    profile = markings.profile("ism-2022")
    narrow = markings.parse_portion("(S//REL TO USA, GBR)", profile)
    with pytest.raises(fuzz_campaign.Wrong, match="wider"):
        fuzz_campaign.check_attributes(narrow, narrow.to_ism(), "releasableTo", "USA AUS CAN", profile)


def test_a_code_that_became_another_code_is_counted_apart() -> None:
    profile = markings.profile("icrm-2016")
    label = markings.parse_portion("(S//REL TO USA, AUS)", profile)
    came = fuzz_campaign.check_mangled(label, label.portion(), "(S//REL TO USA, AUT)", profile, portion=True)
    assert came == "another code"
    bare = markings.parse_portion("(U)", profile)
    came = fuzz_campaign.check_attributes(bare, bare.to_ism(), "ownerProducer", "UGA", profile)
    assert came == "another code"


@pytest.mark.parametrize("name", markings.profile_names())
def test_made_labels_are_of_many_kinds(name: str) -> None:
    chance = random.Random(3)
    made = {make_label(chance, markings.profile(name)) for _ in range(300)}
    assert len(made) > 100
