"""What may stand at which level and beside what: the table of rules that one label is judged by.

Numbers such as ``ISM-ID-00045`` are those of ISM-2022; an id of words is ours. A row says what it is about by a
control's name and the beginning of its values: ``SI`` with ``("G",)`` is SI-GAMMA and everything under it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.markings.label import Control
from gateway.markings.words import Level

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class About:
    """A control, and how its values begin. ``deeper`` asks for more values than those."""

    name: str
    values: Values = ()
    deeper: bool = False

    def holds(self, control: Control) -> bool:
        """Whether the control is one of those."""
        if control.name != self.name or control.values[: len(self.values)] != self.values:
            return False
        return not self.deeper or len(control.values) > len(self.values)


@dataclass(frozen=True, slots=True)
class Lowest:
    """A control that stands at this level or above."""

    rule: str
    authority: str
    about: About
    level: Level


@dataclass(frozen=True, slots=True)
class Needs:
    """A control that needs another beside it. ``profiles``: only there; all where empty."""

    rule: str
    authority: str
    about: About
    needed: str
    profiles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Excludes:
    """Controls that do not stand beside each other. ``profiles``: only there; all where empty."""

    rule: str
    authority: str
    about: About
    excluded: tuple[str, ...]
    profiles: frozenset[str] = frozenset()


_ISM: Final = frozenset(("ism-2022",))

LOWEST: Final = (
    Lowest("ISM-ID-00043", "CAPCO-2016 H.4 SI", About("SI"), Level.C),
    Lowest("SI-COMPARTMENT-LEVEL", "CAPCO-2016 H.4 SI-G", About("SI", deeper=True), Level.TS),
    Lowest("ISM-ID-00047", "CAPCO-2016 H.4 TK", About("TK"), Level.S),
    Lowest("TK-BLFH-LEVEL", "CAPCO-2016 H.4 TK-BLFH", About("TK", ("BLFH",)), Level.TS),
    Lowest("HCS-COMPARTMENT-LEVEL", "CAPCO-2016 H.4 HCS-O", About("HCS", deeper=True), Level.S),
    Lowest("HCS-SUB-LEVEL", "CAPCO-2016 H.4 HCS-P", About("HCS", ("P",), deeper=True), Level.TS),
    Lowest("ISM-ID-00107", "CAPCO-2016 H.8 IMCON", About("IMCON"), Level.S),
    Lowest("ISM-ID-00175", "CAPCO-2016 H.6 CNWDI", About("RD", ("CNWDI",)), Level.S),
    Lowest("ISM-ID-00173", "CAPCO-2016 H.6 SIGMA", About("RD", ("SIGMA",)), Level.S),
    Lowest("ISM-ID-00173", "CAPCO-2016 H.6 SIGMA", About("FRD", ("SIGMA",)), Level.S),
)

NEEDS: Final = (
    Needs("ISM-ID-00045", "CAPCO-2016 H.4 SI-G", About("SI", ("G",)), "ORCON"),
    Needs("ISM-ID-00049", "CAPCO-2016 H.4 HCS", About("HCS"), "NOFORN"),
    Needs("ISM-ID-00335", "CAPCO-2016 H.4 HCS-O", About("HCS", ("O",)), "ORCON"),
    Needs("HCS-SUB-ORCON", "CAPCO-2016 H.4 HCS-P", About("HCS", ("P",), deeper=True), "ORCON"),
    Needs("ISM-ID-00313", "CAPCO-2016 H.9 NODIS", About("NODIS"), "NOFORN"),
    Needs("ISM-ID-00314", "CAPCO-2016 H.9 EXDIS", About("EXDIS"), "NOFORN"),
    Needs("ISM-ID-00302", "ISM-2022 disseminationControls", About("ORCON-USGOV"), "ORCON", _ISM),
)

EXCLUDES: Final = (
    Excludes("ISM-ID-00033", "CAPCO-2016 H.8 NOFORN", About("NOFORN"), ("REL TO",)),
    Excludes("ISM-ID-00325", "CAPCO-2016 H.8 ORCON", About("ORCON"), ("RELIDO",)),
    Excludes("ORCON-USGOV-RELIDO", "CAPCO-2016 H.8 ORCON-USGOV", About("ORCON-USGOV"), ("RELIDO",)),
    Excludes("ISM-ID-00341", "CAPCO-2016 H.4 SI-G", About("SI", ("G",)), ("ORCON-USGOV",)),
    Excludes("ISM-ID-00038", "CAPCO-2016 H.9 NODIS", About("NODIS"), ("EXDIS", "SBU", "SBU NOFORN")),
    Excludes("ISM-ID-00038", "CAPCO-2016 H.9 EXDIS", About("EXDIS"), ("SBU", "SBU NOFORN")),
    Excludes("ISM-ID-00038", "CAPCO-2016 H.9 SBU NOFORN", About("SBU NOFORN"), ("SBU",)),
    Excludes("ISM-ID-00148", "CAPCO-2016 H.9 LES", About("LES NOFORN"), ("LES",)),
    Excludes("ISM-ID-00321", "CAPCO-2016 H.6 RD", About("RD"), ("FRD", "TFNI")),
    Excludes("ISM-ID-00321", "CAPCO-2016 H.6 FRD", About("FRD"), ("TFNI",)),
    Excludes(
        "ISM-ID-00372",
        "CAPCO-2016 H.9 LES NOFORN",
        About("LES NOFORN"),
        ("NOFORN", "REL TO", "RELIDO", "EYES ONLY", "DISPLAY ONLY"),
    ),
    Excludes(
        "ISM-ID-00372",
        "CAPCO-2016 H.9 SBU NOFORN",
        About("SBU NOFORN"),
        ("NOFORN", "REL TO", "RELIDO", "EYES ONLY", "DISPLAY ONLY"),
    ),
    Excludes(
        "EYES-ALONE",
        "CAPCO-2016 H.8 EYES ONLY",
        About("EYES ONLY"),
        ("NOFORN", "REL TO", "RELIDO", "DISPLAY ONLY"),
    ),
)
