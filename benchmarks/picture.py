"""The table as a picture: for each figure that has a goal, how far it is from it, on a logarithmic scale.

An SVG of nothing but rectangles, lines and text, so that it needs no library and can be read as it stands. A bar that
reaches the line in the middle meets its goal; where less is better, the bar is the goal over the figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from benchmarks.machine import Line

Group = tuple[str, Sequence[Line]]

WIDTH, LEFT, RIGHT = 980, 430, 190
ROW, HEAD, FOOT = 22, 30, 46
SPAN = 10.0
"""A bar ends at a tenth of the goal on the left and at ten times it on the right."""
_MET, _SHORT = "#2e7d32", "#b45309"
_STYLE = "text{font:13px sans-serif;fill:#222}.t{font-weight:bold}.s{fill:#666;font-size:11px}"


def draw(machine: str, groups: Sequence[Group]) -> str:
    """The picture, with the machine described beneath it."""
    height = HEAD + sum(ROW * (1 + len(lines)) + 10 for _, lines in groups) + FOOT
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>Benchmarks beside their goals</title><style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        *_axis(height),
    ]
    top = HEAD
    for title, lines in groups:
        parts.append(_text(10, top + 15, title, "t"))
        top += ROW
        for line in lines:
            parts += _row(top, line)
            top += ROW
        top += 10
    parts += [_text(10, top + 14 + 14 * number, text, "s") for number, text in enumerate(machine.splitlines()[:2])]
    return "\n".join([*parts, "</svg>", ""])


def achieved(line: Line) -> float | None:
    """How many times its goal a figure reaches; ``None`` where it has none."""
    if line.ratio is None or line.goal is None or line.ratio <= 0:
        return None
    return line.ratio / line.goal if line.more else line.goal / line.ratio


def _place(times: float) -> float:
    """Where on the scale so many times the goal lie."""
    within = min(max(times, 1 / SPAN), SPAN)
    share = (math.log10(within) + math.log10(SPAN)) / (2 * math.log10(SPAN))
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _axis(height: int) -> Iterator[str]:
    for times, said in ((0.1, "1/10"), (0.5, "1/2"), (1.0, "goal"), (2.0, "2x"), (10.0, "10x")):
        x, stroke = _place(times), "#444" if times == 1 else "#ddd"
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="22" y2="{height - FOOT}" stroke="{stroke}"/>'
        yield f'<text x="{x:.1f}" y="16" class="s" text-anchor="middle">{said}</text>'


def _row(top: int, line: Line) -> Iterator[str]:
    yield _text(22, top + 15, line.what)
    times = achieved(line)
    if times is not None:
        colour = _MET if times >= 1 else _SHORT
        width = max(_place(times) - LEFT, 1.5)
        yield f'<rect x="{LEFT}" y="{top + 4}" width="{width:.1f}" height="{ROW - 8}" fill="{colour}"/>'
    yield _text(WIDTH - RIGHT + 10, top + 15, _said(line))


def _said(line: Line) -> str:
    if line.ratio is None:
        return line.figure
    ratio = f"{line.ratio:.2f}" if line.ratio >= 0.01 else f"1/{1 / line.ratio:,.0f}"
    return f"{ratio}  {line.figure}".strip()


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{named}>{escape(text.strip())}</text>'
