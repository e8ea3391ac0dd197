"""Open what a partner's file holds ready for an emergency, and close it. Each is an entry in the log.

One officer suffices, if the file names that officer: that the emergency stands in the set, which other officers signed,
is the second signature. Where orders take signatures, the officer who opens it signs too, with a key of the list of
officers in force. Closing takes none: it can only hold back.
"""

from __future__ import annotations

from datetime import datetime

from gateway.activation import approval
from gateway.activation.approval import UNSIGNED, Demand, Purpose
from gateway.activation.orders import Order
from gateway.audit.entry import Draft, Event
from gateway.audit.log import AuditLog
from gateway.audit.orders import CloseEmergency, OpenEmergency
from gateway.policy.grants import EmergencyTable
from gateway.policy.policyset import PolicySet


class EmergencyRefused(Exception):
    """The emergency may not be opened; nothing changed. The message says why, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def subject(policy_set: PolicySet, partner: str, name: str) -> str:
    """What an officer who opens an emergency signs: this one, of this set."""
    return f"{partner}/{name}/{policy_set.digest}"


def open_emergency(
    log: AuditLog,
    policy_set: PolicySet,
    partner: str,
    name: str,
    order: Order,
    demand: Demand = UNSIGNED,
    signature: str = "",
) -> datetime:
    """Open an emergency of the set in force, for as long as its file says; gives the instant at which it ends.

    Raises:
        EmergencyRefused: the set has no such emergency, does not let this officer open it, or asks for a signature that
            does not count.
        LogUnavailable: nothing was written, and nothing is open.
    """
    table = _held(policy_set, partner, name)
    if order.by not in table.officers:
        officers = ", ".join(table.officers)
        raise EmergencyRefused(f"{order.by} may not open {name}", f"its file names {officers}; --by says who you are")
    if demand.needed:
        _signed(log, subject(policy_set, partner, name), order, demand, signature)
    until = order.at + table.lasts
    about = {**order.said, "partner": partner, "name": name, "until": until.isoformat()}
    signed = {"signature": signature} if signature else {}
    draft = Draft(Event.EMERGENCY_OPENED, order.at, "opened", private={**about, **signed})
    log.append_now((draft,), (OpenEmergency(partner, name, order.by, order.reason, order.at),))
    return until


def close_emergency(log: AuditLog, partner: str, name: str, order: Order) -> None:
    """Close an emergency before its time. Anybody may; the log refuses when it was not opened."""
    about = {**order.said, "partner": partner, "name": name}
    draft = Draft(Event.EMERGENCY_CLOSED, order.at, "closed", private=about)
    log.append_now((draft,), (CloseEmergency(partner, name, order.by, order.reason, order.at),))


def _held(policy_set: PolicySet, partner: str, name: str) -> EmergencyTable:
    holder = policy_set.partners.get(partner)
    rules = () if holder is None else holder.grants
    found = {rule.id: rule for rule in rules if isinstance(rule, EmergencyTable)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise EmergencyRefused(f"the set in force has no emergency {name} for {partner}", f"it has {known}")
    return found[name]


def _signed(log: AuditLog, about: str, order: Order, demand: Demand, signature: str) -> None:
    officers = approval.in_force(log)
    texts = (signature,) if signature else ()
    given, problems = approval.count(texts, officers, Purpose.EMERGENCY, about, demand.origin, order.at)
    if order.by not in {each.officer for each in given}:
        why = "; ".join(problems) or "it is not signed"
        raise EmergencyRefused(f"{order.by} must sign to open it: {why}", "--key FILE signs with an officer's key")
