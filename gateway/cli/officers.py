"""``relgate officers``: who may sign orders and release records; make a key, put a list in force."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation import approval, orders
from gateway.activation.approval import Purpose
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Block, Data, Line, Table
from gateway.cli.session import By, Json, Reason, order, session
from gateway.cli.signing import OfficerKey, sign_order, signatures_of
from gateway.identity.officers import NAME, Officers, read_officers
from gateway.keys.officer import make_officer_key
from gateway.policy.values import LEVELS
from gateway.sealing.order_signature import public_of
from gateway.service import demand

app = typer.Typer(name="officers", help="The officers who sign orders and release records.", no_args_is_help=True)
ListFile = Annotated[Path, typer.Argument(help="The list of officers (TOML; docs/approval.md).")]


@app.command("key", epilog="Example: relgate officers key a.officer --out a.officer.pem")
def key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The officer's name as it will stand in the list and in the log.")],
    out: Annotated[Path, typer.Option("--out", help="Where the private key goes; it is never overwritten.")],
    as_json: Json = False,
) -> None:
    """Make an officer's key and API token, and print the table for the list. Keep key and token; send the table."""
    if re.fullmatch(NAME, name) is None:
        raise CommandFailed(USAGE, f"{name!r} is no name of an officer", "letters, digits, '.', '_', '@' and '-'")
    made = make_officer_key(out)
    token = secrets.token_urlsafe(32)
    public = dict(public_of(made).material)["x"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    if as_json:
        told = {"name": name, "keys": [public], "token": digest}
        session(context).output(as_json).show({"officer": told, "private_key": str(out), "api_token": token})
        return
    typer.echo(f'[[officer]]\nname = "{name}"\nkeys = ["{public}"]\ntoken = "{digest}"')
    typer.echo(f"\nprivate key: {out}\nAPI token, shown once: {token}", err=True)


@app.command("sign", epilog="Example: relgate officers sign officers.toml --key a.officer.pem")
def sign(context: typer.Context, file: ListFile, key: OfficerKey, as_json: Json = False) -> None:
    """Sign a new list of officers. Officers of the list in force sign; the first list is signed by its own."""
    here = session(context)
    listed = read_officers(_bytes(file))
    with here.log() as log:  # made if it is new: the first list is signed before anything else is done
        before = approval.in_force(log)
        counting = before if before.officers else listed
        sign_order(here, log, Purpose.OFFICERS, listed.digest, key, officers=counting, as_json=as_json)


@app.command("install", epilog="Example: relgate officers install officers.toml --reason 'B. Officer takes over'")
def install(context: typer.Context, file: ListFile, reason: Reason = "", by: By = "", as_json: Json = False) -> None:
    """Put a list of officers in force, once enough officers of the list before have signed it."""
    here, data = session(context), _bytes(file)
    digest = read_officers(data).digest
    with here.log() as log:
        signatures = signatures_of(here, Purpose.OFFICERS, digest)
        found = orders.install_officers(log, data, order(by, reason), demand(here.settings), signatures)
    said: Data = {"officers": found.digest, "names": [officer.name for officer in found.officers]}
    here.output(as_json).show(said, Line(f"{len(found.officers)} officers are in force", good=True), _table(found))


@app.command("list", epilog="Example: relgate officers list --json")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show the officers in force and what each may release."""
    here = session(context)
    with here.log() as log:
        found = approval.in_force(log)
    rows: list[Data] = [
        {
            "name": officer.name,
            "keys": [key.thumbprint for key in officer.keys],
            "api": officer.token is not None,
            "delegation": None
            if officer.delegation is None
            else {
                "nations": sorted(officer.delegation.nations),
                "level": _level(officer.delegation.level),
                "categories": sorted(officer.delegation.categories),
                "until": officer.delegation.until.isoformat(),
            },
        }
        for officer in found.officers
    ]
    here.output(as_json).show({"officers": found.digest, "list": rows}, _table(found))


def _table(found: Officers) -> Block:
    rows = []
    for officer in found.officers:
        may = officer.delegation
        told = (
            ("nothing", "", "", "")
            if may is None
            else (
                ", ".join(sorted(may.nations)),
                _level(may.level),
                ", ".join(sorted(may.categories)),
                may.until.date().isoformat(),
            )
        )
        rows.append((officer.name, str(len(officer.keys)), "yes" if officer.token else "no", *told))
    columns = ("officer", "keys", "API", "may release to", "up to", "categories", "until")
    return Table(columns, rows, empty="no list of officers is in force: relgate officers install")


def _level(level: int) -> str:
    return next(name for name, number in LEVELS.items() if number == level)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(USAGE, f"{file} cannot be read: {error.strerror}", "name the list of officers") from None
