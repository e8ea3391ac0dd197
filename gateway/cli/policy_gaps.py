"""``relgate policy gaps``: what partners asked for and did not get, and what the smallest change would be."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.orders import Standing as Orders
from gateway.cli.audit_reading import entries_after, lost, record_read
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.gaps_page import page
from gateway.cli.output import Block, Data, Line, Table, say
from gateway.cli.policy_files import IN_FORCE, named_files
from gateway.cli.progress import watched
from gateway.cli.session import By, Json, LogKey, Session, instant, session
from gateway.gaps import Gathering
from gateway.policy.compile import compile_policy
from gateway.policy.gaps import Gap, Gaps, Standing, Weighed, said
from gateway.policy.load import load

EXAMPLES = """Examples:

  relgate policy gaps --partner JPN --since 2026-06-01

  relgate policy gaps --top 50 --html gaps.html
"""
_MEANING = {
    Standing.NEVER: "no policy may release it",
    Standing.OTHERS: "for others to change",
    Standing.POLICY: "a policy change would release it",
}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("gaps", epilog=EXAMPLES)(gaps)


def gaps(
    context: typer.Context,
    of: Annotated[str, typer.Argument(help="The set asked now: in-force, or a folder.")] = IN_FORCE,
    partner: Annotated[str, typer.Option("--partner", help="Only what this partner asked for.")] = "",
    since: Annotated[str, typer.Option("--since", help="Only decisions of the log from this moment on.")] = "",
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many gaps to weigh, most asked first.")] = 20,
    no_grid: Annotated[
        bool, typer.Option("--no-grid", help="Weigh changes by the log's own questions only; quicker.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with a picture to this file.")] = None,
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """What partners asked for and did not get, by deciding gate, with the smallest change that would release it and
    what else that would release. Nothing is ever changed by it, and most gaps are as meant.
    """
    here = session(context)
    policy_set = load(named_files(here, of))
    if partner and partner not in policy_set.partners:
        known = ", ".join(sorted(policy_set.partners))
        raise CommandFailed(REFUSED, f"the set knows no partner {partner}", f"it has {known}")
    record_read(here, f"policy gaps {partner}".strip(), by, log_key)
    first = instant(since, "--since") if since else None
    gathered = _gather(here, log_key, Gathering(compile_policy(policy_set), _stands(here, log_key)), partner, first)
    chosen = gathered.gaps.ranked()[:top]
    weighed = [gathered.weigh(gap, with_grid=not no_grid) for gap in watched(chosen, "weighing", len(chosen))]
    if html is not None:
        html.write_text(page(gathered.gaps, weighed), encoding="utf-8")
    here.output(as_json).show(_data(gathered.gaps, weighed), *_blocks(gathered.gaps, weighed))


def _gather(here: Session, log_key: str, gathering: Gathering, partner: str, first: datetime | None) -> Gathering:
    with here.reader(log_key) as reader:
        try:
            for entry in watched(entries_after(reader, -1), "log", reader.size()):
                wanted = not partner or entry.leaf.partner == partner
                if wanted and (first is None or datetime.fromisoformat(entry.leaf.time) >= first):
                    gathering.gather(entry, reader)
            if removed := lost(reader):
                say(f"note: {removed}")
        except (LookupError, ValueError) as error:
            hint = "relgate audit verify says whether the log is whole"
            raise CommandFailed(REFUSED, f"an entry cannot be asked again: {error}", hint) from error
    return gathering


def _data(found: Gaps, weighed: list[Weighed]) -> Data:
    return {
        "decisions": found.decisions,
        "denied": found.denied,
        "closed": found.closed,
        "gaps": len(found.gaps),
        "weighed": [_one(each) for each in weighed],
        "others": [_counted(gap, found) for gap in found.ranked()[len(weighed) :]],
    }


def _counted(gap: Gap, found: Gaps) -> dict[str, Data]:
    asked = found.gaps[gap]
    return {
        "partner": gap.partner,
        "dataset": gap.dataset,
        "marking": gap.marking,
        "gates": list(gap.gates),
        "reasons": list(gap.reasons),
        "count": asked.count,
        "first": asked.first.isoformat(),
        "last": asked.last.isoformat(),
    }


def _one(each: Weighed) -> Data:
    found = Gaps(gaps={each.gap: each.asked})
    changes: list[Data] = [
        {
            "steps": [{"reason": step.code, "what": step.what, "whose": step.whose.value} for step in change.steps],
            "releases": change.releases,
            "besides": None
            if change.besides is None
            else {"log": change.besides.log, "grid": change.besides.grid, "examples": list(change.besides.examples)},
        }
        for change in each.changes
    ]
    return {**_counted(each.gap, found), "standing": each.standing.value, "changes": changes}


def _blocks(found: Gaps, weighed: list[Weighed]) -> list[Block]:
    rows: list[tuple[str, ...]] = []
    for each in weighed:
        gap, asked = each.gap, each.asked
        about = (gap.partner, gap.dataset, gap.marking or "(the request)", ", ".join(gap.reasons))
        often = (f"{asked.count:,}", asked.last.date().isoformat())
        ways = _ways(each) or [_MEANING[each.standing]]
        rows.append((*about, *often, ways[0]))
        rows += [("", "", "", "", "", "", way) for way in ways[1:]]
    heads = ("partner", "dataset", "label", "refused by", "asked", "lately", "smallest change")
    left = len(found.gaps) - len(weighed)
    tail = [Line(f"{left:,} further gaps, asked less often: --top {len(found.gaps)} weighs them too")] if left else []
    summary = (
        f"{found.decisions:,} decisions, {found.denied:,} denied in {len(found.gaps):,} gaps; "
        f"{found.closed:,} denied then would go now"
    )
    return [Table(heads, rows, empty="no partner was denied anything"), *tail, Line(summary)]


def _ways(each: Weighed) -> list[str]:
    if each.standing is Standing.NEVER:
        return []
    return ["; ".join(said(change, each.asked.count)) for change in each.changes]


def _stands(here: Session, log_key: str) -> Orders:
    with here.reader(log_key) as reader:
        return reader.standing()
