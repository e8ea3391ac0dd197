"""Changes to a log's database by somebody who may do everything there, drawn from a seed and knowing no table by name.

A mutation changes, adds, removes or exchanges values of any column of any row of any table, with any value, or plants a
trigger. Checking the log must find each of them, but for :data:`UNSIGNED`: what stands beside the log and speaks of
nothing that it says.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

Value = int | float | str | bytes | None

UNSIGNED = {
    "cosigned": "cosignature lines of witnesses: taken away, a receipt lacks them; made, they verify by no witness key",
    "usage": "how much of a volume a partner has had: every record still passes its gates and is in the log",
    "open_releases.instance": "which gateway writes the interruption of a release that it left open",
}
"""What no check of a log finds by itself, and what that does."""

ODD: Sequence[Value] = (None, 0, -1, 1, 10**12, 1.5, "", "zzz", b"", b"\0" * 32)


def mutate(file: Path, chance: random.Random) -> str:
    """Change one thing in a database; what was changed, or ``""`` where nothing came of it."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = chance.choice(sorted(set(names) - UNSIGNED.keys()))
        before = dump(connection, table)
        said = chance.choice(_WAYS)(connection, table, chance)
        changed = said.startswith("trigger") or dump(connection, table) != before
    except (sqlite3.Error, OverflowError):
        return ""  # a constraint held: nothing was changed
    finally:
        connection.close()
    return said if changed else ""


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
    names = [row[1] for row in found if f"{table}.{row[1]}" not in UNSIGNED]
    return names, [row[1] for row in found if row[5]]


def _rows(connection: sqlite3.Connection, table: str, names: Sequence[str]) -> list[Row]:
    rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}")  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in rows]


def _set(connection: sqlite3.Connection, table: str, keys: list[str], row: Row, name: str, to: Value) -> None:
    where = " AND ".join(f"{key} IS ?" for key in keys)
    statement = f"UPDATE {table} SET {name} = ? WHERE {where}"  # noqa: S608
    connection.execute(statement, [to, *(row[key] for key in keys)])


def _update(connection: sqlite3.Connection, table: str, chance: random.Random) -> str:
    names, keys = _columns(connection, table)
    rows, name = _rows(connection, table, names), chance.choice(names)
    if not rows:
        return ""
    row = chance.choice(rows)
    to = altered(row[name], chance)
    _set(connection, table, keys, row, name, to)
    return f"{table}.{name} of {[row[key] for key in keys]} to {to!r:.60}"


def _exchange(connection: sqlite3.Connection, table: str, chance: random.Random) -> str:
    names, keys = _columns(connection, table)
    rows, others = _rows(connection, table, names), [name for name in names if name not in keys]
    if len(rows) < 2 or not others:
        return ""
    one, other = chance.sample(rows, 2)
    name = chance.choice(others)
    _set(connection, table, keys, one, name, other[name])
    _set(connection, table, keys, other, name, one[name])
    return f"{table}.{name} of two rows exchanged"


def _delete(connection: sqlite3.Connection, table: str, chance: random.Random) -> str:
    names, keys = _columns(connection, table)
    rows = _rows(connection, table, names)
    if not rows:
        return ""
    row = chance.choice(rows)
    where = " AND ".join(f"{key} IS ?" for key in keys)
    connection.execute(f"DELETE FROM {table} WHERE {where}", [row[key] for key in keys])  # noqa: S608
    return f"{table}: row {[row[key] for key in keys]} taken away"


def _clear(connection: sqlite3.Connection, table: str, _: random.Random) -> str:
    connection.execute(f"DELETE FROM {table}")  # noqa: S608
    return f"{table}: every row taken away"


def _insert(connection: sqlite3.Connection, table: str, chance: random.Random) -> str:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    _, keys = _columns(connection, table)
    rows = _rows(connection, table, names)
    if not rows:
        return ""
    row = chance.choice(rows)
    row |= {key: altered(row[key], chance) for key in keys if chance.random() < 0.7}
    marks = ", ".join("?" * len(names))
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))  # noqa: S608
    return f"{table}: a row {[row[key] for key in keys]} added"


def _trigger(connection: sqlite3.Connection, table: str, chance: random.Random) -> str:
    connection.execute(f"CREATE TRIGGER planted AFTER INSERT ON {table} BEGIN SELECT 1; END")
    return f"trigger on {table}"


_WAYS: Sequence[Callable[[sqlite3.Connection, str, random.Random], str]] = (
    *([_update] * 12),
    *([_exchange] * 4),
    *([_delete] * 4),
    *([_insert] * 4),
    _clear,
    _trigger,
)
