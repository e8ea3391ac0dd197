"""Everything that is measured, in one table: ``python -m benchmarks [--quick]``, or ``make bench``.

A figure below its goal is printed as such and is no failure; an outcome that is not what it must be ends the run.
"""

from __future__ import annotations

import argparse

from benchmarks import appends, content, decision, release
from benchmarks.machine import describe, show


def main() -> None:
    """Measure in the order of the price: what is asked most often last, on a machine that is warm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, to see that everything runs")
    quick = parser.parse_args().quick
    print(describe())
    lines, partners = decision.LINES, decision.PARTNERS
    show(f"one decision, {lines} policy lines over {partners} partners", decision.measure(1 if quick else 5))
    show("filter of an array and of NDJSON, 27 MB", content.measure(3 if quick else 27, 1 if quick else 5))
    show("durable audit appends", appends.measure(1 if quick else 5, 1280 if quick else 6400))
    show("whole release of 4 KiB by identifier", release.measure(1 if quick else 5, 1.0 if quick else 3.0))


if __name__ == "__main__":
    main()
