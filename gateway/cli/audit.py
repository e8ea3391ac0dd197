"""``relgate audit``: read the log and check it. Reading what is private is itself written down.

``verify`` looks at nobody's content and leaves no entry; ``tail`` and ``show`` read private parts, so
each writes an ``audit-read`` entry with who and what before it shows anything. An auditor who works on a
copy with the log's public key alone (``--log-key``) cannot write there, and does not.
"""

from __future__ import annotations

import json
import time
from typing import Annotated

import msgspec
import typer

from gateway.audit.stored import StoredEntry
from gateway.cli import (
    audit_export,
    audit_keeping,
    audit_prove,
    audit_publish,
    audit_replay,
    audit_search,
    audit_spill,
    audit_verify,
    audit_witnesses,
)
from gateway.cli.audit_reading import entries_after, find, record_read
from gateway.cli.output import Block, Data, Facts, Table
from gateway.cli.session import By, Json, LogKey, session

app = typer.Typer(
    name="audit", help="The audit log: check it, search it, say who got what, hand out evidence.", no_args_is_help=True
)
audit_verify.add_to(app)
audit_publish.add_to(app)
audit_prove.add_to(app)
audit_replay.add_to(app)
audit_search.add_to(app)
audit_export.add_to(app)
audit_keeping.add_to(app)
audit_spill.add_to(app)
audit_witnesses.add_to(app)

FOLLOW_EVERY_SECONDS = 1.0

SHOW_EXAMPLES = """Examples:

  relgate audit show 17

  relgate audit show 01HZX3 --json
"""


@app.command(
    "tail",
    short_help="The latest entries: who asked, what left, what was withheld.",
    epilog="Example: relgate audit tail -n 50 --follow",
)
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
    record_read(here, f"tail {count}", by, log_key)
    with here.reader(log_key) as reader:
        last = max(-1, reader.size() - 1 - count)
        entries = list(entries_after(reader, last))
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
            entries = list(entries_after(reader, last))


@app.command("show", short_help="One entry whole, record by record.", epilog=SHOW_EXAMPLES)
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
    record_read(here, f"show {entry}", by, log_key)
    with here.reader(log_key) as reader:
        found = find(reader, entry)
    blocks: list[Block] = []
    for each in found:
        blocks += _whole(each)
    here.output(as_json).show([_as_data(each) for each in found], *blocks)


_COLUMNS = ("index", "time", "event", "partner", "dataset", "outcome", "released", "withheld", "release")


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
