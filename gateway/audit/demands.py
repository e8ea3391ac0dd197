"""What an entry demands of witnesses: how many of which must have cosigned a checkpoint that covers it.

A witness is known here by its *mark*, the name and the id of its key (``name+id``), as signature lines carry it. The
demand stands in the private part of the entry that it is about, so that whoever writes its receipt later knows which
cosignatures the receipt must carry. All demands of an entry hold together, and a demand for nobody is met by nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.audit.entry import Json
from gateway.audit.note_keys import VerifierKey

FIELD = "witnesses"
"""Where an entry's private part holds its demands."""


@dataclass(frozen=True, slots=True)
class Demand:
    """``quorum`` of the witnesses with these marks."""

    quorum: int
    of: frozenset[str]

    def met_by(self, marks: Collection[str]) -> bool:
        """Whether the witnesses with these marks are enough."""
        return 0 < self.quorum <= len(self.of.intersection(marks))


Demands = frozenset[Demand]


def mark_of(key: VerifierKey) -> str:
    """How a witness's key is known in demands."""
    return f"{key.name}+{key.key_id.hex()}"


def short(key: str) -> str:
    """The mark of a verifier key in its text form. The last part is base64, which may have a plus of its own."""
    name, key_id, _ = key.split("+", 2)
    return f"{name}+{key_id}"


def are_met(demands: Iterable[Demand], marks: Collection[str]) -> bool:
    """Whether every one of them is met."""
    return all(demand.met_by(marks) for demand in demands)


def to_json(demands: Demands) -> list[Json]:
    """Demands as an entry holds them, in one order."""
    said = sorted((demand.quorum, sorted(demand.of)) for demand in demands)
    return [{"quorum": quorum, "of": of} for quorum, of in said]


def from_json(said: Json) -> Demands:
    """The demands that an entry holds; what is not of the form demands what nobody can meet."""
    members = said if isinstance(said, Sequence) and not isinstance(said, str) else (None,)
    return frozenset(_read(member) for member in members)


def _read(said: Json) -> Demand:
    if not isinstance(said, Mapping):
        return Demand(1, frozenset())
    quorum, of = said.get("quorum"), said.get("of")
    if not isinstance(quorum, int) or not isinstance(of, Sequence) or isinstance(of, str):
        return Demand(1, frozenset())
    return Demand(quorum, frozenset(str(mark) for mark in of))
