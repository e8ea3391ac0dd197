"""Showing an answer: JSON for programs, tables on a terminal, plain aligned text in a pipe.

Rules: results go to standard output and everything else to standard error; a pipe never gets an escape
sequence; control characters in what is shown (a file name, a partner's text) are written out and never
reach the terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

Data = str | int | float | bool | None | Sequence["Data"] | Mapping[str, "Data"]
"""What a command answers to programs: anything that JSON can say."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. ``empty`` is said when there are none."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    title: str = ""
    empty: str = "nothing"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are, one a line."""

    pairs: Sequence[tuple[str, str]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence. ``good`` says whether it is welcome (``None``: neither)."""

    text: str
    good: bool | None = None


Block = Table | Facts | Line

_STYLES = {True: "green", False: "bold red", None: ""}


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's answer goes. ``as_json``: one JSON document and nothing else. ``color`` may be said
    off.
    """

    as_json: bool = False
    color: bool = True

    def show(self, data: Data, *blocks: Block) -> None:
        """Write ``data`` for programs, or the blocks, which say the same, for people."""
        if self.as_json:
            print(json.dumps(data, indent=2, ensure_ascii=False, sort_keys=False))
        elif sys.stdout.isatty():
            console = Console(no_color=not self.color or bool(os.environ.get("NO_COLOR")), highlight=False)
            for block in blocks:
                console.print(_rich(block))
        else:
            for block in blocks:
                print("\n".join(_plain(block)))


def said_plainly(text: str) -> str:
    """The text with control characters written out, so that a terminal shows them and obeys
    none.
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def say(text: str) -> None:
    """A remark for the person at the terminal, on standard error."""
    print(said_plainly(text), file=sys.stderr)


def _plain(block: Block) -> Iterable[str]:
    if isinstance(block, Line):
        return [said_plainly(block.text)]
    if isinstance(block, Facts):
        width = max((len(name) for name, _ in block.pairs), default=0)
        lines = [f"{name.ljust(width)}  {said_plainly(value)}".rstrip() for name, value in block.pairs]
        return [block.title, *lines] if block.title else lines
    if not block.rows:
        return [block.title, block.empty] if block.title else [block.empty]
    rows = [block.columns, *([said_plainly(cell) for cell in row] for row in block.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(block.columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [block.title, *lines] if block.title else lines


def _rich(block: Block) -> Text | RichTable:
    if isinstance(block, Line):
        return Text(said_plainly(block.text), style=_STYLES[block.good])
    if isinstance(block, Facts):
        facts = RichTable(box=None, show_header=False, title=block.title or None, title_justify="left")
        facts.add_column(style="bold", no_wrap=True)
        facts.add_column(overflow="fold")
        for name, value in block.pairs:
            facts.add_row(Text(name), Text(said_plainly(value)))
        return facts
    table = RichTable(box=SIMPLE_HEAD, title=block.title or None, title_justify="left")
    for column in block.columns:
        table.add_column(column, overflow="fold")
    for row in block.rows:
        table.add_row(*(Text(said_plainly(cell)) for cell in row))
    return table if block.rows else Text(block.empty)
