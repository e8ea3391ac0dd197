"""``relgate audit verify``: check a whole log, and the checkpoint that an auditor holds from before. Reads nothing
private and leaves no entry.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.checkpoint import Checkpoint, open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.verification import verify as verify_log
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Block, Data, Line, Table
from gateway.cli.session import Json, LogKey, Session, session

EXAMPLES = """Examples:

  relgate audit verify --keep head.checkpoint

  relgate audit verify --held head.checkpoint
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("verify", epilog=EXAMPLES)(verify)


def verify(
    context: typer.Context,
    held: Annotated[
        Path | None, typer.Option("--held", help="A checkpoint kept from before: the log must extend it.")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Write the checkpoint found to this file.")] = None,
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Check the whole log: every entry, hash, checkpoint and standing order. Exit code 1 if anything is not
    sound.
    """
    here = session(context)
    settings, verifier = here.settings, here.verifier(log_key)
    kept = None if held is None else _checkpoint(held, here, log_key)
    database = Database(settings.log_url, busy_timeout=settings.busy_timeout_ms / 1000)
    try:
        report = verify_log(database, settings.log_origin, verifier, held=kept, progress=_say_how_far)
    finally:
        database.close()
    findings: list[Data] = [{"where": each.where, "what": each.what} for each in report.findings]
    data: Data = {
        "sound": report.sound,
        "entries": report.size,
        "checked": report.checked,
        "extends_held": None if kept is None else report.sound,
        "findings": findings,
        "checkpoint": report.checkpoint,
    }
    against = " and extends the checkpoint you hold" if kept else ""
    if report.sound:
        blocks: list[Block] = [Line(f"sound: {report.checked} entries checked, the log agrees{against}", good=True)]
        if kept is None:
            blocks.append(Line("a log put back whole shows only against a checkpoint kept elsewhere: --keep, --held"))
    else:
        blocks = [Line(f"NOT SOUND: {len(report.findings)} finding(s)", good=False)]
        blocks.append(Table(("where", "what"), [(each.where, each.what) for each in report.findings]))
    here.output(as_json).show(data, *blocks)
    if not report.sound:
        raise typer.Exit(REFUSED)
    if keep is not None:
        keep.write_text(report.checkpoint, encoding="utf-8")


def _checkpoint(path: Path, here: Session, log_key: str) -> Checkpoint:
    try:
        note = path.read_bytes()
    except OSError as error:
        raise CommandFailed(USAGE, f"{path}: {error.strerror}", "relgate audit verify --keep FILE writes one") from None
    return parse_checkpoint(open_note(note, [here.verifier(log_key)]).text)


def _say_how_far(done: int, of: int) -> None:
    """On a terminal, say how far the check is; nothing in a pipe."""
    if sys.stderr.isatty():
        end = "\n" if done >= of else ""
        print(f"\r\033[Kchecked {done} of {of} entries", end=end, file=sys.stderr, flush=True)
