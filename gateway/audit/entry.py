"""What an audit entry says: the leaf a partner may hold, the private part an auditor may read, the record
rows.

The leaf is hashed into the log's tree and is at most 4 KiB. It holds only what its own partner may know, and
it has the same fields whatever was withheld. The private part holds the rest; the leaf binds it by SHA-256
over a 32-byte random salt and its canonical bytes, so that the digest tells nothing about it.

Values are strings, integers, booleans and lists or maps of those: their canonical JSON is that of RFC 8785.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

LEAF_LIMIT = 4096
"""Most bytes a leaf may have (DESIGN: a tile's entry length is 16 bits, and receipts are carried by
partners).
"""

SALT_BYTES = 32


class Event(enum.StrEnum):
    """What kind of thing an entry records."""

    RELEASE = "release"  # one chunk of one answered request, content or refusal
    INTERRUPTED = "interrupted"  # a release that a restart found open
    POLICY_ACTIVATED = "policy-activated"
    POLICY_ANNOUNCED = "policy-announced"  # a set is about to be activated: gateways compile it
    TABLES_KEPT = "tables-kept"  # the tables of a gateway's version were stored, before it decided anything from them
    POLICY_REFUSED = "policy-refused"
    OFFICERS_INSTALLED = "officers-installed"
    EVALUATED = "evaluated"  # decisions were given to another enforcement point
    EVALUATION_REFUSED = "evaluation-refused"  # a request for decisions got none: no such caller, or malformed
    REVIEW_APPROVED = "review-approved"  # an officer released a record that waited for it
    REVIEW_REFUSED = "review-refused"
    STOP_SET = "stop-set"
    STOP_LIFTED = "stop-lifted"
    EMERGENCY_OPENED = "emergency-opened"
    EMERGENCY_CLOSED = "emergency-closed"
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - an event's name, not a secret
    AUDIT_READ = "audit-read"
    STARTED = "started"
    BODIES_REMOVED = "bodies-removed"  # bodies were taken out of the log; their hashes stay
    UNWITNESSED = "unwitnessed"  # an answer that is in the log did not leave: too few witnesses had cosigned
    KEYS_FETCHED = "keys-fetched"  # an issuer's published keys, before they verify anything
    NO_REQUEST = "no-request"  # connections that never became a request, counted
    RESTORED = "restored"  # a copy of the log was put back in its place
    RESUMED = "resumed"  # entries can be written again, after one could not be


Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True, slots=True)
class RecordRow:
    """What became of one record in a release: for auditors, replay and the spill answer.

    ``identifier`` is the record's own id in clear here; the log stores it keyed. ``digest`` is SHA-256 of the
    record's bytes as released (empty bytes' digest is never used: a withheld record has ``None``).
    ``detail`` holds the marking as received, label date, facts, gates, grants and obligations: what a replay
    needs.
    """

    identifier: str | None
    effect: str
    digest: bytes | None
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taking:
    """So much of what the entry's partner may have of something in the span that begins at ``since`` (aware UTC).

    ``most`` is how much it may have in all, ``None`` for any. An entry that would take more is not written.
    """

    counter: str
    since: datetime
    amount: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry before it has a place in the log.

    ``content`` and ``sealed`` are SHA-256 digests of the answer's bytes before and after sealing. ``key`` is
    the recipient key's RFC 7638 thumbprint. ``released`` counts the records in this chunk. ``last`` says
    that no chunk of this release follows. ``private`` must hold only JSON values without floats. ``time`` is
    aware UTC. ``takes`` is counted in the commit that writes the entry, so that nothing leaves uncounted; in it
    ``artifacts`` are stored too, each by its SHA-256, once, as long as the log.
    """

    event: Event
    time: datetime
    outcome: str
    partner: str = ""
    request: str = ""
    release: str = ""
    chunk: int = 0
    last: bool = True
    content: bytes | None = None
    sealed: bytes | None = None
    key: str = ""
    released: int = 0
    records: tuple[RecordRow, ...] = ()
    private: Mapping[str, Json] = field(default_factory=dict)
    takes: tuple[Taking, ...] = ()
    artifacts: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Whose lines are kept for the checkpoint of a size, each as ``name+key id in hex``; in order."""

    size: int
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry that is durable: its place, its leaf bytes, and the tree size of the checkpoint that covers
    it.
    """

    index: int
    leaf: bytes
    tree_size: int
