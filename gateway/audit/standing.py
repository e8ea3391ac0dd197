"""Carrying standing orders out in the store, and reading back what stands, checked against the log's
signature.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from gateway.audit import canonical, retention, store, tables
from gateway.audit.checkpoint import VerifierKey, open_note
from gateway.audit.errors import DraftRefused, LogAltered, ProofRefused
from gateway.audit.leaf import IdentifierKey, keyed
from gateway.audit.orders import (
    Activate,
    Announce,
    Approve,
    CloseEmergency,
    InstallOfficers,
    LiftStop,
    OpenEmergency,
    Order,
    Refuse,
    Remove,
    Revoke,
    SetStop,
    Standing,
    Stop,
    StopKind,
    Withhold,
    stamp,
)


def check(connection: Connection, orders: Sequence[Order]) -> None:
    """Refuse orders that cannot be carried out, before anything of their entry is written.

    Raises :class:`DraftRefused`: more than one activation or refusal in an entry, or an unknown manifest.
    Whether a stop to be lifted is in force is found out by :func:`carry_out`.
    """
    activations = [order for order in orders if isinstance(order, Activate)]
    if len(activations) > 1 or sum(isinstance(order, Refuse) for order in orders) > 1:
        raise DraftRefused("orders", "hold more than one activation or refusal", hint="Write one entry for each.")
    for order in orders:
        if isinstance(order, Activate | Announce | InstallOfficers):
            _check_stored(connection, order)
        if isinstance(order, Approve) and not (order.item and order.by and order.partner and order.until > order.at):
            raise DraftRefused("orders", "approve nothing: item, officer, partner and a time to come are all needed")
        if isinstance(order, Withhold) and not (order.item and order.by):
            raise DraftRefused("orders", "withhold nothing: item and officer are both needed")
        if isinstance(order, SetStop | LiftStop) and not order.subject:
            raise DraftRefused("orders", "stop nothing: the subject is empty")
        if isinstance(order, Remove):
            retention.check(connection, order)
        if isinstance(order, OpenEmergency | CloseEmergency) and not (order.partner and order.name):
            raise DraftRefused("orders", "open no emergency: partner and name are both needed")
        if isinstance(order, Revoke) and not (order.partner and order.jti):
            raise DraftRefused("orders", "revoke no token: partner and jti are both needed")


def _check_stored(connection: Connection, order: Activate | Announce | InstallOfficers) -> None:
    """What an order puts in force, and the signatures for it, must be kept in the store."""
    by_digest = {canonical.digest(body).hex() for body in order.artifacts}
    approval = "" if isinstance(order, Announce) else order.approval
    for named in filter(None, (order.digest, approval)):
        if named not in by_digest and store.read_artifact(connection, named) is None:
            raise DraftRefused(
                "orders",
                f"name {named}, which is the SHA-256 of nothing stored",
                hint="Hand its bytes in among the artifacts.",
            )


def lifts_nothing(connection: Connection, orders: Sequence[Order], key: IdentifierKey) -> str | None:
    """The name of the first stop or emergency that these orders would end though it is not in force by then."""
    in_force = {
        (row.kind, row.subject) for row in connection.execute(select(tables.stops.c.kind, tables.stops.c.subject))
    }
    opened = {(row.partner, row.name) for row in connection.execute(select(tables.emergencies))}
    for order in orders:
        if isinstance(order, OpenEmergency):
            opened.add((order.partner, order.name))
        elif isinstance(order, CloseEmergency):
            if (order.partner, order.name) not in opened:
                return f"emergency:{order.partner}/{order.name}"
            opened.remove((order.partner, order.name))
        elif isinstance(order, SetStop):
            in_force.add((order.kind.value, subject_of(order, key)))
        elif isinstance(order, LiftStop):
            name = (order.kind.value, subject_of(order, key))
            if name not in in_force:
                return f"{order.kind}:{order.subject}"
            in_force.remove(name)
    return None


def carry_out(connection: Connection, position: int, orders: Sequence[Order], key: IdentifierKey) -> None:
    """Write orders that were checked, as of the entry at ``position``."""
    for order in orders:
        said = {"by": order.by, "at": stamp(order.at)}
        if isinstance(order, SetStop):
            stop = Stop(order.kind, subject_of(order, key), order.by, order.reason, order.at)
            store.set_stop(connection, stop)
        elif isinstance(order, LiftStop):
            store.lift_stop(connection, order.kind, subject_of(order, key))
        elif isinstance(order, Activate | Announce | InstallOfficers):
            _put_in_force(connection, position, order)
        elif isinstance(order, Approve):
            store.drop_approvals(connection, "", order.at)
            store.add_approval(connection, order)
        elif isinstance(order, Withhold):
            store.drop_approvals(connection, order.item, order.at)
        elif isinstance(order, OpenEmergency):
            store.open_emergency(connection, order)
        elif isinstance(order, CloseEmergency):
            store.close_emergency(connection, order.partner, order.name)
        elif isinstance(order, Remove):
            retention.carry_out(connection, position, order)
        elif isinstance(order, Refuse):
            connection.execute(insert(tables.refusals).values(position=position, reason=order.reason, **said))
        elif not _is_revoked(connection, order):
            connection.execute(insert(tables.revocations).values(partner=order.partner, jti=order.jti, **said))


def _put_in_force(connection: Connection, position: int, order: Activate | Announce | InstallOfficers) -> None:
    store.add_artifacts(connection, order.artifacts)
    named = {"position": position, "digest": order.digest}
    if isinstance(order, Announce | InstallOfficers):
        into = tables.announcements if isinstance(order, Announce) else tables.officers
        connection.execute(insert(into).values(named))
        return
    connection.execute(insert(tables.activations).values({**named, "by": order.by, "at": stamp(order.at)}))
    if order.approval:
        approved = insert(tables.activation_approvals)
        connection.execute(approved.values(position=position, digest=order.approval))


def subject_of(order: SetStop | LiftStop, key: IdentifierKey) -> str:
    """A stop's subject as it is stored: a record's identifier is keyed."""
    return keyed(order.subject, key) if order.kind is StopKind.RECORD else order.subject


def read(connection: Connection, head: store.Head, origin: str, verifier: VerifierKey) -> Standing:
    """What stands, from the tables.

    Raises :class:`LogAltered` unless the head's signed statement says the same.
    """
    try:
        statement = open_note(head.standing, [verifier]).text
        number = int(statement.split("\n")[2])
        standing = store.read_standing(connection, number)
        agrees = standing.statement(origin) == statement
    except (ProofRefused, DraftRefused, ValueError, IndexError) as error:
        raise LogAltered("standing orders", f"what is in force is not what was signed: {error}") from error
    if not agrees:
        raise LogAltered("standing orders", "stops, revocations or activations are not those that were signed")
    return standing


def _is_revoked(connection: Connection, order: Revoke) -> bool:
    table = tables.revocations.c
    found = select(table.jti).where(table.partner == order.partner, table.jti == order.jti)
    return connection.execute(found).one_or_none() is not None
