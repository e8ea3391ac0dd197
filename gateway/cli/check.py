"""``relgate check``: would this partner get a record marked so? Every gate, with every reason.

Nothing is released and nothing is written: the question is put to the policy files as they are on disk
(or, with ``--in-force``, to the set that the log says is in force), exactly as the pipeline would put it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from gateway.activation.files import read_policy_files
from gateway.activation.running import stored_set
from gateway.cli.asking import day_of, fields_of, known, purpose_of, read_marking, subject_of
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.explaining import duties_rows, obligations_data
from gateway.cli.output import Block, Data, Facts, Line, Table
from gateway.cli.session import Json, Session, instant, session
from gateway.policy.compile import compile_policy
from gateway.policy.decision import Around, Decision, Outcome
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet
from gateway.policy.reasons import MEANING, Reason
from gateway.service import now

EXAMPLES = """Examples:

  relgate check 'U//REL TO USA, JPN' JPN conjunction --field satNo1=25544 --field satNo2=43013

  relgate check 'SECRET//NOFORN' GBR elset --date 2026-06-14 --at 2026-07-01

  relgate check 'U' JPN elset --in-force --json
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("check", epilog=EXAMPLES)(check)


def check(
    context: typer.Context,
    marking: Annotated[str, typer.Argument(help="The marking, as a record of the dataset would carry it.")],
    partner: Annotated[str, typer.Argument(help="The partner that would ask.")],
    dataset: Annotated[str, typer.Argument(help="The dataset the record is in.")],
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="A field of the record that rules read, NAME=VALUE (JSON)."),
    ] = None,
    day: Annotated[str, typer.Option("--date", help="The day the record was marked; by default that of --at.")] = "",
    at: Annotated[str, typer.Option("--at", help="The moment of the question; by default now.")] = "",
    purpose: Annotated[str, typer.Option("--purpose", help="The purpose; by default the only one granted.")] = "",
    system: Annotated[str, typer.Option("--system", help="The calling system; by default the only one.")] = "",
    in_force: Annotated[bool, typer.Option("--in-force", help="Ask the set in force, with its stops.")] = False,
    as_json: Json = False,
) -> None:
    """Say whether a record so marked would go to a partner now, gate by gate. Exit code 0: it would; 1: it
    would not.
    """
    here = session(context)
    moment = instant(at, "--at") if at else now()
    found, stops, emergencies = _set(here, partner, dataset, in_force=in_force)
    policy = compile_policy(found)
    asker = known(found.partners, partner, "partner")
    known(found.datasets, dataset, "dataset")
    asking = subject_of(policy, asker, system, moment)
    label = read_marking(policy, dataset, marking, day_of(day, moment))
    around = policy.unused(partner, dataset, Around(emergencies=emergencies))
    facts = policy.facts(dataset, fields_of(field or ()), moment, stops, around)
    for_purpose = purpose_of(policy, asker, asking, dataset, purpose)
    decision = policy.decide(asking, dataset, label, facts, for_purpose, moment)
    data = _as_data(decision, partner, dataset, for_purpose, moment)
    here.output(as_json).show(data, *_blocks(decision, marking, partner, dataset))
    if not decision.permitted:
        raise typer.Exit(REFUSED)


def _set(
    here: Session, partner: str, dataset: str, *, in_force: bool
) -> tuple[PolicySet, tuple[str, ...], dict[str, datetime]]:
    """The set to ask, with the stops and the opened emergencies that concern the question."""
    if not in_force:
        return load(read_policy_files(here.settings.policies_dir, here.settings.keys_dir)), (), {}
    with here.reader() as reader:
        standing = reader.standing()
        if standing.active is None:
            raise CommandFailed(REFUSED, "no policy set is in force", "relgate policy activate")
        concerned = {partner, dataset}
        stops = tuple(str(stop) for stop in standing.stops if stop.subject in concerned)
        return stored_set(reader, standing.active), stops, standing.emergencies(partner)


def _as_data(decision: Decision, partner: str, dataset: str, purpose: str, at: datetime) -> Data:
    gates: list[Data] = [
        {"gate": result.gate.value, "outcome": result.outcome.value, "reasons": list(result.reasons)}
        for result in decision.gates
    ]
    duties = decision.obligations
    return {
        "permitted": decision.permitted,
        "partner": partner,
        "dataset": dataset,
        "purpose": purpose,
        "at": at.isoformat(),
        "gates": gates,
        "grants": list(decision.grants),
        "obligations": obligations_data(duties),
        "policy": decision.policy,
        "stays_true_until": decision.stays_true_until.isoformat() if decision.stays_true_until else None,
    }


def _blocks(decision: Decision, marking: str, partner: str, dataset: str) -> list[Block]:
    verdict = "would go to" if decision.permitted else "would NOT go to"
    blocks: list[Block] = [
        Line(f"A record of {dataset} marked {marking!r} {verdict} {partner}.", good=decision.permitted)
    ]
    rows = []
    for result in decision.gates:
        said = "passed" if result.outcome is Outcome.PASSED else result.outcome.value.upper()
        rows.append((result.gate.value, said, "; ".join(_meaning(reason) for reason in result.reasons)))
    blocks.append(Table(("gate", "outcome", "why not"), rows))
    duties = decision.obligations
    facts = [("grants", ", ".join(decision.grants) or "none")]
    if decision.permitted:
        facts += duties_rows(duties)
    until = decision.stays_true_until
    facts.append(("policy set", decision.policy[:16]))
    facts.append(("stays true until", until.isoformat() if until else "the policy changes"))
    blocks.append(Facts(facts))
    return blocks


def _meaning(reason: str) -> str:
    try:
        return f"{reason}: {MEANING[Reason(reason)]}"
    except (ValueError, KeyError):
        return reason
