"""The published forms of the orders that take force by an entry: a part of :mod:`gateway.audit.schemas`.

They are what :mod:`gateway.audit.summing` adds up, so that what stands can be worked out again from the entries alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Digest = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$", description="SHA-256 in lower-case hex; empty for none")]
Count = Annotated[int, Meta(ge=0)]


class Closed(Struct, frozen=True, forbid_unknown_fields=True):
    """A structure without room for anything else."""


class Activate(Closed, frozen=True, tag_field="order", tag="activate"):
    """A policy set was put in force."""

    digest: Digest
    by: str
    at: str
    approval: Digest | UnsetType = UNSET


class Announce(Closed, frozen=True, tag_field="order", tag="announce"):
    """A policy set is about to be put in force."""

    digest: Digest
    by: str
    at: str


class InstallOfficers(Closed, frozen=True, tag_field="order", tag="install-officers"):
    """A list of officers was put in force."""

    digest: Digest
    by: str
    at: str
    approval: Digest | UnsetType = UNSET


class Approve(Closed, frozen=True, tag_field="order", tag="approve"):
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
    reason: str
    by: str
    at: str


class Withhold(Closed, frozen=True, tag_field="order", tag="withhold"):
    """An officer refused to release an item."""

    item: str
    reason: str
    by: str
    at: str


class Refuse(Closed, frozen=True, tag_field="order", tag="refuse"):
    """A policy set did not load."""

    reason: str
    by: str
    at: str


class Revoke(Closed, frozen=True, tag_field="order", tag="revoke"):
    """A token was revoked."""

    partner: str
    jti: str
    by: str
    at: str


class Stop(Closed, frozen=True, tag_field="order", tag="stop"):
    """A stop was set; a record's subject is its keyed identifier."""

    kind: Literal["partner", "dataset", "record"]
    subject: str
    reason: str
    by: str
    at: str


class Lift(Closed, frozen=True, tag_field="order", tag="lift"):
    """A stop was lifted."""

    kind: Literal["partner", "dataset", "record"]
    subject: str
    reason: str
    by: str
    at: str


class Remove(Closed, frozen=True, tag_field="order", tag="remove"):
    """Bodies were taken out of the entries from ``first`` to ``last``."""

    what: Literal["rows", "private", "leaf"]
    first: Count
    last: Count
    reason: str
    archive: Digest
    by: str
    at: str


class Open(Closed, frozen=True, tag_field="order", tag="open"):
    """Open an emergency of a partner's file."""

    partner: str
    name: str
    reason: str
    by: str
    at: str


class Close(Closed, frozen=True, tag_field="order", tag="close"):
    """Close an emergency before its time."""

    partner: str
    name: str
    reason: str
    by: str
    at: str


Orders = list[
    Activate | Announce | InstallOfficers | Approve | Withhold | Refuse | Revoke | Stop | Lift | Remove | Open | Close
]
