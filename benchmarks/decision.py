"""One decision at 10,000 policy lines over 200 partners, beside stock pycasbin and an indexed dictionary.

    python -m benchmarks.decision [--rounds 5]

Stock pycasbin has all lines in one enforcer and is asked whether a grant applies; the dictionary finds the lines of
partner, dataset and purpose by key and tries their conditions; the gateway asks all nine gates, once with an empty
memo at every question (cold) and once when 10,000 different questions have been asked before (warm). It counts only
if all of them agree on whether a grant applies.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import casbin
from casbin.model import Model
from joserfc.jwk import OKPKey

from benchmarks.machine import Line, describe, median, show
from gateway.markings import Label, profile
from gateway.policy.admission import Claims
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.conditions import Truth, parse_condition
from gateway.policy.decision import Credential, Facts, Gate, LabelDoubt, Subject
from gateway.policy.load import load

ROOT = Path(__file__).resolve().parents[1] / "policies"
PARTNERS = 200
NATIONS = tuple(sorted(profile("udl").tables.countries)[:PARTNERS])
GRANTS = 25
PURPOSES = ("collision-avoidance", "space-situational-awareness")
LINES = PARTNERS * GRANTS * len(PURPOSES)
QUESTIONS = 10_000
STOCK_QUESTIONS = 25
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
REGIMES = ("LEO", "MEO", "GEO", "HEO")
Question = tuple[Subject, str, Label | LabelDoubt, Facts, str, datetime]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Rule:
    """One grant of one partner: what it asks of the facts."""

    id: str
    where: dict[str, object]


def rules(partner: str, chance: random.Random) -> list[Rule]:
    """A partner's grants: each names a mode and a few owners, so that they differ and few apply."""
    return [
        Rule(
            f"{partner.lower()}-{number}",
            {
                "dataMode": f"MODE{number % 5}",
                "regime": sorted(chance.sample(REGIMES, 2)),
                "owners": {"within": sorted({partner, *chance.sample(NATIONS, 2)})},
            },
        )
        for number in range(GRANTS)
    ]


def toml_of(where: dict[str, object]) -> str:
    """A condition as a policy file writes it."""

    def inline(value: object) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{name} = {inline(held)}" for name, held in value.items()) + " }"
        return json.dumps(value)

    return inline(where)


def files(granted: dict[str, list[Rule]]) -> dict[str, bytes]:
    """A policy set of so many partners."""
    found = {
        f"policies/{path.relative_to(ROOT).as_posix()}": path.read_bytes()
        for path in ROOT.rglob("*")
        if path.is_file() and path.parent.name != "partners"
    }
    for code, theirs in granted.items():
        low = code.lower()
        key = OKPKey.generate_key("X25519", private=False).as_dict(private=False)
        found[f"keys/partners/{code}.jwks.json"] = json.dumps({"keys": [{**key, "use": "enc"}]}).encode()
        head = (
            f'partner = "{code}"\nname = "{code}"\nkind = "government"\nnation = "{code}"\n'
            f'[agreement]\ninstrument = "Invented"\n'
            f'from = 2000-01-01\nuntil = 2090-01-01\ndatasets = ["elset"]\npurposes = {json.dumps(PURPOSES)}\n'
            f'[ceiling]\n8 = "SECRET"\n[channel]\ncredential = "bearer"\n[identity]\nissuer = "https://{low}.example"\n'
            f'audience = "gateway"\nalgorithms = ["EdDSA"]\n[[system]]\nid = "{low}"\nclearance = "SECRET"\n'
        )
        grants = [
            f'[[grant]]\nid = "{rule.id}"\ndataset = "elset"\npurposes = {json.dumps(PURPOSES)}\n'
            f"where = {toml_of(rule.where)}\n"
            for rule in theirs
        ]
        found[f"policies/partners/{code}.toml"] = (head + "".join(grants)).encode()
    return found


def questions(policy: CompiledPolicy, granted: dict[str, list[Rule]], chance: random.Random) -> list[Question]:
    """Different questions, about half of which some grant applies to."""
    asked: list[Question] = []
    for number in range(QUESTIONS):
        code = list(granted)[number % PARTNERS]
        subject = policy.subject(code, code.lower(), Claims(), Credential.BEARER, policy.recipient(code, AT))
        rule = chance.choice(granted[code])
        regime = chance.choice(rule.where["regime"] if number % 2 else REGIMES)  # type: ignore[arg-type]
        owners = frozenset({code}) if number % 4 else frozenset({chance.choice(NATIONS)})
        label = policy.read_label("elset", f"U//REL TO USA, {chance.choice(('GBR', 'JPN'))}, NATO", _day(number))
        facts = Facts({"dataMode": rule.where["dataMode"], "regime": regime, "owners": owners})  # type: ignore[dict-item]
        asked.append((subject, "elset", label, facts, chance.choice(PURPOSES), AT))
    return asked


def _day(number: int) -> date:
    return date(2026, 1, 1 + number % 28)


def stock(granted: dict[str, list[Rule]]) -> Callable[[Question], bool]:
    """One enforcer with every line, asked by the model that the gateway's own enforcers have."""
    model = Model()
    model.load_model_from_text((ROOT / "casbin-model.conf").read_text(encoding="utf-8"))
    enforcer = casbin.Enforcer(model)
    conditions = {rule.id: parse_condition(rule.where) for theirs in granted.values() for rule in theirs}
    enforcer.add_function("holds", lambda facts, rule: conditions[rule].truth(facts.values) is Truth.TRUE)
    for code, theirs in granted.items():
        for rule in theirs:
            for purpose in PURPOSES:
                enforcer.model.add_policy("p", "p", [code, "elset", "release", purpose, rule.id, "allow"])
    return lambda asked: bool(enforcer.enforce(asked[0].partner, asked[1], "release", asked[4], asked[3]))


def indexed(granted: dict[str, list[Rule]]) -> Callable[[Question], bool]:
    """The lines by partner, dataset and purpose: what nobody would call a policy engine, and its speed."""
    index = {
        (code, "elset", purpose): [parse_condition(rule.where) for rule in theirs]
        for code, theirs in granted.items()
        for purpose in PURPOSES
    }

    def ask(asked: Question) -> bool:
        values = asked[3].values
        return any(where.truth(values) is Truth.TRUE for where in index[asked[0].partner, asked[1], asked[4]])

    return ask


def gateway(policy: CompiledPolicy) -> Callable[[Question], bool]:
    """All nine gates; says what the one did that speaks of grants."""

    def ask(asked: Question) -> bool:
        decision = policy.decide(*asked)
        return next(result.passed for result in decision.gates if result.gate is Gate.GRANT)

    return ask


def per_question(ask: Callable[[Question], object], asked: Sequence[Question]) -> float:
    """Seconds of processor time a question."""
    begun = time.process_time()
    for question in asked:
        ask(question)
    return (time.process_time() - begun) / len(asked)


def measure(rounds: int) -> list[Line]:
    """All of them in turn, the median of the rounds; raises ``SystemExit`` when they disagree."""
    chance = random.Random(20260601)
    granted = {code: rules(code, chance) for code in NATIONS}
    policy_set = load(files(granted))
    warm, cold = compile_policy(policy_set), compile_policy(policy_set, memo_limit=0)
    asked = questions(warm, granted, chance)
    by_casbin, by_index = stock(granted), indexed(granted)
    first = asked[:: QUESTIONS // STOCK_QUESTIONS]
    applies = [by_index(question) for question in asked]
    if applies != [gateway(warm)(question) for question in asked] or not 0.1 < sum(applies) / len(asked) < 0.9:
        raise SystemExit("the gateway and the dictionary disagree; the figures mean nothing")
    if [by_casbin(question) for question in first] != [by_index(question) for question in first]:
        raise SystemExit("casbin and the dictionary disagree; the figures mean nothing")
    taken: dict[str, list[float]] = {"stock": [], "index": [], "cold": [], "warm": []}
    for _ in range(rounds):
        taken["stock"].append(per_question(by_casbin, first))
        taken["index"].append(per_question(by_index, asked))
        taken["cold"].append(per_question(lambda question: cold.decide(*question), asked[:500]))
        taken["warm"].append(per_question(lambda question: warm.decide(*question), asked))
    return lines({name: median(values) for name, values in taken.items()})


def lines(taken: dict[str, float]) -> list[Line]:
    """The table."""
    us = {name: f"{seconds * 1e6:.1f} us" for name, seconds in taken.items()}
    return [
        Line(f"stock pycasbin, {LINES} lines", us["stock"]),
        Line("indexed dictionary, grants alone", us["index"], taken["index"] / taken["stock"]),
        Line("nine gates, cold", us["cold"], taken["cold"] / taken["stock"], 1 / 100, more=False),
        Line(f"nine gates, warm among {QUESTIONS}", us["warm"], taken["warm"] / taken["stock"], 1 / 5000, more=False),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(describe())
    show(f"one decision, {LINES} policy lines over {PARTNERS} partners", measure(options.rounds))


if __name__ == "__main__":
    main()
