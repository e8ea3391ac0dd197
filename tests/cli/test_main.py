"""The command as a whole: help, exit codes, JSON, plain text in a pipe, colour on a terminal only."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from gateway import __version__
from gateway.audit import receipt
from gateway.cli.main import app

ROOT = Path(__file__).resolve().parents[2]


def commands() -> list[tuple[str, ...]]:
    """Every command of the tree, by its words."""
    root = typer.main.get_command(app)
    found: list[tuple[str, ...]] = []

    def walk(command, words):
        children = getattr(command, "commands", None)
        if children is None:
            found.append(words)
            return
        for name, child in children.items():
            walk(child, (*words, name))

    walk(root, ())
    return sorted(found)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example_and_says_json(relgate, words):
    done = relgate(*words, "--help")
    assert done.code == 0
    assert re.search(rf"relgate .*{words[0]}", done.out.split("Example", 1)[1])
    assert "--json" in done.out or words in {("serve",), ("witness",), ("audit", "prove-record")}


def test_every_verb_that_was_promised_is_there():
    verbs = {words[0] for words in commands()}
    assert {"check", "policy", "stop", "token", "keys", "audit", "receipt", "open", "settings"} <= verbs


def test_an_unknown_verb_is_used_wrongly_and_not_refused(relgate):
    assert relgate("relase").code == 2


def test_the_version_is_the_packages_own(relgate):
    assert relgate("--version").out.strip() == __version__


def test_settings_shows_each_value_and_where_it_came_from(relgate, monkeypatch):
    monkeypatch.setenv("RELGATE_PORT", "9001")
    said = json.loads(relgate("settings", "--json").out)
    assert said["port"] == {"value": "9001", "from": "RELGATE_PORT"}
    assert said["mode"] == {"value": "development", "from": "relgate.toml"}
    assert re.search(r"^port +9001 +RELGATE_PORT$", relgate("settings").out, re.MULTILINE)


def test_wrong_settings_end_with_two_and_name_file_setting_and_hint(relgate, place):
    (place / "relgate.toml").write_text('mode = "development"\nprot = 1\n', encoding="utf-8")
    done = relgate("settings")
    assert done.code == 2
    assert "error: prot (relgate.toml): is not a setting" in done.err
    assert "did you mean port?" in done.err


def test_a_failure_is_one_json_document_on_standard_error_when_json_was_asked_for(relgate):
    done = relgate("policy", "show", "--json")
    assert done.code == 1
    assert done.out == ""
    assert json.loads(done.err)["hint"] == "Create the keys with: relgate keys init"


def in_the_shell(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


def test_a_pipe_gets_no_escape_sequence_and_aligned_columns(place):
    done = in_the_shell(place, "settings")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    column = lines[0].index("value")
    assert all(line[column - 2 : column] == "  " for line in lines)


def on_a_terminal(place: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "gateway", *arguments]
    with subprocess.Popen(command, cwd=place, env=environment, stdout=follower, stderr=follower) as running:
        os.close(follower)
        said = bytearray()
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            said += piece
        running.wait()
    os.close(leader)
    return said.decode()


def test_a_terminal_gets_a_table_with_colour_unless_told_not_to(place):
    assert "\x1b[" in on_a_terminal(place, "settings")
    assert "\x1b[3" not in on_a_terminal(place, "--no-color", "settings")


def test_control_characters_in_what_is_shown_never_reach_the_terminal(relgate, place):
    (place / "relgate.toml").write_text('mode = "development"\npolicies_dir = "a\\u001b[31mred"\n', encoding="utf-8")
    assert "\x1b" not in relgate("settings").out
    assert "\\x1b[31mred" in relgate("settings").out


def test_without_settings_a_command_that_needs_the_logs_key_says_that_it_can_be_given(tmp_path, relgate, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "answer.tlog-proof").write_bytes(receipt.write(0, [], "a\n\n", b"leaf"))
    for command in (("receipt", "verify", "answer.tlog-proof"), ("audit", "verify", "--folder", ".")):
        done = relgate(*command)
        assert done.code == 2
        assert "hint: give --log-key NAME+ID+BASE64" in done.err
