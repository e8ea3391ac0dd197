"""What a dataset file says (``policies/datasets/NAME.toml``): where records come from, how they are marked,
which of their fields policy reads, and which fields state the same fact.

The rule of groups: **fields that state the same fact are degraded together or not at all.** A group's
*quantities* are what can be rounded, each with its unit and the fields that state it; its *repeats* say the
same in a form that cannot be rounded (element lines, covariances, free text, addresses of raw files) and are
left out whenever the group is degraded. A group without quantities can only be dropped.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, InstanceOf, model_validator

from gateway.markings.spif.policy import SPIF_PROFILE
from gateway.policy.conditions import Condition, FactKind, parse_condition
from gateway.policy.decision import PartnerKind
from gateway.policy.errors import Misplaced
from gateway.policy.fieldlist import FieldsTable
from gateway.policy.shape import FieldKind
from gateway.policy.values import (
    Category,
    FieldName,
    FieldPath,
    LevelName,
    ProfileName,
    Slug,
    Some,
    Span,
    Strict,
    Text,
    UnitName,
    even_span,
)
from gateway.policy.witnesses import WitnessesTable

Where = Annotated[InstanceOf[Condition], BeforeValidator(parse_condition)]
Operation = Literal["list", "id", "count", "tuple", "queryhelp", "bulk"]
Path = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_-]{1,64}){1,6}$")]
Kind = Annotated[PartnerKind, Field(strict=False)]


class RecordTable(Strict):
    """``[record]``: the fields that say who a record is and how it is marked (see ``gateway.policy.shape``).

    ``originators`` maps what the originator field says to a nation or organisation code; a value that is not
    in it and is no code itself leaves the originator unknown, which denies. ``binding`` names the field of a signed
    binding of marking and content; where it is given, a marking without one that holds is not believed.
    ``tear_line`` names the field that holds the record's tear-line version: a whole record with its own marking and
    the same identifier, judged by itself; it never leaves inside the record. ``watermark`` names the field that a
    grant's watermark is written to.
    """

    identifier: FieldName
    marking: FieldName
    date: FieldName
    originator: FieldName | None = None
    originators: dict[str, str] = Field(default_factory=dict)
    delay_from: FieldName | None = None
    nested: tuple[FieldName, ...] = ()
    tle_line: FieldName | None = None
    outer_speaks_for_itself: bool = False
    binding: FieldName | None = None
    tear_line: FieldName | None = None
    watermark: FieldName | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        taken = {self.identifier, self.marking, self.date, self.originator, self.delay_from, self.tle_line}
        taken |= {*self.nested}
        named = (("binding", self.binding), ("tear_line", self.tear_line), ("watermark", self.watermark))
        for what, field in named:
            if field is not None and field in taken:
                raise ValueError(f"{what} is a field of its own, and {field} is taken already")
            taken.add(field)
        if self.binding is not None and self.tear_line is not None:
            raise ValueError("a binding is of the whole record, so no tear-line version can stand in it")
        return self


class FactTable(Strict):
    """``[facts.NAME]``: a fact that conditions may read, and where it comes from.

    Exactly one of ``type`` (the field's own value), ``table`` (every field looked up in a table of the set;
    the fact is the set of what was found) and ``derive`` (computed) is given. ``separates`` states that
    records with different values of this fact speak of different things in the world, so that what one
    partner may know of one says nothing of the other. ``values`` lists what a string fact can be, as its source
    documents it: no decision reads it, but ``relgate policy lint`` finds the condition that tests for anything else.
    """

    from_: Annotated[tuple[FieldName, ...], Some] = Field(alias="from")
    type: Literal["string", "integer", "number", "boolean"] | None = None
    table: Literal["object-owners"] | None = None
    derive: Literal["orbit-regime"] | None = None
    separates: bool = False
    values: Annotated[tuple[str, ...], Some] | None = None

    @property
    def kind(self) -> FactKind:
        """What the fact's value is."""
        if self.table is not None:
            return FactKind.SET
        return FactKind.STRING if self.derive is not None else FactKind(str(self.type))

    @property
    def meaning(self) -> str:
        """How the value comes about; two datasets' facts of one name and one meaning can be compared."""
        return f"table:{self.table}" if self.table else f"derive:{self.derive}" if self.derive else f"type:{self.type}"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.type, self.table, self.derive)) != 1:
            raise ValueError("a fact has exactly one of type, table and derive")
        if self.type is not None and len(self.from_) != 1:
            raise ValueError("a fact with a type is read from one field")
        if self.derive == "orbit-regime" and len(self.from_) != 2:
            raise ValueError("orbit-regime is derived from two fields: mean motion (rev/day), then eccentricity")
        if self.values is not None and self.type != "string":
            raise ValueError("values are listed for a string fact only")
        return self


class QuantityTable(Strict):
    """``[groups.NAME.quantities.NAME]``: fields that state one quantity in one unit, rounded by one step."""

    unit: UnitName
    fields: Annotated[tuple[FieldPath, ...], Some]


class GroupTable(Strict):
    """``[groups.NAME]``: fields that state the same fact. ``fact`` names it across datasets."""

    fact: Slug
    repeats: tuple[FieldPath, ...] = ()
    quantities: dict[Slug, QuantityTable] = Field(default_factory=dict)

    @property
    def fields(self) -> frozenset[str]:
        """Every field of the group."""
        return frozenset(self.repeats) | frozenset(f for table in self.quantities.values() for f in table.fields)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        listed = [*self.repeats, *(f for table in self.quantities.values() for f in table.fields)]
        if not listed:
            raise ValueError("a group names at least one field")
        for path in listed:
            if listed.count(path) > 1:
                raise ValueError(f"{path} stands twice in the group")
            if any(other != path and other.startswith(f"{path}.") for other in listed):
                raise ValueError(f"{path} already holds another field of the group")
        return self


class QueryTable(Strict):
    """``[query]``: what a partner may ask. A parameter that is not named here does not exist.

    ``parameters`` maps a parameter to the record field it filters on; ``required`` must be given;
    ``sortable`` names fields; ``id_pattern`` is what an identifier may look like; ``max_page`` bounds
    ``maxResults``. ``ids_at_once`` is how many identifiers, joined by commas, the source takes in the parameter that
    filters on them; the gateway asks so whether an identifier stands for one record alone.
    """

    parameters: dict[FieldName, FieldPath] = Field(default_factory=dict)
    required: tuple[FieldName, ...] = ()
    sortable: tuple[FieldPath, ...] = ()
    id_pattern: str = r"[A-Za-z0-9-]{1,64}"
    max_page: Annotated[int, Field(ge=1, le=100_000)] = 1000
    ids_at_once: Annotated[int, Field(ge=1, le=100)] = 1

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name in self.required:
            if name not in self.parameters:
                raise ValueError(f"required parameter {name} is not among the parameters")
        try:
            re.compile(self.id_pattern)
        except re.error as error:
            raise ValueError(f"id_pattern is not a regular expression: {error}") from error
        return self


class BulkTable(Strict):
    """``[bulk]``: where the source hands out everything that a query finds as one body, without pages.

    ``path`` is at the source. ``form`` is what it answers with, one JSON ``array`` or ``ndjson``; where none is given,
    the answer's media type says. The source must be able to answer in the order of identifiers.
    """

    path: Path
    form: Literal["array", "ndjson"] | None = None


class DenyTable(Strict):
    """``[[deny]]``: records that are never released, whatever a grant says. Fires unless its condition is
    false.
    """

    id: Slug
    where: Where
    because: Text | None = None


class CompilationTable(Strict):
    """``[[compilation]]``: together, more than each alone. Raises the level that ceilings and clearances are held to.

    Either ``fields``: a record in which all of them go is judged at ``level``. Or ``more_than`` records to one
    partner in one span of time (``per``, as in a volume): every further one is.
    """

    id: Slug
    level: LevelName
    fields: Annotated[tuple[FieldName, ...], Field(min_length=2)] | None = None
    more_than: Annotated[int, Field(ge=1)] | None = None
    per: Span | None = None
    because: Text | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.fields is None) == (self.more_than is None):
            raise ValueError("a compilation is either of fields, or of more_than so many records")
        if (self.more_than is None) != (self.per is None):
            raise ValueError("more_than and per stand together: more than so many records in each span of time")
        if self.per is not None and not even_span(self.per):
            raise ValueError("per divides a day evenly, or is a number of whole days")
        if self.level == "UNCLASSIFIED":
            raise ValueError("a compilation raises the level above UNCLASSIFIED, or says nothing")
        return self


class DatasetFile(Strict):
    """A whole dataset file.

    ``profile`` is how its records' markings are read: a marking profile, or ``spif:NAME`` for a security policy of the
    set, under which the marking field holds a STANAG 4774 label as text and the record says whose it is
    (``originator``).
    ``markings`` are portion marks that its records usually carry. No decision reads them: they are what lint holds
    grants against, and what an impact's grid asks about.
    ``witnesses`` demands that so many of them have cosigned the log before any answer of the dataset leaves.
    """

    dataset: Slug
    title: Text
    path: Path
    source: Slug
    announced: bool = False
    profile: ProfileName
    categories: tuple[Category, ...] = ()
    operations: Annotated[tuple[Operation, ...], Some]
    unmarked_default: tuple[Kind, ...] = ()
    requires: tuple[Text, ...] = ()
    markings: tuple[Text, ...] = ()
    witnesses: WitnessesTable | None = None
    record: RecordTable
    fields: FieldsTable
    facts: dict[FieldName, FactTable] = Field(default_factory=dict)
    query: QueryTable = Field(default_factory=QueryTable)
    bulk: BulkTable | None = None
    groups: dict[Slug, GroupTable] = Field(default_factory=dict)
    deny: tuple[DenyTable, ...] = ()
    compilation: tuple[CompilationTable, ...] = ()

    @property
    def under_policy(self) -> bool:
        """Whether its labels are those of a security policy."""
        return self.profile.startswith(SPIF_PROFILE)

    @property
    def named_by(self) -> str | None:
        """The query parameter that filters on the identifier."""
        return next((name for name, field in self.query.parameters.items() if field == self.record.identifier), None)

    @property
    def compiled_fields(self) -> frozenset[str]:
        """Every field that a compilation asks about."""
        return frozenset(name for rule in self.compilation for name in rule.fields or ())

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self._check_groups()
        self._check_special()
        self._check_policy()
        if self.query.sortable and self.named_by is None:
            message = "what can be sorted needs a parameter that filters on the identifier, to find twins by"
            raise Misplaced(message, "query", "sortable")
        if ("bulk" in self.operations) != (self.bulk is not None):
            message = "the operation bulk and the table [bulk] come together: one says that it may be asked, one where"
            raise Misplaced(message, "operations")
        for index, deny in enumerate(self.deny):
            for name in deny.where.reads:
                if name not in self.facts:
                    message = f"deny {deny.id} reads the fact {name}, which [facts] does not define"
                    raise Misplaced(message, "deny", index, "where")
        return self

    def _check_policy(self) -> None:
        """What a security policy does not say, a dataset under one must; and what it alone says, no other does."""
        if self.under_policy and self.record.originator is None:
            message = "a label of a security policy does not say whose material it is, so the record must"
            raise Misplaced(message, "record", "originator")
        if self.under_policy and self.unmarked_default:
            raise Misplaced("a security policy has no bare U, so nothing has a default", "unmarked_default")

    def _check_special(self) -> None:
        """A watermark goes where the list of fields has room for it, a tear-line version never inside its record."""
        watermark, tear_line = self.record.watermark, self.record.tear_line
        if watermark is not None and self.fields.kind(watermark) is not FieldKind.TEXT:
            message = f"the watermark goes to {watermark}, which [fields] does not list as text"
            raise Misplaced(message, "record", "watermark")
        if tear_line is not None and self.fields.holds(tear_line):
            message = f"[fields] lists {tear_line}, and a tear-line version never leaves inside its record"
            raise Misplaced(message, "record", "tear_line")
        for index, rule in enumerate(self.compilation):
            for name in rule.fields or ():
                if not self.fields.holds(name):
                    message = f"compilation {rule.id} names {name}, which [fields] does not list"
                    raise Misplaced(message, "compilation", index, "fields")

    def _check_groups(self) -> None:
        """No fact in two groups, no field rounded by two, and none that the gateway itself must keep."""
        kept = {self.record.identifier, self.record.marking, self.record.date}
        kept |= {f"{nested}.{self.record.marking}" for nested in self.record.nested}
        kept |= {field for field in (self.record.tear_line, self.record.watermark) if field is not None}
        facts = [group.fact for group in self.groups.values()]
        measured = [f for g in self.groups.values() for table in g.quantities.values() for f in table.fields]
        for fact in facts:
            if facts.count(fact) > 1:
                raise ValueError(f"the fact {fact} is stated by two groups; fields of one fact are one group")
        for name, group in self.groups.items():
            held = group.fields & kept
            if held:
                raise ValueError(f"group {name} holds {min(held)}, which no obligation may touch")
        for path in measured:
            if measured.count(path) > 1:
                raise ValueError(f"{path} is a quantity of two groups")
