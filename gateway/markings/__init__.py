"""Markings: text on one side, :class:`Label` on the other, and the algebra between them.

Pure and free of dependencies: standard library only, no I/O but this package's own data, no clock. Any doubt
is a :class:`MarkingError` with findings; nothing is repaired, guessed or assumed.

    >>> from datetime import date
    >>> from gateway import markings
    >>> icrm = markings.profile("icrm-2016")
    >>> label = markings.parse_banner("SECRET//REL TO USA, JPN", icrm)
    >>> label.portion()
    '(S//REL TO USA, JPN)'
    >>> sorted(markings.releasable_to(label, at=date(2026, 1, 1)))
    ['JPN', 'USA']
"""

from gateway.markings.capco import LONGEST_MARKING, parse_banner, parse_portion
from gateway.markings.findings import (
    Finding,
    MarkingError,
    Severity,
    TableError,
    UnknownCodeError,
    UnknownProfileError,
)
from gateway.markings.ism import from_ism
from gateway.markings.label import Control, Label, Limit
from gateway.markings.profiles import Effect, Profile, ReleaseRow, profile, profile_names, release_row
from gateway.markings.releasability import next_change, releasable_codes, releasable_nations, releasable_to
from gateway.markings.rollup import roll_up
from gateway.markings.rules import check_banner, validate
from gateway.markings.tables import (
    Community,
    Country,
    Member,
    Tables,
    expand,
    shipped_tables,
    tables_of,
)
from gateway.markings.words import Level

__all__ = [
    "LONGEST_MARKING",
    "Community",
    "Control",
    "Country",
    "Effect",
    "Finding",
    "Label",
    "Level",
    "Limit",
    "MarkingError",
    "Member",
    "Profile",
    "ReleaseRow",
    "Severity",
    "TableError",
    "Tables",
    "UnknownCodeError",
    "UnknownProfileError",
    "check_banner",
    "expand",
    "from_ism",
    "next_change",
    "parse_banner",
    "parse_portion",
    "profile",
    "profile_names",
    "releasable_codes",
    "releasable_nations",
    "releasable_to",
    "release_row",
    "roll_up",
    "shipped_tables",
    "tables_of",
    "validate",
]
