"""How fast the log answers who may ever have had a record, and what a partner had on a day.

    python -m benchmarks.spill [--records 1000000] [--folder /tmp] [--keep] [--json]

A log of that many record-releases is written through the gateway's own writer: a hundred records to an answer, drawn
from one record for every hundred, so that each has left about a hundred times, to twelve partners over ninety days.
Then records drawn at random are asked for by identifier and by digest, and days by partner, each answer checked
against its leaves as always. The baseline is the same rows found by a bare SELECT on the same index.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.search import criteria
from gateway.audit.spelling import other_spellings
from gateway.audit.spill import Sought

ROWS = 100
BATCH = 256  # entries to a commit, as many as the gateway's own writer takes
PARTNERS = ("AUS", "CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "KOR", "NOR", "NZL", "NATO-X", "SPIRE")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90
DETAIL = {
    "marking": "S//REL TO USA, FVEY, JPN",
    "day": "2026-01-01",
    "nested": [],
    "doubts": [],
    "facts": {
        "values": {"satNo": ["int", "25544"]},
        "problems": {},
        "delay_from": None,
        "originator": None,
        "stops": [],
    },
    "reasons": [],
    "grants": ["conjunctions-for-collision-avoidance"],
    "obligations": {"drop": [], "round": {}, "delay_seconds": 0, "because": []},
    "redacted": ["covariance"],
    "rounded": ["missDistance"],
}


def fill(log: AuditLog, records: int) -> float:
    """Write answers until that many records have left; the seconds it took."""
    chance = random.Random(20260101)
    names = max(ROWS, records // ROWS)
    answers = max(1, records // ROWS)
    begun = time.perf_counter()
    for first in range(0, answers, BATCH):
        drafts = [_draft(number, answers, names, chance) for number in range(first, min(first + BATCH, answers))]
        log.append_now(drafts)
    return time.perf_counter() - begun


def _draft(number: int, answers: int, names: int, chance: random.Random) -> Draft:
    at = BEGIN + timedelta(days=DAYS) * number / answers
    partner = chance.choice(PARTNERS)
    rows = tuple(
        RecordRow(f"record-{which}", "release", digest(which), DETAIL) for which in chance.sample(range(names), ROWS)
    )
    label = {
        "label": DETAIL["marking"],
        "level": "S",
        "communities": ["FVEY"],
        "released": ROWS,
        "withheld": 0,
        "redacted": 0,
    }
    private = {"dataset": "conjunction", "level": "S", "by_label": [label], "by_grant": {"conjunctions": ROWS}}
    said = {"path": "/udl/conjunction", "query": [["tca", ">now-5 days"]], "policy": "ab" * 32}
    return Draft(
        Event.RELEASE, at, "released", partner, f"q{number}", f"r{number}", released=ROWS, records=rows,
        private=private | said,
    )  # fmt: skip


def digest(which: int) -> bytes:
    """The digest under which a record left."""
    return hashlib.sha256(str(which).encode()).digest()


def timed(ask: Callable[[], int], times: int) -> dict[str, float]:
    """Ask that often; milliseconds at the middle, at p99 and at worst, of processor time at the middle (which other
    work on the machine disturbs less), and how many entries one answer names.
    """
    spent, worked, found = [], [], 0
    for _ in range(times):
        begun, working = time.perf_counter(), time.process_time()
        found += ask()
        spent.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - working) * 1000)
    spent.sort()
    return {
        "median_ms": round(statistics.median(spent), 2),
        "p99_ms": round(spent[min(len(spent) - 1, int(len(spent) * 0.99))], 2),
        "worst_ms": round(spent[-1], 2),
        "processor_ms": round(statistics.median(worked), 2),
        "found_each": round(found / times, 1),
    }


def measure(log: AuditLog, file: Path, records: int, times: int) -> dict[str, dict[str, float]]:
    """Every question, each for things drawn at random."""
    chance = random.Random(1)
    names = max(ROWS, records // ROWS)
    plain = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    statement = "SELECT position, number, body FROM record_rows WHERE substr(identifier, 1, 20) = substr(?, 1, 20)"

    def by_identifier() -> int:
        name = f"record-{chance.randrange(names)}"
        others = frozenset(map(log.keyed, other_spellings(name)))
        return len(log.who_got(Sought(identifiers=frozenset([log.keyed(name)]), spellings=others)).carried)

    def by_digest() -> int:
        return len(log.who_got(Sought(digests=frozenset([digest(chance.randrange(names))]))).carried)

    def bare() -> int:
        return len(plain.execute(statement, (log.keyed(f"record-{chance.randrange(names)}"),)).fetchall())

    def by_day() -> int:
        day = BEGIN + timedelta(days=chance.randrange(DAYS))
        asked = criteria({"partner": chance.choice(PARTNERS)}, since=day, until=day + timedelta(days=1))
        return len(log.search(asked, limit=100).found)

    answers = {
        "who-got by identifier": timed(by_identifier, times),
        "who-got by digest": timed(by_digest, times),
        "bare SELECT of the same rows": timed(bare, times),
        "search by partner and day, 100 a page": timed(by_day, times),
        "totals of all days": timed(lambda: len(log.totals()), times),
    }
    plain.close()
    return answers


def main() -> None:
    """Fill, ask, say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=None, help="Make the log here and leave it.")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    folder = said.folder or Path(tempfile.mkdtemp(prefix="spill-"))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "audit.sqlite3"
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    there = file.exists()
    if (
        there
        and (held := sqlite3.connect(file).execute("SELECT count(*) FROM record_rows").fetchone()[0]) != said.records
    ):
        raise SystemExit(f"{file} holds {held} record-releases, not {said.records}: name another folder")
    log = AuditLog.open(
        f"sqlite:///{file}", origin="gateway.example/log", key=key, identifier_key=IdentifierKey(1, bytes(32))
    )
    try:
        spent = 0.0 if there else fill(log, said.records)
        size = sum(path.stat().st_size for path in folder.glob("audit.sqlite3*"))
        answers = measure(log, file, said.records, said.times)
    finally:
        log.close()
        if said.folder is None:
            shutil.rmtree(folder)
    machine = f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    figures = {"record_releases": said.records, "machine": machine, "filled_in_s": round(spent, 1), "bytes": size}
    if said.json:
        print(json.dumps({**figures, "answers": answers}, indent=2))
        return
    print(f"{said.records:,} record-releases, {size / 1e6:,.0f} MB, filled in {spent:.1f} s; {machine}")
    for question, figure in answers.items():
        print(f"  {question:40}", "  ".join(f"{name} {value:g}" for name, value in figure.items()))


if __name__ == "__main__":
    main()
