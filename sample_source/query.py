"""The query language of the library's lists: filters in the values of parameters, sorting, pages.

``satNo=25544`` equals; ``satNo=25544,900`` is one of; ``epoch=>now-5 hours`` and ``<=`` compare;
``epoch=2026-06-01T00:00:00Z..2026-06-02T00:00:00Z`` is a range, both ends included; a date alone means the
whole day in an equality and its midnight elsewhere. A parameter given twice must hold twice.
``sort=epoch,DESC,satNo,ASC``.

The rule: what is not understood is refused, with the parameter's name, never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sample_source.records import MARKING, Scalar, StoredRecord
from sample_source.schema import Kind, Table

MAX_PAGE = 10_000
_RELATIVE = re.compile(r"now(?:\s*([+-])\s*(\d{1,6})\s*(second|minute|hour|day|week)s?)?", re.IGNORECASE)
_COMPARISON = re.compile(r"(>=|<=|>|<)(.*)", re.DOTALL)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CONTROLS = frozenset({"firstResult", "maxResults", "sort", "columns", "disableCapcoExtensions"})

Test = Callable[[Scalar], bool]


class QueryError(ValueError):
    """A request that is refused with 400; names the parameter and what was expected of it."""

    def __init__(self, parameter: str, expected: str) -> None:
        super().__init__(f"{parameter}: {expected}")
        self.parameter, self.expected = parameter, expected


@dataclass(frozen=True, slots=True)
class Query:
    """One request for a list, count or tuple, relative times resolved; equal queries have equal answers."""

    filters: tuple[tuple[str, str], ...]
    order: tuple[tuple[str, bool], ...]
    first: int
    limit: int
    columns: frozenset[str] | None
    collapse: bool


def read_query(table: Table, parameters: Iterable[tuple[str, str]], now: datetime) -> Query:
    """Read a request's parameters; raises :class:`QueryError`. Relative times count from ``now``."""
    controls: dict[str, str] = {}
    filters: list[tuple[str, str]] = []
    for name, value in parameters:
        if name in controls:
            raise QueryError(name, "given twice")
        if name in _CONTROLS:
            controls[name] = value
        elif not table.queryable(name):
            raise QueryError(name, f"not a query parameter of {table.name}")
        else:
            filters.append((name, _resolve(name, value, now) if table.fields[name] is Kind.TIME else value))
    if table.required not in {name for name, _ in filters}:
        raise QueryError(table.required, f"required to query {table.name}")
    for name, value in filters:
        _test(table, name, value)
    return Query(
        filters=tuple(filters),
        order=_order(table, controls.get("sort")),
        first=_whole("firstResult", controls.get("firstResult", "0"), 0),
        limit=min(MAX_PAGE, _whole("maxResults", controls.get("maxResults", str(MAX_PAGE)), 1)),
        columns=_columns(table, controls.get("columns")),
        collapse=read_flag(controls.get("disableCapcoExtensions")),
    )


def find(table: Table, records: Sequence[StoredRecord], query: Query) -> tuple[StoredRecord, ...]:
    """All records that a query finds, in its order, before paging. Ties keep the table's own order."""
    found = list(records)
    for name, value in query.filters:
        test = _test(table, name, value)
        found = [record for record in found if test(record.values.get(name))]
    for name, descending in reversed(query.order):
        present = [record for record in found if record.values.get(name) is not None]
        absent = [record for record in found if record.values.get(name) is None]
        present.sort(key=lambda record: _sortable(record.values[name]), reverse=descending)
        found = present + absent
    return tuple(found)


def read_flag(text: str | None) -> bool:
    """``disableCapcoExtensions``; absent means false."""
    if text is None or text.lower() in {"true", "false"}:
        return text is not None and text.lower() == "true"
    raise QueryError("disableCapcoExtensions", "true or false")


def _test(table: Table, name: str, value: str) -> Test:
    """The predicate that one parameter's value stands for."""
    kind = table.fields[name]
    comparison = _COMPARISON.fullmatch(value)
    if comparison is not None:
        return _compare(comparison[1], _operand(kind, name, comparison[2].strip()))
    if ".." in value and kind in {Kind.NUMBER, Kind.TIME}:
        low, high = (_operand(kind, name, part.strip()) for part in value.split("..", 1))
        least, most = _compare(">=", low), _compare("<=", high)
        return lambda held: least(held) and most(held)
    # The list in a marking has commas of its own.
    parts = [value] if name == MARKING else [part.strip() for part in value.split(",")]
    whole_days = tuple(part for part in parts if kind is Kind.TIME and _DATE.fullmatch(part))
    wanted = {_operand(kind, name, part) for part in parts}
    if whole_days:
        return lambda held: held in wanted or (isinstance(held, str) and held.startswith(whole_days))
    return lambda held: held is not None and held in wanted


def _compare(sign: str, operand: str | float | bool) -> Test:
    def test(held: Scalar) -> bool:
        if isinstance(held, str) and isinstance(operand, str):
            return _holds(sign, held > operand, held == operand)
        if isinstance(held, int | float) and isinstance(operand, int | float):
            return _holds(sign, held > operand, held == operand)
        return False

    return test


def _holds(sign: str, greater: bool, equal: bool) -> bool:
    return {">": greater, ">=": greater or equal, "<": not greater and not equal, "<=": not greater}[sign]


def _operand(kind: Kind, name: str, text: str) -> str | float | bool:
    """A parameter's text as a value of the field's kind; raises :class:`QueryError` for what is none."""
    try:
        if kind is Kind.NUMBER:
            return float(text)
        if kind is Kind.TIME:
            at = datetime.fromisoformat(text)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
            return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if kind is Kind.BOOLEAN:
            return {"true": True, "false": False}[text.lower()]
    except (ValueError, KeyError) as error:
        raise QueryError(name, f"a value of type {kind}, not {text!r}") from error
    if not text:
        raise QueryError(name, "a value")
    return text


def _resolve(name: str, value: str, now: datetime) -> str:
    """A time parameter with ``now-5 hours`` and the like written out."""
    operator = _COMPARISON.fullmatch(value)
    sign, rest = (operator[1], operator[2]) if operator else ("", value)
    return sign + "..".join(_moment(name, part.strip(), now) for part in rest.split(".."))


def _moment(name: str, text: str, now: datetime) -> str:
    if not text.lower().startswith("now"):
        return text
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        raise QueryError(name, f"a time such as now-5 hours, not {text!r}")
    sign, count, unit = relative.groups()
    if sign is None:
        return now.isoformat()
    shift = timedelta(**{f"{unit.lower()}s": int(count)})
    return (now + shift if sign == "+" else now - shift).isoformat()


def _order(table: Table, text: str | None) -> tuple[tuple[str, bool], ...]:
    """``a,DESC,b,ASC`` as pairs of a field and whether it descends; a field without a direction ascends."""
    order: list[tuple[str, bool]] = []
    for part in [] if text is None else text.split(","):
        word = part.strip()
        if word.upper() in {"ASC", "DESC"} and order:
            order[-1] = (order[-1][0], word.upper() == "DESC")
        elif table.queryable(word):
            order.append((word, False))
        else:
            raise QueryError("sort", f"fields of {table.name} with ASC or DESC, not {word!r}")
    return tuple(order)


def _columns(table: Table, text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    wanted = frozenset(part.strip() for part in text.split(","))
    unknown = sorted(wanted - table.fields.keys())
    if unknown:
        raise QueryError("columns", f"columns of {table.name}, not {', '.join(map(repr, unknown))}")
    return wanted


def _whole(name: str, text: str, least: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) < least:
        raise QueryError(name, f"a whole number of {least} or more")
    return int(text)


def _sortable(value: Scalar) -> tuple[int, float, str]:
    """A key that orders values of one kind; what a flaw left of another kind stays together."""
    if isinstance(value, str):
        return (1, 0.0, value)
    return (0, float(value or 0), "")
