"""Where things stand in a dataset's records: what the content layer must read before policy can decide.

A shape is made from a dataset's policy file and is all that the content layer knows of policy. Field names
are top-level JSON member names unless said to be dotted paths (``stateVector1.xpos``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class FieldKind(enum.StrEnum):
    """What may stand at a field that is listed; ``null`` may stand at any.

    A number is a JSON number; ``free`` is anything, objects and all, and nothing inside it is looked at but markings.
    """

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXTS = "texts"
    NUMBERS = "numbers"
    FREE = "free"


@dataclass(frozen=True, slots=True, eq=False)
class FieldList:
    """Every member that an object of a dataset's records may have when it leaves; no other member does.

    ``kinds`` are the members that hold values, ``inside`` those that hold a record or a list of records, each with a
    list of its own. Both sorted by name. An empty list lets nothing through. Compared by identity: a list is made
    once a dataset, when its policy is compiled, and what is made ready from it is kept by it.
    """

    kinds: tuple[tuple[str, FieldKind], ...] = ()
    inside: tuple[tuple[str, FieldList], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordShape:
    """Which fields of a record say who it is, how it is marked, and what policy wants to know.

    ``identifier``: the field that names the record. ``marking``: the field of the label, in records and in
    records inside them. ``date``: the field of the label's date (RFC 3339, with zone). ``originator`` and
    ``delay_from``: likewise, where the dataset names them. ``facts``: every field a fact is read from.
    ``nested``: fields that hold a record of their own, which must carry a label of its own when present.
    ``outer_speaks_for_itself``: the dataset states that the outer marking speaks for its own fields only, so
    it may stand below an inner one. ``tle_line``: a field holding line 1 of a two-line element set, whose
    column 8 repeats the classification. ``binding``: the field of the signed binding of marking and content, where the
    dataset demands one. ``tear_line``: the field that holds the record's tear-line version, a record of its own.
    ``fields``: every field that may leave.
    """

    identifier: str
    marking: str
    date: str
    originator: str | None = None
    delay_from: str | None = None
    facts: frozenset[str] = frozenset()
    nested: tuple[str, ...] = ()
    outer_speaks_for_itself: bool = False
    tle_line: str | None = None
    binding: str | None = None
    tear_line: str | None = None
    fields: FieldList = FieldList()

    @property
    def needed(self) -> frozenset[str]:
        """Every field a decision needs: to be asked of the source even when the partner did not ask for
        them.
        """
        named = {self.identifier, self.marking, self.date, self.binding}
        named |= {self.originator, self.delay_from, self.tle_line, self.tear_line}
        return frozenset(name for name in named if name is not None) | self.facts | frozenset(self.nested)
