"""The compiled matcher answers as casbin's own evaluator does, and what it cannot read is left to that one."""

from __future__ import annotations

import itertools

import casbin
import pytest
from casbin.model import Model
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.engine import Engine, Matcher, _Enforcer
from tests.policy.worked import whole_files

pytestmark = pytest.mark.usefixtures("uncollected")
TEXT = whole_files()["policies/casbin-model.conf"].decode()
NAMES = ("r_partner", "r_dataset", "r_action", "r_purpose", "p_partner", "p_dataset", "p_action", "p_purpose", "p_rule")
WORDS = ("a", "b", "*", "")
FUNCTIONS = {"holds": lambda true, rule: rule in true}

operand = st.one_of(st.sampled_from(NAMES), st.sampled_from(WORDS).map(lambda word: f'"{word}"'))
comparison = st.one_of(
    st.builds("{} {} {}".format, operand, st.sampled_from(["==", "!="]), operand),
    st.builds("holds(r_facts, {})".format, operand),
)
matcher = st.recursive(
    comparison,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=8,
)
line = st.fixed_dictionaries({name: st.sampled_from(WORDS) for name in NAMES})


@given(matcher, line, st.frozensets(st.sampled_from(WORDS)))
def test_a_compiled_matcher_answers_as_the_interpreted_one(text: str, names: dict[str, object], true: frozenset[str]):
    compiled = _Enforcer._get_expression(text, FUNCTIONS)
    assert isinstance(compiled, Matcher)
    said = compiled.eval({**names, "r_facts": true})
    assert said == casbin.Enforcer._get_expression(text, FUNCTIONS).eval({**names, "r_facts": true})


@pytest.mark.parametrize(
    "text",
    [
        "r_partner.__class__ == p_partner",
        "__import__('os') == p_rule",
        "eval(p_rule)",
        "holds(r_facts, rule=p_rule)",
        "(lambda: r_partner)() == p_partner",
        "[each for each in r_facts] == p_rule",
        "r_partner in p_partner",
        "len(r_partner) == p_rule",
        "p_rule := r_partner",
        "True",
        "r_partner == 1",
        "__builtins__ == p_rule",
        "r_partner ==",
    ],
)
def test_a_matcher_with_anything_else_in_it_is_left_to_casbin(text: str) -> None:
    try:
        found = _Enforcer._get_expression(text, FUNCTIONS)
    except SyntaxError:
        return
    assert not isinstance(found, Matcher)


def test_the_shipped_matcher_is_compiled_and_the_engine_agrees_with_stock_casbin() -> None:
    lines = [
        ("GBR", "elset", "release", "one", "first", "allow"),
        ("GBR", "elset", "release", "two", "second", "allow"),
        ("GBR", "elset", "release", "*", "third", "deny"),
    ]
    model = Model()
    model.load_model_from_text(TEXT)
    stock = casbin.Enforcer(model)
    stock.add_function("holds", FUNCTIONS["holds"])
    for each in lines:
        stock.model.add_policy("p", "p", list(each))
    ours = Engine(TEXT, tuple(lines), FUNCTIONS["holds"])
    assert isinstance(_Enforcer._get_expression(stock.model["m"]["m"].value, FUNCTIONS), Matcher)
    rules = ("first", "second", "third")
    subsets = [frozenset(some) for size in range(4) for some in itertools.combinations(rules, size)]
    for partner, dataset, purpose, true in itertools.product(("GBR", "JPN"), ("elset", "x"), ("one", "two"), subsets):
        asked = (partner, dataset, "release", purpose, true)
        assert ours.allows(partner, dataset, purpose, true) is stock.enforce(*asked), asked
    assert ours.allows("GBR", "elset", "one", frozenset({"first"}))
