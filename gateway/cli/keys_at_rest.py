"""``relgate keys passphrase``, ``status``, ``encrypt`` and ``reencrypt``: private files under a passphrase.

A passphrase is never an argument: others can read a command line. It is in a file, or comes through a descriptor.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Data, Line, Table
from gateway.cli.session import Json, Session, session
from gateway.keys.atrest import Passphrase, read_passphrase
from gateway.keys.files import write_private
from gateway.keys.reencrypt import private_files, reencrypt

Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="The folder of keys: by default the gateway's; a witness's or an auditor's else."),
]
OLD_COPIES = "older copies in clear may be left in backups, in snapshots and in blocks the disk has not written over"


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command("passphrase", epilog="Example: relgate keys passphrase /run/keys/relgate")(passphrase)
    app.command("status", epilog="Example: relgate keys status --json")(status)
    app.command("encrypt", epilog="Example: RELGATE_KEYS_PASSPHRASE_FILE=/run/keys/relgate relgate keys encrypt")(
        encrypt
    )
    app.command("reencrypt", epilog="Example: relgate keys reencrypt --new-passphrase-file /run/keys/new")(change)


def passphrase(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to make; it is never replaced.")],
    as_json: Json = False,
) -> None:
    """Make a file with a passphrase of 32 random bytes. Keep it where the keys' backups are not."""
    write_private(file, secrets.token_urlsafe(32).encode() + b"\n")
    line = Line(f"made {file} (0600); set keys_passphrase_file to it, and keep a copy apart from the keys", good=True)
    session(context).output(as_json).show({"file": str(file)}, line)


def status(context: typer.Context, folder: Folder = None, as_json: Json = False) -> None:
    """Show which private files there are and whether each is encrypted. Needs no passphrase."""
    here = session(context)
    found = private_files(_folder(here, folder))
    listed: list[Data] = [{"file": str(kept.path), "encrypted": kept.encrypted} for kept in found]
    rows = [(kept.path.name, "encrypted" if kept.encrypted else "IN CLEAR") for kept in found]
    here.output(as_json).show({"files": listed}, Table(("file", "state"), rows))


def encrypt(context: typer.Context, folder: Folder = None, as_json: Json = False) -> None:
    """Encrypt the private files that lie in clear, all or none, under the passphrase that the settings name."""
    here = session(context)
    under = here.keeping.passphrase
    if under is None:
        raise CommandFailed(
            USAGE, "no passphrase is set", "make one with `relgate keys passphrase FILE`; set keys_passphrase_file"
        )
    _change(here, _folder(here, folder), under, under, as_json=as_json)


def change(
    context: typer.Context,
    new: Annotated[Path, typer.Option("--new-passphrase-file", help="File, or /dev/fd/N, with the new passphrase.")],
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Change the passphrase of all private files, all or none. Run again after a crash, it finishes what it began."""
    here = session(context)
    _change(here, _folder(here, folder), here.keeping.passphrase, read_passphrase(new), as_json=as_json)


def _change(here: Session, folder: Path, old: Passphrase | None, new: Passphrase, *, as_json: bool) -> None:
    changed = reencrypt(folder, old, new)
    data: Data = {"folder": str(folder), "changed": [path.name for path in changed]}
    said = f"encrypted {', '.join(path.name for path in changed)}" if changed else "every file was so already"
    notes = [Line(f"note: {OLD_COPIES}")] if changed else []
    here.output(as_json).show(data, Line(f"{folder}: {said}", good=True), *notes)


def _folder(here: Session, folder: Path | None) -> Path:
    return here.settings.private_keys_dir if folder is None else folder
