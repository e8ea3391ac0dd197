"""Where each request came from stands in its entry, as the kernel gives it: in the private part, never in the leaf."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.stage import Stage
from gateway.audit.search import criteria
from gateway.http.server import AddressBusy, bind
from gateway.identity.auditors import new_credential
from tests.support.running import POLICIES, RunningGateway, running_gateway

TOKEN, LINE = new_credential("inspector-general")
AUDITOR = f"Authorization: Bearer {TOKEN}"
POINT = "Authorization: Bearer portal-token"
JSON = "Content-Type: application/json"
FORGED = "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9;by=203.0.113.10\r\nX-Real-IP: 203.0.113.9"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("peers")
    (place / "auditors").write_text(LINE + "\n")
    digest = hashlib.sha256(b"portal-token").hexdigest()
    point = f'[[enforcement_point]]\nname = "portal"\ntoken = "{digest}"\npartners = ["GBR"]\n'
    (place / "points.toml").write_text(point)
    stage = Stage(place / "var", place / "keys", POLICIES)
    files = {"log_auditors": place / "auditors", "enforcement_points": place / "points.toml"}
    with running_gateway(stage, "http://127.0.0.1:1", **files) as running:
        yield running


def spoken(gateway: RunningGateway, said: str, body: str = "") -> tuple[str, int, bytes]:
    """Send one request over a connection of its own; our end of it, and the answer."""
    where = httpx.URL(gateway.url)
    head = f"{said}\r\nHost: gateway\r\n{FORGED}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((where.host.strip("[]"), where.port or 80), timeout=60) as opened:
        address, port = opened.getsockname()[:2]
        opened.sendall((head + body).encode())
        answer = b"".join(iter(lambda: opened.recv(65536), b""))
    return address, port, answer


EVALUATION = json.dumps(
    {
        "subject": {"type": "system", "id": "x"},
        "action": {"name": "release"},
        "resource": {"type": "elset", "id": "x"},
    }
)


@pytest.mark.parametrize(
    ("said", "body", "event"),
    [
        pytest.param("GET /udl/elset/queryhelp HTTP/1.1\r\nAuthorization: Bearer {JPN}", "", "release", id="released"),
        pytest.param("GET /udl/elset/count HTTP/1.1", "", "release", id="no-credential"),
        pytest.param(
            "GET /udl/elset/count HTTP/1.1\r\nAuthorization: Bearer x.y.z", "", "release", id="bad-credential"
        ),
        pytest.param("GET /udl%2Felset HTTP/1.1", "", "release", id="written-otherwise"),
        pytest.param("DELETE /udl/elset HTTP/1.1", "", "release", id="other-method"),
        pytest.param("OPTIONS * HTTP/1.1", "", "release", id="no-path"),
        pytest.param("GET /udl/elset?" + "x" * 9000 + " HTTP/1.1", "", "release", id="too-long"),
        pytest.param("GET /udl/elset HTTP/1.1", "a body", "release", id="with-a-body"),
        pytest.param("GET /releases HTTP/1.1\r\nAuthorization: Bearer {JPN}", "", "audit-read", id="own-releases"),
        pytest.param("GET /releases?cursor=x HTTP/1.1\r\nAuthorization: Bearer {JPN}", "", "release", id="bad-cursor"),
        pytest.param("GET /releases/x/receipt HTTP/1.1\r\nAuthorization: Bearer {JPN}", "", "release", id="receipt"),
        pytest.param("GET /reviews/x HTTP/1.1\r\nAuthorization: Bearer {JPN}", "", "release", id="review-polled"),
        pytest.param(f"GET /releases?limit=1 HTTP/1.1\r\n{AUDITOR}", "", "audit-read", id="auditor"),
        pytest.param(f"GET /tile/entries/000.p/1 HTTP/1.1\r\n{AUDITOR}", "", "audit-read", id="bundle"),
        pytest.param("GET /tile/entries/000.p/1 HTTP/1.1", "", "release", id="bundle-for-nobody"),
        pytest.param("GET /review HTTP/1.1\r\nAuthorization: Bearer x", "", "release", id="queue-for-nobody"),
        pytest.param(
            f"POST /access/v1/evaluation HTTP/1.1\r\n{POINT}\r\n{JSON}", EVALUATION, "evaluated", id="evaluated"
        ),
        pytest.param(f"POST /access/v1/evaluation HTTP/1.1\r\n{POINT}", "[]", "evaluation-refused", id="malformed"),
        pytest.param("POST /access/v1/evaluation HTTP/1.1", EVALUATION, "evaluation-refused", id="not-a-point"),
    ],
)
def test_each_entry_says_from_which_address_and_port_it_was_asked_for(
    gateway: RunningGateway, said: str, body: str, event: str
):
    token = gateway.stage.token("JPN", purpose="collision-avoidance")
    before = gateway.service.log.size()
    address, port, answer = spoken(gateway, said.replace("{JPN}", token), body)
    assert answer.startswith(b"HTTP/1.1 ")
    (entry,) = gateway.service.log.entries(before - 1, 10)
    assert entry.leaf.event == event
    assert entry.private["peer"] == {"address": address, "port": port}
    assert b"127.0.0.1" not in entry.leaf_bytes
    assert b"203.0.113" not in answer
    assert "203.0.113" not in json.dumps(dict(entry.private))


def test_entries_are_found_by_the_address_they_came_from_and_by_no_header(gateway: RunningGateway):
    spoken(gateway, "GET /udl/nothing HTTP/1.1")
    log = gateway.service.log
    assert log.search(criteria({"address": "127.0.0.1"}), limit=1).found
    assert log.search(criteria({"address": "::ffff:127.0.0.1"}), limit=1).found
    assert not log.search(criteria({"address": "203.0.113.9"})).found


def test_a_partner_is_not_told_the_address_and_may_not_ask_by_it(gateway: RunningGateway):
    gateway.ask("JPN", "/udl/elset/queryhelp", purpose="collision-avoidance")
    listed = gateway.ask("JPN", "/releases")
    assert listed.status_code == 200
    assert "127.0.0.1" not in listed.text
    assert gateway.ask("JPN", "/releases?address=127.0.0.1").json()["code"] == "parameter_unknown"


def test_an_auditor_is_told_the_address_and_may_ask_by_it(gateway: RunningGateway):
    address, port, _ = spoken(gateway, "GET /udl/nothing HTTP/1.1")
    found = httpx.get(
        gateway.url + "/releases?address=127.0.0.1&limit=2", headers=dict([AUDITOR.split(": ")]), timeout=60
    )
    _reading, asked = found.json()["releases"]
    assert (asked["address"], asked["port"]) == (address, port)


@pytest.mark.parametrize(("host", "as_kept"), [("::1", "::1"), ("::ffff:127.0.0.1", "127.0.0.1")])
def test_an_address_of_ipv6_is_kept_in_its_one_form(tmp_path: Path, host: str, as_kept: str):
    try:
        bind(host, 0).close()
    except (AddressBusy, OSError) as busy:  # the second where the kernel knows no IPv6 at all
        pytest.skip(f"this machine has no {host}: {busy}")
    stage = Stage(tmp_path / "var", tmp_path / "keys", POLICIES)
    with running_gateway(stage, "http://127.0.0.1:1", activated=False, host=host) as running:
        _, port, _ = spoken(running, "GET /udl/nothing HTTP/1.1")
        (entry,) = running.service.log.entries(running.service.log.size() - 2, 1)
    assert entry.private["peer"] == {"address": as_kept, "port": port}
