"""``relgate audit verify``: check a whole log or a published folder, and the checkpoint that an auditor holds from
before. Shows nothing private and leaves no entry. A state file holds what officers' orders say, and is its owner's
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit import reckoned
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_verifier_key
from gateway.audit.database import Database
from gateway.audit.errors import ProofRefused
from gateway.audit.folder import write_whole
from gateway.audit.folder_check import Holds, verify_folder
from gateway.audit.reckoned import Reckoned
from gateway.audit.verification import Report
from gateway.audit.verification import verify as verify_log
from gateway.cli.audit_keeping import held_checkpoint
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Block, Data, Line, Table
from gateway.cli.progress import bar
from gateway.cli.session import Json, LogKey, Session, session
from gateway.cli.whole_file import whole_file

EXAMPLES = """Examples:

  relgate audit verify --keep head.checkpoint

  relgate audit verify --held head.checkpoint

  relgate audit verify --folder /media/log --log-key "$LOG_KEY" --state last.checkpoint

  relgate audit verify --folder /srv/mirror --log-key "$LOG_KEY" --holds hashes
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("verify", short_help="Check the whole log, or a published folder.", epilog=EXAMPLES)(verify)


def verify(
    context: typer.Context,
    held: Annotated[
        Path | None, typer.Option("--held", help="A checkpoint or receipt kept from before: the log must extend it.")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Write the checkpoint found to this file.")] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", help="Go on from what this file says of the last check, and write there what is found."
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="A published folder; then nothing but --log-key is needed.")
    ] = None,
    holds: Annotated[
        Holds, typer.Option("--holds", help="What the folder must hold; partners and witnesses have `hashes` alone.")
    ] = Holds.WHOLE,
    processes: Annotated[
        int, typer.Option("--processes", min=0, max=64, help="How many check the log's store; 0: as it needs and can.")
    ] = 0,
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Check the whole log: every entry, hash, checkpoint and standing order. Exit code 1 if anything is not
    sound.
    """
    if state is not None and (held is not None or keep is not None):
        raise CommandFailed(USAGE, "--state is --held and --keep in one", "leave the others out")
    here = session(context)
    verifier = here.verifier(log_key)
    kept: Checkpoint | None = None
    before: Reckoned | None = None
    if state is not None and state.exists():
        kept, before = _taken_up(state, verifier)
    elif held is not None:
        kept = held_checkpoint(held, verifier)
    if folder is not None and not folder.is_dir():
        raise CommandFailed(USAGE, f"{folder} is no folder", "name the folder that `relgate audit publish` wrote")
    with bar("entries") as progress:
        if folder is None:
            report = _check_store(here, verifier, kept, before, progress, processes)
        else:
            # The key's name is the log's (a folder is checked where there are no settings).
            origin = verifier.name if log_key else here.settings.log_origin
            whole = state is None
            report = verify_folder(folder, origin, verifier, held=kept, whole=whole, holds=holds, progress=progress)
    _show(here, report, kept, as_json)
    if not report.sound:
        raise typer.Exit(REFUSED)
    if keep is not None:
        write_whole(keep, report.checkpoint.encode())
    if state is not None:
        found = report.reckoned
        with whole_file(state) as file:
            file.write(report.checkpoint.encode() if found is None else reckoned.write(report.checkpoint, found))


def _taken_up(state: Path, verifier: VerifierKey) -> tuple[Checkpoint, Reckoned | None]:
    """The checkpoint in a state file and, where the log's store was checked, what the entries up to it add up to."""
    try:
        data = state.read_bytes()
    except OSError as error:
        raise CommandFailed(
            USAGE, f"{state}: {error.strerror}", "name a file that --state wrote, or a new one"
        ) from None
    if not reckoned.is_one(data):
        return held_checkpoint(state, verifier), None
    try:
        note, before = reckoned.parse(data)
    except ProofRefused as error:
        hint = "give its checkpoint with --held, and a new file with --state: all is then read once"
        raise CommandFailed(USAGE, f"{state}: {error}", hint) from None
    kept = open_checkpoint(note, [verifier])
    if kept.size != before.size:
        raise CommandFailed(USAGE, f"{state}: its sums are of {before.size} entries, its checkpoint is of {kept.size}")
    return kept, before


def _check_store(
    here: Session,
    verifier: VerifierKey,
    kept: Checkpoint | None,
    before: Reckoned | None,
    progress: Callable[[int, int], None],
    processes: int,
) -> Report:
    """Check the store: what came after the checkpoint if it is known what those before add up to, else all."""
    settings = here.settings
    database = Database(settings.log_url, busy_timeout=settings.busy_timeout_ms / 1000)
    witnesses = [parse_verifier_key(said.key) for said in settings.witnesses.values()]
    try:
        return verify_log(
            database,
            settings.log_origin,
            verifier,
            held=kept,
            whole=before is None,
            progress=progress,
            witnesses=witnesses,
            processes=processes,
            before=before,
        )
    finally:
        database.close()


_PART = (
    "the {} entries before were not read again: a change to them, their hashes, checkpoints or cosignatures, to the "
    "words that searches use, or beside a folder's tiles, shows only when all is checked (without --state)"
)


def _show(here: Session, report: Report, kept: Checkpoint | None, as_json: bool) -> None:
    findings: list[Data] = [{"where": each.where, "what": each.what} for each in report.findings]
    data: Data = {
        "sound": report.sound,
        "entries": report.size,
        "checked": report.checked,
        "hashes_alone": report.hashes_alone,
        "lacking": report.lacking,
        "extends_held": None if kept is None else report.sound,
        "findings": findings,
        "remarks": [{"where": each.where, "what": each.what} for each in report.remarks],
        "checkpoint": report.checkpoint,
    }
    against = " and extends the checkpoint you hold" if kept else ""
    if report.sound:
        what = f"the hashes of {report.checked} entries" if report.hashes_alone else f"{report.checked} entries"
        blocks: list[Block] = [Line(f"sound: {what} checked, the log agrees{against}", good=True)]
        if report.hashes_alone:
            blocks.append(Line("the folder holds no entries: what they say was not checked"))
        if report.lacking:
            blocks.append(Line(f"of {report.lacking} of them the hash alone: retention removed what they say"))
        if report.checked < report.size:
            blocks.append(Line(_PART.format(report.size - report.checked)))
        if kept is None:
            blocks.append(Line("a log put back whole shows only against a checkpoint kept elsewhere: --keep, --held"))
    else:
        blocks = [Line(f"NOT SOUND: {len(report.findings)} finding(s)", good=False)]
        blocks.append(Table(("where", "what"), [(each.where, each.what) for each in report.findings]))
    blocks += [Line(f"remark: {each.where} {each.what}") for each in report.remarks]
    here.output(as_json).show(data, *blocks)
