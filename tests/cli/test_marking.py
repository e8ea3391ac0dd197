"""``relgate marking explain`` as an officer uses it: what a marking says, what is wrong with it, who could have it."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Relgate

DAY = ("--at", "2026-01-01")
FVEY = "AUS, CAN, GBR, NZL, USA"
SOUND = [
    ("U", "udl", "nobody"),
    ("U//FOUO", "udl", "nobody"),
    ("U//PR-SPIRE-AIS", "udl", "nobody"),
    ("S//REL TO USA, JPN", "udl", "JPN, USA"),
    ("SECRET//REL TO USA, FVEY", "udl", FVEY),
    ("(S//SI//OC/REL TO USA, FVEY)", "icrm-2016", FVEY),
    ("SECRET//NOFORN", "icrm-2016", "USA"),
    ("(S//RELIDO)", "icrm-2016", "nobody"),
    ("SECRET//DISPLAY ONLY AFG", "icrm-2016", "nobody"),
    ("SECRET//REL TO USA, KFOR", "icrm-2016", "USA"),
    ("//NATO SECRET//ATOMAL", "ism-2022", "nobody"),
    ("//GBR SECRET", "ism-2022", "GBR"),
    ("//JOINT SECRET GBR USA//REL TO USA, GBR", "dodm-5200.01-v2", "GBR, USA"),
    ("CUI//SP-CTI//FEDCON", "cui", "nobody"),
]
WRONG = [
    ("secret//noforn", "icrm-2016", "GRAMMAR-CASE", "SECRET//NOFORN"),
    ("S\u0415CRET", "icrm-2016", "GRAMMAR-CHARACTER", "SECRET"),
    ("SECRET//NOFORN/ORCON", "icrm-2016", "GRAMMAR-ORDER", "SECRET//ORCON/NOFORN"),
    ("SECRET//NOFORN/REL TO USA, GBR", "icrm-2016", "ISM-ID-00033", None),
    ("SECRET//REL TO USA, ISAF", "icrm-2016", "ISM-ID-00199", "not ISAF"),
    ("S//REL", "udl", "ISM-ID-00031", None),
    ("SECRET//REL TO USA", "ism-2022", "ISM-ID-00319", "NOFORN"),
    ("SECRET//KLM", "icrm-2016", "GRAMMAR-TOKEN", None),
]


@pytest.mark.parametrize(("marking", "profile", "nations"), SOUND, ids=[marking for marking, *_ in SOUND])
def test_a_sound_marking_is_explained_part_by_part_with_who_could_have_it(
    relgate: Relgate, marking: str, profile: str, nations: str
) -> None:
    done = relgate("marking", "explain", marking, "--profile", profile, *DAY)
    assert done.code == 0, done.err
    assert "is sound" in done.out
    assert nations in done.out
    said = json.loads(relgate("marking", "explain", marking, "--profile", profile, *DAY, "--json").out)
    assert said["sound"] is True
    assert (", ".join(said["releasable_to"]) or "nobody") == nations
    assert all(part["meaning"] and part["effect"] and part["source"] for part in said["parts"])


@pytest.mark.parametrize(("marking", "profile", "rule", "meant"), WRONG, ids=[marking for marking, *_ in WRONG])
def test_a_wrong_marking_is_refused_by_its_rule_with_its_authority_and_what_was_meant(
    relgate: Relgate, marking: str, profile: str, rule: str, meant: str | None
) -> None:
    done = relgate("marking", "explain", marking, "--profile", profile, *DAY, "--json")
    assert done.code == 1
    said = json.loads(done.out)
    assert (said["sound"], said["releasable_to"]) == (False, [])
    first = said["findings"][0]
    assert (first["rule"], first["suggestion"]) == (rule, meant)
    assert first["authority"]
    assert first["message"]


def test_the_days_asked_about_and_of_the_label_both_count(relgate: Relgate) -> None:
    def nations(at: str, day: str) -> str:
        marking = "SECRET//REL TO USA, NATO"
        options = ("--profile", "ism-2022", "--at", at, "--date", day)
        return str(json.loads(relgate("marking", "explain", marking, *options, "--json").out)["releasable_to"])

    assert "FIN" not in nations("2023-04-03", "2023-04-03")
    assert "FIN" in nations("2023-04-04", "2023-04-04")
    assert "FIN" not in nations("2026-01-01", "2020-01-01")


def test_an_unknown_profile_or_day_is_a_mistake_in_the_command(relgate: Relgate) -> None:
    for wrong in (("--profile", "nope"), ("--at", "2026-13-01"), ("--date", "yesterday")):
        done = relgate("marking", "explain", "S", *wrong)
        assert done.code == 2
        assert "hint" in done.err
