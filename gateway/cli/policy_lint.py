"""``relgate policy lint``: every mistake of a policy set, and what will soon be one, with place and remedy."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer

from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Block, Data, Line
from gateway.cli.policy_files import Where, files_of
from gateway.cli.sarif import as_sarif
from gateway.cli.session import Json, instant, session
from gateway.policy.lint import WITHIN, Lint, Severity, failing
from gateway.policy.lint import lint as examine
from gateway.service import now

EXAMPLES = """Examples:

  relgate policy lint

  relgate policy lint --policies proposed/policies --at 2027-01-01 --within 90 --sarif > lint.sarif
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("lint", epilog=EXAMPLES)(lint)


def lint(
    context: typer.Context,
    policies: Where = None,
    at: Annotated[str, typer.Option("--at", help="The day asked about; by default today.")] = "",
    within: Annotated[
        int, typer.Option("--within", min=0, max=3650, help="How many days ahead to look for what lapses.")
    ] = WITHIN.days,
    sarif: Annotated[bool, typer.Option("--sarif", help="Write SARIF 2.1.0 to standard output.")] = False,
    as_json: Json = False,
) -> None:
    """List every mistake with file, line, column, what is wrong and how to mend it. Exit code 1 if there is any."""
    if sarif and as_json:
        raise CommandFailed(USAGE, "--sarif and --json are two answers", "ask for one of them")
    here = session(context)
    moment = instant(at, "--at") if at else now()
    found = examine(files_of(here, policies), moment, timedelta(days=within))
    if sarif:
        print(json.dumps(as_sarif(found), indent=2, ensure_ascii=False))
    else:
        here.output(as_json).show(_data(found), *_blocks(found))
    if failing(found):
        raise typer.Exit(REFUSED)


def _data(found: tuple[Lint, ...]) -> Data:
    listed: list[Data] = [
        {
            "rule": each.rule,
            "severity": each.severity.value,
            "file": each.finding.file,
            "line": each.finding.line,
            "column": each.finding.column,
            "field": each.finding.field,
            "message": each.finding.message,
            "hint": each.finding.hint,
        }
        for each in found
    ]
    return {"sound": not failing(found), "findings": listed}


def _blocks(found: tuple[Lint, ...]) -> list[Block]:
    lines: list[Block] = [
        Line(f"{each.finding} [{each.severity}: {each.rule}]", good=None if each.severity is Severity.NOTE else False)
        for each in found
    ]
    counted = [f"{sum(each.severity is severity for each in found)} {severity}s" for severity in Severity]
    said = "nothing is wrong" if not failing(found) else "mend what is listed"
    return [*lines, Line(f"{', '.join(counted)}: {said}", good=not failing(found))]
