"""Casbin as the gateway asks it: an enforcer over the lines of one partner, one dataset and one purpose.

Casbin reads the officer's model, walks the lines, and combines their effects. One thing it would do at every
question is done once instead: the matcher is read. Stock casbin parses its text at each ``enforce`` and
interprets the tree for each line; here casbin's own hook for that gives the matcher as compiled code, as long as
it is made of nothing but comparisons of request and rule, ``&&``, ``||``, ``!`` and calls of the functions that
are registered. A matcher with anything else in it is left to casbin's evaluator, which is slower and knows more.
That both answer alike is tested over generated matchers and questions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import CodeType
from typing import Any

import casbin
from casbin.model import Model
from simpleeval import InvalidExpression

from gateway.policy.errors import PolicyError, PolicyFinding

ACTION = "release"
_MODEL_FILE = "policies/casbin-model.conf"
_MODEL_FAULTS = (
    InvalidExpression,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    NameError,
    AttributeError,
    SyntaxError,
)
"""What casbin and the evaluator it uses raise for a model they cannot read."""

Line = tuple[str, ...]
Holds = Callable[[object, str], bool]
_OPERAND = re.compile(r"[rp]_[a-z]+")
_SHAPES = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Compare, ast.Eq, ast.NotEq, ast.Load)


class _Enforcer(casbin.Enforcer):  # type: ignore[misc]  # casbin ships no types
    """A casbin enforcer that compiles its matcher once."""

    @staticmethod
    def _get_expression(expr: str, functions: Mapping[str, Callable[..., object]] | None = None) -> object:
        """Casbin's hook: what will be asked to ``eval`` the matcher for each line."""
        known = functions or {}
        code = _compiled(expr, frozenset(known))
        return casbin.Enforcer._get_expression(expr, functions) if code is None else Matcher(code, known)


class Matcher:
    """A compiled matcher over the functions it may call, with the one method that casbin calls."""

    __slots__ = ("_code", "_functions")

    def __init__(self, code: CodeType, functions: Mapping[str, Callable[..., object]]) -> None:
        self._code = code
        self._functions = {**functions, "__builtins__": {}}

    def eval(self, names: dict[str, object]) -> object:
        """The matcher's value for one line; ``names`` are the members of request and rule."""
        return eval(self._code, self._functions, names)  # noqa: S307 - only what _compiled let pass


@lru_cache(maxsize=64)
def _compiled(expr: str, functions: frozenset[str]) -> CodeType | None:
    """The matcher's code; ``None`` when it holds anything but what is listed above."""
    text = re.sub(r"!(?!=)", "not ", expr.replace("&&", "and").replace("||", "or"))  # casbin's own words for it
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:  # casbin says what is wrong with it
        return None
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    plain = all(_is_plain(node, functions, called) for node in ast.walk(tree.body))
    return compile(tree, "<matcher>", "eval") if plain else None


def _is_plain(node: ast.AST, functions: frozenset[str], called: set[int]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in functions if id(node) in called else _OPERAND.fullmatch(node.id) is not None
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and not node.keywords
    return isinstance(node, _SHAPES) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


class Engine:
    """A casbin enforcer over some lines; built in memory, never changed again."""

    def __init__(self, model_text: str, lines: tuple[Line, ...], holds: Holds) -> None:
        model = Model()
        model.load_model_from_text(model_text)
        self._enforcer: Any = _Enforcer(model)  # nothing of casbin leaves this class
        self._enforcer.add_function("holds", holds)
        for line in lines:
            self._enforcer.model.add_policy("p", "p", list(line))

    def allows(self, partner: str, dataset: str, purpose: str, asked: object) -> bool:
        """Casbin's answer; anything but a plain ``True`` is no."""
        return self._enforcer.enforce(partner, dataset, ACTION, purpose, asked) is True


def engine(model_text: str, lines: tuple[Line, ...], holds: Holds) -> Engine:
    """Make an engine; raises :class:`PolicyError` for a model that casbin cannot read."""
    try:
        return Engine(model_text, lines, holds)
    except _MODEL_FAULTS as error:
        hint = "the model shipped with the project is in policies/casbin-model.conf"
        finding = PolicyFinding(_MODEL_FILE, 0, 0, "", f"casbin cannot read the model: {error}", hint)
        raise PolicyError((finding,)) from error


_ALLOW = ("PROBE", "probe", ACTION, "probing", "allow-rule", "allow")
_DENY = ("PROBE", "probe", ACTION, "*", "deny-rule", "deny")
_PROBES: tuple[tuple[str, tuple[Line, ...], tuple[str, str, str], frozenset[str], bool], ...] = (
    ("allows without any rule", (), ("PROBE", "probe", "probing"), frozenset(), False),
    (
        "refuses what a grant allows",
        (_ALLOW,),
        ("PROBE", "probe", "probing"),
        frozenset({"allow-rule"}),
        True,
    ),
    ("ignores a grant's condition", (_ALLOW,), ("PROBE", "probe", "probing"), frozenset(), False),
    ("ignores the partner", (_ALLOW,), ("OTHER", "probe", "probing"), frozenset({"allow-rule"}), False),
    ("ignores the dataset", (_ALLOW,), ("PROBE", "other", "probing"), frozenset({"allow-rule"}), False),
    ("ignores the purpose", (_ALLOW,), ("PROBE", "probe", "other"), frozenset({"allow-rule"}), False),
    (
        "lets a grant win over a deny",
        (_ALLOW, _DENY),
        ("PROBE", "probe", "probing"),
        frozenset({"allow-rule", "deny-rule"}),
        False,
    ),
    (
        "denies by a rule that is false",
        (_ALLOW, _DENY),
        ("PROBE", "probe", "probing"),
        frozenset({"allow-rule"}),
        True,
    ),
)


def _among(true_rules: frozenset[str], _: object, rule: str) -> bool:
    return rule in true_rules


def probe_model(model_text: str) -> None:
    """Ask the set's casbin model eight questions whose answers are known; raises :class:`PolicyError` if one
    is wrong.

    Every decision compares casbin with the own matching, so a wrong model could only deny; this tells the
    officer at once instead of at the first request.
    """
    for what, lines, (partner, dataset, purpose), true_rules, expected in _PROBES:
        for ordered in {lines, lines[::-1]}:
            probed = engine(model_text, ordered, partial(_among, true_rules))
            try:
                answer = probed.allows(partner, dataset, purpose, object())
            except _MODEL_FAULTS as error:
                message = f"casbin's model fails: {type(error).__name__}: {error}"
                raise PolicyError((PolicyFinding(_MODEL_FILE, 0, 0, "matchers", message),)) from error
            if answer is not expected:
                hint = "the model shipped with the project is in policies/casbin-model.conf"
                raise PolicyError((PolicyFinding(_MODEL_FILE, 0, 0, "", f"the model {what}", hint),))
