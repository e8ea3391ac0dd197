"""Divide a source's body into records and read from each what a decision needs.

The rule of this file: *every doubt is written down, and any doubt withholds*. A record's bytes stay as the
source wrote them. Doubts about the members that a decision needs (label, identifier, dates, nested labels,
the letter in a two-line element set) are found here. Doubts about the others are found by
:func:`gateway.content.strict.strict_doubts`, which must be asked before a record goes and need not be for one
that is withheld anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from gateway.content.doubts import Doubt
from gateway.content.pieces import OVERSIZED
from gateway.content.reader import reader
from gateway.content.split import split_array, split_object
from gateway.content.view import NestedRecord, RecordView
from gateway.policy.shape import RecordShape

_TOO_LARGE = RecordView(OVERSIZED, None, None, None, None, None, {}, (), (Doubt.TOO_LARGE,))

__all__ = [
    "NestedRecord",
    "RecordView",
    "duplicate_identifiers",
    "read_array",
    "read_object",
    "read_record",
    "read_records",
]


def read_array(body: bytes, shape: RecordShape) -> tuple[RecordView, ...]:
    """Read every record of a body that is one JSON array, in order. Raises ``SourceMalformed``."""
    return tuple(read_records(split_array(body), shape))


def read_records(raws: Sequence[bytes], shape: RecordShape) -> list[RecordView]:
    """Read records whose bytes have been divided already; never raises."""
    if OVERSIZED not in raws:
        return reader(shape).read_all(raws)
    whole = iter(reader(shape).read_all([raw for raw in raws if raw != OVERSIZED]))
    return [next(whole) if raw != OVERSIZED else _TOO_LARGE for raw in raws]


def read_object(body: bytes, shape: RecordShape) -> RecordView:
    """Read the record of a body that is one JSON object. Raises ``SourceMalformed``."""
    return reader(shape).read(split_object(body))


def read_record(raw: bytes, shape: RecordShape) -> RecordView:
    """Read one record whose bytes have been divided from others already; never raises."""
    return reader(shape).read(raw)


def duplicate_identifiers(views: Iterable[RecordView]) -> frozenset[str]:
    """Name every identifier that stands for more than one of these records, so for none."""
    counts = Counter(view.identifier for view in views if view.identifier is not None)
    return frozenset(identifier for identifier, count in counts.items() if count > 1)
