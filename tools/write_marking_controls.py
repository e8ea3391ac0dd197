"""Writes docs/marking-controls.md from the tables of ``gateway.markings``: ``python tools/write_marking_controls.py``.

A test holds the page equal to what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gateway import markings  # noqa: E402 - run as a script, the package is found by the line above
from gateway.markings.explain import effect_of, rolled_up, rules_about  # noqa: E402
from gateway.markings.profiles import Profile  # noqa: E402
from gateway.markings.words import CUI_CATEGORIES, WORDS, Category, Shape, Word  # noqa: E402

PAGE = ROOT / "docs" / "marking-controls.md"
HEADING = """# Every control and category

Written by `tools/write_marking_controls.py` from the tables that the package reads by; do not edit. How markings are
read as a whole is in [markings](markings.md).

*profiles*: where it is read: I `icrm-2016`, M `ism-2022`, D `dodm-5200.01-v2`, C `cui`, U `udl`. *rules*: what it is
judged by beyond its form. *released to*: its row in the release table: `never`; `consent`, and whose; `read-in`;
`no effect` by itself. A control without a row denies, and policy may tighten a row but not loosen it.
"""
_LETTERS = {"icrm-2016": "I", "ism-2022": "M", "dodm-5200.01-v2": "D", "cui": "C", "udl": "U"}
_TITLES = {
    Category.HEAD: "In place of a classification",
    Category.SCI: "Sensitive compartmented information, and NATO programmes",
    Category.SAP: "Special access",
    Category.AEA: "Atomic energy",
    Category.FGI: "Foreign government information",
    Category.DISSEM: "Dissemination controls",
    Category.NON_IC: "Non-IC controls",
}
_SHAPES = {
    Shape.LIST: " + list",
    Shape.OWNED: "-OWNER-TYPE",
    Shape.SYSTEM: " + compartments",
    Shape.PROGRAM: "-PROGRAMME + compartments",
    Shape.FOREIGN: " + sources",
}


def profiles() -> tuple[Profile, ...]:
    """The shipped profiles, in the order of their letters."""
    return tuple(markings.profile(name) for name in _LETTERS)


def rows(words: Iterable[Word]) -> Iterator[tuple[str, ...]]:
    """One row for each word."""
    for word in words:
        known = [one for one in profiles() if word.name in one.words]
        row = known[0].rows.get(word.name)
        after = {"RD": " + CNWDI, SIGMA", "FRD": " + SIGMA"}.get(word.name, _SHAPES.get(word.shape, ""))
        ism = {"SAR": "SARIdentifier", "FGI": "FGIsourceOpen, FGIsourceProtected"}.get(word.name, word.ism)
        before = "list + " if word.shape is Shape.EYES else ""
        yield (
            word.name,
            f"{before}`{word.spelling}`{after}",
            f"`{word.portion}`",
            f"`{ism}`" if ism else "",
            "".join(_LETTERS[one.name] for one in known),
            ", ".join(rules_about(word)),
            rolled_up(word),
            effect_of(row),
            row.source if row is not None else "",
        )


def systems() -> Iterator[tuple[str, ...]]:
    """One row for each marking system."""
    first = profiles()[0]
    rolled = "stays itself among its like; in a US whole FGI of each other owner, RESTRICTED rounds up"
    yield "US", "the level", "judged by the clearance", "IMDCU", "highest level", "CAPCO-2016 H.1"
    for name, row in first.systems.items():
        letters = "".join(_LETTERS[one.name] for one in profiles() if name in one.systems)
        yield (
            name,
            {"JOINT": "`//JOINT`, level, owners", "NON-US": "`//`nation, level"}.get(name, "`//`, NATO's own words"),
            effect_of(row),
            letters,
            rolled,
            row.source,
        )


def table(columns: tuple[str, ...], cells: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [columns, tuple("---" for _ in columns), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


COLUMNS = ("control", "banner", "portion", "ISM", "profiles", "rules", "rolled up", "released to", "source")


def page() -> str:
    """The whole page."""
    system_columns = ("system", "written", "released to", "profiles", "rolled up", "source")
    parts = [HEADING, "## Systems", table(system_columns, systems())]
    for category, title in _TITLES.items():
        parts += [f"## {title}", table(COLUMNS, rows(word for word in WORDS if word.category is category))]
    parts += [
        "## CUI categories",
        "`SP-` marks a category by its specified authorities and stands before the others (CUI Registry).",
        table(COLUMNS, rows(CUI_CATEGORIES)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
