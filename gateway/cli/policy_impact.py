"""``relgate policy impact``: who gains and who loses if this policy set were saved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.audit_reading import entries_after, lost, record_read
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.impact_page import page
from gateway.cli.output import Block, Data, Line, Table, say
from gateway.cli.policy_files import IN_FORCE, named_files
from gateway.cli.progress import watched
from gateway.cli.session import By, Json, LogKey, Session, instant, session
from gateway.impact import GRID, Comparison
from gateway.policy.changes import Change, Direction
from gateway.policy.compile import compile_policy
from gateway.policy.diff import diff
from gateway.policy.grid import Grid, grid
from gateway.policy.impact import Flip, Impact
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet
from gateway.policy.trial import with_assumed_keys
from gateway.service import now

EXAMPLES = """Examples:

  relgate policy impact policies --html impact.html

  relgate policy impact proposed/policies --against policies --no-log --acknowledge
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("impact", epilog=EXAMPLES)(impact)


def impact(
    context: typer.Context,
    new: Annotated[str, typer.Argument(help="The folder of the new policy set.")],
    against: Annotated[str, typer.Option("--against", help="What it would replace: a folder, or in-force.")] = IN_FORCE,
    since: Annotated[str, typer.Option("--since", help="Only decisions of the log from this moment on.")] = "",
    no_log: Annotated[bool, typer.Option("--no-log", help="Ask the grid only; no log and no settings needed.")] = False,
    no_grid: Annotated[bool, typer.Option("--no-grid", help="Ask the log's own questions only.")] = False,
    at: Annotated[str, typer.Option("--at", help="The moment the grid asks about; by default now.")] = "",
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with a picture to this file.")] = None,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Exit 0 although the change lets a partner have more.")
    ] = False,
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """Replay the log's decisions and a grid of made-up ones under a new set. Exit code 1 when partners may get more."""
    if no_log and no_grid:
        raise CommandFailed(USAGE, "--no-log and --no-grid leave nothing to ask", "leave one of them out")
    here = session(context)
    old_set, new_set = load(named_files(here, against)), load(named_files(here, new))
    found = Impact()
    rates = []
    if not no_log:
        record_read(here, f"policy impact {new}", by, log_key)
        rates.append(_ask_log(here, log_key, since, old_set, new_set, found))
    moment = instant(at, "--at") if at else now()
    whole = Grid((), 0) if no_grid else grid(old_set, new_set, moment)
    if not no_grid:
        rates.append(_ask_grid(whole, old_set, new_set, found))
    changes = [each for each in diff(old_set, new_set) if _redirects(each)]
    remarks = (*rates, *_remarks(whole), *(f"{each.file}: {each.text}" for each in changes))
    if html is not None:
        html.write_text(page(found, f"Impact of {new}", remarks), encoding="utf-8")
    here.output(as_json).show(_data(found, whole, changes, rates), *_blocks(found, remarks))
    if (found.widens or changes) and not acknowledge:
        raise typer.Exit(REFUSED)


def _redirects(change: Change) -> bool:
    """A key added redirects answers: that widens, whatever else is said."""
    return change.what == "keys" and change.direction is Direction.WIDER


def _rate(what: str, count: int, began: float) -> str:
    seconds = max(time.perf_counter() - began, 1e-9)
    return f"{what}: {count:,} decisions in {seconds:.1f} s, {count / seconds:,.0f} a second"


def _ask_log(here: Session, log_key: str, since: str, old_set: PolicySet, new_set: PolicySet, found: Impact) -> str:
    comparison = Comparison(compile_policy(old_set), compile_policy(new_set), found)
    first = instant(since, "--since") if since else None
    count, began = 0, time.perf_counter()
    with here.reader(log_key) as reader:
        try:
            for entry in watched(entries_after(reader, -1), "log", reader.size()):
                if first is None or datetime.fromisoformat(entry.leaf.time) >= first:
                    count += comparison.ask_log(entry, reader)
            if removed := lost(reader):
                say(f"note: {removed}")
        except (LookupError, ValueError) as error:
            hint = "relgate audit verify says whether the log is whole"
            raise CommandFailed(REFUSED, f"an entry cannot be replayed: {error}", hint) from error
    rate = _rate("log", count, began)
    say(rate)
    return rate


def _ask_grid(whole: Grid, old_set: PolicySet, new_set: PolicySet, found: Impact) -> str:
    """Sound keys are assumed: the grid asks what the policy says, not who has handed in a key."""
    sets = [compile_policy(with_assumed_keys(each)) for each in (old_set, new_set)]
    comparison = Comparison(sets[0], sets[1], found)
    began = time.perf_counter()
    for cell in watched(whole.cells, GRID, len(whole.cells)):
        comparison.ask_cell(cell)
    rate = _rate(GRID, len(whole.cells), began)
    say(rate)
    return rate


def _remarks(whole: Grid) -> Iterator[str]:
    if whole.thinned:
        yield f"{whole.thinned:,} combinations of facts were left out of the grid"


def _data(found: Impact, whole: Grid, changes: list[Change], rates: list[str]) -> Data:
    groups: list[Data] = [
        {
            "partner": group.partner,
            "flip": group.flip.value,
            "dataset": group.dataset,
            "origin": group.origin,
            "count": found.groups[group].count,
            "examples": list(found.groups[group].examples),
        }
        for group in sorted(found.groups)
    ]
    by_partner = {code: {flip.value: n for flip, n in counts.items()} for code, counts in found.by_partner().items()}
    return {
        "widens": found.widens or bool(changes),
        "asked": dict(found.asked),
        "thinned": whole.thinned,
        "partners": by_partner,
        "groups": groups,
        "keys": [f"{each.file}: {each.text}" for each in changes],
        "rates": list(rates),
    }


def _blocks(found: Impact, remarks: tuple[str, ...]) -> list[Block]:
    counted = [(code, *(f"{counts[flip]:,}" for flip in Flip)) for code, counts in found.by_partner().items()]
    blocks: list[Block] = [Table(("partner", *(flip.value for flip in Flip)), counted, empty="nothing turns")]
    rows: list[tuple[str, ...]] = []
    for group in sorted(found.groups):
        held = found.groups[group]
        for number, example in enumerate(held.examples):
            count = f"{held.count:,}" if not number else ""
            rows.append((group.partner, group.flip.value, group.dataset, group.origin, count, example))
    if rows:
        blocks.append(Table(("partner", "turn", "dataset", "from", "flips", "for example"), rows))
    blocks += [Line(remark) for remark in remarks]
    said = "partners may get more than before" if found.widens else "no partner gets more than before"
    return [*blocks, Line(said, good=not found.widens)]
