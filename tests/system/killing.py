"""A gateway that is killed under load, again and again over one log, and what is asked of the log each time.

Partners note what they received, byte by byte: an answer of which the end came, and one that was cut off. After each
kill the log must verify, must extend what it was, and must hold an entry of every answer and of every chunk of which
the last byte came, with the digest of those very bytes; and whatever the kill before left open must now end in an entry
``interrupted``, written by the start in between.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from demo.stage import ORIGIN, Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.audit.checkpoint import Checkpoint, open_note, parse_checkpoint, parse_verifier_key
from gateway.audit.entry import Event
from gateway.audit.leaf import Leaf
from gateway.audit.reading import LogReader
from gateway.service import open_log
from tests.support.plain import NO_TLS
from tests.support.waiting import PATIENCE
from tests.system.acting import ALWAYS, START
from tests.system.process import begun, started

CLIENTS = 4
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

    @property
    def chunks(self) -> int:
        """How many chunks came to their end: one a line, the last of them without a line's end."""
        return self.body.count(b"\n") + self.whole if self.status == 200 else 0


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
        with httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, verify=NO_TLS) as client:
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


def set_stage(stage: Stage, source_url: str) -> None:
    """Put the stage's policy set in force, so that its gateway may start."""
    settings = stage.prepare(source_url)
    log = open_log(settings, stage.gateway_keys(), "officer")
    files = read_policy_files(settings.policies_dir, settings.keys_dir)
    activate(log, files, Order("test", "set the stage", START), UNSIGNED)
    log.close()


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


@dataclass
class Killing:
    """Kills over one stage's log, and what came of them. ``wrong`` says what should not have been."""

    stage: Stage
    rng: random.Random
    token: str
    kills: int = 0
    whole: int = 0
    cut: int = 0
    chunks: int = 0
    left_open: int = 0
    closed: int = 0
    wrong: list[str] = field(default_factory=list)
    held: Checkpoint | None = None
    to_close: list[str] = field(default_factory=list)

    def kill_under_load(self) -> None:
        """Start, let partners ask, kill at a random moment, and look at what they have and what the log has."""
        with started(self.stage.config, chunk_bytes=4096) as gateway:
            load = Load(gateway.url, self.token)
            with load.running(self.kills):
                load.wait_for(self.rng.randint(1, 16))
                time.sleep(self.rng.uniform(0, 0.05))
                gateway.kill()
        self._look(load.answers)

    def kill_while_starting(self) -> None:
        """Kill at a random moment of a start, in the middle of its recovery, say, and start once more."""
        with begun(self.stage.config, chunk_bytes=4096):
            time.sleep(self.rng.uniform(0, 0.4))
        self.kills += 1

    def _look(self, answers: Sequence[Answer]) -> None:
        with reading(self.stage) as reader:
            report = reader.verify(held=self.held, whole=self.held is None)
            entered = leaves_since(reader, self.held.size - 1 if self.held else -1)
            found = [str(finding) for finding in report.findings]
            found += [wrong for answer in answers if (wrong := missing_from_log(answer, entered))]
            for release in self.to_close:
                end = reader.find(release)[-1].leaf
                if not (end.event == Event.INTERRUPTED and end.last):
                    found.append(f"{release} was left open and is not closed")
            self.wrong += [f"kill {self.kills}: {each}" for each in found]
            self.closed += len(self.to_close)
            self.to_close = still_open(reader, entered)
            self.held = parse_checkpoint(open_note(report.checkpoint, [reader.verifier]).text)
        self.kills += 1
        self.left_open += len(self.to_close)
        self.whole += sum(answer.whole for answer in answers)
        self.cut += sum(not answer.whole for answer in answers)
        self.chunks += sum(answer.chunks for answer in answers)

    def end(self) -> None:
        """Start once more, stop in order, and read the whole log again."""
        with started(self.stage.config) as gateway:
            if httpx.get(f"{gateway.url}/readyz", timeout=60, verify=NO_TLS).json()["status"] != "ready":
                self.wrong.append("after the last kill the gateway is not ready")
            gateway.stop()
        with reading(self.stage) as reader:
            self.wrong += [str(finding) for finding in reader.verify().findings]
            self.wrong += [f"{release} is open" for release in still_open(reader, leaves_since(reader, -1))]
