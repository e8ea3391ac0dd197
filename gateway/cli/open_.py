"""``relgate open``: open a sealed answer that was saved to a file, however long, and prove it by its receipts."""

from __future__ import annotations

import shutil
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, BinaryIO

import typer

from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Data, say
from gateway.cli.session import Json, LogKey, Session, session
from gateway.cli.whole_file import whole_file
from gateway.client import AnswerReader, Part, ReceiptRefused, Recipient, prove
from gateway.keys.files import read_private
from gateway.keys.jwks import parse_jwks, parse_private_jwks

EXAMPLES = """Examples:

  relgate open answer.jose --key keys/development/JPN.private.jwks.json

  relgate open answer.jose --key mine.jwks.json --gateway-keys gateway.jwks.json \\
      --log-key "$LOG_KEY" --receipt answer.tlog-proof
"""


PIECE_BYTES = 1024 * 1024


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
    receipts = [_read(str(path)) for path in receipt or ()]
    found = Found()
    content = b""
    with _opened(file) as sealed:
        if output is not None:
            _write(output, found.contents(sealed, holder, receipts))
        elif as_json:
            content = b"".join(found.contents(sealed, holder, receipts))
        else:
            for _ in found.contents(sealed, holder, receipts):
                pass  # whole or not at all: every byte is checked before the first is written, and again then
            sealed.seek(0)
            for each in Found().contents(sealed, holder, receipts):
                sys.stdout.buffer.write(each)
            sys.stdout.buffer.flush()
    if as_json:
        here.output(as_json=True).show(_said(found, proven=bool(receipts), content=content if output is None else None))
        return
    proof = "proven by its receipts" if receipts else "not proven: give its --receipt"
    marked = ", ".join(dict.fromkeys(found.labels))
    say(f"release {found.release}, {len(found.labels)} chunk(s), marked {marked}; {proof}")


@dataclass(slots=True)
class Found:
    """What an answer was seen to be. ``labels`` are the roll-up labels of its chunks, in order."""

    release: str = ""
    media_type: str = ""
    labels: list[str] = field(default_factory=list)

    def contents(self, sealed: BinaryIO, holder: Recipient, receipts: Sequence[bytes]) -> Iterator[bytes]:
        """Each chunk's content, opened and proven; only when there is no more was the answer whole.

        Raises :class:`~gateway.client.errors.ClientError`.
        """
        reader = AnswerReader(holder)
        while piece := sealed.read(PIECE_BYTES):
            for part in reader.feed(piece):
                yield self._take(part, holder, receipts)
        for part in reader.finish():
            yield self._take(part, holder, receipts)
        if receipts and len(receipts) != len(self.labels):
            raise ReceiptRefused("receipt_missing", f"{len(receipts)} receipts for {len(self.labels)} chunks")

    def _take(self, part: Part, holder: Recipient, receipts: Sequence[bytes]) -> bytes:
        opened = part.opened
        if receipts:
            if opened.chunk >= len(receipts):
                raise ReceiptRefused("receipt_missing", f"there is none for chunk {opened.chunk}")
            prove(part, receipts[opened.chunk], holder)
        self.release, self.media_type = opened.release, opened.media_type
        self.labels.append(opened.label)
        return opened.content


def _write(output: Path, contents: Iterator[bytes]) -> None:
    """Write a file, whole or not at all."""
    with whole_file(output) as writing:
        for each in contents:
            writing.write(each)


def _holder(here: Session, key: Path, gateway_keys: Path | None, log_key: str) -> Recipient:
    public = here.keys().public_jwks if gateway_keys is None else _read(str(gateway_keys))
    verifier = here.verifier(log_key)
    return Recipient(parse_private_jwks(read_private(key)), parse_jwks(public), verifier, verifier.name)


def _said(found: Found, *, proven: bool, content: bytes | None) -> Data:
    said: dict[str, Data] = {
        "release": found.release,
        "chunks": len(found.labels),
        "labels": list(found.labels),
        "media_type": found.media_type,
        "proven": proven,
    }
    if content is not None:
        try:
            said["content"] = content.decode()
        except UnicodeDecodeError:
            said["content_base64"] = b64encode(content).decode("ascii")
    return said


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """The sealed answer, to be read more than once; what comes from a pipe is kept, sealed, until then."""
    if file == "-":
        with TemporaryFile() as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            kept.seek(0)
            yield kept
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115 - closed below; only its opening is the caller's fault
    except OSError as error:
        raise _unreadable(file, error) from None
    with opened:
        yield opened


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: str, error: OSError) -> CommandFailed:
    return CommandFailed(USAGE, f"{file}: {error.strerror}", "name a file that can be read")
