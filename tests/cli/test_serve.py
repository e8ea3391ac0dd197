"""``relgate serve`` as a process: it answers, says where, refuses a busy port, and ends in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(place: Path, **settings: str):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RELGATE_PORT": "0"} | settings
    command = [sys.executable, "-m", "gateway", "serve"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=place, env=environment, text=True, **pipes) as running:
        assert running.stderr is not None
        try:
            said = []
            for line in running.stderr:
                said.append(line)
                if line.startswith("serving on "):
                    yield running, line.split()[2]
                    break
            else:
                pytest.fail("".join(said))
        finally:
            if running.poll() is None:
                running.kill()


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own address
        read: dict[str, object] = json.loads(answer.read())
        return read


def test_it_says_where_it_serves_answers_and_ends_in_order_on_an_interrupt(ready, place):
    with serving(place) as (running, url):
        assert get(f"{url}/healthz") == {"status": "alive"}
        assert get(f"{url}/readyz")["status"] == "ready"
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert running.returncode == 0
    assert out == ""
    events = [json.loads(line)["event"] for line in err.splitlines() if line.startswith("{")]
    assert "request" in events


def test_a_hangup_activates_the_policy_set_that_is_on_disk(ready, place):
    before = json.loads(ready("policy", "show", "--json").out)["policy"]
    file = place / "policies" / "policy.toml"
    file.write_text(file.read_text() + "\n# a remark\n", encoding="utf-8")
    with serving(place) as (running, _):
        running.send_signal(signal.SIGHUP)
        assert running.stderr is not None
        done = next(line for line in running.stderr if "SIGHUP" in line)  # the set was compiled, with a line, before
        running.send_signal(signal.SIGTERM)
        running.communicate()
    assert json.loads(done)["event"] == "policy-reloaded"
    assert json.loads(ready("policy", "show", "--json").out)["policy"] != before


def test_a_busy_port_ends_with_three_and_says_what_to_do(ready, place, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("RELGATE_PORT", str(taken.getsockname()[1]))
        done = ready("serve")
    assert done.code == 3
    assert "in use" in done.err
    assert "RELGATE_PORT=" in done.err


def test_files_that_are_no_certificate_and_key_are_named_before_anything_is_opened(relgate, place, monkeypatch):
    (place / "a.pem").write_text("no certificate", encoding="utf-8")
    monkeypatch.setenv("RELGATE_TLS_CERTIFICATE", "a.pem")
    monkeypatch.setenv("RELGATE_TLS_KEY", "a.pem")
    done = relgate("serve")
    assert done.code == 2
    assert "a.pem" in done.err
    assert not (place / "keys" / "gateway").exists()
