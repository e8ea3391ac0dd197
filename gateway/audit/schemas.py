"""The published forms of what an entry holds: leaf, record row, and the private part of every event, by version.

These structures are what ``docs/schemas/audit`` is written from (``python tools/write_schemas.py``); tests hold the
files equal to them, and hold entries of a running gateway against the files. They are closed: a field that is not here
is a mistake, and a new one is a new version (:data:`gateway.audit.leaf.VERSION`). A field that stands for an absent
value is left out, never null, unless ``null`` is among its types.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.audit.entry import Event
from gateway.audit.leaf import VERSION, Leaf
from gateway.audit.order_schemas import Closed, Count, Digest, Orders


class Caller(Closed, frozen=True):
    """Whose credential was presented: the partner's system, the token, the key that verified it."""

    system: str
    jti: str
    key: str
    credential: str


class RecipientKey(Closed, frozen=True):
    """The key that answers are sealed to."""

    thumbprint: str
    not_before: str | None
    expires: str | None
    revoked: bool
    post_quantum: bool | UnsetType = UNSET


class Subject(Closed, frozen=True):
    """Who asked, with the attributes that decided."""

    partner: str
    system: str
    clearance: str | None
    holds: list[str]
    credential: str
    key: RecipientKey | None


class LabelCount(Closed, frozen=True):
    """What became of the records of one marking. ``level`` is empty where the marking could not be read."""

    label: str
    level: Literal["", "U", "R", "C", "S", "TS"]
    communities: list[str]
    released: Count
    withheld: Count
    redacted: Count


class Interrupted(Closed, frozen=True):
    """A release that a gateway closed when its receiver went away, or (then empty) found open at a start."""

    gateway: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    query: list[tuple[str, str]] | UnsetType = UNSET
    timing_us: dict[str, Count] | UnsetType = UNSET
    traceparent: str | UnsetType | None = UNSET
    caller: Caller | UnsetType = UNSET


class Witnesses(Closed, frozen=True):
    """So many of these witnesses."""

    quorum: Count
    of: list[str]


class Release(Closed, frozen=True):
    """One chunk of an answer. Absent are: ``caller`` while nobody is identified, the case (``dataset`` to ``stops``)
    while nobody is admitted, the counts (``released`` to ``why_withheld``) where no record was judged; ``label`` is
    there for content, ``status`` and ``detail`` for a refusal.

    ``summed`` of the withheld records have no row of their own: a chunk's entry lists so many one by one and counts
    the further ones.

    ``witnesses`` is what the policy demanded before the chunk left: so many of the witnesses with these keys
    (``name+id``).

    ``why_withheld`` counts reasons as ``gate:code``: all gates are always evaluated, so a gate that is not named for a
    record passed.
    """

    gateway: str
    operation: str
    path: str
    query: list[tuple[str, str]]
    timing_us: dict[str, Count]
    traceparent: str | None
    caller: Caller | UnsetType = UNSET
    dataset: str | UnsetType = UNSET
    purpose: str | UnsetType = UNSET
    at: str | UnsetType = UNSET
    policy: Digest | UnsetType = UNSET
    tables: dict[str, Digest] | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    stops: list[str] | UnsetType = UNSET
    usage: dict[str, str] | UnsetType = UNSET
    emergencies: dict[str, str] | UnsetType = UNSET
    released: Count | UnsetType = UNSET
    withheld: Count | UnsetType = UNSET
    summed: Count | UnsetType = UNSET
    counted: Count | UnsetType = UNSET
    level: Literal["", "U", "R", "C", "S", "TS"] | UnsetType = UNSET
    by_label: list[LabelCount] | UnsetType = UNSET
    by_grant: dict[str, Count] | UnsetType = UNSET
    why_withheld: dict[str, Count] | UnsetType = UNSET
    redacted: dict[str, Count] | UnsetType = UNSET
    rounded: dict[str, Count] | UnsetType = UNSET
    unlisted: dict[str, Count] | UnsetType = UNSET
    label: str | UnsetType = UNSET
    witnesses: list[Witnesses] | UnsetType = UNSET
    status: int | UnsetType = UNSET
    detail: str | UnsetType = UNSET


class Signed(Closed, frozen=True):
    """An officer who signed an order, and when."""

    officer: str
    at: str


class Turned(Closed, frozen=True):
    """How many answers of the grid turn, each way, and how many were asked for."""

    asked: Count
    partners: dict[str, dict[str, Count]]
    examples: list[str]


class PolicyActivated(Closed, frozen=True):
    """A policy set with every file and table in it, by digest; who signed it; what it turned against the one before."""

    by: str
    reason: str
    policy: Digest
    files: dict[str, Digest]
    tables: dict[str, Digest]
    orders: Orders
    signed: list[Signed] | UnsetType = UNSET
    impact: Turned | UnsetType = UNSET


class PolicyAnnounced(Closed, frozen=True):
    """Which policy set is about to be activated."""

    by: str
    reason: str
    policy: Digest
    orders: Orders


class OfficersInstalled(Closed, frozen=True):
    """A list of officers, by digest; who is on it, and who signed it."""

    by: str
    reason: str
    list: Digest
    names: tuple[str, ...]
    orders: Orders
    signed: tuple[Signed, ...] = ()


class PolicyRefused(Closed, frozen=True):
    """Why a policy set did not load."""

    by: str
    reason: str
    why: str
    orders: Orders


class ReviewApproved(Closed, frozen=True):
    """A record that an officer released to a partner: which, as what, until when, and in which entry it was asked for.

    ``given`` of ``persons`` officers have released it by now. ``signature`` is the officer's, where one was made.
    """

    by: str
    reason: str
    what: str
    item: str
    partner: str
    dataset: str
    purpose: str
    content: Digest
    marking: str
    policy: Digest
    until: str
    asked: Count
    given: Count
    persons: Count
    orders: Orders
    signature: str | UnsetType = UNSET


class ReviewRefused(Closed, frozen=True):
    """A record that an officer refused to release, and in which entry it was asked for."""

    by: str
    reason: str
    what: str
    item: str
    partner: str
    dataset: str
    asked: Count
    orders: Orders
    signature: str | UnsetType = UNSET


class StopChanged(Closed, frozen=True):
    """A stop that was set or lifted; a record is named by the order alone, keyed."""

    by: str
    reason: str
    kind: Literal["partner", "dataset", "record"]
    orders: Orders
    subject: str | UnsetType = UNSET
    signed: list[Signed] | UnsetType = UNSET


class EmergencyOpened(Closed, frozen=True):
    """An emergency that an officer opened, and when it ends by itself."""

    by: str
    reason: str
    partner: str
    name: str
    until: str
    orders: Orders
    signature: str | UnsetType = UNSET


class EmergencyClosed(Closed, frozen=True):
    """An emergency that was closed before its time."""

    by: str
    reason: str
    partner: str
    name: str
    orders: Orders


class TokenRevoked(Closed, frozen=True):
    """A token that was revoked."""

    by: str
    reason: str
    partner: str
    jti: str
    orders: Orders


class AuditRead(Closed, frozen=True):
    """Who read what; over HTTP also which request."""

    by: str
    what: str
    request: str | UnsetType = UNSET


class Started(Closed, frozen=True):
    """The version of the gateway that started."""

    gateway: str


class Unwitnessed(Closed, frozen=True):
    """Which answer did not leave, and why."""

    release: str
    chunk: Count
    detail: str


class BodiesRemoved(Closed, frozen=True):
    """The removal itself."""

    orders: Orders


class Restored(Closed, frozen=True):
    """Who put a copy back, of how many entries, against how many checkpoints."""

    by: str
    what: str


class KeysFetched(Closed, frozen=True):
    """Which keys an issuer published where: the answer's digest, thumbprints, those never believed, and the keys."""

    partner: str
    issuer: str
    url: str
    digest: Digest
    keys: list[str]
    left_out: list[str]
    jwks: str


class EvaluationRefused(Closed, frozen=True):
    """A request for decisions that got none: by whom (``""``: nobody known), the HTTP status, and what was said."""

    by: str
    request: str
    status: Count
    why: str


class NoRequest(Closed, frozen=True):
    """How many connections were given up since when, by kind (:class:`gateway.http.protocol.Fault`)."""

    since: str
    counted: dict[str, Count]


class Resumed(Closed, frozen=True):
    """Nothing more to say."""


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


class Evaluation(Closed, frozen=True):
    """One question of another enforcement point, and the answer. ``record`` is the resource's identifier, keyed. Absent
    is what was not understood; ``malformed`` says what was no question.
    """

    decision: bool
    record: str
    reasons: list[str] | UnsetType = UNSET
    malformed: str | UnsetType = UNSET
    subject_type: str | UnsetType = UNSET
    subject_id: str | UnsetType = UNSET
    action: str | UnsetType = UNSET
    resource_type: str | UnsetType = UNSET
    partner: str | UnsetType = UNSET
    dataset: str | UnsetType = UNSET
    purpose: str | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    shown: Shown | UnsetType = UNSET
    obligations: Obligations | UnsetType = UNSET


class Evaluated(Closed, frozen=True):
    """Decisions that another enforcement point (``by``) was given, in the order it asked. ``given_request`` is its own
    name for the request. Each evaluation says what was asked, the decision and the reasons against, and where the gates
    were asked, of whom and of what they judged.
    """

    by: str
    what: str
    request: str
    given_request: str
    policy: Digest
    evaluations: list[Evaluation]


class InReview(Closed, frozen=True):
    """How a record that waits for a human release is named in the queue: the item, the SHA-256 of its bytes as the
    source gave them, and its identifier as only the gateway can read it.
    """

    item: str
    content: Digest
    named: str


class Detail(Closed, frozen=True):
    """What one record was decided from, and the decision; the cuts only where it was permitted."""

    marking: str | None
    day: str | None
    nested: list[tuple[str, str | None]]
    doubts: list[str]
    facts: Facts
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


PRIVATE: Mapping[Event, type[Closed]] = MappingProxyType(
    {
        Event.RELEASE: Release,
        Event.INTERRUPTED: Interrupted,
        Event.POLICY_ACTIVATED: PolicyActivated,
        Event.POLICY_ANNOUNCED: PolicyAnnounced,
        Event.POLICY_REFUSED: PolicyRefused,
        Event.OFFICERS_INSTALLED: OfficersInstalled,
        Event.EVALUATED: Evaluated,
        Event.EVALUATION_REFUSED: EvaluationRefused,
        Event.REVIEW_APPROVED: ReviewApproved,
        Event.REVIEW_REFUSED: ReviewRefused,
        Event.STOP_SET: StopChanged,
        Event.STOP_LIFTED: StopChanged,
        Event.EMERGENCY_OPENED: EmergencyOpened,
        Event.EMERGENCY_CLOSED: EmergencyClosed,
        Event.TOKEN_REVOKED: TokenRevoked,
        Event.AUDIT_READ: AuditRead,
        Event.STARTED: Started,
        Event.UNWITNESSED: Unwitnessed,
        Event.BODIES_REMOVED: BodiesRemoved,
        Event.KEYS_FETCHED: KeysFetched,
        Event.NO_REQUEST: NoRequest,
        Event.RESTORED: Restored,
        Event.RESUMED: Resumed,
    }
)
"""The form of each event's private part."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, object]


def documents() -> dict[str, Schema]:
    """Every published schema, by file name."""
    forms: dict[str, type[Struct]] = {"leaf": Leaf, "record-row": Row}
    forms |= {f"private-{event}": form for event, form in PRIVATE.items()}
    return {f"{name}.v{VERSION}.json": _document(name, form) for name, form in forms.items()}


def _document(name: str, form: type[Struct]) -> Schema:
    identity: Schema = {"$schema": DIALECT, "$id": f"urn:relgate:audit:{name}:v{VERSION}"}
    return {**identity, **msgspec.json.schema(form)}
