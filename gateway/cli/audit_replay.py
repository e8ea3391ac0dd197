"""``relgate audit replay``: make past decisions again from their entries, and say what comes out otherwise."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.audit_reading import entries_after, find, lost, record_read
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.output import Block, Data, Line, Table
from gateway.cli.session import By, Json, LogKey, session
from gateway.replay import Replayed, Replayer

EXAMPLES = """Examples:

  relgate audit replay

  relgate audit replay 17 --json
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("replay", short_help="Make every decision again, and compare.", epilog=EXAMPLES)(replay)


def replay(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(help="An entry's index or a release's id; nothing: the whole log.")] = "",
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Make every decision of an entry, or of the whole log, again. Exit code 1 if any comes out otherwise."""
    here = session(context)
    record_read(here, f"replay {entry or 'all'}", by, log_key)
    found = Replayed()
    with here.reader(log_key) as reader:
        replayer = Replayer(reader)
        try:
            for each in find(reader, entry) if entry else entries_after(reader, -1):
                replayer.replay(each, found)
            removed = lost(reader) if found.bodiless or not entry else ""
        except (LookupError, ValueError) as error:
            hint = "relgate audit verify says whether the log is whole"
            raise CommandFailed(REFUSED, f"an entry cannot be replayed: {error}", hint) from error
    columns = ("entry", "record", "what", "then", "now")
    rows = [
        (str(each.index), "-" if each.row is None else str(each.row), each.what, each.then, each.now)
        for each in found.differences
    ]
    listed: list[Data] = [dict(zip(columns, row, strict=True)) for row in rows]
    data: Data = {
        "entries": found.entries,
        "decisions": found.decisions,
        "differences": listed,
        "bodiless": found.bodiless,
        "note": removed,
    }
    same = not found.differences
    said = "all come out the same" if same else f"{len(rows)} come out otherwise"
    line = Line(f"{found.decisions} decisions of {found.entries} entries made again: {said}", good=same)
    blocks: list[Block] = [line] if same else [line, Table(columns, rows)]
    if found.bodiless:
        blocks.append(Line(f"not made again: decisions of {found.bodiless} entries that lack what they were made from"))
    if removed:
        blocks.append(Line(f"note: {removed}"))
    here.output(as_json).show(data, *blocks)
    if not same:
        raise typer.Exit(REFUSED)
