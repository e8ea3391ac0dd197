"""What the writer of a refused marking may have meant: a whole marking in the right form, or nothing.

For a human only, and asked for only when one looks (:class:`~gateway.markings.findings.MarkingError`). Nothing on the
path of a release calls this file, and what it finds is never read as a label by anything but the next human. It guesses
on purpose: look-alike letters, other spaces and dashes, small letters, the other form of a word or its title, one slip
of the pen, another order. Where two readings are possible, or a code is not in the tables, it says nothing.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from gateway.markings.findings import MarkingError
from gateway.markings.heads import JOINT
from gateway.markings.label import Label
from gateway.markings.profiles import Profile
from gateway.markings.words import ALL_LEVELS

Read = Callable[[str, bool], Label]
"""Reads a marking strictly, as a portion mark where the second argument is true; raises :class:`MarkingError`."""

_LONGEST: Final = 240
_LONGEST_WORD: Final = 32
_MOST_TOKENS: Final = 16
_ALIKE: Final = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u2010\u2011\u2012\u2013\u2014\u2212\u2044\u2215\u29f8\\[]{}",
    "ABEKMHOPCTYXSIJABEZHIKMNOPTYX------////()()",
)
_UNSEEN: Final = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))
_LISTS: Final = (
    ("REL TO", ("REL TO ", "RELTO ", "RELEASABLE TO ", "AUTHORIZED FOR RELEASE TO ", "REL ")),
    ("DISPLAY ONLY", ("DISPLAY ONLY ", "DISPLAYONLY ")),
    ("FGI", ("FGI ",)),
)
_OTHER_CODES: Final = {"UK": "GBR", "US": "USA"}
_CLOSE: Final = 0.75


def meant(text: str, profile: Profile, read: Read, *, portion: bool) -> str | None:
    """The marking that was perhaps meant, in the same form; none where nothing is close enough."""
    if not 0 < len(text) <= _LONGEST:
        return None
    inner = _plain(text).strip("() ")
    tokens = [token for token in (part.strip() for part in inner.split("/")) if token]
    if not 0 < len(tokens) <= _MOST_TOKENS:
        return None
    found_head = next(_heads(tokens[0], profile, read, portion=portion), None)
    if found_head is None:
        return None
    head, rest = found_head
    parts = [_control(token, profile, read, portion=portion) for token in (*rest, *tokens[1:])]
    whole = None if None in parts else _joined(head, [part for part in parts if part is not None], profile)
    if whole is None:
        return None
    found = whole.portion() if portion else whole.banner()
    return found if found != text and _try(read, found, portion=portion) == whole else None


def _plain(text: str) -> str:
    """The text in plain capitals, each run of white space one space."""
    folded = unicodedata.normalize("NFKC", text).translate(_UNSEEN).upper().translate(_ALIKE)
    return " ".join(folded.split()).replace("TOPSECRET", "TOP SECRET")


def _try(read: Read, text: str, *, portion: bool) -> Label | None:
    try:
        return read(text if not portion else f"({text.strip('()')})", portion)
    except MarkingError:
        return None


def _either(read: Read, text: str, *, portion: bool) -> Label | None:
    """The label in this form, or else in the other."""
    return _try(read, text, portion=portion) or _try(read, text, portion=not portion)


def _heads(text: str, profile: Profile, read: Read, *, portion: bool) -> Iterator[tuple[Label, list[str]]]:
    """What the head may be, and what of its text is left over."""
    words = text.split(" ")
    if words[0] == JOINT:
        size = 3 if words[1:2] == ["TOP"] else 2
        text = " ".join((*words[:size], *sorted((_code(each) for each in words[size:]), key=profile.tables.sort_key)))
    for whole in (text, f"//{text}"):
        found = _either(read, whole, portion=portion)
        if found is not None:
            yield found, []
    for name in sorted((*ALL_LEVELS.values(), "TS", "S", "C", "U"), key=len, reverse=True):
        head, rest = _either(read, name, portion=portion), text.removeprefix(f"{name} ")
        if head is not None and rest != text:
            yield head, [rest]
    for close in difflib.get_close_matches(text, ALL_LEVELS.values(), n=1, cutoff=_CLOSE):
        found = _either(read, close, portion=portion)
        if found is not None and close.count(" ") == text.count(" "):
            yield found, []


def _control(token: str, profile: Profile, read: Read, *, portion: bool) -> Label | None:
    """A label with nothing but this control, in any form it may be meant in."""
    plain = "CUI" if "CUI" in profile.words else "SECRET"
    for text in _texts(token, profile):
        for form in (portion, not portion):
            head = "S" if form and plain != "CUI" else plain
            found = _try(read, f"{head}//{text}", portion=form)
            if found is not None:
                return found
    return None


def _texts(token: str, profile: Profile) -> Iterator[str]:
    yield token
    for name, beginnings in _LISTS:
        for beginning in beginnings:
            if token.startswith(beginning) and name in profile.words:
                yield _list(name, token.removeprefix(beginning), profile)
    if token == "CNWDI" or token.startswith("SIGMA "):  # noqa: S105 - a token of a marking
        yield f"RD-{token}"
    head, _, numbers = token.partition("-SIGMA ")
    if numbers and all(each.isdigit() for each in numbers.split(" ")):
        yield f"{head}-SIGMA {' '.join(sorted({str(int(each)) for each in numbers.split(' ')}, key=int))}"
    if len(token) > _LONGEST_WORD:
        return
    spelt = {text: text for word in profile.words.values() for text in (word.spelling, word.portion)}
    spelt |= {word.meaning.upper(): word.spelling for word in profile.words.values()}
    for close in difflib.get_close_matches(token, spelt, n=1, cutoff=_CLOSE):
        yield spelt[close]


def _code(text: str) -> str:
    return _OTHER_CODES.get(text, text)


def _list(name: str, text: str, profile: Profile) -> str:
    """A list in the right order, each code once; unknown codes stay, and refuse it."""
    codes = {_code(each) for each in text.replace(",", " ").split(" ") if each}
    ordered = sorted(codes - {"USA"}, key=profile.tables.sort_key)
    if not ordered:
        return f"{name} {text}"
    if name == "FGI":
        return " ".join((name, *ordered))
    return f"{name} {', '.join((['USA'] if name == 'REL TO' else []) + ordered)}"


def _joined(head: Label, parts: list[Label], profile: Profile) -> Label | None:
    """The head with every control; none where two lists are said."""
    controls = {control for each in (head, *parts) for control in each.controls if control.name != "CUI"}
    if "CUI" in profile.words:
        controls |= {control for control in (*parts, head)[0].controls if control.name == "CUI"}
    released = {each.rel_to for each in parts if each.rel_to is not None}
    shown = {each.display_to for each in parts if each.display_to is not None}
    if len(released) > 1 or len(shown) > 1:
        return None
    return Label(
        profile.name,
        head.level,
        tuple(sorted(controls, key=lambda control: profile.order(control.name, control.values))),
        next(iter(released), None),
        next(iter(shown), None),
        system=head.system,
        owners=head.owners,
    )
