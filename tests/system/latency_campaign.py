"""Can the time of an answer tell a partner that something is withheld? Ask, measure, and say how small a difference
would have been seen.

    python -m tests.system.latency_campaign --samples 1000

Each line compares two kinds of requests, taken in turns in an order that chance decides: by identifier a withheld
record and one that never was; a list, and a count, from a source that holds withheld records and from one that does
not. Each is measured with answers that leave at once (``step_ms = 0``) and with answers that leave in steps (the
default). The bound is the one that docs/decisions/0011-side-channels.md states for answers by identifier, in steps.
Exit code 1 when it is exceeded. Measure on a quiet machine: what else it does makes the least that is seen larger.
"""

from __future__ import annotations

import argparse
import http.client
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
from rich.console import Console
from rich.table import Table

from demo.stage import Stage
from gateway.activation.files import read_policy_files
from gateway.policy.load import load
from sample_source.app import Source, build_app
from sample_source.flaws import Flaws
from sample_source.serve import serving
from sample_source.tables import Tables, build_tables
from tests.support.running import POLICIES
from tests.system.acting import START
from tests.system.expect import permitted
from tests.system.killing import set_stage
from tests.system.latency import Compared, compare
from tests.system.process import started
from tests.system.walks import GBR_PLAIN

RECORDS = 300
BOUND = 1.0
"""Milliseconds by which answers by identifier may differ, in steps; a list's or a count's time has no such bound."""
BOUNDED = "by identifier"
STEP = 25
LISTED = "/udl/elset?epoch=%3E2000-01-01&maxResults=20"
COUNTED = "/udl/elset/count?epoch=%3E2000-01-01"
console = Console(width=140)


@dataclass
class Caller:
    """One partner's program on one connection that stays open."""

    connection: http.client.HTTPConnection
    token: str

    def ask(self, path: str) -> float:
        """Milliseconds from the first byte sent to the last received."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        begun = time.perf_counter_ns()
        self.connection.request("GET", path, headers=headers)
        self.connection.getresponse().read()
        return (time.perf_counter_ns() - begun) / 1e6


@dataclass
class Place:
    """A source, what it holds, and what of it the partner may not have."""

    source: Source
    full: Tables
    lean: Tables
    withheld: list[str]


@contextmanager
def calling(stage: Stage, step: int) -> Iterator[Caller]:
    """A gateway in a process of its own whose answers leave in these steps, and its caller."""
    with started(stage.config, step_ms=step) as gateway:
        where = httpx.URL(gateway.url)
        connection = http.client.HTTPConnection(where.host, where.port, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Caller(connection, stage.token("GBR", purpose="collision-avoidance", at=START))
        connection.close()


def by_identifier(place: Place, caller: Caller, rng: random.Random) -> tuple[Callable[[], float], Callable[[], float]]:
    """Ask for one that never was, and for a withheld one."""
    place.source.hold(place.full)
    return (
        lambda: caller.ask(f"/udl/elset/{UUID(int=rng.getrandbits(128), version=4)}"),
        lambda: caller.ask(f"/udl/elset/{rng.choice(place.withheld)}"),
    )


def from_either(place: Place, caller: Caller, path: str) -> tuple[Callable[[], float], Callable[[], float]]:
    """Ask a source without withheld records, and one with them; each has found its answer once before."""

    def ask(held: Tables) -> float:
        place.source.hold(held)
        caller.ask(path)
        return caller.ask(path)

    return lambda: ask(place.lean), lambda: ask(place.full)


def measure(kinds: tuple[Callable[[], float], Callable[[], float]], samples: int, rng: random.Random) -> Compared:
    """Take samples of both kinds in an order that chance decides, after some that do not count."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(-20, 2 * samples):
        which = rng.randrange(2)
        took = kinds[which]()
        if number >= 0:
            taken[which].append(took)
    return compare(*taken, rng)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    table = Table(
        "asked", "steps", "median without", "with withheld", "difference", "99 % of it within", "p", "least seen"
    )
    exceeded = False
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "var", Path(folder) / "keys", POLICIES)
        stage.prepare("http://127.0.0.1:1")
        place = _place(stage)
        app = build_app(place.full, stage.source_token.read_text().strip())
        place.source = app.source
        with serving(app) as source:
            set_stage(stage, source.base_url)
            for step in (0, STEP):
                with calling(stage, step) as caller:
                    for name, kinds, samples in (
                        (BOUNDED, by_identifier(place, caller, rng), given.samples),
                        ("list", from_either(place, caller, LISTED), given.samples // 4),
                        ("count", from_either(place, caller, COUNTED), given.samples // 4),
                    ):
                        found = measure(kinds, samples, rng)
                        exceeded = exceeded or (step > 0 and name == BOUNDED and found.exceeds(BOUND))
                        table.add_row(name, f"{step} ms" if step else "none", *_shown(found))
    console.print(table)
    withheld = len(place.full.records["elset"]) - len(place.lean.records["elset"])
    console.print(
        f"{withheld} of {len(place.full.records['elset'])} records withheld; times in ms; "
        f"with steps the bound of {BOUND} ms is {'EXCEEDED' if exceeded else 'kept'}"
    )
    return 1 if exceeded else 0


def _place(stage: Stage) -> Place:
    full = build_tables(RECORDS, flaws=Flaws.NONE)
    policy = load(read_policy_files(stage.policies, stage.keys))
    may = {
        dataset: tuple(each.record for each in permitted(policy, GBR_PLAIN, dataset, records, START))
        for dataset, records in full.records.items()
    }
    named = {record.identifier for record in may["elset"]}
    withheld = [record.identifier for record in full.records["elset"] if record.identifier not in named]
    return Place(build_app(full, "unused").source, full, Tables(may), withheld)


def _shown(found: Compared) -> tuple[str, ...]:
    low, high = found.interval
    one, other = (f"{value:.3f}" for value in found.medians)
    return one, other, f"{found.difference:+.3f}", f"{low:+.3f} .. {high:+.3f}", f"{found.p:.2g}", f"{found.least:.3f}"


if __name__ == "__main__":
    sys.exit(main())
