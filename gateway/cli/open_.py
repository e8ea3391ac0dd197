"""``relgate open``: open a sealed answer that was saved to a file, and prove it by its receipts."""

from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Data, say
from gateway.cli.session import Json, LogKey, Session, session
from gateway.client import Answer, Recipient, open_answer, prove_all
from gateway.keys.files import read_private
from gateway.keys.jwks import parse_jwks, parse_private_jwks

EXAMPLES = """Examples:

  relgate open answer.jose --key keys/development/JPN.private.jwks.json

  relgate open answer.jose --key mine.jwks.json --gateway-keys gateway.jwks.json \\
      --log-key "$LOG_KEY" --receipt answer.tlog-proof
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("open", epilog=EXAMPLES)(open_file)


def open_file(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The sealed answer, or - for standard input.")],
    key: Annotated[Path, typer.Option("--key", help="Your private JWK set (a file of mode 0600).")],
    gateway_keys: Annotated[
        Path | None,
        typer.Option("--gateway-keys", help="The gateway's public JWK set; by default its own, here."),
    ] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option("--receipt", help="The receipt of each chunk, in order.")
    ] = None,
    log_key: LogKey = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the content here.")] = None,
    as_json: Json = False,
) -> None:
    """Open a sealed answer: check signature, recipient, order and end, and its receipts if they are given."""
    here = session(context)
    holder = _holder(here, key, gateway_keys, log_key)
    answer = open_answer(_read(file), holder)
    receipts = [_read(str(path)) for path in receipt or ()]
    if receipts:
        prove_all(answer, receipts, holder)
    if output is not None:
        output.write_bytes(answer.content)
    elif not as_json:
        sys.stdout.buffer.write(answer.content)
        sys.stdout.buffer.flush()
    if as_json:
        here.output(as_json=True).show(_said(answer, proven=bool(receipts), with_content=output is None))
        return
    proof = "proven by its receipts" if receipts else "not proven: give its --receipt"
    say(f"release {answer.release}, {len(answer.parts)} chunk(s), marked {', '.join(answer.labels)}; {proof}")


def _holder(here: Session, key: Path, gateway_keys: Path | None, log_key: str) -> Recipient:
    public = here.keys().public_jwks if gateway_keys is None else _read(str(gateway_keys))
    verifier = here.verifier(log_key)
    return Recipient(parse_private_jwks(read_private(key)), parse_jwks(public), verifier, verifier.name)


def _said(answer: Answer, *, proven: bool, with_content: bool) -> Data:
    said: dict[str, Data] = {
        "release": answer.release,
        "chunks": len(answer.parts),
        "labels": list(answer.labels),
        "media_type": answer.media_type,
        "proven": proven,
    }
    if with_content:
        try:
            said["content"] = answer.content.decode()
        except UnicodeDecodeError:
            said["content_base64"] = b64encode(answer.content).decode("ascii")
    return said


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandFailed(USAGE, f"{file}: {error.strerror}", "name a file that can be read") from None
