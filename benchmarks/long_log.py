"""A log of ten million entries: appending, size, proofs, search and checking, each beside a named baseline.

    python -m benchmarks.long_log [--entries 10000000] [--folder DIR]

1. Appending: entries of the shape of one answer each, 256 to a durable commit. Beside it, as the log grows: raw SQLite
   with the same tables and indexes, the same rows in the same groups, one synced transaction each; once with what an
   entry is found by (eleven rows of postings each), which is the same work, and once without.
2. Size on disk of an entry.
3. Receipts (inclusion proof with leaf and checkpoint) of entries drawn at random, beside a bare SELECT of their leaves.
4. Search by partner and day, 100 a page, beside a bare SELECT of as many of that partner's leaves of that day.
5. Checking the log whole, beside SHA-256 over the same leaves, private parts and rows.

With ``--folder`` the log stays there, and a second run measures it without writing it again. It counts only if the log
is sound.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.machine import Line, describe, show
from gateway.audit import canonical, catalogue, team
from gateway.audit.entry import Draft, Event
from gateway.audit.leaf import IdentifierKey, parse_leaf
from gateway.audit.log import AuditLog
from gateway.audit.search import criteria
from gateway.audit.verification import ENTRIES_EACH
from gateway.cli.progress import bar

BATCH = 256
PARTNERS = ("AUS", "CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "KOR", "NOR", "NZL", "POL", "SWE")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90
TABLES = ("entries", "private_parts", "record_rows")
Groups = Iterator[dict[str, list[tuple[object, ...]]]]


def draft(number: int, entries: int, chance: random.Random) -> Draft:
    """One answered request, its time spread evenly over the days."""
    return Draft(
        Event.RELEASE,
        BEGIN + timedelta(days=DAYS) * number / entries,
        "released",
        partner=chance.choice(PARTNERS),
        request=f"{number:032x}",
        release=f"{number:032x}",
        content=chance.randbytes(32),
        sealed=chance.randbytes(32),
        key="k" * 43,
        private={"dataset": "elset", "purpose": "collision-avoidance", "path": "/udl/elset", "withheld": 3},
    )


def fill(log: AuditLog, entries: int) -> float:
    """Write the log; the seconds it took."""
    chance = random.Random(20260101)
    begun = time.perf_counter()
    with bar("appending") as progress:
        for first in range(log.size(), entries, BATCH):
            count = min(BATCH, entries - first)
            log.append_now([draft(first + number, entries, chance) for number in range(count)])
            progress(first + count, entries)
    return time.perf_counter() - begun


def groups(store: sqlite3.Connection, size: int, *, words: bool) -> Groups:
    """What each commit wrote, by table; with ``words`` also what its entries are found by."""
    for begin in range(0, size, BATCH):
        end = min(begin + BATCH, size)
        group = {}
        for table in TABLES:
            within = "position >= ? AND position < ?"
            group[table] = store.execute(f"SELECT * FROM {table} WHERE {within}", (begin, end)).fetchall()  # noqa: S608
        group["nodes"] = [
            row
            for level in range(1, end.bit_length() + 1)
            for row in store.execute(
                "SELECT * FROM nodes WHERE level = ? AND place >= ? AND place < ?",
                (level, begin >> level, end >> level),
            )
        ]
        if words:
            bodies = zip(group["entries"], group["private_parts"], strict=True)
            said = [(entry[0], parse_leaf(entry[2]), canonical.decode_trusted(part[2])) for entry, part in bodies]
            group["postings"] = sorted(row for each in said for row in catalogue.postings(*each))
        group["checkpoints"] = store.execute("SELECT * FROM checkpoints WHERE size = ?", (end,)).fetchall()
        yield group


def raw(file: Path, size: int, place: Path, *, words: bool) -> float:
    """Seconds that raw SQLite takes to insert the same rows in the same groups, reading them not counted."""
    spent = 0.0
    with contextlib.closing(sqlite3.connect(file)) as theirs:
        made = [sql for (sql,) in theirs.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
        with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as store, bar("raw SQLite") as progress:
            store.execute("PRAGMA journal_mode = WAL")
            store.execute("PRAGMA synchronous = FULL")
            for statement in made:
                store.execute(statement)
            for number, group in enumerate(groups(theirs, size, words=words), start=1):
                begun = time.perf_counter()
                store.execute("BEGIN IMMEDIATE")
                for table, rows in filter(lambda each: each[1], group.items()):
                    marks = ",".join("?" * len(rows[0]))
                    store.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
                store.execute("COMMIT")
                spent += time.perf_counter() - begun
                progress(min(size, number * BATCH), size)
    return spent


def p99(ask: Callable[[], object], times: int) -> float:
    """Milliseconds that 99 of 100 answers take at most."""
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        spent.append((time.perf_counter() - begun) * 1000)
    return statistics.quantiles(spent, n=100)[98]


def questions(log: AuditLog, file: Path, size: int, times: int) -> Iterator[Line]:
    """Points 3 and 4."""
    chance = random.Random(1)
    plain = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    leaf = "SELECT leaf FROM entries WHERE position = ?"
    page = "SELECT leaf FROM entries WHERE partner = ? AND position > ? AND time < ? ORDER BY position LIMIT 100"

    def by_day() -> object:
        day = BEGIN + timedelta(days=chance.randrange(DAYS))
        asked = criteria({"partner": chance.choice(PARTNERS)}, since=day, until=day + timedelta(days=1))
        return log.search(asked, limit=100).found

    def bare_page() -> object:
        day = chance.randrange(DAYS)
        end = (BEGIN + timedelta(days=day + 1)).strftime("%Y-%m-%dT")
        return plain.execute(page, (chance.choice(PARTNERS), size * day // DAYS, end)).fetchall()

    for what, ask, bare in (
        (
            "receipt",
            lambda: log.receipt_at(chance.randrange(size)),
            lambda: plain.execute(leaf, (chance.randrange(size),)).fetchone(),
        ),
        ("search by partner and day, 100 a page", by_day, bare_page),
    ):
        theirs, ours = p99(bare, times), p99(ask, times)
        yield Line(f"bare SELECT of the same leaves, for one {what.split()[0]}", f"p99 {theirs:.2f} ms")
        yield Line(what, f"p99 {ours:.2f} ms", ours / theirs, more=False)
    plain.close()


def checking(log: AuditLog, file: Path) -> Iterator[Line]:
    """Point 5; raises ``SystemExit`` when the log is not sound."""
    with bar("checking") as progress:
        begun = time.perf_counter()
        report = log.verify(progress=progress, processes=0)
        spent = time.perf_counter() - begun
    if not report.sound:
        raise SystemExit(f"the log is not sound, the figures mean nothing: {report.findings[:3]}")
    hashed, size = 0.0, 0
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        for column in ("leaf FROM entries", "body FROM private_parts", "body FROM record_rows"):
            found = store.execute(f"SELECT {column}")
            while rows := found.fetchmany(10_000):
                begun = time.perf_counter()
                for (body,) in rows:
                    hashlib.sha256(body).digest()
                hashed += time.perf_counter() - begun
                size += sum(len(body) for (body,) in rows)
    rate = f"{report.checked / spent:.0f} entries/s"
    yield Line(f"SHA-256 of the same {size / 1e6:.0f} MB, entry by entry", f"{report.checked / hashed:.0f} entries/s")
    processes = team.useful_processes(0, report.checked, ENTRIES_EACH)
    yield Line(f"checked whole in {spent:.0f} s by {processes} processes", rate, hashed / spent)


def measure(folder: Path, entries: int, times: int) -> Iterator[Line]:
    """All of it, line by line as it comes."""
    file = folder / "audit.sqlite3"
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    secret = IdentifierKey(1, bytes(32))
    log = AuditLog.open(f"sqlite:///{file}", origin="benchmark.example/log", key=key, identifier_key=secret)
    before = log.size()
    spent = fill(log, entries)
    size = log.size()
    if before == 0:
        for words, what in ((True, "the same rows"), (False, "but for what entries are found by")):
            theirs = raw(file, size, folder / "raw.sqlite3", words=words)
            for part in folder.glob("raw.sqlite3*"):
                part.unlink()
            yield Line(f"raw SQLite, {what}, groups of {BATCH}", f"{size / theirs:.0f} entries/s")
            yield Line("audit log, groups as large", f"{size / spent:.0f} entries/s", theirs / spent)
    used = sum(part.stat().st_size for part in folder.glob("audit.sqlite3*"))
    leaf = len(log.entries(size // 2, 1)[0].leaf_bytes)
    yield Line(
        f"on disk, {used / 1e9:.1f} GB; the leaf itself {leaf} bytes",
        f"{used / size:.0f} bytes/entry",
        used / size / leaf,
    )
    yield from questions(log, file, size, times)
    yield from checking(log, file)
    log.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, help="Make the log here and leave it.")
    said = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory(prefix="relgate-long-") as temporary:
        folder = said.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        show(f"a log of {said.entries:,} entries", measure(folder, said.entries, said.times))


if __name__ == "__main__":
    main()
