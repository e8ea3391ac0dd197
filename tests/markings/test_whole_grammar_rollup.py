"""The algebra of roll-up over the whole grammar: systems, SCI, SAP, AEA, FGI, CUI, every control and combination."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Effect, Label, Level, Profile
from tests.markings.labels import ASKED, EVERY_PROFILE
from tests.markings.making import AT, make_label

DAYS = (None, date(2009, 5, 1), date(2022, 12, 1), date(2024, 6, 1))


@st.composite
def whole_labels(draw: st.DrawFn, name: str) -> Label:
    """A sound label of the whole grammar, perhaps dated."""
    chance: random.Random = draw(st.randoms(use_true_random=False))
    label = make_label(chance, markings.profile(name))
    return replace(label, created=draw(st.sampled_from(DAYS)))


def _silent(label: Label, profile: Profile) -> bool:
    """Whether it says nothing of release, so that a roll-up may follow the rest."""
    if label.level is not Level.U or label.system != "US" or label.us_only:
        return False
    names = {control.name for control in label.controls} - {"PR", "DS"}
    if profile.caveated_follows:
        names -= {"FOUO"}
    return not names and label.rel_to is None and label.display_to is None


@pytest.mark.parametrize("name", EVERY_PROFILE)
@given(data=st.data())
def test_roll_up_of_any_labels_is_commutative_associative_and_idempotent(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    first, second, third = (data.draw(whole_labels(name)) for _ in range(3))

    def both(one: Label, other: Label) -> Label:
        return markings.roll_up([one, other], profile)

    assert both(first, second) == both(second, first)
    whole = markings.roll_up([first, second, third], profile)
    assert both(both(first, second), third) == whole
    assert both(first, both(second, third)) == whole
    assert both(whole, whole) == whole
    assert both(whole, first) == whole
    assert markings.roll_up([whole], profile) == whole


@pytest.mark.parametrize("name", EVERY_PROFILE)
@given(data=st.data())
def test_adding_any_portion_never_adds_a_recipient_and_never_lowers(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    labels = data.draw(st.lists(whole_labels(name), min_size=1, max_size=3))
    added = data.draw(whole_labels(name))
    before, after = markings.roll_up(labels, profile), markings.roll_up([*labels, added], profile)
    assert after.level >= before.level
    assert _asked(after, profile) >= _asked(added, profile) - _yielded(after)
    for day in ASKED:
        recipients = markings.releasable_to(after, day)
        for each in (before, *labels, added):
            if not _silent(each, profile):
                assert recipients <= markings.releasable_to(each, day) | {"USA"}


def _asked(label: Label, profile: Profile) -> set[tuple[str, tuple[str, ...]]]:
    """What a release is asked besides its lists: read-ins and consents, by control."""
    kinds = (Effect.READ_IN, Effect.CONSENT)
    return {
        (control.name, control.values)
        for control in label.controls
        if profile.rows[control.name].kind in kinds and control.name not in ("RELIDO", "FGI")
    }


def _yielded(whole: Label) -> set[tuple[str, tuple[str, ...]]]:
    """What a roll-up may leave out: what yields to something stronger, and what leaves NOFORN behind."""
    gone = {("ORCON-USGOV", ())} if whole.has("ORCON") else set()
    if whole.us_only:
        gone |= {("SBU", ()), ("LES", ())}
    return gone


@pytest.mark.parametrize("name", EVERY_PROFILE)
@given(data=st.data())
def test_any_roll_up_is_sound_and_is_accepted_as_the_banner_of_its_portions(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    labels = data.draw(st.lists(whole_labels(name), min_size=1, max_size=4))
    whole = markings.roll_up([replace(label, created=None) for label in labels], profile)
    errors = [each for each in markings.validate(whole, AT) if each.severity is markings.Severity.ERROR]
    assert errors == []
    portions = [replace(label, created=None) for label in labels]
    assert [each.rule for each in markings.check_banner(whole, portions, AT)] == []
    text_alone = markings.parse_banner(whole.banner(), profile)
    assert text_alone.controls == whole.controls
    assert markings.parse_portion(whole.portion(), profile) == text_alone


@pytest.mark.parametrize("name", EVERY_PROFILE)
@given(data=st.data())
def test_any_label_reads_back_from_banner_portion_and_attributes(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    label = replace(data.draw(whole_labels(name)), created=None)
    assert markings.parse_banner(label.banner(), profile) == label
    assert markings.parse_portion(label.portion(), profile) == label
    names = {control.name for control in label.controls}
    lone_cui = "CUI" in names and not any(each.startswith("CUI-") for each in names)
    if not names & {"PR", "DS"} and not lone_cui:
        assert markings.from_ism(label.to_ism(), profile) == label
