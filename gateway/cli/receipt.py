"""``relgate receipt``: prove offline that a release is in the log."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.audit import receipt as receipts
from gateway.audit.checkpoint import parse_verifier_key
from gateway.audit.leaf import Leaf, parse_leaf
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Block, Data, Facts, Line
from gateway.cli.session import Json, LogKey, session

app = typer.Typer(name="receipt", help="Receipts: proofs that a release is in the log.", no_args_is_help=True)

EXAMPLES = """Examples:

  relgate receipt verify answer.tlog-proof --content answer.json --log-key "$LOG_KEY"

  relgate receipt verify answer.tlog-proof --witness "$NORWAY" --witness "$INSPECTOR" --quorum 2

  curl -s https://gateway.example/releases/ID/receipt | relgate receipt verify - --log-key "$LOG_KEY"
"""


@app.command("verify", epilog=EXAMPLES)
def verify(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The receipt's file, or - for standard input.")],
    content: Annotated[
        Path | None, typer.Option("--content", help="The opened answer: it must be what the receipt is of.")
    ] = None,
    sealed: Annotated[
        Path | None, typer.Option("--sealed", help="The answer as it was sent: it must be what the receipt is of.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help="Verifier key of a witness that you trust; repeat for more.")
    ] = None,
    quorum: Annotated[
        int | None, typer.Option("--quorum", min=0, help="How many of them must have cosigned; by default all.")
    ] = None,
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Check a receipt against the log's public key, without asking anybody, and say what it proves."""
    given = _read(file)
    leaf = receipts.leaf_of(given)
    witnesses = [parse_verifier_key(key) for key in witness or ()]
    wanted = len(witnesses) if quorum is None else quorum
    key = session(context).verifier(log_key)
    proven = receipts.verify(given, leaf, [key], witness_keys=witnesses, quorum=wanted)
    fields = parse_leaf(leaf)
    for path, digest, name in ((content, fields.content, "content"), (sealed, fields.sealed, "sealed")):
        if path is not None and sha256(_read(str(path))).hexdigest() != digest:
            raise CommandFailed(REFUSED, f"{path} is not what the receipt is of: its SHA-256 is not the leaf's {name}")
    _show(context, proven, fields, compared=[path for path in (content, sealed) if path is not None], as_json=as_json)


def _show(context: typer.Context, proven: receipts.Proven, leaf: Leaf, *, compared: list[Path], as_json: bool) -> None:
    fields: dict[str, Data] = msgspec.to_builtins(leaf)
    seen: list[Data] = [{"name": each.key.name, "time": str(each.time)} for each in proven.witnesses]
    head = proven.checkpoint
    data: Data = {
        "verified": True,
        "log": head.origin,
        "index": proven.index,
        "tree_size": head.size,
        "witnesses": seen,
        "compared": [str(path) for path in compared],
        "leaf": fields,
    }
    blocks: list[Block] = [
        Line(f"verified: entry {proven.index} of {head.origin}, under a checkpoint of {head.size} entries", good=True)
    ]
    blocks += [Line(f"{path} is what the receipt is of", good=True) for path in compared]
    blocks += [Line(f"cosigned by {each.key.name} at {each.time}", good=True) for each in proven.witnesses]
    blocks.append(Facts([(name, str(value)) for name, value in fields.items() if value != ""]))
    session(context).output(as_json).show(data, *blocks)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandFailed(USAGE, f"{file}: {error.strerror}", "name the file that it was saved to") from None
