"""Checkpoints that witnesses have cosigned: one row a size, with the cosignature lines that were got for it.

The lines stand beside the log and are no part of what the log signs: whoever edits them here can take
cosignatures away (a receipt then lacks them) and can make none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, case, delete, insert, select

from gateway.audit import tables
from gateway.audit.demands import Demands, are_met
from gateway.audit.errors import ProofRefused
from gateway.audit.note import split_note

table = Table(
    "cosigned",
    tables.metadata,
    Column("size", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("witnesses", Integer, nullable=False),  # how many different ones
    Column("lines", Text, nullable=False),  # signature lines, each ended by a newline
)

LOOKED_AT = 256
"""Most cosigned checkpoints that are looked at for one that carries what is demanded, the oldest first."""


def put(connection: Connection, size: int, lines: Sequence[str]) -> None:
    """Keep lines that were got for the checkpoint of this size; each takes the place of an older one by its key."""
    kept = dict(_by_mark(lines_at(connection, size)))
    kept |= dict(_by_mark("".join(lines)))
    witnesses = len({mark.partition("+")[0] for mark in kept})
    connection.execute(delete(table).where(table.c.size == size))
    connection.execute(insert(table).values(size=size, witnesses=witnesses, lines="".join(kept.values())))


def lines_at(connection: Connection, size: int) -> str:
    """The cosignature lines for the checkpoint of this size; empty when there are none."""
    found: str | None = connection.execute(select(table.c.lines).where(table.c.size == size)).scalar_one_or_none()
    return found or ""


def over(connection: Connection, position: int, demands: Demands, wanted: int) -> tuple[int, str] | None:
    """Size and note, with cosignatures, of a checkpoint that covers the entry at ``position`` and carries what it
    demands; ``None`` where no witness has cosigned any.

    Where nothing is demanded it is the newest that has ``wanted`` witnesses, else the newest; where what is demanded is
    not there any more, the one with the most witnesses.
    """
    notes = tables.checkpoints
    columns = select(table.c.size, notes.c.note, table.c.lines, table.c.witnesses)
    covering = columns.join(notes, notes.c.size == table.c.size).where(table.c.size > position, table.c.witnesses >= 1)
    if demands:
        # The one that it left with is among the first after the entry.
        for row in connection.execute(covering.order_by(table.c.size).limit(LOOKED_AT)):
            if are_met(demands, {mark for mark, _ in _by_mark(row.lines)}):
                return row.size, row.note + row.lines
        best = covering.order_by(table.c.witnesses.desc(), table.c.size.desc())
    else:
        best = covering.order_by(case((table.c.witnesses >= wanted, 0), else_=1), table.c.size.desc())
    found = connection.execute(best.limit(1)).first()
    return None if found is None else (found.size, found.note + found.lines)


def _by_mark(lines: str) -> Iterator[tuple[str, str]]:
    """Each line with the mark of its key; text that is no signature lines has none."""
    try:
        read = split_note(f"x\n\n{lines}")[1] if lines else []
    except ProofRefused:
        return
    for line, text in zip(read, lines.splitlines(keepends=True), strict=True):
        yield f"{line.name}+{line.key_id.hex()}", text
