"""Changes to a log's database by somebody who may do everything there, drawn from a seed.

What may be changed is read from the schema itself: every column of every table (:data:`CELLS`). A mutation changes or
exchanges values of one column, adds or removes rows of its table, with any value, plants a trigger, or defines the
table otherwise. Checking the log must find each of them; nothing is left out.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.audit import tables
from gateway.audit.database import Database
from gateway.audit.errors import LogUnavailable
from gateway.audit.verification import Report, verify
from tests.audit import long_log

Value = int | float | str | bytes | None

CELLS = [(table.name, column.name) for table in tables.metadata.sorted_tables for column in table.columns]
"""Every column there is, with its table."""

ODD: Sequence[Value] = (None, 0, -1, 1, 10**12, 1.5, "", "zzz", b"", b"\0" * 32)


@dataclass(frozen=True, slots=True)
class Mutation:
    """What was changed: which way, of which table and column (the column that the turn was on), and how, in words."""

    way: str
    table: str
    column: str
    how: str

    def __str__(self) -> str:
        return f"{self.way} {self.table}.{self.column}: {self.how}"


def mutate(file: Path, chance: random.Random, cell: tuple[str, str], way: str = "") -> Mutation | None:
    """Change one thing about a column or its table; ``None`` where nothing came of it."""
    table, column = cell
    way = way or chance.choice(_DRAWN)
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        before = dump(connection, table)
        how = WAYS[way](connection, table, column, chance)
        changed = way in SCHEMA or dump(connection, table) != before
    except (sqlite3.Error, OverflowError):
        return None  # a constraint held: nothing was changed
    finally:
        connection.close()
    return Mutation(way, table, column, how) if changed else None


def dump(connection: sqlite3.Connection, table: str) -> list[str]:
    """A table's rows with the types of their values."""
    return sorted(map(repr, connection.execute(f"SELECT * FROM {table}")))  # noqa: S608


def altered(value: Value, chance: random.Random) -> Value:
    """Another value: of a like kind, or any at all."""
    if chance.random() < 0.4:
        return chance.choice(ODD)
    if isinstance(value, bytes) and value:
        at = chance.randrange(len(value))
        return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]
    if isinstance(value, str) and value:
        at = chance.randrange(len(value))
        return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    return value + chance.choice([-1, 1, 256]) if isinstance(value, int) else "x"


Row = dict[str, Value]


def _columns(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    """All of a table's columns, and those of its key."""
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return [row[1] for row in found], [row[1] for row in found if row[5]]


def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
    names, _ = _columns(connection, table)
    rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}")  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in rows]


def _where(connection: sqlite3.Connection, table: str, row: Row) -> tuple[str, list[Value]]:
    """What picks a row out by its key, as SQL and its values."""
    _, keys = _columns(connection, table)
    return " AND ".join(f"{key} IS ?" for key in keys), [row[key] for key in keys]


def _set(connection: sqlite3.Connection, table: str, row: Row, name: str, to: Value) -> str:
    where, key = _where(connection, table, row)
    connection.execute(f"UPDATE {table} SET {name} = ? WHERE {where}", [to, *key])  # noqa: S608
    return f"of {key!r:.80} from {row[name]!r:.60} to {to!r:.60}"


def _update(connection: sqlite3.Connection, table: str, column: str, chance: random.Random) -> str:
    rows = _rows(connection, table)
    if not rows:
        return ""
    row = chance.choice(rows)
    return _set(connection, table, row, column, altered(row[column], chance))


def _exchange(connection: sqlite3.Connection, table: str, column: str, chance: random.Random) -> str:
    rows, (_, keys) = _rows(connection, table), _columns(connection, table)
    if len(rows) < 2 or column in keys:
        return ""
    one, other = chance.sample(rows, 2)
    said = _set(connection, table, one, column, other[column])
    return f"{said} and {_set(connection, table, other, column, one[column])}"


def _delete(connection: sqlite3.Connection, table: str, _: str, chance: random.Random) -> str:
    rows = _rows(connection, table)
    if not rows:
        return ""
    where, key = _where(connection, table, chance.choice(rows))
    connection.execute(f"DELETE FROM {table} WHERE {where}", key)  # noqa: S608
    return f"row {key!r:.80} taken away"


def _clear(connection: sqlite3.Connection, table: str, _: str, __: random.Random) -> str:
    connection.execute(f"DELETE FROM {table}")  # noqa: S608
    return "every row taken away"


def _insert(connection: sqlite3.Connection, table: str, column: str, chance: random.Random) -> str:
    rows, (names, keys) = _rows(connection, table), _columns(connection, table)
    if not rows:
        return ""
    row = chance.choice(rows)
    row |= {name: altered(row[name], chance) for name in {*keys, column} if chance.random() < 0.7}
    marks = ", ".join("?" * len(names))
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))  # noqa: S608
    return f"row {[row[key] for key in keys]!r:.80} added"


def _trigger(connection: sqlite3.Connection, table: str, _: str, __: random.Random) -> str:
    connection.execute(f"CREATE TRIGGER planted AFTER INSERT ON {table} BEGIN SELECT 1; END")
    return "a trigger planted"


def _redefine(connection: sqlite3.Connection, table: str, column: str, chance: random.Random) -> str:
    """Another definition over the same rows, written into the file's own list of them."""
    (said,) = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", [table]).fetchone()
    part, other = chance.choice(
        [
            (f"{column} VARCHAR", f"{column} VARCHAR COLLATE NOCASE"),
            ("PRIMARY KEY", "CHECK (1), PRIMARY KEY"),
            (" NOT NULL", ""),
            (" NOT NULL", " NOT NULL DEFAULT 1"),
        ]
    )
    if part not in said:
        part, other = "PRIMARY KEY", "CHECK (2), PRIMARY KEY"
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", [said.replace(part, other, 1), table])
    return f"{part.strip()} defined as {other.strip()!r}"


WAYS: dict[str, Callable[[sqlite3.Connection, str, str, random.Random], str]] = {
    "update": _update,
    "exchange": _exchange,
    "delete": _delete,
    "insert": _insert,
    "clear": _clear,
    "trigger": _trigger,
    "redefine": _redefine,
}
SCHEMA = ("trigger", "redefine")
"""The ways that change no row."""
_DRAWN = ("update",) * 12 + ("exchange",) * 4 + ("delete",) * 4 + ("insert",) * 4 + ("clear", *SCHEMA)


class Bench:
    """One file that is brought back to the sound log before each mutation, page by page, and then checked from its
    first entry. Only what SQLAlchemy has made of statements is kept from one check to the next.
    """

    def __init__(self, sound: Path) -> None:
        self.file = sound.with_name("mutated.db")
        self._sound = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(sound)) as whole:
            whole.backup(self._sound)
        self.restore()
        self._database = Database(f"sqlite:///{self.file}")

    def restore(self) -> None:
        """Bring the file back."""
        with closing(sqlite3.connect(self.file)) as into:
            self._sound.backup(into)

    def check(self) -> Report | None:
        """Check it; ``None`` where it cannot be read."""
        try:
            return verify(self._database, long_log.ORIGIN, long_log.LOG.verifier)
        except LogUnavailable:
            return None

    def close(self) -> None:
        """Let go of everything."""
        self._database.close()
        self._sound.close()


def is_right(said: Mutation | None, report: Report | None) -> bool:
    """Whether a mutation was found and told where, or a clean copy raised no alarm."""
    return report is not None and report.sound if said is None else report is None or not report.sound


def each_column(sound: Path) -> Iterator[tuple[tuple[str, str], Mutation | None, Report | None]]:
    """Change one value of every column of every table, one at a time, and check; without a mutation: nothing could be
    changed, since the table has no row.
    """
    bench = Bench(sound)
    for number, cell in enumerate(CELLS):
        chance, said = random.Random(number), None
        for _ in range(30):
            bench.restore()
            said = mutate(bench.file, chance, cell, "update")
            if said is not None:
                break
        yield cell, said, bench.check()
    bench.close()
