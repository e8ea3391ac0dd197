"""Checkpoints that witnesses have cosigned: one row a size, with the cosignature lines that were got for it.

Rules.

1. What a witness has signed it has signed: lines are added to a row and never taken away, and a later line of the same
   key takes the earlier one's place.
2. The next entry that the gateway writes after it has kept lines says so in its private part (``cosigned``): the size,
   and whose lines are kept for it. The line itself nobody can make who has not the witness's key, and who the witnesses
   are every start of a gateway says. So whoever changes a row, takes it away or adds one is found when the log is
   checked (:class:`Recount`), but for lines that no entry speaks of yet: those got since the last entry.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, or_, select

from gateway.audit import tables
from gateway.audit.canonical import PlainJson
from gateway.audit.checkpoint import VerifierKey, open_note, parse_verifier_key
from gateway.audit.demands import Demands, are_met, mark_of
from gateway.audit.entry import Cosigned, Event
from gateway.audit.errors import ProofRefused
from gateway.audit.note import split_note

LOOKED_AT = 256
"""Most cosigned checkpoints that are looked at from either end, for one that carries what is demanded."""


def put(connection: Connection, size: int, lines: Sequence[str]) -> Cosigned:
    """Keep lines that were got for the checkpoint of this size; each takes the place of an older one by its key."""
    table = tables.cosigned
    kept = dict(_by_mark(lines_at(connection, size)))
    kept |= dict(_by_mark("".join(lines)))
    connection.execute(delete(table).where(table.c.size == size))
    row = {"size": size, "witnesses": _count(kept), "lines": "".join(kept.values())}
    connection.execute(insert(table).values(row))
    return Cosigned(size, tuple(sorted(kept)))


def newest(connection: Connection) -> tuple[Cosigned, ...]:
    """The newest checkpoint that any witness has cosigned, if there is one."""
    table = tables.cosigned.c
    row = connection.execute(select(table.size, table.lines).order_by(table.size.desc()).limit(1)).one_or_none()
    return () if row is None else (Cosigned(row.size, tuple(sorted(mark for mark, _ in _by_mark(row.lines)))),)


def lines_at(connection: Connection, size: int) -> str:
    """The cosignature lines for the checkpoint of this size; empty when there are none."""
    table = tables.cosigned.c
    found = connection.execute(select(table.lines).where(table.size == size)).scalar_one_or_none()
    return "" if found is None else str(found)


def over(connection: Connection, position: int, demands: Demands, wanted: int) -> str | None:
    """The note, with cosignatures, of a checkpoint that covers the entry at ``position`` and carries what it
    demands; ``None`` where no witness has cosigned any.

    Where nothing is demanded it is the newest that has ``wanted`` witnesses, else the newest; where what is demanded is
    not there any more, the one with the most witnesses. The newest and the oldest are looked at, :data:`LOOKED_AT` of
    each: a receipt of an old entry is no more work than one of a new one.
    """
    table, notes = tables.cosigned, tables.checkpoints
    columns = select(table.c.size, notes.c.note, table.c.lines, table.c.witnesses)
    covering = columns.join(notes, notes.c.size == table.c.size).where(table.c.size > position, table.c.witnesses >= 1)
    first, last = covering.order_by(table.c.size), covering.order_by(table.c.size.desc())
    if demands:
        # The one that it left with is among the first after the entry.
        for row in connection.execute(first.limit(LOOKED_AT)):
            if are_met(demands, {mark for mark, _ in _by_mark(row.lines)}):
                return f"{row.note}{row.lines}"
    else:
        latest = connection.execute(last.limit(1)).first()
        if latest is None or latest.witnesses >= wanted:
            return None if latest is None else f"{latest.note}{latest.lines}"
    found = [row for some in (first, last) for row in connection.execute(some.limit(LOOKED_AT))]
    if not found:
        return None
    best = max(found, key=lambda row: (row.witnesses if demands else row.witnesses >= wanted, row.size))
    return f"{best.note}{best.lines}"


@dataclass
class Recount:
    """What must be in the table, as entry after entry is added: lines of whom, and who the witnesses are."""

    named: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    witnesses: set[str] = field(default_factory=set)

    def add(self, event: str, private: Mapping[str, PlainJson]) -> None:
        """Add what an entry says of cosignatures that are kept, and a start of its witnesses' keys."""
        said, keys = private.get("cosigned"), private.get("witnesses") if event == Event.STARTED else None
        for each in said if isinstance(said, list) else ():
            match each:
                case {"size": int(size), "by": list(by)}:
                    self.named[size].update(map(str, by))
        if isinstance(keys, list):
            self.witnesses.update(map(str, keys))

    def include(self, other: Recount) -> None:
        """Add what other entries say."""
        for size, marks in other.named.items():
            self.named[size].update(marks)
        self.witnesses.update(other.witnesses)

    def differences(
        self, connection: Connection, known: Iterable[VerifierKey], after: int = 0
    ) -> Iterator[tuple[str, str]]:
        """Where the table is not what was signed, row by row, and how: for checkpoints of more than ``after`` entries,
        and for sizes that no checkpoint can have. ``known`` are witnesses' keys besides.
        """
        keys = {mark_of(key): key for key in known}
        for text in self.witnesses:
            with contextlib.suppress(ProofRefused):  # a start with a key that is none: no line can be by it
                key = parse_verifier_key(text)
                keys[mark_of(key)] = key
        table, notes = tables.cosigned, tables.checkpoints.c
        wanted = select(table, notes.note).join(tables.checkpoints, notes.size == table.c.size, isouter=True)
        there = set()
        for row in connection.execute(wanted.where(or_(table.c.size > after, table.c.size < 1))):
            there.add(row.size)
            try:
                self._check(row.size, row.note, row.lines, row.witnesses, keys)
            except ProofRefused as error:
                yield f"cosignatures of {row.size}", str(error)
        for size in sorted(size for size in self.named.keys() - there if size > after):
            yield f"cosignatures of {size}", f"by {', '.join(sorted(self.named[size]))} are missing"

    def _check(self, size: int, note: str | None, lines: str, witnesses: int, keys: Mapping[str, VerifierKey]) -> None:
        """Of a checkpoint that is there, as many as is said, all by witnesses, none of them bad, none gone."""
        if note is None:
            raise ProofRefused("are of no checkpoint")
        marks = [mark for mark, _ in _by_mark(lines)]
        found = set(marks)
        if not found:
            raise ProofRefused("are no signature lines")
        if len(found) != len(marks):
            raise ProofRefused("hold two lines by one key")
        if _count(found) != witnesses:
            raise ProofRefused(f"are said to be of {witnesses} witnesses, and are of {_count(found)}")
        for mark in sorted(self.named.get(size, set()) - found):
            raise ProofRefused(f"by {mark} are missing")
        for mark in sorted(found - keys.keys()):
            raise ProofRefused(f"are by {mark}, which is no witness that the settings or a start's entry name")
        open_note(note + lines, [keys[mark] for mark in found])


def _count(marks: Iterable[str]) -> int:
    """How many different witnesses: one may sign with two keys, under one name."""
    return len({mark.partition("+")[0] for mark in marks})


def _by_mark(lines: str) -> Iterator[tuple[str, str]]:
    """Each line with the mark of its key; text that is no signature lines has none."""
    try:
        read = split_note(f"x\n\n{lines}")[1] if lines else []
    except ProofRefused:
        return
    for line, text in zip(read, lines.splitlines(keepends=True), strict=True):
        yield f"{line.name}+{line.key_id.hex()}", text
