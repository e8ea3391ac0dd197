"""The vocabulary of US markings that this package reads: every word, how it is written, where it stands.

The order of :data:`WORDS` *is* the order of the Register (CAPCO-2016 A.6 and H.8): a marking that names them
in any other order is refused. ``PR`` and ``DS`` with an owner and a data type are the Unified Data Library's
extensions; the first extends PROPIN and stands where PROPIN stands, among the dissemination controls, the
second extends LIMDIS and stands where LIMDIS stands, among the non-IC controls.

What is not in this table is not a word, and a marking that holds it is refused.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Level(enum.IntEnum):
    """Classification levels, lowest first.

    ``R`` (RESTRICTED) is no US level; it is there for other systems.
    """

    U = 0
    R = 1
    C = 2
    S = 3
    TS = 4


US_LEVELS: Final = {
    Level.U: "UNCLASSIFIED",
    Level.C: "CONFIDENTIAL",
    Level.S: "SECRET",
    Level.TS: "TOP SECRET",
}
"""US levels and how a banner spells them (CAPCO-2016 H.1); a portion uses the member's own name."""


class Category(enum.IntEnum):
    """The parts of a marking after the classification, in the order of CAPCO-2016 A.6.

    ``//`` stands between them.
    """

    DISSEM = 6
    NON_IC = 7


class Shape(enum.Enum):
    """What follows a word: nothing, a list of codes, or an owner and a data type."""

    BARE = "bare"
    LIST = "list"
    OWNED = "owned"


@dataclass(frozen=True, slots=True)
class Word:
    """One control: its ``name`` (also its banner form), portion form, category and what follows it."""

    name: str
    portion: str
    category: Category
    shape: Shape
    authority: str


WORDS: Final = (
    Word("FOUO", "FOUO", Category.DISSEM, Shape.BARE, "CAPCO-2016 H.8 FOUO"),
    Word("ORCON", "OC", Category.DISSEM, Shape.BARE, "CAPCO-2016 H.8 ORCON"),
    Word("NOFORN", "NF", Category.DISSEM, Shape.BARE, "CAPCO-2016 H.8 NOFORN"),
    Word("PR", "PR", Category.DISSEM, Shape.OWNED, "UDL extension of CAPCO-2016 H.8 PROPIN"),
    Word("REL TO", "REL TO", Category.DISSEM, Shape.LIST, "CAPCO-2016 H.8 REL TO"),
    Word("RELIDO", "RELIDO", Category.DISSEM, Shape.BARE, "CAPCO-2016 H.8 RELIDO"),
    Word("DISPLAY ONLY", "DISPLAY ONLY", Category.DISSEM, Shape.LIST, "CAPCO-2016 H.8 DISPLAY ONLY"),
    Word("DS", "DS", Category.NON_IC, Shape.OWNED, "UDL extension of CAPCO-2016 H.9 LIMDIS"),
)

BY_NAME: Final = {word.name: word for word in WORDS}
RANK: Final = {word.name: rank for rank, word in enumerate(WORDS)}
