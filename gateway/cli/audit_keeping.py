"""``relgate audit backup``, ``restore``, ``archive``, ``check-archive``, ``remove``, ``reindex``: keeping the log.

What copies private parts is written down before it is copied; what takes them away, in the transaction that does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation.orders import Order
from gateway.audit import archive, backup, catalogue, retention
from gateway.audit import receipt as receipts
from gateway.audit.catalogue import Totals
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_verifier_key
from gateway.audit.database import Database
from gateway.audit.entry import Draft, Event
from gateway.audit.leaf import Leaf
from gateway.audit.observed import said_of
from gateway.audit.orders import Part, Remove
from gateway.audit.reading import LogReader
from gateway.audit.terms import Private
from gateway.cli.audit_reading import record_read
from gateway.cli.audit_witnesses import refuse_an_old_copy
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Data, Line, Table
from gateway.cli.session import By, Json, LogKey, Reason, Session, instant, order, session

RESTORE_EXAMPLES = """Examples:

  relgate audit restore /mnt/backup/audit.sqlite3 --held head.checkpoint --held partner.tlog-proof

  relgate audit restore /mnt/backup/audit.sqlite3 --nothing-held
"""
What = Annotated[Part, typer.Option("--what", help="rows; private: those and private parts; leaf: all but the hash.")]
_PAGE = 500


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command(
        "backup",
        short_help="Copy the log, as it is at one moment, to a new file.",
        epilog="Example: relgate audit backup /mnt/backup/audit.sqlite3",
    )(back_up)
    app.command("restore", short_help="Put a checked copy back where no log is.", epilog=RESTORE_EXAMPLES)(restore)
    app.command(
        "archive",
        short_help="Write a month of the log to a file that proves itself.",
        epilog="Example: relgate audit archive 2026-03 --to /mnt/cold --remove private",
    )(write_archive)
    app.command(
        "check-archive",
        short_help="Check an archive by itself.",
        epilog="Example: relgate audit check-archive /mnt/cold/2026-03.audit",
    )(check_archive)
    app.command(
        "remove",
        short_help="Take bodies of old entries out of the log for good.",
        epilog="Example: relgate audit remove --before 2025-01-01 --what private --reason R7",
    )(remove)
    app.command(
        "reindex",
        short_help="Compare the catalogue that searches use with the entries.",
        epilog="Example: relgate audit reindex",
    )(reindex)


def back_up(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(help="A new file.")],
    by: By = "",
    as_json: Json = False,
) -> None:
    """Copy the log, as it is at one moment, to a new file, check the copy whole, and write its checkpoint beside it.

    Gateways go on writing meanwhile.
    """
    here = session(context)
    settings = here.settings
    record_read(here, f"backup {to.name}", by, "")
    backup.back_up(settings.log_url, to)
    report = backup.check_copy(to, settings.log_origin, here.verifier(), [], _witnesses(here))
    if not report.sound:
        found = report.findings[0]
        raise CommandFailed(REFUSED, f"the copy is not sound: {found.where}: {found.what}", "run relgate audit verify")
    checkpoint = to.with_name(to.name + ".checkpoint")
    checkpoint.write_text(report.checkpoint, encoding="utf-8")
    data: Data = {"file": str(to), "entries": report.size, "checkpoint": str(checkpoint)}
    said = f"{report.size} entries copied to {to} and checked; keep {checkpoint} elsewhere"
    here.output(as_json).show(data, Line(said, good=True))


def restore(
    context: typer.Context,
    copy: Annotated[Path, typer.Argument(help="The file that backup wrote.")],
    held: Annotated[
        list[Path] | None, typer.Option("--held", help="A checkpoint or receipt kept elsewhere; give all you have.")
    ] = None,
    nothing_held: Annotated[
        bool, typer.Option("--nothing-held", help="No checkpoint is held anywhere: nobody can say if the copy is old.")
    ] = False,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Put a copy back where no log is, after checking it whole, against every checkpoint held elsewhere, and with the
    witnesses of the settings. A copy that is older than one of them is refused.
    """
    here = session(context)
    if not held and not nothing_held:
        hint = "any receipt of any partner holds one; --nothing-held says that there is none anywhere"
        raise CommandFailed(USAGE, "give --held: a copy does not show by itself that it is old", hint)
    if not copy.is_file():
        raise CommandFailed(USAGE, f"{copy} is not there", "name the file that backup wrote")
    settings, verifier = here.settings, here.verifier()
    checkpoints = [held_checkpoint(path, verifier) for path in held or ()]
    report = backup.check_copy(copy, settings.log_origin, verifier, checkpoints, _witnesses(here))
    if not report.sound:
        found = report.findings[0]
        raise CommandFailed(REFUSED, f"not put back: {found.where}: {found.what}", "find a newer copy")
    refuse_an_old_copy(settings, copy, verifier, held=bool(held))
    backup.put_back(copy, settings.log_url)
    told = order(by, "")
    with here.log() as log:
        what = f"{report.size} entries, against {len(checkpoints)} checkpoint(s)"
        log.append_now(
            (Draft(Event.RESTORED, told.at, "restored", private={"by": told.by, "what": what, **said_of(told.seen)}),)
        )
    data: Data = {"entries": report.size, "held": len(checkpoints)}
    here.output(as_json).show(data, Line(f"put back: {what}", good=True))


def held_checkpoint(path: Path, verifier: VerifierKey) -> Checkpoint:
    """The checkpoint in a file, which may be a receipt. Raises ``CommandFailed``, ``ProofRefused``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(USAGE, f"{path}: {error}", "name a checkpoint or a receipt") from None
    note = receipts.parse(text).checkpoint if text.startswith(receipts.HEADER) else text
    return open_checkpoint(note, [verifier])


def write_archive(
    context: typer.Context,
    month: Annotated[str, typer.Argument(help="The month, such as 2026-03. It must be over.")],
    to: Annotated[Path, typer.Option("--to", help="Folder for the archive file.")],
    remove: Annotated[
        Part | None, typer.Option("--remove", help="And then take this out of the log: rows, private or leaf.")
    ] = None,
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Write a month of the log to a file that proves itself, check it, and with --remove take the bodies out of the
    log; the removal names the file by its SHA-256.
    """
    here = session(context)
    if remove is not None and not to.is_dir():
        hint = "mount the storage, or make the folder: bodies leave the log only for a file that lies where it should"
        raise CommandFailed(USAGE, f"{to} is no folder that is there", hint)
    record_read(here, f"archive {month}", by, "")
    file = to / f"{month}.audit"
    told = order(by, reason)
    with _database(here) as database:
        archive.write(database, month, told.at, file)
    kept = archive.Archive(file, here.settings.log_origin, here.verifier())
    found = kept.verify()
    kept.close()
    name = archive.digest(file)
    where = found.partition
    removed = 0
    if remove is not None:
        told = replace(told, reason=reason or f"archived {month}")
        removed = _remove(here, remove, where.first, where.last, told, name)
    data: Data = {
        "file": str(file), "sha256": name, "first": where.first, "last": where.last, "bodiless": found.bodiless,
        "removed": removed,
    }  # fmt: skip
    said = f"{found.entries} entries ({where.first} to {where.last}) in {file}, SHA-256 {name}"
    lines = [Line(said, good=True)]
    if found.bodiless:
        lines.append(Line(f"{found.bodiless} of them had lost their bodies before: keep the archive made earlier"))
    if remove is not None:
        lines.append(Line(f"{removed} entries lost their bodies"))
    here.output(as_json).show(data, *lines)


def check_archive(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The archive file.")],
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Check an archive by itself: every entry against its leaf, all leaves against the signed root. Needs the log's
    verifier key, and neither gateway nor log.
    """
    here = session(context)
    verifier = here.verifier(log_key)  # with a key, no settings are needed: the log's name is the key's
    kept = archive.Archive(file, verifier.name if log_key else here.settings.log_origin, verifier)
    try:
        found = kept.verify()
    finally:
        kept.close()
    data: Data = {
        "sound": True, "month": found.partition.month, "first": found.partition.first, "last": found.partition.last,
        "entries": found.entries, "bodiless": found.bodiless, "tree_size": found.checkpoint.size,
        "sha256": archive.digest(file),
    }  # fmt: skip
    lacking = f", {found.bodiless} of them without a body" if found.bodiless else ""
    under = f"under a checkpoint of {found.checkpoint.size}"
    said = f"sound: {found.entries} entries of {found.partition.month}{lacking}, {under}"
    here.output(as_json).show(data, Line(said, good=True))


def remove(
    context: typer.Context,
    before: Annotated[str, typer.Option("--before", help="Entries before this moment.")],
    what: What,
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take bodies of old entries out of the log for good. Their hashes stay, and the log still verifies. Orders,
    stops and activations are never removed. What is not in an archive or a backup is gone.
    """
    here = session(context)
    at = instant(before, "--before")
    told = order(by, reason)
    if at > told.at or not reason:
        raise CommandFailed(USAGE, "give a moment that has passed, and --reason", "the removal says why")
    with _database(here) as database, database.reading() as connection:
        first, last = 0, retention.begun_before(connection, at) - 1
    count = _remove(here, what, first, last, told, "") if last >= first else 0
    data: Data = {"first": first, "last": last, "removed": count}
    here.output(as_json).show(data, Line(f"{count} entries lost their {what}", good=True))


def _remove(here: Session, what: Part, first: int, last: int, told: Order, in_archive: str) -> int:
    """Remove in slices, each an entry and a transaction of its own; how many entries lost something."""
    with here.log() as log:
        before = log.bodies_removed()
        for start in range(first, last + 1, retention.SLICE):
            end = min(last, start + retention.SLICE - 1)
            log.remove(Remove(what, start, end, told.by, told.reason, told.at, in_archive), told.seen)
        return log.bodies_removed() - before


def reindex(context: typer.Context, log_key: LogKey = "", as_json: Json = False) -> None:
    """Compare the catalogue that searches use with the entries it comes from. Exit code 1 if they differ: somebody
    changed the database, and a search may have missed something.
    """
    here = session(context)
    totals: Totals = {}
    with _database(here) as database, here.reader(log_key) as reader, database.reading() as connection:
        size = reader.size()
        wrong = catalogue.compare(connection, _counted(reader, size, totals))
        wrong += catalogue.compare_totals(catalogue.read_totals(connection), totals)
    good = not wrong
    said = f"the catalogue agrees with all {size} entries" if good else f"{len(wrong)} difference(s)"
    data: Data = {"agrees": good, "entries": size, "differences": list(wrong)}
    here.output(as_json).show(data, Line(said, good=good), *([] if good else [Table(("what",), [(w,) for w in wrong])]))
    if not good:
        raise typer.Exit(REFUSED)


def _counted(reader: LogReader, size: int, totals: Totals) -> Iterator[tuple[int, Leaf, Private | None]]:
    after = -1
    while page := [each for each in reader.summaries(after, _PAGE) if each.index < size]:
        for each in page:
            if each.private is not None:
                catalogue.count_in(totals, each.leaf, each.private)
                catalogue.count_removed(totals, each.private)
            yield each.index, each.leaf, each.private
        after = page[-1].index


def _witnesses(here: Session) -> list[VerifierKey]:
    """The witnesses that the settings name, beside those that the log's entries do."""
    return [parse_verifier_key(key) for key in here.settings.witness_keys]


@contextlib.contextmanager
def _database(here: Session) -> Iterator[Database]:
    """The log's store, for as long as a block lasts."""
    settings = here.settings
    database = Database(settings.log_url, busy_timeout=settings.busy_timeout_ms / 1000)
    try:
        yield database
    finally:
        database.close()
