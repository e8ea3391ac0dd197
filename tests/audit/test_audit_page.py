"""The page on the audit log names every field and event there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.audit.entry import Event
from gateway.audit.leaf import Leaf
from gateway.audit.order_schemas import Account, Peer

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()

FORMS = (("peer", Peer), ("account", Account))


def rows_under(heading: str) -> list[str]:
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE)


def test_every_field_of_the_leaf_has_its_row_on_the_page():
    assert rows_under("Fields of the leaf") == list(Leaf.__struct_fields__)


def test_every_field_that_says_where_an_entry_came_from_has_its_row_on_the_page():
    section = PAGE.split("### Where an entry came from\n")[1].split("\n#")[0]
    said = re.findall(r"`([a-z_.]+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)))
    peer, account = ([f"{of}.{name}" for name in form.__struct_fields__] for of, form in FORMS)
    assert sorted(said) == sorted([*peer, *account, "addresses"])


def test_every_event_has_its_row_on_the_page():
    assert rows_under("Events") == [event.value for event in Event]
