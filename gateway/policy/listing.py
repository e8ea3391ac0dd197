"""Hold a dataset's rules against its list of fields: whatever any of them names must be listed, as what it is.

A group that names a field which is not listed degrades nothing, and most likely the field that was meant stands in the
list under another name and passes whole. So a name that is in one place and not in the other refuses the set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from gateway.policy.dataset import DatasetFile
from gateway.policy.errors import PolicyFinding
from gateway.policy.shape import FieldKind
from gateway.policy.sources import Sources
from gateway.policy.values import INSTANT

Found = Iterator[PolicyFinding]
Place = list[str | int]

_OF_FACT: Mapping[Literal["string", "integer", "number", "boolean"], FieldKind] = {
    "string": FieldKind.TEXT,
    "integer": FieldKind.NUMBER,
    "number": FieldKind.NUMBER,
    "boolean": FieldKind.BOOLEAN,
}
_MEASURED = frozenset({FieldKind.NUMBER, FieldKind.NUMBERS, FieldKind.FREE})
_INSTANTS = frozenset({FieldKind.TEXT, FieldKind.TEXTS, FieldKind.FREE})


def unlisted(sources: Sources, path: str, dataset: DatasetFile) -> Found:
    """Findings about fields that the dataset's file names and does not list, or lists as something else."""
    yield from _record(sources, path, dataset)
    for name, fact in dataset.facts.items():
        kind = None if fact.type is None else _OF_FACT[fact.type]
        for field in fact.from_:
            yield from _one(sources, path, ["facts", name, "from"], dataset, field, kind)
    for name, group in dataset.groups.items():
        for field in group.repeats:
            yield from _one(sources, path, ["groups", name, "repeats"], dataset, field)
        for quantity, table in group.quantities.items():
            place: Place = ["groups", name, "quantities", quantity, "fields"]
            for field in table.fields:
                yield from _one(sources, path, place, dataset, field)
                kind = dataset.fields.kind(field)
                if kind is not None and kind not in (_INSTANTS if table.unit == INSTANT else _MEASURED):
                    message = f"{field} is listed as {kind}; only numbers can be rounded, and only texts as instants"
                    yield sources.finding(path, place, message)
    for index, rule in enumerate(dataset.compilation):
        for field in rule.fields or ():
            yield from _one(sources, path, ["compilation", index, "fields"], dataset, field)
    for parameter, field in dataset.query.parameters.items():
        yield from _one(sources, path, ["query", "parameters", parameter], dataset, field)
    for field in dataset.query.sortable:
        yield from _one(sources, path, ["query", "sortable"], dataset, field)


def _record(sources: Sources, path: str, dataset: DatasetFile) -> Found:
    record, fields = dataset.record, dataset.fields
    for what in ("identifier", "marking", "date", "originator", "delay_from", "tle_line", "binding", "watermark"):
        name: str | None = getattr(record, what)
        if name is not None:
            yield from _one(sources, path, ["record", what], dataset, name, FieldKind.TEXT)
    for name in record.nested:
        if name not in fields.records:
            hint = f'[[fields.inside]] with at = ["{name}"] lists what it may have'
            yield sources.finding(path, ["record", "nested"], f"no record is listed at {name}", hint)
    for index, table in enumerate(fields.inside):
        if record.marking not in table.text:
            message = f"{record.marking} is not listed: a record inside leaves with its marking"
            yield sources.finding(path, ["fields", "inside", index], message, f"add {record.marking} to its text")


def _one(
    sources: Sources, path: str, place: Place, dataset: DatasetFile, field: str, kind: FieldKind | None = None
) -> Found:
    if not dataset.fields.holds(field):
        hint = "add it to [fields], under the kind of its value, or mend its spelling"
        yield sources.finding(path, place, f"{field} is not listed in [fields]", hint)
        return
    listed = dataset.fields.kind(field)
    if kind is not None and listed is not kind:
        yield sources.finding(path, place, f"{field} is listed as {listed or 'a record'} where {kind} is needed")
