"""Auditors' commands that hand the log on: folders, record proofs, credentials; and the witness as a process."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from gateway.audit.checkpoint import open_note, parse_checkpoint, parse_verifier_key
from gateway.audit.reading import LogReader
from gateway.audit.witness import write_submission
from gateway.identity.auditors import read_auditors

ROOT = Path(__file__).resolve().parents[2]


def log_key(relgate) -> str:
    return json.loads(relgate("keys", "list", "--json").out)["gateway"]["log_key"]


def test_a_published_folder_verifies_where_there_is_neither_gateway_nor_settings(ready, tmp_path, place, monkeypatch):
    key = log_key(ready)
    said = json.loads(ready("audit", "publish", "public", "--entries", "--json").out)
    assert said["entries"] > 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(place / "public", elsewhere / "log")
    monkeypatch.chdir(elsewhere)
    done = ready("audit", "verify", "--folder", "log", "--log-key", key, "--state", "last.checkpoint")
    assert done.code == 0, done.err
    assert f"{said['entries']} entries checked" in done.out
    again = json.loads(
        ready("audit", "verify", "--folder", "log", "--log-key", key, "--state", "last.checkpoint", "--json").out
    )
    assert (again["sound"], again["checked"], again["entries"]) == (True, 0, said["entries"])
    bundle = next((elsewhere / "log" / "tile" / "entries").rglob("*.p")) / str(said["entries"])
    bundle.write_bytes(bundle.read_bytes().replace(b"first", b"other").replace(b"policy-", b"police-"))
    done = ready("audit", "verify", "--folder", "log", "--log-key", key)
    assert done.code == 1
    assert "entry 0" in done.out


def test_a_folder_that_is_not_there_is_used_wrongly_and_one_of_hashes_alone_is_said_to_be(ready, place):
    key = log_key(ready)
    done = ready("audit", "verify", "--folder", "nowhere", "--log-key", key)
    assert (done.code, "nowhere is no folder" in done.err) == (2, True)
    ready("audit", "publish", "public")
    (place / "public" / "tile" / "notes.txt").write_text("x", encoding="utf-8")
    done = ready("audit", "verify", "--folder", "public", "--log-key", key)
    assert (done.code, "tile/entries" in done.out, "--holds hashes" in done.out) == (1, True, True)
    done = ready("audit", "verify", "--folder", "public", "--log-key", key, "--holds", "hashes")
    assert done.code == 0
    for said in ("sound: the hashes of", "the folder holds no entries", "remark: tile/notes.txt is no tile"):
        assert said in done.out


def test_a_receipt_is_a_checkpoint_held_from_before(ready, place):
    with_receipt = LogReader.open_to_read(
        f"sqlite:///{place / 'var' / 'audit.sqlite3'}",
        origin=log_key(ready).partition("+")[0],
        verifier=parse_verifier_key(log_key(ready)),
    )
    issued = with_receipt.receipt_at(0)
    with_receipt.close()
    assert issued is not None
    (place / "old.tlog-proof").write_bytes(issued.receipt)
    done = ready("audit", "verify", "--held", "old.tlog-proof")
    assert (done.code, "extends the checkpoint you hold" in done.out) == (0, True)
    assert ready("audit", "verify", "--held", "nothing").code == 2


def test_publishing_entries_is_recorded_and_publishing_hashes_is_not(ready, place):
    before = json.loads(ready("audit", "verify", "--json").out)["entries"]
    assert ready("audit", "publish", "public").code == 0
    assert not (place / "public" / "tile" / "entries").exists()
    assert json.loads(ready("audit", "verify", "--json").out)["entries"] == before
    ready("audit", "publish", "public", "--entries", "--by", "A. Auditor")
    entry = json.loads(ready("audit", "tail", "-n", "2", "--json").out)[0]
    assert (entry["event"], entry["index"]) == ("audit-read", before)


def test_an_incremental_check_of_the_log_goes_on_from_the_state_file(ready, place):
    assert ready("audit", "verify", "--state", "last.checkpoint").code == 0
    ready("stop", "partner", "JPN", "--reason", "x")
    said = json.loads(ready("audit", "verify", "--state", "last.checkpoint", "--json").out)
    assert (said["sound"], said["checked"], said["extends_held"]) == (True, 1, True)
    assert ready("audit", "verify", "--state", "last.checkpoint", "--held", "x").code == 2


def test_a_folder_of_another_log_is_refused_with_what_to_do(ready, place):
    (place / "public").mkdir()
    (place / "public" / "checkpoint").write_text("x\n1\nAAAA\n\n")
    done = ready("audit", "publish", "public")
    assert (done.code, "hint" in done.err) == (2, True)


def test_a_credential_is_a_token_and_the_line_that_knows_it(ready, place):
    made = json.loads(ready("audit", "credential", "inspector-general", "--json").out)
    (place / "auditors").write_text(made["line"] + "\n")
    assert read_auditors(place / "auditors").named([f"Bearer {made['token']}"]) == "inspector-general"
    assert ready("audit", "credential", "no name").code == 2


def test_with_ml_dsa_in_the_settings_every_checkpoint_has_both_signatures(relgate, place):
    with (place / "relgate.toml").open("a") as file:
        file.write("log_ml_dsa = true\n")
    assert relgate("keys", "init").code == 0
    assert relgate("policy", "activate", "--reason", "first").code == 0
    said = json.loads(relgate("keys", "list", "--json").out)["gateway"]
    note = json.loads(relgate("audit", "verify", "--json").out)["checkpoint"]
    keys = [parse_verifier_key(said[name]) for name in ("log_key", "log_ml_dsa_key")]
    assert [signature.key for signature in open_note(note, keys).signatures] == keys


@pytest.fixture
def witness(tmp_path):
    """Starts witnesses as processes; gives each one's address and what it says of its keys."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, key: str, *more: str) -> tuple[str, str]:
        command = [sys.executable, "-m", "gateway", "witness", str(folder), "--name", "witness.example/w", *more]
        process = subprocess.Popen([*command, "--log", key, "--port", "0"], stderr=subprocess.PIPE, text=True, cwd=ROOT)
        started.append(process)
        assert process.stderr is not None
        address = re.search(r"http://\S+?(?=;)", process.stderr.readline())
        assert address is not None
        return address[0], process.stderr.readline().strip()

    def stop() -> None:
        for process in started:
            process.send_signal(signal.SIGINT)
            process.communicate()
        started.clear()

    start.stop = stop  # type: ignore[attr-defined]
    yield start
    stop()


def check_connections(address: str, body: bytes) -> None:
    """A connection serves submission after submission (tlog-witness), until one does not say its length or is too long:
    nothing behind that is taken for another request.
    """
    where = httpx.URL(address)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    for head, sent, status, kept in (
        ({"Content-Length": str(len(body))}, body, 200, True),
        ({"Transfer-Encoding": "chunked"}, chunked, 200, False),
        ({"Content-Length": "70000"}, body.ljust(70_000), 413, False),
    ):
        connection = HTTPConnection(where.host, where.port, timeout=60)
        for _ in range(3 if kept else 1):
            connection.request("POST", "/add-checkpoint", sent, head)
            answer = connection.getresponse()
            answer.read()
            assert (answer.status, answer.will_close) == (status, not kept)
        connection.close()


def test_a_witness_cosigns_remembers_and_refuses_to_start_without_its_memory(ready, place, tmp_path, witness):
    key = log_key(ready)
    folder = tmp_path / "witness"
    shown = ready("witness", str(folder), "--name", "witness.example/w", "--show-key").out.strip()
    note = json.loads(ready("audit", "verify", "--json").out)["checkpoint"]
    size = parse_checkpoint(note).size
    address, said = witness(folder, key)
    assert said == shown
    answer = httpx.post(f"{address}/add-checkpoint", content=write_submission(0, [], note), timeout=60)
    assert answer.status_code == 200, answer.text
    assert open_note(note + answer.text, [parse_verifier_key(said)]).signatures[0].time is not None
    witness.stop()
    address, said = witness(folder, key)
    answer = httpx.post(f"{address}/add-checkpoint", content=write_submission(0, [], note), timeout=60)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
        409,
        f"{size}\n",
        "text/x.tlog.size",
    )
    assert httpx.get(f"{address}/add-checkpoint", timeout=60).status_code == 405
    assert httpx.post(f"{address}/add-checkpoint", content=b"x" * 100_000, timeout=60).status_code == 413
    assert httpx.post(f"{address}/add-checkpoint/", content=b"x", timeout=60).status_code == 404
    check_connections(address, write_submission(size, [], note))
    origin = parse_checkpoint(note).origin
    shown = httpx.get(f"{address}/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint", timeout=60)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert len(open_note(shown.text, [key, said]).signatures) == 2
    assert httpx.get(f"{address}/{hashlib.sha256(b'other').hexdigest()}/checkpoint", timeout=60).status_code == 404
    witness.stop()
    for file in folder.glob("witness.sqlite3*"):
        file.unlink()
    done = ready("witness", str(folder), "--name", "witness.example/w", "--log", key)
    assert (done.code, "forgotten" in done.err) == (1, True)


def test_a_witness_does_not_listen_beyond_loopback_without_tls_nor_without_a_log(ready, place, tmp_path):
    arguments = ("witness", str(tmp_path / "w"), "--name", "witness.example/w")
    assert ready(*arguments).code == 2
    assert ready(*arguments, "--log", log_key(ready), "--host", "192.0.2.1").code == 2
