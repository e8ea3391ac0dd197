"""A gateway that is killed under load: whatever a partner received stands in the log, and the next start goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.stage import Stage
from gateway.service import now
from sample_source.serve import Served
from tests.system.acting import START
from tests.system.killing import Killing, Load, leaves_since, missing_from_log, reading, set_stage

KILLS = 20
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def staged(stage: Stage, source: Served) -> Stage:
    """A stage whose policy set is in force and whose gateway may start."""
    set_stage(stage, source.base_url)
    return stage


def test_twenty_kills_under_load_lose_no_entry_of_anything_that_was_received(staged: Stage) -> None:
    token = staged.token("GBR", purpose="collision-avoidance", at=START)
    killing = Killing(staged, random.Random(5), token)
    while killing.kills < KILLS:
        killing.kill_under_load()
        if killing.kills % 7 == 0:
            killing.kill_while_starting()
    killing.end()
    assert killing.wrong == []
    assert killing.whole > KILLS
    assert killing.left_open > 0


def test_the_command_itself_is_killed_and_started_again_and_goes_on(staged: Stage) -> None:
    token = staged.token("GBR", purpose="collision-avoidance", at=now())
    for _ in range(2):
        with serving(staged) as (running, url):
            load = Load(url, token)
            with load.running(0):
                load.wait_for(5)
                running.send_signal(signal.SIGKILL)
        with reading(staged) as reader:
            assert reader.verify().findings == ()
            entered = leaves_since(reader, -1)
            assert [wrong for answer in load.answers if (wrong := missing_from_log(answer, entered))] == []


@contextmanager
def serving(stage: Stage) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``python -m gateway serve`` as an operator runs it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RELGATE_CHUNK_BYTES": "4096", "RELGATE_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "gateway", "--config", str(stage.config), "serve"]
    with subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        try:
            said = iter(running.stderr.readline, "")
            yield running, next(line.split()[2] for line in said if line.startswith("serving on "))
        finally:
            running.kill()
