"""The published form of what an entry holds of one record: a part of :mod:`gateway.audit.schemas`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateway.audit.order_schemas import Closed, Count, Digest


class Witnesses(Closed, frozen=True):
    """So many of these witnesses."""

    quorum: Count
    of: list[str]


class Facts(Closed, frozen=True):
    """The record's fields that policy read, each as its type and text."""

    values: dict[str, list[str]]
    problems: dict[str, str]
    delay_from: str | None
    originator: str | None
    stops: list[str]
    approval: tuple[str, str] | UnsetType = UNSET
    """The human release in force: what it is called, and the marking that resulted."""
    tear_line: bool | UnsetType = UNSET
    """This is the record's tear-line version."""
    present: list[str] | UnsetType = UNSET
    """Which of the fields that compilations ask about are there."""
    usage: dict[str, str] | UnsetType = UNSET
    """How much of each volume and counting compilation had gone before."""
    emergencies: dict[str, str] | UnsetType = UNSET
    """When each emergency was opened."""


class Review(Closed, frozen=True):
    """The human release that the grants ask for."""

    persons: Count
    tell: bool
    within_seconds: Count


class Obligations(Closed, frozen=True):
    """What the decision obliged to."""

    drop: list[str]
    round: dict[str, str]
    delay_seconds: Count
    because: list[str]
    review: Review | UnsetType = UNSET
    coarsen_seconds: dict[str, Count] | UnsetType = UNSET
    only: list[str] | UnsetType = UNSET
    watermark: dict[str, str] | UnsetType = UNSET
    witnesses: list[Witnesses] | UnsetType = UNSET


class Shown(Closed, frozen=True):
    """What one record was decided from."""

    marking: str | None
    day: str | None
    nested: list[tuple[str, str | None]]
    doubts: list[str]
    facts: Facts


class InReview(Closed, frozen=True):
    """How a record that waits for a human release is named in the queue: the item, the SHA-256 of its bytes as the
    source gave them, and its identifier as only the gateway can read it.
    """

    item: str
    content: Digest
    named: str


class Detail(Shown, frozen=True):
    """What one record was decided from, and the decision; the cuts only where it was permitted."""

    reasons: list[str]
    grants: list[str]
    obligations: Obligations
    redacted: list[str] | UnsetType = UNSET
    rounded: list[str] | UnsetType = UNSET
    review: InReview | UnsetType = UNSET


class Row(Closed, frozen=True):
    """One record of one release. ``identifier`` is keyed, empty for none; ``digest`` is of the record as released."""

    identifier: Annotated[str, Meta(pattern="^([1-9][0-9]*:[0-9a-f]{64})?$")]
    effect: Literal["release", "withhold"]
    digest: Digest
    detail: Detail
