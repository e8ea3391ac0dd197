"""Checking standing orders: what stands, row by row, must be what the orders in the entries add up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from gateway.audit import tables
from gateway.audit.canonical import PlainJson
from gateway.audit.finding import Finding
from gateway.audit.orders import Standing, StopKind, stamp
from gateway.audit.summing import replay

_TABLES = (
    tables.activations,
    tables.activation_approvals,
    tables.announcements,
    tables.officers,
    tables.refusals,
    tables.revocations,
    tables.removals,
    tables.stops,
    tables.emergencies,
    tables.approvals,
)
"""The tables that orders fill."""

Orders = Iterable[tuple[int, Mapping[str, PlainJson]]]
"""The orders in entries' private parts, each with its entry's index, in the order of the log."""


def differences(
    connection: Connection, orders: list[tuple[int, Mapping[str, PlainJson]]], stands: Standing | None
) -> Iterator[Finding]:
    """Where what the tables say of orders is not what the entries record. ``stands`` is what the tables say is in
    force, ``None`` where that is not what was signed.
    """
    try:
        replayed = replay(orders)
        wanted = rows(orders) | standing_rows(replayed)
    except (KeyError, ValueError, TypeError) as error:
        yield Finding("standing orders", f"an entry's order cannot be read: {error!r}")
        return
    if stands is not None and replayed.statement("", 0) != replace(stands, number=replayed.number).statement("", 0):
        yield Finding("standing orders", "are not what the entries' orders add up to")
    for table in _TABLES:
        found = {tuple(row) for row in connection.execute(select(table))}
        for row in sorted(found - wanted[table.name]):
            yield Finding(table.name, f"{row[0]}, {row[1]} is not as any entry records it")
        for row in sorted(wanted[table.name] - found):
            yield Finding(table.name, f"{row[0]}, {row[1]} is missing, which an entry records")


def stored_by(orders: Orders) -> Iterator[tuple[int, str]]:
    """What orders put in force that the store keeps by its digest, and the signatures they had; with the entry."""
    for index, order in orders:
        if order.get("order") in ("activate", "announce", "install-officers"):
            for name in ("digest", "approval"):
                if isinstance(order.get(name), str):
                    yield index, str(order[name])


def rows(orders: Orders) -> dict[str, set[tuple[object, ...]]]:
    """The rows of the tables that record orders one by one, as they must be."""
    wanted: dict[str, set[tuple[object, ...]]] = {table.name: set() for table in _TABLES}
    revoked: set[tuple[PlainJson, PlainJson]] = set()
    for index, order in orders:
        who = (order["by"], order["at"])
        match order["order"]:
            case "activate":
                wanted["activations"].add((index, order["digest"], *who))
                if "approval" in order:
                    wanted["activation_approvals"].add((index, order["approval"]))
            case "announce":
                wanted["announcements"].add((index, order["digest"]))
            case "install-officers":
                wanted["officers"].add((index, order["digest"]))
            case "remove":
                wanted["removals"].add((index, *(order[name] for name in ("what", "first", "last", "count"))))
            case "refuse":
                wanted["refusals"].add((index, order["reason"], *who))
            case "revoke" if (order["partner"], order["jti"]) not in revoked:  # again changes nothing
                revoked.add((order["partner"], order["jti"]))
                wanted["revocations"].add((order["partner"], order["jti"], *who))
    return wanted


def standing_rows(stands: Standing) -> dict[str, set[tuple[object, ...]]]:
    """The rows of the tables that hold what is in force, as they must be."""
    return {
        table.name: {tuple(_as_stored(getattr(each, column.name)) for column in table.columns) for each in given}
        for table, given in (
            (tables.stops, stands.stops),
            (tables.emergencies, stands.opened),
            (tables.approvals, stands.approvals),
        )
    }


def _as_stored(value: object) -> object:
    return stamp(value) if isinstance(value, datetime) else value.value if isinstance(value, StopKind) else value
