import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sample_source.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("from-a-file\n")
    return path


def test_the_command_serves_until_it_is_interrupted_and_prints_no_credential(token_file: Path) -> None:
    command = [sys.executable, "-m", "sample_source", "--port", "0", "--records", "15"]
    with subprocess.Popen(
        [*command, "--token-file", str(token_file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "15 records" in process.stdout.readline()
        address = next(word for word in process.stdout.readline().split() if word.startswith("http"))
        headers = {"authorization": "Bearer from-a-file"}
        base = address.removesuffix("/udl/elset")
        counted = httpx.get(f"{base}/udl/elset/count?epoch=>2000-01-01", headers=headers, timeout=60)
        assert counted.text == "15"
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate()
    assert process.returncode == 0
    assert said == ""
    assert "200 GET /udl/elset/count" in rest
    assert "from-a-file" not in rest


def test_a_busy_port_is_said_with_a_way_out(token_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port), "--token-file", str(token_file)]) == 2
    said = capsys.readouterr().err
    assert f"127.0.0.1:{port} is in use" in said
    assert "--port" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--token-file", "/no/such/file"], "/no/such/file"),
        ([], "SAMPLE_SOURCE_TOKEN"),
    ],
)
def test_a_missing_token_is_refused_and_the_message_names_what_to_give(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("SAMPLE_SOURCE_TOKEN", raising=False)
    assert main(["--port", "0", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("now", ["tomorrow", "2026-01-01T00:00:00"])
def test_a_clock_without_a_time_and_zone_is_refused(
    now: str, token_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "0", "--token-file", str(token_file), "--now", now]) == 2
    assert now in capsys.readouterr().err


def test_help_shows_examples_and_says_that_markings_are_fictional(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert "fictional" in shown


def test_nothing_here_imports_the_gateway_and_the_gateway_imports_nothing_here() -> None:
    check = "import sys, sample_source.__main__; print([m for m in sys.modules if m.split('.')[0] == 'gateway'])"
    done = subprocess.run(
        [sys.executable, "-c", check],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    for path in (ROOT / "gateway").rglob("*.py"):
        assert "sample_source" not in path.read_text(encoding="utf-8"), path
