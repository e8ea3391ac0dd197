"""The audit log's long runs, seeded, with figures: mutations by a superuser, kills, lost writes, failing write steps.

    make audit-campaign               python -m tests.audit.campaign [--mutations 10000] [--entries 1000000] ...

1. ``--mutations`` seeded mutations of a short log with everything in it, one at a time, each checked whole; the columns
   of all tables take turns. Every hundredth check is of a clean copy and must find nothing. Every one that comes out
   otherwise is named with its seed, way, table and column; ``--from-seed N --mutations 1`` repeats it.
2. A log of ``--entries`` entries, clean, then with ``--at-once`` of its entries mutated, each in one way: one check
   must name every one of them and no other.
3. ``--kills`` rounds of ``kill -9`` of appending processes.
4. ``--seeds`` losses of unsynced writes.
5. Each write step of the log failed in both ways, on SQLite and on PostgreSQL.

A part whose number is 0 is left out. Ends with exit code 1 after the first part that is not as it must be.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gateway.audit.database import Database
from gateway.audit.verification import Progress, Report, verify
from gateway.cli.progress import bar, watched
from tests.audit import everything, kills, long_log, lossy, write_steps
from tests.audit.mutations import CELLS, Bench, Mutation, altered, is_right, mutate
from tests.support import postgres

LOCAL = (("entries", "leaf"), ("entries", "hash"), ("entries", "partner"), ("entries", "time"))
LOCAL += (("private_parts", "body"), ("private_parts", "salt"))
"""Columns whose every change is told of its own entry and of no other."""


def check(file: Path, progress: Progress | None = None) -> Report:
    """Check a log as an auditor does, with its public key alone."""
    database = Database(f"sqlite:///{file}")
    try:
        return verify(database, long_log.ORIGIN, long_log.LOG.verifier, progress=progress, processes=0)
    finally:
        database.close()


Checked = tuple[int, Mutation | None, Report | None]
"""A seed, what was mutated (``None``: nothing, the copy is clean) and what the check said (``None``: unreadable)."""


def one_by_one(sound: Path, seeds: range) -> Iterator[Checked]:
    """Mutate a copy for each seed and check it: the columns take turns. Every hundredth copy is left clean."""
    bench = Bench(sound)
    for seed in seeds:
        said, chance = None, random.Random(seed)
        while said is None:
            bench.restore()
            if seed % 100 == 99:
                break
            said = mutate(bench.file, chance, CELLS[seed % len(CELLS)])
        yield seed, said, bench.check()
    bench.close()


def at_once(file: Path, count: int, size: int) -> set[int]:
    """Mutate so many entries of a log, each in one way; which."""
    chance = random.Random(20260401)
    places = chance.sample(range(size), count)
    with sqlite3.connect(file) as store:
        for position in places:
            table, name = chance.choice(LOCAL)
            (value,) = store.execute(f"SELECT {name} FROM {table} WHERE position = ?", (position,)).fetchone()  # noqa: S608
            to = value
            while to == value or type(to) is not type(value):
                to = altered(value, chance)
            store.execute(f"UPDATE {table} SET {name} = ? WHERE position = ?", (to, position))  # noqa: S608
    store.close()
    return set(places)


def named(report: Report) -> set[int]:
    """The entries that a report names one by one."""
    found = (re.fullmatch(r"entry (\d+)", finding.where) for finding in report.findings)
    return {int(match[1]) for match in found if match}


def run_short(place: Path, seeds: range) -> str:
    """Part 1. Goes on to the end, and then names every mutation that was not found and every false alarm."""
    done: Counter[str] = Counter()
    per_column: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    begun = time.perf_counter()
    for seed, said, report in watched(
        one_by_one(everything.at_rest(place / "short.db"), seeds), "mutations", len(seeds)
    ):
        done["clean" if said is None else said.way] += 1
        if said is not None:
            per_column[said.table, said.column] += 1
        if not is_right(said, report):
            wrong.append(
                f"  seed {seed}: NOT FOUND: {said}"
                if said is not None
                else f"  seed {seed}: FALSE ALARM over a clean copy: {report and report.findings[:3]}"
            )
    if wrong:
        raise AssertionError("\n".join([f"{len(wrong)} of {len(seeds)} came out otherwise", *wrong]))
    clean, spent = done.pop("clean", 0), time.perf_counter() - begun
    each = sorted(per_column.values())
    ways = ", ".join(f"{way} {count}" for way, count in done.most_common())
    columns = f"{len(per_column)} of {len(CELLS)} columns, {each[0]} to {each[-1]} of each" if each else "no column"
    return (
        f"{done.total()} mutations of a short log, each found ({ways}; {columns}); "
        f"{clean} clean copies, no alarm; {1000 * spent / max(len(seeds), 1):.0f} ms each"
    )


def run_long(place: Path, entries: int, count: int) -> Iterator[str]:
    """Part 2."""
    file = place / "long.db"
    with bar("writing") as progress:
        long_log.write(f"sqlite:///{file}", entries, progress=lambda size: progress(size, entries))
    for what in ("clean", f"with {count} entries mutated"):
        changed = at_once(file, count, entries) if what != "clean" else set()
        begun = time.perf_counter()
        with bar("checking") as progress:
            report = check(file, progress)
        if named(report) != changed or bool(report.findings) != bool(changed):
            odd = sorted(named(report) ^ changed)[:5]
            raise AssertionError(f"{what}: entries {odd} were told otherwise: {report.findings[:3]}")
        spent = f"{time.perf_counter() - begun:.1f} s"
        yield f"{entries} entries {what}: checked whole in {spent}; {len(named(report))} entries named, no other"


def run_kills(place: Path, count: int) -> str:
    """Part 3: kill appending processes."""
    told = kills.Round(0, 0, 0, ())
    for told in watched(kills.rounds(f"sqlite:///{place / 'killed.db'}", count), "kills", count):
        if told.faults:
            raise AssertionError(f"round {told.number}: {told.faults[:5]}")
    return (
        f"{count} rounds of kill -9 of one to three processes: of {told.acknowledged} acknowledged entries none lost, "
        f"and every checkpoint that was seen is extended by all later ones"
    )


def run_losses(place: Path, count: int) -> str:
    """Part 4: take the power away, and with it what was not synced."""
    events = lossy.record(place, lossy.ENTRIES)
    for seed, wrong in watched(lossy.losses(events, place / "disk", range(count)), "losses of power", count):
        if wrong:
            raise AssertionError(f"seed {seed}: {wrong[:5]}")
    return f"{count} losses of unsynced writes in {len(events)} events of {lossy.ENTRIES} entries: nothing lost"


def run_steps(place: Path, every: int) -> Iterator[str]:
    """Part 5: fail every write step in both ways, on both stores."""
    urls = (f"sqlite:///{place / f'made{number}.db'}" for number in itertools.count())
    yield f"making a store, {_failed(write_steps.fail_making(urls, every))}"
    file = place / "steps.db"
    yield f"every act on SQLite, {_failed(write_steps.fail_acts(f'sqlite:///{file}', every))}"
    if absent := postgres.missing():
        yield f"every act on PostgreSQL: NOT RUN: {absent}"
        return
    with postgres.running() as server:
        yield f"every act on PostgreSQL, {_failed(write_steps.fail_acts(server.url, every))}"


def _failed(outcomes: Iterator[write_steps.Outcome]) -> str:
    seen: Counter[str] = Counter()
    with bar("failing write steps") as progress:
        for outcome in outcomes:
            if outcome.faults or (outcome.persisted and (outcome.step, outcome.how) != (write_steps.COMMIT, "after")):
                raise AssertionError(str(outcome))
            seen[outcome.act] += 1
            progress(seen.total(), seen.total())
    told = ", ".join(f"{act} {count}" for act, count in seen.items() if act != "all")
    return f"write steps failed before and after they were done: {told} cases; nothing forked, lost or halved"


def main() -> int:
    """Run it and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"mutations": 10_000, "entries": 1_000_000, "at-once": 10_000, "kills": 200, "seeds": 1_000}
    for name, number in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--steps", type=int, default=1, help="fail each so-manieth write step; 0: none")
    parser.add_argument("--from-seed", type=int, default=0, help="the first mutation's seed")
    options = parser.parse_args()
    seeds = range(options.from_seed, options.from_seed + options.mutations)
    with tempfile.TemporaryDirectory(prefix="audit-campaign-") as name:
        try:
            if options.mutations:
                print(run_short(Path(name), seeds), flush=True)
            for line in run_long(Path(name), options.entries, options.at_once) if options.entries else ():
                print(line, flush=True)
            if options.kills:
                print(run_kills(Path(name), options.kills), flush=True)
            if options.seeds:
                print(run_losses(Path(name), options.seeds), flush=True)
            for line in run_steps(Path(name), options.steps) if options.steps else ():
                print(line, flush=True)
        except AssertionError as wrong:
            print(f"WRONG: {wrong}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
