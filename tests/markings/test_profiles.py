"""Profiles and their release tables: named, versioned, complete, never guessed."""

from __future__ import annotations

import pytest

from gateway import markings
from gateway.markings import Community, Effect
from tests.markings.labels import EVERY_PROFILE


def test_the_shipped_profiles_are_exactly_those_that_are_documented() -> None:
    assert markings.profile_names() == tuple(sorted(EVERY_PROFILE))


@pytest.mark.parametrize("name", ["", "UDL", "udl ", "icrm", "CUI", "nato"])
def test_a_profile_of_another_name_is_refused_not_guessed(name: str) -> None:
    with pytest.raises(markings.UnknownProfileError) as refused:
        markings.profile(name)
    assert "icrm-2016" in str(refused.value)


@pytest.mark.parametrize("name", EVERY_PROFILE)
def test_every_control_a_profile_reads_has_a_release_row_with_a_source(name: str) -> None:
    profile = markings.profile(name)
    assert profile.words.keys() == profile.rows.keys()
    for control in profile.words:
        row = markings.release_row(profile, control)
        assert row is not None
        assert row.source
        assert bool(row.whose) is (row.kind is Effect.CONSENT)


ROWS = [
    ("NOFORN", Effect.NEVER, ""),
    ("ORCON", Effect.CONSENT, "originator"),
    ("RELIDO", Effect.CONSENT, "officer"),
    ("PR", Effect.CONSENT, "owner"),
    ("DS", Effect.CONSENT, "owner"),
    ("FOUO", Effect.NO_EFFECT, ""),
    ("REL TO", Effect.NO_EFFECT, ""),
    ("DISPLAY ONLY", Effect.NO_EFFECT, ""),
]


@pytest.mark.parametrize(("control", "kind", "whose"), ROWS)
def test_the_release_row_of_a_control_says_what_it_does_and_whose_it_is(control: str, kind: Effect, whose: str) -> None:
    row = markings.release_row(markings.profile("udl"), control)
    assert row is not None
    assert (row.kind, row.whose) == (kind, whose)


@pytest.mark.parametrize("control", ["KLM", "CUI", "NNPI", "FEDCON", "", "noforn"])
def test_a_control_without_a_row_has_none_and_so_denies(control: str) -> None:
    assert markings.release_row(markings.profile("udl"), control) is None
    assert markings.release_row(markings.profile("icrm-2016"), "PR") is None


def test_no_two_profiles_share_a_digest_and_each_keeps_its_own() -> None:
    digests = {markings.profile(name).digest for name in EVERY_PROFILE}
    assert len(digests) == len(EVERY_PROFILE)
    assert all(len(digest) == 64 for digest in digests)
    assert markings.profile("udl") == markings.profile("udl")


def test_local_communities_change_the_tables_digest_and_not_the_profiles() -> None:
    udl = markings.profile("udl")
    local = udl.with_communities([Community("CSPO", "local", source="local")])
    assert local.digest == udl.digest
    assert local.tables.digest != udl.tables.digest
    assert local != udl
    assert udl.with_tables(local.tables) == local
