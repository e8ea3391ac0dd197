"""Finding a Python that can make virtual environments, and saying what to do when there is none."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def tree(tmp_path) -> Path:
    """A tree with the two bootstrap files and empty locks, so that nothing is fetched."""
    return plant(tmp_path)


def plant(folder: Path) -> Path:
    (folder / "tree" / "tools").mkdir(parents=True)
    for name in ("bootstrap", "bootstrap.py"):
        shutil.copy(ROOT / "tools" / name, folder / "tree" / "tools" / name)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (folder / "tree" / name).write_text("# nothing\n", encoding="utf-8")
    (folder / "bin").mkdir()
    return folder / "tree"


@dataclass(frozen=True)
class Made:
    """A tree whose virtual environment was made, and how that went."""

    tree: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    """Making one takes seconds: by the third Python of three, with another environment active."""
    tree = plant(tmp_path_factory.mktemp("made"))
    put(tree.parent / "bin", "python3.13", TOO_OLD)
    put(tree.parent / "bin", "python3.12", WITHOUT_VENV)
    put(tree.parent / "bin", "python3", RIGHT)
    return Made(tree, run(tree, "run", VIRTUAL_ENV="/some/other/venv", PIP_USER="1", PYTHONPATH="/nowhere"))


@pytest.fixture
def furnished(made, tmp_path) -> Path:
    """A copy of a tree whose virtual environment was made for running."""
    return Path(shutil.copytree(made.tree.parent, tmp_path / "copy", symlinks=True)) / "tree"


def put(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def run(tree: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL", "PIP"))}
    environment = clean | {"PATH": str(tree.parent / "bin")} | variables
    command = ["/bin/sh", tree / "tools" / "bootstrap", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


RIGHT = f'exec {REAL} "$@"'
WITHOUT_VENV = f'case "$2" in *"import venv"*) exit 1;; esac\nexec {REAL} "$@"'
TOO_OLD = 'case "$2" in *print*) echo 3.9; exit 0;; esac\nexit 1'


def test_a_python_without_venv_gets_a_message_that_names_the_package(tree):
    put(tree.parent / "bin", "python3", WITHOUT_VENV)
    done = run(tree, "run")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert done.returncode == 1
    assert f"Python {version} is here, but it cannot make virtual environments" in done.stderr
    assert f"apt install python{version}-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_that_is_too_old_is_named_with_its_version(tree):
    put(tree.parent / "bin", "python3", TOO_OLD)
    done = run(tree, "run")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed; found only python3 (3.9)" in done.stderr


def test_no_python_at_all_is_said_plainly(tree):
    done = run(tree, "run")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed." in done.stderr


def test_an_interpreter_that_was_named_is_the_only_one_tried(tree):
    put(tree.parent / "bin", "python3", RIGHT)
    put(tree.parent / "bin", "old", TOO_OLD)
    done = run(tree, "run", PYTHON="old")
    assert done.returncode == 1
    assert "PYTHON=old is not a Python of version 3.11 or newer: found old (3.9)" in done.stderr
    assert not (tree / ".venv").exists()


def test_the_first_python_that_can_is_taken_past_those_that_cannot(made):
    assert made.done.returncode == 0, made.done.stderr
    assert "Installing 0 packages from requirements.lock" in made.done.stdout
    assert (made.tree / ".venv" / "bin" / "relgate").exists()


def test_a_second_run_installs_nothing_until_the_lock_changes(furnished):
    assert run(furnished, "run").stdout == ""
    assert "Installing" in run(furnished, "dev").stdout
    assert run(furnished, "dev").stdout == ""
    assert run(furnished, "run").stdout == "", "what tests need holds all that running needs"
    (furnished / "requirements.lock").write_text("# changed\n", encoding="utf-8")
    assert "Installing 0 packages from requirements.lock" in run(furnished, "run").stdout


def test_a_virtual_environment_that_no_longer_starts_is_made_anew(furnished):
    python = furnished / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    done = run(furnished, "run")
    assert done.returncode == 0, done.stderr
    assert "Making a virtual environment" in done.stdout


def test_a_package_that_cannot_be_had_shows_what_pip_said_and_a_way_out(furnished):
    lock = f"no-such-package-of-ours==1.0 --hash=sha256:{'0' * 64}\n"
    (furnished / "requirements.lock").write_text(lock, encoding="utf-8")
    done = run(furnished, "run", PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "no-such-package-of-ours" in done.stderr
    assert "Is the package index reachable?" in done.stderr
    assert run(furnished, "run", PIP_NO_INDEX="1").returncode == 1, "a failed installation leaves no stamp"
