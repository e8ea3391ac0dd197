"""Make ``.venv`` from a hash-locked list of packages: ``run`` for the service and demo, ``dev`` for tests as
well.

Called by ``tools/bootstrap``, with the standard library alone. Packages are installed anew only when their
lock changed: a stamp in ``.venv`` holds the SHA-256 of each lock that is installed. ``dev`` holds all of
``run`` at the same versions (a test shows that both are exports of one ``uv.lock``), so it satisfies both.

Nothing of this tree is installed: an editable install would pull a build backend that no hash covers,
and so would a package that has to be built, hence wheels only. Commands run from the tree, and
``.venv/bin/relgate`` is a stub that does so from anywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
SATISFIES = {"run": ("run",), "dev": ("run", "dev")}
LOG_LINES = 15
SAY_EVERY_SECONDS = 5.0

STUB = """#!/bin/sh
# Runs the gateway's command from the tree that this virtual environment belongs to.
root=$(cd "$(dirname "$0")/../.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONPATH
exec "$root/.venv/bin/python" -m gateway "$@"
"""


def main(wanted: str) -> int:
    """Bring ``.venv`` up to date for ``wanted``; the exit code says whether it is."""
    if not _works():
        _make()
    if not _installed(wanted) and not _install(wanted):
        return 1
    stub = VENV / "bin" / "relgate"
    if not stub.exists() or stub.read_text(encoding="utf-8") != STUB:
        stub.write_text(STUB, encoding="utf-8")
        stub.chmod(0o755)
    return 0


def _works() -> bool:
    """Whether .venv has a Python that starts, is new enough and has pip."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-I", "-c", check], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make() -> None:
    version = ".".join(str(part) for part in sys.version_info[:3])
    print(f"Making a virtual environment in .venv (Python {version}) ...", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)


def _installed(wanted: str) -> bool:
    stamp = VENV / f".installed-{wanted}"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _digest(LOCKS[wanted])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _install(wanted: str) -> bool:
    """Install the lock with pip, showing how far it is; on failure show the end of what pip said."""
    lock = LOCKS[wanted]
    for stamp in VENV.glob(".installed-*"):
        stamp.unlink()
    total = len(re.findall(r"^\S+==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    print(f"Installing {total} packages from {lock.name} (once, until the lock changes) ...", flush=True)
    log, code = _pip(lock, total)
    if code != 0:
        print("\n".join(log[-LOG_LINES:]), file=sys.stderr)
        print(f"\npip could not install {lock.name}. Is the package index reachable?", file=sys.stderr)
        print("  behind a mirror: PIP_INDEX_URL=https://... make ...", file=sys.stderr)
        return False
    for satisfied in SATISFIES[wanted]:
        (VENV / f".installed-{satisfied}").write_text(_digest(LOCKS[satisfied]), encoding="utf-8")
    return True


def _pip(lock: Path, total: int) -> tuple[list[str], int]:
    """Run pip and say every few seconds (on a terminal: at once) which package it is at; (its lines, its
    code).
    """
    command = [str(PYTHON), "-I", "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input"]
    command += ["--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(lock)]
    environment = os.environ | {"PIP_USER": "0"}
    log: list[str] = []
    seen, last_said = 0, time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as pip:
        for line in pip.stdout or ():
            log.append(line.rstrip())
            fetched = re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line)
            seen += bool(fetched)
            step = f"{seen}/{total} {fetched[1].split('==')[0]}" if fetched else "writing the packages"
            if not fetched and not line.startswith("Installing collected"):
                continue
            if sys.stdout.isatty():
                print(f"\r\033[K  {step}", end="", flush=True)
            elif time.monotonic() - last_said > SAY_EVERY_SECONDS or not fetched:
                print(f"  {step}", flush=True)
                last_said = time.monotonic()
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)
    return log, pip.returncode


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: tools/bootstrap run|dev")
    sys.exit(main(sys.argv[1]))
