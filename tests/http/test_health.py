"""With the log unwritable nothing leaves, readiness says so, and the gateway goes on by itself when it can."""

import io
import json
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from gateway.audit.backup import back_up
from tests.support.loopback import ELSETS, Loopback, loopback

Trouble = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    file.chmod(0o400)
    yield
    file.chmod(0o600)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def no_more_bytes(file: Path) -> Iterator[None]:
    """No file of this process may grow beyond what the log's newest part has by now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.with_name(file.name + "-wal").stat().st_size, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    ballast = file.with_name("ballast")
    with ballast.open("wb", buffering=0) as growing, pytest.raises(OSError, match="No space left"):
        while True:
            growing.write(b"x" * 4096)
    yield
    ballast.unlink()


@contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where this process may mount one."""
    at.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", at], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this process may not mount a small disk")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", at], check=True)


ASKED = (
    ("GBR", ELSETS),
    ("JPN", ELSETS),
    ("GBR", "/udl/elset/count" + ELSETS.removeprefix("/udl/elset")),
    ("GBR", "/udl/elset/queryhelp"),
    ("GBR", "/udl/elset/none"),
    ("GBR", "/nothing"),
    ("NOR", "/udl/notification?createdAt=%3E2000-01-01T00:00:00Z"),
    ("GBR", "/releases/none/receipt"),
)


def assert_nothing_leaves_and_it_recovers_by_itself(here: Loopback, file: Path, trouble: Trouble) -> None:
    log = here.gateway.service.log
    assert here.get(ELSETS).status == 200
    size = log.size()
    with trouble(file):
        for partner, path in ASKED:
            answer = here.get(path, partner, Accept="*/*")
            assert (answer.status, answer.code) == (503, "audit_unavailable"), path
            assert answer.headers["retry-after"] == "5"
            for content in (b"classificationMarking", b"eyJ", b"idElset", str(file).encode(), b"sqlite", b"database"):
                assert content not in answer.body
            assert "link" not in answer.headers
        assert here.send(ELSETS, token=None).code == "audit_unavailable"
        assert here.ready() == (503, ["audit_unavailable"])
        assert here.client.get("/healthz").json() == {"status": "alive"}
        assert log.size() == size
    assert here.ready() == (200, [])
    (resumed,) = log.entries(size - 1, 10)
    assert resumed.leaf.outcome == "resumed"
    answer = here.get(ELSETS)
    assert (answer.status, here.entry(answer).leaf.outcome) == (200, "released")
    assert log.verify().sound


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(read_only, "file_read_only"), (locked, "sqlite_busy"), (no_more_bytes, "sqlite_ioerr_write")],
)
def test_with_the_log_unwritable_nothing_leaves_and_the_gateway_recovers_by_itself(
    tmp_path: Path, keys: Path, log_lines: io.StringIO, trouble: Trouble, reason: str
):
    begun = log_lines.tell()
    with loopback(tmp_path / "var", keys, busy_timeout_ms=50) as here:
        assert_nothing_leaves_and_it_recovers_by_itself(here, tmp_path / "var" / "audit.sqlite3", trouble)
    lines = [json.loads(line) for line in log_lines.getvalue()[begun:].splitlines()]
    assert [line["reason"] for line in lines if line["event"] == "audit-unavailable"] == [reason], "once, not each time"


def test_a_log_file_replaced_by_another_takes_no_entry_and_the_log_line_says_so(
    tmp_path: Path, keys: Path, log_lines: io.StringIO
):
    begun = log_lines.tell()
    file = tmp_path / "var" / "audit.sqlite3"
    with loopback(tmp_path / "var", keys) as here:
        assert here.get(ELSETS).status == 200
        back_up(f"sqlite:///{file}", tmp_path / "copy")
        (tmp_path / "copy").replace(file)
        assert (here.get(ELSETS).status, here.get(ELSETS).code) == (503, "audit_unavailable")
    lines = [json.loads(line) for line in log_lines.getvalue()[begun:].splitlines()]
    assert [line["reason"] for line in lines if line["event"] == "audit-unavailable"] == ["file_replaced"]


def test_with_the_disk_full_nothing_leaves_and_the_gateway_recovers_by_itself(tmp_path: Path, keys: Path):
    with small_disk(tmp_path / "disk") as disk:
        file = disk / "audit.sqlite3"
        with loopback(tmp_path / "var", keys, log_url=f"sqlite:///{file}") as here:
            assert_nothing_leaves_and_it_recovers_by_itself(here, file, full_disk)


def test_with_the_log_gone_nothing_leaves_and_no_new_one_is_begun(tmp_path: Path, keys: Path):
    file = tmp_path / "var" / "audit.sqlite3"
    with loopback(tmp_path / "var", keys) as here:
        assert here.get(ELSETS).status == 200
        file.rename(file.with_name("elsewhere"))
        for partner, path in ASKED:
            answer = here.get(path, partner, Accept="*/*")
            assert (answer.status, answer.code) == (503, "audit_unavailable")
        assert here.ready() == (503, ["audit_unreadable"])
        assert not file.exists()
        file.with_name("elsewhere").rename(file)
        assert here.get(ELSETS).status == 200
        assert here.ready() == (200, [])


def test_one_log_that_is_asked_for_by_many_at_once_while_locked_refuses_each_of_them(tmp_path: Path, keys: Path):
    from concurrent.futures import ThreadPoolExecutor

    with loopback(tmp_path / "var", keys, busy_timeout_ms=50) as here:
        assert here.get(ELSETS).status == 200
        with locked(tmp_path / "var" / "audit.sqlite3"), ThreadPoolExecutor(8) as many:
            codes = list(many.map(lambda _: here.get(ELSETS).code, range(16)))
        assert set(codes) == {"audit_unavailable"}
        assert here.get(ELSETS).status == 200


def test_without_an_activated_policy_set_nothing_is_released_and_readiness_says_so(tmp_path: Path, keys: Path):
    with loopback(tmp_path / "var", keys, activated=False) as here:
        for partner, path in ASKED:
            answer = here.get(path, partner, Accept="*/*")
            assert (answer.status, answer.code) == (503, "policy_unavailable")
            assert here.entry(answer).leaf.outcome == "policy_unavailable"
        assert here.ready() == (503, ["policy_unavailable"])
        assert not here.source.seen


def test_readiness_says_that_a_development_gateway_is_one(here: Loopback):
    said = here.client.get("/readyz").json()
    assert said == {"status": "ready", "mode": "development", "problems": ["development_mode"]}
    assert os.fspath(here.gateway.stage.root) not in str(said)
