"""The gateway as a process: a hangup activates what is on disk, a broken set changes nothing, a stop is orderly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import httpx
import pytest

from demo.stage import Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.audit.log import AuditLog
from gateway.audit.observed import own_account
from gateway.http.server import AddressBusy, bind
from gateway.service import now, open_log
from sample_source.app import build_app
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.loopback import ELSETS
from tests.support.running import POLICIES

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Process:
    """A gateway in a process of its own, and its log opened beside it."""

    stage: Stage
    running: subprocess.Popen[str]
    url: str
    log: AuditLog
    token: str

    def ask(self) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        answer = httpx.get(self.url + ELSETS, headers=headers, timeout=60)
        return answer.status_code, "" if answer.status_code == 200 else answer.json()["code"]

    def hang_up(self) -> str:
        """Send SIGHUP and wait for the line that says how it went."""
        self.running.send_signal(signal.SIGHUP)
        assert self.running.stderr is not None
        for line in self.running.stderr:
            if line.startswith("{") and json.loads(line).get("signal") == "SIGHUP":
                return str(json.loads(line)["event"])
        pytest.fail("the gateway ended")

    def ready(self) -> tuple[str, list[str]]:
        said = httpx.get(self.url + "/readyz", timeout=60).json()
        return said["status"], said["problems"]


@pytest.fixture
def process(tmp_path: Path, keys: Path) -> Iterator[Process]:
    policies = Path(copytree(POLICIES, tmp_path / "policies"))
    stage = Stage(tmp_path / "var", Path(copytree(keys, tmp_path / "keys")), policies)
    stage.prepare("http://127.0.0.1:1")
    with serving(build_app(build_tables(5), stage.source_token.read_text().strip())) as source:
        settings = stage.prepare(source.base_url)
        log = open_log(settings, stage.gateway_keys(), "officer")
        files = read_policy_files(settings.policies_dir, settings.keys_dir)
        activate(log, files, Order("test", "first", now()), UNSIGNED)
        token = stage.token("GBR", purpose="collision-avoidance")
        with started(stage) as (running, url):
            yield Process(stage, running, url, log, token)
        log.close()


@contextmanager
def started(stage: Stage) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "gateway", "--config", str(stage.config), "serve"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=stage.root, env=environment, **pipes) as running:  # type: ignore[call-overload]
        try:
            for line in running.stderr:
                if line.startswith("serving on "):
                    break
            else:
                pytest.fail("the gateway did not start")
            yield running, line.split()[2]
        finally:
            running.kill()


def change(process: Process, name: str, edit: Callable[[str], str]) -> None:
    path = process.stage.policies / name
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_a_hangup_with_a_broken_set_leaves_what_is_in_force_until_one_that_loads(process: Process):
    first = process.log.standing().active
    assert process.ask() == (200, "")
    change(process, "partners/JPN.toml", lambda text: text + "\n[broken\n")
    assert process.hang_up() == "policy-refused"
    assert process.ask() == (200, "")
    process.stage.policies.rename(process.stage.root / "elsewhere")
    assert process.hang_up() == "policy-refused"
    assert process.ask() == (200, "")
    assert process.ready() == ("degraded", ["policy_refused", "development_mode"])
    assert process.log.standing().active == first
    (process.stage.root / "elsewhere").rename(process.stage.policies)
    change(process, "partners/JPN.toml", lambda text: text.removesuffix("\n[broken\n"))
    change(process, "partners/GBR.toml", lambda text: text.replace("until = 2030-01-01", "until = 2020-01-01"))
    assert process.hang_up() == "policy-reloaded"
    assert process.ready() == ("ready", ["development_mode"])
    assert process.ask() == (403, "agreement_expired")
    refusals = [entry for entry in process.log.entries(-1, 100) if entry.leaf.event == "policy-refused"]
    assert [entry.private["by"] for entry in refusals] == ["SIGHUP", "SIGHUP"]
    begun = [entry for entry in process.log.entries(-1, 100) if entry.leaf.event == "started"]
    assert begun
    for entry in (*begun, *refusals):
        assert entry.private["account"]["uid"] == own_account().uid
        assert entry.private["account"]["host"] == own_account().host
    assert "policies/partners/JPN.toml:" in str(refusals[0].private["why"])
    assert "is not a folder" in str(refusals[1].private["why"])


def test_a_signal_to_stop_ends_the_process_in_order_with_a_sound_log(process: Process):
    assert process.ask() == (200, "")
    process.running.send_signal(signal.SIGTERM)
    process.running.communicate()
    assert process.running.returncode in (0, -signal.SIGTERM)
    assert process.log.verify().sound


def test_an_address_that_is_taken_is_named_before_anything_is_opened():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressBusy, match=f"cannot listen on 127.0.0.1:{port}") as busy:
            bind("127.0.0.1", port)
        assert (busy.value.host, busy.value.port) == ("127.0.0.1", port)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
def test_both_families_of_addresses_can_be_listened_on(host: str):
    try:
        listener = bind(host, 0)
    except (AddressBusy, OSError) as busy:  # the second where the kernel knows no IPv6 at all
        pytest.skip(f"this machine has no {host}: {busy}")
    assert listener.getsockname()[1] > 0
    listener.close()
