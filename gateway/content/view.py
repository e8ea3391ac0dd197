"""What the content layer hands upward for each record: values only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec

from gateway.content.doubts import Doubt

Scalar: TypeAlias = str | int | float | bool | None
FactField: TypeAlias = Scalar | list[Scalar]


class NestedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record inside a record: its path (``objects[1].state``) and its marking, ``None`` if it has none."""

    path: str
    marking: str | None


class RecordView(msgspec.Struct, frozen=True, gc=False):
    """One record as it came, with what was read from it.

    ``raw`` is the record's own bytes. ``date`` and ``delay_from`` are aware UTC datetimes. ``values`` holds
    the fact fields that are present as a scalar (``None`` for null) or a list of scalars; a field of any
    other kind is left out, like a missing one. ``nested`` holds every object at any depth that carries the
    marking field, and the declared nested records without one. ``binding`` is the signed binding of marking and
    content, where the shape names its field and a text stands there. ``doubts`` are sorted; with any, the record is
    withheld and nothing else here may be believed.

    A msgspec struct rather than a dataclass, because one is made for every record fetched.
    """

    raw: bytes
    identifier: str | None
    marking: str | None
    date: datetime | None
    originator: str | None
    delay_from: datetime | None
    values: Mapping[str, FactField]
    nested: tuple[NestedRecord, ...]
    doubts: tuple[Doubt, ...]
    binding: str | None = None
