"""What the release benchmark is made of: 20 partners, 200 labels, 10,000 records of 4 KiB, tokens used 100 times.

Everything is invented. Half of the partners have their answers as published, half without a group of fields, so that
the cutting is in the figures too.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.stage import Stage
from gateway.identity.mint import mint

ROOT = Path(__file__).resolve().parents[1]
NATIONS = [
    "AUS",
    "BEL",
    "BGR",
    "CAN",
    "CZE",
    "DEU",
    "DNK",
    "ESP",
    "EST",
    "FIN",
    "FRA",
    "GBR",
    "GRC",
    "HUN",
    "ITA",
    "JPN",
    "LTU",
    "LVA",
    "NLD",
    "NOR",
]
LABELS = 200
RECORDS = 10_000
RECORD_BYTES = 4096
TOKEN_USES = 100
TOKENS = 40
PURPOSE = "collision-avoidance"
CUT = ("origin", "sourceDL", "createdBy", "algorithm", "tags", "transactionId")
"""The members of the group that half of the partners do not see, as far as the records have them."""

PARTNER = """\
partner = "{code}"
name = "Benchmark partner {code}"
kind = "government"
nation = "{code}"
[agreement]
instrument = "Invented"
from = 2000-01-01
until = 2090-01-01
datasets = ["elset"]
purposes = ["{purpose}", "space-situational-awareness"]
[ceiling]
8 = "SECRET"
[channel]
credential = "bearer"
[identity]
issuer = "https://issuer.{code}.example"
audience = "releasability-gateway"
algorithms = ["EdDSA"]
[[system]]
id = "{low}-system"
clearance = "SECRET"
[[grant]]
id = "{low}-real"
dataset = "elset"
purposes = ["{purpose}", "space-situational-awareness"]
where = {{ dataMode = "REAL" }}
{drop}
[[grant]]
id = "{low}-high"
dataset = "elset"
purposes = ["{purpose}"]
where = {{ dataMode = "REAL", regime = ["GEO", "HEO"] }}
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its identifier, its bytes at the source, and who may have it."""

    identifier: str
    raw: bytes
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class World:
    """Everything the servers and the client share; ``tokens`` by partner."""

    stage: Stage
    records: tuple[Record, ...]
    tokens: dict[str, tuple[str, ...]]

    def wanted(self, partner: str, record: Record) -> dict[str, object]:
        """What the partner must find in an answer."""
        whole: dict[str, object] = json.loads(record.raw)
        if sees_all(partner):
            return whole
        return {name: value for name, value in whole.items() if name not in CUT}


def sees_all(partner: str) -> bool:
    """Whether nothing is left out for this partner."""
    return NATIONS.index(partner) % 2 == 0


def build(folder: Path, source_url: str) -> World:
    """Write the policy set, make all keys, tokens and records. The same records every time."""
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies)
    for path in (policies / "partners").glob("*.toml"):
        path.unlink()
    for code in NATIONS:
        drop = "" if sees_all(code) else 'drop = ["provenance"]'
        text = PARTNER.format(code=code, low=code.lower(), purpose=PURPOSE, drop=drop)
        (policies / "partners" / f"{code}.toml").write_text(text, encoding="utf-8")
    stage = Stage(folder, folder / "keys", policies)
    stage.prepare(source_url)
    return World(stage, records(), {code: _tokens(stage, code) for code in NATIONS})


def _tokens(stage: Stage, partner: str) -> tuple[str, ...]:
    key, at = stage.signing_key(partner), datetime.now(UTC)
    return tuple(
        mint(
            key,
            issuer=f"https://issuer.{partner}.example",
            audience="releasability-gateway",
            system=f"{partner.lower()}-system",
            at=at,
            lifetime=timedelta(minutes=50),
            purpose=PURPOSE,
        )
        for _ in range(TOKENS)
    )


def labels(chance: random.Random) -> list[tuple[str, tuple[str, ...]]]:
    """200 different portion marks with who may have what carries them."""
    found: dict[str, tuple[str, ...]] = {}
    while len(found) < LABELS:
        named = tuple(sorted(chance.sample(NATIONS, chance.randint(3, 8))))
        level = chance.choice(("U", "C", "S"))
        found[f"{level}//REL TO USA, {', '.join(named)}"] = named
    return list(found.items())


def records() -> tuple[Record, ...]:
    """10,000 element sets of 4 KiB each."""
    chance = random.Random(20260101)
    marks = labels(chance)
    return tuple(_record(number, *marks[number % LABELS], chance) for number in range(RECORDS))


def _record(number: int, marking: str, readers: tuple[str, ...], chance: random.Random) -> Record:
    satellite = chance.randint(1, 60_000)
    identifier = f"{number:08x}-1c2d-5a83-9a4e-0b8f1d6f2a10"
    said: dict[str, object] = {
        "idElset": identifier,
        "classificationMarking": marking,
        "dataMode": "REAL",
        "source": "Benchmark",
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "createdBy": "system.user",
        "origin": "ORIGIN",
        "satNo": satellite,
        "idOnOrbit": str(satellite),
        "epoch": "2026-01-01T00:00:00.000000Z",
        "line1": f"1 {satellite:05d}{marking[0]} 98067A   26001.00000000  .00001234  00000-0  12345-4 0  9991",
        "line2": f"2 {satellite:05d}  51.6400 000.0000 0001234 000.0000 000.0000 15.50000000123456",
        "uct": False,
        "algorithm": "SGP4",
        "tags": ["a", "b"],
        "meanMotion": round(chance.uniform(0.5, 16), 8),
        "eccentricity": round(chance.uniform(0, 0.5), 8),
    }
    names = "inclination raan argOfPerigee meanAnomaly bStar meanMotionDot period perigee apogee semiMajorAxis"
    said |= {name: chance.random() * 1000 for name in names.split()}
    said["descriptor"] = ""
    room = RECORD_BYTES - len(json.dumps(said, separators=(",", ":")))
    said["descriptor"] = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz ,.;0123456789", k=room))
    return Record(identifier, json.dumps(said, separators=(",", ":")).encode(), readers)
