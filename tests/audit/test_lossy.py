"""When power is lost at any moment and unsynced writes with it, every acknowledged entry is there, and all is sound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from tests.audit.lossy import Answer, Sync, Write, faults, lose_power, record
from tests.support import traced

KEY = bytes(range(32))
SEEDS = int(os.environ.get("AUDIT_LOSSY_SEEDS", "40"))
ENTRIES = int(os.environ.get("AUDIT_LOSSY_ENTRIES", "400"))


def opened(place: Path) -> AuditLog:
    key = Ed25519PrivateKey.from_private_bytes(KEY)
    url = f"sqlite:///{place / 'audit.db'}"
    return AuditLog.open(url, origin="gateway.example/log", key=key, identifier_key=IdentifierKey(1, bytes(32)))


@pytest.mark.skipif(bool(traced.MISSING), reason=traced.MISSING)
def test_losing_unsynced_writes_at_any_moment_loses_no_acknowledged_entry(tmp_path: Path):
    (tmp_path / "run").mkdir()
    events = record(tmp_path / "run", KEY.hex(), ENTRIES)
    assert sum(len(event.entries) for event in events if isinstance(event, Answer)) >= ENTRIES
    assert {event.name for event in events if isinstance(event, Write)} == {"audit.db", "audit.db-wal"}
    assert {event.name for event in events if isinstance(event, Sync)} >= {"audit.db-wal"}
    disk = tmp_path / "disk"
    for seed in range(SEEDS):
        disk.mkdir()
        acknowledged = lose_power(events, disk, seed)
        log = opened(disk)
        assert faults(log, acknowledged) == [], f"seed {seed}"
        log.close()
        shutil.rmtree(disk)


@pytest.mark.skipif(bool(traced.MISSING), reason=traced.MISSING)
def test_the_simulated_disk_does_lose_entries_when_syncs_are_taken_out(tmp_path: Path):
    """The method itself: without the syncs the same run loses acknowledged entries, and that is noticed."""
    (tmp_path / "run").mkdir()
    events = [event for event in record(tmp_path / "run", KEY.hex(), 80) if not isinstance(event, Sync)]
    noticed = 0
    for seed in range(20):
        disk = tmp_path / f"disk{seed}"
        disk.mkdir()
        acknowledged = lose_power(events, disk, seed)
        try:
            log = opened(disk)
        except Exception:  # whatever is left of it
            noticed += 1
            continue
        noticed += bool(faults(log, acknowledged))
        log.close()
    assert noticed >= 10
