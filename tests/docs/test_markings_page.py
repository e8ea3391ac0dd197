"""The page on markings says what the package does: its example runs, its rules and controls are the real ones."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from gateway import markings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "markings.md").read_text(encoding="utf-8")
CONTROLS = (ROOT / "docs" / "marking-controls.md").read_text(encoding="utf-8")
RULE = re.compile(r"\b(?:ISM-ID-\d{5}|[A-Z]+(?:-[A-Z]+)+)\b")


def test_the_example_on_the_page_runs_as_it_stands() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/markings.md", "exec"), {})  # noqa: S102 - our own page


def test_every_rule_in_the_code_is_explained_on_a_page() -> None:
    said = {rule for page in (ROOT / "docs").glob("*.md") for rule in RULE.findall(page.read_text(encoding="utf-8"))}
    named: set[str] = set()
    for path in (ROOT / "gateway" / "markings").glob("*.py"):
        named |= set(re.findall(r'"((?:ISM-ID-\d{5}|[A-Z]+(?:-[A-Z]+)+))"', path.read_text(encoding="utf-8")))
    assert named <= said


def test_every_profile_has_its_row_on_the_page() -> None:
    for name in markings.profile_names():
        assert f"| `{name}` |" in PAGE


def test_every_control_and_system_has_its_row_on_the_page_of_controls() -> None:
    for name in markings.profile_names():
        profile = markings.profile(name)
        for control in (*profile.words, *profile.systems):
            assert f"\n| {control} |" in CONTROLS


def test_the_page_of_controls_is_what_the_tables_write() -> None:
    found = importlib.util.spec_from_file_location("writer", ROOT / "tools" / "write_marking_controls.py")
    assert found is not None
    assert found.loader is not None
    writer = importlib.util.module_from_spec(found)
    found.loader.exec_module(writer)
    assert writer.page() == CONTROLS


def test_the_counts_on_the_page_are_those_of_the_tables() -> None:
    tables = markings.shipped_tables()
    retired = [each for each in tables.communities.values() if each.until is not None]
    withdrawn = [each for each in tables.countries.values() if each.until is not None]
    assert f"{len(tables.countries) - len(withdrawn)} codes of the ISM-2022 list, {len(withdrawn)} withdrawn" in PAGE
    assert f"{len(tables.communities)} of the ISM-2022 taxonomy, {len(retired)} of them retired" in PAGE
    assert f"the {sum(each.decomposable for each in tables.communities.values())} whose members" in PAGE
