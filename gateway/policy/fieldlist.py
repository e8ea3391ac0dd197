"""``[fields]`` of a dataset file: which fields its records may leave with, and what may stand at each.

The rule: **a field that is not listed never leaves**, whoever asks and whatever a grant says (docs/decisions,
"Only listed fields leave"). Groups degrade what they name; a field that a source adds tomorrow is in no group, and
might state the same fact. So every field is named once, with the kind of its value, and whatever a rule, a fact or a
query parameter reads must be among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Self

from pydantic import model_validator

from gateway.policy.shape import FieldKind, FieldList
from gateway.policy.values import FieldName, FieldPath, Some, Strict


class KindsTable(Strict):
    """Names of fields by the kind of their values (:class:`gateway.policy.shape.FieldKind`)."""

    text: tuple[FieldName, ...] = ()
    number: tuple[FieldName, ...] = ()
    boolean: tuple[FieldName, ...] = ()
    texts: tuple[FieldName, ...] = ()
    numbers: tuple[FieldName, ...] = ()
    free: tuple[FieldName, ...] = ()

    @property
    def kinds(self) -> Iterator[tuple[str, FieldKind]]:
        """Every name with its kind."""
        for kind in FieldKind:
            names: tuple[str, ...] = getattr(self, kind)
            yield from ((name, kind) for name in names)


class InsideTable(KindsTable):
    """``[[fields.inside]]``: what records inside the record may have; ``at`` are the fields that hold them."""

    at: Annotated[tuple[FieldPath, ...], Some]


class FieldsTable(KindsTable):
    """``[fields]``: what records may have. ``inside`` lists what the records inside them may have."""

    inside: tuple[InsideTable, ...] = ()

    @cached_property
    def records(self) -> frozenset[str]:
        """The paths at which records stand."""
        return frozenset(path for table in self.inside for path in table.at)

    @cached_property
    def kind_at(self) -> Mapping[str, FieldKind]:
        """The kind of each listed value by its dotted path."""
        return dict(self._listed())

    def kind(self, path: str) -> FieldKind | None:
        """What may stand at a path; ``None`` where nothing may, or a record. What is inside a free field is free."""
        names = path.split(".")
        for length in range(1, len(names)):
            if self.kind_at.get(".".join(names[:length])) is FieldKind.FREE:
                return FieldKind.FREE
        return self.kind_at.get(path)

    def holds(self, path: str) -> bool:
        """Whether a path is listed, as a value or as a record."""
        return path in self.records or self.kind(path) is not None

    def listed(self) -> FieldList:
        """The list as the content layer reads it."""
        return _tree(self.kind_at.items(), self.records, "")

    def _listed(self) -> Iterator[tuple[str, FieldKind]]:
        yield from self.kinds
        for table in self.inside:
            for path in table.at:
                yield from ((f"{path}.{name}", kind) for name, kind in table.kinds)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        paths = Counter(path for path, _ in self._listed())
        paths.update(path for table in self.inside for path in table.at)
        for path, times in paths.items():
            if times > 1:
                raise ValueError(f"{path} is listed {times} times; a field is one thing")
        for path in sorted(self.records):
            holder = path.rpartition(".")[0]
            if holder and holder not in self.records:
                raise ValueError(f"{path} stands in {holder}, at which no record is listed")
        return self


def _tree(kinds: Iterable[tuple[str, FieldKind]], records: frozenset[str], at: str) -> FieldList:
    """The part of the list that speaks of the record at a path; ``""`` is the outer one."""
    start = f"{at}." if at else ""
    below = [(path.removeprefix(start), kind) for path, kind in kinds if path.startswith(start)]
    inner = sorted(path for path in records if path.rpartition(".")[0] == at)
    return FieldList(
        kinds=tuple(sorted((name, kind) for name, kind in below if "." not in name)),
        inside=tuple((path.removeprefix(start), _tree(kinds, records, path)) for path in inner),
    )
