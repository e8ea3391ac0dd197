"""A change of meaning between two sets: where, what, and whether it can only release more, or less, or either."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


class Direction(enum.StrEnum):
    """What a change can do to what is released."""

    WIDER = "wider"
    NARROWER = "narrower"
    OTHER = "other"


WIDER, NARROWER, OTHER = Direction.WIDER, Direction.NARROWER, Direction.OTHER


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change of meaning, in the file where it is written. ``what`` names the field or rule."""

    file: str
    what: str
    text: str
    direction: Direction


def names(
    file: str, what: str, was: Iterable[str], now: Iterable[str], added: Direction, removed: Direction
) -> Iterator[Change]:
    """Names that were added or removed, and which way each turns."""
    before, after = set(map(str, was)), set(map(str, now))
    yield from (Change(file, what, f"{name} is removed", removed) for name in sorted(before - after))
    yield from (Change(file, what, f"{name} is added", added) for name in sorted(after - before))


def turned(was: object, now: object) -> str:
    """One thing in place of another, in words."""
    return f"{was} becomes {now}"
