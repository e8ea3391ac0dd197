"""A gateway that is killed under load: whatever a partner received stands in the log, and the next start goes on."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from demo.stage import ORIGIN, Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.audit.checkpoint import Checkpoint, open_note, parse_checkpoint, parse_verifier_key
from gateway.audit.entry import Event
from gateway.audit.leaf import Leaf
from gateway.audit.reading import LogReader
from gateway.service import now, open_log
from sample_source.serve import Served
from tests.system.acting import ALWAYS, START
from tests.system.process import started

ROUNDS = 20
CLIENTS = 4
ROOT = Path(__file__).parents[2]
PATHS = (
    f"/udl/elset?epoch={ALWAYS}&maxResults=70",
    f"/udl/elset?epoch={ALWAYS}&maxResults=3",
    f"/udl/conjunction?tca={ALWAYS}&maxResults=40",
    f"/udl/notification/count?createdAt={ALWAYS}",
    "/udl/elset/no-such-record",
    "/udl/nothing",
    "/udl/elset?epoch=%3E2000-01-01&disableCapcoExtensions=true",
)


@dataclass(frozen=True)
class Answer:
    """What came of one answer: all of it, or what had come when the gateway was killed."""

    status: int
    request: str
    release: str
    body: bytes
    whole: bool


@dataclass
class Load:
    """Clients that ask and ask until nobody answers any more, and what they received."""

    url: str
    token: str
    answers: list[Answer] = field(default_factory=list)
    clients: list[threading.Thread] = field(default_factory=list)

    @contextmanager
    def running(self, seed: int) -> Iterator[None]:
        """Ask from several threads at once while the block lasts; it must end with the gateway gone."""
        numbers = [random.Random(f"{seed}/{number}") for number in range(CLIENTS)]
        self.clients = [threading.Thread(target=self._ask, args=(rng,), daemon=True) for rng in numbers]
        for client in self.clients:
            client.start()
        yield
        for client in self.clients:
            client.join()

    def wait_for(self, answers: int) -> None:
        """Wait until so many answers have come."""
        while len(self.answers) < answers:
            assert any(client.is_alive() for client in self.clients), "the gateway went away by itself"
            time.sleep(0.002)

    def _ask(self, rng: random.Random) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/jose"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=30) as client:
            try:
                while True:
                    self._receive(client, rng.choice(PATHS))
            except httpx.TransportError:
                return

    def _receive(self, client: httpx.Client, path: str) -> None:
        body = b""
        with client.stream("GET", path) as answer:
            request = answer.headers["x-request-id"]
            release = answer.links["receipt"]["url"].split("/")[2] if answer.status_code == 200 else ""
            whole = False
            try:
                for piece in answer.iter_raw():
                    body += piece
                whole = True
            finally:
                self.answers.append(Answer(answer.status_code, request, release, body, whole))


@pytest.fixture(scope="module")
def staged(stage: Stage, source: Served) -> Stage:
    """A stage whose policy set is in force and whose gateway may start."""
    settings = stage.prepare(source.base_url)
    log = open_log(settings, stage.gateway_keys(), "officer")
    files = read_policy_files(settings.policies_dir, settings.keys_dir)
    activate(log, files, Order("test", "set the stage", START), UNSIGNED)
    log.close()
    return stage


@contextmanager
def reading(stage: Stage) -> Iterator[LogReader]:
    """The log as an auditor reads it, with its public key only."""
    url = f"sqlite:///{stage.root / 'audit.sqlite3'}"
    reader = LogReader.open_to_read(
        url, origin=ORIGIN, verifier=parse_verifier_key(stage.gateway_keys().log_verifier_key)
    )
    try:
        yield reader
    finally:
        reader.close()


def leaves_since(reader: LogReader, index: int) -> list[Leaf]:
    """The leaves of all entries that follow an index."""
    found: list[Leaf] = []
    while entries := reader.entries(index, 500):
        found += [entry.leaf for entry in entries]
        index = entries[-1].index
    return found


def missing_from_log(answer: Answer, entered: Sequence[Leaf]) -> str:
    """What a partner received of an answer and the log does not hold; empty when it holds all of it."""
    logged = [leaf for leaf in entered if leaf.request == answer.request and leaf.event == Event.RELEASE]
    if answer.status != 200:
        codes = [httpx.Response(answer.status, content=answer.body).json()["code"]] if answer.whole else []
        return "" if [leaf.outcome for leaf in logged][: len(codes)] == codes else f"{codes} is not entered"
    begun = answer.body.split(b"\n")
    lines = begun if answer.whole else begun[:-1]
    if len(logged) < len([line for line in begun if line]):
        return f"{len(begun)} chunks begun to arrive, {len(logged)} entries"
    if [hashlib.sha256(line).hexdigest() for line in lines] != [leaf.sealed for leaf in logged[: len(lines)]]:
        return "an entry is of other bytes"
    if answer.whole and not (len(logged) == len(lines) and logged[-1].last):
        return "whole, but its release is not"
    return ""


def still_open(reader: LogReader, entered: Sequence[Leaf]) -> list[str]:
    """The releases that have no last entry."""
    releases = {leaf.release for leaf in entered if leaf.event == Event.RELEASE}
    return [release for release in releases if not reader.find(release)[-1].leaf.last]


def test_twenty_kills_under_load_lose_no_entry_of_anything_that_was_received(staged: Stage) -> None:
    rng, token = random.Random(5), staged.token("GBR", purpose="collision-avoidance", at=START)
    held: Checkpoint | None = None
    received, left_open, to_close = 0, 0, list[str]()
    for number in range(ROUNDS):
        with started(staged.config, chunk_bytes=4096) as gateway:
            load = Load(gateway.url, token)
            with load.running(number):
                load.wait_for(rng.randint(1, 6))
                time.sleep(rng.uniform(0, 0.05))
                gateway.kill()
        with reading(staged) as reader:
            report = reader.verify(held=held, whole=held is None)
            assert report.findings == (), f"round {number}"
            entered = leaves_since(reader, held.size - 1 if held else -1)
            assert [wrong for answer in load.answers if (wrong := missing_from_log(answer, entered))] == []
            ends = [reader.find(release)[-1].leaf for release in to_close]
            assert all(end.event == Event.INTERRUPTED and end.last for end in ends)
            to_close = still_open(reader, entered)
            held = parse_checkpoint(open_note(report.checkpoint, [reader.verifier]).text)
        received, left_open = received + len(load.answers), left_open + len(to_close)
    assert received > ROUNDS
    assert left_open > 0
    with started(staged.config) as gateway:
        assert httpx.get(f"{gateway.url}/readyz").json()["status"] == "ready"
        gateway.stop()
    with reading(staged) as reader:
        assert reader.verify().findings == ()
        assert still_open(reader, leaves_since(reader, -1)) == []


def test_the_command_itself_is_killed_and_started_again_and_goes_on(staged: Stage) -> None:
    token = staged.token("GBR", purpose="collision-avoidance", at=now())
    for _ in range(2):
        with serving(staged) as (running, url):
            load = Load(url, token)
            with load.running(0):
                load.wait_for(5)
                running.send_signal(signal.SIGKILL)
        with reading(staged) as reader:
            assert reader.verify().findings == ()
            entered = leaves_since(reader, -1)
            assert [wrong for answer in load.answers if (wrong := missing_from_log(answer, entered))] == []


@contextmanager
def serving(stage: Stage) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``python -m gateway serve`` as an operator runs it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RELGATE_CHUNK_BYTES": "4096", "RELGATE_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "gateway", "--config", str(stage.config), "serve"]
    with subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        try:
            said = iter(running.stderr.readline, "")
            yield running, next(line.split()[2] for line in said if line.startswith("serving on "))
        finally:
            running.kill()
