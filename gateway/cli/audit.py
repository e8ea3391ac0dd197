"""``relgate audit``: read the log and check it. Reading what is private is itself written down.

``verify`` looks at nobody's content and leaves no entry; ``tail`` and ``show`` read private parts, so
each writes an ``audit-read`` entry with who and what before it shows anything. An auditor who works on a
copy with the log's public key alone (``--log-key``) cannot write there, and does not.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.audit.checkpoint import Checkpoint, open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.entry import Draft, Event
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry
from gateway.audit.verification import verify as verify_log
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Block, Data, Facts, Line, Table
from gateway.cli.session import By, Json, LogKey, Session, order, session

app = typer.Typer(name="audit", help="The audit log: check it, follow it, read an entry.", no_args_is_help=True)

FOLLOW_EVERY_SECONDS = 1.0
PAGE = 200

VERIFY_EXAMPLES = """Examples:

  relgate audit verify --keep head.checkpoint

  relgate audit verify --held head.checkpoint
"""
SHOW_EXAMPLES = """Examples:

  relgate audit show 17

  relgate audit show 01HZX3 --json
"""


@app.command("verify", epilog=VERIFY_EXAMPLES)
def verify(
    context: typer.Context,
    held: Annotated[
        Path | None, typer.Option("--held", help="A checkpoint kept from before: the log must extend it.")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Write the checkpoint found to this file.")] = None,
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Check the whole log: every entry, hash, checkpoint and standing order. Exit code 1 if anything is not
    sound.
    """
    here = session(context)
    settings, verifier = here.settings, here.verifier(log_key)
    kept = None if held is None else _checkpoint(held, here, log_key)
    database = Database(settings.log_url, busy_timeout=settings.busy_timeout_ms / 1000)
    try:
        report = verify_log(database, settings.log_origin, verifier, held=kept, progress=_say_how_far)
    finally:
        database.close()
    findings: list[Data] = [{"where": each.where, "what": each.what} for each in report.findings]
    data: Data = {
        "sound": report.sound,
        "entries": report.size,
        "checked": report.checked,
        "extends_held": None if kept is None else report.sound,
        "findings": findings,
        "checkpoint": report.checkpoint,
    }
    against = " and extends the checkpoint you hold" if kept else ""
    if report.sound:
        blocks: list[Block] = [Line(f"sound: {report.checked} entries checked, the log agrees{against}", good=True)]
        if kept is None:
            blocks.append(Line("a log put back whole shows only against a checkpoint kept elsewhere: --keep, --held"))
    else:
        blocks = [Line(f"NOT SOUND: {len(report.findings)} finding(s)", good=False)]
        blocks.append(Table(("where", "what"), [(each.where, each.what) for each in report.findings]))
    here.output(as_json).show(data, *blocks)
    if not report.sound:
        raise typer.Exit(REFUSED)
    if keep is not None:
        keep.write_text(report.checkpoint, encoding="utf-8")


@app.command("tail", epilog="Example: relgate audit tail -n 50 --follow")
def tail(
    context: typer.Context,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many entries.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new entries until Ctrl-C.")] = False,
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Show the latest entries: who asked, what left, what was withheld and why. With --follow, JSON comes by
    line.
    """
    here = session(context)
    _record_read(here, f"tail {count}", by, log_key)
    with here.reader(log_key) as reader:
        last = max(-1, reader.size() - 1 - count)
        entries = _after(reader, last)
        data: list[Data] = [_summary(entry) for entry in entries]
        if not follow:
            here.output(as_json).show(data, Table(_COLUMNS, [_row(entry) for entry in entries]))
            return
        while True:
            for entry in entries:
                last = entry.index
                print(json.dumps(_summary(entry)) if as_json else "  ".join(_row(entry)), flush=True)
            try:
                time.sleep(FOLLOW_EVERY_SECONDS)
            except KeyboardInterrupt:
                return
            entries = _after(reader, last)


@app.command("show", epilog=SHOW_EXAMPLES)
def show(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(help="An entry's index, or a release's id.")],
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Show an entry whole: the leaf its partner may hold, the private part, and every record that was
    judged.
    """
    here = session(context)
    _record_read(here, f"show {entry}", by, log_key)
    with here.reader(log_key) as reader:
        found = _find(reader, entry)
    blocks: list[Block] = []
    for each in found:
        blocks += _whole(each)
    here.output(as_json).show([_as_data(each) for each in found], *blocks)


_COLUMNS = ("index", "time", "event", "partner", "dataset", "outcome", "released", "withheld", "release")


def _record_read(here: Session, what: str, by: str, log_key: str) -> None:
    """Write down who reads what, before it is read; whoever brings the log's public key reads a copy."""
    if log_key:
        return
    told = order(by, what)
    draft = Draft(Event.AUDIT_READ, told.at, "read", private={"by": told.by, "what": what})
    with here.log() as log:
        log.append_now((draft,))


def _after(reader: LogReader, last: int) -> list[StoredEntry]:
    found: list[StoredEntry] = []
    while page := reader.entries(last, PAGE):
        found += page
        last = page[-1].index
    return found


def _find(reader: LogReader, name: str) -> tuple[StoredEntry, ...]:
    found = reader.find(name)
    if not found and name.isdecimal():
        one = reader.entry(int(name))
        found = () if one is None else (one,)
    if not found:
        hint = f"the log has entries 0 to {reader.size() - 1}; `relgate audit tail` names releases"
        raise CommandFailed(REFUSED, f"no entry and no release {name}", hint)
    return found


def _checkpoint(path: Path, here: Session, log_key: str) -> Checkpoint:
    try:
        note = path.read_bytes()
    except OSError as error:
        raise CommandFailed(USAGE, f"{path}: {error.strerror}", "relgate audit verify --keep FILE writes one") from None
    return parse_checkpoint(open_note(note, [here.verifier(log_key)]).text)


def _say_how_far(done: int, of: int) -> None:
    """On a terminal, say how far the check is; nothing in a pipe."""
    if sys.stderr.isatty():
        end = "\n" if done >= of else ""
        print(f"\r\033[Kchecked {done} of {of} entries", end=end, file=sys.stderr, flush=True)


def _row(entry: StoredEntry) -> tuple[str, ...]:
    leaf = entry.leaf
    said = entry.private
    withheld = str(said.get("withheld", ""))
    return (
        str(entry.index),
        leaf.time,
        leaf.event,
        leaf.partner or "-",
        str(said.get("dataset", "-")),
        leaf.outcome,
        str(leaf.released),
        withheld or "-",
        leaf.release or "-",
    )


def _summary(entry: StoredEntry) -> dict[str, Data]:
    return {
        **dict(zip(_COLUMNS, _row(entry), strict=True)),
        "index": entry.index,
        "released": entry.leaf.released,
    }


def _as_data(entry: StoredEntry) -> Data:
    rows: list[Data] = [
        {
            "identifier": row.identifier,
            "effect": row.effect,
            "digest": row.digest,
            "detail": _plain(row.detail),
        }
        for row in entry.rows
    ]
    leaf: Data = msgspec.to_builtins(entry.leaf)
    return {"index": entry.index, "leaf": leaf, "private": _plain(entry.private), "records": rows}


def _plain(value: object) -> Data:
    plain: Data = msgspec.to_builtins(value)
    return plain


def _whole(entry: StoredEntry) -> list[Block]:
    leaf = [(name, str(value)) for name, value in msgspec.to_builtins(entry.leaf).items() if value != ""]
    private = [pair for name, value in sorted(entry.private.items()) for pair in _pairs(name, value)]
    blocks: list[Block] = [Facts(leaf, title=f"entry {entry.index}: the leaf, which its partner may hold")]
    blocks.append(Facts(private, title="the private part, for auditors"))
    if entry.rows:
        rows = [
            (
                row.identifier[:20],
                row.effect,
                str(row.detail.get("marking", "")),
                ", ".join(map(str, _many(row.detail.get("reasons")))),
                ", ".join(map(str, _many(row.detail.get("grants")))),
            )
            for row in entry.rows
        ]
        blocks.append(
            Table(("record (keyed)", "effect", "marking", "reasons against", "grants"), rows, title="records")
        )
    return blocks


def _many(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _pairs(name: str, value: object) -> list[tuple[str, str]]:
    """A name with its value; a table's members one by one, under dotted names."""
    if isinstance(value, dict) and value:
        return [pair for key, inner in sorted(value.items()) for pair in _pairs(f"{name}.{key}", inner)]
    return [(name, _short(value))]


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)
