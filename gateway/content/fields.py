"""Take one member of a record as what it should be: a text, an instant, line 1 of a two-line element set.

Each function here either returns the value or adds a doubt and returns nothing: none raises.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from gateway.content.doubts import Doubt

_TLE_LETTERS = {"U": "U", "UNCLASSIFIED": "U", "C": "C", "CONFIDENTIAL": "C", "S": "S", "SECRET": "S"}


def take_text(member: object, doubts: set[Doubt], missing: Doubt | None, not_text: Doubt) -> str | None:
    """Take a member as text. Absent, null and empty are all missing: a doubt where ``missing`` names one."""
    if isinstance(member, str) and member:
        return member
    if member is msgspec.UNSET or member is None or member == "":
        if missing is not None:
            doubts.add(missing)
    else:
        doubts.add(not_text)
    return None


def take_instant(member: object, doubts: set[Doubt], missing: Doubt | None, invalid: Doubt) -> datetime | None:
    """Take a member as an RFC 3339 instant with its zone, in UTC."""
    text = take_text(member, doubts, missing, invalid)
    if text is not None:
        try:
            return utc(text)
        except (msgspec.ValidationError, OverflowError):
            doubts.add(invalid)
    return None


def utc(instant: str | datetime) -> datetime:
    """Turn an RFC 3339 instant into UTC. Raises ``msgspec.ValidationError`` without a zone,
    ``OverflowError``.
    """
    if isinstance(instant, str):
        instant = msgspec.convert(instant, datetime)
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None:
        raise msgspec.ValidationError("an instant without a zone")
    return instant.astimezone(UTC)


def compare_tle_letter(member: object, marking: str | None, doubts: set[Doubt]) -> None:
    """Compare column 8 of a two-line element set's line 1 with the level that opens the marking.

    The letter can be U, C or S only, so a marking of any other level (TOP SECRET, a foreign one) contradicts
    whatever letter stands there. The line's own checksum counts letters as 0 and cannot see one changed.
    A record without the line says nothing that could contradict.
    """
    if member is msgspec.UNSET or member is None:
        return
    if not isinstance(member, str) or not member.startswith("1 ") or len(member) < 8:
        doubts.add(Doubt.TLE_LINE_MALFORMED)
    elif member[7] == " ":
        doubts.add(Doubt.TLE_LETTER_MISSING)
    elif not tle_letter_agrees(member, marking or ""):
        doubts.add(Doubt.TLE_LETTER_CONTRADICTS)


def tle_letter_agrees(line: str, marking: str) -> bool:
    """Whether this is a line 1 whose letter is the marking's level; the quick form of the comparison
    above.
    """
    return line[:2] == "1 " and line[7:8] == _tle_letter(marking)


@lru_cache(maxsize=1024)
def _tle_letter(marking: str) -> str | None:
    return _TLE_LETTERS.get(marking.split("//", 1)[0].strip())
