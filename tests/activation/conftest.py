"""A policy set of a test's own, to be changed and broken, and everybody's keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from demo.stage import Stage
from tests.support.running import POLICIES


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everybody's keys, made once."""
    keys = tmp_path_factory.mktemp("keys")
    Stage(tmp_path_factory.mktemp("var"), keys, POLICIES).prepare("http://127.0.0.1:1")
    return keys


@pytest.fixture
def keys(tmp_path: Path, made_keys: Path) -> Path:
    """A copy of the keys."""
    return Path(shutil.copytree(made_keys, tmp_path / "keys"))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A copy of the shipped policy set."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))
