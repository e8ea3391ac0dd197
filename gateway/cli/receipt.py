"""``relgate receipt``: prove offline that a release is in the log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.audit import receipt as receipts
from gateway.audit.leaf import parse_leaf
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Data, Facts, Line
from gateway.cli.session import Json, LogKey, session

app = typer.Typer(name="receipt", help="Receipts: proofs that a release is in the log.", no_args_is_help=True)

EXAMPLES = """Examples:

  relgate receipt verify answer.tlog-proof

  curl -s https://gateway.example/releases/ID/receipt | relgate receipt verify - --log-key "$LOG_KEY"
"""


@app.command("verify", epilog=EXAMPLES)
def verify(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The receipt's file, or - for standard input.")],
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Check a receipt against the log's public key, without asking anybody, and say what it proves."""
    given = _read(file)
    leaf = receipts.leaf_of(given)
    proven = receipts.verify(given, leaf, [session(context).verifier(log_key)])
    fields: dict[str, Data] = msgspec.to_builtins(parse_leaf(leaf))
    data: Data = {
        "verified": True,
        "log": proven.checkpoint.origin,
        "index": proven.index,
        "tree_size": proven.checkpoint.size,
        "leaf": fields,
    }
    head = proven.checkpoint
    place = f"entry {proven.index} of {head.origin}, under a checkpoint of {head.size} entries"
    facts = Facts([(name, str(value)) for name, value in fields.items() if value != ""])
    session(context).output(as_json).show(data, Line(f"verified: {place}", good=True), facts)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandFailed(USAGE, f"{file}: {error.strerror}", "name the file that the receipt was saved to") from None
