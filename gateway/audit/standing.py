"""Carrying standing orders out in the store, and reading back what stands, checked against the log's signature.

What is done with an order is said kind by kind: which fields it needs (:data:`NEEDED`), what else can be wrong with it
(``_check``), and how it is written (``_carry_out``). A new kind of order is a line in each, and no branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from types import MappingProxyType

from sqlalchemy import Connection, Table, insert, select

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
    restated,
    stamp,
    what_stands,
)

FILED = (Activate, Announce, InstallOfficers, Refuse, Remove)
"""Orders that are filed under their entry: it has at most one of each."""

ENDED = (Announce, Refuse)
"""Orders that an activation ends. Filed under one entry with it, nobody could tell which came first."""

NEEDED: Mapping[type[Order], tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        Approve: ("approve nothing", ("item", "by", "partner")),
        Withhold: ("withhold nothing", ("item", "by")),
        SetStop: ("stop nothing", ("subject",)),
        LiftStop: ("lift nothing", ("subject",)),
        OpenEmergency: ("open no emergency", ("partner", "name")),
        CloseEmergency: ("close no emergency", ("partner", "name")),
        Revoke: ("revoke no token", ("partner", "jti")),
    }
)
"""What an order without one of these fields does, and the fields."""


def check(connection: Connection, orders: Sequence[Order]) -> None:
    """Refuse orders that cannot be carried out, before anything of their entry is written.

    Raises :class:`DraftRefused`: two of one kind that is filed under its entry, an activation with what it ends, a
    field that is empty, what is not stored, a removal that cannot be. Whether a stop to be lifted is in force
    :func:`lifts_nothing` finds out.
    """
    for kind in FILED:
        if sum(isinstance(order, kind) for order in orders) > 1:
            hint = "Write one entry for each."
            raise DraftRefused("orders", f"hold more than one {kind.__name__}", hint=hint)
    if any(isinstance(order, Activate) for order in orders) and any(isinstance(order, ENDED) for order in orders):
        what = "hold an activation beside a refusal or an announcement"
        raise DraftRefused("orders", what, hint="Write one entry for each.")
    for order in orders:
        does, fields = NEEDED.get(type(order), ("", ()))
        empty = [name for name in fields if not getattr(order, name)]
        if empty:
            raise DraftRefused("orders", f"{does}: {', '.join(empty)} must be given")
        _check(order, connection)


@singledispatch
def _check(order: Order, connection: Connection) -> None:
    """Refuse what only this kind of order can have wrong; most have nothing."""


@_check.register
def _(order: Approve, _connection: Connection) -> None:
    if order.until <= order.at:
        raise DraftRefused("orders", "approve nothing: the time has passed by which it ends")


@_check.register
def _(order: Remove, connection: Connection) -> None:
    retention.check(connection, order)


@_check.register
def _(order: Activate | Announce | InstallOfficers, connection: Connection) -> None:
    """What is put in force, and the signatures for it, must be kept in the store."""
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
    stops, emergencies = tables.stops.c, tables.emergencies.c
    in_force = {("stop", row.kind, row.subject) for row in connection.execute(select(stops.kind, stops.subject))}
    in_force |= {("emergency", *row) for row in connection.execute(select(emergencies.partner, emergencies.name))}
    for order in orders:
        if isinstance(order, SetStop | LiftStop):
            named, said = ("stop", order.kind.value, subject_of(order, key)), f"{order.kind}:{order.subject}"
        elif isinstance(order, OpenEmergency | CloseEmergency):
            named, said = ("emergency", order.partner, order.name), f"emergency:{order.partner}/{order.name}"
        else:
            continue
        if isinstance(order, SetStop | OpenEmergency):
            in_force.add(named)
        elif named not in in_force:
            return said
        else:
            in_force.remove(named)
    return None


def carry_out(connection: Connection, position: int, orders: Sequence[Order], key: IdentifierKey) -> None:
    """Write orders that were checked, as of the entry at ``position``."""
    for order in orders:
        _carry_out(order, _Into(connection, position, key))


@dataclass(frozen=True, slots=True)
class _Into:
    """Where an order is written: the transaction, the entry it is of, and the key that identifiers are stored under."""

    connection: Connection
    position: int
    key: IdentifierKey

    def insert(self, table: Table, **values: str | int) -> None:
        self.connection.execute(insert(table).values(values))


@singledispatch
def _carry_out(order: Order, into: _Into) -> None:
    """Write one order; each kind in its own way."""
    raise TypeError(f"{type(order).__name__} is no order")


@_carry_out.register
def _(order: SetStop, into: _Into) -> None:
    stop = Stop(order.kind, subject_of(order, into.key), order.by, order.reason, order.at)
    store.set_stop(into.connection, stop)


@_carry_out.register
def _(order: LiftStop, into: _Into) -> None:
    store.lift_stop(into.connection, order.kind, subject_of(order, into.key))


@_carry_out.register
def _(order: Activate, into: _Into) -> None:
    store.add_artifacts(into.connection, order.artifacts)
    said = {"by": order.by, "at": stamp(order.at)}
    into.insert(tables.activations, position=into.position, digest=order.digest, **said)
    if order.approval:
        into.insert(tables.activation_approvals, position=into.position, digest=order.approval)


@_carry_out.register
def _(order: Announce | InstallOfficers, into: _Into) -> None:
    store.add_artifacts(into.connection, order.artifacts)
    table = tables.announcements if isinstance(order, Announce) else tables.officers
    into.insert(table, position=into.position, digest=order.digest)


@_carry_out.register
def _(order: Refuse, into: _Into) -> None:
    into.insert(tables.refusals, position=into.position, reason=order.reason, by=order.by, at=stamp(order.at))


@_carry_out.register
def _(order: Approve, into: _Into) -> None:
    store.drop_approvals(into.connection, "", order.at)
    store.add_approval(into.connection, order)


@_carry_out.register
def _(order: Withhold, into: _Into) -> None:
    store.drop_approvals(into.connection, order.item, order.at)


@_carry_out.register
def _(order: OpenEmergency, into: _Into) -> None:
    store.open_emergency(into.connection, order)


@_carry_out.register
def _(order: CloseEmergency, into: _Into) -> None:
    store.close_emergency(into.connection, order.partner, order.name)


@_carry_out.register
def _(order: Revoke, into: _Into) -> None:
    if not _is_revoked(into.connection, order):
        said = {"by": order.by, "at": stamp(order.at)}
        into.insert(tables.revocations, partner=order.partner, jti=order.jti, **said)


@_carry_out.register
def _(order: Remove, into: _Into) -> None:
    retention.carry_out(into.connection, into.position, order)


def subject_of(order: SetStop | LiftStop, key: IdentifierKey) -> str:
    """A stop's subject as it is stored: a record's identifier is keyed."""
    return keyed(order.subject, key) if order.kind is StopKind.RECORD else order.subject


def read(connection: Connection, head: store.Head, origin: str, verifier: VerifierKey) -> Standing:
    """What stands, from the tables.

    Raises :class:`LogAltered` unless the head's signed statement says the same, of the log of the head's size.
    """
    try:
        statement = open_note(head.standing, [verifier]).text
        number = int(what_stands(statement)[2])
        standing = store.read_standing(connection, number)
        agrees = what_stands(standing.statement(origin, head.size)) == what_stands(statement)
    except (ProofRefused, DraftRefused, ValueError, IndexError) as error:
        raise LogAltered("standing orders", f"what is in force is not what was signed: {error}") from error
    if not agrees:
        raise LogAltered("standing orders", "stops, revocations or activations are not those that were signed")
    if restated(statement, head.size) != statement:
        raise LogAltered("standing orders", f"what is in force was not signed for the log of {head.size} entries")
    return standing


def _is_revoked(connection: Connection, order: Revoke) -> bool:
    table = tables.revocations.c
    found = select(table.jti).where(table.partner == order.partner, table.jti == order.jti)
    return connection.execute(found).one_or_none() is not None
