"""When power is lost at any moment and unsynced writes with it, every acknowledged entry is there, and all is sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.lossy import ENTRIES, Answer, Event, Sync, Write, faults, lose_power, losses, opened, record
from tests.support import traced

pytestmark = pytest.mark.skipif(bool(traced.MISSING), reason=traced.MISSING)
SEEDS = 25  # a thousand in `make audit-campaign`


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """What a process that appended did to the disk, in order."""
    return record(tmp_path_factory.mktemp("run"), ENTRIES)


def test_losing_unsynced_writes_at_any_moment_loses_no_acknowledged_entry(events: list[Event], tmp_path: Path):
    assert sum(len(event.entries) for event in events if isinstance(event, Answer)) >= ENTRIES
    assert {event.name for event in events if isinstance(event, Write)} == {"audit.db", "audit.db-wal"}
    assert {event.name for event in events if isinstance(event, Sync)} >= {"audit.db-wal"}
    assert [seed for seed, wrong in losses(events, tmp_path / "disk", range(SEEDS)) if wrong] == []


def test_the_simulated_disk_does_lose_entries_when_syncs_are_taken_out(events: list[Event], tmp_path: Path):
    """The method itself: without the syncs the same run loses acknowledged entries, and that is noticed."""
    unsynced = [event for event in events if not isinstance(event, Sync)]
    noticed = 0
    for seed in range(10):
        disk = tmp_path / f"disk{seed}"
        disk.mkdir()
        acknowledged = lose_power(unsynced, disk, seed)
        try:
            log = opened(disk)
        except Exception:  # whatever is left of it
            noticed += 1
            continue
        noticed += bool(faults(log, acknowledged))
        log.close()
    assert noticed >= 5
