"""What a witness remembers, in a SQLite file of its own: the largest head of each log, and the evidence against any.

Each submission is one write transaction: read what was seen, judge, write, commit (synced to disk), and only then
answer. So two submissions at once cannot both build on the same head, and a crash before the answer leaves a head that
nobody was told of, which is the safe side. May it be lost? No: a witness that has forgotten cosigns a fork. So a file
that is not there, is damaged or was emptied is refused, and never begun anew: only :func:`make_memory` makes one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
)

from gateway.audit.checkpoint import SigningKey, VerifierKey
from gateway.audit.database import Database
from gateway.audit.errors import AuditError
from gateway.audit.orders import stamp
from gateway.audit.witness import Seen, State, add_checkpoint

metadata = MetaData()

heads = Table(
    "heads",
    metadata,
    Column("origin", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),  # the checkpoint as it was cosigned, for monitors
)

evidence = Table(
    "evidence",
    metadata,
    Column("at", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("seen_size", BigInteger, nullable=False),
    Column("seen_root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),  # the checkpoint, signed by the log, that contradicts what was seen
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A signed checkpoint that contradicts the head of so many entries that had been seen; ``at`` is when it came."""

    at: str
    seen: int
    note: str


class MemoryLost(AuditError):
    """A witness's memory is not what this module wrote: to go on from it might cosign a fork."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"{file}: {why}",
            hint="Restore it from its backup, or make a witness with another name and key in an empty folder",
        )


def make_memory(file: Path) -> None:
    """Make the memory of a witness that has seen nothing yet, mode 0600; one that is there stays as it is.

    Raises :class:`LogUnavailable` when it cannot be written.
    """
    file.touch(mode=0o600)
    database = Database(f"sqlite:///{file}")
    try:
        with database.writing() as connection:
            metadata.create_all(connection)
    finally:
        database.close()


class WitnessStore:
    """A witness's keys, the logs it knows, and its memory. Safe to use from several threads and processes.

    Raises :class:`MemoryLost` where ``file`` is no memory, or a damaged one, and :class:`LogUnavailable` where there is
    none.
    """

    def __init__(self, file: Path, keys: tuple[SigningKey, ...], logs: Mapping[str, tuple[VerifierKey, ...]]) -> None:
        self._keys = keys
        self._logs = logs
        self._file = file
        self._database = Database(f"sqlite:///{file}")
        with self._database.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if found != "ok":
                raise MemoryLost(file, f"is damaged: {found}")
            there = inspect(connection)
            if missing := sorted(metadata.tables.keys() - set(there.get_table_names())):
                raise MemoryLost(file, f"holds nothing that a witness saw (no table {missing[0]}): it was emptied")
            if {column["name"] for column in there.get_columns("heads")} != set(heads.c.keys()):
                raise MemoryLost(file, "was written by another version of this program")

    def submit(self, body: bytes, at: datetime) -> tuple[int, bytes, State]:
        """Judge a submission and remember it: status, answer, and the state from then on.

        Raises :class:`LogUnavailable` when it cannot be remembered: then nothing may be answered.
        """
        with self._database.writing() as connection:
            before = self._read(connection)
            status, answer, after = add_checkpoint(State(self._keys, self._logs, at, before), body)
            changed = {origin: seen for origin, seen in after.seen.items() if before.get(origin) is not seen}
            for origin, seen in changed.items():
                connection.execute(delete(heads).where(heads.c.origin == origin))
                connection.execute(insert(heads).values(origin=origin, size=seen.size, root=seen.root, note=seen.note))
            if after.evidence and not _is_kept(connection, after.evidence):
                origin = after.evidence.partition("\n")[0]
                known = before.get(origin, Seen())
                said = {"at": stamp(at), "origin": origin, "seen_size": known.size, "seen_root": known.root}
                connection.execute(insert(evidence).values(note=after.evidence, **said))
        if changed:
            self._fold_in()
        # Here the commit is on the disk. A crash now leaves a head that was remembered and not answered: the log asks
        # again and gets a cosignature of the same head.
        return status, answer, after

    def _fold_in(self) -> None:
        """Bring what was committed into the file itself: SQLite keeps it in a second one (``-wal``) for a while, and a
        copy of the first alone would be a memory that lacks it. It is durable before: where this fails, the next does.
        """
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self._file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def seen(self) -> Mapping[str, Seen]:
        """The largest head of each log, by origin."""
        with self._database.reading() as connection:
            return self._read(connection)

    def evidence(self) -> tuple[Evidence, ...]:
        """Every signed checkpoint that was submitted and contradicts what had been seen, the oldest first."""
        columns = (evidence.c.at, evidence.c.seen_size, evidence.c.note)
        with self._database.reading() as connection:
            rows = connection.execute(select(*columns).order_by(evidence.c.at))
            return tuple(Evidence(row.at, row.seen_size, row.note) for row in rows)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @staticmethod
    def _read(connection: Connection) -> dict[str, Seen]:
        return {row.origin: Seen(row.size, row.root, row.note) for row in connection.execute(select(heads))}


def _is_kept(connection: Connection, note: str) -> bool:
    return connection.execute(select(evidence.c.at).where(evidence.c.note == note)).first() is not None
