"""``relgate policy diff``: what changed in meaning between two policy sets."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.output import Data, Line, Table
from gateway.cli.policy_files import IN_FORCE, named_files
from gateway.cli.session import Json, session
from gateway.policy.changes import Direction
from gateway.policy.diff import diff as compare
from gateway.policy.load import load

EXAMPLES = """Examples:

  relgate policy diff in-force policies

  relgate policy diff ../main/policies policies --json
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("diff", epilog=EXAMPLES)(diff)


def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help=f"A folder of policy files, or {IN_FORCE}.")],
    new: Annotated[str, typer.Argument(help=f"A folder of policy files, or {IN_FORCE}.")],
    as_json: Json = False,
) -> None:
    """Say what changed in meaning, and whether each change can only release more, only less, or either."""
    here = session(context)
    changes = compare(load(named_files(here, old)), load(named_files(here, new)))
    listed: list[Data] = [
        {"file": each.file, "what": each.what, "text": each.text, "direction": each.direction.value} for each in changes
    ]
    rows = [(each.direction.value, each.file, each.what, each.text) for each in changes]
    counts = {way.value: sum(each.direction is way for each in changes) for way in Direction}
    said = ", ".join(f"{count} {way}" for way, count in counts.items()) if changes else "the two sets mean the same"
    table = [Table(("direction", "file", "what", "change"), rows)] if rows else []
    here.output(as_json).show({"changes": listed, "counts": counts}, *table, Line(said))
