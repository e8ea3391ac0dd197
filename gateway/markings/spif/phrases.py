"""The text of a label under its policy: a banner line or a portion mark, in a language.

How it is put together (ADatP-4774.1 section 3.5, XML SPIF 2.1):

1. The policy's name, the classification, each category in the label's own order, the privacy mark. Between them a
   space, or the policy's separator.
2. For each, the phrase (``markingData``) of the language asked for, else one without a language; a phrase for the
   position asked for, else, among the positions at the head and foot of a page or document, one for another of them.
   Where there is no phrase the name stands.
3. ``replacePolicy`` puts a phrase in the place of the policy's name (``NATO/EAPC``, ``COSMIC``); ``noNameDisplay``
   shows the phrase and never the name; ``noMarkingDisplay`` shows nothing; ``suppressClassName`` hides the
   classification.
4. A tag's prefix, separator and suffix stand as written; where two words would run into each other, a space comes
   between. Without a separator, ``/``.
5. A portion mark whose classification has a phrase of its own (``NS``) leaves the policy's name out.

A category with no values cannot be shown and is refused: a reader would take its absence for no limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.markings.spif.loadrules import BEHAVIOURS, POSITIONS
from gateway.markings.spif.model import SPIF_AUTHORITY, Phrase, PolicyFile, Qualifier, Style
from gateway.markings.spif.rules import known_classification, meant, resolve
from gateway.markings.stanag import SecurityCategory, SecurityLabel, refuse
from gateway.markings.xmltree import collapse

_BANNER: Final = frozenset(
    ("pageTop", "pageBottom", "pageTopBottom", "documentStart", "documentEnd", "firstLineOfText", "lastLineOfText")
)
_PAGE: Final = frozenset(("pageTop", "pageBottom"))
_PORTION: Final = "portionMarking"
_NOT_THERE: Final = 9


@dataclass(frozen=True, slots=True)
class _Where:
    """Which phrases are asked for."""

    language: str
    position: str

    def phrase(self, style: Style) -> Phrase | None:
        ranked = [(self._language(each.language), self._place(each.codes - BEHAVIOURS), each) for each in style.phrases]
        fit = [
            (language, place, n) for n, (language, place, _) in enumerate(ranked) if _NOT_THERE not in (language, place)
        ]
        return style.phrases[min(fit)[2]] if fit else None

    def qualifier(self, style: Style, code: str) -> str | None:
        ranked = [(self._language(q.language), self._qualifier_place(q), n) for n, q in enumerate(style.qualifiers)]
        fit = [each for each in ranked if style.qualifiers[each[2]].code == code and each[0] != _NOT_THERE]
        return style.qualifiers[min(fit)[2]].text if fit else None

    def _language(self, tag: str | None) -> int:
        if tag is None:
            return 2
        asked, said = self.language.lower(), tag.lower()
        if asked == said:
            return 0
        return 1 if asked.partition("-")[0] == said.partition("-")[0] else _NOT_THERE

    def _place(self, codes: frozenset[str]) -> int:
        if self.position in codes or (self.position in _PAGE and "pageTopBottom" in codes):
            return 0
        if not codes or (self.position in _BANNER and codes & _BANNER):
            return 1
        return _NOT_THERE

    def _qualifier_place(self, qualifier: Qualifier) -> int:
        codes = frozenset() if qualifier.position is None else frozenset((qualifier.position,))
        place = self._place(codes - BEHAVIOURS)
        return 2 if place == _NOT_THERE else place


def marking(policy: PolicyFile, label: SecurityLabel, language: str = "en", position: str = "pageTop") -> str:
    """The label's text; :class:`MarkingError` for a label the policy does not know, or that cannot be shown.

    ``language`` is a tag as in ``xml:lang``; ``position`` is a marking code that says where a text stands.
    """
    if position not in POSITIONS:
        raise refuse("SPIF-POSITION", "the marking code names no position", SPIF_AUTHORITY)
    read = resolve(policy, label)
    if not all(category.values for category in read.categories):
        raise refuse("SPIF-EMPTY-CATEGORY", "a category with no values cannot be shown", SPIF_AUTHORITY)
    where = _Where(language, position)
    shown = [_Shown(policy, read, category, where) for category in read.categories]
    level = known_classification(policy, read.classification)
    phrase = where.phrase(level.style) or Phrase(None, None, frozenset())
    title, name = _title(policy, where, phrase, shown, level.name)
    if any(each.hides_class for each in shown) or "noMarkingDisplay" in phrase.codes:
        name = ""
    parts = [title, _framed(where, policy.styles.classifications, name)]
    parts += [each.text() for each in shown]
    parts.append(_privacy(policy, read, where))
    separator = where.qualifier(policy.styles.whole, "separator") or " "
    return collapse(_framed(where, policy.styles.whole, separator.join(part for part in parts if part)))


def _title(policy: PolicyFile, where: _Where, phrase: Phrase, shown: list[_Shown], name: str) -> tuple[str, str]:
    """What stands for the policy, and what then is left to say of the classification."""
    text = name if phrase.text is None else phrase.text
    if "replacePolicy" in phrase.codes:
        return text, ""
    if where.position == _PORTION and _PORTION in phrase.codes:
        return "", text
    replaced = [each for one in shown for each in one.replacing]
    if replaced:
        return " ".join(replaced), text
    own = where.phrase(policy.styles.policy)
    return (policy.name if own is None or own.text is None else own.text), text


class _Shown:
    """One category's phrases: those for the policy's place, and those for its own."""

    def __init__(self, policy: PolicyFile, label: SecurityLabel, category: SecurityCategory, where: _Where) -> None:
        self.replacing: list[str] = []
        self.hides_class = False
        self._where = where
        self._own: list[str] = []
        self._style = Style()
        for value in category.values:
            found = meant(policy, category, value)
            standing = [each for each in found if each[1].stands_with(label.classification)] or list(found)
            tag, known = standing[0]
            self._style = tag.style
            phrase = where.phrase(known.style)
            if phrase is None:
                self._own.append(value)
                continue
            self._add(phrase, value, typed=not policy.same(known.name, value))

    def _add(self, phrase: Phrase, value: str, *, typed: bool) -> None:
        self.hides_class |= "suppressClassName" in phrase.codes
        nameless = "" if "noNameDisplay" in phrase.codes else value
        text = value if typed else nameless if phrase.text is None else phrase.text
        if "noMarkingDisplay" in phrase.codes or not text:
            return
        (self.replacing if "replacePolicy" in phrase.codes else self._own).append(text)

    def text(self) -> str:
        separator = self._where.qualifier(self._style, "separator")
        joined = ("/" if separator is None else separator).join(self._own)
        return _framed(self._where, self._style, joined)


def _framed(where: _Where, style: Style, text: str) -> str:
    if not text:
        return ""
    prefix, suffix = where.qualifier(style, "prefix") or "", where.qualifier(style, "suffix") or ""
    return _apart((prefix, text, suffix))


def _apart(parts: Iterable[str]) -> str:
    """The parts in a row, with a space where two words would run into each other."""
    whole = ""
    for part in parts:
        meet = whole[-1:].isalnum() and part[:1].isalnum()
        whole += f" {part}" if meet else part
    return whole


def _privacy(policy: PolicyFile, label: SecurityLabel, where: _Where) -> str:
    if label.privacy_mark is None:
        return ""
    known = [each for each in policy.privacy_marks if policy.same(each.name, label.privacy_mark)]
    phrase = where.phrase(known[0].style) if known else None
    return label.privacy_mark if phrase is None or phrase.text is None else phrase.text
