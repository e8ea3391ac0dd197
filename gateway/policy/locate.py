"""Find the line of a TOML field, so that a finding points at what an officer wrote.

``tomllib`` tells the line of a syntax error but not of a value that parsed. This walks the text line by line,
follows table headers and keys, and answers with the deepest part of a field's path that it could see. It
never guesses: what it cannot place is placed at the last enclosing header, or at line 0 when not even that
was seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^(\s*)((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")


def _parts(dotted: str) -> list[str]:
    return [a or b or c for a, b, c in _PART.findall(dotted)]


def places(text: str) -> dict[Path, tuple[int, int]]:
    """Every header and key of a TOML text, by its path (array tables by index), with line and column from
    1.
    """
    found: dict[Path, tuple[int, int]] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if quote:
            quote = "" if quote in line else quote
            continue
        header = _HEADER.match(line)
        key = _KEY.match(line)
        if header is not None and key is None:
            table = _enter(_parts(header[2]), header[1] == "[[", counts)
            found.setdefault(table, (number, line.index("[") + 1))
        elif key is not None:
            path: Path = (*table, *_parts(key[2]))
            found.setdefault(path, (number, len(key[1]) + 1))
            quote = next((mark for mark in ('"""', "'''") if line.count(mark) == 1), "")
    return found


def _enter(names: list[str], is_array: bool, counts: dict[Path, int]) -> Path:
    """The path of a table header, with the index of each array of tables it stands in."""
    path: Path = ()
    for depth, name in enumerate(names):
        path = (*path, name)
        last = depth == len(names) - 1
        if is_array and last:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def locate(found: dict[Path, tuple[int, int]], field: Sequence[str | int]) -> tuple[int, int]:
    """The place of the longest prefix of ``field`` that was seen; ``(0, 0)`` when none was."""
    for length in range(len(field), 0, -1):
        place = found.get(tuple(field[:length]))
        if place is not None:
            return place
    return 0, 0


def dotted(field: Sequence[str | int]) -> str:
    """A field's path as an officer would say it: ``grant[2].where``."""
    text = ""
    for part in field:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
