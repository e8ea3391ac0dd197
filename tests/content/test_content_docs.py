"""The page on content names every code that the code can give."""

from pathlib import Path

import pytest

from gateway.content.check import Refusal
from gateway.content.doubts import Doubt

PAGE = (Path(__file__).parents[2] / "docs" / "content.md").read_text()


@pytest.mark.parametrize("code", [*Doubt, *Refusal])
def test_every_doubt_and_every_refusal_has_its_row_in_the_page(code):
    assert f"| `{code}` |" in PAGE


def test_every_file_that_the_page_names_exists_in_the_package():
    package = Path(__file__).parents[2] / "gateway" / "content"
    named = {word.strip("`,()") for word in PAGE.split() if word.strip("`,()").endswith(".py")}
    assert {name for name in named if "/" not in name} <= {source.name for source in package.glob("*.py")}
