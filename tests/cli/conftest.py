"""A folder as an operator has one: the shipped policy set, development settings, fresh keys, an empty log."""

import shutil
from collections.abc import Callable, Sequence
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
def place(tmp_path, monkeypatch) -> Path:
    """The working directory of the commands."""
    _furnish(tmp_path, monkeypatch)
    return tmp_path


def _furnish(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / "relgate.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "var").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("USER", "somebody.else")
    monkeypatch.setenv("LOGNAME", "somebody.else")  # no command believes either


@pytest.fixture
def relgate(place, capsys) -> Relgate:
    """Run ``relgate`` with these arguments in this process."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = _run(arguments)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


def _run(arguments: Sequence[str]) -> int:
    try:
        main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A working directory with keys made and the policy set in force: each test that is ready has a copy of it."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as monkeypatch:
        _furnish(folder, monkeypatch)
        for arguments in (
            ("keys", "init"),
            ("keys", "partner", "JPN"),
            ("keys", "partner", "GBR"),
            ("policy", "activate", "--reason", "first"),
        ):
            assert _run(arguments) == 0, arguments
    return folder


@pytest.fixture
def ready(made, place, relgate) -> Relgate:
    """The same with keys made and the policy set in force."""
    shutil.copytree(made, place, dirs_exist_ok=True)
    return relgate
