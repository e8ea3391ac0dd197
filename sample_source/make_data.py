"""Write this source's two data files from a public catalogue: run by hand, when the catalogue is renewed.

    python -m sample_source.make_data --elements catalogue-3le.txt --owners satcat.csv

It chooses a few hundred satellites (so many an owner, all orbit regimes in turn), then steps all of them
through a week and keeps every pair that comes closer than :data:`REACH` kilometres. A step is a minute: two
objects close at 15.5 km/s at most, so that a pair which will come within reach is within :data:`NEAR` at the
step beside it.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sample_source import catalogue, orbits, tle

#: How many of each owner to take; every other owner of the catalogue gives one.
SHARE = {
    "JPN": 50,
    "US": 62,
    "UK": 32,
    "FR": 30,
    "GER": 24,
    "AUS": 22,
    "CA": 22,
    "NOR": 15,
    "IT": 24,
    "ESA": 18,
    "CIS": 22,
    "PRC": 12,
    "SES": 10,
    "O3B": 5,
    "ITSO": 5,
    "EUTE": 5,
    "IM": 3,
    "GLOB": 3,
    "ORB": 3,
    "EUME": 3,
    "SKOR": 3,
    "IND": 3,
    "TBD": 8,
    "": 8,
}
REACH, NEAR, STEP = 15.0, 480.0, timedelta(minutes=1)
WINDOW = (datetime.fromisoformat("2026-06-15T00:00:00Z"), timedelta(days=7))
REGIMES = {"LEO": 0, "GEO": 1, "MEO": 2, "HEO": 3}

HEADING = """\
# Facts from the US Space Force's public catalogue as republished by CelesTrak (Dr. T.S. Kelso), with credit.
# Snapshot of 2026-06-14. See README.md in this folder. Written by sample_source/make_data.py.
"""


def read_satellites(elements: Path, owners: Path) -> Iterator[catalogue.Satellite]:
    """All objects of a three-line catalogue, with what the owners' file says of them."""
    known = {int(row["NORAD_CAT_ID"]): row for row in catalogue.rows(owners)}
    lines = elements.read_text(encoding="utf-8").splitlines()
    for name, line1, line2 in zip(lines[0::3], lines[1::3], lines[2::3], strict=True):
        parsed = tle.parse(line1, line2)
        row = known.get(parsed.number, {})
        yield catalogue.Satellite(
            number=parsed.number,
            name=name.strip(),
            designator=row.get("OBJECT_ID", ""),
            owner=row.get("OWNER", ""),
            kind=row.get("OBJECT_TYPE", "UNK"),
            regime=row.get("ORBIT_REGIME", "LEO"),
            elements=parsed,
        )


def choose(satellites: Sequence[catalogue.Satellite]) -> list[catalogue.Satellite]:
    """So many of each owner, evenly spaced in its list, all regimes in turn; in order of their numbers."""
    queues: dict[str, dict[str, list[catalogue.Satellite]]] = defaultdict(lambda: defaultdict(list))
    for satellite in satellites:
        queues[satellite.owner][satellite.regime].append(satellite)
    chosen: list[catalogue.Satellite] = []
    for owner, regimes in queues.items():
        share = SHARE.get(owner, 1)
        ordered = [_spaced(regimes[regime], share) for regime in sorted(regimes, key=lambda r: REGIMES[r])]
        turns = (s for turn in itertools.zip_longest(*ordered) for s in turn if s is not None)
        chosen.extend(itertools.islice(turns, share))
    return sorted(chosen, key=lambda s: s.number)


def screen(satellites: Sequence[catalogue.Satellite]) -> Iterator[catalogue.Encounter]:
    """Every close approach within reach in the window, in order of time; at most one a pair and day."""
    fleet = [(satellite, orbits.Propagator(satellite.elements)) for satellite in satellites]
    start, span = WINDOW
    seen: set[tuple[int, int, int]] = set()
    for step in range(span // STEP):
        at = start + step * STEP
        positions = [propagator.state(at).position for _, propagator in fleet]
        for one, two in _near(positions):
            if (one, two, at.toordinal()) in seen:
                continue
            encounter = _closest(fleet[one], fleet[two], at)
            if encounter is not None:
                seen.add((one, two, at.toordinal()))
                yield encounter


def _near(positions: Sequence[orbits.Vector]) -> Iterator[tuple[int, int]]:
    """Index pairs that stand nearer than :data:`NEAR`, by a grid of cells of that size."""
    grid: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for index, (x, y, z) in enumerate(positions):
        grid[int(x // NEAR), int(y // NEAR), int(z // NEAR)].append(index)
    for (i, j, k), members in grid.items():
        around = itertools.product((i - 1, i, i + 1), (j - 1, j, j + 1), (k - 1, k, k + 1))
        neighbours = [other for cell in around for other in grid.get(cell, ())]
        for one in members:
            for two in neighbours:
                if one < two and orbits.length(orbits.minus(positions[one], positions[two])) < NEAR:
                    yield one, two


def _closest(
    first: tuple[catalogue.Satellite, orbits.Propagator],
    second: tuple[catalogue.Satellite, orbits.Propagator],
    about: datetime,
) -> catalogue.Encounter | None:
    """The closest approach within a step of ``about``, by narrowing thirds; None if out of reach."""

    def distance(seconds: float) -> float:
        at = about + timedelta(seconds=seconds)
        return orbits.length(orbits.minus(first[1].state(at).position, second[1].state(at).position))

    low, high = -STEP.total_seconds(), STEP.total_seconds()
    edges = distance(low), distance(high)
    for _ in range(60):
        third = (high - low) / 3
        if distance(low + third) < distance(high - third):
            high -= third
        else:
            low += third
    least = distance((low + high) / 2)
    if least > REACH or least >= min(edges):
        return None
    tca = about + timedelta(seconds=(low + high) / 2)
    return catalogue.Encounter(first[0], second[0], tca.replace(microsecond=tca.microsecond // 1000 * 1000), least)


def _spaced(items: list[catalogue.Satellite], count: int) -> list[catalogue.Satellite]:
    if len(items) <= count:
        return items
    return [items[index * len(items) // count] for index in range(count)]


def _write(path: Path, header: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(HEADING)
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)
    print(f"{path}: {len(lines)} rows")


def main(arguments: Sequence[str] | None = None) -> None:
    """Choose, screen, write both files."""
    parser = argparse.ArgumentParser(prog="python -m sample_source.make_data", description=__doc__)
    parser.add_argument("--elements", type=Path, required=True, help="names and two-line elements, three lines each")
    parser.add_argument("--owners", type=Path, required=True, help="CSV with NORAD_CAT_ID, OBJECT_ID, OWNER and so on")
    given = parser.parse_args(arguments)
    satellites = choose(list(read_satellites(given.elements, given.owners)))
    _write(
        catalogue.SATELLITES,
        ("number", "name", "designator", "owner", "kind", "regime", "line1", "line2"),
        [
            (s.number, s.name, s.designator, s.owner, s.kind, s.regime, s.elements.line1, s.elements.line2)
            for s in satellites
        ],
    )
    found = sorted(screen(satellites), key=lambda e: (e.tca, e.first.number, e.second.number))
    _write(
        catalogue.ENCOUNTERS,
        ("first", "second", "tca", "distance_km"),
        [(e.first.number, e.second.number, e.tca.isoformat(), f"{e.distance:.6f}") for e in found],
    )


if __name__ == "__main__":
    main()
