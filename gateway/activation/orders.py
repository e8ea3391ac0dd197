"""Officers' acts: activate a policy set, stop a release, lift a stop, revoke a token. Each is an entry in the log.

An activation loads the set whole before anything is written. A set that does not load changes nothing that is in
force, but the attempt is written down: the change that failed may have been a revocation, so readiness degrades, and
after the grace time releases stop (see :mod:`gateway.activation.running`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.activation.running import prepare
from gateway.audit.entry import Draft, Event
from gateway.audit.log import AuditLog
from gateway.audit.orders import (
    Activate,
    CloseEmergency,
    LiftStop,
    OpenEmergency,
    Refuse,
    Revoke,
    SetStop,
    StopKind,
)
from gateway.identity.caller import IdentityError, TokenRules
from gateway.keys.errors import KeysError
from gateway.policy.errors import PolicyError
from gateway.policy.grants import EmergencyTable
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet


@dataclass(frozen=True, slots=True)
class Order:
    """Who gives an order, why, and when (aware UTC)."""

    by: str
    reason: str
    at: datetime


class ActivationRefused(Exception):
    """The set was not activated; what was in force still is. ``error`` says everything that is wrong with the set."""

    def __init__(self, error: PolicyError | IdentityError | KeysError) -> None:
        super().__init__(str(error))
        self.error = error


def check(files: Mapping[str, bytes]) -> PolicySet:
    """Load and compile a set without activating it; raises :class:`ActivationRefused`."""
    try:
        policy_set = load(files)
        prepare(policy_set, TokenRules())
    except (PolicyError, IdentityError, KeysError) as error:
        raise ActivationRefused(error) from error
    return policy_set


def activate(log: AuditLog, files: Mapping[str, bytes], order: Order) -> PolicySet:
    """Put a set in force, with every byte of it kept in the log.

    Raises:
        ActivationRefused: the set does not load or compile; the refusal is in the log and its grace time runs.
        LogUnavailable: nothing was written; what was in force still is.

    """
    try:
        policy_set = check(files)
    except ActivationRefused as refused:
        refuse(log, str(refused), order)
        raise
    draft = Draft(
        Event.POLICY_ACTIVATED,
        order.at,
        "activated",
        private={
            "by": order.by,
            "reason": order.reason,
            "policy": policy_set.digest,
            "files": dict(policy_set.manifest),
            "tables": dict(policy_set.tables),
        },
    )
    artifacts = (policy_set.manifest_bytes, *files.values())
    log.append_now((draft,), (Activate(policy_set.digest, order.by, order.at, artifacts),))
    return policy_set


def refuse(log: AuditLog, why: str, order: Order) -> None:
    """Write down that an activation failed, and why; its grace time runs from the first refusal."""
    private = {"by": order.by, "reason": order.reason, "why": why[:16_000]}
    draft = Draft(Event.POLICY_REFUSED, order.at, "refused", private=private)
    log.append_now((draft,), (Refuse(why[:16_000], order.by, order.at),))


def stop(log: AuditLog, kind: StopKind, subject: str, order: Order) -> None:
    """Stop releases to a partner, of a dataset or of a record, from now on. One officer suffices."""
    draft = Draft(Event.STOP_SET, order.at, "set", private=_about(kind, subject, order))
    log.append_now((draft,), (SetStop(kind, subject, order.by, order.reason, order.at),))


def lift(log: AuditLog, kind: StopKind, subject: str, order: Order) -> None:
    """Lift a stop; the log refuses when none is in force."""
    draft = Draft(Event.STOP_LIFTED, order.at, "lifted", private=_about(kind, subject, order))
    log.append_now((draft,), (LiftStop(kind, subject, order.by, order.reason, order.at),))


class EmergencyRefused(Exception):
    """The emergency may not be opened; nothing changed. The message says why, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def open_emergency(log: AuditLog, policy_set: PolicySet, partner: str, name: str, order: Order) -> datetime:
    """Open an emergency of the set in force, for as long as its file says; gives the instant at which it ends.

    One officer suffices, if the file names that officer: the officers who signed the set gave the second signature.

    Raises:
        EmergencyRefused: the set has no such emergency, or does not let this officer open it.
        LogUnavailable: nothing was written, and nothing is open.
    """
    holder = policy_set.partners.get(partner)
    rules = () if holder is None else holder.grants
    found = {rule.id: rule for rule in rules if isinstance(rule, EmergencyTable)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise EmergencyRefused(f"the set in force has no emergency {name} for {partner}", f"it has {known}")
    table = found[name]
    if order.by not in table.officers:
        officers = ", ".join(table.officers)
        raise EmergencyRefused(f"{order.by} may not open {name}", f"its file names {officers}; --by says who you are")
    until = order.at + table.lasts
    about = {"partner": partner, "name": name, "by": order.by, "reason": order.reason, "until": until.isoformat()}
    draft = Draft(Event.EMERGENCY_OPENED, order.at, "opened", private=about)
    log.append_now((draft,), (OpenEmergency(partner, name, order.by, order.reason, order.at),))
    return until


def close_emergency(log: AuditLog, partner: str, name: str, order: Order) -> None:
    """Close an emergency before its time. Anybody may; the log refuses when it was not opened."""
    about = {"partner": partner, "name": name, "by": order.by, "reason": order.reason}
    draft = Draft(Event.EMERGENCY_CLOSED, order.at, "closed", private=about)
    log.append_now((draft,), (CloseEmergency(partner, name, order.by, order.reason, order.at),))


def revoke(log: AuditLog, partner: str, jti: str, order: Order) -> None:
    """Revoke one token of a partner by its ``jti``."""
    private = {"by": order.by, "reason": order.reason, "partner": partner, "jti": jti}
    draft = Draft(Event.TOKEN_REVOKED, order.at, "revoked", private=private)
    log.append_now((draft,), (Revoke(partner, jti, order.by, order.at),))


def _about(kind: StopKind, subject: str, order: Order) -> dict[str, str]:
    """What the private part says of a stop; a record's identifier is kept keyed by the order, never here."""
    named = {} if kind is StopKind.RECORD else {"subject": subject}
    return {"by": order.by, "reason": order.reason, "kind": kind.value, **named}
