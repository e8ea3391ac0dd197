"""Reading banner lines and portion marks, strictly (CAPCO-2016 A.6, C.1, D.1, H; 32 CFR 2002.20; the UDL's
extensions).

    banner   = head *("//" category)             SECRET//SI-G ABCD/TK//FGI GBR//ORCON/REL TO USA, JPN
    portion  = the same in portion form          (S//OC/REL TO USA, JPN), in profile udl S//OC/REL TO USA, JPN
    category = word *("/" word)                  CUI categories, SCI, SAP, AEA, FGI, dissemination, non-IC controls
    list     = code *(", " code)                 nations by alphabet, then communities; REL TO: USA first
    PR / DS  = ("PR-" / "DS-") owner "-" type    profile udl only; neither owner nor type holds a hyphen

Heads are read by :mod:`gateway.markings.heads`, words with parts of their own by
:mod:`gateway.markings.structure`.

Rules this file keeps:

1. Nothing is repaired. A wrong case, order, separator, space or character is refused, with what may have been
   meant as a suggestion to the human.
2. What is not in the vocabulary of the profile is refused, and so is a system the profile does not read.
3. One pass over bounded text, no regular expressions: the cost is linear and there is nothing to backtrack.
4. The parser judges form. What two well-formed controls mean beside each other is for
   :mod:`gateway.markings.rules`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.heads import Head, read_other_head, read_us_head
from gateway.markings.label import Control, Label
from gateway.markings.meant import meant
from gateway.markings.profiles import Profile, require_profile
from gateway.markings.structure import eyes_finding, read_parts
from gateway.markings.tables import Tables
from gateway.markings.words import EYES, SPELLINGS, Category, Shape, Word

LONGEST_MARKING: Final = 2_048
"""Characters beyond which a marking is not read: every nation of the tables in one list stays below it."""

_MOST_FINDINGS: Final = 8
_LONGEST_NAME: Final = 32
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,/-_()")
_NAME_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_NO_WORD: Final = "not a word of this profile's vocabulary, as written in this form"
_OTHER_PROFILES: Final = "a word of other profiles, which this one does not read"
_BARE_REL: Final = "REL"
_EYES: Final = {False: " EYES ONLY", True: " EYES"}
_ALONE: Final[tuple[tuple[str, ...], ...]] = ((),)
_REPEATED: Final = frozenset((Shape.OWNED, Shape.PROGRAM))
_SAP_STEMS: Final = {False: ("SAR-", "SPECIAL ACCESS REQUIRED-"), True: ("SAR-",)}
_LIST_RULE: Final = {"REL TO": "ISM-ID-00031", "DISPLAY ONLY": "ISM-ID-00213"}


def parse_banner(text: str, profile: Profile) -> Label:
    """The label a banner line states, such as ``SECRET//REL TO USA, JPN`` or ``//NATO SECRET//ATOMAL``.

    :class:`MarkingError` when refused.
    """
    try:
        return _parse_banner(text, profile)
    except MarkingError as error:
        raise MarkingError(*error.findings, meant=_meaning(text, profile, portion=False)) from None


def parse_portion(text: str, profile: Profile, banner: Label | None = None) -> Label:
    """The label a portion mark states, such as ``(S//NF)``; :class:`MarkingError` when refused.

    ``banner`` is the label of the whole; a bare ``REL`` means its list (CAPCO-2016 H.8) and is refused
    without one. In a profile with bare portions the parentheses may be left out, both of them.
    """
    if banner is not None:
        require_profile(profile, banner.profile)
    try:
        return _parse_portion(text, profile, None if banner is None else banner.rel_to)
    except MarkingError as error:
        raise MarkingError(*error.findings, meant=_meaning(text, profile, portion=True)) from None


def _meaning(text: str, profile: Profile, *, portion: bool) -> Callable[[], str | None]:
    """What finds a suggestion for a human, when one asks."""

    def read(other: str, as_portion: bool) -> Label:
        return _parse_portion(other, profile, None) if as_portion else _parse_banner(other, profile)

    return functools.partial(meant, text, profile, read, portion=portion)


@functools.lru_cache(maxsize=4_096)
def _parse_banner(text: str, profile: Profile) -> Label:
    _check_text(text)
    return _Reading(text, 0, profile, portion=False).label()


@functools.lru_cache(maxsize=8_192)
def _parse_portion(text: str, profile: Profile, banner_list: tuple[str, ...] | None) -> Label:
    _check_text(text)
    inner, offset = _without_parentheses(text, profile)
    return _Reading(inner, offset, profile, portion=True, banner_list=banner_list).label()


def _refuse(
    rule: str, authority: str, message: str, span: tuple[int, int], suggestion: str | None = None
) -> MarkingError:
    return MarkingError(Finding(rule, authority, message, span, suggestion))


def _check_text(text: str) -> None:
    if not text:
        raise _refuse("GRAMMAR-EMPTY", "CAPCO-2016 C.1", "the marking is empty", (0, 0))
    if len(text) > LONGEST_MARKING:
        message = f"the marking is longer than {LONGEST_MARKING} characters"
        raise _refuse("GRAMMAR-LENGTH", "gateway.markings", message, (LONGEST_MARKING, len(text)))
    if _ALPHABET.issuperset(text):
        return
    at = next(place for place, letter in enumerate(text) if letter not in _ALPHABET)
    if text.isascii() and text[at].islower():
        raise _refuse("GRAMMAR-CASE", "CAPCO-2016 C.1", "markings are written in capitals", (at, at + 1))
    message = f"U+{ord(text[at]):04X} stands in no marking"
    raise _refuse("GRAMMAR-CHARACTER", "CAPCO-2016 C.1", message, (at, at + 1))


def _without_parentheses(text: str, profile: Profile) -> tuple[str, int]:
    opened, closed = text.startswith("("), text.endswith(")")
    if opened and closed and len(text) > 2:
        return text[1:-1], 1
    if profile.bare_portions and not opened and not closed:
        return text, 0
    message = "a portion mark stands in parentheses, both of them"
    raise _refuse("GRAMMAR-PARENTHESES", "CAPCO-2016 C.1", message, (0, len(text)))


def _program_stem(token: str, profile: Profile, *, portion: bool) -> str:
    """What a category of special access begins with; empty where it is another."""
    if "SAR" not in profile.words:
        return ""
    return next((stem for stem in _SAP_STEMS[portion] if token.startswith(stem)), "")


def _with_eyes(tokens: list[str], ending: str) -> list[str]:
    """The tokens with the list before EYES ONLY, whose codes single slashes part, put together as one."""
    end = next((place for place, token in enumerate(tokens) if token.endswith(ending)), 0)
    start = next((place for place, token in enumerate(tokens[:end]) if token == EYES[0]), end)
    return [*tokens[:start], "/".join(tokens[start : end + 1]), *tokens[end + 1 :]]


@dataclass(slots=True)
class _Reading:
    """One pass over one marking: what has been read so far, and what was wrong with it."""

    text: str
    offset: int
    profile: Profile
    portion: bool
    banner_list: tuple[str, ...] | None = None
    findings: list[Finding] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    rel_to: tuple[str, ...] | None = None
    display_to: tuple[str, ...] | None = None
    last: tuple[int, tuple[str, ...]] = (-1, ())
    category: Category | None = None

    def label(self) -> Label:
        """Read it all; raises :class:`MarkingError` with everything found wrong, up to a bound."""
        head, at, segments = self._head()
        if isinstance(head, Head) and head.cui:
            self.controls.append(Control("CUI"))
        for segment in segments:
            self._segment(segment, at)
            at += len(segment) + 2
        if self.findings or not isinstance(head, Head):
            raise MarkingError(*self.findings)
        return Label(
            self.profile.name,
            head.level,
            tuple(self.controls),
            self.rel_to,
            self.display_to,
            system=head.system,
            owners=head.owners,
        )

    def _head(self) -> tuple[Head | Finding, int, list[str]]:
        """The head, where the first category begins, and the categories' texts."""
        first, *segments = self.text.split("//")
        if first or not segments:
            head, at, text = read_us_head(first, self.profile, portion=self.portion), 0, first
        else:
            at, text = 2, segments.pop(0)
            head = read_other_head(text, self.profile, portion=self.portion)
        if isinstance(head, Finding):
            start = self.offset if head.rule == "GRAMMAR-SYSTEM" else at + self.offset
            self.findings.append(replace(head, span=(start, at + self.offset + len(text))))
        return head, at + len(text) + 2, segments

    def _segment(self, segment: str, at: int) -> None:
        """One category's text. Programmes share one word, and EYES ONLY stands behind its list."""
        tokens = segment.split("/")
        if _EYES[self.portion] in segment:
            tokens = _with_eyes(tokens, _EYES[self.portion])
        program = _program_stem(tokens[0], self.profile, portion=self.portion)
        for place, token in enumerate(tokens):
            if program:
                self._programme(token, at, len(program) if place == 0 else 0)
            elif "/" in token:
                self._eyes(token, at, opens=place == 0)
            else:
                self._token(token, at, opens=place == 0)
            at += len(token) + 1
            if len(self.findings) >= _MOST_FINDINGS:
                raise MarkingError(*self.findings)

    def _programme(self, token: str, at: int, stem: int) -> None:
        """One special access programme; a word of the vocabulary behind a single slash is no programme."""
        word = self.profile.words["SAR"]
        name = token[stem:]
        if not stem and self._word(name)[0] is not None:
            message = "one slash parts the controls of a category, two slashes part the categories"
            self._find("GRAMMAR-SEPARATOR", "CAPCO-2016 A.6", message, at, token, meant="//" + token)
            return
        self._parts(word, name, at, token, opens=stem > 0)

    def _eyes(self, text: str, at: int, *, opens: bool) -> None:
        """EYES ONLY behind its list."""
        word = self.profile.words.get("EYES ONLY")
        if word is None:
            self._find("GRAMMAR-TOKEN", "CAPCO-2016 H.8 EYES ONLY", _OTHER_PROFILES, at, text)
            return
        codes = tuple(text.removesuffix(_EYES[self.portion]).split("/"))
        finding = eyes_finding(word, codes)
        if finding is not None:
            self.findings.append(replace(finding, span=(at + self.offset, at + self.offset + len(text))))
        elif self._in_place(word, codes, text, at, opens=opens):
            self.controls.append(Control(word.name, codes))

    def _find(self, rule: str, authority: str, message: str, at: int, text: str, *, meant: str | None = None) -> None:
        start = at + self.offset
        self.findings.append(Finding(rule, authority, message, (start, start + len(text)), meant))

    def _token(self, token: str, at: int, *, opens: bool) -> None:
        word, rest = self._word(token)
        if word is None:
            suggestion = self._meant(token)
            elsewhere = suggestion is None and token.partition("-")[0] in SPELLINGS
            message = _OTHER_PROFILES if elsewhere else _NO_WORD
            self._find("GRAMMAR-TOKEN", "CAPCO-2016 A.6", message, at, token, meant=suggestion)
            return
        if word.shape not in (Shape.LIST, Shape.OWNED):
            self._parts(word, token, at, token, opens=opens)
            return
        values = self._owned(word, rest, at) if word.shape is Shape.OWNED else ()
        if values is None or not self._in_place(word, values, token, at, opens=opens):
            return
        if word.shape is Shape.OWNED:
            self.controls.append(Control(word.name, values))
            return
        codes = self._list(word, rest, at + len(token) - len(rest), token)
        if word.name == "REL TO":
            self.rel_to = codes
        else:
            self.display_to = codes

    def _parts(self, word: Word, text: str, at: int, token: str, *, opens: bool) -> None:
        """A word with what belongs to it: its controls, or what is wrong with them."""
        found = _ALONE if word.shape is Shape.BARE else read_parts(word, text, self.profile, portion=self.portion)
        if isinstance(found, Finding):
            start = at + self.offset
            self.findings.append(replace(found, span=(start, start + len(token))))
        elif self._in_place(word, found[0], token, at, opens=opens):
            self.controls.extend(Control(word.name, values) for values in found)
            self.last = self.profile.order(word.name, found[-1])

    def _word(self, token: str) -> tuple[Word | None, str]:
        """The word a token is, and what follows it."""
        vocabulary = self.profile.portion if self.portion else self.profile.banner
        found = vocabulary.whole.get(token)
        if found is not None:
            return found, ""
        if token == _BARE_REL and self.portion:
            return self.profile.words.get("REL TO"), ""
        for name in ("REL TO", "DISPLAY ONLY"):
            if token == name or token.startswith(name + " "):
                return self.profile.words.get(name), token[len(name) + 1 :]
        if token.startswith("FGI "):
            return self.profile.words.get("FGI"), ""
        head, hyphen, rest = token.partition("-")
        word = vocabulary.stems.get(head)
        return (word, rest) if hyphen and word is not None and word.shape is not Shape.PROGRAM else (None, "")

    def _in_place(self, word: Word, values: tuple[str, ...], token: str, at: int, *, opens: bool) -> bool:
        """Whether the token stands once, in order, and behind the right separator."""
        order = self.profile.order(word.name, values)
        if order == self.last or (order[0] == self.last[0] and word.shape not in _REPEATED):
            self._find("GRAMMAR-DUPLICATE", word.authority, "stands twice", at, token)
        elif order < self.last:
            message = "stands after a control that the Register lists later"
            self._find("GRAMMAR-ORDER", "CAPCO-2016 A.6", message, at, token)
        elif not self.findings and opens is (word.category is self.category):
            wanted = "//" if word.category is not self.category else "/"
            message = "one slash parts the controls of a category, two slashes part the categories"
            self._find("GRAMMAR-SEPARATOR", "CAPCO-2016 A.6", message, at, token, meant=wanted + token)
        else:
            self.last, self.category = order, word.category
            return True
        return False

    def _owned(self, word: Word, rest: str, at: int) -> tuple[str, ...] | None:
        values = tuple(rest.split("-"))
        if is_owner_and_type(values):
            return values
        message = "one owner and one data type follow, parted by the only hyphens"
        self._find("UDL-OWNER-TYPE", word.authority, message, at, f"{word.name}-{rest}")
        return None

    def _list(self, word: Word, rest: str, at: int, token: str) -> tuple[str, ...] | None:
        if not rest:
            if token == _BARE_REL and self.banner_list is not None:
                return self.banner_list
            message = "no list of nations or communities, and no banner to take it from"
            self._find(_LIST_RULE[word.name], word.authority, message, at - len(token), token)
            return None
        codes = tuple(rest.split(", "))
        before = len(self.findings)
        for code in codes:
            self._code(code, at, word)
            at += len(code) + 2
            if len(self.findings) >= _MOST_FINDINGS:
                return None
        if len(self.findings) == before:
            self._list_order(word, codes, at - len(rest) - 2, len(rest))
        return codes

    def _code(self, code: str, at: int, word: Word) -> None:
        if not self.profile.tables.knows(code):
            message = "neither a nation nor a community of the tables"
            suggestion = code.strip() if self.profile.tables.knows(code.strip()) else None
            self._find("ISM-ID-00265", word.authority, message, at, code, meant=suggestion)

    def _list_order(self, word: Word, codes: tuple[str, ...], at: int, length: int) -> None:
        finding = list_finding(word, codes, self.profile.tables)
        if finding is not None:
            span = (at + self.offset, at + self.offset + length)
            self.findings.append(replace(finding, span=span))

    def _meant(self, token: str) -> str | None:
        """What a human may have meant; never applied."""
        mine = self.profile.portion if self.portion else self.profile.banner
        other = self.profile.banner if self.portion else self.profile.portion
        elsewhere = other.whole.get(token.strip())
        for text, word in mine.whole.items():
            if token.strip() in (text, word.name) or word is elsewhere:
                return text
        return None


def list_finding(word: Word, codes: tuple[str, ...], tables: Tables) -> Finding | None:
    """What is wrong with the form of a list whose codes are all known: its first code, a duplicate, its
    order.

    ``REL TO`` begins with USA and names someone else (CAPCO-2016 H.8, REL TO); ``DISPLAY ONLY`` is for others
    than USA; nations come before communities, each in alphabetical order. The finding has no span.
    """
    release = word.name == "REL TO"
    ordered = sorted(set(codes) - {"USA"}, key=tables.sort_key)
    suggestion = f"{word.name} {', '.join((['USA'] if release else []) + ordered)}"
    if len(set(codes)) != len(codes):
        return Finding("ISM-ID-00236", word.authority, "a code stands twice in a list", suggestion=suggestion)
    if release and codes[0] != "USA":
        return Finding("REL-USA-FIRST", word.authority, "a release list begins with USA", suggestion=suggestion)
    if release and len(codes) == 1:
        message = "a release list names someone besides USA"
        return Finding("ISM-ID-00319", word.authority, message, suggestion="NOFORN")
    if not release and "USA" in codes:
        return Finding("DISPLAY-USA", word.authority, "a display list names others than USA", suggestion=suggestion)
    if list(codes[release:]) != ordered:
        message = "nations stand before communities, each in alphabetical order"
        return Finding("LIST-ORDER", word.authority, message, suggestion=suggestion)
    return None


def is_owner_and_type(values: tuple[str, ...]) -> bool:
    """Whether these are one owner and one data type, each of capitals, digits and underscores, 32 at most."""
    return len(values) == 2 and all(
        0 < len(value) <= _LONGEST_NAME and _NAME_LETTERS.issuperset(value) for value in values
    )
