"""Walk a large source through the public SDK as several partners, with every page size, and say whether all was right.

    python -m tests.system.walk_campaign --records 5000

The same comparison as in ``test_walk.py``: each walk must yield exactly the records that the slow oracle permits, each
once, in order, with their obligations carried out to the letter. Exit code 0 when every walk was right, 1 when one was
not.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from demo.stage import Stage
from gateway.activation.files import read_policy_files
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet
from sample_source.app import build_app
from sample_source.serve import serving
from sample_source.tables import Tables, build_tables
from tests.support.running import POLICIES, RunningGateway, running_gateway
from tests.system.acting import START, Clock, acting
from tests.system.expect import Asker, permitted
from tests.system.walks import COMPANY, GBR, GBR_PLAIN, HAS, JPN, SIZES, wrong_with_walk

ASKERS = {"JPN": JPN, "GBR-plain": GBR_PLAIN, "GBR": GBR, "ORBITWATCH": COMPANY}
SHOWN = 10
console = Console(width=110)


@contextmanager
def gateway_before(tables: Tables) -> Iterator[tuple[RunningGateway, PolicySet]]:
    """A gateway with the shipped policy in front of a source with these records."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "var", Path(folder) / "keys", POLICIES)
        stage.prepare("http://127.0.0.1:1")
        app = build_app(tables, stage.source_token.read_text().strip())
        with serving(app) as source, running_gateway(stage, source.base_url, clock=Clock()) as gateway:
            yield gateway, load(read_policy_files(stage.policies, stage.keys))


def walk(
    gateway: RunningGateway, policy: PolicySet, tables: Tables, asker: Asker, dataset: str, sizes: Sequence[int]
) -> Iterator[tuple[int, int, float, list[str]]]:
    """Each page size with how many records should have come, the seconds it took, and everything that was wrong."""
    wanted = permitted(policy, asker, dataset, tables.records[dataset], START)
    for size in sizes:
        begun = time.perf_counter()
        with acting(gateway, asker) as program:
            wrong = wrong_with_walk(program, dataset, size, wanted)
        yield size, len(wanted), time.perf_counter() - begun, wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.walk_campaign", description=__doc__.split("\n\n")[0])
    parser.add_argument("--records", type=int, default=5000, help="records of each dataset (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same records (%(default)s)")
    parser.add_argument("--partners", nargs="+", choices=ASKERS, default=list(ASKERS), help="who walks (all)")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="page sizes (%(default)s)")
    given = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.setswitchinterval(0.0005)  # source, gateway and program take turns in this one interpreter
    begun, walks, failed = time.perf_counter(), 0, 0
    summary = Table("who", "dataset", "may have", *(f"by {size}" for size in given.sizes), title="seconds")
    tables = build_tables(given.records, given.seed)
    with gateway_before(tables) as (gateway, policy):
        for name in given.partners:
            asker = ASKERS[name]
            for dataset in HAS[asker.partner]:
                cells: list[str] = []
                expected = 0
                for size, expected, seconds, wrong in walk(gateway, policy, tables, asker, dataset, given.sizes):
                    walks, failed = walks + 1, failed + bool(wrong)
                    cells.append(f"{seconds:.1f}" if not wrong else f"{len(wrong)} WRONG")
                    console.print(f"{asker}: {dataset} by {size}: {expected} records, {cells[-1]}", highlight=False)
                    for line in wrong[:SHOWN]:
                        console.print(f"    {line}", highlight=False, markup=False)
                summary.add_row(name, dataset, f"{expected} of {given.records}", *cells)
    console.print(summary)
    verdict = "every walk was right" if not failed else f"{failed} were WRONG"
    console.print(f"{walks} walks in {time.perf_counter() - begun:.0f} s: {verdict}", highlight=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
