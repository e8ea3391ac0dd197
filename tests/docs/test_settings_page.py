"""The page on settings is what the settings say of themselves."""

import re
import subprocess
import sys
from pathlib import Path

from gateway.settings.load import names

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"


def test_every_setting_has_its_heading_and_no_heading_lacks_its_setting():
    headings = re.findall(r"^## (\S+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(names())


def test_the_page_is_exactly_what_the_tool_writes_from_the_model():
    script = "import runpy; print(runpy.run_path('tools/write_settings_page.py')['page'](), end='')"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == PAGE.read_text(encoding="utf-8"), "run python tools/write_settings_page.py"
