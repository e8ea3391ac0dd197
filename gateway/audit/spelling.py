"""The ways in which one identifier may be written, for a search that must miss nobody.

Identifiers are stored under a key, so that none can be looked for as a human eye would: what is sought in another case,
another Unicode form or with a zero more is another identifier to the log. After a spill somebody types it from a paper.
So all of these are sought, and what was found only by another spelling is said to be: it may be another record.

Pure.
"""

from __future__ import annotations

import unicodedata
import uuid

KEPT = 512
"""Most characters of a record's identifier that a release's entry is made of."""

CATALOGUE_DIGITS = (5, 9)
"""How many digits a satellite's catalogue number is filled up to with zeros: in element sets, and in CCSDS messages."""


def as_kept(identifier: str) -> str:
    """An identifier as a release's entry holds it, before it is keyed."""
    return identifier[:KEPT]


def other_spellings(identifier: str) -> frozenset[str]:
    """Every other way of writing an identifier that is sought beside it.

    >>> sorted(other_spellings("007"))
    ['000000007', '00007', '7']
    >>> sorted(other_spellings(" Ab "))
    [' AB ', ' ab ', 'AB', 'Ab', 'ab']
    """
    found = {identifier, identifier.strip()}
    found |= {unicodedata.normalize(form, each) for form in ("NFC", "NFD") for each in tuple(found)}
    found |= {other for each in tuple(found) for other in (each.lower(), each.upper())}
    for each in tuple(found):
        found |= _numbers(each) | _uuids(each)
    return frozenset(found) - {identifier, ""}


def _numbers(text: str) -> set[str]:
    if not (text.isascii() and text.isdigit()):
        return set()
    plain = text.lstrip("0") or "0"
    return {plain, *(plain.zfill(digits) for digits in CATALOGUE_DIGITS)}


def _uuids(text: str) -> set[str]:
    try:
        found = uuid.UUID(text)
    except ValueError:
        return set()
    return {str(found), found.hex, str(found).upper(), found.hex.upper()}
