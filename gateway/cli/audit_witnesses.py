"""``relgate audit ask-witnesses``: ask every witness of the settings whether it agrees with the log.

Each is submitted the log's newest checkpoint, as a gateway does; what it answers is shown and not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import typer

from gateway.audit.checkpoint import VerifierKey, parse_checkpoint, parse_verifier_key
from gateway.audit.reading import LogReader
from gateway.audit.submitting import Contradicted, Heard, Witness, ask_all
from gateway.audit.witness_http import posting
from gateway.cli.errors import REFUSED, UNAVAILABLE, USAGE, CommandFailed
from gateway.cli.output import Data, Line, Table
from gateway.cli.session import Json, LogKey, session
from gateway.service import now
from gateway.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(
        "ask-witnesses",
        short_help="Submit the newest checkpoint to every witness.",
        epilog="Example: relgate audit ask-witnesses --json",
    )(ask_witnesses)


def ask_witnesses(context: typer.Context, log_key: LogKey = "", as_json: Json = False) -> None:
    """Submit the newest checkpoint to every witness of the settings and say what each answers. Exit code 1 if one
    contradicts the log: it was rolled back, or has forked; another one if none has cosigned.
    """
    here = session(context)
    if not here.settings.witnesses:
        raise CommandFailed(USAGE, "the settings name no witness", "set witnesses.NAME.url and witnesses.NAME.key")
    with here.reader(log_key) as log:
        size = parse_checkpoint(log.head_note()).size
        heard = ask(here.settings, log)
    rows = [(name, _verdict(each), "" if each is None else str(each)) for name, each in heard.items()]
    data: Data = {
        "entries": size,
        "witnesses": [{"name": name, "answer": verdict, "detail": detail} for name, verdict, detail in rows],
    }
    contradicted = sum(isinstance(each, Contradicted) for each in heard.values())
    agreeing = sum(each is None for each in heard.values())
    said = f"{agreeing} of {len(heard)} have cosigned this log of {size} entries, and none contradicts it"
    if contradicted:
        said = f"{contradicted} contradict this log of {size} entries: it was rolled back, or has forked"
    good = not contradicted and agreeing > 0
    here.output(as_json).show(data, Table(("witness", "answer", "why"), rows), Line(said, good=good))
    if not good:
        raise typer.Exit(REFUSED if contradicted else UNAVAILABLE)


def ask(settings: Settings, log: LogReader) -> Mapping[str, Heard]:
    """What each witness of the settings answers about the newest checkpoint of this log."""
    named = [Witness(name, said.url, parse_verifier_key(said.key)) for name, said in settings.witnesses.items()]

    async def asking() -> Mapping[str, Heard]:
        async with posting(settings.witness_timeout_seconds) as send:
            return await ask_all(log, named, send, now)

    return asyncio.run(asking())


def refuse_an_old_copy(settings: Settings, copy: Path, verifier: VerifierKey, *, held: bool) -> None:
    """Raise ``CommandFailed`` where a witness contradicts a copy of the log or, with no checkpoint held, is silent."""
    if not settings.witnesses:
        return
    log = LogReader.open_to_read(f"sqlite:///{copy}", origin=settings.log_origin, verifier=verifier)
    try:
        heard = ask(settings, log)
    finally:
        log.close()
    for name, each in heard.items():
        if isinstance(each, Contradicted):
            raise CommandFailed(REFUSED, f"not put back: the witness {name} {each}", "find a newer copy")
        if each is not None and not held:
            hint = "ask it again later, or give --held: what it has seen may be newer than the copy"
            raise CommandFailed(REFUSED, f"not put back: the witness {name} could not be heard: {each}", hint)


def _verdict(heard: Heard) -> str:
    if heard is None:
        return "cosigned"
    return "CONTRADICTS" if isinstance(heard, Contradicted) else "not heard"
