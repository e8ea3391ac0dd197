"""``relgate policy explain``: one question, every gate, where each ground is written, what would turn the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from gateway.cli.asking import Day, Moment, RecordFields, label_of, question_at
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.explaining import explanation_blocks, explanation_data
from gateway.cli.output import Line
from gateway.cli.policy_files import Where, files_in_force, files_of
from gateway.cli.session import Json, instant, session
from gateway.policy.compile import compile_policy
from gateway.policy.decision import Around
from gateway.policy.explain import explain as explain_question
from gateway.policy.load import load
from gateway.policy.trial import with_assumed_keys
from gateway.policy.whereabouts import Whereabouts
from gateway.service import now

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
    emergency: Annotated[
        list[str] | None, typer.Option("--emergency", help="An emergency that is open; may be given again.")
    ] = None,
    used: Annotated[
        list[str] | None, typer.Option("--used", help="ID=NUMBER: so much of a volume has gone; may be given again.")
    ] = None,
    tear_line: Annotated[bool, typer.Option("--tear-line", help="Ask about a record's tear-line version.")] = False,
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
    moment = instant(at, "--at") if at else now()
    around = Around(_used(used or ()), dict.fromkeys(emergency or (), moment), tear_line=tear_line)
    asked = question_at(
        policy,
        partner,
        dataset,
        at=moment.isoformat(),
        day=day,
        fields=field or (),
        purpose=purpose,
        system=system,
        around=around,
    )
    question = label_of(policy, asked, marking)
    explanation = explain_question(policy, question, Whereabouts(files))
    permitted = explanation.decision.permitted
    verdict = "would go to" if permitted else "would NOT go to"
    line = Line(f"A record of {dataset} marked {marking!r} {verdict} {partner}.", good=permitted)
    asks = {"partner": partner, "dataset": dataset, "marking": marking, "purpose": question.purpose}
    data = {**asks, "at": question.at.isoformat(), **explanation_data(explanation)}
    here.output(as_json).show(data, line, *explanation_blocks(explanation))


def _used(said: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in said:
        name, _, number = each.partition("=")
        if not name or not number.isdigit():
            raise CommandFailed(USAGE, f"--used: {each!r} is not ID=NUMBER", "--used jpn-daily=9990")
        found[name] = int(number)
    return found
