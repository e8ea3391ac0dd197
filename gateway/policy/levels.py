"""``[[level]]`` of a partner file: what the level of foreign material is in US words, under this agreement.

A US marking states another nation's level in English (``//GBR RESTRICTED``). Ceilings and clearances are in US words,
so such a label is compared only through a row of the agreement, which says for one nation (or ``NATO``) and one level
which US level it counts as, and on which days a label with it was made. Rows round up: no level may count as less than
a lower one, and none as less than the same word. What has no row denies (``foreign_level_unmapped``), and so does a
label that several nations own.

A clearance is always stated in US words here, so no row maps one.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from gateway import markings
from gateway.markings.equivalence import Direction, Ladder, LevelRow, LevelTable, UnmappedLevelError, level_table
from gateway.policy.values import FOREIGN_LEVELS, LEVELS, Code, Day, ForeignLevelName, LevelName, Strict, Text

USA = "USA"
_BY_LEVEL = {level: name for name, level in FOREIGN_LEVELS.items()}


class LevelRowTable(Strict):
    """One ``[[level]]`` row: labels of ``system`` at ``level``, made from ``from`` until ``until``, count as ``us``.

    ``source`` says where the agreement states it.
    """

    system: Code
    level: ForeignLevelName
    us: LevelName
    source: Text
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None


def read_levels(instrument: str, rows: Iterable[LevelRowTable]) -> LevelTable:
    """The agreement's table; ``ValueError`` where rows contradict each other or round down."""
    listed = tuple(rows)
    for row in listed:
        if LEVELS[row.us] < FOREIGN_LEVELS[row.level]:
            raise ValueError(f"{row.system} {row.level} counts as {row.us}: a label's level rounds up, never down")
    words = tuple(sorted(FOREIGN_LEVELS, key=FOREIGN_LEVELS.__getitem__))
    ladders = [Ladder(_written(code), words) for code in sorted({row.system for row in listed})]
    return level_table(instrument, [_row(row) for row in listed], ladders)


def us_level(table: LevelTable, label: markings.Label) -> markings.Level | None:
    """The US level that a label counts as; ``None`` where the agreement maps no such level on the label's day."""
    if label.system == "US":
        return label.level
    if len(label.owners) != 1 or label.created is None:
        return None
    try:
        found = table.label(_written(label.owners[0]), _BY_LEVEL[label.level], USA, label.created)
    except UnmappedLevelError:
        return None
    return markings.Level(LEVELS[found.level])


def _written(code: str) -> str:
    """A system whose levels are in the words of a US marking, apart from that system's own words."""
    return f"//{code}"


def _row(row: LevelRowTable) -> LevelRow:
    return LevelRow(_written(row.system), row.level, USA, row.us, Direction.LABEL, row.from_, row.until, row.source)
