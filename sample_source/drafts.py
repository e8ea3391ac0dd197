"""What every record has, whatever its type: an identity, a source, a time of creation, a marking.

All of it is drawn from a generator seeded with the run's seed, the data type and the record's number, so that
the same seed always gives the same bytes and one record does not depend on another.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sample_source import marks
from sample_source.catalogue import DATA_EPOCH, Satellite
from sample_source.records import Json
from sample_source.schema import Table

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "sample-source.invalid")
#: From when on records are dated, and the share of them that is recent.
EARLIEST, RECENT = datetime(2023, 1, 15, tzinfo=UTC), 0.6
SOURCES = ("SAMPLE-CATALOGUE", "SAMPLE-RADAR", "SAMPLE-OPTICAL")
DATA_MODES = {"REAL": 88, "TEST": 4, "SIMULATED": 4, "EXERCISE": 4}


@dataclass(frozen=True, slots=True)
class Draft:
    """One record that is about to be made. ``imposed`` is a marking that a flaw needs; None draws one."""

    table: Table
    seed: int
    index: int
    imposed: str | None = None
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rng", random.Random(f"{self.seed}/{self.table.name}/{self.index}"))

    def identifier(self, part: str = "") -> str:
        """A UUID for this record, or for a named part of it; always the same."""
        return str(uuid.uuid5(NAMESPACE, f"{self.seed}/{self.table.name}/{self.index}/{part}"))

    def marking(self, *about: Satellite) -> str:
        """The marking of this record, which is about these objects."""
        drawn = marks.Marker(self.table.name).choose(self.rng, {satellite.owner for satellite in about})
        return drawn if self.imposed is None else self.imposed

    def older(self, launch_year: int) -> datetime | None:
        """A moment between 2023 and 2026 to which this record is dated back; None for a recent record."""
        earliest = max(EARLIEST, datetime(launch_year + 1, 1, 1, tzinfo=UTC))
        span = DATA_EPOCH - timedelta(days=20) - earliest
        draw, share = self.rng.random(), self.rng.random()
        return None if draw < RECENT or span < timedelta(0) else earliest + share * span

    def common(self, marking: str, created: datetime) -> dict[str, Json]:
        """The fields that all types share; the source goes by the owner that a marking names."""
        named = marking.split("//")[1].split("-")[1] if "//PR-" in marking or "//DS-" in marking else None
        source = named or self.rng.choice(SOURCES)
        library: dict[str, Json] = {"sourceDL": "SAMPLE-LIBRARY"} if "sourceDL" in self.table.fields else {}
        return library | {
            self.table.identifier: self.identifier(),
            "classificationMarking": marking,
            "dataMode": self.rng.choices(list(DATA_MODES), list(DATA_MODES.values()))[0],
            "source": source,
            "origin": "SAMPLE" if named is None else named,
            "origNetwork": "SAMPLE-NET",
            "createdBy": f"loader.{source.lower()}",
            "createdAt": milliseconds(min(created, DATA_EPOCH - timedelta(seconds=1 + self.rng.random()))),
        }


def microseconds(at: datetime) -> str:
    """A time as epochs are written: UTC, six decimal places, ``Z``."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def milliseconds(at: datetime) -> str:
    """A time as dates of creation are written: UTC, three decimal places, ``Z``."""
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z"
