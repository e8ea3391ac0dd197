"""Confidentiality labels and clearances in the terms of ADatP-4774: of any policy, under any policy's own words.

These are values without a policy behind them: what they say is judged by the policy they name
(:mod:`gateway.markings.spif`). They are written as XML (:mod:`gateway.markings.stanagxml`) and JSON
(:mod:`gateway.markings.stanagjson`).

The rule for empty categories: ADatP-4774.1 section 4.4 drops a permissive category when a dominance leaves no value
in it (R5) or when one label never had it (R6), and a category that is absent limits nobody. Here such a category
stays, with no values: the schema allows it, and nobody holds one of no values.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.markings.findings import Finding, MarkingError

AUTHORITY: Final = "ADatP-4774 Ed A V1"
OID_PREFIX: Final = "urn:oid:"
LONGEST_VALUE: Final = 256
"""Most characters of one name or value (XML SPIF 2.1 gives names at most 256)."""


class LabelKind(enum.StrEnum):
    """Whose label it is; the value is the element's name. ``PLAIN`` is the older name of an originator's label."""

    ORIGINATOR = "originatorConfidentialityLabel"
    ALTERNATIVE = "alternativeConfidentialityLabel"
    METADATA = "metadataConfidentialityLabel"
    PLAIN = "ConfidentialityLabel"


class CategoryType(enum.StrEnum):
    """What holding a category's values means in an access decision."""

    RESTRICTIVE = "RESTRICTIVE"
    PERMISSIVE = "PERMISSIVE"
    INFORMATIVE = "INFORMATIVE"


ORIGINATOR_TYPES: Final = frozenset(
    (
        "rfc822Name",
        "dNSName",
        "directoryName",
        "uniformResourceIdentifier",
        "iPAddress",
        "x400Address",
        "userPrincipalName",
        "jID",
    )
)
"""What an OriginatorID may be (ADatP-4774 table 9)."""


@dataclass(frozen=True, slots=True)
class SecurityCategory:
    """The values of one tag set and type. ``tag_id`` is the tag set's OID, without ``urn:oid:``, where stated."""

    type: CategoryType
    tag: str
    values: tuple[str, ...]
    tag_id: str | None = None


@dataclass(frozen=True, slots=True)
class Originator:
    """Who made the label, and in which kind of name (:data:`ORIGINATOR_TYPES`)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Succession:
    """The label that takes this one's place, and when."""

    at: datetime
    label: SecurityLabel


@dataclass(frozen=True, slots=True)
class SecurityLabel:
    """A confidentiality label. ``policy`` is the policy's name, ``policy_id`` its OID without ``urn:oid:``.

    ``created`` and ``review`` carry a time zone. Categories keep the order in which they were written: markings
    follow it.
    """

    policy: str
    classification: str
    created: datetime
    categories: tuple[SecurityCategory, ...] = ()
    policy_id: str | None = None
    privacy_mark: str | None = None
    review: datetime | None = None
    originator: Originator | None = None
    succession: Succession | None = None
    kind: LabelKind = LabelKind.ORIGINATOR


@dataclass(frozen=True, slots=True)
class SecurityClearance:
    """A clearance: the set of classifications held (not "up to"), and the categories held."""

    policy: str
    classifications: tuple[str, ...]
    categories: tuple[SecurityCategory, ...] = ()
    policy_id: str | None = None


def refuse(rule: str, message: str, authority: str = AUTHORITY) -> MarkingError:
    """The error for a label or clearance that cannot be read."""
    return MarkingError(Finding(rule, authority, message))


def check_value(text: str) -> str:
    """A name or value as it stands: 1 to 256 characters, printable, no white space at its ends or but spaces.

    Raises :class:`MarkingError` otherwise: nothing is trimmed.
    """
    if not 0 < len(text) <= LONGEST_VALUE or text != text.strip() or not text.isprintable():
        raise refuse("LABEL-VALUE", "a name or value is empty, too long, or holds what cannot be printed")
    return text


def check_categories(categories: tuple[SecurityCategory, ...]) -> tuple[SecurityCategory, ...]:
    """Refuse a tag set that stands twice with one type, and a value that stands twice in it."""
    seen = [(category.type, category.tag.casefold()) for category in categories]
    if len(set(seen)) != len(seen):
        raise refuse("LABEL-DUPLICATE", "a category stands twice")
    for category in categories:
        if len({value.casefold() for value in category.values}) != len(category.values):
            raise refuse("LABEL-DUPLICATE", "a value stands twice in its category")
    return categories


def read_oid(uri: str | None) -> str | None:
    """The object identifier of a ``urn:oid:`` name; ``None`` for none. Raises :class:`MarkingError`."""
    if uri is None:
        return None
    oid = uri.removeprefix(OID_PREFIX)
    if not uri.startswith(OID_PREFIX) or not is_oid(oid):
        raise refuse("LABEL-URI", "a URI names its object identifier as urn:oid:")
    return oid


def is_oid(text: str) -> bool:
    """Whether the text is an object identifier in dotted form, as the SPIF schema writes it."""
    first, *rest = text.split(".")
    digits = all(part.isascii() and part.isdecimal() for part in rest)
    return first in {"0", "1", "2"} and len(rest) > 0 and digits and len(text) <= LONGEST_VALUE


def read_moment(text: str) -> datetime:
    """An ``xs:dateTime`` with a time zone; :class:`MarkingError` for anything else.

    A time without a zone is an instant that two readers place differently, so it is refused.
    """
    date, mark, _ = text.partition("T")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    sound = mark == "T" and len(date) == 10 and date[4] == date[7] == "-" and len(text) >= 20 and text[16] == ":"
    zone = text.endswith("Z") or (len(text) >= 25 and text[-6] in "+-" and text[-3] == ":")
    if moment is None or moment.tzinfo is None or not (sound and zone and text.isascii()):
        raise refuse("LABEL-TIME", "a time is written YYYY-MM-DDThh:mm:ss, with its time zone")
    return moment


def write_moment(moment: datetime) -> str:
    """An ``xs:dateTime``; UTC is written ``Z``. Raises :class:`MarkingError` for a time without a zone."""
    if moment.tzinfo is None:
        raise refuse("LABEL-TIME", "a time is written with its time zone")
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
