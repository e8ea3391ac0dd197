"""The officer's view of what just happened: read from the audit log, never from the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from demo.partners import Came
from gateway.audit.entry import Event
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry
from gateway.policy.reasons import MEANING, Reason
from gateway.replay import Replayed, Replayer


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the log has it. ``why`` counts the reasons against what was withheld."""

    entry: StoredEntry
    asked: str
    outcome: str
    released: int
    counted: int
    withheld: int
    why: Mapping[str, int]
    degraded: str


def read_back(log: LogReader, after: int) -> tuple[Seen, ...]:
    """Every release since an index, as the log tells it."""
    found: list[Seen] = []
    while True:
        entries = log.entries(after, 50)
        if not entries:
            return tuple(found)
        found += [_seen(entry) for entry in entries if entry.leaf.event == Event.RELEASE]
        after = entries[-1].index


def _seen(entry: StoredEntry) -> Seen:
    private = entry.private
    rounded, redacted = private.get("rounded"), private.get("redacted")
    degraded = [
        f"{len(fields)} fields {verb}"
        for fields, verb in ((rounded, "rounded"), (redacted, "left out"))
        if isinstance(fields, Mapping) and fields
    ]
    why = private.get("why_withheld")
    return Seen(
        entry,
        f"{private['operation']} {private['path']}",
        entry.leaf.outcome,
        entry.leaf.released,
        _number(private.get("counted")),
        _number(private.get("withheld")),
        {reason: _number(count) for reason, count in why.items()} if isinstance(why, Mapping) else {},
        ", ".join(degraded),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def table(seen: Sequence[Seen], came: Sequence[Came]) -> Table:
    """What each partner asked, got and had withheld, and why; the middle columns alone are the partner's own."""
    shown = Table(title="What left, what was withheld and why (from the audit log)", title_justify="left")
    for name, justify in (("entry", "right"), ("partner", "left"), ("asked for", "left"), ("outcome", "left")):
        shown.add_column(name, justify="right" if justify == "right" else "left", no_wrap=name != "asked for")
    shown.add_column("got", justify="right")
    shown.add_column("degraded")
    shown.add_column("withheld", justify="right")
    shown.add_column("most often because")
    asked = {each.request: each.errand.what for each in came}
    for each in seen:
        leaf = each.entry.leaf
        got = f"number {each.counted}" if "count" in each.asked.split() else str(each.released)
        shown.add_row(
            str(each.entry.index),
            leaf.partner,
            f"{asked.get(leaf.request, '')}\n[dim]{each.asked}[/dim]",
            each.outcome,
            got if leaf.outcome == "released" else "nothing",
            each.degraded,
            str(each.withheld) if each.withheld else "",
            "\n".join(f"{count} x {reason}" for reason, count in Counter(each.why).most_common(3)),
        )
    return shown


def meanings(seen: Sequence[Seen]) -> Table:
    """What the reasons in the table mean."""
    shown = Table(title="What the reasons mean", title_justify="left", show_header=False, box=None)
    said = {reason for each in seen for reason, _ in Counter(each.why).most_common(3)}
    for reason in sorted(said):
        code = reason.partition(":")[2]
        shown.add_row(f"  {reason}", MEANING[Reason(code)] if code in set(Reason) else "")
    return shown


def replay(log: LogReader, seen: Sequence[Seen]) -> Replayed:
    """Make every decision of these entries again, from the log alone."""
    replayer, found = Replayer(log), Replayed()
    for each in seen:
        replayer.replay(each.entry, found)
    return found
