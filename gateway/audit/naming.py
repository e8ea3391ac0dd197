"""What a published folder shows of the artifacts that entries name by digest, for auditors: policy sets with their
files, tables, lists of officers, signatures.

Which digests an entry names its private part says, and a folder has leaves alone. So beside the bundles of entries
stand, under the name of our own that no path of tlog-tiles begins with:

- ``relgate/named/INDEX``: the entry at that index, as :mod:`gateway.audit.evidence` shows one, for every entry of
  :data:`NAMING`. Those put into the store what they name; what a release names, one of them did before.
- ``relgate/artifacts/DIGEST``: the bytes that have this SHA-256 (lower-case hex).

Rules. Every leaf of :data:`NAMING` in the folder must have its file, and every digest that such an entry names its
artifact, unaltered; so neither can be left out unseen, for as long as the leaf cannot. None of these events loses
anything by a removal. An artifact that no entry of the folder names does not belong there.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.audit.entry import Event
from gateway.audit.evidence import Shown
from gateway.audit.orders_check import stored_by
from gateway.audit.removed import OWN
from gateway.audit.sums import named

NAMED = f"{OWN}/named"
ARTIFACTS = f"{OWN}/artifacts"

NAMING = frozenset(
    {
        Event.POLICY_ACTIVATED.value,
        Event.POLICY_ANNOUNCED.value,
        Event.OFFICERS_INSTALLED.value,
        Event.TABLES_KEPT.value,
    }
)
"""The events whose entries put into the store what they name by digest."""


def digests(shown: Shown) -> list[str]:
    """All that an entry names by digest, in order, each once."""
    return sorted({*named(shown.private), *_by_orders(shown)})


def _by_orders(shown: Shown) -> Iterator[str]:
    said = shown.private.get("orders")
    orders = [(0, order) for order in said if isinstance(order, dict)] if isinstance(said, list) else []
    return (digest for _, digest in stored_by(orders))
