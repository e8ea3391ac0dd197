"""What a file of policy cases says (``policies/cases/NAME.toml``): a question, and the answer an officer expects.

A case is data of the set: its file is in the manifest and is read as strictly as any other, so that a misspelt
expectation is noticed. Whether a case *holds* never decides whether a set loads (see
:mod:`gateway.policy.trial`): an emergency revocation must not wait for the cases that it breaks.

``[given]`` states what all cases of the file share; a case says only what is its own. Fields of the two are put
together, the case's own last.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.policy.decision import Gate
from gateway.policy.reasons import Reason
from gateway.policy.values import Coarse, Code, Day, Duration, FieldName, Moment, Slug, Some, Strict, Text

FieldValue = str | bool | int | Decimal
"""A field of the record that rules read, as its JSON would hold it."""

GateName = Annotated[Gate, Field(strict=False)]
ReasonCode = Annotated[Reason, Field(strict=False)]
Touched = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}(\.[A-Za-z_][A-Za-z0-9_-]{0,63}){0,3}$")
]
"""What an obligation touches: a field by its dotted path, a group, or a quantity as ``group.quantity``."""

Marking = Annotated[str, Field(max_length=1024)]


class GivenTable(Strict):
    """``[given]``: what every case of the file shares unless it says otherwise."""

    partner: Code | None = None
    dataset: Slug | None = None
    marking: Marking | None = None
    date: Day | None = None
    at: Moment | None = None
    purpose: Slug | None = None
    system: Slug | None = None
    key: Literal["assumed", "registered"] | None = None
    fields: dict[FieldName, FieldValue] = Field(default_factory=dict)


class CaseTable(Strict):
    """``[[case]]``: one question and its expected answer.

    ``date`` is the day the record was marked (absent: the day of ``at``). ``system`` may be left out where the partner
    has one, ``purpose`` where one is granted. ``key = "registered"`` asks with the keys of the set instead of
    assuming a sound one. ``tear_line`` asks about a record's tear-line version; ``used`` says how much of a volume has
    gone before (absent: nothing), ``emergencies`` which were opened at ``at``, ``approved`` that officers have released
    the record by hand. Of a released record, ``rounded`` maps fields (or a ``group.quantity``) to the step or span they
    are rounded to, ``dropped`` names fields or groups that must be left out, ``untouched`` such that must be neither,
    ``only`` exactly the fields that may go, ``watermark`` a text that must be written into it, ``delay`` the wait that
    was kept, ``grants`` exactly the grants that apply. Of a withheld one, ``gates`` names
    exactly the gates that refuse and ``reasons`` codes that must be among theirs.
    """

    name: Text
    partner: Code
    dataset: Slug
    marking: Marking
    date: Day | None = None
    at: Moment
    purpose: Slug | None = None
    system: Slug | None = None
    key: Literal["assumed", "registered"] = "assumed"
    fields: dict[FieldName, FieldValue] = Field(default_factory=dict)
    tear_line: bool = False
    used: dict[Slug, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    emergencies: tuple[Slug, ...] = ()
    approved: bool = False
    expect: Literal["released", "withheld"]
    grants: Annotated[tuple[Slug, ...], Some] | None = None
    rounded: dict[Touched, Coarse] = Field(default_factory=dict)
    dropped: tuple[Touched, ...] = ()
    untouched: tuple[Touched, ...] = ()
    only: Annotated[tuple[FieldName, ...], Some] | None = None
    watermark: Text | None = None
    delay: Duration | None = None
    gates: Annotated[tuple[GateName, ...], Some] | None = None
    reasons: tuple[ReasonCode, ...] = ()

    @property
    def released(self) -> bool:
        """Whether the record is expected to go."""
        return self.expect == "released"

    @model_validator(mode="after")
    def _sound(self) -> Self:
        of_release = (*self.rounded, *self.dropped, *self.untouched, *(self.only or ()))
        if not self.released and (of_release or self.delay is not None or self.watermark is not None):
            message = "rounded, dropped, untouched, only, watermark and delay are said of a released record"
            raise ValueError(message)
        if self.released and (self.gates or self.reasons):
            raise ValueError("gates and reasons are said of a withheld record: they are what refuses it")
        return self


class CasesFile(Strict):
    """A whole file of cases."""

    about: Text | None = None
    given: GivenTable = Field(default_factory=GivenTable)
    case: Annotated[tuple[CaseTable, ...], Some]

    @model_validator(mode="before")
    @classmethod
    def _share(cls, raw: object) -> object:
        """Put what is given into each case before it is read, so that a case lacks nothing that its file says."""
        if not isinstance(raw, Mapping):
            return raw
        given, cases = raw.get("given"), raw.get("case")
        if not isinstance(given, Mapping) or not isinstance(cases, tuple):
            return raw
        shared = {key: value for key, value in given.items() if key in GivenTable.model_fields}
        return {**raw, "case": tuple(_filled(shared, case) for case in cases)}

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [case.name for case in self.case]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two cases are named {name!r}: a report could not tell them apart")
        return self


def _filled(shared: Mapping[str, object], case: object) -> object:
    if not isinstance(case, Mapping):
        return case
    filled = {**shared, **case}
    ours, theirs = shared.get("fields"), case.get("fields")
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        filled["fields"] = {**ours, **theirs}
    return filled
