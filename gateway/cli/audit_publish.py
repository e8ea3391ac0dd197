"""``relgate audit publish`` and ``credential``: hand the log on, as a folder or over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.folder import publish as publish_log
from gateway.cli.audit_reading import record_read
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Data, Line
from gateway.cli.progress import bar
from gateway.cli.session import By, Json, LogKey, session
from gateway.identity.auditors import new_credential


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command(
        "publish",
        short_help="Bring a folder of static files up to the log.",
        epilog="Example: relgate audit publish /srv/log",
    )(publish)
    app.command(
        "credential",
        short_help="Make a token for an auditor.",
        epilog="Example: relgate audit credential inspector-general",
    )(credential)


def publish(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder; what is in it of this log is gone on with.")],
    entries: Annotated[
        bool, typer.Option("--entries", help="Write the entries too: every partner's leaves, for auditors only.")
    ] = False,
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Bring a folder of static files up to the log as it is now, in the form of c2sp.org/tlog-tiles. Writing entries
    is recorded first.
    """
    here = session(context)
    if entries:
        record_read(here, f"publish {folder} --entries", by, log_key)
    with here.reader(log_key) as reader, bar("tiles") as progress:
        done = publish_log(reader, folder, entries=entries, progress=progress)
    said = f"published {done.size} entries to {folder}: {done.written} files written"
    if done.taken:
        said += f", {done.taken} taken away that held entries which the log has removed"
    data: Data = {
        "folder": str(folder),
        "entries": done.size,
        "written": done.written,
        "taken": done.taken,
        "with_entries": entries,
    }
    here.output(as_json).show(data, Line(said, good=True))


def credential(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The auditor's name, as entries will give it.")],
    as_json: Json = False,
) -> None:
    """Make a token for an auditor, and the line for the file that `log_auditors` names. The token is shown once and
    kept nowhere.
    """
    try:
        token, line = new_credential(name)
    except ValueError as error:
        raise CommandFailed(USAGE, str(error), "such as inspector-general") from None
    blocks = (Line(f"token, for the auditor alone: {token}"), Line(f"line for log_auditors: {line}"))
    session(context).output(as_json).show({"name": name, "token": token, "line": line}, *blocks)
