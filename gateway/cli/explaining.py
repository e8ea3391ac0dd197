"""Show an explanation: each gate with its reasons, its grounds and their places, then what the opposite would take."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from gateway.cli.output import Block, Data, Facts, Line, Table
from gateway.policy.decision import Obligations, Outcome
from gateway.policy.explain import Account, Explanation
from gateway.policy.telling import marked, named, reviewed, witnessed
from gateway.policy.whereabouts import Place
from gateway.policy.wording import number, span, step_text


def place_data(place: Place) -> Data:
    """A place for programs."""
    return {"file": place.file, "line": place.line, "column": place.column}


def explanation_data(explanation: Explanation) -> dict[str, Data]:
    """An explanation for programs."""
    return {
        "permitted": explanation.decision.permitted,
        "gates": [_account_data(account) for account in explanation.accounts],
        "grants": list(explanation.decision.grants),
        "obligations": obligations_data(explanation.decision.obligations),
        "opposite": list(explanation.opposite),
        "policy": explanation.decision.policy,
    }


def _account_data(account: Account) -> Data:
    against: list[Data] = [
        {"code": each.code, "meaning": each.meaning, "change": each.change, "whose": each.whose.value}
        for each in account.against
    ]
    grounds: list[Data] = [{"text": ground.text, "place": place_data(ground.place)} for ground in account.grounds]
    return {"gate": account.gate.value, "outcome": account.outcome.value, "against": against, "grounds": grounds}


def obligations_data(duties: Obligations) -> Data:
    """What a release obliges to, for programs."""
    return {
        "drop": sorted(duties.drop),
        "round": {path: number(step) for path, step in sorted(duties.round.items())},
        "coarsen_seconds": {path: int(span_.total_seconds()) for path, span_ in sorted(duties.coarsen.items())},
        "only": None if duties.only is None else sorted(duties.only),
        "watermark": dict(sorted(duties.watermark.items())),
        "delay_seconds": int(duties.delay.total_seconds()),
        "review": reviewed(duties.review),
        "witnesses": witnessed(duties.witnesses),
        "because": list(duties.because),
    }


def explanation_blocks(explanation: Explanation) -> list[Block]:
    """An explanation for people."""
    rows: list[tuple[str, str, str, str]] = []
    for account in explanation.accounts:
        said = "passed" if account.outcome is Outcome.PASSED else account.outcome.value.upper()
        lines = [(each.meaning, "") for each in account.against]
        lines += [(ground.text, str(ground.place)) for ground in account.grounds]
        for number_, (text, place) in enumerate(lines or [("", "")]):
            rows.append((account.gate.value if not number_ else "", said if not number_ else "", text, place))
    blocks: list[Block] = [Table(("gate", "outcome", "why", "where"), rows)]
    if explanation.decision.permitted:
        blocks.append(Facts(duties_rows(explanation.decision.obligations)))
    return [*blocks, Line("For the opposite answer:"), *(Line(f"  {each}") for each in explanation.opposite)]


def duties_rows(duties: Obligations) -> list[tuple[str, str]]:
    """What a release obliges to, for people; what only some grants ask for stands there where one does."""
    steps: dict[str, Decimal | timedelta] = {**duties.round, **duties.coarsen}
    rounded = ", ".join(f"{path} to {step_text(step)}" for path, step in sorted(steps.items()))
    special = [("fields that go", named(duties.only))] if duties.only is not None else []
    if duties.watermark:
        special.append(("watermark", marked(duties)))
    if duties.witnesses:
        special.append(("witnesses", witnessed(duties.witnesses)))
    return [
        ("left out", ", ".join(sorted(duties.drop)) or "nothing"),
        ("rounded", rounded or "nothing"),
        *special,
        ("delay", span(duties.delay)),
        ("review", reviewed(duties.review)),
        ("because", "; ".join(duties.because) or "no grant asks for anything"),
    ]
