"""Check that the requirement files are exactly what uv exports from ``uv.lock``; needs no network.

``make lock`` writes them; a hand-edited or forgotten export is found here, in the tests and in CI.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPORTS = {
    "requirements.lock": ["--group", "demo", "--no-group", "dev"],
    "requirements-dev.lock": ["--all-groups"],
}


def exported(groups: list[str], python: str) -> str:
    """What uv exports for these groups from the lock as it stands, comments of the header left out."""
    uv = Path(python).parent / "uv"
    command = [
        uv,
        "export",
        "--frozen",
        "--offline",
        "--no-emit-project",
        "--python",
        python,
        "--quiet",
        *groups,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return without_header(done.stdout)


def without_header(text: str) -> str:
    """The list without uv's first comment lines, which name the command and the file."""
    lines = text.splitlines(keepends=True)
    while lines and lines[0].startswith("#"):
        del lines[0]
    return "".join(lines)


def locks_the_project(python: str) -> bool:
    """Whether ``uv.lock`` still answers what ``pyproject.toml`` asks for."""
    command = [_uv(python), "lock", "--check", "--offline", "--no-cache", "--quiet", "--python", python]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def differing(python: str) -> list[str]:
    """The requirement files that are not the lock's export."""
    return [
        name
        for name, groups in EXPORTS.items()
        if without_header((ROOT / name).read_text(encoding="utf-8")) != exported(groups, python)
    ]


def _uv(python: str) -> str:
    return str(Path(python).parent / "uv")


if __name__ == "__main__":
    if not locks_the_project(sys.executable):
        sys.exit("uv.lock: does not answer what pyproject.toml asks for; run `make lock`")
    wrong = differing(sys.executable)
    if wrong:
        sys.exit(f"{', '.join(wrong)}: not what uv.lock exports; run `make lock`")
    print("requirements.lock and requirements-dev.lock are what uv.lock exports")
