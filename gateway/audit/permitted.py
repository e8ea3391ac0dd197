"""Permits that other enforcement points were given for a record: it may have left through one of them.

A gateway that answers AuthZEN's questions hands nothing over itself; whoever asked may have. So such a permit is listed
after a spill, apart from the releases. It is found by the record's keyed identifier in the catalogue
(:data:`gateway.audit.terms.Kind.ASKED`); every entry that is reported is checked against its leaf first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.audit import stored, tables
from gateway.audit.canonical import PlainJson
from gateway.audit.errors import LogAltered
from gateway.audit.stored import Summary
from gateway.audit.terms import Kind, Term, evaluations

BATCH = 200


@dataclass(frozen=True, slots=True)
class Permitted:
    """One question that was answered yes; ``number`` counts from 0 within its entry."""

    entry: Summary
    number: int
    said: Mapping[str, PlainJson]

    def text(self, name: str) -> str:
        """What the evaluation says under a name, ``""`` where that is no text."""
        value = self.said.get(name)
        return value if isinstance(value, str) else ""

    @property
    def by(self) -> str:
        """The enforcement point that asked."""
        value = (self.entry.private or {}).get("by")
        return value if isinstance(value, str) else ""

    @property
    def marking(self) -> str:
        """The record's marking as the enforcement point stated it."""
        shown = self.said.get("shown")
        value = shown.get("marking") if isinstance(shown, dict) else None
        return value if isinstance(value, str) else ""


def permits(connection: Connection, identifiers: Collection[str]) -> tuple[Permitted, ...]:
    """Every permit for a record of these keyed identifiers, oldest first. Raises :class:`LogAltered`."""
    words = sorted({Term(Kind.ASKED, identifier).word for identifier in identifiers})
    table = tables.postings.c
    found: set[int] = set()
    for start in range(0, len(words), BATCH):
        some = table.word.in_(words[start : start + BATCH])
        found |= set(connection.execute(select(table.position).where(some)).scalars())
    return tuple(_read(connection, sorted(found), frozenset(identifiers)))


def _read(connection: Connection, positions: list[int], identifiers: frozenset[str]) -> Iterator[Permitted]:
    for start in range(0, len(positions), BATCH):
        batch = positions[start : start + BATCH]
        raw = stored.read_some(connection, batch)
        for position in batch:
            if position not in raw:
                raise LogAltered(f"entry {position}", "is missing, though the catalogue has it")
            entry = stored.check_summary(raw[position])
            for number, said in enumerate(evaluations(entry.private or {})):
                record = said.get("record")
                if said.get("decision") is True and isinstance(record, str) and record in identifiers:
                    yield Permitted(entry, number, said)
