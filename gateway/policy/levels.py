"""``[[level]]`` of a partner file: what the level of foreign material is in US words, under this agreement.

A US marking states another nation's level in English (``//GBR RESTRICTED``). Ceilings and clearances are in US words,
so such a label is compared only through a row of the agreement, which says for one nation (or ``NATO``) and one level
which US level it counts as, and on which days a label with it was made. Rows round up: no level may count as less than
a lower one, and none as less than the same word. What has no row denies (``foreign_level_unmapped``), and so does a
label that several nations own.

A row whose ``system`` is ``spif:NAME`` speaks of a classification of that security policy, whose own order of
classifications takes the place of the words above: no row, no level, and what has none counts as the highest.

A clearance is always stated in US words here, so no row maps one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from typing import Self

from pydantic import Field, model_validator

from gateway import markings
from gateway.markings.equivalence import Direction, Ladder, LevelRow, LevelTable, UnmappedLevelError, level_table
from gateway.markings.spif.policy import SPIF_PROFILE
from gateway.policy.schemes import Marked
from gateway.policy.values import FOREIGN_LEVELS, LEVELS, Code, Day, LevelName, PolicyName, Strict, Text

USA = "USA"
_BY_LEVEL = {level: name for name, level in FOREIGN_LEVELS.items()}


class LevelRowTable(Strict):
    """One ``[[level]]`` row: labels of ``system`` at ``level``, made from ``from`` until ``until``, count as ``us``.

    ``system`` is a nation, ``NATO``, or ``spif:NAME`` for a security policy of the set, whose classifications then are
    the levels. ``source`` says where the agreement states it.
    """

    system: Code | PolicyName
    level: Text
    us: LevelName
    source: Text
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None

    @property
    def of_policy(self) -> bool:
        """Whether it speaks of a security policy's classification."""
        return self.system.startswith(SPIF_PROFILE)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.of_policy and self.level not in FOREIGN_LEVELS:
            raise ValueError(f"a foreign level is one of {', '.join(FOREIGN_LEVELS)}, as a US marking spells it")
        return self


def read_levels(
    instrument: str, rows: Iterable[LevelRowTable], policies: Iterable[markings.SpifPolicy] = ()
) -> LevelTable:
    """The agreement's table; ``ValueError`` where rows contradict each other, round down, or name a policy or a
    classification that is none of ``policies``.
    """
    listed = tuple(rows)
    nations = [row for row in listed if not row.of_policy]
    for row in nations:
        if LEVELS[row.us] < FOREIGN_LEVELS[row.level]:
            raise ValueError(f"{row.system} {row.level} counts as {row.us}: a label's level rounds up, never down")
    words = tuple(sorted(FOREIGN_LEVELS, key=FOREIGN_LEVELS.__getitem__))
    ladders = [Ladder(_written(code), words) for code in sorted({row.system for row in nations})]
    ladders += [Ladder(policy.profile.name, policy.classifications) for policy in policies]
    return level_table(instrument, [_row(row) for row in listed], ladders)


def counted_level(table: LevelTable, label: Marked) -> tuple[int, bool]:
    """The level that a label counts as, as :data:`LEVELS` counts, never below its own word; and whether the agreement
    says so. Where it does not, the label's own word stands in, and the highest for a policy's classification.
    """
    mapped = us_level(table, label)
    own = int(label.level) if isinstance(label, markings.Label) else 0 if mapped is not None else max(LEVELS.values())
    return (own if mapped is None else max(int(mapped), own)), mapped is not None


def stated_level(table: LevelTable, label: Marked) -> markings.Level | None:
    """The level in a mark's own words, or what the agreement counts a policy's classification as."""
    return label.level if isinstance(label, markings.Label) else us_level(table, label)


def us_level(table: LevelTable, label: Marked) -> markings.Level | None:
    """The US level that a label counts as; ``None`` where the agreement maps no such level on the label's day."""
    if isinstance(label, markings.SecurityLabel):
        return _mapped(table, SPIF_PROFILE + label.policy, label.classification, label.created.astimezone(UTC).date())
    if label.system == "US":
        return label.level
    if len(label.owners) != 1 or label.created is None:
        return None
    return _mapped(table, _written(label.owners[0]), _BY_LEVEL[label.level], label.created)


def _mapped(table: LevelTable, system: str, level: str, day: date) -> markings.Level | None:
    try:
        found = table.label(system, level, USA, day)
    except UnmappedLevelError:
        return None
    return markings.Level(LEVELS[found.level])


def _written(code: str) -> str:
    """A system whose levels are in the words of a US marking, apart from that system's own words."""
    return f"//{code}"


def _row(row: LevelRowTable) -> LevelRow:
    system = row.system if row.of_policy else _written(row.system)
    return LevelRow(system, row.level, USA, row.us, Direction.LABEL, row.from_, row.until, row.source)
