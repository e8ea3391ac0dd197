"""The page of attacks names a test for each; every one of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)


def test_the_page_names_a_test_for_every_attack_it_lists():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| attack |")]
    assert len(NAMED) == len(rows) > 30


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_the_page_of_attacks_names_exists(file: str, name: str):
    assert re.search(rf"def {name}\(", (ROOT / file).read_text(encoding="utf-8"))
