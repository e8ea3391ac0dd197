"""The package by itself: no third-party import, no network, no clock, and it still answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import datetime, socket, sys, time

def forbidden(*args, **kwargs):
    raise AssertionError("the markings asked the clock or the network")

socket.socket = socket.create_connection = socket.getaddrinfo = forbidden
time.time = time.monotonic = time.time_ns = forbidden

class Clock(datetime.datetime):
    now = utcnow = today = classmethod(forbidden)

class Calendar(datetime.date):
    today = classmethod(forbidden)

datetime.datetime, datetime.date = Clock, Calendar

from gateway import markings

udl = markings.profile("udl")
labels = [markings.parse_portion(text, udl) for text in ("U", "S//REL TO USA, FVEY", "C//REL TO USA, NATO")]
whole = markings.roll_up(labels, udl)
assert whole.portion() == "S//REL TO USA, CAN, GBR"
assert markings.validate(whole, at=Calendar(2026, 1, 1)) == ()
assert markings.releasable_to(whole, at=Calendar(2026, 1, 1)) == {"USA", "CAN", "GBR"}
mine = {name.partition(".")[0] for name in sys.modules if not name.startswith("_")}
print(" ".join(sorted(mine - set(sys.stdlib_module_names) - {"gateway"})))
print(" ".join(sorted(name for name in sys.modules if name.startswith("gateway.") and "mark" not in name)))
"""


def test_the_package_alone_answers_with_clock_and_network_patched_to_raise(tmp_path: Path) -> None:
    """Copied to an empty folder with nothing but the outer package's own file beside it, and run in a fresh interpreter
    without site-packages: neither another layer nor a third party's package is there to be imported.
    """
    (tmp_path / "gateway").mkdir()
    shutil.copy(ROOT / "gateway" / "__init__.py", tmp_path / "gateway")
    shutil.copytree(ROOT / "gateway" / "markings", tmp_path / "gateway" / "markings")
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{PROGRAM}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    foreign, other_layers = done.stdout.split("\n")[:2]
    assert foreign == ""
    assert other_layers == ""
