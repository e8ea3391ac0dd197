"""The vocabulary of markings that this package reads: every word, how it is written, where it stands.

The order of :data:`WORDS` *is* the order of the Register (CAPCO-2016 A.6, G.1 table 4 and H.4 to H.9): a marking
that names them in any other order is refused. A profile says which of the words it knows, and may put them in an
order of its own (:mod:`gateway.markings.profiles`).

``PR`` and ``DS`` with an owner and a data type are the Unified Data Library's extensions; the first extends
PROPIN and stands where PROPIN stands, among the dissemination controls, the second extends LIMDIS and stands
where LIMDIS stands, among the non-IC controls. The names of CUI categories begin with ``CUI-`` here, because the
registry's markings (``SSI``, ``PROPIN``) mean other things elsewhere; their text is the registry's.

What is not in this table is not a word, and a marking that holds it is refused.
"""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
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

ALL_LEVELS: Final = {**US_LEVELS, Level.R: "RESTRICTED"}
"""The levels of other nations, as a US marking names them (CAPCO-2016 H.2)."""

NATO_LEVELS: Final = {
    Level.U: ("NATO UNCLASSIFIED", "NU"),
    Level.R: ("NATO RESTRICTED", "NR"),
    Level.C: ("NATO CONFIDENTIAL", "NC"),
    Level.S: ("NATO SECRET", "NS"),
    Level.TS: ("COSMIC TOP SECRET", "CTS"),
}
"""NATO's levels in banner and portion form (CAPCO-2016 H.2 and H.7)."""


class Category(enum.IntEnum):
    """The parts of a marking after the classification, in the order of CAPCO-2016 A.6.

    ``//`` stands between them. ``HEAD`` stands in the place of the classification itself.
    """

    HEAD = 0
    CUI = 1
    SCI = 2
    SAP = 3
    AEA = 4
    FGI = 5
    DISSEM = 6
    NON_IC = 7


class Shape(enum.Enum):
    """What follows a word: nothing, a list of codes, an owner and a data type, or parts of its own."""

    BARE = "bare"
    LIST = "list"
    OWNED = "owned"
    SYSTEM = "system"
    """An SCI control system: compartments and sub-compartments."""
    PROGRAM = "program"
    """Special access: programmes with compartments and sub-compartments."""
    ATOMIC = "atomic"
    """Atomic energy: CNWDI and SIGMA categories."""
    FOREIGN = "foreign"
    """Foreign government information: its sources, or none where they are concealed."""
    EYES = "eyes"
    """A list that stands before the word."""


@dataclass(frozen=True, slots=True)
class Word:
    """One control: its ``name`` (also its banner form), portion form, category and what follows it.

    ``ism`` is its form in ISM attributes, empty where there is none. ``lowest`` and ``highest`` bound the
    levels it may stand at.
    """

    name: str
    portion: str
    category: Category
    shape: Shape
    authority: str
    meaning: str = ""
    ism: str = ""
    lowest: Level = Level.U
    highest: Level = Level.TS
    banner: str = ""

    @property
    def spelling(self) -> str:
        """How a banner writes it."""
        return self.banner or self.name


def _word(
    name: str,
    category: Category,
    section: str,
    meaning: str,
    *,
    portion: str = "",
    ism: str | None = None,
    shape: Shape = Shape.BARE,
    lowest: Level = Level.U,
    highest: Level = Level.TS,
) -> Word:
    authority = section if " " in section else f"CAPCO-2016 {section} {name}"
    written = portion or name
    attribute = written if ism is None else ism
    return Word(name, written, category, shape, authority, meaning, attribute, lowest, highest)


def _system(name: str, meaning: str, lowest: Level, authority: str = "H.4") -> Word:
    return _word(name, Category.SCI, authority, meaning, shape=Shape.SYSTEM, lowest=lowest)


_ISM: Final = "ISM-2022 SCIcontrols"
_U, _C, _S, _TS = Level.U, Level.C, Level.S, Level.TS
_AEA, _DISSEM, _NON_IC = Category.AEA, Category.DISSEM, Category.NON_IC
_REGISTRY: Final = "ISM-2022 disseminationControls"

WORDS: Final[tuple[Word, ...]] = (
    _word("CUI", Category.HEAD, "32 CFR 2002.20", "controlled unclassified information", ism="", highest=_U),
    _word("BALK", Category.SCI, "H.7", "NATO programme BALK", ism="NATO-BALK", lowest=_TS),
    _word("BOHEMIA", Category.SCI, "H.7", "NATO programme BOHEMIA", ism="NATO-BOHEMIA", lowest=_TS),
    _system("BUR", "SCI control system BUR", _C, _ISM),
    _system("HCS", "HUMINT control system", _C),
    _system("KLM", "KLAMATH", _C, _ISM),
    _system("MVL", "MARVEL", _C, _ISM),
    _system("RSV", "RESERVE", _S),
    _system("SI", "special intelligence", _C),
    _system("TK", "TALENT KEYHOLE", _S),
    _word("SAR", Category.SAP, "H.5", "special access required", ism="", shape=Shape.PROGRAM, lowest=_C),
    _word("RD", _AEA, "H.6", "restricted data", shape=Shape.ATOMIC, lowest=_C),
    _word("FRD", _AEA, "H.6", "formerly restricted data", shape=Shape.ATOMIC, lowest=_C),
    _word("DOD UCNI", _AEA, "H.6", "DoD unclassified controlled nuclear information", portion="DCNI", highest=_U),
    _word("DOE UCNI", _AEA, "H.6", "DOE unclassified controlled nuclear information", portion="UCNI", highest=_U),
    _word("TFNI", _AEA, "H.6", "transclassified foreign nuclear information", lowest=_C),
    _word("ATOMAL", _AEA, "H.7", "atomic information released to NATO", ism="NATO-ATOMAL", lowest=_C),
    _word("FGI", Category.FGI, "H.7", "foreign government information", ism="", shape=Shape.FOREIGN),
    _word("RSEN", _DISSEM, "H.8", "risk sensitive", portion="RS", lowest=_S),
    Word("FOUO", "FOUO", _DISSEM, Shape.BARE, "CAPCO-2016 H.8 FOUO", "for official use only", "FOUO"),
    Word("ORCON", "OC", _DISSEM, Shape.BARE, "CAPCO-2016 H.8 ORCON", "originator controlled", "OC"),
    _word("ORCON-USGOV", _DISSEM, "H.8", "originator controlled, US government", portion="OC-USGOV", lowest=_C),
    _word("IMCON", _DISSEM, "H.8", "controlled imagery", portion="IMC"),
    _word("NOFORN", _DISSEM, "H.8", "not releasable to foreign nationals", portion="NF"),
    _word("PROPIN", _DISSEM, "H.8", "proprietary information involved", portion="PR"),
    Word("PR", "PR", _DISSEM, Shape.OWNED, "UDL extension of CAPCO-2016 H.8 PROPIN", "proprietary to its owner"),
    _word("REL TO", _DISSEM, "H.8", "authorised for release to", shape=Shape.LIST, ism="REL"),
    _word("RELIDO", _DISSEM, "H.8", "releasable by an information disclosure official"),
    _word("EYES ONLY", _DISSEM, "H.8", "eyes only", portion="EYES", shape=Shape.EYES, lowest=_C),
    _word("DEA SENSITIVE", _DISSEM, "H.8", "Drug Enforcement Administration sensitive", portion="DSEN"),
    _word("RAWFISA", _DISSEM, "ISM-2022 disseminationControls", "raw FISA information"),
    _word("FISA", _DISSEM, "H.8", "Foreign Intelligence Surveillance Act information"),
    _word("DISPLAY ONLY", _DISSEM, "H.8", "may be shown, not handed over", shape=Shape.LIST, ism="DISPLAYONLY"),
    _word(
        "EXEMPT FROM ICD501 DISCOVERY",
        _DISSEM,
        "ISM-2022 disseminationControls",
        "exempt from discovery under ICD 501",
        ism="EXEMPT_FROM_ICD501_DISCOVERY",
    ),
    _word("WAIVED", _DISSEM, "ISM-2022 disseminationControls", "waived special access programme", lowest=_C),
    _word("ATTORNEY-CLIENT", _DISSEM, _REGISTRY, "attorney-client privilege", portion="AC"),
    _word("ATTORNEY-WP", _DISSEM, _REGISTRY, "attorney work product", portion="AWP"),
    _word("DL ONLY", _DISSEM, _REGISTRY, "those on a dissemination list only", ism="DL_ONLY"),
    _word("FED ONLY", _DISSEM, _REGISTRY, "federal employees only", ism="FED_ONLY"),
    _word("FEDCON", _DISSEM, _REGISTRY, "federal employees and contractors only"),
    _word("NOCON", _DISSEM, _REGISTRY, "no contractors"),
    _word("LIMDIS", _NON_IC, "H.9", "limited distribution", portion="DS"),
    Word(
        "DS", "DS", _NON_IC, Shape.OWNED, "UDL extension of CAPCO-2016 H.9 LIMDIS", "distribution limited by its owner"
    ),
    _word("EXDIS", _NON_IC, "H.9", "exclusive distribution", portion="XD"),
    _word("NODIS", _NON_IC, "H.9", "no distribution", portion="ND"),
    _word("SBU", _NON_IC, "H.9", "sensitive but unclassified", highest=_U),
    _word("SBU NOFORN", _NON_IC, "H.9", "sensitive but unclassified, no foreigners", portion="SBU-NF", highest=_U),
    _word("LES", _NON_IC, "H.9", "law enforcement sensitive"),
    _word("LES NOFORN", _NON_IC, "H.9", "law enforcement sensitive, no foreigners", portion="LES-NF"),
    _word("SSI", _NON_IC, "H.9", "sensitive security information"),
    _word("NNPI", _NON_IC, "ISM-2022 nonICmarkings", "naval nuclear propulsion information"),
)
"""Every word but the CUI categories, in the Register's order."""


def _categories() -> Iterator[Word]:
    """The CUI categories: those of specified authorities first, each by alphabet (CUI Registry, marking notes)."""
    text = resources.files("gateway.markings").joinpath("data", "cui.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for column, prefix in (("specified", "SP-"), ("basic", "")):
        for row in rows:
            if row[column] == "yes":
                written, name = prefix + row["marking"], row["marking"]
                authority = f"CUI Registry, {row['marking']}, {column} authorities (known, not verified)"
                yield Word(
                    f"CUI-{written}",
                    written,
                    Category.CUI,
                    Shape.BARE,
                    authority,
                    row["meaning"],
                    name,
                    highest=Level.U,
                    banner=written,
                )


CUI_CATEGORIES: Final = tuple(_categories())
"""The CUI categories, specified before basic."""

BY_NAME: Final = {word.name: word for word in (*WORDS, *CUI_CATEGORIES)}
SPELLINGS: Final = frozenset(text for word in BY_NAME.values() for text in (word.spelling, word.portion))
"""Every word as a banner or a portion of any profile writes it."""
RANK: Final = {name: rank for rank, name in enumerate(BY_NAME)}
US_ONLY: Final = frozenset(("NOFORN", "SBU NOFORN", "LES NOFORN"))
"""The controls that keep everything to the United States (CAPCO-2016 D.2 table 3, H.9)."""

EYES: Final = ("USA", "AUS", "CAN", "GBR", "NZL")
"""Those whom EYES ONLY may name (ISM-ID-00345)."""


@dataclass(frozen=True, slots=True)
class Letters:
    """A form that names have which no public list holds: which characters, how few, how many."""

    letters: frozenset[str]
    fewest: int
    most: int

    def fits(self, text: str) -> bool:
        """Whether the text has this form."""
        return self.fewest <= len(text) <= self.most and self.letters.issuperset(text)


_ALPHA: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ALNUM: Final = _ALPHA | frozenset("0123456789")
PROGRAM: Final = Letters(_ALNUM, 2, 16)
"""The identifier of a special access programme (CAPCO-2016 H.5)."""
PART: Final = Letters(_ALNUM, 1, 16)
"""The identifier of a programme's compartment or sub-compartment."""
_SUB: Final = Letters(_ALNUM, 1, 6)

COMPARTMENTS: Final[dict[str, dict[str, Letters | None]]] = {
    "BUR": {"BLG": None, "DTP": None, "WRG": None},
    "HCS": {"O": _SUB, "P": _SUB, "X": None},
    "KLM": {"R": None},
    "MVL": {},
    "RSV": {},
    "SI": {"G": Letters(_ALPHA, 4, 4), "EU": None, "NK": None},
    "TK": {"BLFH": _SUB, "IDIT": _SUB, "KAND": _SUB},
}
"""The compartments of each SCI system that public lists name, and the form of their sub-compartments."""

UNLISTED: Final[dict[str, tuple[Letters, Letters | None]]] = {
    "RSV": (Letters(_ALNUM, 3, 3), None),
    "SI": (Letters(_ALPHA, 3, 3), Letters(_ALPHA, 4, 4)),
}
"""The form of compartments that no public list names, and of their sub-compartments (ISM-2022 SCIcontrols)."""
