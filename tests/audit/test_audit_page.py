"""The page on the audit log names every field and event there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.audit.entry import Event
from gateway.audit.leaf import Leaf

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()


def rows_under(heading: str) -> list[str]:
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE)


def test_every_field_of_the_leaf_has_its_row_on_the_page():
    assert rows_under("Fields of the leaf") == list(Leaf.__struct_fields__)


def test_every_event_has_its_row_on_the_page():
    assert rows_under("Events") == [event.value for event in Event]
