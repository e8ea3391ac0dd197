"""Processes that are killed while appending, and several that append at once: nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.canonical import digest
from gateway.audit.checkpoint import Checkpoint, open_note, parse_checkpoint
from gateway.audit.entry import Draft, Event
from gateway.audit.leaf import IdentifierKey, parse_leaf
from gateway.audit.log import AuditLog

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
KEY = bytes(range(32))
AT = datetime(2026, 3, 1, tzinfo=UTC)
ROUNDS = int(os.environ.get("AUDIT_KILL_ROUNDS", "12"))


def start(url: str, name: str, *count: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "appender.py"), url, KEY.hex(), name, *count]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})


def reopened(url: str) -> AuditLog:
    key = Ed25519PrivateKey.from_private_bytes(KEY)
    identifiers = IdentifierKey(1, bytes(32))
    return AuditLog.open(url, origin="gateway.example/log", key=key, identifier_key=identifiers, instance="a")


def acknowledged(lines: Sequence[str]) -> dict[int, str]:
    """Index to leaf digest, from whole lines: the last may have been cut by the kill."""
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(index): leaf for index, leaf in whole}


def assert_kept(log: AuditLog, said: dict[int, str]) -> None:
    stored = {entry.index: digest(entry.leaf_bytes).hex() for entry in log.entries(limit=1_000_000)}
    assert said.items() <= stored.items()


def test_no_acknowledged_entry_is_lost_when_appending_processes_are_killed(place):
    url = place.url
    rng = random.Random(7)
    held: Checkpoint | None = None
    said: dict[int, str] = {}
    for number in range(ROUNDS):
        processes = [start(url, name) for name in ("a", "b")[: 1 + number % 2]]
        for process in processes:
            assert process.stdout is not None
            lines = [process.stdout.readline()]  # it is up and appending
            for _ in range(rng.randrange(200)):
                lines.append(process.stdout.readline())
            said |= acknowledged(lines)
        for process in processes:
            process.kill()
        for process in processes:
            said |= acknowledged(process.communicate()[0].splitlines(keepends=True))
        log = reopened(url)
        report = log.verify(held=held, whole=held is None)
        assert report.findings == (), f"round {number}"
        held = parse_checkpoint(open_note(report.checkpoint, [log.verifier]).text)
        closed = log.recover(AT)
        assert [parse_leaf(entry.leaf).event for entry in closed] == ["interrupted"] * len(closed)
        assert [entry.index for entry in closed] == list(range(report.size, log.size()))
        log.append_now([Draft(Event.STARTED, AT, "started")])
        log.close()
    log = reopened(url)
    assert_kept(log, said)
    assert log.verify().findings == ()
    log.close()


def test_several_processes_append_to_one_store_and_every_entry_has_one_place(place):
    url = place.url
    reopened(url).close()
    processes = [start(url, name, "150") for name in ("a", "b", "c")]
    said = [acknowledged(process.communicate()[0].splitlines(keepends=True)) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    assert all(len(one) >= 150 for one in said)
    places = [index for one in said for index in one]
    assert len(places) == len(set(places))
    log = reopened(url)
    assert log.size() == len(places)
    for one in said:
        assert_kept(log, one)
    assert log.verify().sound
    log.close()
