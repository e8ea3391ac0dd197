"""The drill finds every tampering, shows where, and raises no alarm over a clean copy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gateway.audit import tables
from tests.audit.tamper_drill import ALONE, OUTSIDE, drill


def test_every_tampering_of_the_drill_is_found_and_located_and_a_clean_copy_raises_no_alarm(tmp_path: Path):
    results = list(drill(tmp_path))
    assert [result for result in results if not result.right] == []
    assert all(result.where for result in results if result.must_be_found)
    groups = Counter(result.group for result in results)
    assert groups["SQL"] >= 40
    assert groups["folder"] >= 12
    assert groups["each column"] == len(tables.metadata.tables)
    assert [result.found for result in results if result.group == ALONE] == [False, False, False]
    assert [result.found for result in results if result.group == OUTSIDE] == [True, True, True]
