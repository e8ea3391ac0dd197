"""Write ``docs/problems/<code>.md`` for every problem code; a test shows that the pages are what this writes."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.http.pages import problem_page  # noqa: E402 - after the path is set
from gateway.refusals import PROBLEMS  # noqa: E402

PAGES = ROOT / "docs" / "problems"


def main() -> None:
    """Write every page, and remove those of codes that are no more."""
    PAGES.mkdir(exist_ok=True)
    for page in PAGES.glob("*.md"):
        if page.stem not in PROBLEMS:
            page.unlink()
    for code, problem in PROBLEMS.items():
        (PAGES / f"{code}.md").write_text(problem_page(problem), encoding="utf-8")


if __name__ == "__main__":
    main()
