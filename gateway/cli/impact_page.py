"""An impact as one HTML page that needs nothing else: no script, no font, no address outside itself.

The picture is SVG: a bar a partner, to the right what it may get more of, to the left what it gets less of. Everything
that comes from policies or records is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from gateway.cli.html_page import document
from gateway.policy.impact import Flip, Impact

_COLORS: Mapping[Flip, str] = {
    Flip.GAINED: "#b3261e",
    Flip.LOOSENED: "#e8833a",
    Flip.UNSURE: "#8a6d00",
    Flip.TIGHTENED: "#5b8db8",
    Flip.LOST: "#1f4e79",
}
_ROW, _LEFT, _MIDDLE, _HALF = 26, 120, 450, 320


def page(impact: Impact, heading: str, remarks: tuple[str, ...]) -> str:
    """The whole page. ``remarks`` are sentences under the heading."""
    said = "".join(f"<p>{escape(remark)}</p>" for remark in remarks)
    verdict = "Partners may get more than before." if impact.widens else "No partner gets more than before."
    return document(
        heading, f"{said}<p><strong>{verdict}</strong></p>{_picture(impact)}{_partners(impact)}{_groups(impact)}"
    )


def _picture(impact: Impact) -> str:
    counted = impact.by_partner()
    most = max((max(_sum(each, widens=True), _sum(each, widens=False)) for each in counted.values()), default=0)
    if not most:
        return "<p>Nothing turns.</p>"
    height = _ROW * (len(counted) + 1)
    bars = "".join(_bar(row, code, counts, most) for row, (code, counts) in enumerate(counted.items(), start=1))
    label = "A bar for each partner: to the right flips that release more, to the left flips that release less"
    heads = (
        f'<text x="{_MIDDLE - 8}" y="16" text-anchor="end">releases less</text><text x="{_MIDDLE + 8}" y="16">releases '
        "more</text>"
    )
    return (
        f'<svg viewBox="0 0 800 {height + 6}" role="img" aria-label="{label}" font-family="system-ui,sans-serif" '
        f'font-size="13">{heads}<line x1="{_MIDDLE}" x2="{_MIDDLE}" y1="0" y2="{height}" stroke="#888"/>{bars}</svg>'
        f"<p>{_legend()}</p>"
    )


def _sum(counts: Mapping[Flip, int], *, widens: bool) -> int:
    return sum(count for flip, count in counts.items() if flip.widens is widens)


def _bar(row: int, code: str, counts: Mapping[Flip, int], most: int) -> str:
    top = row * _ROW
    parts = [f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(code)}</text>']
    right = left = float(_MIDDLE)
    for flip, count in counts.items():
        width = _HALF * count / most
        if not count:
            continue
        left -= 0 if flip.widens else width
        start = right if flip.widens else left
        right += width if flip.widens else 0
        title = f"<title>{escape(code)}: {count} {flip}</title>"
        box = f'x="{start:.1f}" y="{top + 2}" width="{max(width, 1):.1f}" height="{_ROW - 8}"'
        parts.append(f'<rect {box} fill="{_COLORS[flip]}">{title}</rect>')
    return "".join(parts)


def _legend() -> str:
    return " ".join(f'<span style="color:{color}">&#9632;</span> {flip}' for flip, color in _COLORS.items())


def _partners(impact: Impact) -> str:
    heads = "".join(f"<th>{flip}</th>" for flip in Flip)
    rows = "".join(
        f"<tr><td>{escape(code)}</td>{''.join(f'<td class=n>{counts[flip]:,}</td>' for flip in Flip)}</tr>"
        for code, counts in impact.by_partner().items()
    )
    return f"<h2>By partner</h2><table><tr><th>partner</th>{heads}</tr>{rows}</table>" if rows else ""


def _groups(impact: Impact) -> str:
    rows = []
    for group in sorted(impact.groups):
        found = impact.groups[group]
        examples = "".join(f"<li>{escape(example)}</li>" for example in found.examples)
        cells = "".join(f"<td>{escape(each)}</td>" for each in (group.partner, group.flip, group.dataset, group.origin))
        rows.append(f"<tr>{cells}<td class=n>{found.count:,}</td><td><ul>{examples}</ul></td></tr>")
    heads = "".join(f"<th>{head}</th>" for head in ("partner", "turn", "dataset", "from", "flips", "examples"))
    return f"<h2>What turns</h2><table><tr>{heads}</tr>{''.join(rows)}</table>" if rows else ""
