"""The page on labels says what the code does: its examples run and load, every rule and doubt stands on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.markings.binding import BindingDoubt
from tests.policy.worked import changed, edited

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
MODULES = (
    *(ROOT / "gateway" / "markings" / "spif").glob("*.py"),
    *(
        ROOT / "gateway" / "markings" / f"{name}.py"
        for name in ("xmltree", "stanag", "stanagxml", "stanagjson", "strictjson", "ismforms", "equivalence")
    ),
)


def test_the_example_on_the_page_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(compile(example, "docs/labels.md", "exec"), {})  # noqa: S102 - our own page


def test_every_rule_of_these_modules_is_explained_on_the_page() -> None:
    named = {
        rule
        for path in MODULES
        for rule in re.findall(r'"((?:XML|LABEL|CLEARANCE|JSON|ISM|SPIF|LEVEL)(?:-[A-Z]+)+)"', path.read_text("utf-8"))
    }
    assert len(named) > 60
    assert sorted(rule for rule in named if rule not in PAGE) == []


def test_every_doubt_about_a_binding_is_on_the_page() -> None:
    assert all(f"`{doubt}`" in PAGE for doubt in BindingDoubt)


def test_every_tolerated_departure_is_on_the_page() -> None:
    found = {code for path in MODULES for code in re.findall(r'tolerate\("([a-z-]+)"', path.read_text("utf-8"))}
    assert found
    assert all(f"`{code}`" in PAGE for code in found)


def test_the_level_row_on_the_page_loads_in_a_partner_file() -> None:
    (row,) = (block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if block.startswith("[[level]]"))
    path = "policies/partners/JPN.toml"
    compiled = changed({path: edited(path, "# 6. What is authorised", row + "\n# 6. What is authorised")})
    assert len(compiled.policy_set.partners["JPN"].levels.rows) == 1
