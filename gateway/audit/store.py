"""What the log writes to and reads from its tables: plain statements, one function each, inside a
transaction.

No function here decides anything: :mod:`gateway.audit.writer` does, and :mod:`gateway.audit.reading` reads.
Each takes the transaction's connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    Connection,
    Row,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from gateway.audit import tables
from gateway.audit.canonical import digest
from gateway.audit.database import Look, looking
from gateway.audit.edge import Edge, Node, NodeId, cover
from gateway.audit.errors import LogAltered, LogUnavailable
from gateway.audit.leaf import Leaf, Prepared
from gateway.audit.orders import Approve, OpenEmergency, Standing, Stop, StopKind, instant, stamp

IN_LIMIT = 500
"""Most values that are named in one statement."""

IS_RELEASE = tables.entries.c.release != literal_column("''")
"""Must stand in every search by release: the index ``one_entry_per_chunk`` is partial, and a database takes it only
where the query says the same in the same words. Without it each search reads the whole table.
"""


_MOST_NAMES = 1000
"""Most names in one question; databases bound how many parameters a statement may have."""


# Made once: to put a statement together costs more than SQLite takes to carry it out.
_HEAD = select(tables.head)
_SWAP = (
    update(tables.head)
    .where(
        tables.head.c.id == 1,
        tables.head.c.size == bindparam("old_size"),
        tables.head.c.epoch == bindparam("old_epoch"),
    )
    .values({name: bindparam(name) for name in ("size", "epoch", "checkpoint", "standing")})
)


@dataclass(frozen=True, slots=True)
class Head:
    """The log's one head: tree size, fencing epoch, signed checkpoint, signed statement of what stands."""

    size: int
    epoch: int
    checkpoint: str
    standing: str


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """A release whose last chunk is not in the log; ``chunk`` is the latest that is."""

    release: str
    chunk: int
    partner: str
    request: str


def create(connection: Connection, head: Head) -> None:
    """Make the tables and the first head, unless they are there."""
    tables.metadata.create_all(connection)
    if read_head(connection) is None:
        # A crash before the commit leaves an empty file; the next opening makes all of it again.
        connection.execute(insert(tables.head).values(id=1, schema_version=tables.SCHEMA_VERSION, **_row(head)))


def read_head(connection: Connection) -> Head | None:
    """The head, or ``None`` when the store has none.

    Raises :class:`LogUnavailable` for a schema of another version, :class:`LogAltered` for numbers that are none.
    """
    row = connection.execute(_HEAD).one_or_none()
    if row is None:
        return None
    if row.schema_version != tables.SCHEMA_VERSION:
        raise LogUnavailable(
            "open",
            f"the store has schema version {row.schema_version}, this gateway knows {tables.SCHEMA_VERSION}",
            hint="Run the gateway's version that wrote it.",
        )
    if not (isinstance(row.size, int) and isinstance(row.epoch, int)):  # SQLite keeps a value of any type
        raise LogAltered("head", "has no size and no count of commits that are numbers")
    return Head(row.size, row.epoch, row.checkpoint, row.standing)


def swap_head(connection: Connection, old: Head, new: Head) -> None:
    """Replace the head by compare-and-swap on size and epoch.

    The write lock makes writers take turns; this is what is relied on. A writer that lost its turn without
    noticing (paused, then woken) finds another epoch here, and its transaction ends with nothing written.
    """
    changed = connection.execute(_SWAP, {"old_size": old.size, "old_epoch": old.epoch, **_row(new)})
    if changed.rowcount != 1:
        raise LogUnavailable("write", f"another writer moved the head on from size {old.size}", hint="Try again.")


def read_edge(connection: Connection, size: int) -> Edge:
    """The right edge of the tree of this size, from stored hashes.

    Raises :class:`LogAltered` when one is missing.
    """
    wanted = cover(0, size)
    found = read_nodes(looking(connection), wanted)
    return Edge(size, tuple(found[node] for node in wanted))


def read_nodes(look: Look, wanted: Iterable[NodeId]) -> dict[NodeId, bytes]:
    """Stored hashes by (level, offset), found by one statement. Raises :class:`LogAltered` naming the first that is
    missing.
    """
    ids = list(wanted)
    said: dict[str, object] = {}
    for number, (level, place) in enumerate(ids):
        said[f"l{number}"], said[f"p{number}"] = level, place
    found = {(level, place): value for level, place, value in look(_named_nodes(len(ids)), said)} if ids else {}
    for level, place in ids:
        if (level, place) not in found:
            raise LogAltered(f"hash {place} of level {level}", "is missing from the store")
    return found


@lru_cache(maxsize=256)
def _named_nodes(count: int) -> str:
    """The statement that finds so many nodes by (level, place); those of level 0 are the entries' hashes.

    A join with what is wanted, because for a list of pairs SQLite reads the whole table.
    """
    pairs = ", ".join(f"(CAST(:l{number} AS INTEGER), CAST(:p{number} AS BIGINT))" for number in range(count))
    return (
        f"WITH wanted(level, place) AS (VALUES {pairs}) "  # noqa: S608 - numbers of ours
        "SELECT nodes.level, nodes.place, nodes.hash FROM wanted CROSS JOIN nodes "
        "WHERE nodes.level = wanted.level AND nodes.place = wanted.place UNION ALL "
        "SELECT 0, entries.position, entries.hash FROM wanted CROSS JOIN entries "
        "WHERE wanted.level = 0 AND entries.position = wanted.place"
    )


def last_position(connection: Connection) -> int:
    """The largest position of any entry; -1 when there is none."""
    return int(connection.execute(select(func.coalesce(func.max(tables.entries.c.position), -1))).scalar_one())


def add_rows(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]], *, keep: bool = False) -> None:
    """Insert rows, the values in the order of the table's columns; with ``keep`` a row that is there already stays.

    SQLite's driver is given them as they are: to make parameters of every value by name costs more than the insert.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_insert_into(table, keep), list(rows))
        return
    names = [column.name for column in table.columns]
    statement = postgresql.insert(table).on_conflict_do_nothing() if keep else insert(table)
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


@lru_cache(maxsize=64)
def _insert_into(table: Table, keep: bool) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    places = ", ".join("?" for _ in table.columns)
    said = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608 - a table of ours
    return f"{said} ON CONFLICT DO NOTHING" if keep else said


def add_entries(connection: Connection, first: int, prepared: Sequence[Prepared]) -> None:
    """Write entries with their private parts and record rows, from position ``first`` on."""
    numbered = list(enumerate(prepared, start=first))
    filed = [(position, entry.hash, entry.leaf, *_filed(entry.fields)) for position, entry in numbered]
    add_rows(connection, tables.entries, filed)
    add_rows(connection, tables.private_parts, [(position, each.salt, each.private) for position, each in numbered])
    rows = [
        (position, row.number, row.identifier, row.digest, row.body)
        for position, entry in numbered
        for row in entry.rows
    ]
    add_rows(connection, tables.record_rows, rows)


def _filed(leaf: Leaf) -> tuple[str, str, str, str, int, bool]:
    """The columns that repeat fields of the leaf."""
    return leaf.time, leaf.event, leaf.partner, leaf.release, leaf.chunk, leaf.last


def add_nodes(connection: Connection, made: Sequence[Node]) -> None:
    """Write interior hashes that have become complete."""
    add_rows(connection, tables.nodes, made)


def add_checkpoint(connection: Connection, size: int, note: str) -> None:
    """Write a signed checkpoint beside all earlier ones."""
    add_rows(connection, tables.checkpoints, [(size, note)])


def releases_begun(connection: Connection, releases: Sequence[str]) -> set[str]:
    """Which of these releases have a first chunk in the log."""
    found: set[str] = set()
    for at in range(0, len(releases), _MOST_NAMES):
        found.update(connection.execute(_BEGUN, {"names": releases[at : at + _MOST_NAMES]}).scalars())
    return found


_BEGUN = select(tables.entries.c.release).where(
    IS_RELEASE, tables.entries.c.release.in_(bindparam("names", expanding=True)), tables.entries.c.chunk == 0
)


def releases_open(connection: Connection, releases: Sequence[str]) -> dict[str, OpenRelease]:
    """Which of these releases are open, by name."""
    table = tables.open_releases
    rows = connection.execute(select(table).where(table.c.release.in_(releases)))
    return {row.release: _open(row) for row in rows}


def releases_of(connection: Connection, instance: str) -> list[OpenRelease]:
    """The releases that this instance has open, in the order of their names."""
    table = tables.open_releases
    rows = connection.execute(select(table).where(table.c.instance == instance).order_by(table.c.release))
    return [_open(row) for row in rows]


def _open(row: Row[str, int, str, str, str]) -> OpenRelease:
    release, chunk, partner, request, _ = row
    texts = (release, partner, request)
    if not isinstance(chunk, int) or not all(isinstance(text, str) for text in texts):
        raise LogAltered(f"open release {release!r:.80}", "is of values of another type")
    return OpenRelease(release, chunk, partner, request)


def set_open(connection: Connection, instance: str, changed: Mapping[str, OpenRelease | None]) -> None:
    """Replace what is known of these releases; ``None`` is a release that has ended."""
    if not changed:
        return
    table = tables.open_releases
    connection.execute(delete(table).where(table.c.release.in_(list(changed))))
    rows = [
        {
            "release": name,
            "chunk": release.chunk,
            "partner": release.partner,
            "request": release.request,
            "instance": instance,
        }
        for name, release in changed.items()
        if release is not None
    ]
    if rows:
        connection.execute(insert(table), rows)


def add_artifacts(connection: Connection, bodies: Iterable[bytes]) -> None:
    """Store bytes by their SHA-256, each once."""
    by_digest = {digest(body).hex(): body for body in bodies}
    if not by_digest:
        return
    table = tables.artifacts
    stored = connection.execute(select(table.c.digest).where(table.c.digest.in_(list(by_digest)))).scalars()
    missing = by_digest.keys() - set(stored)
    fresh = [{"digest": name, "body": by_digest[name]} for name in sorted(missing)]
    if fresh:
        connection.execute(insert(table), fresh)


def read_artifact(connection: Connection, name: str) -> bytes | None:
    """The bytes stored under a digest, or ``None``.

    Raises :class:`LogAltered` when they are not what it says.
    """
    body: bytes | None = connection.execute(
        select(tables.artifacts.c.body).where(tables.artifacts.c.digest == name)
    ).scalar_one_or_none()
    if body is not None and digest(body).hex() != name:
        raise LogAltered(f"artifact {name}", "its bytes do not have this digest")
    return body


def read_standing(connection: Connection, number: int) -> Standing:
    """Everything in force, from the tables; ``number`` is what the signed statement says."""
    stops = [
        Stop(StopKind(row.kind), row.subject, row.by, row.reason, _at(row.at))
        for row in connection.execute(select(tables.stops).order_by(tables.stops.c.kind, tables.stops.c.subject))
    ]
    latest = select(tables.activations).order_by(tables.activations.c.position.desc()).limit(1)
    active = connection.execute(latest).one_or_none()
    after = -1 if active is None else active.position
    refusals = tables.refusals.c
    since = select(refusals.at).where(refusals.position > after)
    revoked = connection.execute(select(tables.revocations.c.partner, tables.revocations.c.jti))
    approval = None if active is None else _approval_of(connection, active.position)
    announcements = tables.announcements.c
    announced = select(announcements.digest).where(announcements.position > after)
    lists = connection.execute(select(tables.officers.c.digest).order_by(tables.officers.c.position)).scalars()
    return Standing(
        stops=tuple(stops),
        active=None if active is None else active.digest,
        activated_at=None if active is None else instant(active.at),
        refused_since=instant(
            connection.execute(since.order_by(refusals.position).limit(1)).scalar_one_or_none() or ""
        ),
        revoked=frozenset((row.partner, row.jti) for row in revoked),
        number=number,
        opened=tuple(
            OpenEmergency(row.partner, row.name, row.by, row.reason, _at(row.at))
            for row in connection.execute(
                select(tables.emergencies).order_by(tables.emergencies.c.partner, tables.emergencies.c.name)
            )
        ),
        approval=approval or "",
        announced=connection.execute(announced.order_by(announcements.position.desc()).limit(1)).scalar_one_or_none()
        or "",
        officers=tuple(lists),
        approvals=read_approvals(connection),
    )


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation, as the tables have it: the entry's place, what was put in force, and whose signatures it had."""

    position: int
    digest: str
    by: str
    at: datetime
    approval: str


def read_activations(connection: Connection) -> tuple[Activation, ...]:
    """Every activation so far, oldest first."""
    rows = connection.execute(select(tables.activations).order_by(tables.activations.c.position)).all()
    return tuple(
        Activation(row.position, row.digest, row.by, _at(row.at), _approval_of(connection, row.position) or "")
        for row in rows
    )


def _approval_of(connection: Connection, position: int) -> str | None:
    table = tables.activation_approvals.c
    found: str | None = connection.execute(select(table.digest).where(table.position == position)).scalar_one_or_none()
    return found


def read_approvals(connection: Connection) -> tuple[Approve, ...]:
    """Every human release that stands, in order."""
    table = tables.approvals
    return tuple(
        Approve(
            item=row.item,
            partner=row.partner,
            dataset=row.dataset,
            purpose=row.purpose,
            content=row.content,
            marking=row.marking,
            policy=row.policy,
            officers=row.officers,
            persons=row.persons,
            until=_at(row.until),
            by=row.by,
            reason=row.reason,
            at=_at(row.at),
        )
        for row in connection.execute(select(table).order_by(table.c.item, table.c.by))
    )


def add_approval(connection: Connection, approval: Approve) -> None:
    """Put one officer's release in force, in place of the same officer's of the same item."""
    table = tables.approvals
    connection.execute(delete(table).where(table.c.item == approval.item, table.c.by == approval.by))
    said = {column.name: getattr(approval, column.name) for column in table.columns}
    said |= {"until": stamp(approval.until), "at": stamp(approval.at)}
    connection.execute(insert(table).values(said))


def drop_approvals(connection: Connection, item: str, before: datetime) -> None:
    """Take the releases of an item out of force, and those of any item that have ended by a moment."""
    table = tables.approvals
    connection.execute(delete(table).where((table.c.item == item) | (table.c.until <= stamp(before))))


def open_emergency(connection: Connection, order: OpenEmergency) -> None:
    """Note that an emergency is open, in place of an earlier opening."""
    close_emergency(connection, order.partner, order.name)
    values = {"partner": order.partner, "name": order.name, "by": order.by, "reason": order.reason}
    connection.execute(insert(tables.emergencies).values(at=stamp(order.at), **values))


def close_emergency(connection: Connection, partner: str, name: str) -> None:
    """Forget that an emergency is open."""
    table = tables.emergencies
    connection.execute(delete(table).where(table.c.partner == partner, table.c.name == name))


def set_stop(connection: Connection, stop: Stop) -> None:
    """Put a stop in force, in place of one on the same subject."""
    lift_stop(connection, stop.kind, stop.subject)
    values = {"kind": stop.kind.value, "subject": stop.subject, "by": stop.by, "reason": stop.reason}
    connection.execute(insert(tables.stops).values(at=stamp(stop.at), **values))


def lift_stop(connection: Connection, kind: StopKind, subject: str) -> bool:
    """Take a stop out of force; whether there was one."""
    table = tables.stops
    named = and_(table.c.kind == kind.value, table.c.subject == subject)
    return connection.execute(delete(table).where(named)).rowcount == 1


def _row(head: Head) -> dict[str, int | str]:
    return {"size": head.size, "epoch": head.epoch, "checkpoint": head.checkpoint, "standing": head.standing}


def _at(text: str) -> datetime:
    try:
        at = instant(text)
    except (ValueError, TypeError) as error:
        raise LogAltered("standing orders", f"an order has no time that can be read: {error}") from error
    if at is None:
        raise LogAltered("standing orders", "an order has no time")
    return at
