"""``relgate policy explain``: one question, every gate, where each ground is written, what would turn the answer."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import Day, Moment, RecordFields, label_of, question_at
from gateway.cli.explaining import explanation_blocks, explanation_data
from gateway.cli.output import Line
from gateway.cli.policy_files import Where, files_in_force, files_of
from gateway.cli.session import Json, session
from gateway.policy.compile import compile_policy
from gateway.policy.explain import explain as explain_question
from gateway.policy.load import load
from gateway.policy.trial import with_assumed_keys
from gateway.policy.whereabouts import Whereabouts

EXAMPLES = """Examples:

  relgate policy explain 'S//REL TO USA, FVEY' GBR elset --system gbr-space-command --purpose collision-avoidance

  relgate policy explain U KOR elset --purpose space-situational-awareness --field meanMotion=15.1 \
--field eccentricity=0.001 --json
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("explain", epilog=EXAMPLES)(explain)


def explain(
    context: typer.Context,
    marking: Annotated[str, typer.Argument(help="The marking, as a record of the dataset would carry it.")],
    partner: Annotated[str, typer.Argument(help="The partner that would ask.")],
    dataset: Annotated[str, typer.Argument(help="The dataset the record is in.")],
    field: RecordFields = None,
    day: Day = "",
    at: Moment = "",
    purpose: Annotated[str, typer.Option("--purpose", help="The purpose; by default the only one granted.")] = "",
    system: Annotated[str, typer.Option("--system", help="The calling system; by default the only one.")] = "",
    policies: Where = None,
    in_force: Annotated[bool, typer.Option("--in-force", help="Explain the set in force instead of a folder.")] = False,
    assume_key: Annotated[
        bool, typer.Option("--assume-key", help="Take the partner to have a sound key, whatever is registered.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Explain what a partner would get and why, with file and line. Always exits 0 when there is an answer."""
    here = session(context)
    files = files_in_force(here) if in_force else files_of(here, policies)
    loaded = load(files)
    policy = compile_policy(with_assumed_keys(loaded) if assume_key else loaded)
    asked = question_at(policy, partner, dataset, at=at, day=day, fields=field or (), purpose=purpose, system=system)
    question = label_of(policy, asked, marking)
    explanation = explain_question(policy, question, Whereabouts(files))
    permitted = explanation.decision.permitted
    verdict = "would go to" if permitted else "would NOT go to"
    line = Line(f"A record of {dataset} marked {marking!r} {verdict} {partner}.", good=permitted)
    asks = {"partner": partner, "dataset": dataset, "marking": marking, "purpose": question.purpose}
    data = {**asks, "at": question.at.isoformat(), **explanation_data(explanation)}
    here.output(as_json).show(data, line, *explanation_blocks(explanation))
