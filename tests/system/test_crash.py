"""A gateway that is killed under load: whatever a partner received stands in the log, and the next start goes on."""

from __future__ import annotations

import random
import signal

import pytest

from demo.stage import Stage
from gateway.service import now
from sample_source.serve import Served
from tests.system.acting import START
from tests.system.killing import Killing, Load, leaves_since, missing_from_log, reading, set_stage
from tests.system.serving import serving

KILLS = 8
"""``make kill`` does it 1,000 times."""


@pytest.fixture(scope="module")
def staged(stage: Stage, source: Served) -> Stage:
    """A stage whose policy set is in force and whose gateway may start."""
    set_stage(stage, source.base_url)
    return stage


def test_kills_under_load_lose_no_entry_of_anything_that_was_received(staged: Stage) -> None:
    token = staged.token("GBR", purpose="collision-avoidance", at=START)
    killing = Killing(staged, random.Random(5), token)
    # As many more as it takes to hit an answer in its middle: how soon that is depends on the machine.
    while killing.kills < KILLS or (not killing.left_open and killing.kills < 20 * KILLS):
        killing.kill_under_load()
        if killing.kills % 4 == 0:
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
