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

from gateway.markings.banners import check_banner
from gateway.markings.binding import BindingDoubt, BindingRefused, BindingStatement, check_binding
from gateway.markings.capco import LONGEST_MARKING, parse_banner, parse_portion
from gateway.markings.equivalence import (
    Direction,
    EquivalentLevel,
    Ladder,
    Levelled,
    LevelRow,
    LevelTable,
    UnmappedLevelError,
    level_table,
)
from gateway.markings.explain import Part, explain
from gateway.markings.findings import (
    Finding,
    MarkingError,
    Severity,
    TableError,
    UnknownCodeError,
    UnknownProfileError,
)
from gateway.markings.ism import from_ism
from gateway.markings.ismforms import from_ism_json, from_ism_xml, to_ism_json, to_ism_xml
from gateway.markings.label import Control, Label, Limit
from gateway.markings.profiles import Effect, Profile, ReleaseRow, profile, profile_names, release_row
from gateway.markings.releasability import next_change, releasable_codes, releasable_nations, releasable_to
from gateway.markings.rollup import roll_up
from gateway.markings.rules import validate
from gateway.markings.spif import (
    Access,
    CodedLabel,
    ProfileRegistry,
    SpifError,
    SpifPolicy,
    SpifProfile,
    Tolerated,
    load_spif,
)
from gateway.markings.stanag import (
    CategoryType,
    LabelKind,
    Originator,
    SecurityCategory,
    SecurityClearance,
    SecurityLabel,
    Succession,
)
from gateway.markings.stanagjson import read_label_json, write_label_json
from gateway.markings.stanagxml import read_clearance, read_label, write_clearance, write_label
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
    "Access",
    "BindingDoubt",
    "BindingRefused",
    "BindingStatement",
    "CategoryType",
    "CodedLabel",
    "Community",
    "Control",
    "Country",
    "Direction",
    "Effect",
    "EquivalentLevel",
    "Finding",
    "Label",
    "LabelKind",
    "Ladder",
    "Level",
    "LevelRow",
    "LevelTable",
    "Levelled",
    "Limit",
    "MarkingError",
    "Member",
    "Originator",
    "Part",
    "Profile",
    "ProfileRegistry",
    "ReleaseRow",
    "SecurityCategory",
    "SecurityClearance",
    "SecurityLabel",
    "Severity",
    "SpifError",
    "SpifPolicy",
    "SpifProfile",
    "Succession",
    "TableError",
    "Tables",
    "Tolerated",
    "UnknownCodeError",
    "UnknownProfileError",
    "UnmappedLevelError",
    "check_banner",
    "check_binding",
    "expand",
    "explain",
    "from_ism",
    "from_ism_json",
    "from_ism_xml",
    "level_table",
    "load_spif",
    "next_change",
    "parse_banner",
    "parse_portion",
    "profile",
    "profile_names",
    "read_clearance",
    "read_label",
    "read_label_json",
    "releasable_codes",
    "releasable_nations",
    "releasable_to",
    "release_row",
    "roll_up",
    "shipped_tables",
    "tables_of",
    "to_ism_json",
    "to_ism_xml",
    "validate",
    "write_clearance",
    "write_label",
    "write_label_json",
]
