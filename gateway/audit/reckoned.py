"""What the entries of a checked log add up to, kept with its checkpoint, so that the next check can go on from there.

The tree of a checkpoint can be taken up from stored hashes. What stands beside the tree (volumes, totals, standing
orders row by row, artifacts) is what *all* entries add up to; whoever checks only those that are
new needs the sums of those before. They belong to whoever checks, like the checkpoint that they are kept with: he who
can write the file can have a change of the database pass for sound, until the next check of the whole log.

A removal of private parts says what those had added. Where they were added before the checkpoint, they are in the sums,
and are not added again by the order of a later removal; where one removal took some of before and some of after, nobody
can tell them apart, and the whole log is checked.

Cosignatures are not among them, but the witnesses' keys are: those of old checkpoints are looked at in a whole check.

The file is JSON; ``version`` is that of its form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from gateway.audit import catalogue, cosigned, usage
from gateway.audit.canonical import PlainJson
from gateway.audit.catalogue import COUNTED, Cell
from gateway.audit.errors import ProofRefused
from gateway.audit.sums import Sums

VERSION = 1


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What the first ``size`` entries add up to."""

    size: int
    sums: Sums

    def taken_up(self) -> Sums:
        """The sums, to be added to."""
        fresh = Sums()
        fresh.include(self.sums)
        return fresh


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    checkpoint: str
    size: int
    orders: list[tuple[int, dict[str, object]]]
    artifacts: dict[str, int]
    usage: list[tuple[str, str, str, int]]
    totals: list[tuple[int, str, str, list[int]]]
    witnesses: list[str]


def write(checkpoint: str, reckoned: Reckoned) -> bytes:
    """The file: a signed checkpoint, and what the entries up to it add up to."""
    sums = reckoned.sums
    file = _File(
        version=VERSION,
        checkpoint=checkpoint,
        size=reckoned.size,
        orders=[(index, dict(order)) for index, order in sums.orders],
        artifacts=sums.artifacts,
        usage=[(*key, amount) for key, amount in sorted(sums.usage.sums.items())],
        totals=[
            (cell.day, cell.partner, cell.level, [counts[name] for name in COUNTED])
            for cell, counts in sorted(sums.totals.items())
        ],
        witnesses=sorted(sums.cosigned.witnesses),
    )
    return msgspec.json.encode(file) + b"\n"


def is_one(data: bytes) -> bool:
    """Whether bytes are meant to be such a file, and no checkpoint or receipt."""
    return data.startswith(b"{")


def parse(data: bytes) -> tuple[str, Reckoned]:
    """The checkpoint, which is still to be opened, and the sums. Raises :class:`ProofRefused`."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except (ValueError, RecursionError) as error:
        raise ProofRefused(f"is no state of an earlier check: {error}") from error
    if file.version != VERSION:
        raise ProofRefused(f"is a state of version {file.version}, and this gateway knows {VERSION}")
    sums = Sums(
        orders=cast("list[tuple[int, Mapping[str, PlainJson]]]", file.orders),
        artifacts=file.artifacts,
        usage=usage.Recount(Counter({(partner, name, since): n for partner, name, since, n in file.usage})),
        cosigned=cosigned.Recount(witnesses=set(file.witnesses)),
        totals=_totals(file.totals),
    )
    return file.checkpoint, Reckoned(file.size, sums)


def _totals(rows: Iterable[tuple[int, str, str, list[int]]]) -> catalogue.Totals:
    return {
        Cell(day, partner, level): Counter(dict(zip(COUNTED, counts, strict=False)))
        for day, partner, level, counts in rows
    }
