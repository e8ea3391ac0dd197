"""What a partner asks for, and what of its query may go to the source.

A query is read against the dataset's file: a parameter that is not listed does not exist, and one that filters or
sorts on a field this partner sees degraded or not at all is refused, since bisection would give the value back
(docs/architecture.md, inference by query). What remains is rebuilt from its parts, never passed on as text.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.audit.observed import Peer
from gateway.refusals import Refused

VALUE_LIMIT = 512
"""Most characters of one parameter's value."""

OFFSET_LIMIT = 10_000_000
COLUMNS_LIMIT = 200
SIDE_DOORS = frozenset({"bulk", "count", "current", "getfile", "history", "queryhelp", "tuple"})
"""What stands where an identifier does in a source's paths, and is none: other ways to the same data."""

_PAGING = frozenset({"firstResult", "maxResults", "sort"})
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")


class Operation(enum.StrEnum):
    """The ways of reading a dataset."""

    LIST = "list"
    IDENTIFIED = "id"
    COUNT = "count"
    TUPLE = "tuple"
    QUERYHELP = "queryhelp"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as a door parsed it; nothing in it is believed but what the token proves.

    ``path`` is the dataset's path (``/udl/elset``). ``sealed`` says that the caller accepts a sealed answer, ``plain``
    that it accepts one in clear, ``lines`` that it asks for records as NDJSON. ``authorization`` holds every such
    header. ``traceparent`` is W3C Trace Context, already checked for form. ``peer`` is observed, not said.
    """

    request: str
    path: str
    operation: Operation
    query: tuple[tuple[str, str], ...] = ()
    identifier: str | None = None
    authorization: tuple[str, ...] = ()
    sealed: bool = True
    plain: bool = False
    lines: bool = False
    traceparent: str | None = None
    peer: Peer | None = None


@dataclass(frozen=True, slots=True)
class QueryRules:
    """What one dataset lets one partner ask: parameter name to the record field it filters on, and the rest."""

    parameters: Mapping[str, str]
    required: Collection[str]
    sortable: Collection[str]
    forbidden: Collection[str]
    identifier: str
    id_pattern: str
    max_page: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be asked of the source, and which of the releasable records will be answered."""

    filters: tuple[tuple[str, str], ...] = ()
    sort: str | None = None
    first: int = 0
    most: int = 0
    columns: tuple[str, ...] | None = None


def plan(operation: Operation, query: Sequence[tuple[str, str]], rules: QueryRules) -> Plan:
    """Read a query against a dataset's rules.

    Raises:
        Refused: ``parameter_*`` naming the parameter; never depends on any record.
    """
    given = _once(query)
    columns = None
    if operation is Operation.TUPLE:
        columns = _columns(given.pop("columns", None))
    if operation in (Operation.IDENTIFIED, Operation.QUERYHELP):
        for name in given:
            raise Refused("parameter_unknown", f"{operation} takes no parameters", name)
        return Plan()
    bulk = operation is Operation.BULK
    if bulk and not given.keys().isdisjoint(_PAGING):
        raise Refused("parameter_unknown", "a bulk answer has no pages and one order", min(given.keys() & _PAGING))
    first = _whole("firstResult", given.pop("firstResult", None), 0, OFFSET_LIMIT)
    most = _whole("maxResults", given.pop("maxResults", None), rules.max_page, 999_999_999)
    sort = _sort(given.pop("sort", None), rules)
    for name in rules.required:
        if name not in given:
            raise Refused("parameter_required", "", name)
    filters = tuple((name, _filter(name, value, rules)) for name, value in given.items())
    if bulk or operation is Operation.COUNT:
        # A number has no order, and a bulk answer has this one: in the order of identifiers, no two records that share
        # one escape notice.
        return Plan(filters, _sort(None, rules), 0, OFFSET_LIMIT)
    return Plan(filters, sort, first, min(most, rules.max_page), columns)


def identifier_exists(identifier: str, rules: QueryRules) -> bool:
    """Whether a path segment can be an identifier at all; what cannot is not found and never sent upstream."""
    return identifier.lower() not in SIDE_DOORS and re.fullmatch(rules.id_pattern, identifier) is not None


def _once(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in query:
        if name in given:
            raise Refused("parameter_repeated", "", name[:64])
        if len(value) > VALUE_LIMIT or not value.isprintable():
            raise Refused("parameter_invalid", f"longer than {VALUE_LIMIT} characters or not printable", name[:64])
        given[name] = value
    return given


def _whole(name: str, text: str | None, absent: int, most: int) -> int:
    if text is None:
        return absent
    if not _WHOLE.fullmatch(text) or int(text) > most:
        raise Refused("parameter_invalid", f"a whole number from 0 to {most} is expected", name)
    return int(text)


def _columns(text: str | None) -> tuple[str, ...]:
    if not text:
        raise Refused("parameter_required", "", "columns")
    names = tuple(dict.fromkeys(text.split(",")))
    if len(names) > COLUMNS_LIMIT or not all(_COLUMN.fullmatch(name) for name in names):
        raise Refused("parameter_invalid", "field names separated by commas are expected", "columns")
    return names


def _filter(name: str, value: str, rules: QueryRules) -> str:
    field = rules.parameters.get(name)
    if field is None:
        raise Refused("parameter_unknown", "", name[:64])
    if field in rules.forbidden:
        raise Refused("parameter_refused", f"this partner does not see {field} exactly", name)
    return value


def _sort(text: str | None, rules: QueryRules) -> str | None:
    """Read ``field,ASC|DESC`` pairs; the identifier is always the last key, so that an order is total."""
    parts = text.split(",") if text else []
    keys: list[tuple[str, str]] = []
    while parts:
        field = parts.pop(0)
        direction = parts.pop(0) if parts and parts[0] in ("ASC", "DESC") else "ASC"
        if field not in rules.sortable or field in dict(keys):
            raise Refused("parameter_invalid", "a sortable field, each once, is expected", "sort")
        if field in rules.forbidden:
            raise Refused("parameter_refused", f"this partner does not see {field} exactly", "sort")
        keys.append((field, direction))
    if rules.identifier not in dict(keys):
        keys.append((rules.identifier, "ASC"))
    return ",".join(f"{field},{direction}" for field, direction in keys) or None
