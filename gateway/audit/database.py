"""Where the log's bytes are kept: all that differs between SQLite and PostgreSQL, and nothing else.

A :class:`Database` gives write transactions that exclude each other over all processes, and read transactions
that see one moment. Any failure closes it, and the next use opens it afresh: a connection that has failed is
never used again. SQLite writes in WAL mode with synchronous=FULL: a commit returns after the log file is
synced; who only reads leaves a file as it is, so that a copy can be checked where nothing can be written. PostgreSQL
gives the same promise where its settings do, and each write transaction asks for them again, since a server takes new
ones while it runs: one whose commit may return before the sync takes no entries.

The SQLite file is looked at before every transaction. One that was moved, replaced or write-protected since
it was opened is a failure, although the open descriptor would go on working: what is written there would not
be found.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Error as SqliteError
from sqlite3 import connect
from threading import Lock
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, TextClause, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from gateway.audit.errors import LogAltered, LogUnavailable

HINTS = {
    "SQLITE_BUSY": "Another process holds the log's write lock. Find and end it; nothing else needs doing.",
    "SQLITE_LOCKED": "Another process holds the log's write lock. Find and end it; nothing else needs doing.",
    "SQLITE_FULL": "The disk is full. Make room; the log goes on by itself.",
    "SQLITE_IOERR": "The disk failed a read or write. See the system's log, and check the disk.",
    "SQLITE_READONLY": "The log's file or folder cannot be written. Let the gateway's user write it.",
    "SQLITE_CANTOPEN": "The log's folder is missing, or not accessible: create it, or correct the URL. On a read-only "
    "medium a copy can be read that `relgate audit backup` made, and no bare copy of the file.",
    "SQLITE_NOTADB": "The file is not a SQLite database. Correct the URL, or restore a verified copy.",
    "SQLITE_CORRUPT": "The database file is damaged. Keep it as evidence and restore a verified copy.",
}
POSTGRES_LOCK = 0x72656C67617465  # "relgate": the advisory lock that writers of one database share
POSTGRES_DURABLE = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),  # in each the server's own disk has it
    "data_sync_retry": ("off",),  # a failed sync ends the server, which then recovers from its log
}
"""What a server's settings must be, so that what it called committed is there after a loss of power."""
WAL_PAGES = 4000
"""Pages (4 KiB) after which SQLite carries its write-ahead log over into the database, while a commit waits for it. An
entry's words go to some twenty pages, many of which the next entries touch again: at four times SQLite's own number
each of them is carried over less often; far more would make the one commit that does it wait longer.
"""
LOST_SYNC = frozenset({"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"})
"""After these nobody can say what is on the disk: the kernel may have dropped what it could not write."""

Rows = list[tuple[Any, ...]]
Look = Callable[[str, Mapping[str, object]], Rows]
"""Carries out one SELECT, its parameters named ``:name``, and gives all its rows."""


class Database:
    """One process's access to the store. Safe to use from several threads.

    ``url`` is an SQLAlchemy URL: ``sqlite:///var/audit.db`` or ``postgresql+psycopg://...``. ``busy_timeout``
    is how many seconds to wait for another process's write transaction. With ``create`` False a missing file
    is a failure.
    """

    def __init__(self, url: str, *, busy_timeout: float = 5.0, create: bool = False) -> None:
        try:
            self._url: URL = make_url(url)
        except ArgumentError as error:
            raise LogUnavailable("open", f"{url!r} is no database URL", hint="sqlite:///path/audit.db") from error
        self._busy_timeout = busy_timeout
        self._create = create
        self._engine: Engine | None = None
        self._glancing: SqliteConnection | None = None
        self._glance_turn = Lock()
        self._file: Path | None = None
        self._seen: tuple[int, int] | None = None
        self._read_only = False  # whether the file was when it was last looked at
        self.lost_sync = False
        if self._url.get_backend_name() == "sqlite":
            if not self._url.database or self._url.database == ":memory:":
                raise LogUnavailable("open", "an audit log in memory keeps nothing", hint="Name a file.")
            self._file = Path(self._url.database)
        elif self._url.get_backend_name() != "postgresql":
            raise LogUnavailable("open", f"{self._url.get_backend_name()} is not supported", hint="Use SQLite.")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction: begun when no other is under way, durable when the block has ended without
        error.
        """
        with self._transaction("write") as connection:
            yield connection
            # A crash before this commit leaves nothing of the transaction (SQLite drops frames that no commit
            # closes; PostgreSQL never made it visible). A crash after it, before the answer, leaves
            # all of it: an entry for something that never left, which is the safe side.
            connection.commit()

    @contextmanager
    def reading(self, moment: str = "") -> Iterator[Connection]:
        """A read transaction that sees the store as of one moment: that of its first statement, or the ``moment`` that
        another transaction has named (:meth:`moment`).
        """
        with self._transaction("read") as connection:
            if moment:
                connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{moment}'")
            yield connection

    def moment(self, connection: Connection) -> str:
        """A name for the moment that a read transaction sees, for as long as it lasts; empty where the store has none
        to give, which is SQLite (:meth:`commits_of_others` then tells whether two transactions see the same).
        """
        if self._file is not None:
            return ""
        return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())

    def commits_of_others(self) -> int:
        """A number that is another whenever somebody has committed since it was asked for the last time. Of use with
        SQLite alone: between two that are equal, every transaction has begun at the same moment.
        """
        return 0 if self._file is None else int(self.glance("PRAGMA data_version", {})[0][0])

    def glance(self, statement: str, said: Mapping[str, object]) -> Rows:
        """All rows of one SELECT (a :data:`Look`), read by itself and with as little as the store's driver needs.

        For what is asked at every request. A single SELECT sees one moment without a transaction around it.
        """
        if self._file is None:
            with self.reading() as connection:
                return looking(connection)(statement, said)
        try:
            self._look_at_file(self._file, "read")
            with self._glance_turn:
                if self._glancing is None:
                    self._glancing = self._connect_to_glance(self._file)
                return self._glancing.execute(statement, said).fetchall()
        except (SqliteError, OSError, OverflowError) as error:
            self.close()
            self._explain("read", error)
        except LogUnavailable:
            self.close()
            raise

    def __reduce__(self) -> tuple[Callable[[str, float], Database], tuple[str, float]]:
        """Handed to another process, it is that process's own access to the same store."""
        return _again, (self._url.render_as_string(hide_password=False), self._busy_timeout)

    def close(self) -> None:
        """Let go of every connection. The next use opens the store again."""
        with self._glance_turn:  # never under a statement of another thread: the driver does not survive that
            glancing, self._glancing = self._glancing, None
            if glancing is not None:
                glancing.close()
        self._seen = None
        if self._engine is not None:
            self._engine.dispose()  # what it keeps is how its statements read, which no failure changes

    @contextmanager
    def _transaction(self, purpose: str) -> Iterator[Connection]:
        try:
            engine = self._opened(purpose)
            with engine.connect() as plain:
                yield plain.execution_options(gateway_purpose=purpose)
                # Without a commit, leaving this block rolls back.
        except (SQLAlchemyError, OSError, UnicodeDecodeError, OverflowError) as error:
            self.close()
            self._explain(purpose, error)
        except LogUnavailable:
            self.close()
            raise

    def _opened(self, purpose: str) -> Engine:
        """The engine, opened if it is not, once its file has been found to be where and what it was."""
        if self._file is not None:
            self._look_at_file(self._file, purpose)
        if self._engine is None:
            self._engine = self._connect()
        return self._engine

    def _look_at_file(self, file: Path, purpose: str) -> None:
        if self._create and self._seen is None and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        try:
            found = file.stat()
        except FileNotFoundError as error:
            hint = "Put the log's file back."
            raise LogUnavailable("open", f"{file} is not there", hint=hint, code="file_missing") from error
        if self._seen not in (None, (found.st_dev, found.st_ino)):
            hint = "Put that one back; or, where the one that is there is right, check it and restart."
            what = f"{file} is no longer the file that was opened"
            raise LogUnavailable(purpose, what, hint=hint, code="file_replaced")
        # For root every file is writable: the mode is still what its owner meant.
        writable = bool(found.st_mode & stat.S_IWUSR) and os.access(file, os.W_OK)
        if writable and self._read_only:
            self.close()  # what was opened meanwhile can read and no more
            for beside in (file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
                with suppress(OSError):  # SQLite made them meanwhile with the mode that the file then had
                    beside.chmod(stat.S_IMODE(found.st_mode))
        self._read_only = not writable
        if purpose == "write" and not writable:
            hint = HINTS["SQLITE_READONLY"]
            raise LogUnavailable("write", f"{file} is read-only", hint=hint, code="file_read_only")
        self._create = False  # from here on a missing file is a loss, not a beginning
        self._seen = (found.st_dev, found.st_ino)

    def _connect(self) -> Engine:
        if self._file is None:
            try:
                engine = create_engine(self._url, isolation_level="REPEATABLE READ", pool_pre_ping=True)
            except ImportError as error:
                hint = "Install it: python -m pip install 'psycopg[binary]'."
                what = f"the driver {error.name} is not installed"
                raise LogUnavailable("open", what, hint=hint, code="driver_missing") from error
            event.listen(engine, "begin", self._begin_postgres)
        else:
            engine = create_engine(self._url)
            event.listen(engine, "connect", self._prepare_sqlite)
            event.listen(engine, "begin", self._begin_sqlite)
        return engine

    def _connect_to_glance(self, file: Path) -> SqliteConnection:
        uri = f"{file.absolute().as_uri()}?mode=rw"
        glancing = connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        glancing.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout * 1000)}")
        glancing.execute("PRAGMA trusted_schema = OFF")
        return glancing

    def _prepare_sqlite(self, connection: SqliteConnection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
        connection.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout * 1000)}")
        connection.execute("PRAGMA synchronous = FULL")  # EXTRA adds nothing to it in WAL mode
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")

    @staticmethod
    def _begin_sqlite(connection: Connection) -> None:
        if connection.get_execution_options().get("gateway_purpose") != "write":
            connection.exec_driver_sql("BEGIN")  # and nothing is written, the file's own header included
            return
        if "wal" not in connection.info:
            mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar_one()
            if mode != "wal":
                raise LogUnavailable("open", f"SQLite keeps journal mode {mode}, not WAL", hint="Use a local disk.")
            connection.info["wal"] = True
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _begin_postgres(self, connection: Connection) -> None:
        if connection.get_execution_options().get("gateway_purpose") == "write":
            # Each statement sees what was committed before it, and the lock comes first: so the head that is
            # read is the one the last holder of the lock left.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(self._busy_timeout * 1000)}")
            asked = ", ".join(f"current_setting('{name}')" for name in POSTGRES_DURABLE)
            locked = f"SELECT pg_advisory_xact_lock({POSTGRES_LOCK}), {asked}"
            _, *settings = connection.exec_driver_sql(locked).one()
            _check_durable(dict(zip(POSTGRES_DURABLE, settings, strict=True)))

    def _explain(self, purpose: str, error: Exception) -> NoReturn:
        """Say what failed in words, with what to do; the driver's own error stays as the cause."""
        origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        if "Could not decode to UTF-8" in str(origin):  # the driver's words for a value that somebody wrote past us
            raise LogAltered("database file", f"holds text that is none: {origin}") from error
        # The driver reads SQLite's own words for what is damaged as UTF-8, and they may quote what is damaged.
        damaged = "SQLITE_CORRUPT" if isinstance(origin, UnicodeDecodeError) else ""
        name = str(getattr(origin, "sqlite_errorname", damaged))
        if name in LOST_SYNC:
            self.lost_sync = True
        hint = next((text for start, text in HINTS.items() if name.startswith(start)), "See the cause.")
        what = f"{origin} {f'({name})' if name else ''}".strip()
        raise LogUnavailable(purpose, what, hint=hint, code=name.lower()) from error


def _again(url: str, busy_timeout: float) -> Database:
    return Database(url, busy_timeout=busy_timeout)


def looking(connection: Connection) -> Look:
    """A :data:`Look` within a transaction."""
    return lambda statement, said: [tuple(row) for row in connection.execute(_text(statement), said)]


@lru_cache(maxsize=512)
def _text(statement: str) -> TextClause:
    """The statement for SQLAlchemy: only one that is the same again costs nothing to make."""
    return text(statement)


def _check_durable(settings: Mapping[str, str]) -> None:
    """Raise :class:`LogUnavailable` for a PostgreSQL server that may lose what it called committed."""
    for name, allowed in POSTGRES_DURABLE.items():
        if settings[name] not in allowed:
            raise LogUnavailable(
                "write",
                f"the PostgreSQL server has {name} = {settings[name]}: a loss of power may take acknowledged entries",
                hint=f"Set {name} = {allowed[0]} for the server, the database and the gateway's role.",
                code="not_durable",
            )
