"""``relgate``: puts the verbs together, and turns what went wrong into an exit code and a message."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_group

from gateway import __version__
from gateway.cli import (
    audit,
    check,
    emergency,
    keys,
    marking,
    officers,
    open_,
    policy,
    receipt,
    review,
    serve,
    settings,
    stop,
    token,
    witness,
)
from gateway.cli.errors import FAILURES, explain, report
from gateway.cli.session import Session

app = typer.Typer(
    name="relgate",
    help="The releasability gateway: run it, ask what it would release, give orders, read its log.",
    epilog="Exit codes: 0 done or permitted, 1 refused or failed, 2 used wrongly, 3 not available now.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _relgate(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file; by default RELGATE_CONFIG or ./relgate.toml.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour, also on a terminal.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Say the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = Session(config=config, color=not no_color)


serve.add_to(app)
check.add_to(app)
stop.add_to(app)
open_.add_to(app)
witness.add_to(app)
settings.add_to(app)
app.add_typer(policy.app)
app.add_typer(emergency.app)
app.add_typer(officers.app)
app.add_typer(review.app)
app.add_typer(marking.app)
app.add_typer(token.app)
app.add_typer(keys.app)
app.add_typer(audit.app)
app.add_typer(receipt.app)


@cache
def _command() -> TyperGroup:
    """All verbs, put together once: that takes longer than many a verb does."""
    return get_group(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; ends the process with its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _command()(given, prog_name="relgate")
    except FAILURES as error:
        failed = explain(error)
        report(failed, as_json="--json" in given)
        sys.exit(failed.code)
