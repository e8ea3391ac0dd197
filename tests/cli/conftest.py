"""A folder as an operator has one: the shipped policy set, development settings, fresh keys, an empty log."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = 'mode = "development"\nlog_origin = "gateway.example/log"\n'


@dataclass(frozen=True)
class Ran:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


Relgate = Callable[..., Ran]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Iterator[Path]:
    """The working directory of the commands."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (tmp_path / "relgate.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "var").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "somebody.else")
    monkeypatch.setenv("LOGNAME", "somebody.else")  # no command believes either
    yield tmp_path


@pytest.fixture
def relgate(place, capsys) -> Relgate:
    """Run ``relgate`` with these arguments in this process."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = 0
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def ready(relgate) -> Relgate:
    """The same with keys made and the policy set in force."""
    for arguments in (
        ("keys", "init"),
        ("keys", "partner", "JPN"),
        ("keys", "partner", "GBR"),
        ("policy", "activate", "--reason", "first"),
    ):
        done = relgate(*arguments)
        assert done.code == 0, done.err
    return relgate
