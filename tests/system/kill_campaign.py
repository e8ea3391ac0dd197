"""Kill a gateway under load a thousand times over one log, and say whether anything that was received is missing.

    python -m tests.system.kill_campaign --kills 1000

The same as ``test_crash.py`` does twenty times: SIGKILL at random moments while four partners ask, now and then in the
middle of a start. Exit code 0 when nothing was wrong, 1 when something was.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from demo.stage import Stage
from sample_source.app import build_app
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.running import POLICIES
from tests.system.acting import START
from tests.system.killing import Killing, set_stage

RECORDS = 300
SAY_EVERY = 50


def main() -> int:
    """Run the kills and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "var", Path(folder) / "keys", POLICIES)
        stage.prepare("http://127.0.0.1:1")
        app = build_app(build_tables(RECORDS), stage.source_token.read_text().strip())
        with serving(app) as source:
            set_stage(stage, source.base_url)
            killing = Killing(stage, random.Random(given.seed), "")
            while killing.kills < given.kills and not killing.wrong:
                killing.token = stage.token("GBR", purpose="collision-avoidance", at=START)
                killing.kill_under_load()
                if killing.kills % 10 == 9:
                    killing.kill_while_starting()
                if killing.kills % SAY_EVERY == 0:
                    print(_said(killing, begun), flush=True)
            killing.end()
    print(_said(killing, begun))
    for wrong in killing.wrong:
        print(f"WRONG: {wrong}")
    return 1 if killing.wrong else 0


def _said(killing: Killing, begun: float) -> str:
    took = timedelta(seconds=round(time.monotonic() - begun))
    size = killing.held.size if killing.held else 0
    return (
        f"{killing.kills} kills in {took}: {killing.whole} answers received whole and {killing.cut} cut off, "
        f"{killing.chunks} chunks received, {killing.left_open} releases left open and {killing.closed} of them closed "
        f"as interrupted, {size} entries, {len(killing.wrong)} wrong"
    )


if __name__ == "__main__":
    sys.exit(main())
