"""Start the sample source and the gateway as processes of their own, wait until they answer, stop them in order."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0


@dataclass(eq=False, slots=True)
class NotStarted(Exception):
    """Something does not run: ``what``, ``why``, and ``hint`` how to mend it."""

    what: str
    why: str
    hint: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


def check_free(what: str, port: int, variable: str) -> None:
    """Raise :class:`NotStarted` when somebody listens on a port already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise NotStarted(
                what,
                f"port {port} on 127.0.0.1 cannot be taken ({error.strerror})",
                f"Stop what uses it, or choose another: make run {variable}={port + 1}",
            ) from error


@contextmanager
def running(what: str, command: list[str], health: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module as a process whose output goes to ``log``, from its first good answer to the block's end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours: we stop the others in order
        )
    try:
        _wait_until_healthy(what, process, health, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(what: str, process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NotStarted(what, f"ended with exit code {process.returncode}:\n{_end_of(log)}", f"See {log}.")
        try:
            with urllib.request.urlopen(health, timeout=2) as answer:  # noqa: S310 - an http address we made
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise NotStarted(what, f"gave no good answer at {health} within {START_SECONDS:.0f} s", f"See {log}.")


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
    return "\n".join(f"    {line}" for line in lines)
