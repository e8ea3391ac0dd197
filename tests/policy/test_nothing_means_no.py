"""An empty any-of, an empty all-of, an empty grant list, an absent key, date, category or consent, a gate that raises:
each denies.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.markings import Control, Label, Level, Limit
from gateway.policy import Claims
from gateway.policy.books import is_of_kind
from gateway.policy.conditions import Between, Condition, FactKind, OneOf, Truth, Within
from gateway.policy.decide import GATES, Case, ask, judge
from gateway.policy.decision import (
    UNKNOWN,
    Credential,
    Effect,
    Facts,
    Gate,
    LabelDoubt,
    Outcome,
    Subject,
    combine,
)
from tests.policy.worked import GBR_OBJECT, NOW, changed, edited, policy, whole_files

ELSET = {"satNo": GBR_OBJECT, "meanMotion": 15.0, "eccentricity": 0.001, "dataMode": "REAL"}
GBR = "policies/partners/GBR.toml"
BARE = Label("udl", Level.U, created=NOW.date())


def who(**differing: object) -> Subject:
    subject = policy().subject("GBR", "gbr-space-command", Claims(), Credential.BEARER, policy().recipient("GBR", NOW))
    return replace(subject, **differing)  # type: ignore[arg-type]


def shown(**differing: object) -> Facts:
    return replace(policy().facts("elset", ELSET, NOW), **differing)  # type: ignore[arg-type]


def reasons(subject: Subject | None = None, label: Label | LabelDoubt = BARE, facts: Facts | None = None,
            compiled: object = None) -> tuple[str, ...]:  # fmt: skip
    chosen = compiled or policy()
    return chosen.decide(subject or who(), "elset", label, facts or shown(), "collision-avoidance", NOW).reasons  # type: ignore[attr-defined]


def test_the_ground_every_other_test_stands_on_is_a_release() -> None:
    assert reasons() == ()


def test_an_empty_one_of_and_an_empty_within_hold_of_nothing() -> None:
    assert not OneOf(()).holds("REAL")
    assert not Within(frozenset()).holds(frozenset())
    assert not Within(frozenset({"JPN"})).holds(frozenset())
    assert not Between(None, None).holds(1)


def test_an_empty_all_of_is_not_true_so_it_grants_nothing_and_escapes_no_deny() -> None:
    assert Condition(everything=False).truth({}) is Truth.UNKNOWN


def test_a_partner_file_without_grants_lets_nothing_go() -> None:
    text = whole_files()[GBR].decode()
    bare = changed({GBR: text.split("# 6.")[0].encode()})
    assert reasons(compiled=bare) == ("grant:no_grant",)


def test_a_dataset_that_names_no_category_lets_nothing_go() -> None:
    path = "policies/datasets/elset.toml"
    assert reasons(compiled=changed({path: edited(path, 'categories = ["8"]', "categories = []")})) == (
        "clearance:no_category_named",
    )


def test_a_partner_without_any_ceiling_gets_nothing() -> None:
    text = whole_files()[GBR].decode().replace('5 = "SECRET"\n8 = "SECRET"\n', "")
    assert reasons(compiled=changed({GBR: text.encode()})) == ("clearance:category_not_in_ceiling",)


def test_an_unstated_default_for_bare_unclassified_releases_to_nobody() -> None:
    path = "policies/datasets/elset.toml"
    text = edited(path, 'unmarked_default = ["government", "company"]', "unmarked_default = []")
    assert reasons(compiled=changed({path: text})) == ("releasability:unmarked_not_released",)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param({"key": None}, "channel:key_missing", id="no key"),
        pytest.param({"clearance": None}, "clearance:system_not_cleared", id="no clearance"),
        pytest.param({"clearance": ""}, "clearance:system_not_cleared", id="an empty clearance"),
        pytest.param({"clearance": "COSMIC TOP SECRET"}, "clearance:system_not_cleared", id="another clearance"),
    ],
)
def test_a_caller_that_lacks_something_gets_nothing(subject: dict[str, object], expected: str) -> None:
    assert reasons(who(**subject)) == (expected,)


def test_a_partner_or_dataset_that_the_set_does_not_know_is_refused_by_every_gate() -> None:
    nobody = policy().decide(who(partner="XXX"), "elset", BARE, shown(), "collision-avoidance", NOW)
    assert {result.outcome for result in nobody.gates} == {Outcome.REFUSED}
    assert nobody.reasons[0] == "label:partner_unknown"
    nothing = policy().decide(who(), "none", BARE, shown(), "collision-avoidance", NOW)
    assert nothing.reasons[0] == "label:dataset_unknown"


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        pytest.param(LabelDoubt("label_missing"), "label:label_missing", id="no label"),
        pytest.param(replace(BARE, created=None), "label:label_date_missing", id="no date"),
        pytest.param(replace(BARE, created=date(2026, 6, 19)), "label:label_date_future", id="tomorrow's"),
        pytest.param(replace(BARE, profile="ism-2022"), "label:label_other_profile", id="another profile"),
        pytest.param(replace(BARE, controls=(Control("NEW"),)), "label:control_without_row", id="no row"),
        pytest.param(replace(BARE, rel_to=()), "label:label_invalid", id="an empty list"),
        pytest.param(replace(BARE, rel_to=("USA", "QQQ")), "releasability:label_code_unknown", id="unknown code"),
        pytest.param(replace(BARE, level=Level.C), "releasability:no_release_list", id="classified without a list"),
        pytest.param(replace(BARE, controls=(Control("PR", ()),)), "originator:consent_missing", id="PR of nobody"),
        pytest.param(replace(BARE, owners=()), "originator:originator_unknown", id="no owner"),
    ],
)
def test_a_label_that_leaves_a_doubt_releases_nothing(label: Label | LabelDoubt, expected: str) -> None:
    assert expected in reasons(label=label)


SPIRE = Control("PR", ("SPIRE", "ELSET"))


@pytest.mark.parametrize(
    "label",
    [
        pytest.param(replace(BARE, controls=(SPIRE, Control("PR", ("SSDP", "ELSET")))), id="one owner of two"),
        pytest.param(replace(BARE, controls=(Control("NOFORN"), SPIRE)), id="another control beside it"),
        pytest.param(replace(BARE, limits=frozenset({Limit(NOW.date(), ("USA", "JPN"), None)})), id="a portion's list"),
        pytest.param(
            replace(BARE, limits=frozenset({Limit(NOW.date(), None, ("JPN",))})), id="a portion's display list"
        ),
    ],
)
def test_what_stands_for_a_list_stands_for_no_more_than_it_says(label: Label) -> None:
    assert reasons(label=replace(BARE, controls=(SPIRE,))) == ()
    assert "releasability:no_release_list" in reasons(label=label)


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        ("a", FactKind.STRING, True),
        (1, FactKind.STRING, False),
        (True, FactKind.INTEGER, False),
        (1.0, FactKind.INTEGER, False),
        (True, FactKind.NUMBER, False),
        (float("inf"), FactKind.NUMBER, False),
        (1, FactKind.NUMBER, True),
        (1, FactKind.BOOLEAN, False),
        (frozenset({"a", 1}), FactKind.SET, False),
        (frozenset(), FactKind.SET, True),
        (("a",), FactKind.SET, False),
        (UNKNOWN, FactKind.SET, True),
    ],
)
def test_a_fact_is_of_its_kind_exactly_or_not_at_all(value: object, kind: FactKind, fits: bool) -> None:
    assert is_of_kind(value, kind) is fits  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"values": {}}, "grant:fact_missing", id="absent"),
        pytest.param({"problems": {"dataMode": "missing"}}, "grant:fact_missing", id="missing"),
        pytest.param({"problems": {"dataMode": "invalid"}}, "grant:fact_invalid", id="invalid"),
        pytest.param({"values": {"dataMode": 1}}, "grant:fact_invalid", id="of the wrong type"),
        pytest.param({"values": {"dataMode": UNKNOWN}}, "grant:denied_by_rule", id="unknown, and a deny reads it"),
        pytest.param({"stops": ("stop",)}, "hold:stopped", id="stopped"),
    ],
)  # fmt: skip
def test_a_fact_that_policy_needs_and_cannot_trust_denies(facts: dict[str, object], expected: str) -> None:
    assert reasons(facts=shown(**facts)) == (expected,)


@pytest.mark.parametrize("gate", list(Gate))
def test_a_gate_that_raises_has_erred_and_denies_while_all_others_answer(gate: Gate) -> None:
    def broken(_: Case) -> frozenset[str]:
        raise RuntimeError("the gate is broken")

    case = policy()._grounds["GBR", "elset"].case(who(), BARE, shown(), "collision-avoidance", NOW)
    results = judge(case, {**GATES, gate: broken})
    assert combine(results) is Effect.WITHHOLD
    assert [result.gate for result in results] == list(Gate)
    assert {result.gate for result in results if result.outcome is Outcome.ERRED} == {gate}
    assert all(result.passed for result in results if result.gate is not gate)


def test_a_gate_without_reasons_passes_and_one_with_reasons_says_them_sorted() -> None:
    case = policy()._grounds["GBR", "elset"].case(who(), BARE, shown(), "collision-avoidance", NOW)
    assert ask(Gate.LABEL, lambda _: frozenset(), case).passed
    assert ask(Gate.LABEL, lambda _: frozenset({"b", "a"}), case).reasons == ("a", "b")


def test_every_gate_of_the_table_is_asked_in_the_order_of_explanations() -> None:
    assert list(GATES) == list(Gate)


def test_an_erring_gate_is_not_remembered_and_obliges_to_nothing() -> None:
    compiled = changed({})
    impossible = replace(BARE, controls=None)  # type: ignore[arg-type]
    decision = compiled.decide(who(), "elset", impossible, shown(), "collision-avoidance", NOW)
    assert "label:gate_erred" in decision.reasons
    assert decision.grants == ()
    assert len(compiled._memo) == 0
