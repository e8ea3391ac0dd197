"""A log with releases in it, beside the commands' settings: two partners had record a-1, one of them cut."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.log import AuditLog
from gateway.keys.ring import open_ring
from gateway.service import open_log
from gateway.settings import load

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = b"a policy set"
RECORD = b'{"idElset":"a-1","classificationMarking":"S//REL TO USA, FVEY"}'


def row(body: bytes, effect: str = "release", **detail: object) -> RecordRow:
    said = {"marking": "S//REL TO USA, FVEY", "redacted": [], "rounded": [], "grants": ["g"], **detail}
    return RecordRow("a-1", effect, hashlib.sha256(body).digest() if effect == "release" else None, said)  # type: ignore[arg-type]


def release(number: int, partner: str, rows: tuple[RecordRow, ...], at: datetime, **private: object) -> Draft:
    counts = {"released": len(rows), "withheld": 1, "redacted": 0}
    said = {
        "dataset": "elset",
        "policy": hashlib.sha256(POLICY).hexdigest(),
        "label": "SECRET//REL TO USA, FVEY",
        "level": "S",
        "by_label": [{"label": "S//REL TO USA, FVEY", "level": "S", "communities": ["FVEY"], **counts}],
        "by_grant": {"elsets": len(rows)},
        "why_withheld": {"grant:no_grant": 1},
        "withheld": 1,
        "path": "/udl/elset",
        "operation": "list",
        "caller": {"system": f"{partner.lower()}-system", "jti": "t1", "key": "k", "credential": "bearer"},
        **private,
    }
    told = {"released": len(rows), "records": rows, "private": said, "artifacts": (POLICY,)}
    return Draft(Event.RELEASE, at, "released", partner, f"q{number}", f"r{number}", **told)  # type: ignore[arg-type]


def fill(at: datetime = AT) -> None:
    """Write the releases into the log of the settings in the working directory."""
    with_log(
        release(0, "GBR", (row(RECORD),), at),
        release(1, "JPN", (row(RECORD + b"cut", redacted=["covariance"]),), at + timedelta(days=1)),
        release(2, "JPN", (), at + timedelta(days=40)),
    )


def with_log(*drafts: Draft) -> None:
    """Append these to the log of the working directory."""
    settings = load(None).settings
    log: AuditLog = open_log(settings, open_ring(settings.private_keys_dir, settings.log_origin), "gateway")
    log.append_now(drafts)
    log.close()
