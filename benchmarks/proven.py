"""HTTP releases, each answered with a durable entry and followed by its receipt, beside a pass-through of the same run.

    python -m benchmarks.proven [--seconds 600] [--slices 20]

As :mod:`benchmarks.release`, but every answer counts only with its receipt: a connection asks for a record, takes the
receipt's address from the answer, fetches the receipt (leaf, inclusion proof, signed checkpoint), and only then asks
for the next. Slices of it take turns with slices of the plain pass-through. One pair in some is proved whole with the
log's public key, and every answer must be 200.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import release
from benchmarks.load import Asked, Outcome, drive
from benchmarks.machine import Line, describe, median, pin, show
from benchmarks.world import World, build
from gateway.audit import receipt
from gateway.cli.progress import watched

KINDS = ("plain", "gateway")


class Receipts:
    """Asks for the receipt of each answer, and keeps what the answer was."""

    def __init__(self) -> None:
        self.sealed: dict[int, str] = {}

    def follow(self, asked: Asked, answer: bytes) -> bytes | None:
        """The request for the receipt of an answer; none where the answer names no receipt."""
        head, _, body = answer.partition(b"\r\n\r\n")
        at = head.lower().find(b"\r\nlink: <")
        if at < 0:
            return None
        path = head[at + 9 : head.index(b">", at)]
        self.sealed[asked.number] = hashlib.sha256(body).hexdigest()
        _, _, rest = asked.request.partition(b"\r\n")
        return b"GET " + path + b" HTTP/1.1\r\n" + rest.replace(b"Accept: application/jose\r\n", b"")

    def prove(self, outcome: Outcome, key: str) -> int:
        """Check the kept receipts against the answers; how many. Raises ``SystemExit``."""
        proved = 0
        for number, answer in outcome.kept:
            issued = answer.partition(b"\r\n\r\n")[2]
            leaf = receipt.leaf_of(issued)
            receipt.verify(issued, leaf, [key])
            if number in self.sealed and json.loads(leaf)["sealed"] == self.sealed[number]:
                proved += 1
        return proved


def measure(seconds: float, slices: int) -> list[Line]:
    """Run both in turn."""
    pin(first=False)
    with tempfile.TemporaryDirectory(prefix="relgate-bench-") as folder, ExitStack() as running:
        ports = {kind: release.free_port() for kind in ("source", *release.KINDS)}
        source_url = f"http://127.0.0.1:{ports['source']}"
        world = build(Path(folder), source_url)
        processes = {
            kind: running.enter_context(release.process(arguments, ports[kind]))
            for kind, arguments in release.commands(world, ports, source_url)
            if kind in ("source", *KINDS)
        }
        asked, receipts = release.requests(world), Receipts()
        drive(ports["gateway"], asked, min(release.WARM_SECONDS, seconds), processes["gateway"], then=receipts.follow)
        found: dict[str, list[Outcome]] = {kind: [] for kind in KINDS}
        for turn in watched(range(slices), "slices", slices):
            for kind in KINDS:
                then = receipts.follow if kind == "gateway" else None
                first = turn * len(asked) // slices
                found[kind].append(drive(ports[kind], asked, seconds / slices, processes[kind], first, then))
        return lines(world, receipts, found)


def lines(world: World, receipts: Receipts, found: dict[str, list[Outcome]]) -> list[Line]:
    """The table; raises ``SystemExit`` when an outcome is wrong."""
    for kind, outcomes in found.items():
        if failed := [answer for outcome in outcomes for answer in outcome.failed]:
            raise SystemExit(f"{kind}: {len(failed)} answers were no 200: {failed[0]!r}")
    key = world.stage.gateway_keys().log_verifier_key
    kept = sum(len(outcome.kept) for outcome in found["gateway"])
    proved = sum(receipts.prove(outcome, key) for outcome in found["gateway"])
    table = []
    for kind, told in (("plain", "pass-through"), ("gateway", "release and its receipt")):
        waits = sorted(wait for outcome in found[kind] for wait in outcome.waits)
        rate = median([outcome.rate for outcome in found[kind]])
        cost = median([outcome.cost for outcome in found[kind]])
        figure = f"{rate:.0f}/s {cost:.0f} us p99 {_p99(waits) * 1e3:.1f} ms"
        table.append(Line(f"{told}, {len(waits)} in all", figure))
    pairs = [ours.rate / theirs.rate for ours, theirs in zip(found["gateway"], found["plain"], strict=True)]
    table.append(Line("release and its receipt / pass-through, a second", "", median(pairs)))
    table.append(Line(f"kept receipts proved against their answers' bytes: {proved} of {kept}", ""))
    return table


def _p99(waits: Sequence[float]) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * 0.99))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--slices", type=int, default=20)
    options = parser.parse_args()
    print(describe())
    show(f"{options.seconds:g} s of releases with their receipts", measure(options.seconds, options.slices))


if __name__ == "__main__":
    main()
