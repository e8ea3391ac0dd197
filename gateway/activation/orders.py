"""Officers' acts: activate a policy set, stop a release, lift a stop, revoke a token. Each is an entry in the log.

Activating a set, lifting a stop and changing the list of officers need as many officers' signatures as the gateway's
settings ask for (:mod:`gateway.activation.approval`). Setting a stop and revoking a token need none: they only take
away.

An activation loads the set whole before anything is written. A set that does not load changes nothing that is in
force, but the attempt is written down: the change that failed may have been a revocation, so readiness degrades, and
after the grace time releases stop (see :mod:`gateway.activation.running`). A set that lacks signatures is refused in
the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from gateway.activation import approval
from gateway.activation.approval import Approved, Demand, Purpose
from gateway.activation.running import prepare, stored_set
from gateway.audit.entry import Draft, Event, Json
from gateway.audit.errors import DraftRefused
from gateway.audit.log import AuditLog
from gateway.audit.observed import Observed, said_of
from gateway.audit.orders import (
    Activate,
    Announce,
    CloseEmergency,
    InstallOfficers,
    LiftStop,
    Refuse,
    Revoke,
    SetStop,
    StopKind,
    stamp,
)
from gateway.audit.reading import LogReader
from gateway.identity.caller import IdentityError, TokenRules
from gateway.identity.officers import Officers, read_officers
from gateway.keys.errors import KeysError
from gateway.policy.errors import PolicyError
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet


@dataclass(frozen=True, slots=True)
class Order:
    """Who gives an order, why, and when (aware UTC); ``by`` as said or proved, ``seen`` as observed besides."""

    by: str
    reason: str
    at: datetime
    seen: Observed = None

    @property
    def said(self) -> dict[str, Json]:
        """What the private part of its entry says of the order itself."""
        return {"by": self.by, "reason": self.reason, **said_of(self.seen)}


class ActivationRefused(Exception):
    """The set was not activated; what was in force still is. ``error`` says everything that is wrong with the set, or
    (:class:`gateway.activation.approval.NotApproved`, a ``LookupError``) with its signatures.
    """

    def __init__(self, error: PolicyError | IdentityError | KeysError | LookupError) -> None:
        super().__init__(str(error))
        self.error = error


def check(files: Mapping[str, bytes], witnesses: Set[str] = frozenset()) -> PolicySet:
    """Load and compile a set without activating it; raises :class:`ActivationRefused`.

    ``witnesses`` are the verifier keys of those that the gateway can ask: what demands others is refused.
    """
    try:
        policy_set = load(files, witnesses)
        prepare(policy_set, TokenRules())
    except (PolicyError, IdentityError, KeysError) as error:
        raise ActivationRefused(error) from error
    return policy_set


def activate(
    log: AuditLog,
    files: Mapping[str, bytes],
    order: Order,
    demand: Demand,
    signatures: Sequence[str] = (),
    impact: Mapping[str, Json] | None = None,
    witnesses: Set[str] = frozenset(),
) -> PolicySet:
    """Put a set in force, with every byte of it and of its signatures kept in the log.

    ``impact`` is what it turns against the set in force, for the entry; ``witnesses`` as for :func:`check`.

    Raises:
        ActivationRefused: the set does not load or compile, or too few officers signed it; the refusal is in the log
            and its grace time runs.
        LogUnavailable: nothing was written; what was in force still is.

    """
    try:
        policy_set = check(files, witnesses)
        approved = _approved(log, demand, signatures, Purpose.ACTIVATE, policy_set.digest, order)
    except ActivationRefused as refused:
        refuse(log, str(refused), order)
        raise
    _put_in_force(log, policy_set, order, approved, _kept(policy_set, files), impact)
    return policy_set


def is_signed(log: LogReader, demand: Demand, signatures: Sequence[str], digest: str, order: Order) -> bool:
    """Whether an activation of the set with this digest would find enough signatures now."""
    try:
        _approved(log, demand, signatures, Purpose.ACTIVATE, digest, order)
    except ActivationRefused:
        return False
    return True


def announce(log: AuditLog, files: Mapping[str, bytes], order: Order, witnesses: Set[str] = frozenset()) -> PolicySet:
    """Say that a set is about to be activated, so that every gateway on the log compiles it beside the one in force.

    Nothing is in force by it, and an activation needs none: without it, requests wait while the new set is compiled.
    Raises as :func:`check`.
    """
    policy_set = check(files, witnesses)
    draft = Draft(Event.POLICY_ANNOUNCED, order.at, "announced", private=_named(policy_set, order))
    announced = Announce(policy_set.digest, order.by, order.at, _kept(policy_set, files))
    log.append_now((draft,), (announced,))
    return policy_set


def roll_back(
    log: AuditLog,
    digest: str,
    order: Order,
    demand: Demand,
    impact: Mapping[str, Json] | None = None,
    witnesses: Set[str] = frozenset(),
) -> PolicySet:
    """Put a set in force again that was before, by the signatures that it had then; ``witnesses`` as for :func:`check`.

    Raises:
        ActivationRefused: it was never in force, cannot be read back, or too few of those who signed it are officers
            still; nothing is written.

    """
    try:
        policy_set, approved = _earlier(log, digest, order, demand, witnesses)
    except (LookupError, PolicyError, IdentityError, KeysError) as error:
        raise ActivationRefused(error) from error
    _put_in_force(log, policy_set, order, approved, policy_set.table_texts, impact)
    return policy_set


def _kept(policy_set: PolicySet, files: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """What the log keeps of a set: its manifest, its files, and the tables that come with the gateway."""
    return (policy_set.manifest_bytes, *files.values(), *policy_set.table_texts)


def _named(policy_set: PolicySet, order: Order) -> dict[str, Json]:
    """Who put which set forward, and all that is kept of it by digest."""
    return {
        **order.said,
        "policy": policy_set.digest,
        "files": dict(policy_set.manifest),
        "tables": dict(policy_set.tables),
    }


def _earlier(
    log: LogReader, digest: str, order: Order, demand: Demand, witnesses: Set[str]
) -> tuple[PolicySet, Approved]:
    """A set that was in force, and by whom it may be again: the last signatures that suffice."""
    before = [each for each in log.activations() if each.digest == digest]
    if not before:
        raise LookupError(f"policy set {digest} was never in force here")
    policy_set = stored_set(log, digest, witnesses)
    prepare(policy_set, TokenRules())
    refused: Exception | None = None
    for each in reversed(before):
        try:
            return policy_set, approval.again(log, each.approval, demand, digest, order.at)
        except IdentityError as error:
            refused = refused or error
    raise refused or LookupError(f"policy set {digest} was never in force here")


def _put_in_force(
    log: AuditLog,
    policy_set: PolicySet,
    order: Order,
    approved: Approved,
    kept: tuple[bytes, ...],
    impact: Mapping[str, Json] | None,
) -> None:
    private: dict[str, Json] = {
        **_named(policy_set, order),
        **({"signed": approved.said()} if approved.given else {}),
        **({} if impact is None else {"impact": impact}),
    }
    draft = Draft(Event.POLICY_ACTIVATED, order.at, "activated", private=private)
    artifacts = (*kept, *approved.artifacts)
    activation = Activate(policy_set.digest, order.by, order.at, artifacts, approved.digest)
    log.append_now((draft,), (activation, *_closing(log, policy_set, order)))


def _closing(log: LogReader, policy_set: PolicySet, order: Order) -> Iterator[CloseEmergency]:
    """The emergencies that end with an activation: those whose time is over, which a longer time in the new set would
    open again, and those that the new set words otherwise than the officer knew who opened them.
    """
    standing = log.standing()
    if not standing.opened or standing.active is None:
        return
    try:
        before = stored_set(log, standing.active)
    except (LookupError, PolicyError):
        before = None
    for each in standing.opened:
        then = None if before is None else before.emergency(each.partner, each.name)
        over = then is None or each.at + then.lasts <= order.at
        if over or then != policy_set.emergency(each.partner, each.name):
            yield CloseEmergency(each.partner, each.name, order.by, order.reason, order.at)


def install_officers(
    log: AuditLog, data: bytes, order: Order, demand: Demand, signatures: Sequence[str] = ()
) -> Officers:
    """Put a list of officers in force, signed by officers of the one before; the first one by its own.

    Raises:
        IdentityError: the list cannot be one, or too few officers signed it; nothing is written.

    """
    officers = read_officers(data)
    before = approval.in_force(log)
    signers = before if before.officers else officers
    approved = approval.approve(demand, signatures, signers, Purpose.OFFICERS, officers.digest, order.at)
    private: dict[str, Json] = {
        **order.said,
        "list": officers.digest,
        "names": [officer.name for officer in officers.officers],
        "signed": approved.said(),
    }
    draft = Draft(Event.OFFICERS_INSTALLED, order.at, "installed", private=private)
    artifacts = (data, *approved.artifacts)
    log.append_now((draft,), (InstallOfficers(officers.digest, order.by, order.at, artifacts, approved.digest),))
    return officers


def refuse(log: AuditLog, why: str, order: Order) -> None:
    """Write down that an activation failed, and why; its grace time runs from the first refusal."""
    private: dict[str, Json] = {**order.said, "why": why[:16_000]}
    draft = Draft(Event.POLICY_REFUSED, order.at, "refused", private=private)
    log.append_now((draft,), (Refuse(why[:16_000], order.by, order.at),))


def stop(log: AuditLog, kind: StopKind, subject: str, order: Order) -> None:
    """Stop releases to a partner, of a dataset or of a record, from now on. One officer suffices."""
    draft = Draft(Event.STOP_SET, order.at, "set", private=_about(kind, subject, order))
    log.append_now((draft,), (SetStop(kind, subject, order.by, order.reason, order.at),))


def lift(
    log: AuditLog, kind: StopKind, subject: str, order: Order, demand: Demand, signatures: Sequence[str] = ()
) -> None:
    """Lift a stop, signed by as many officers as are asked for.

    Raises:
        DraftRefused: no such stop is in force.
        NotApproved: too few officers signed the lifting of this very stop; nothing is written.

    """
    approved = approval.approve(
        demand, signatures, approval.in_force(log), Purpose.LIFT_STOP, stop_lifted(log, kind, subject), order.at
    )
    said = _about(kind, subject, order)
    if approved.given:
        said["signed"] = approved.said()
    draft = Draft(Event.STOP_LIFTED, order.at, "lifted", private=said)
    log.append_now((draft,), (LiftStop(kind, subject, order.by, order.reason, order.at),))


def stop_lifted(log: AuditLog, kind: StopKind, subject: str) -> str:
    """What officers sign to lift a stop: kind, name and since when it stands, so that no later stop is lifted by it.

    Raises :class:`DraftRefused` when no such stop is in force.
    """
    stored = log.keyed(subject) if kind is StopKind.RECORD else subject
    for found in log.standing().stops:
        if (found.kind, found.subject) == (kind, stored):
            return f"{kind}:{stored}@{stamp(found.at)}"
    raise DraftRefused("orders", f"lift {kind}:{subject}, but no such stop is in force")


def revoke(log: AuditLog, partner: str, jti: str, order: Order) -> None:
    """Revoke one token of a partner by its ``jti``."""
    private: dict[str, Json] = {**order.said, "partner": partner, "jti": jti}
    draft = Draft(Event.TOKEN_REVOKED, order.at, "revoked", private=private)
    log.append_now((draft,), (Revoke(partner, jti, order.by, order.at),))


def _approved(
    log: LogReader, demand: Demand, signatures: Sequence[str], purpose: Purpose, subject: str, order: Order
) -> Approved:
    try:
        return approval.approve(demand, signatures, approval.in_force(log), purpose, subject, order.at)
    except (IdentityError, LookupError) as error:
        raise ActivationRefused(error) from error


def _about(kind: StopKind, subject: str, order: Order) -> dict[str, Json]:
    """What the private part says of a stop; a record's identifier is kept keyed by the order, never here."""
    named = {} if kind is StopKind.RECORD else {"subject": subject}
    return {**order.said, "kind": kind.value, **named}
