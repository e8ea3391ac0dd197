"""A store that cannot be written: nothing is acknowledged, everyone is told, and it goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.audit.checkpoint import SigningKey
from gateway.audit.database import Database
from gateway.audit.entry import Draft
from gateway.audit.errors import LogAltered, LogUnavailable
from gateway.audit.log import AuditLog
from gateway.audit.writer import Writer
from tests.support import traced

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
Drafts = Callable[..., Draft]
STORES = ["sqlite"]  # Files, locks and disks: these are SQLite's.


def names(log: AuditLog) -> list[str]:
    return [entry.leaf.release for entry in log.entries(limit=1000)]


@contextmanager
def held_lock(file: Path) -> Iterator[None]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_a_locked_database_refuses_every_waiter_and_recovers_by_itself(place, draft: Drafts):
    log = place.open(busy_timeout=0.2)
    await log.append(draft("before"))
    with held_lock(place.file):
        answers = await asyncio.gather(*(log.append(draft(f"r{n}")) for n in range(5)), return_exceptions=True)
        assert log.standing().number == 0
        assert log.receipt("before") is not None
    assert all(isinstance(answer, LogUnavailable) for answer in answers)
    assert len({id(answer) for answer in answers}) == 5
    assert "locked" in str(answers[0])
    assert "lock" in answers[0].hint
    await log.append(draft("after"))
    assert names(log) == ["before", "after"]
    assert log.verify().sound


async def test_a_lock_held_for_less_than_the_timeout_only_delays_the_answer(place, draft: Drafts):
    log = place.open(busy_timeout=30)
    with held_lock(place.file):
        waiting = asyncio.create_task(log.append(draft("patient")))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert (await waiting).index == 0


def test_a_read_only_file_refuses_while_open_and_on_opening_and_recovers(place, draft: Drafts):
    log = place.open()
    log.append_now([draft("before")])
    place.file.chmod(0o400)
    for _ in range(2):
        with pytest.raises(LogUnavailable, match="read-only") as refused:
            log.append_now([draft("never")])
        assert "write" in refused.value.hint
    with pytest.raises(LogUnavailable, match="read-only"):
        place.open()
    assert names(log) == ["before"]
    place.file.chmod(0o600)
    log.append_now([draft("after")])
    assert names(log) == ["before", "after"]


def test_a_disk_that_takes_no_more_bytes_refuses_and_recovers(place, draft: Drafts):
    log = place.open()
    log.append_now([draft("before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = place.file.with_name("audit.db-wal")
    limit = wal.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        for number in range(3):
            with pytest.raises(LogUnavailable):
                log.append_now([draft(f"never{number}", private={"much": "x" * limit})])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.append_now([draft("after")])
    assert names(log) == ["before", "after"]
    assert log.verify().sound


def test_a_full_file_system_refuses_says_so_and_recovers(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = f"mount -t tmpfs -o size=1m tmpfs {disk} && exec {sys.executable} {HERE / 'filler.py'} {disk}"
    probe = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", disk], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["findings"] == []
    assert said["size_when_full"] == said["acknowledged"]
    assert said["size_after"] == said["acknowledged"] + 1
    for failed, message, hint in said["failures"]:
        assert failed == "write"
        assert "full" in message
        assert "Make room" in hint


def test_a_file_that_was_moved_away_is_not_written_to_and_not_begun_anew(place, draft: Drafts):
    log = place.open()
    log.append_now([draft("before")])
    elsewhere = place.file.with_name("elsewhere.db")
    log.verify()
    place.file.rename(elsewhere)
    for _ in range(2):
        with pytest.raises(LogUnavailable, match="not there"):
            log.append_now([draft("never")])
        with pytest.raises(LogUnavailable, match="not there"):
            log.standing()
    assert not place.file.exists()
    elsewhere.rename(place.file)
    log.append_now([draft("after")])
    assert names(log) == ["before", "after"]


def test_a_file_replaced_by_an_older_copy_takes_no_more_entries(place, draft: Drafts):
    log = place.open()
    log.append_now([draft("a")])
    checkpoint_into_file(place.file)
    copy = place.file.with_name("copy.db")
    shutil.copy(place.file, copy)
    log.append_now([draft("b")])
    for rest in ("audit.db-wal", "audit.db-shm"):
        place.file.with_name(rest).unlink(missing_ok=True)
    copy.replace(place.file)
    with pytest.raises(LogUnavailable, match="no longer the file"):
        log.append_now([draft("c")])
    for _ in range(2):
        with pytest.raises(LogAltered, match="went back from 2 entries to 1"):
            log.append_now([draft("c")])


def test_a_file_replaced_by_another_history_takes_no_more_entries(place, draft: Drafts):
    log = place.open()
    log.append_now([draft("a")])
    checkpoint_into_file(place.file)
    copy = place.file.with_name("copy.db")
    shutil.copy(place.file, copy)
    log.append_now([draft("b")])
    fork = AuditLog.open(f"sqlite:///{copy}", origin=log.origin, key=place.key, identifier_key=place.identifiers)
    fork.append_now([draft("other"), draft("history")])
    fork.close()
    log.close()
    again = place.open()
    with pytest.raises(LogUnavailable):
        replace_and_append(again, place.file, copy, draft("c"))
    with pytest.raises(LogAltered, match="does not extend"):
        again.append_now([draft("c")])


def replace_and_append(log: AuditLog, file: Path, copy: Path, what: Draft) -> None:
    for rest in ("audit.db-wal", "audit.db-shm"):
        file.with_name(rest).unlink(missing_ok=True)
    copy.replace(file)
    log.append_now([what])


def checkpoint_into_file(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class BrokenCommit(Database):
    """A store whose commit fails on demand: ``"before"`` it took effect, or ``"after"``."""

    breaks = ""

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with super().writing() as connection:
            yield connection
            if self.breaks == "before":
                raise LogUnavailable("write", "broken before the commit")
        if self.breaks == "after":
            self.close()
            raise LogUnavailable("write", "broken after the commit")


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_a_commit_reported_failed_is_neither_repeated_nor_forgotten(place, draft: Drafts, breaks: str):
    key = SigningKey("gateway.example/log", place.key)
    store = BrokenCommit(place.url, create=True)
    writer = Writer(store, key.name, key, place.identifiers, "gateway")
    writer.open()
    log = AuditLog(writer, Database(place.url), key.name, key, place.identifiers)
    place.opened.append(log)
    log.append_now([draft("one")])
    store.breaks = breaks
    with pytest.raises(LogUnavailable):
        log.append_now([draft("two", last=False)])
    store.breaks = ""
    log.append_now([draft("three")])
    assert names(log) == (["one", "three"] if breaks == "before" else ["one", "two", "three"])
    assert log.verify().sound


async def test_a_fault_in_the_sequencer_itself_leaves_nobody_waiting(place, draft: Drafts):
    class Faulty(Writer):
        fault = True

        def commit(self, jobs):  # type: ignore[no-untyped-def]
            if self.fault:
                raise ZeroDivisionError
            return super().commit(jobs)

    key = SigningKey("gateway.example/log", place.key)
    writer = Faulty(Database(place.url, create=True), key.name, key, place.identifiers, "gateway")
    writer.open()
    log = AuditLog(writer, Database(place.url), key.name, key, place.identifiers)
    place.opened.append(log)
    with pytest.raises(LogUnavailable, match="sequencer"):
        await log.append(draft("one"))
    writer.fault = False
    await log.append(draft("two"))
    assert names(log) == ["two"]


def test_a_writer_that_lost_its_turn_writes_nothing(place, draft: Drafts):
    class Overtaken(Database):
        """Lets another writer's commit pass between reading the head and replacing it, as a lost lock would."""

        overtake = False

        @contextmanager
        def writing(self) -> Iterator[Connection]:
            with super().writing() as connection:
                yield Moved(connection) if self.overtake else connection  # type: ignore[misc]

    class Moved:
        def __init__(self, connection: Connection) -> None:
            self.connection = connection
            self.dialect = connection.dialect

        def execute(self, statement, *rest):  # type: ignore[no-untyped-def]
            if statement.is_dml and statement.table.name == "head":
                self.connection.execute(text("UPDATE head SET epoch = epoch + 1"))
            return self.connection.execute(statement, *rest)

        def exec_driver_sql(self, statement, *rest):  # type: ignore[no-untyped-def]
            return self.connection.exec_driver_sql(statement, *rest)

    key = SigningKey("gateway.example/log", place.key)
    store = Overtaken(place.url, create=True)
    writer = Writer(store, key.name, key, place.identifiers, "gateway")
    writer.open()
    log = AuditLog(writer, Database(place.url), key.name, key, place.identifiers)
    place.opened.append(log)
    log.append_now([draft("one")])
    store.overtake = True
    with pytest.raises(LogUnavailable, match="another writer moved the head"):
        log.append_now([draft("two")])
    store.overtake = False
    log.append_now([draft("three")])
    assert names(log) == ["one", "three"]
    assert log.verify().sound


@pytest.mark.skipif(bool(traced.MISSING), reason=traced.MISSING)
def test_after_one_failed_sync_nothing_is_acknowledged_until_a_restart(place):
    command = [sys.executable, HERE / "unsynced.py", place.url]
    done = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO:when=12", *command],
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert 0 < said["acknowledged"] < 20
    assert said["acknowledged_after_the_failure"] == 0
    assert "FSYNC" in said["failures"][0]
    assert all("nobody can say what is on it" in failure for failure in said["failures"][1:])
    assert said["findings"] == []
    assert said["size_after_restart"] >= said["acknowledged"]
