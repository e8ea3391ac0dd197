"""After a spill: every release that may have carried a record, found by its digest, its identifier, or both.

Rules.

1. A record is sought by the SHA-256 of its bytes as they were released, or by its identifier under every version of
   the identifier key; the log itself holds no identifier in clear.
2. Whoever is found by digest is sought by identifier too: the same record may have left in another form, with other
   fields degraded or other columns chosen. ``matched`` says which it was.
3. The rows are asked, not the catalogue: each is bound by its entry's leaf, and an entry is reported only after its
   private part and *all* its rows have been checked against that leaf.
4. Another enforcement point that was told yes may have handed the record over: such permits are listed apart
   (:mod:`gateway.audit.permitted`).
5. What cannot be answered is said: releases whose rows a removal took away are counted, and found in the archive.

A release is one that was authorised and handed to the connection. Whether it arrived, no gateway can say: the partner
*may have received* the record.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, select

from gateway.audit import retention, stored, tables
from gateway.audit.canonical import PlainJson
from gateway.audit.errors import LogAltered
from gateway.audit.leaf import Leaf
from gateway.audit.permitted import Permitted, permits
from gateway.audit.stored import StoredRow, Summary

BATCH = 200
_IMPOSED = ("because", "coarsen_seconds", "delay_seconds", "only", "review", "watermark")
RELEASED = "release"
"""The effect of a row whose record went."""


class Match(enum.StrEnum):
    """Why a release was found: it carried these very bytes, a record of this identifier in whatever form, or one whose
    identifier is another spelling of it (:mod:`gateway.audit.spelling`), which may be another record.
    """

    DIGEST = "digest"
    IDENTIFIER = "identifier"
    SPELLING = "another spelling"


@dataclass(frozen=True, slots=True)
class Sought:
    """What is sought: SHA-256 digests of released bytes, and keyed identifiers (one for each key version), as they were
    given and in other spellings.
    """

    digests: frozenset[bytes] = frozenset()
    identifiers: frozenset[str] = frozenset()
    spellings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Carried:
    """One record row in one release that was found; ``entry`` is the release's chunk, ``row`` says what went."""

    entry: Summary
    row: StoredRow
    matched: Match

    @property
    def leaf(self) -> Leaf:
        """What the partner holds of it."""
        return self.entry.leaf

    def said(self, name: str) -> str:
        """A text of the private part, ``""`` where there is none."""
        value = (self.entry.private or {}).get(name)
        return value if isinstance(value, str) else ""

    @property
    def system(self) -> str:
        """The partner's system that asked."""
        caller = (self.entry.private or {}).get("caller")
        name = caller.get("system") if isinstance(caller, dict) else None
        return name if isinstance(name, str) else ""

    @property
    def marking(self) -> str:
        """The record's marking as it was when it went."""
        value = self.row.detail.get("marking")
        return value if isinstance(value, str) else ""

    @property
    def obligations(self) -> Mapping[str, PlainJson]:
        """What was done to it before it went: the fields left out and rounded, by which grants, and what else these
        asked for.
        """
        names = ("redacted", "rounded", "grants")
        said: dict[str, PlainJson] = {name: self.row.detail.get(name) or [] for name in names}
        duties = self.row.detail.get("obligations")
        if isinstance(duties, dict):
            said |= {name: duties[name] for name in _IMPOSED if duties.get(name)}
        return {"because": [], **said}


@dataclass(frozen=True, slots=True)
class Spill:
    """The answer. ``withheld`` counts how often the record was judged and did not go; ``removed`` counts releases
    whose rows are no longer here, so that this answer cannot speak of them; ``permitted`` are the permits that other
    enforcement points were given.
    """

    carried: tuple[Carried, ...]
    withheld: int
    removed: int
    permitted: tuple[Permitted, ...] = ()


def who_got(connection: Connection, sought: Sought) -> Spill:
    """Every release that carried a record, oldest first. Raises :class:`LogAltered` if one is not as it was signed."""
    found: dict[int, dict[int, Match]] = {}
    identifiers: set[str] = set(sought.identifiers)
    for hit in _hits(connection, tables.DIGEST_START.in_({each[:8] for each in sought.digests})):
        if hit.digest in sought.digests:
            found.setdefault(hit.position, {})[hit.number] = Match.DIGEST
            if hit.identifier is not None:
                identifiers.add(hit.identifier)
    wanted = dict.fromkeys(sought.spellings, Match.SPELLING) | dict.fromkeys(identifiers, Match.IDENTIFIER)
    for hit in _hits(connection, tables.IDENTIFIER_START.in_({each[:20] for each in wanted})):
        if hit.identifier in wanted:
            found.setdefault(hit.position, {}).setdefault(hit.number, wanted[hit.identifier])
    carried: list[Carried] = []
    withheld = 0
    for entry, row, match in _read(connection, found):
        if row.effect == RELEASED:
            carried.append(Carried(entry, row, match))
        else:
            withheld += 1
    return Spill(tuple(carried), withheld, retention.bodies_removed(connection), permits(connection, wanted.keys()))


def _hits(connection: Connection, start: ColumnElement[bool]) -> Sequence[Row[int, int, str | None, bytes | None]]:
    """Rows whose digest or identifier begins as one that is sought; the index holds no more of either.

    The rest is compared here: with ``identifier = ?`` beside it, SQLite works the beginning out of that constant and
    no longer sees that an index has it.
    """
    rows = tables.record_rows.c
    return connection.execute(select(rows.position, rows.number, rows.identifier, rows.digest).where(start)).all()


def _read(
    connection: Connection, found: Mapping[int, Mapping[int, Match]]
) -> Iterator[tuple[Summary, StoredRow, Match]]:
    """The rows that were found, in the order of the log, each checked with its entry."""
    positions = sorted(found)
    for start in range(0, len(positions), BATCH):
        batch = positions[start : start + BATCH]
        raw = stored.read_some(connection, batch, rows=True)
        for position in batch:
            if position not in raw:
                raise LogAltered(f"entry {position}", "is missing, though it has record rows")
            entry = stored.check_summary(raw[position])
            wanted = found[position]
            for number, row in sorted(stored.check_rows(raw[position], entry.leaf, wanted).items()):
                yield entry, row, wanted[number]
