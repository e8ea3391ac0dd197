"""No byte of an answer leaves before its entry is on the disk: seen from the kernel, and with the commit held up."""

from __future__ import annotations

import select
import signal
import socket
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.stage import Stage
from gateway.service import now
from sample_source.serve import Served
from tests.support import traced
from tests.support.running import running_gateway
from tests.support.traced import Call
from tests.support.waiting import until
from tests.system.acting import START, Clock
from tests.system.killing import Load, leaves_since, reading, set_stage
from tests.system.serving import serving

LOG = "audit.sqlite3"


@pytest.fixture(scope="module")
def staged(stage: Stage, source: Served) -> Stage:
    """A stage whose policy set is in force and whose gateway may start."""
    set_stage(stage, source.base_url)
    return stage


@dataclass(frozen=True)
class Traced:
    """What a gateway did, in the kernel's order."""

    writes: Sequence[Call]
    syncs: Sequence[Call]
    sends: Sequence[Call]

    @classmethod
    def read(cls, trace: Path) -> Traced:
        calls = list(traced.calls(trace))
        wal = [call for call in calls if call.target.endswith(f"/{LOG}-wal")]
        return cls(
            [call for call in wal if call.name == "pwrite64"],
            [call for call in wal if call.name in traced.SYNCS],
            [call for call in calls if call.target.startswith("TCP")],
        )

    def synced(self, entry: bytes) -> int:
        """When a sync had returned that was begun after the entry was written to the log's file."""
        written = next(call.returned for call in self.writes if entry in call.data)
        return next(call.returned for call in self.syncs if call.begun > written)

    def sent(self, said: bytes) -> int:
        """When it was first begun to send these bytes."""
        return next(call.begun for call in self.sends if said in call.data)


@pytest.mark.skipif(bool(traced.MISSING), reason=traced.MISSING)
def test_every_answer_and_every_chunk_is_sent_after_the_sync_of_its_entry(staged: Stage, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    calls = ("pwrite64", "fsync", "fdatasync", "write", "writev", "sendto", "sendmsg", "sendfile")
    load_token = staged.token("GBR", purpose="collision-avoidance", at=now())
    with serving(staged, under=traced.command(trace, *calls, aside=True)) as (running, url):
        load = Load(url, load_token)
        with load.running(0):
            load.wait_for(24)
            running.send_signal(signal.SIGKILL)
        running.wait()
        until(lambda: traced.ended(trace, running.pid), "the trace never ends")
    done = Traced.read(trace)
    with reading(staged) as reader:
        entries = [entry for entry in reader.entries(limit=10_000) if entry.leaf.request]
    compared = 0
    for answer in load.answers:
        mine = [entry.leaf_bytes for entry in entries if entry.leaf.request == answer.request]
        assert done.synced(mine[0]) < done.sent(f"x-request-id: {answer.request}".encode())
        chunks = answer.body.split(b"\n")[: answer.chunks] if answer.release else []
        for leaf, chunk in zip(mine, chunks, strict=False):
            assert done.synced(leaf) < done.sent(chunk[:300])
            compared += 1
    assert compared > 24


def test_while_its_entry_waits_for_the_commit_not_one_byte_of_an_answer_leaves(staged: Stage, source: Served) -> None:
    token = staged.token("GBR", purpose="collision-avoidance", at=START)
    with (
        running_gateway(staged, source.base_url, activated=False, clock=Clock(), busy_timeout_ms=60_000) as gateway,
        closing(sqlite3.connect(staged.root / LOG, isolation_level=None)) as other,
        socket.create_connection((urlsplit(gateway.url).hostname, urlsplit(gateway.url).port)) as partner,
        reading(staged) as reader,
    ):
        size = len(leaves_since(reader, -1))
        other.execute("BEGIN IMMEDIATE")
        asked = f"GET /udl/nothing HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        partner.sendall(asked.encode())
        # Longer than an answer takes by far; were it longer still, this could only miss a fault, never see one.
        assert select.select([partner], [], [], 0.5)[0] == []
        other.execute("ROLLBACK")
        assert partner.recv(12) == b"HTTP/1.1 404"
        assert len(leaves_since(reader, -1)) == size + 1
