"""Say a condition, a step or a span of time as an officer would write it in a policy file."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from gateway.policy.conditions import Between, Beyond, Condition, Contains, OneOf, Predicate, Within


def as_written(name: str, predicate: Predicate) -> str:
    """One test as it stands in a ``where``: ``owners = { contains = "JPN" }``."""
    return f"{name} = {_predicate(predicate)}"


def _predicate(predicate: Predicate) -> str:
    if isinstance(predicate, OneOf):
        values = [_value(value) for value in predicate.values]
        return values[0] if len(values) == 1 else f"[{', '.join(values)}]"
    if isinstance(predicate, Contains):
        return f'{{ contains = "{predicate.member}" }}'
    if isinstance(predicate, Within | Beyond):
        word = "within" if isinstance(predicate, Within) else "beyond"
        return f"{{ {word} = [{', '.join(_value(member) for member in sorted(predicate.members))}] }}"
    return f"{{ {', '.join(_bounds(predicate))} }}"


def _bounds(between: Between) -> list[str]:
    named = (("at_least", between.at_least), ("below", between.below))
    return [f"{word} = {number(bound)}" for word, bound in named if bound is not None]


def _value(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'


def condition(where: Condition) -> str:
    """A whole ``where``."""
    if where.everything:
        return "everything"
    return ", ".join(as_written(name, predicate) for name, predicate in where.tests)


def number(value: Decimal) -> str:
    """A step or bound without an exponent."""
    return format(value.normalize(), "f")


def step_text(step: Decimal | timedelta) -> str:
    """What a quantity is coarsened to, as a file writes it."""
    return span(step) if isinstance(step, timedelta) else number(step)


def span(wait: timedelta) -> str:
    """A delay as a file writes it: ``1d12h``, ``90m`` as ``1h30m``; ``none`` for none."""
    seconds = int(wait.total_seconds())
    parts = ((seconds // 86400, "d"), (seconds % 86400 // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "none"
