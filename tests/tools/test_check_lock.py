"""The lock, its two exports and the project file say the same."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def check_lock():
    spec = importlib.util.spec_from_file_location("check_lock", ROOT / "tools" / "check_lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_requirement_files_are_exactly_what_the_lock_exports(check_lock):
    assert check_lock.differing(sys.executable) == []


def test_the_lock_answers_what_the_project_file_asks_for(check_lock):
    assert check_lock.locks_the_project(sys.executable)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_carries_a_version_and_a_hash(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = text.replace("\\\n", " ").splitlines()
    packages = [line for line in entries if line and not line.lstrip().startswith("#")]
    assert packages
    for package in packages:
        assert "==" in package, package
        assert "--hash=sha256:" in package, package


def test_the_development_list_holds_every_package_of_the_running_list_at_the_same_version():
    def pins(name: str) -> set[str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return {line.split()[0] for line in text.splitlines() if "==" in line and not line.startswith("#")}

    assert pins("requirements.lock") <= pins("requirements-dev.lock")
