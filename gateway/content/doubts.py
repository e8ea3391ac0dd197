"""The stable codes for what can be wrong with one record. Any doubt withholds it, whatever its marking says.

The codes go into the private part of the audit entry and into the officer's explanation, never to a partner.
"""

from __future__ import annotations

import enum


class Doubt(enum.StrEnum):
    """One reason why a record cannot be relied on; members are strings and sort as such."""

    # The bytes have no reading, or more than one.
    NOT_AN_OBJECT = "not_an_object"
    MALFORMED = "malformed"
    """Not JSON: a bare NaN, a lone surrogate, a control character in a string, a trailing comma."""
    INVALID_UTF8 = "invalid_utf8"
    DUPLICATE_KEY = "duplicate_key"
    """A member name stands twice in one object, at any depth: parsers differ on which one counts."""
    NUMBER_OVERFLOW = "number_overflow"
    """A number beyond a double's range, or an integer beyond 64 bits."""
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"

    # The label.
    MARKING_MISSING = "marking_missing"
    MARKING_NOT_TEXT = "marking_not_text"
    MARKING_AMBIGUOUS = "marking_ambiguous"
    """A second member whose name is the marking field's in other case: some readers take one for the
    other."""
    NESTED_NOT_AN_OBJECT = "nested_not_an_object"
    NESTED_MARKING_MISSING = "nested_marking_missing"
    NESTED_MARKING_NOT_TEXT = "nested_marking_not_text"
    TLE_LINE_MALFORMED = "tle_line_malformed"
    TLE_LETTER_MISSING = "tle_letter_missing"
    """Column 8 of line 1 is blank: some readers take a blank as unclassified."""
    TLE_LETTER_CONTRADICTS = "tle_letter_contradicts"
    """Column 8 of line 1 is not the marking's level; it cannot say any level but U, C and S."""

    # The other fields a decision needs.
    IDENTIFIER_MISSING = "identifier_missing"
    IDENTIFIER_NOT_TEXT = "identifier_not_text"
    IDENTIFIER_DUPLICATE = "identifier_duplicate"
    """Two records of one body have it: it stands for neither."""
    DATE_MISSING = "date_missing"
    DATE_INVALID = "date_invalid"
    DELAY_FROM_INVALID = "delay_from_invalid"
    ORIGINATOR_NOT_TEXT = "originator_not_text"
    TEAR_LINE_OTHER_RECORD = "tear_line_other_record"
    """A tear-line version names another record than the one it stands in."""
