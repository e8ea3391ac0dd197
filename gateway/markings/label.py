"""What a piece of content says about itself: its level, its controls, to whom it may go.

A label is a value: frozen, hashable, without the text it came from. It does not check itself. The parsers
make only labels that are well formed; :func:`gateway.markings.validate` says what is wrong with any label,
however it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.profiles import profile
from gateway.markings.words import BY_NAME, RANK, US_LEVELS, Category, Level


@dataclass(frozen=True, slots=True)
class Control:
    """One control other than a release list: ``NOFORN``, ``ORCON``, ``RELIDO``, ``FOUO``, ``PR``, ``DS``.

    ``values`` is empty, or for ``PR`` and ``DS`` the owner and the data type.
    """

    name: str
    values: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[int, tuple[str, ...]]:
        """Where it stands among the controls of a marking."""
        return RANK[self.name], self.values


@dataclass(frozen=True, slots=True)
class Limit:
    """One portion's release lists as they stood, kept by a roll-up so that none of them is ever exceeded.

    ``created`` is the portion's date: a community in the list is read as of that day.
    """

    created: date | None
    rel_to: tuple[str, ...] | None
    display_to: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Label:
    """A confidentiality label under one profile.

    ``rel_to`` and ``display_to`` are the literal codes, in the order written (USA first in ``rel_to``);
    ``None`` is no such marking. ``created`` is the label's date, which its text does not hold: set it with
    ``dataclasses.replace``. ``limits`` are the lists of the portions that were rolled up into this label,
    where there were several; its text does not hold them, and every release question asks them too.
    """

    profile: str
    level: Level
    controls: tuple[Control, ...] = ()
    rel_to: tuple[str, ...] | None = None
    display_to: tuple[str, ...] | None = None
    created: date | None = None
    system: str = "US"
    owners: tuple[str, ...] = ("USA",)
    limits: frozenset[Limit] = frozenset()

    def has(self, name: str) -> bool:
        """Whether it carries the control of that name."""
        return any(control.name == name for control in self.controls)

    @property
    def bare(self) -> bool:
        """Whether it is unclassified and says nothing else: only for such a label has a dataset a default."""
        return self.level is Level.U and not self.controls and self.rel_to is None and self.display_to is None

    def banner(self) -> str:
        """The banner line: ``SECRET//ORCON/REL TO USA, JPN``."""
        return _render(self, US_LEVELS[self.level], portion=False)

    def portion(self) -> str:
        """The portion mark, in parentheses unless the profile writes it bare: ``(S//OC/REL TO USA, JPN)``."""
        text = _render(self, self.level.name, portion=True)
        return text if profile(self.profile).bare_portions else f"({text})"

    def to_ism(self) -> dict[str, str]:
        """The ISM attributes, as :func:`gateway.markings.from_ism` reads them; ``PR`` and ``DS`` have none.

        Raises :class:`MarkingError` for a control that ISM-2022 has no token for.
        """
        if not all(control.name in ISM_TOKENS for control in self.controls):
            message = "a control of this label has no ISM token"
            raise MarkingError(Finding("ISM-TOKENS", "ISM-2022", message))
        tokens = {ISM_TOKENS[control.name]: control.order for control in self.controls}
        tokens |= {"REL": (RANK["REL TO"], ())} if self.rel_to is not None else {}
        tokens |= {"DISPLAYONLY": (RANK["DISPLAY ONLY"], ())} if self.display_to is not None else {}
        attributes = {"classification": self.level.name, "ownerProducer": " ".join(self.owners)}
        if tokens:
            attributes["disseminationControls"] = " ".join(sorted(tokens, key=tokens.__getitem__))
        if self.rel_to is not None:
            attributes["releasableTo"] = " ".join(self.rel_to)
        if self.display_to is not None:
            attributes["displayOnlyTo"] = " ".join(self.display_to)
        if self.created is not None:
            attributes["createDate"] = self.created.isoformat()
        return attributes


ISM_TOKENS: Final = {"FOUO": "FOUO", "ORCON": "OC", "NOFORN": "NF", "RELIDO": "RELIDO"}
"""The tokens of ISM-2022's disseminationControls for controls other than the release lists."""


def _render(label: Label, level: str, *, portion: bool) -> str:
    parts: list[tuple[tuple[int, tuple[str, ...]], Category, str]] = []
    for control in label.controls:
        word = BY_NAME[control.name]
        text = "-".join((word.portion if portion else word.name, *control.values))
        parts.append((control.order, word.category, text))
    for name, codes in (("REL TO", label.rel_to), ("DISPLAY ONLY", label.display_to)):
        if codes is not None:
            parts.append(((RANK[name], ()), BY_NAME[name].category, f"{name} {', '.join(codes)}"))
    parts.sort()
    segments = [level]
    for category in Category:
        tokens = [text for _, where, text in parts if where is category]
        if tokens:
            segments.append("/".join(tokens))
    return "//".join(segments)
