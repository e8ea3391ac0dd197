"""Backing a SQLite log up while it is being written, and putting a copy back.

Rules.

1. A backup is made by SQLite's online backup in one step: one moment of the log, all commits before it and none after.
   Gateways go on writing. It is one file that stands by itself, mode 0600, synced before it has its name.
2. A copy is put back only where no log is, and only after it was checked whole and against every checkpoint held
   elsewhere that the operator has. A copy that is older than one of them is refused: to go on from it would fork the
   log, and every receipt given out since would speak against the gateway.
3. Nothing inside a copy shows that it is old. That takes a checkpoint from outside: kept by an auditor, in any
   partner's receipt, or seen by a witness.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from gateway.audit.checkpoint import Checkpoint, VerifierKey
from gateway.audit.database import Database
from gateway.audit.errors import AuditError, LogUnavailable
from gateway.audit.verification import Report, verify

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside its file."""


class BackupRefused(AuditError):
    """A backup cannot be made, or a copy cannot be put back."""


def sqlite_file(url: str) -> Path:
    """The file of a SQLite log. Raises :class:`BackupRefused` for another store."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        hint = "Use the server's own tools: pg_dump, or its continuous archiving."
        raise BackupRefused("only a SQLite log can be backed up by this command", hint=hint)
    return Path(parsed.database)


def back_up(url: str, to: Path) -> None:
    """Copy the log as it is at one moment to a new file. Raises :class:`BackupRefused`, :class:`LogUnavailable`."""
    source = sqlite_file(url)
    if not source.exists():
        raise LogUnavailable("read", f"{source} is not there")
    _copy(source, to)


def check_copy(
    copy: Path,
    origin: str,
    verifier: VerifierKey,
    held: Sequence[Checkpoint],
    witnesses: Sequence[VerifierKey] = (),
) -> Report:
    """Check a copy whole, and against checkpoints kept elsewhere; the first report that finds something. ``witnesses``
    are the keys of witnesses besides those that its entries name.

    Raises :class:`LogUnavailable` when it cannot be read at all.
    """
    database = Database(f"sqlite:///{copy}")
    try:
        for checkpoint in held or (None,):
            report = verify(database, origin, verifier, held=checkpoint, witnesses=witnesses, processes=0)
            if not report.sound:
                break
        return report
    finally:
        database.close()


def put_back(copy: Path, url: str) -> None:
    """Make a checked copy the log. Raises :class:`BackupRefused` where a log is already."""
    target = sqlite_file(url)
    there = [name for name in (target, *(Path(f"{target}{end}") for end in COMPANIONS)) if name.exists()]
    if there:
        hint = "Move what is there aside, and keep it: it may be evidence."
        raise BackupRefused(f"{there[0]} is there already", hint=hint)
    _copy(copy, target)


def _copy(source: Path, to: Path) -> None:
    """Copy by SQLite's backup, aside, synced, then renamed: under its name the copy is always whole."""
    if to.exists():
        raise BackupRefused(f"{to} is there already", hint="Name a new file.")
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(to.name + ".partial")
    aside.unlink(missing_ok=True)
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with (
            contextlib.closing(sqlite3.connect(source)) as from_,
            contextlib.closing(sqlite3.connect(aside)) as into,
        ):
            from_.backup(into)
            into.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
        sync(aside)
        aside.rename(to)  # a crash before this leaves a .partial, which the next backup replaces
        sync(to.parent)
    except (sqlite3.Error, OSError) as error:
        aside.unlink(missing_ok=True)
        raise BackupRefused(f"{source} cannot be copied to {to}: {error}") from error


def sync(path: Path) -> None:
    """Wait until a file, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
