"""A log with everything in it that a log can hold: a row in every table, and several where there can be several.

It has a history such as a real one has: two gateways on one store, restarts and a release that one of them cut off,
officers' orders of every kind, volumes, reviews, emergencies, witnesses, removals of every part, a new identifier key.
What it holds must raise no alarm; what somebody changes in it must be found (:mod:`tests.audit.mutations`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import COSIGNATURE, SigningKey, cosign
from gateway.audit.entry import Draft, Event, RecordRow, Taking
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.orders import (
    Activate,
    Announce,
    Approve,
    CloseEmergency,
    InstallOfficers,
    OpenEmergency,
    Order,
    Part,
    Refuse,
    Remove,
    Revoke,
    SetStop,
    StopKind,
    Withhold,
)
from tests.audit import long_log
from tests.audit.tampering import AT, make_draft, write_log

DAY = datetime.fromisoformat("2026-03-01T00:00Z")
WITNESSES = [
    SigningKey(f"witness.example/{name}", Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)), COSIGNATURE)
    for n, name in enumerate(("one", "two"), start=1)
]
JUDGED = {
    "dataset": "elset",
    "path": "/udl/elset",
    "level": "S",
    "by_label": [
        {"label": "S", "level": "S", "communities": ["FVEY"], "released": 1, "withheld": 2, "redacted": 0},
    ],
    "why_withheld": {"clearance:above_ceiling": 2},
    "by_grant": {"g": 1},
}


def write(url: str) -> None:
    """Write it all into a new store."""
    one = opened(url, "one")
    write_log(one)
    started(one)
    cosigned(one)
    two = opened(url, "two")
    started(two)
    for number in range(6):
        takes = (Taking("daily", DAY + timedelta(days=number // 3), 3, 100), Taking("weekly", DAY, 3, None))
        for log, partner in ((one, "JPN"), (two, "GBR")):
            release = f"{partner}{number}"
            log.append_now([make_draft(release, partner=partner, private=JUDGED, takes=takes)])
    officers(two)
    two.append_now([make_draft("two-open", last=False), make_draft("two-more", last=False)])
    cosigned(two)
    one.close()
    one = opened(url, "one", IdentifierKey(2, bytes([7] * 32)))  # a new key, after a restart that finds `open` open
    assert len(one.recover(AT)) == 1
    started(one)
    one.append_now([make_draft("one-open", last=False), *(make_draft(f"keyed{number}") for number in range(3))])
    later = AT + timedelta(days=400)
    for what, first, last in ((Part.ROWS, 1, 3), (Part.PRIVATE, 4, 6), (Part.LEAF, 7, 8), (Part.PRIVATE, 22, 28)):
        one.remove(Remove(what, first, last, "A. Archivist", "retention", later, archive="ab" * 32))
    cosigned(one)
    one.append_now([make_draft("last", records=(RecordRow("sat-1", "release", bytes([9]) * 32),))])
    for log in (one, two):
        log.close()


def at_rest(file: Path) -> Path:
    """The same in a new SQLite file, with nothing beside it."""
    write(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def opened(url: str, instance: str, identifiers: IdentifierKey = long_log.IDENTIFIERS) -> AuditLog:
    """The log, as a gateway of this name opens it."""
    key = long_log.KEY
    return AuditLog.open(url, origin=long_log.ORIGIN, key=key, identifier_key=identifiers, instance=instance)


def started(log: AuditLog) -> None:
    """The entry of a start, which names the witnesses."""
    keys = [str(witness.verifier) for witness in WITNESSES]
    log.append_now([Draft(Event.STARTED, AT, "started", private={"gateway": "1", "witnesses": keys, "quorum": 2})])


def cosigned(log: AuditLog) -> None:
    """Both witnesses sign the head, one after the other."""
    note = log.head_note()
    for witness in WITNESSES:
        log.keep_cosignatures(log.size(), [cosign(note, witness, AT).removeprefix(note)])


def officers(log: AuditLog) -> None:
    """Every kind of order that officers give, and what stands after it."""

    def give(event: Event, *orders: Order) -> None:
        log.append_now([make_draft("", event=event, outcome="done", records=(), private={})], orders)

    def digest(body: bytes) -> str:
        return hashlib.sha256(body).hexdigest()

    for number in (1, 2):
        listed, signatures = f"list {number}".encode(), f"signatures {number}".encode()
        kept = (listed, signatures)
        give(Event.OFFICERS_INSTALLED, InstallOfficers(digest(listed), "alice", AT, kept, digest(signatures)))
        manifest, approval = f"set {number}".encode(), f"approval {number}".encode()
        give(Event.POLICY_ACTIVATED, Activate(digest(manifest), "alice", AT, (manifest, approval), digest(approval)))
        give(Event.STOP_SET, SetStop(StopKind.DATASET, f"dataset{number}", "alice", "check", AT))
        give(Event.POLICY_REFUSED, Refuse(f"line {number}", "bob", AT))
        give(Event.TOKEN_REVOKED, Revoke("GBR", f"jti{number}", "bob", AT))
    for name in ("flood", "fire", "storm"):
        give(Event.EMERGENCY_OPENED, OpenEmergency("JPN", name, "alice", "it is so", AT))
    give(Event.EMERGENCY_CLOSED, CloseEmergency("JPN", "storm", "bob", "it is over", AT))
    for item, by in (("i1", "alice"), ("i1", "bob"), ("i2", "bob"), ("i3", "alice")):
        until = AT + timedelta(days=9)
        about = ("JPN", "elset", "p", "aa" * 32, "U", digest(b"set 2"), digest(b"list 2"))
        give(Event.REVIEW_APPROVED, Approve(item, *about, 2, until, by, "needed", AT))
    give(Event.REVIEW_REFUSED, Withhold("i3", "bob", "not needed", AT))
    for number in (3, 4):
        manifest = f"set {number}".encode()
        give(Event.POLICY_ANNOUNCED, Announce(digest(manifest), "alice", AT, (manifest,)))
