"""The order of files, tables, lines and list members never changes an answer."""

from __future__ import annotations

import random
import tomllib
from decimal import Decimal

import pytest

from gateway.policy import compile_policy, load
from gateway.policy.decision import Decision
from tests.policy.worlds import World, document, world


def shuffled(value: object, rng: random.Random) -> object:
    """The same TOML value with every table's keys and every list's members in another order.

    Only the two fields an orbit's regime is derived from have an order that means something; no random set has one.
    """
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffled(value[key], rng) for key in keys}
    if isinstance(value, list):
        members = [shuffled(member, rng) for member in value]
        rng.shuffle(members)
        return members
    return float(value) if isinstance(value, Decimal) else value


def reordered(drawn: World, seed: int) -> dict[str, bytes]:
    """The set's files in another order, each with its contents in another order."""
    rng = random.Random(seed)
    files = {}
    paths = list(drawn.files)
    rng.shuffle(paths)
    for path in paths:
        content = drawn.files[path]
        if path.endswith(".toml"):
            content = document(shuffled(tomllib.loads(content.decode()), rng))  # type: ignore[arg-type]
        files[path] = content
    return files


def answer(decision: Decision) -> tuple[object, ...]:
    """Everything a decision says but the digest of the set that said it."""
    return (decision.effect, decision.gates, decision.grants, decision.obligations, decision.stays_true_until)


@pytest.mark.parametrize("seed", range(40))
def test_shuffling_files_and_lines_changes_no_answer(seed: int) -> None:
    drawn = world(f"order-{seed}")
    other = compile_policy(load(reordered(drawn, seed)))
    for _ in range(20):
        question = drawn.question()
        assert answer(drawn.policy.decide(*question)) == answer(other.decide(*question)), question


def test_the_digest_depends_on_bytes_and_not_on_the_order_of_files() -> None:
    drawn = world("digest")
    backwards = dict(reversed(list(drawn.files.items())))
    assert load(backwards).digest == drawn.policy.digest
    changed = drawn.files | {"policies/policy.toml": drawn.files["policies/policy.toml"] + b"\n# a remark\n"}
    assert load(changed).digest != drawn.policy.digest
