"""What a piece of content says about itself: its level, its controls, to whom it may go.

A label is a value: frozen, hashable, without the text it came from. It does not check itself. The parsers
make only labels that are well formed; :func:`gateway.markings.validate` says what is wrong with any label,
however it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.markings.heads import JOINT, write_head
from gateway.markings.ismtokens import tokens_of
from gateway.markings.profiles import profile
from gateway.markings.structure import write_parts
from gateway.markings.words import BY_NAME, RANK, US_ONLY, Category, Level, Shape, Word


@dataclass(frozen=True, slots=True)
class Control:
    """One control other than a release list: ``NOFORN``, ``ORCON``, ``SI``, ``RD``, ``FGI``, ``PR``.

    ``values`` is empty; for ``PR`` and ``DS`` the owner and the data type; for SCI, special access and atomic
    energy the path of a compartment (``("G", "ABCD")``), whose parents are controls of their own; for ``FGI`` one
    source, none where it is concealed; for ``EYES ONLY`` its list.
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

    ``system`` says whose words the level is in: ``US``, ``NON-US`` (another nation), ``JOINT`` or ``NATO``;
    ``owners`` whose it is, in the order written.
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
        silent = not self.controls and self.rel_to is None and self.display_to is None
        return silent and self.level is Level.U and self.system == "US"

    @property
    def us_only(self) -> bool:
        """Whether a control keeps it to the United States: NOFORN, or a non-IC control that says the same."""
        return any(control.name in US_ONLY for control in self.controls)

    def banner(self) -> str:
        """The banner line: ``SECRET//ORCON/REL TO USA, JPN``."""
        return _render(self, portion=False)

    def portion(self) -> str:
        """The portion mark, in parentheses unless the profile writes it bare: ``(S//OC/REL TO USA, JPN)``."""
        text = _render(self, portion=True)
        return text if profile(self.profile).bare_portions else f"({text})"

    def to_ism(self) -> dict[str, str]:
        """The ISM attributes, as :func:`gateway.markings.from_ism` reads them.

        Raises :class:`MarkingError` for a control that ISM-2022 has no token for: PR and DS, CUI alone.
        """
        attributes = {"classification": self.level.name, "ownerProducer": " ".join(self.owners)}
        if self.system == JOINT:
            attributes["joint"] = "true"
        eyes = next((control.values for control in self.controls if control.name == "EYES ONLY"), None)
        lists = (("REL TO", self.rel_to), ("DISPLAY ONLY", self.display_to))
        attributes |= tokens_of(
            ((control.name, control.values) for control in self.controls),
            (name for name, codes in lists if codes is not None),
            profile(self.profile),
        )
        released = self.rel_to if self.rel_to is not None else eyes
        if released is not None:
            attributes["releasableTo"] = " ".join(released)
        if self.display_to is not None:
            attributes["displayOnlyTo"] = " ".join(self.display_to)
        if self.created is not None:
            attributes["createDate"] = self.created.isoformat()
        return attributes


def _render(label: Label, *, portion: bool) -> str:
    chosen = profile(label.profile)
    grouped: dict[str, list[tuple[str, ...]]] = {}
    for control in sorted(label.controls, key=lambda each: chosen.order(each.name, each.values)):
        grouped.setdefault(control.name, []).append(control.values)
    parts = [(chosen.order(name, ()), name, _text(BY_NAME[name], grouped[name], portion=portion)) for name in grouped]
    for name, codes in (("REL TO", label.rel_to), ("DISPLAY ONLY", label.display_to)):
        if codes is not None:
            parts.append((chosen.order(name, ()), name, f"{name} {', '.join(codes)}"))
    parts.sort()
    segments: dict[Category, list[str]] = {}
    for _, name, text in parts:
        segments.setdefault(BY_NAME[name].category, []).append(text)
    head = write_head(label.system, label.level, label.owners, portion=portion)
    head = "".join(segments.pop(Category.HEAD, [head]))
    return "//".join((head, *("/".join(segments[category]) for category in sorted(segments))))


def _text(word: Word, all_values: list[tuple[str, ...]], *, portion: bool) -> str:
    if word.shape is Shape.BARE:
        return word.portion if portion else word.spelling
    if word.shape is Shape.OWNED:
        return "/".join("-".join((word.name, *values)) for values in all_values)
    return write_parts(word, all_values, portion=portion)
