"""The satellites that this source knows, and the close approaches found among them.

Both are data files beside this module, in a form of our own; ``data/README.md`` says where the facts come
from. ``make_data.py`` writes them, this module reads them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sample_source import tle

DATA = Path(__file__).parent / "data"
SATELLITES = DATA / "satellites.csv"
ENCOUNTERS = DATA / "encounters.csv"

#: The moment at which the sample stands still: nothing in it was created later.
DATA_EPOCH = datetime(2026, 6, 18, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Satellite:
    """One object. ``owner`` is the catalogue's owner code, empty for an object that it does not know."""

    number: int
    name: str
    designator: str
    owner: str
    kind: str
    regime: str
    elements: tle.Elements

    @property
    def launch_year(self) -> int:
        """The year in the international designator; 1957 for an object that has none."""
        return int(self.designator[:4]) if self.designator else 1957


@dataclass(frozen=True, slots=True)
class Encounter:
    """Two objects, the time at which their published orbits come closest, the distance in kilometres."""

    first: Satellite
    second: Satellite
    tca: datetime
    distance: float


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All satellites in order of their numbers, and all encounters in order of their times."""

    satellites: tuple[Satellite, ...]
    encounters: tuple[Encounter, ...]


@cache
def load() -> Catalogue:
    """Read both data files; raises :class:`sample_source.tle.ElementsError` for a damaged element set."""
    satellites = tuple(
        Satellite(
            number=int(row["number"]),
            name=row["name"],
            designator=row["designator"],
            owner=row["owner"],
            kind=row["kind"],
            regime=row["regime"],
            elements=tle.parse(row["line1"], row["line2"]),
        )
        for row in rows(SATELLITES)
    )
    by_number = {satellite.number: satellite for satellite in satellites}
    encounters = tuple(
        Encounter(
            first=by_number[int(row["first"])],
            second=by_number[int(row["second"])],
            tca=datetime.fromisoformat(row["tca"]),
            distance=float(row["distance_km"]),
        )
        for row in rows(ENCOUNTERS)
    )
    return Catalogue(satellites, encounters)


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file of ours; lines that start with ``#`` are its heading."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(line for line in lines if not line.startswith("#"))
