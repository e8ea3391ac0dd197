"""Checkpoints that witnesses have cosigned: one row a size, with the cosignature lines that were got for it.

The lines stand beside the log and are no part of what the log signs: whoever edits them here can take
cosignatures away (a receipt then lacks them) and can make none.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, case, delete, insert, select

from gateway.audit import tables

table = Table(
    "cosigned",
    tables.metadata,
    Column("size", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("witnesses", Integer, nullable=False),  # how many different ones
    Column("lines", Text, nullable=False),  # signature lines, each ended by a newline
)


def put(connection: Connection, size: int, lines: str, witnesses: int) -> None:
    """Keep what was got for the checkpoint of this size, in place of what was there."""
    connection.execute(delete(table).where(table.c.size == size))
    connection.execute(insert(table).values(size=size, witnesses=witnesses, lines=lines))


def lines_at(connection: Connection, size: int) -> str:
    """The cosignature lines for the checkpoint of this size; empty when there are none."""
    found: str | None = connection.execute(select(table.c.lines).where(table.c.size == size)).scalar_one_or_none()
    return found or ""


def newest_over(connection: Connection, position: int, wanted: int) -> tuple[int, str] | None:
    """Size and note, with cosignatures, of the newest checkpoint that covers the entry at ``position`` and has
    ``wanted`` witnesses; else the newest that any witness has cosigned; ``None`` when there is none.
    """
    notes = tables.checkpoints
    covering = (
        select(table.c.size, notes.c.note, table.c.lines)
        .join(notes, notes.c.size == table.c.size)
        .where(table.c.size > position, table.c.witnesses >= 1)
        .order_by(case((table.c.witnesses >= wanted, 0), else_=1), table.c.size.desc())
        .limit(1)
    )
    row = connection.execute(covering).one_or_none()
    return None if row is None else (row.size, row.note + row.lines)
