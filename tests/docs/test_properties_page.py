"""The page of properties names tests; every one of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "properties.md").read_text(encoding="utf-8"))


def test_the_page_names_a_test_for_every_property_it_lists():
    properties = re.findall(r"^- ", (ROOT / "docs" / "properties.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(NAMED) == len(properties) > 20


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_the_page_of_properties_names_exists(file: str, name: str):
    assert re.search(rf"def {name}\(", (ROOT / file).read_text(encoding="utf-8"))
