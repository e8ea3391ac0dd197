"""The published forms of what an entry holds: leaf, record row, and the private part of every event, by version.

These structures are what ``docs/schemas/audit`` is written from (``python tools/write_schemas.py``); tests hold the
files equal to them, and hold entries of a running gateway against the files. They are closed: a field that is not here
is a mistake, and a new one is a new version (:data:`gateway.audit.leaf.VERSION`,
:data:`gateway.audit.leaf.PRIVATE_VERSION`). A field that stands for an absent
value is left out, never null, unless ``null`` is among its types.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.audit.entry import Event
from gateway.audit.leaf import PRIVATE_VERSION, VERSION, Leaf
from gateway.audit.order_schemas import Closed, Count, Digest, Orders, Private
from gateway.audit.record_schemas import Obligations, Row, Shown, Witnesses


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


class Signed(Closed, frozen=True):
    """An officer who signed an order, and when."""

    officer: str
    at: str


class Interrupted(Private, frozen=True):
    """A release that a gateway closed when its receiver went away, or (then empty) found open at a start."""

    gateway: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    query: list[tuple[str, str]] | UnsetType = UNSET
    timing_us: dict[str, Count] | UnsetType = UNSET
    traceparent: str | UnsetType | None = UNSET
    caller: Caller | UnsetType = UNSET


class Release(Private, frozen=True):
    """One chunk of an answer. Absent are: ``caller`` while nobody is identified, ``by`` unless an auditor asked for
    what auditors may have and got nothing, the case (``dataset`` to ``stops``) while nobody is admitted, the counts
    (``released`` to ``why_withheld``) where no record was judged; ``label`` is there for content, ``status`` and
    ``detail`` for a refusal.

    ``summed`` of the withheld records have no row of their own: a chunk's entry lists so many one by one and counts
    the further ones.

    ``witnesses`` is what the policy demanded before the chunk left: so many of the witnesses with these keys
    (``name+id``).

    ``why_withheld`` counts reasons as ``gate:code``: all gates are always evaluated, so a gate that is not named for a
    record passed. ``takes`` is what the chunk takes of volumes: counter, beginning of the span, amount. ``instance`` is
    also the gateway that has the release open after it.
    """

    gateway: str
    operation: str
    path: str
    query: list[tuple[str, str]]
    timing_us: dict[str, Count]
    traceparent: str | None
    caller: Caller | UnsetType = UNSET
    by: str | UnsetType = UNSET
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
    takes: list[tuple[str, str, Count]] | UnsetType = UNSET


class Turned(Closed, frozen=True):
    """How many answers of the grid turn, each way, and how many were asked for."""

    asked: Count
    partners: dict[str, dict[str, Count]]
    examples: list[str]


class PolicyActivated(Private, frozen=True):
    """A policy set with every file and table in it, by digest; who signed it; what it turned against the one before."""

    by: str
    reason: str
    policy: Digest
    files: dict[str, Digest]
    tables: dict[str, Digest]
    orders: Orders
    signed: list[Signed] | UnsetType = UNSET
    impact: Turned | UnsetType = UNSET


class PolicyAnnounced(Private, frozen=True):
    """Which policy set is about to be activated, with every file and table in it, by digest."""

    by: str
    reason: str
    policy: Digest
    files: dict[str, Digest]
    tables: dict[str, Digest]
    orders: Orders


class TablesKept(Private, frozen=True):
    """The tables of a gateway's version, by digest, that were stored before it decided anything from them, and the
    policy set that they are used with.
    """

    gateway: str
    policy: Digest
    tables: dict[str, Digest]


class OfficersInstalled(Private, frozen=True):
    """A list of officers, by digest; who is on it, and who signed it."""

    by: str
    reason: str
    list: Digest
    names: tuple[str, ...]
    orders: Orders
    signed: tuple[Signed, ...] = ()


class PolicyRefused(Private, frozen=True):
    """Why a policy set did not load."""

    by: str
    reason: str
    why: str
    orders: Orders


class ReviewApproved(Private, frozen=True):
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


class ReviewRefused(Private, frozen=True):
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


class StopChanged(Private, frozen=True):
    """A stop that was set or lifted; a record is named by the order alone, keyed."""

    by: str
    reason: str
    kind: Literal["partner", "dataset", "record"]
    orders: Orders
    subject: str | UnsetType = UNSET
    signed: list[Signed] | UnsetType = UNSET


class EmergencyOpened(Private, frozen=True):
    """An emergency that an officer opened, and when it ends by itself."""

    by: str
    reason: str
    partner: str
    name: str
    until: str
    orders: Orders
    signature: str | UnsetType = UNSET


class EmergencyClosed(Private, frozen=True):
    """An emergency that was closed before its time."""

    by: str
    reason: str
    partner: str
    name: str
    orders: Orders


class TokenRevoked(Private, frozen=True):
    """A token that was revoked."""

    by: str
    reason: str
    partner: str
    jti: str
    orders: Orders


class AuditRead(Private, frozen=True):
    """Who read what; over HTTP also which request."""

    by: str
    what: str
    request: str | UnsetType = UNSET


class Started(Private, frozen=True):
    """The version of the gateway that started; by which keys it signs checkpoints; the keys of its witnesses, and how
    many of them must cosign.
    """

    gateway: str
    signed_by: list[str]
    witnesses: list[str] | UnsetType = UNSET
    quorum: Count | UnsetType = UNSET


class Unwitnessed(Private, frozen=True):
    """Which answer did not leave, and why."""

    release: str
    chunk: Count
    detail: str


class BodiesRemoved(Private, frozen=True):
    """The removal itself."""

    orders: Orders


class Restored(Private, frozen=True):
    """Who put a copy back, of how many entries, against how many checkpoints."""

    by: str
    what: str


class KeysFetched(Private, frozen=True):
    """Which keys an issuer published where: the answer's digest, thumbprints, those never believed, and the keys."""

    partner: str
    issuer: str
    url: str
    digest: Digest
    keys: list[str]
    left_out: list[str]
    jwks: str


class EvaluationRefused(Private, frozen=True):
    """A request for decisions that got none: by whom (``""``: nobody known), the HTTP status, and what was said."""

    by: str
    request: str
    status: Count
    why: str


class NoRequest(Private, frozen=True):
    """How many connections were given up since when, by kind (:class:`gateway.http.protocol.Fault`), and by the address
    they came from: the first so many addresses by themselves, all further ones together.
    """

    since: str
    counted: dict[str, Count]
    addresses: dict[str, Count] | UnsetType = UNSET


class Resumed(Private, frozen=True):
    """Nothing more to say."""


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


class Evaluated(Private, frozen=True):
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


PRIVATE: Mapping[Event, type[Private]] = MappingProxyType(
    {
        Event.RELEASE: Release,
        Event.INTERRUPTED: Interrupted,
        Event.POLICY_ACTIVATED: PolicyActivated,
        Event.POLICY_ANNOUNCED: PolicyAnnounced,
        Event.TABLES_KEPT: TablesKept,
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
    forms: dict[str, type[Struct]] = {f"leaf.v{VERSION}": Leaf, f"record-row.v{VERSION}": Row}
    forms |= {f"private-{event}.v{PRIVATE_VERSION}": form for event, form in PRIVATE.items()}
    return {f"{name}.json": _document(name, form) for name, form in forms.items()}


def _document(name: str, form: type[Struct]) -> Schema:
    identity: Schema = {"$schema": DIALECT, "$id": f"urn:relgate:audit:{name.replace('.', ':')}"}
    return {**identity, **msgspec.json.schema(form)}
