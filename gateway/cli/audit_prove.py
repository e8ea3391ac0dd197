"""``relgate audit prove-record`` and ``verify-record``: one record was in one release; no other is shown."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit import record_proof
from gateway.audit.leaf import IdentifierKey, keyed
from gateway.audit.spelling import as_kept
from gateway.audit.stored import RawRow
from gateway.cli.audit_reading import find, record_read
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Data, Facts, Line
from gateway.cli.session import By, Json, LogKey, Session, session

PROVE_EXAMPLES = """Examples:

  relgate audit prove-record RELEASE 7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10 --to shown.record-proof

  relgate audit prove-record RELEASE --record record.json --to shown.record-proof
"""


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command(
        "prove-record", short_help="Prove one record of a release without showing the others.", epilog=PROVE_EXAMPLES
    )(prove)
    app.command(
        "verify-record",
        short_help="Check such a proof.",
        epilog="Example: relgate audit verify-record shown.record-proof",
    )(verify)


def prove(
    context: typer.Context,
    release: Annotated[str, typer.Argument(help="A release's id, or an entry's index.")],
    identifier: Annotated[str, typer.Argument(help="The record's identifier.")] = "",
    record: Annotated[Path | None, typer.Option("--record", help="A file with the record as it was released.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write the proof to this file.")] = None,
    by: By = "",
    log_key: LogKey = "",
) -> None:
    """Prove that one record was judged in a release, without showing the others. Looking is recorded first. The proof
    shows the record's row: its effect, marking and reasons.
    """
    if bool(identifier) == (record is not None):
        raise CommandFailed(USAGE, "name the record by its identifier, or by --record")
    here = session(context)
    record_read(here, f"prove-record {release}", by, log_key)
    names = _names(here, identifier) if identifier else frozenset()
    digest = None if record is None else hashlib.sha256(_read(str(record))).digest()

    def is_wanted(row: RawRow) -> bool:
        return row.identifier in names if record is None else row.digest == digest

    with here.reader(log_key) as reader:
        proofs = [proof for entry in find(reader, release) for proof in reader.prove_records(entry.index, is_wanted)]
    if not proofs:
        raise CommandFailed(REFUSED, f"no such record in {release}", "the record's bytes must be those released")
    if to is None:
        sys.stdout.write(proofs[0].decode())
    else:
        to.write_bytes(proofs[0])


def verify(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The proof's file, or - for standard input.")],
    record: Annotated[
        Path | None, typer.Option("--record", help="The record's file: it must be the one that was released.")
    ] = None,
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Check a record proof against the log's public key, without asking anybody, and say what it proves."""
    here = session(context)
    shown = record_proof.verify(_read(file), [here.verifier(log_key)])
    if record is not None and hashlib.sha256(_read(str(record))).hexdigest() != shown.row.digest:
        raise CommandFailed(REFUSED, f"{record} is not the record that this proof is of")
    leaf, row = shown.leaf, shown.row
    data: dict[str, Data] = {
        "verified": True,
        "log": shown.proven.checkpoint.origin,
        "index": shown.proven.index,
        "release": leaf.release,
        "partner": leaf.partner,
        "time": leaf.time,
        "identifier": row.identifier,
        "effect": row.effect,
        "digest": row.digest,
        "marking": str(row.detail.get("marking", "")),
    }
    said = f"verified: {row.effect} to {leaf.partner} in release {leaf.release} at {leaf.time}"
    facts = Facts([(name, str(value)) for name, value in data.items() if name != "verified"])
    here.output(as_json).show(data, Line(said, good=True), facts)


def _names(here: Session, identifier: str) -> frozenset[str]:
    """How the log stores this identifier, under every version of the key that there is."""
    keys = [IdentifierKey(key.version, key.secret) for key in here.keys().identifiers]
    return frozenset(keyed(as_kept(identifier), key) for key in keys)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandFailed(USAGE, f"{file}: {error.strerror}") from None
