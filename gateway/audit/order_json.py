"""Orders as the private parts of their entries say them: :mod:`gateway.audit.summing` reads them, and their published
form is in :mod:`gateway.audit.order_schemas`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from types import MappingProxyType

from gateway.audit.canonical import PlainJson
from gateway.audit.errors import DraftRefused
from gateway.audit.orders import (
    Activate,
    Announce,
    Approve,
    CloseEmergency,
    Counted,
    InstallOfficers,
    LiftStop,
    OpenEmergency,
    Order,
    Refuse,
    Remove,
    Revoke,
    SetStop,
    StopKind,
    Taken,
    Withhold,
    stamp,
)

ORDERS: Mapping[type[Order], str] = MappingProxyType(
    {
        Activate: "activate",
        Announce: "announce",
        InstallOfficers: "install-officers",
        Approve: "approve",
        Withhold: "withhold",
        Refuse: "refuse",
        Revoke: "revoke",
        SetStop: "stop",
        LiftStop: "lift",
        Remove: "remove",
        OpenEmergency: "open",
        CloseEmergency: "close",
    }
)
"""What each kind of order is called in private parts."""

LEFT_OUT = frozenset(("approval", "takes", "totals"))
"""Fields of orders that are not said where they are empty."""


def write(order: Order, keyed: Callable[[str], str]) -> PlainJson:
    """An order as the private part of its entry says it: enough to work out again what stands.

    ``keyed`` gives a record's identifier as it is stored. Every field is there, but for the bytes that the store keeps
    by their digest, and for some that are left empty.
    """
    said: dict[str, PlainJson] = {"order": ORDERS[type(order)]}
    for each in fields(order):
        value = getattr(order, each.name)
        if each.name != "artifacts" and (value or each.name not in LEFT_OUT):
            said[each.name] = _said(value)
    if isinstance(order, SetStop | LiftStop) and order.kind is StopKind.RECORD:
        said["subject"] = keyed(order.subject)
    return said


def _said(value: object) -> PlainJson:
    """A field's value in JSON."""
    match value:
        case datetime():
            return stamp(value)
        case enum.Enum():
            return str(value.value)
        case Taken():
            return [value.partner, value.counter, value.since, value.amount]
        case Counted():
            return [value.day, value.partner, value.level, *value.counts]
        case tuple():
            return [_said(each) for each in value]
        case str() | int():
            return value
        case _:
            raise DraftRefused("orders", f"hold a {type(value).__name__}")
