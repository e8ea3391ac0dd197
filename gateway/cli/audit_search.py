"""``relgate audit search`` and ``relgate audit report``: find entries, and say what left in all.

What is asked is written ``NAME=VALUE``, with the names that saved queries use; a word by itself is searched for in
what people and programs wrote. Both read private parts, so each is itself an entry.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.catalogue import COUNTED, Cell
from gateway.audit.queries import TIMES, criteria_of, read_queries
from gateway.audit.search import Criteria, Cursor, SearchRefused, span
from gateway.audit.stored import Summary
from gateway.audit.terms import Kind, by_label, day_of
from gateway.cli.audit_reading import lost, record_read
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Block, Data, Line, Table
from gateway.cli.session import By, Json, LogKey, instant, session
from gateway.service import now

NAMES = ", ".join([kind.value for kind in Kind if kind is not Kind.ANY] + list(TIMES))
EXAMPLES = """Examples:

  relgate audit search partner=JPN level=S last='7 days'

  relgate audit search reason=no_grant since=2026-07-01 until=2026-08-01 --json

  relgate audit search conjunction 25544 --saved late-denials
"""
_COLUMNS = ("index", "time", "event", "partner", "dataset", "outcome", "released", "withheld", "marked", "release")

Terms = Annotated[list[str] | None, typer.Argument(help=f"NAME=VALUE, or a word of free text. Names: {NAMES}.")]
Saved = Annotated[str, typer.Option("--saved", help="The name of a saved query; what is given besides is added.")]
Queries = Annotated[Path, typer.Option("--queries", help="The file of saved queries.")]
QUERIES = Path("audit-queries.toml")


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command("search", short_help="Find entries by whom, what, why, from where, when.", epilog=EXAMPLES)(search)
    app.command(
        "report",
        short_help="Totals by day, partner and level.",
        epilog="Example: relgate audit report --since 2026-07-01 --partner JPN",
    )(report)


def search(
    context: typer.Context,
    terms: Terms = None,
    saved: Saved = "",
    queries: Queries = QUERIES,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Entries on a page.")] = 100,
    cursor: Annotated[str, typer.Option("--cursor", help="Go on after the page that ended with this.")] = "",
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Find entries by partner, dataset, label, level, community, outcome, reason, rule, officer, address, account,
    time, policy digest, record root or free text; newest first, each checked against its leaf.
    """
    here = session(context)
    asked, words = asked_for(terms, saved, queries)
    after = Cursor.parse(cursor) if cursor else None
    record_read(here, f"search {words}", by, log_key)
    with here.reader(log_key) as reader:
        page = reader.search(asked, after=after, limit=limit)
        removed = lost(reader)
    entries: list[Data] = [_as_data(each) for each in page.found]
    said: Data = {"entries": entries, "cursor": None if page.cursor is None else str(page.cursor), "note": removed}
    blocks: list[Block] = [Table(_COLUMNS, [_row(each) for each in page.found], empty="nothing found")]
    if page.cursor is not None:
        blocks.append(Line(f"more: --cursor {page.cursor}"))
    if removed:
        blocks.append(Line(f"note: {removed}"))
    here.output(as_json).show(said, *blocks)


def asked_for(terms: list[str] | None, saved: str, queries: Path) -> tuple[Criteria, str]:
    """What terms and a saved query ask for together, and how the entry of this reading says it."""
    said: dict[str, list[str]] = {}
    if saved:
        for name, value in _saved(saved, queries).items():
            said[name] = [value] if isinstance(value, str) else list(value)
    for term in terms or ():
        name, equals, value = term.partition("=")
        known = equals and (name in TIMES or name in list(Kind))
        if equals and not known:
            raise SearchRefused(f"nothing is found by {name!r}", hint=f"Names: {NAMES}.")
        said.setdefault(name if known else Kind.TEXT.value, []).append(value if known else term)
    given = {name: values[-1] if name in TIMES else values for name, values in said.items()}
    words = " ".join(f"{name}={value}" for name, values in said.items() for value in values)
    return criteria_of(given, now()), words or "everything"


def _saved(name: str, file: Path) -> dict[str, str | list[str]]:
    try:
        found = read_queries(file.read_text(encoding="utf-8"))
    except SearchRefused as error:
        raise SearchRefused(f"{file}: {error}", hint=error.hint) from error
    except UnicodeDecodeError as error:
        raise CommandFailed(USAGE, f"{file} is not UTF-8: {error.reason}", "saved queries are a TOML file") from error
    except OSError as error:
        raise CommandFailed(USAGE, f"{file}: {error.strerror}", "--queries names the file of saved queries") from None
    if name not in found:
        raise CommandFailed(USAGE, f"{file} has no query {name}", f"it has {', '.join(sorted(found)) or 'none'}")
    return dict(found[name].said)


def _row(found: Summary) -> tuple[str, ...]:
    leaf, said = found.leaf, found.private or {}
    return (
        str(found.index),
        leaf.time,
        leaf.event,
        leaf.partner or "-",
        str(said.get("dataset") or "-"),
        leaf.outcome,
        str(leaf.released),
        str(said.get("withheld", "-")),
        str(said.get("label") or "-"),
        leaf.release or "-",
    )


def _as_data(found: Summary) -> Data:
    private = found.private or {}
    labels: list[Data] = [dict(each) for each in by_label(private)]
    return {
        **dict(zip(_COLUMNS, _row(found), strict=True)),
        "index": found.index,
        "released": found.leaf.released,
        "withheld": private.get("withheld"),
        "request": found.leaf.request,
        "records": found.leaf.records,
        "policy": private.get("policy"),
        "by_label": labels,
        "reasons": private.get("why_withheld"),
        "rules": private.get("by_grant"),
        "by": private.get("by"),
        "peer": private.get("peer"),
        "account": private.get("account"),
        "private_part": found.private is not None,
    }


def report(
    context: typer.Context,
    since: Annotated[str, typer.Option("--since", help="First day; by default thirty days ago.")] = "",
    until: Annotated[str, typer.Option("--until", help="Day after the last.")] = "",
    partner: Annotated[str, typer.Option("--partner", help="This partner only.")] = "",
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Totals by day, partner and level: answers, refusals, records released, withheld and redacted."""
    here = session(context)
    begin = instant(since, "--since") if since else now() - span("30 days")
    end = instant(until, "--until") if until else now() + timedelta(days=1)
    record_read(here, f"report {begin.date()} to {end.date()} {partner}".rstrip(), by, log_key)
    with here.reader(log_key) as reader:
        totals = reader.totals(day_of(begin.isoformat()), day_of(end.isoformat()))
    rows = [
        (_day(cell), cell.partner or "-", cell.level or "-", *(str(counts[name]) for name in COUNTED))
        for cell, counts in sorted(totals.items())
        if partner in ("", cell.partner)
    ]
    columns = ("day", "partner", "level", *COUNTED)
    data: list[Data] = [
        {"day": _day(cell), "partner": cell.partner, "level": cell.level, **{name: counts[name] for name in COUNTED}}
        for cell, counts in sorted(totals.items())
        if partner in ("", cell.partner)
    ]
    here.output(as_json).show(data, Table(columns, rows))


def _day(cell: Cell) -> str:
    return (date(1970, 1, 1) + timedelta(days=cell.day)).isoformat()
