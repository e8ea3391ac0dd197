"""The casbin model is part of the set and is not believed: it is probed when compiled and compared when it decides."""

from __future__ import annotations

import pytest

from gateway.policy import PolicyError, compile_policy, load
from gateway.policy.decide import Case
from gateway.policy.engine import Engine
from tests.policy.worked import GBR_OBJECT, NOW, ask, changed, whole_files

MODEL = "policies/casbin-model.conf"
ELSET = {"satNo": GBR_OBJECT, "meanMotion": 15.0, "eccentricity": 0.001}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("&& holds(r.facts, p.rule)", "", id="ignores conditions"),
        pytest.param("r.partner == p.partner", "r.action == p.action", id="ignores the partner"),
        pytest.param("r.dataset == p.dataset", "r.action == p.action", id="ignores the dataset"),
        pytest.param('(p.purpose == "*" || r.purpose == p.purpose)', "r.action == p.action", id="ignores the purpose"),
        pytest.param(" && !some(where (p.eft == deny))", "", id="grants win over denies"),
        pytest.param("some(where (p.eft == allow)) && ", "", id="allows what nobody denies"),
        pytest.param("holds(r.facts, p.rule)", "holds(r.facts, p.nothing)", id="names what is not there"),
        pytest.param("m = r.partner", "m = r.partner ==", id="is no expression"),
        pytest.param("[matchers]", "[matches]", id="has no matchers"),
    ],
)
def test_a_model_that_decides_otherwise_is_refused_when_it_is_compiled(old: str, new: str) -> None:
    text = whole_files()[MODEL].decode()
    assert old in text
    with pytest.raises(PolicyError) as refused:
        compile_policy(load(dict(whole_files()) | {MODEL: text.replace(old, new).encode()}))
    assert refused.value.findings[0].file == MODEL


@pytest.mark.parametrize("answer", [True, False])
def test_the_grant_gate_denies_where_casbin_and_the_own_matching_disagree(answer: bool) -> None:
    compiled = changed({})
    book = compiled._grounds["GBR", "elset"].book  # the fault is put where casbin stands
    object.__setattr__(book, "engines", {})
    object.__setattr__(book, "other", _Stubborn(answer))
    granted = ask("GBR", "elset", "U", ELSET, purpose="collision-avoidance", compiled=compiled)
    other = ask("GBR", "elset", "U", ELSET, purpose="anomaly-resolution", compiled=compiled)
    assert granted.permitted is answer
    assert ("grant:engines_disagree" in granted.reasons) is not answer
    assert ("grant:engines_disagree" in other.reasons) is answer
    assert not other.permitted


class _Stubborn(Engine):
    """A casbin that always gives one answer."""

    def __init__(self, answer: bool) -> None:
        self._answer = answer

    def allows(self, partner: str, dataset: str, purpose: str, asked: object) -> bool:
        return self._answer


def test_swapping_two_lines_does_not_swap_the_grants_or_their_obligations() -> None:
    path = "policies/partners/GBR.toml"
    rule = '[[grant]]\nid = "{}"\ndataset = "elset"\npurposes = ["collision-avoidance"]\nwhere = "everything"\n'
    one = rule.format("one") + 'drop = ["provenance"]\n'
    two = rule.format("two") + 'drop = ["elements"]\n'
    head = whole_files()[path].decode().split("# 6.")[0]
    told = [
        ask("GBR", "elset", "U", ELSET, purpose="collision-avoidance", compiled=changed({path: text.encode()}))
        for text in (head + one + two, head + two + one)
    ]
    assert told[0].grants == told[1].grants == ("one", "two")
    assert told[0].obligations == told[1].obligations
    assert {"line1", "origin"} <= told[0].obligations.drop


def test_the_case_a_gate_sees_holds_no_clock() -> None:
    assert "at" in Case.__slots__
    with pytest.raises(ValueError, match="aware"):
        ask(
            "GBR", "elset", "U", ELSET, purpose="collision-avoidance", at=NOW.replace(tzinfo=None), compiled=changed({})
        )
