"""A whole release beside a pass-through of the same source, on one core, in one run.

    python -m benchmarks.release [--rounds 5] [--seconds 3] [--profile]

20 partners ask by identifier for records of 4 KiB that carry 200 different labels, 10,000 in all, each token used 100
times. The gateway fetches, judges, cuts for half of the partners, checks, signs, seals to X25519, writes the entry
durably with a signed checkpoint, and answers with the address of the receipt. Beside it, in turn and on the same
core: an application that only hands on what the source says, and one that signs and seals it as well. The client and
the source have the other core.

It counts only if every answer was 200, and if those kept open with the partner's key to what that partner must have,
with a receipt that proves the very bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.load import Outcome, drive
from benchmarks.machine import Line, describe, median, pin, show
from benchmarks.world import NATIONS, TOKEN_USES, TOKENS, World, build
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.audit import receipt
from gateway.audit.checkpoint import parse_verifier_key
from gateway.keys.jwks import parse_private_jwks
from gateway.sealing.jwe import open_sealed
from gateway.service import open_log

SERVE = "import sys; from benchmarks.machine import pin; pin(first=True); from gateway.cli.main import main; main()"
WARM_SECONDS = 15.0
KINDS = ("plain", "sealing", "gateway")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    print(describe())
    show("whole release of 4 KiB by identifier", measure(options.rounds, options.seconds))


def measure(rounds: int, seconds: float) -> list[Line]:
    """Run all three in turn; raises ``SystemExit`` when an outcome is wrong."""
    pin(first=False)
    with tempfile.TemporaryDirectory(prefix="relgate-bench-") as folder, ExitStack() as running:
        ports = {kind: free_port() for kind in ("source", *KINDS)}
        source_url = f"http://127.0.0.1:{ports['source']}"
        world = build(Path(folder), source_url)
        processes = {
            kind: running.enter_context(process(arguments, ports[kind]))
            for kind, arguments in commands(world, ports, source_url)
        }
        asked = requests(world)
        found: dict[str, list[Outcome]] = {kind: [] for kind in KINDS}
        for kind in KINDS:  # warm, not counted: each pair of partner and label is new to the gateway once
            drive(ports[kind], asked, WARM_SECONDS if kind == "gateway" else 1.0, processes[kind])
        for turn in range(rounds):
            for kind in KINDS:
                first = turn * len(asked) // rounds
                found[kind].append(drive(ports[kind], asked, seconds, processes[kind], first))
        _compare(world, ports["gateway"], found)
        return lines(found)


def requests(world: World) -> list[bytes]:
    """Each partner in turn, each token so many times, each time another record that it may have."""
    theirs = {code: [record for record in world.records if code in record.readers] for code in NATIONS}
    asked: list[bytes] = []
    for number in range(len(NATIONS) * TOKENS * TOKEN_USES):
        partner, turn = NATIONS[number % len(NATIONS)], number // len(NATIONS)
        token = world.tokens[partner][turn // TOKEN_USES]
        record = theirs[partner][turn * 7919 % len(theirs[partner])]
        asked.append(
            f"GET /udl/elset/{record.identifier} HTTP/1.1\r\nHost: gateway\r\nAccept: application/jose\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
    return asked


def commands(
    world: World, ports: dict[str, int], source_url: str, more_settings: str = ""
) -> Iterator[tuple[str, list[str]]]:
    """What starts each server, by kind; the log is made and the policy put in force before the gateway's, whose
    settings end with ``more_settings``.
    """
    stage = world.stage
    servers = [sys.executable, "-m", "benchmarks.servers"]
    yield "source", [*servers, "source", str(ports["source"])]
    yield "plain", [*servers, "plain", str(ports["plain"]), source_url]
    recipient = stage.keys / "development" / f"{NATIONS[0]}.private.jwks.json"
    yield (
        "sealing",
        [*servers, "sealing", str(ports["sealing"]), source_url, str(stage.keys / "gateway"), str(recipient)],
    )
    stage.prepare(source_url, ports["gateway"])
    with stage.config.open("a", encoding="utf-8") as config:
        config.write(more_settings)
    settings = stage.settings()
    log = open_log(settings, stage.gateway_keys(), "officer")
    files = read_policy_files(settings.policies_dir, settings.keys_dir)
    order = Order("benchmark", "set the stage", datetime.now(UTC))
    activate(log, files, order, UNSIGNED, witnesses=settings.witness_keys)
    log.close()
    yield "gateway", [sys.executable, "-c", SERVE, "--config", str(stage.config), "serve"]


@contextmanager
def process(arguments: Sequence[str], port: int) -> Iterator[int]:
    """A server, from the moment it answers until the end; its log lines go to a file nobody reads."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            for _ in range(600):
                with socket.socket() as trying:
                    if trying.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"{arguments[1:4]} did not start: {log.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _compare(world: World, port: int, found: dict[str, list[Outcome]]) -> None:
    """Look at the answers: all 200, and those kept are what their partner must have, proved by their receipts."""
    for kind, outcomes in found.items():
        for outcome in outcomes:
            if outcome.failed:
                raise SystemExit(f"{kind}: {len(outcome.failed)} answers were no 200: {outcome.failed[0]!r}")
    by_identifier = {record.identifier: record for record in world.records}
    asked = requests(world)
    for number, answer in [pair for outcome in found["gateway"] for pair in outcome.kept]:
        partner = NATIONS[number % len(NATIONS)]
        identifier = asked[number].split(b" ")[1].decode().rpartition("/")[2]
        head, _, body = answer.partition(b"\r\n\r\n")
        opened = _open(world, partner, body)
        if json.loads(opened) != world.wanted(partner, by_identifier[identifier]):
            raise SystemExit(f"{partner} got something else for {identifier} than it must have")
    for number, answer in [outcome.kept[0] for outcome in found["gateway"]]:
        head, _, body = answer.partition(b"\r\n\r\n")
        _prove(world, port, asked[number], head, body)


def _open(world: World, partner: str, sealed: bytes) -> bytes:
    keys = parse_private_jwks(world.stage.private_jwks(partner))
    private = next(key for key in keys if key.public.use == "enc")
    ring = world.stage.gateway_keys()
    return open_sealed(sealed, private, [ring.content_signing.public], recipient=partner).content


def _prove(world: World, port: int, request: bytes, head: bytes, body: bytes) -> None:
    """Fetch an answer's receipt as its partner and check it against the bytes."""
    lines = head.decode("latin-1").split("\r\n")
    link = next(line for line in lines if line.lower().startswith("link:"))
    path = link.partition("<")[2].partition(">")[0]
    token = request.decode().partition("Authorization: ")[2].split("\r\n")[0]
    fetched = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": token})
    issued = urllib.request.urlopen(fetched, timeout=10).read()  # noqa: S310 - loopback
    leaf = receipt.leaf_of(issued)
    receipt.verify(issued, leaf, [parse_verifier_key(world.stage.gateway_keys().log_verifier_key)])
    if json.loads(leaf)["sealed"] != hashlib.sha256(body).hexdigest():
        raise SystemExit("a receipt is for other bytes than those that came")


def lines(found: dict[str, list[Outcome]]) -> list[Line]:
    """The table: rates, processor time an answer, and the two ratios."""
    rate = {kind: median([outcome.rate for outcome in outcomes]) for kind, outcomes in found.items()}
    cost = {kind: median([outcome.cost for outcome in outcomes]) for kind, outcomes in found.items()}
    wait = {kind: sorted(wait for outcome in outcomes for wait in outcome.waits) for kind, outcomes in found.items()}
    told = {"plain": "pass-through", "sealing": "pass-through that signs and seals", "gateway": "whole release"}
    table = [
        Line(
            told[kind],
            f"{rate[kind]:.0f}/s {cost[kind]:.0f} us {wait[kind][len(wait[kind]) // 2] * 1e3:.1f} ms",
        )
        for kind in KINDS
    ]
    for kind, goal in (("plain", 0.3), ("sealing", 0.6)):
        pairs = [ours.rate / theirs.rate for ours, theirs in zip(found["gateway"], found[kind], strict=True)]
        table.append(Line(f"release / {told[kind]}, answers a second", "", median(pairs), goal))
        table.append(Line("  the same by processor time", "", cost[kind] / cost["gateway"]))
    return table


if __name__ == "__main__":
    main()
