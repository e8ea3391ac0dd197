"""A long log, written as the gateway writes it: for checks of agreement, campaigns and benchmarks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import SigningKey
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog

ORIGIN = "gateway.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = SigningKey(ORIGIN, KEY)
IDENTIFIERS = IdentifierKey(1, bytes(range(32)))
AT = datetime(2026, 3, 1, tzinfo=UTC)
PARTNERS = ("JPN", "GBR", "AUS", "DEU", "NOR")


def drafts(first: int, count: int, *, rows: int = 0, seed: int = 7) -> Iterator[Draft]:
    """Entries as a release writes them: one chunk each, digests, a small private part, ``rows`` record rows."""
    chance = random.Random(seed * 1_000_003 + first)
    for number in range(first, first + count):
        yield Draft(
            Event.RELEASE,
            AT + timedelta(seconds=number),
            "released",
            partner=chance.choice(PARTNERS),
            request=f"{number:032x}",
            release=f"{number:032x}",
            content=chance.randbytes(32),
            sealed=chance.randbytes(32),
            key=chance.randbytes(24).hex(),
            released=rows,
            records=tuple(
                RecordRow(f"sat-{chance.randrange(50_000)}", "release", chance.randbytes(32), {"marking": "U"})
                for _ in range(rows)
            ),
            private={"dataset": "elset", "purpose": "collision-avoidance", "withheld": chance.randrange(9)},
        )


def opened(url: str, instance: str = "gateway") -> AuditLog:
    """The long log at a URL, made if it is not there."""
    return AuditLog.open(url, origin=ORIGIN, key=KEY, identifier_key=IDENTIFIERS, instance=instance)


def write(
    url: str, entries: int, *, batch: int = 256, rows: int = 0, progress: Callable[[int], None] | None = None
) -> None:
    """Bring the log at ``url`` up to this many entries, ``batch`` in each commit."""
    log = opened(url)
    size = log.size()
    while size < entries:
        count = min(batch, entries - size)
        log.append_now(list(drafts(size, count, rows=rows)))
        size += count
        if progress is not None:
            progress(size)
    log.close()
