"""``python -m gateway serve`` as an operator runs it: a process of its own, from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from demo.stage import Stage

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(stage: Stage, under: Sequence[str] = ()) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and where it answers; ``under`` is a command that runs it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RELGATE_CHUNK_BYTES": "4096", "RELGATE_LOG_LEVEL": "error"}
    command = [*under, sys.executable, "-m", "gateway", "--config", str(stage.config), "serve"]
    with subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        try:
            said = iter(running.stderr.readline, "")
            yield running, next(line.split()[2] for line in said if line.startswith("serving on "))
        finally:
            running.kill()
