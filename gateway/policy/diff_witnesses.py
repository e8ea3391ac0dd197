"""What changed in what a set demands of witnesses.

What an agreement or a dataset demands is in what each of its grants obliges to, and is reported at each grant: fewer
witnesses, or others, may let an answer go that would have been refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.policy.changes import NARROWER, OTHER, WIDER, Change, names, turned
from gateway.policy.decision import WitnessDemand
from gateway.policy.telling import demands_no_less, witnessed


def keys(file: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    """Witnesses that are named anew or no longer, and those that have another key now."""
    yield from names(file, "witnesses", was, now, OTHER, OTHER)
    for name in sorted(was.keys() & now.keys()):
        if was[name] != now[name]:
            yield Change(file, f"witnesses {name}", "another key counts as this witness", OTHER)


def demands(file: str, what: str, was: frozenset[WitnessDemand], now: frozenset[WitnessDemand]) -> Iterator[Change]:
    """How what is demanded of witnesses turns."""
    if was != now:
        towards = NARROWER if demands_no_less(was, now) else WIDER if demands_no_less(now, was) else OTHER
        yield Change(file, what, turned(witnessed(was), witnessed(now)), towards)
