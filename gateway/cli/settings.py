"""``relgate settings``: what is in force and where each value came from, secrets masked."""

from __future__ import annotations

import typer

from gateway.cli.output import Table
from gateway.cli.session import Json, session

EXAMPLES = """Examples:

  relgate settings

  relgate --config /etc/relgate.toml settings --json

  RELGATE_MODE=development relgate settings
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("settings", epilog=EXAMPLES)(show)


def show(context: typer.Context, as_json: Json = False) -> None:
    """Print every setting, its value with secrets masked, and where it came from."""
    rows = tuple(session(context).loaded.shown())
    data = {name: {"value": value, "from": origin} for name, value, origin in rows}
    session(context).output(as_json).show(data, Table(("setting", "value", "from"), rows))
