"""What waiting for witnesses costs an answer: 2 of 3 demanded for half of the partners, real witnesses on loopback.

    python -m benchmarks.witnessed [--seconds 120] [--slices 10] [--clients 8]

As :mod:`benchmarks.proven`, with three ``relgate witness`` processes. The policy demands two of the three for every
second partner. Slices of answers that no witness need have seen take turns with slices of those that two must have
cosigned; then the same with one of the witnesses stopped (SIGSTOP), which two of three must outlive. The witnesses
share the client's core: a real one would be further away and would cost the client nothing.

It counts only if every answer was 200 and every receipt proves its answer's bytes, those of the demanding partners with
the cosignatures of two witnesses.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import release
from benchmarks.load import Outcome, drive
from benchmarks.machine import Line, describe, median, pin, show
from benchmarks.proven import Receipts, spread
from benchmarks.world import NATIONS, World, build
from gateway.audit.checkpoint import VerifierKey, parse_verifier_key
from gateway.cli.progress import watched

QUORUM = 2
NAMES = ("first", "second", "third")
DEMANDING = NATIONS[1::2]
KINDS = ("not witnessed", "witnessed")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness's process, where it listens, and its key."""

    process: int
    url: str
    key: VerifierKey


@contextmanager
def witness(folder: Path, log_key: str) -> Iterator[Witness]:
    """``relgate witness`` over one log, from the moment it listens until the end."""
    command = [sys.executable, "-m", "gateway", "witness", str(folder), "--name", f"{folder.name}.example/w1"]
    said = folder.with_suffix(".log")
    with said.open("wb") as written:
        process = subprocess.Popen([*command, "--log", log_key, "--port", "0"], stderr=written)
    try:
        for _ in range(300):
            if begun := re.search(r"(http://[^;\s]+);.*\n(.+)\n", said.read_text(encoding="utf-8")):
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"a witness did not start: {said.read_text(encoding='utf-8')}")
        yield Witness(process.pid, begun[1], parse_verifier_key(begun[2]))
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(20)


def demand(world: World, witnesses: dict[str, Witness]) -> None:
    """Write the demand into the policy set, before it is put in force."""
    policies = world.stage.policies
    known = "".join(f'{name} = "{each.key}"\n' for name, each in witnesses.items())
    with (policies / "policy.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[witnesses]\n{known}")
    line = f"witnesses = {{ quorum = {QUORUM}, of = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in NAMES)}] }}"
    for code in DEMANDING:
        partner = policies / "partners" / f"{code}.toml"
        text = partner.read_text(encoding="utf-8")
        partner.write_text(text.replace("[agreement]\n", f"[agreement]\n{line}\n", 1), encoding="utf-8")


def settings(witnesses: dict[str, Witness]) -> str:
    """What tells the gateway where the witnesses are."""
    return "".join(
        f'\n[witnesses.{name}]\nurl = "{each.url}"\nkey = "{each.key}"\n' for name, each in witnesses.items()
    )


def measure(seconds: float, slices: int, clients: int) -> list[Line]:
    """Run both in turn; raises ``SystemExit`` when an outcome is wrong."""
    pin(first=False)
    with tempfile.TemporaryDirectory(prefix="relgate-bench-") as folder, ExitStack() as running:
        ports = {kind: release.free_port() for kind in ("source", *release.KINDS)}
        source_url = f"http://127.0.0.1:{ports['source']}"
        world = build(Path(folder), source_url)
        log_key = world.stage.gateway_keys().log_verifier_key
        witnesses = {name: running.enter_context(witness(Path(folder) / name, log_key)) for name in NAMES}
        demand(world, witnesses)
        processes: dict[str, int] = {}
        for kind, arguments in release.commands(world, ports, source_url, settings(witnesses)):
            if kind in ("source", "gateway"):
                processes[kind] = running.enter_context(release.process(arguments, ports[kind]))
        run = Run(world, ports["gateway"], processes["gateway"], parse_verifier_key(log_key), witnesses, clients)
        run.slice(KINDS[0], min(release.WARM_SECONDS, seconds))
        told = run.turns("three witnesses up", seconds / 2, slices)
        os.kill(witnesses[NAMES[0]].process, signal.SIGSTOP)
        told += run.turns("one of the three stopped", seconds / 2, slices)
        return [*told, Line(f"receipts, each proves its answer's bytes: {run.proved} of {run.proved}", "")]


class Run:
    """Asks for answers of either kind, and checks the receipt of each."""

    def __init__(
        self, world: World, port: int, process: int, key: VerifierKey, witnesses: dict[str, Witness], clients: int
    ) -> None:
        asked = release.requests(world)
        partner = [NATIONS[number % len(NATIONS)] for number in range(len(asked))]
        self._asked = {
            kind: [request for request, code in zip(asked, partner, strict=True) if (code in DEMANDING) == demanding]
            for kind, demanding in zip(KINDS, (False, True), strict=True)
        }
        self._port, self._process, self._key, self._clients = port, process, key, clients
        self._witness_keys = [each.key for each in witnesses.values()]
        self._receipts = Receipts()
        self._firsts = itertools.count(step=1009)
        self.proved = 0

    def slice(self, kind: str, seconds: float) -> Outcome:
        """Ask for so many seconds for answers of one kind."""
        outcome = drive(
            self._port,
            self._asked[kind],
            seconds,
            self._process,
            next(self._firsts),
            self._receipts.follow,
            clients=self._clients,
            keep_every=1,
        )
        if outcome.failed:
            raise SystemExit(f"{kind}: {len(outcome.failed)} answers were no 200: {outcome.failed[0]!r}")
        quorum = QUORUM if kind == "witnessed" else 0
        self.proved += self._receipts.prove(outcome, self._key, self._witness_keys, quorum)
        return outcome

    def turns(self, title: str, seconds: float, slices: int) -> list[Line]:
        """Both kinds in turn, and what they came to."""
        found: dict[str, list[Outcome]] = {kind: [] for kind in KINDS}
        for _ in watched(range(slices), title, slices):
            for kind in KINDS:
                found[kind].append(self.slice(kind, seconds / slices / len(KINDS)))
        rates = {kind: median([outcome.rate for outcome in outcomes]) for kind, outcomes in found.items()}
        return [
            *(line for kind in KINDS for line in self._told(f"{title}: {kind}", found[kind], rates[kind])),
            Line(f"{title}: witnessed / not, a second", "", rates["witnessed"] / rates["not witnessed"]),
        ]

    def _told(self, what: str, outcomes: Sequence[Outcome], rate: float) -> list[Line]:
        waits = sorted(wait for outcome in outcomes for wait in outcome.firsts)
        return [Line(what, f"{rate:.0f}/s"), Line("  the answer took", spread(waits))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--slices", type=int, default=10)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    print(describe())
    title = f"answers that {QUORUM} of {len(NAMES)} witnesses must have cosigned, {options.clients} clients"
    show(title, measure(options.seconds, options.slices, options.clients))


if __name__ == "__main__":
    main()
