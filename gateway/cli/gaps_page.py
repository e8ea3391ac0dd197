"""Gaps as one HTML page: a bar a partner, then every gap that was weighed with the ways it could be closed.

Everything that comes from policies or records is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from gateway.cli.html_page import document
from gateway.policy.gaps import Change, Gaps, Standing, Weighed, said

_COLORS = {True: "#6b6b6b", False: "#2f6f9f"}
_NAMED = {True: "no policy may release it", False: "somebody could change it"}
_ROW, _LEFT, _WIDTH = 26, 130, 640
_HEADS = ("partner", "dataset", "label", "refused by", "asked", "first", "last", "what would release it")


def page(found: Gaps, weighed: list[Weighed]) -> str:
    """The whole page."""
    counted = (
        f"<p>{found.decisions:,} decisions, {found.denied:,} of them denied in {len(found.gaps):,} gaps; "
        f"{found.closed:,} that were denied then would go now.</p>"
        "<p><strong>A gap is no reason to close it: most are as meant. Nothing was changed.</strong></p>"
    )
    return document("What partners asked for and did not get", counted + _picture(found) + _table(weighed))


def _picture(found: Gaps) -> str:
    counted = found.by_partner()
    most = max((sum(counts.values()) for counts in counted.values()), default=0)
    if not most:
        return "<p>No partner was denied anything.</p>"
    bars = "".join(_bar(row, code, counted[code], most) for row, code in enumerate(counted))
    legend = " ".join(f'<span style="color:{_COLORS[key]}">&#9632;</span> {_NAMED[key]}' for key in (False, True))
    label = "A bar for each partner: how many of its questions were denied, and how many no policy may release"
    return (
        f'<svg viewBox="0 0 860 {_ROW * len(counted) + 6}" role="img" aria-label="{label}" '
        f'font-family="system-ui,sans-serif" font-size="13">{bars}</svg><p>{legend}</p>'
    )


def _bar(row: int, code: str, counts: Mapping[bool, int], most: int) -> str:
    top, right = row * _ROW, float(_LEFT)
    parts = [f'<text x="{_LEFT - 8}" y="{top + 16}" text-anchor="end">{escape(code)}</text>']
    for never in (False, True):
        width = _WIDTH * counts[never] / most
        if counts[never]:
            title = f"<title>{escape(code)}: {counts[never]:,} {_NAMED[never]}</title>"
            box = f'x="{right:.1f}" y="{top + 3}" width="{max(width, 1):.1f}" height="{_ROW - 8}"'
            parts.append(f'<rect {box} fill="{_COLORS[never]}">{title}</rect>')
        right += width
    parts.append(f'<text x="{right + 6:.1f}" y="{top + 16}">{sum(counts.values()):,}</text>')
    return "".join(parts)


def _table(weighed: list[Weighed]) -> str:
    heads = "".join(f"<th>{head}</th>" for head in _HEADS)
    return f"<h2>Gap by gap</h2><table><tr>{heads}</tr>{''.join(map(_row, weighed))}</table>" if weighed else ""


def _row(each: Weighed) -> str:
    gap, asked = each.gap, each.asked
    who = f"<td>{escape(gap.partner)}</td><td>{escape(gap.dataset)}</td>"
    what = f"<td class=w>{escape(gap.marking or '(the request)')}</td><td class=w>{escape(', '.join(gap.reasons))}</td>"
    when = f"<td class=n>{asked.first.date()}</td><td class=n>{asked.last.date()}</td>"
    return f"<tr>{who}{what}<td class=n>{asked.count:,}</td>{when}<td>{_ways(each)}</td></tr>"


def _ways(each: Weighed) -> str:
    if each.standing is Standing.NEVER:
        return "No policy may release it."
    return (
        "".join(f"<ul>{_way(change, each.asked.count)}</ul>" for change in each.changes)
        or "Nothing that a policy says."
    )


def _way(change: Change, asked: int) -> str:
    examples = () if change.besides is None else change.besides.examples
    listed = "".join(f"<li>{escape(example)}</li>" for example in examples)
    told = "".join(f"<li>{escape(part)}</li>" for part in said(change, asked))
    return f"{told}<li>for example<ul>{listed}</ul></li>" if listed else told
