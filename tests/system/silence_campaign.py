"""Ask thousands of requests of two gateways, one before a source that holds what is withheld and one before a source
that never did, and say whether anything told them apart.

    python -m tests.system.silence_campaign --requests 5000 --seed 1

The same comparison as in ``test_two_sources.py``. Exit code 0 when nothing did, 1 when something did.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import structlog

from tests.system.two_sources import ASKERS, draw, twosome

RECORDS = 300
SAY_EVERY = 500


def main() -> int:
    """Ask, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    begun = time.monotonic()
    differences: list[str] = []
    with tempfile.TemporaryDirectory() as folder, twosome(Path(folder), Path(folder) / "keys", RECORDS) as both:
        for asker in ASKERS:
            both.hold_for(asker)
            rng = random.Random(f"{given.seed}/{asker}")
            for _ in range(given.requests // len(ASKERS)):
                found = both.difference(draw(rng, both.tables, asker), asker)
                if found:
                    differences.append(found)
                    print(f"DIFFERENCE: {found}", flush=True)
                if both.statuses.total() % SAY_EVERY == 0:
                    print(f"{both.statuses.total()} requests, {len(differences)} differences", flush=True)
    took = timedelta(seconds=round(time.monotonic() - begun))
    answered = ", ".join(f"{count} with {status}" for status, count in sorted(both.statuses.items()))
    asked = f"{both.statuses.total()} requests of {len(ASKERS)} askers, seed {given.seed}, in {took}"
    print(f"{asked}: answered {answered}; {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
