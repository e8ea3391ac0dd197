"""``relgate audit export`` and ``relgate audit stream``: entries in the forms that other systems read.

Both hand out private parts, so each is itself an entry, before the first line; a stream is one for each run.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from gateway.audit.errors import LogAltered, LogUnavailable
from gateway.audit.export import Form, header, line
from gateway.audit.reading import LogReader
from gateway.audit.search import PAGE_LIMIT, Criteria
from gateway.audit.stored import Summary
from gateway.audit.stream import Receiver, StreamRefused, check_cursor, read_cursor, send_on
from gateway.cli.audit_reading import lost, record_read
from gateway.cli.audit_search import QUERIES, Queries, Saved, Terms, asked_for
from gateway.cli.errors import UNAVAILABLE, USAGE, CommandFailed
from gateway.cli.output import Line, say
from gateway.cli.session import By, Json, LogKey, session
from gateway.cli.whole_file import whole_file

EXPORT_EXAMPLES = """Examples:

  relgate audit export --format csv partner=JPN since=2026-07-01 > july.csv

  relgate audit export --format ocsf --output all.jsonl
"""
STREAM_EXAMPLES = """Examples:

  relgate audit stream tls://siem.example:6514 --ca siem.pem --cursor var/siem.cursor --follow

  relgate audit stream tcp://127.0.0.1:601 --format cef --cursor var/siem.cursor
"""
PAGE = 500
Format = Annotated[Form, typer.Option("--format", help="csv, jsonl, ocsf, cef, or syslog (RFC 5424).")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command("export", short_help="Write entries as CSV, JSON Lines, OCSF, CEF or syslog.", epilog=EXPORT_EXAMPLES)(
        export
    )
    app.command("stream", short_help="Send entries to a SIEM, in order and at least once.", epilog=STREAM_EXAMPLES)(
        stream
    )


def export(
    context: typer.Context,
    terms: Terms = None,
    form: Format = Form.JSONL,
    saved: Saved = "",
    queries: Queries = QUERIES,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here; by default to the output.")] = None,
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Write the entries that are asked for, one a line: the whole log in its order, or what is found, newest first.
    With --json, --output takes the entries and the document says how many they are.
    """
    here = session(context)
    if as_json and output is None:
        raise CommandFailed(USAGE, "--json says how many entries were written to --output", "give --output")
    asked, words = asked_for(terms, saved, queries)
    record_read(here, f"export {form} {words}", by, log_key)
    with here.reader(log_key) as reader, contextlib.ExitStack() as opened:
        out: TextIO = sys.stdout
        if output is not None:
            file = opened.enter_context(whole_file(output))
            out = TextIOWrapper(file, encoding="utf-8", newline="\n", write_through=True)
        if first := header(form):
            print(first, file=out)
        count = 0
        for count, entry in enumerate(_found(reader, asked), start=1):  # noqa: B007 - how many there were
            print(line(entry, form, socket.gethostname()), file=out)
        if removed := lost(reader):
            say(f"note: {removed}")
    if as_json:
        here.output(as_json).show({"entries": count, "file": str(output)})


def _found(reader: LogReader, asked: Criteria) -> Iterator[Summary]:
    """Every entry asked for, page after page, up to those that were there at the beginning."""
    if asked == Criteria():
        size, last = reader.size(), -1
        while (entries := reader.summaries(last, PAGE)) and last < size:
            yield from (entry for entry in entries if entry.index < size)
            last = entries[-1].index
        return
    cursor = None
    while True:
        page = reader.search(asked, after=cursor, limit=min(PAGE, PAGE_LIMIT))
        yield from page.found
        cursor = page.cursor
        if cursor is None:
            return


def stream(
    context: typer.Context,
    receiver: Annotated[str, typer.Argument(help="tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT.")],
    cursor: Annotated[Path, typer.Option("--cursor", help="File that keeps how far was sent; made when missing.")],
    form: Format = Form.SYSLOG,
    ca: Annotated[Path | None, typer.Option("--ca", help="PEM file to verify the receiver's certificate by.")] = None,
    identity: Annotated[
        Path | None, typer.Option("--identity", help="PEM file with the certificate and key to show the receiver.")
    ] = None,
    trust_close: Annotated[
        bool,
        typer.Option("--trust-close", help="Believe a TLS receiver that closes without close_notify (rsyslog's gtls)."),
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new entries until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks, with --follow.")] = 1.0,
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Send entries to a SIEM as RFC 5424 syslog, in order and at least once: the cursor moves when the receiver has
    read a batch to its end. Over UDP nobody can know, and entries may be lost on the way.
    """
    here = session(context)
    try:
        to = Receiver.parse(receiver, ca, identity, trust_close=trust_close)
    except StreamRefused as error:
        raise CommandFailed(USAGE, str(error), error.hint) from error
    with here.reader(log_key) as reader:
        check_cursor(reader, read_cursor(cursor, reader.origin))
    record_read(here, f"stream {form} to {receiver}", by, log_key)
    with here.reader(log_key) as reader, contextlib.suppress(KeyboardInterrupt):
        while True:
            try:
                sent = send_on(reader, to, cursor, form, socket.gethostname())
            except LogAltered:
                raise
            except (StreamRefused, LogUnavailable) as error:
                if not follow:
                    raise CommandFailed(UNAVAILABLE, str(error), error.hint) from error
                say(f"not delivered, to be sent again: {error}")
                sent = 0
            if not follow:
                here.output(as_json).show({"delivered": sent}, Line(f"{sent} entries delivered", good=True))
                return
            time.sleep(every)
