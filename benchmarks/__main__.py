"""Everything that is measured, in one table and a picture: ``python -m benchmarks [--quick]``, or ``make bench``.

A figure below its goal is printed as such and is no failure; an outcome that is not what it must be ends the run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from benchmarks import appends, content, decision, release
from benchmarks.machine import Line, describe, show
from benchmarks.picture import draw


def main() -> None:
    """Measure in the order of the price: what is asked most often last, on a machine that is warm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, to see that everything runs")
    parser.add_argument("--picture", type=Path, default=Path("var/bench.svg"), help="where to draw (var/bench.svg)")
    options = parser.parse_args()
    machine = describe()
    print(machine)
    groups: list[tuple[str, list[Line]]] = []
    for title, lines in measured(options.quick):
        show(title, lines)
        groups.append((title, lines))
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    options.picture.write_text(draw(machine, groups), encoding="utf-8")
    print(f"\nPicture: {options.picture}")


def measured(quick: bool) -> Iterator[tuple[str, list[Line]]]:
    """Each comparison when it is done."""
    lines, partners = decision.LINES, decision.PARTNERS
    yield f"one decision, {lines} policy lines over {partners} partners", decision.measure(1 if quick else 5)
    yield "filter of an array and of NDJSON, 27 MB", content.measure(3 if quick else 27, 1 if quick else 5)
    yield "durable audit appends", appends.measure(1 if quick else 5, 1280 if quick else 6400)
    yield "whole release of 4 KiB by identifier", release.measure(1 if quick else 5, 1.0 if quick else 3.0)


if __name__ == "__main__":
    main()
