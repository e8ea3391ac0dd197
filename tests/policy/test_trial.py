"""Officers' cases: read strictly, asked like any request, compared in everything they say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.policy import PolicyError, load
from gateway.policy.reasons import Reason
from gateway.policy.remedies import REMEDIES
from gateway.policy.trial import Report, try_cases
from tests.policy.worked import edited, read_files, whole_files

HEAD = """
[given]
partner = "JPN"
dataset = "conjunction"
marking = "S//REL TO USA, JPN"
at = 2026-06-18
purpose = "collision-avoidance"
system = "jpn-space-operations"
fields = { satNo1 = 24278, satNo2 = 20776, dataMode = "REAL" }

[[case]]
name = "the one"
"""


def trial(case: str, changes: Mapping[str, bytes] | None = None) -> Report:
    """The worked set with one file of cases, ``HEAD`` and these lines."""
    files = {path: held for path, held in read_files().items() if not path.startswith("policies/cases/")}
    return try_cases(load({**files, **(changes or {}), "policies/cases/one.toml": (HEAD + case).encode()}))


def test_every_shipped_case_holds_and_together_they_prove_every_rule() -> None:
    report = try_cases(load(read_files()))
    assert len(report.tried) >= 60
    assert [(each.case.name, each.wrong) for each in report.failed] == []
    assert report.unproved == ()


def test_the_worked_set_has_the_partners_datasets_and_communities_it_promises() -> None:
    found = load(read_files())
    assert {"AUS", "CAN", "DEU", "FRA", "GBR", "JPN", "KOR", "NOR", "NZL", "ORBITWATCH"} <= found.partners.keys()
    assert len(found.datasets) >= 6
    assert len(found.own_communities) >= 3
    assert all(member.from_ for community in found.own_communities for member in community.member)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        pytest.param('expect = "withheld"', "expected withheld, and it is released", id="released instead"),
        pytest.param(
            'expect = "released"\ngrants = ["jpn-conjunction-own"]', "jpn-conjunction-shared apply", id="other grant"
        ),
        pytest.param('expect = "released"\nrounded = { missDistance = 100 }', "it is rounded to 1000", id="other step"),
        pytest.param('expect = "released"\nrounded = { collisionProb = 1 }', "it is exact", id="not rounded"),
        pytest.param(
            'expect = "released"\nrounded = { "stateVector1.cov" = 1 }', "it is left out", id="dropped, not rounded"
        ),
        pytest.param(
            'expect = "released"\ndropped = ["risk"]', "collisionProb left out, and it goes", id="not dropped"
        ),
        pytest.param('expect = "released"\nuntouched = ["comments"]', "comments as it is", id="touched"),
        pytest.param('expect = "released"\nuntouched = ["coments"]', "no group of conjunction", id="misspelt field"),
        pytest.param('expect = "released"\ndelay = "1h"', "expected a delay of 1h, and it is none", id="no delay"),
        pytest.param(
            'expect = "withheld"\nmarking = "S//NF"\ngates = ["grant"]', "originator, releasability does", id="gate"
        ),
        pytest.param(
            'expect = "withheld"\nmarking = "S//NF"\nreasons = ["no_grant"]', "the reasons are control", id="reason"
        ),
        pytest.param('expect = "released"\npartner = "XXX"', "the set has no partner XXX", id="unknown partner"),
        pytest.param('expect = "released"\ndataset = "xxx"', "the set has no dataset xxx", id="unknown dataset"),
        pytest.param('expect = "released"\nsystem = "xxx"', "system xxx", id="unknown system"),
        pytest.param('expect = "released"\nkey = "registered"', "it is withheld", id="no key is registered"),
    ],
)
def test_a_case_that_does_not_hold_says_what_came_instead(case: str, said: str) -> None:
    (tried,) = trial(case).tried
    assert any(said in wrong for wrong in tried.wrong), tried.wrong
    assert not tried.proves


def test_a_case_that_holds_proves_the_grants_that_applied_and_no_others() -> None:
    report = trial('expect = "released"\nrounded = { "encounter.position" = 1 }')
    assert report.tried[0].proves == {"jpn-conjunction-shared"}
    assert "jpn-conjunction-own" in {rule.name for rule in report.unproved}


def test_a_deny_is_proved_by_a_withheld_case_in_which_it_fired() -> None:
    (tried,) = trial('expect = "withheld"\nfields = { dataMode = "EXERCISE" }\ngates = ["grant"]').tried
    assert tried.holds
    assert tried.proves == {"conjunction-no-exercise"}


def test_a_failing_case_does_not_keep_the_set_from_loading_and_is_in_its_digest() -> None:
    files = dict(whole_files())
    before = load(files).digest
    files["policies/cases/JPN.toml"] = edited("policies/cases/JPN.toml", 'marking = "S//NF"', 'marking = "U"')
    changed = load(files)
    assert len(try_cases(changed).failed) == 1
    assert "policies/cases/JPN.toml" in changed.manifest
    assert changed.digest != before


@pytest.mark.parametrize(
    ("case", "said"),
    [
        pytest.param('expect = "maybe"', "expect", id="unknown expectation"),
        pytest.param('expect = "released"\ngates = ["grant"]', "said of a withheld record", id="gates of a release"),
        pytest.param('expect = "withheld"\ndelay = "1h"', "said of a released record", id="delay of a denial"),
        pytest.param('expect = "withheld"\ngates = ["grnt"]', "gates", id="unknown gate"),
        pytest.param('expect = "withheld"\nreasons = ["grnt"]', "reasons", id="unknown reason"),
        pytest.param('expect = "released"\nat = "2026-01-01"', "unquoted", id="quoted date"),
        pytest.param('expect = "released"\nround = 1', "means nothing here", id="unknown key"),
        pytest.param('expect = "released"\n[[case]]\nname = "the one"\nexpect = "released"', "two cases", id="twice"),
    ],
)
def test_a_file_of_cases_is_read_as_strictly_as_any_other(case: str, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        trial(case)
    assert said in str(refused.value)
    assert all(finding.file == "policies/cases/one.toml" for finding in refused.value.findings)


def test_every_reason_has_a_remedy() -> None:
    assert set(REMEDIES) == set(Reason)
