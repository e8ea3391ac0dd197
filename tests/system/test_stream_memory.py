"""A body of many times what a gateway may hold passes through one in a process of its own; `make stream-5gb` is longer.

The records here are wide, so that more than a hundred megabytes take seconds.
"""

from __future__ import annotations

from pathlib import Path

from tests.system.stream_campaign import run


def test_a_body_passes_filtered_and_sealed_in_flat_memory_and_every_chunk_is_in_the_log(tmp_path: Path) -> None:
    assert run(tmp_path, 120_000_000, records=200, wider=60_000)
