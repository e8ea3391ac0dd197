"""Durable appends with 64 writers, beside raw SQLite that inserts the same bytes in groups of the same sizes.

    python -m benchmarks.appends [--rounds 5] [--entries 6400]

64 callers in one event loop each append an entry, wait until it is durable, and append the next. What the log wrote
is then read back from its store: every row of every table that only grows, in the order of the commits. Raw SQLite
inserts those very rows into empty tables with the same indexes, one transaction for each commit that the log made,
synchronous=FULL.
It counts only if the log verifies from its first entry to its last.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.machine import Line, describe, median, show
from gateway.audit.entry import Draft, Event, Json, RecordRow
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog

WRITERS = 64
Row = tuple[object, ...]
Group = dict[str, list[Row]]

DETAIL: dict[str, Json] = {
    "marking": "U//REL TO USA, GBR, JPN",
    "day": "2026-01-01",
    "nested": [],
    "doubts": [],
    "facts": {
        "values": {"dataMode": ["str", "REAL"], "regime": ["str", "LEO"], "owners": ["unknown"]},
        "problems": {},
        "delay_from": "2026-01-01T00:00:00.000000Z",
        "originator": None,
        "stops": [],
    },
    "reasons": [],
    "grants": ["gbr-elset"],
    "obligations": {"drop": [], "round": {}, "delay_seconds": 0, "because": []},
    "redacted": [],
    "rounded": [],
}
PRIVATE: dict[str, Json] = {
    "gateway": "0.1.0",
    "operation": "id",
    "path": "/udl/elset",
    "query": [],
    "timing_us": {"authenticate": 120, "fetch-label-decide-transform": 400, "check": 40, "seal": 90},
    "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-00",
    "caller": {"system": "gbr-space-command", "jti": "j" * 22, "key": "k" * 43, "credential": "bearer"},
    "dataset": "elset",
    "purpose": "collision-avoidance",
    "at": "2026-06-01T12:00:00+00:00",
    "policy": "c" * 64,
    "tables": {"communities": "d" * 64, "countries": "e" * 64, "owners": "f" * 64},
    "subject": {
        "partner": "GBR",
        "system": "gbr-space-command",
        "clearance": "SECRET",
        "holds": [],
        "credential": "bearer",
        "key": {"thumbprint": "t" * 43, "not_before": None, "expires": None, "revoked": False},
    },
    "stops": [],
    "released": 1,
    "withheld": 0,
    "counted": 0,
    "why_withheld": {},
    "redacted": {},
    "rounded": {},
    "label": "UNCLASSIFIED//REL TO USA, GBR, JPN",
}


def draft() -> Draft:
    """An entry like that of one record released by its identifier."""
    row = RecordRow(uuid.uuid4().hex, "release", os.urandom(32), DETAIL)
    return Draft(
        Event.RELEASE,
        datetime.now(UTC),
        "released",
        partner="GBR",
        request=uuid.uuid4().hex,
        release=uuid.uuid4().hex,
        content=os.urandom(32),
        sealed=os.urandom(32),
        key="k" * 43,
        released=1,
        records=(row,),
        private=PRIVATE,
    )


async def append(log: AuditLog, entries: int) -> float:
    """Append so many from 64 writers; entries a second."""

    async def write() -> None:
        for _ in range(entries // WRITERS):
            await log.append(draft())

    begun = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return entries / (time.perf_counter() - begun)


def written(file: Path) -> list[Group]:
    """What each commit of a log wrote, by table; a checkpoint's size says where a commit ended."""
    with closing(sqlite3.connect(file)) as store:
        sizes = [0, *(size for (size,) in store.execute("SELECT size FROM checkpoints WHERE size > 0 ORDER BY size"))]
        return [dict(_group(store, begin, end)) for begin, end in itertools.pairwise(sizes)]


def _group(store: sqlite3.Connection, begin: int, end: int) -> Iterator[tuple[str, list[Row]]]:
    for table in ("entries", "private_parts", "record_rows", "postings"):
        yield table, list(store.execute(f"SELECT * FROM {table} WHERE position >= ? AND position < ?", (begin, end)))  # noqa: S608
    completed = "((place + 1) << level) > ? AND ((place + 1) << level) <= ?"
    yield "nodes", list(store.execute(f"SELECT * FROM nodes WHERE {completed}", (begin, end)))  # noqa: S608
    yield "checkpoints", list(store.execute("SELECT * FROM checkpoints WHERE size = ?", (end,)))


def raw(like: Path, groups: list[Group], file: Path) -> float:
    """Insert the same rows in the same groups into tables of the same form; entries a second."""
    with closing(sqlite3.connect(like)) as store:
        made = [sql for (sql,) in store.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL") if sql]
    with closing(sqlite3.connect(file, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA synchronous = FULL")
        for statement in made:
            store.execute(statement)
        begun = time.perf_counter()
        for group in groups:
            store.execute("BEGIN IMMEDIATE")
            for table, rows in group.items():
                if rows:
                    store.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)  # noqa: S608
            store.execute("COMMIT")
        taken = time.perf_counter() - begun
    return sum(len(group["entries"]) for group in groups) / taken


def measure(rounds: int, entries: int) -> list[Line]:
    """In turn, the median of the rounds; raises ``SystemExit`` when a log does not verify."""
    ours: list[float] = []
    theirs: list[float] = []
    sizes: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="relgate-bench-") as folder:
            file = Path(folder) / "audit.sqlite3"
            key, secret = Ed25519PrivateKey.generate(), IdentifierKey(1, os.urandom(32))
            log = AuditLog.open(f"sqlite:///{file}", origin="benchmark.example/log", key=key, identifier_key=secret)
            ours.append(asyncio.run(append(log, entries)))
            if not log.verify().sound:
                raise SystemExit("the log does not verify; the figures mean nothing")
            log.close()
            groups = written(file)
            theirs.append(raw(file, groups, Path(folder) / "raw.sqlite3"))
            sizes.append(median([len(group["entries"]) for group in groups]))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return [
        Line(f"raw SQLite, the same rows, groups of {median(sizes):.0f}", f"{median(theirs):.0f} entries/s"),
        Line(f"audit log, {WRITERS} writers", f"{median(ours):.0f} entries/s", median(ratios), 0.3),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--entries", type=int, default=6400)
    options = parser.parse_args()
    print(describe())
    show("durable audit appends", measure(options.rounds, options.entries))


if __name__ == "__main__":
    main()
