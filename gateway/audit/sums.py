"""What entries add up to beside the tree: orders, artifacts that are named, volumes, totals, cosignatures.

Sums of neighbouring runs of entries are included in one another in the order of the log, and come to the same however
the log was cut into runs: so runs can be examined by several processes (:mod:`gateway.audit.examining`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.audit import catalogue, cosigned, usage
from gateway.audit.canonical import PlainJson
from gateway.audit.catalogue import Totals
from gateway.audit.leaf import Leaf


@dataclass(slots=True)
class Sums:
    """What the entries that were added say."""

    orders: list[tuple[int, Mapping[str, PlainJson]]] = field(default_factory=list)
    artifacts: dict[str, int] = field(default_factory=dict)  # what must be stored, and the first entry that names it
    usage: usage.Recount = field(default_factory=usage.Recount)
    cosigned: cosigned.Recount = field(default_factory=cosigned.Recount)
    totals: Totals = field(default_factory=dict)

    def add(self, index: int, leaf: Leaf, private: Mapping[str, PlainJson], begun: int = 0) -> None:
        """Add the next entry, which agrees with its leaf. What an order says that entries below ``begun`` had added to
        is not added: they were, before. Raises ``ValueError`` for what it cannot take.
        """
        self.cosigned.add(leaf.event, private)
        said = private.get("orders", [])
        for order in _list(said):
            if isinstance(order, dict):
                self.orders.append((index, order))
        for digest in named(private):
            self.artifacts.setdefault(digest, index)
        if begun and said:
            private = {**private, "orders": [order for order in _list(said) if not _removed_below(order, begun)]}
        catalogue.count_in(self.totals, leaf, private)
        catalogue.count_removed(self.totals, private)
        self.usage.add(leaf.partner, private)

    def include(self, later: Sums) -> None:
        """Add what the entries of the run after these add up to."""
        self.orders += later.orders
        for digest, index in later.artifacts.items():
            self.artifacts.setdefault(digest, index)
        self.usage.include(later.usage)
        self.cosigned.include(later.cosigned)
        catalogue.include_totals(self.totals, later.totals)


def _list(said: PlainJson) -> list[PlainJson]:
    return said if isinstance(said, list) else []


def _removed_below(order: PlainJson, begun: int) -> bool:
    """Whether an order is a removal from entries below ``begun`` alone."""
    last = order.get("last") if isinstance(order, dict) and order.get("order") == "remove" else None
    return isinstance(last, int) and last < begun


def named(private: Mapping[str, PlainJson]) -> Iterator[str]:
    """The digests of everything that an entry says a decision is made from: policy set, files, tables, officers."""
    for name in ("policy", "list"):
        said = private.get(name)
        if isinstance(said, str) and said:
            yield said
    for name in ("tables", "files"):
        said = private.get(name)
        for digest in said.values() if isinstance(said, dict) else ():
            if isinstance(digest, str) and digest:  # without: a table that has no rows
                yield digest
