"""Standing orders: what an officer or an activation has put in force, and stays in force until said
otherwise.

What releases of single records officers have approved stands here too (:class:`Approve`): each names one content digest
for one partner, so it is as small as a stop, and is signed with the rest.

An order is written in the same transaction as the entry that records it, so that neither exists without the
other. What stands is small (stops in force, the active policy set, a refused activation, revoked tokens) and
is asked for on every request; it is signed by the log's key as a whole, so that whoever can write the
database but cannot sign cannot lift a stop or un-revoke a token unnoticed. It is signed anew with every commit, for the
size that the log then has: else he could put an older statement back, with what stood then, beside all later entries.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.audit import canonical
from gateway.audit.canonical import PlainJson


class StopKind(enum.StrEnum):
    """What a stop holds back."""

    PARTNER = "partner"
    DATASET = "dataset"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class SetStop:
    """Stop all releases to a partner, of a dataset or of a record, from this entry on.

    ``subject`` is the partner's or dataset's name, or the record's identifier in clear (the log stores it
    keyed). Setting a stop that is in force replaces who, why and when. ``at`` is aware UTC.
    """

    kind: StopKind
    subject: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LiftStop:
    """Lift the stop on a subject. Refused when no such stop is in force."""

    kind: StopKind
    subject: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Activate:
    """Put a policy set in force. ``digest`` is the lower-case hex SHA-256 of its manifest's bytes.

    ``artifacts`` are the bytes of the manifest and of every file and table it names; each is stored by its
    SHA-256, once, as long as the log. The manifest must be among them or be stored already. ``approval`` is
    the SHA-256 of the officers' signatures (an artifact like the others), ``""`` where none were asked for.
    ``at`` is aware UTC.
    """

    digest: str
    by: str
    at: datetime
    artifacts: tuple[bytes, ...] = ()
    approval: str = ""


@dataclass(frozen=True, slots=True)
class Announce:
    """Say which policy set is about to be activated, so that every gateway on the log has it compiled by then.

    Nothing is in force by it. ``digest`` and ``artifacts`` as for :class:`Activate`. ``at`` is aware UTC.
    """

    digest: str
    by: str
    at: datetime
    artifacts: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class InstallOfficers:
    """Put a list of officers in force, in place of the one before. ``digest`` is the SHA-256 of its bytes.

    ``artifacts`` and ``approval`` as for :class:`Activate`. ``at`` is aware UTC.
    """

    digest: str
    by: str
    at: datetime
    artifacts: tuple[bytes, ...] = ()
    approval: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    """One officer releases one record to one partner, until a moment.

    ``item`` is the queue's name for it. ``content`` is the SHA-256 (lower-case hex) of the record's bytes as the source
    gave them, ``marking`` its marking as the officers release it. ``policy`` and ``officers`` are the digests of the
    set and of the list of officers under which it was approved: under another it is void. It is in force when
    ``persons`` different officers have given it. ``until`` and ``at`` are aware UTC.
    """

    item: str
    partner: str
    dataset: str
    purpose: str
    content: str
    marking: str
    policy: str
    officers: str
    persons: int
    until: datetime
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Withhold:
    """An officer refuses to release an item: whatever was approved of it is in force no longer. ``at`` is aware UTC."""

    item: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Refuse:
    """A policy set that was to be activated did not load.

    ``reason`` is for the officer. ``at`` is aware UTC.
    """

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Revoke:
    """Revoke a partner's token by its ``jti``. Revoking twice is no error. ``at`` is aware UTC."""

    partner: str
    jti: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenEmergency:
    """Open an emergency that a partner's file names, from ``at`` (aware UTC) on; how long is the file's to say.

    Opening one that is open begins it anew.
    """

    partner: str
    name: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CloseEmergency:
    """Close an emergency before its time. Refused when it was not opened."""

    partner: str
    name: str
    by: str
    reason: str
    at: datetime


class Part(enum.StrEnum):
    """What a removal takes out of entries, each with what comes before it."""

    ROWS = "rows"  # the record rows
    PRIVATE = "private"  # and the private part
    LEAF = "leaf"  # and the leaf, so that only its hash stays


@dataclass(frozen=True, slots=True)
class Taken:
    """So much that entries took together of what a partner may have in the span that begins at ``since``."""

    partner: str
    counter: str
    since: str
    amount: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What entries counted together into one total (:mod:`gateway.audit.catalogue`): its cell, and how much of each."""

    day: int
    partner: str
    level: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """Take bodies out of the entries from ``first`` to ``last``, as :mod:`gateway.audit.retention` says.

    ``archive`` is the lower-case hex SHA-256 of the archive file that has them, ``""`` for none. ``count`` is how many
    entries lose something; ``takes`` and ``totals`` are what the private parts that go said of volumes and totals,
    which stay (:meth:`~gateway.audit.log.AuditLog.remove` fills these in). ``at`` is aware UTC.
    """

    what: Part
    first: int
    last: int
    by: str
    reason: str
    at: datetime
    archive: str = ""
    count: int = 0
    takes: tuple[Taken, ...] = ()
    totals: tuple[Counted, ...] = ()


Order = (
    SetStop
    | LiftStop
    | Activate
    | Announce
    | Refuse
    | InstallOfficers
    | Approve
    | Withhold
    | Revoke
    | Remove
    | OpenEmergency
    | CloseEmergency
)


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop in force.

    For a record, ``subject`` is its keyed identifier (see :func:`gateway.audit.leaf.keyed`).
    """

    kind: StopKind
    subject: str
    by: str
    reason: str
    at: datetime

    def __str__(self) -> str:
        """The stop's name in decisions and entries: ``partner:JPN``."""
        return f"{self.kind}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Released:
    """A human release that enough officers have given: what it speaks of, and until when (aware UTC)."""

    item: str
    partner: str
    dataset: str
    purpose: str
    content: str
    marking: str
    policy: str
    officers: str
    until: datetime


_DECISIVE = ("active", "approval", "stops", "revoked", "opened")


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything in force now.

    ``active`` is the digest of the active policy set's manifest and ``activated_at`` since when (``None``:
    none was ever activated), ``approval`` the digest of the signatures it was activated with. ``refused_since``
    is when, after that, an activation was first refused. ``announced`` is the set that is about to be activated.
    ``officers`` are the digests of all lists of officers so far, the one in force last. ``approvals`` are the
    human releases that officers have given. ``revoked`` holds (partner, jti). ``number`` counts the batches of
    orders so far: it never falls. ``opened`` are the emergencies that were opened and not closed, those whose time is
    over among them.
    """

    stops: tuple[Stop, ...] = ()
    active: str | None = None
    activated_at: datetime | None = None
    refused_since: datetime | None = None
    revoked: frozenset[tuple[str, str]] = frozenset()
    number: int = 0
    opened: tuple[OpenEmergency, ...] = ()
    approval: str = ""
    announced: str = ""
    officers: tuple[str, ...] = ()
    approvals: tuple[Approve, ...] = ()

    def decides_like(self, later: Standing) -> bool:
        """Whether what was decided under this might leave under ``later`` too: nothing else is in force, and no human
        release was taken back.
        """
        same = all(getattr(self, name) == getattr(later, name) for name in _DECISIVE)
        return self is later or (same and set(self.approvals) <= set(later.approvals))

    @property
    def stops_records(self) -> bool:
        """Whether any stop concerns single records, so that their keyed identifiers are worth working out."""
        return any(stop.kind is StopKind.RECORD for stop in self.stops)

    def stopping(self, partner: str, dataset: str, record: str | None = None) -> tuple[str, ...]:
        """The names of the stops in force for this partner, dataset or (by keyed identifier) record."""
        subjects = {(StopKind.PARTNER, partner), (StopKind.DATASET, dataset), (StopKind.RECORD, record)}
        return tuple(str(stop) for stop in self.stops if (stop.kind, stop.subject) in subjects)

    def emergencies(self, partner: str) -> dict[str, datetime]:
        """When each emergency of this partner was opened."""
        return {each.name: each.at for each in self.opened if each.partner == partner}

    def released(self, item: str) -> Released | None:
        """The human release of an item, if enough different officers have given it for the same thing.

        Approvals under different policy sets or lists of officers do not add up.
        """
        given: dict[tuple[str, ...], list[Approve]] = {}
        for approval in self.approvals:
            if approval.item == item:
                given.setdefault(_what(approval), []).append(approval)
        for what, approvals in given.items():
            if len({each.by for each in approvals}) >= max(each.persons for each in approvals):
                item, partner, dataset, purpose, content, marking, policy, officers = what
                until = min(each.until for each in approvals)
                return Released(item, partner, dataset, purpose, content, marking, policy, officers, until)
        return None

    def statement(self, origin: str, size: int) -> str:
        """The text that the log's key signs for this standing while the log has so many entries. It cannot be read as a
        checkpoint's text.

        What nobody ever ordered is left out, so that a log that was begun before such orders were known still agrees.
        """
        said: dict[str, PlainJson] = {
            "active": self.active,
            "activated_at": stamp(self.activated_at),
            "refused_since": stamp(self.refused_since),
            "revoked": [[partner, jti] for partner, jti in sorted(self.revoked)],
            "stops": [
                [stop.kind.value, stop.subject, stop.by, stop.reason, stamp(stop.at)]
                for stop in sorted(self.stops, key=str)
            ],
        }
        if self.opened:  # a log that never had one says what it always said
            said["emergencies"] = [
                [each.partner, each.name, each.by, each.reason, stamp(each.at)]
                for each in sorted(self.opened, key=lambda each: (each.partner, each.name))
            ]
        if self.approval:
            said["approval"] = self.approval
        if self.announced:
            said["announced"] = self.announced
        if self.officers:
            said["officers"] = list(self.officers)
        if self.approvals:
            said["approvals"] = [
                [*_what(each), str(each.persons), stamp(each.until), each.by, each.reason, stamp(each.at)]
                for each in sorted(self.approvals, key=lambda each: (each.item, each.by))
            ]
        digest = canonical.digest(canonical.encode(said, "standing"))
        return restated(f"relgate standing orders v2\n{origin}\n{self.number}\n{digest.hex()}\n", size)


_BEFORE_SIZE = 4
"""The lines of a statement before the log's size: what it is, the log's name, its number, the digest of what stands."""


def what_stands(statement: str) -> tuple[str, ...]:
    """A statement without the size of the log that it was signed for: the same as long as the same stands."""
    return tuple(statement.split("\n", _BEFORE_SIZE)[:_BEFORE_SIZE])


def restated(statement: str, size: int) -> str:
    """The statement that the same stands while the log has ``size`` entries."""
    return "".join(f"{line}\n" for line in (*what_stands(statement), str(size)))


def _what(approval: Approve) -> tuple[str, ...]:
    """What an approval speaks of, without who gave it and until when."""
    return (
        approval.item,
        approval.partner,
        approval.dataset,
        approval.purpose,
        approval.content,
        approval.marking,
        approval.policy,
        approval.officers,
    )


def stamp(at: datetime | None) -> str:
    """The instant as RFC 3339 in UTC with microseconds, always 27 characters; ``""`` for none."""
    if at is None:
        return ""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def instant(text: str) -> datetime | None:
    """The aware instant that :func:`stamp` wrote.

    ``None`` for ``""``. Raises ``ValueError`` on anything else.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC) if text else None
