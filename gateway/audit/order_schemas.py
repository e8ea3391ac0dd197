"""The published forms of what the log itself writes into private parts: a part of :mod:`gateway.audit.schemas`.

Most of it are the orders that take force by an entry: what :mod:`gateway.audit.summing` adds up, so that what stands
can be worked out again from the entries alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Digest = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$", description="SHA-256 in lower-case hex; empty for none")]
Count = Annotated[int, Meta(ge=0)]


class Closed(Struct, frozen=True, forbid_unknown_fields=True):
    """A structure without room for anything else."""


class Cosigned(Closed, frozen=True):
    """Whose cosignatures of the checkpoint of a size are kept, each as key name, plus sign, key id in hex."""

    size: Count
    by: list[str]


class Peer(Closed, frozen=True):
    """Where the connection came from, as the kernel gives it: the nearest address, which may be a proxy's, and port."""

    address: str
    port: Annotated[int, Meta(ge=0, le=65_535)]


class Account(Closed, frozen=True, kw_only=True):
    """The account of the operating system that a command or a gateway ran under, as the system gives it: its uid and
    name (empty for none), the machine, and the uid that had logged in, where there is one.
    """

    uid: Count
    user: str
    host: str
    login_uid: Count | UnsetType = UNSET


class Private(Closed, frozen=True, kw_only=True):
    """What any entry's private part may say besides: the version of this form (absent in those of version 1), where it
    came from, which of the gateways that share the log wrote it (``officer``: a command), and which cosignatures are
    kept by then that no entry spoke of yet.

    ``peer`` is there for what came over HTTP, ``account`` for what a command, a signal or a start did. ``by`` is
    another matter: with ``account`` it is what somebody said with ``--by``, with ``peer`` whose credential came.
    """

    version: Literal[2] | UnsetType = UNSET
    peer: Peer | UnsetType = UNSET
    account: Account | UnsetType = UNSET
    instance: str | UnsetType = UNSET
    cosigned: list[Cosigned] | UnsetType = UNSET


class Given(Closed, frozen=True, kw_only=True):
    """What every order says: who gave it, and when."""

    by: str
    at: str


class InForce(Given, frozen=True, kw_only=True):
    """Something that is kept by its digest was put in force, by the signatures that are kept under another."""

    digest: Digest
    approval: Digest | UnsetType = UNSET


class Reasoned(Given, frozen=True, kw_only=True):
    """An order with its reason."""

    reason: str


class Stopping(Reasoned, frozen=True, kw_only=True):
    """What a stop is on; a record's subject is its keyed identifier."""

    kind: Literal["partner", "dataset", "record"]
    subject: str


class Emergency(Reasoned, frozen=True, kw_only=True):
    """An emergency of a partner's file."""

    partner: str
    name: str


class Activate(InForce, frozen=True, kw_only=True, tag_field="order", tag="activate"):
    """A policy set was put in force."""


class Announce(Given, frozen=True, kw_only=True, tag_field="order", tag="announce"):
    """A policy set is about to be put in force."""

    digest: Digest


class InstallOfficers(InForce, frozen=True, kw_only=True, tag_field="order", tag="install-officers"):
    """A list of officers was put in force."""


class Approve(Reasoned, frozen=True, kw_only=True, tag_field="order", tag="approve"):
    """One officer released one record to one partner, until a moment."""

    item: str
    partner: str
    dataset: str
    purpose: str
    content: Digest
    marking: str
    policy: Digest
    officers: Digest
    persons: Count
    until: str


class Withhold(Reasoned, frozen=True, kw_only=True, tag_field="order", tag="withhold"):
    """An officer refused to release an item."""

    item: str


class Refuse(Reasoned, frozen=True, kw_only=True, tag_field="order", tag="refuse"):
    """A policy set did not load."""


class Revoke(Given, frozen=True, kw_only=True, tag_field="order", tag="revoke"):
    """A token was revoked."""

    partner: str
    jti: str


class Stop(Stopping, frozen=True, kw_only=True, tag_field="order", tag="stop"):
    """A stop was set."""


class Lift(Stopping, frozen=True, kw_only=True, tag_field="order", tag="lift"):
    """A stop was lifted."""


class Remove(Reasoned, frozen=True, kw_only=True, tag_field="order", tag="remove"):
    """Bodies were taken out of ``count`` of the entries from ``first`` to ``last``. ``takes`` is what these said that
    their partners took (partner, counter, beginning of the span, amount), ``totals`` what they counted (day from
    1970-01-01, partner, level, answers, refusals, records released, withheld, redacted).
    """

    what: Literal["rows", "private", "leaf"]
    first: Count
    last: Count
    archive: Digest
    count: Count
    totals: list[tuple[Count, str, str, Count, Count, Count, Count, Count]] | UnsetType = UNSET
    takes: list[tuple[str, str, str, Count]] | UnsetType = UNSET


class Open(Emergency, frozen=True, kw_only=True, tag_field="order", tag="open"):
    """Open an emergency of a partner's file."""


class Close(Emergency, frozen=True, kw_only=True, tag_field="order", tag="close"):
    """Close an emergency before its time."""


Orders = list[
    Activate | Announce | InstallOfficers | Approve | Withhold | Refuse | Revoke | Stop | Lift | Remove | Open | Close
]
