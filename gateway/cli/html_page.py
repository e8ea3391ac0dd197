"""The frame of the workbench's HTML pages: one file that needs nothing else, no script, no font, no outside address."""

from __future__ import annotations

from html import escape

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;width:100%;margin:1rem 0}svg{width:100%;height:auto}li{margin:.2rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
td.w{overflow-wrap:anywhere}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"""


def document(heading: str, body: str) -> str:
    """A whole page. ``heading`` is escaped here; ``body`` is markup whose makers have escaped what is in it."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(heading)}</h1>{body}</body></html>\n"
    )
