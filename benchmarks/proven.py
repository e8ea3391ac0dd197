"""HTTP releases, each answered with a durable entry and followed by its receipt, beside a pass-through of the same run.

    python -m benchmarks.proven [--seconds 600] [--slices 20] [--clients 32]

As :mod:`benchmarks.release`, but every answer counts only with its receipt: a connection asks for a record, takes the
receipt's address from the answer, fetches the receipt (leaf, inclusion proof, signed checkpoint), and only then asks
for the next. Slices of it take turns with slices of the plain pass-through.

It counts only if every answer was 200, every receipt proves its answer's bytes with the log's public key (checked
between the slices), and the log verifies from its first entry to its head when all is over. A last slice asks with one
client, where nobody waits for anybody.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import resource
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import release
from benchmarks.load import CONNECTIONS, Asked, Outcome, drive, processor_time
from benchmarks.machine import Line, describe, median, pin, show
from benchmarks.world import World, build
from gateway.audit import receipt, store
from gateway.audit.checkpoint import VerifierKey, parse_verifier_key
from gateway.audit.database import Database
from gateway.audit.reading import LogReader
from gateway.cli.progress import bar, watched
from gateway.settings.model import Settings

KINDS = ("plain", "gateway")


class Receipts:
    """Asks for the receipt of each answer, and keeps what the answer was."""

    def __init__(self) -> None:
        self._sealed: dict[int, str] = {}

    def follow(self, asked: Asked, answer: bytes) -> bytes | None:
        """The request for the receipt of an answer; none where the answer names no receipt."""
        head, _, body = answer.partition(b"\r\n\r\n")
        at = head.lower().find(b"\r\nlink: <")
        if at < 0:
            return None
        path = head[at + 9 : head.index(b">", at)]
        self._sealed[asked.number] = hashlib.sha256(body).hexdigest()
        _, _, rest = asked.request.partition(b"\r\n")
        return b"GET " + path + b" HTTP/1.1\r\n" + rest.replace(b"Accept: application/jose\r\n", b"")

    def prove(
        self, outcome: Outcome, key: VerifierKey, witness_keys: Sequence[VerifierKey] = (), quorum: int = 0
    ) -> int:
        """Check each answer's receipt against the answer's bytes, and forget them; how many. Raises ``SystemExit`` for
        one that is missing or proves other bytes, ``ProofRefused`` for one that proves nothing or that too few of the
        witnesses have cosigned.
        """
        for number, answer in outcome.kept:
            issued = answer.partition(b"\r\n\r\n")[2]
            leaf = receipt.leaf_of(issued)
            receipt.verify(issued, leaf, [key], witness_keys=witness_keys, quorum=quorum)
            if json.loads(leaf)["sealed"] != self._sealed.pop(number, ""):
                raise SystemExit(f"request {number}: its receipt is for other bytes than those that came")
        if len(outcome.kept) != outcome.answers or self._sealed:
            raise SystemExit(f"{outcome.answers - len(outcome.kept)} of {outcome.answers} answers have no receipt")
        outcome.kept.clear()
        return outcome.answers


@dataclass(slots=True)
class Found:
    """What the run came to: outcomes by kind, one client's, receipts proved, seconds of processor time by process."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    alone: Outcome = field(default_factory=Outcome)
    proved: int = 0
    used: dict[str, float] = field(default_factory=dict)


def spread(waits: Sequence[float]) -> str:
    """The median, the 99th percentile and the longest, in milliseconds, of sorted waits."""
    half, most = waits[len(waits) // 2], waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    return f"p50 {half * 1e3:.1f} p99 {most * 1e3:.1f} max {waits[-1] * 1e3:.1f} ms"


def measure(seconds: float, slices: int, clients: int) -> list[Line]:
    """Run both in turn; raises ``SystemExit`` when an outcome is wrong."""
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
        settings, key = world.stage.settings(), parse_verifier_key(world.stage.gateway_keys().log_verifier_key)
        asked, receipts, found = release.requests(world), Receipts(), Found()
        firsts = itertools.count(
            step=max(1, len(asked) // slices)
        )  # a slice begins where the one before may have ended

        def ask(kind: str, span: float, most: int = clients) -> Outcome:
            then, first = (receipts.follow if kind == "gateway" else None), next(firsts)
            outcome = drive(
                ports[kind], asked, span, processes[kind], first, then, clients=most, keep_every=1 if then else 97
            )
            if outcome.failed:
                raise SystemExit(f"{kind}: {len(outcome.failed)} answers were no 200: {outcome.failed[0]!r}")
            if then is not None:
                found.proved += receipts.prove(outcome, key)
            return outcome

        ask("gateway", min(release.WARM_SECONDS, seconds))
        before, memory = _commits(settings), _resident(processes["gateway"])
        for _ in watched(range(slices), "slices", slices):
            for kind in KINDS:
                used = _used(processes)
                found.outcomes[kind].append(ask(kind, seconds / slices / len(KINDS)))
                if kind == "gateway":
                    for name, total in _used(processes).items():
                        found.used[name] = found.used.get(name, 0.0) + total - used[name]
        after, grown = _commits(settings), _resident(processes["gateway"])
        found.alone = ask("gateway", min(10.0, seconds / slices), most=1)
        return [
            *_rates(found, clients),
            *_costs(found),
            Line("entries a commit", f"{(after[0] - before[0]) / max(1, after[1] - before[1]):.1f}"),
            Line("memory of the gateway's process, begin and end", f"{memory:.0f} and {grown:.0f} MiB"),
            Line(f"receipts, each proves its answer's bytes: {found.proved} of {found.proved}", ""),
            _verify(world, settings, key),
        ]


def _rates(found: Found, clients: int) -> list[Line]:
    """How many a second, and how long they took."""
    plain, ours = found.outcomes["plain"], found.outcomes["gateway"]
    pairs = [mine.rate / theirs.rate for mine, theirs in zip(ours, plain, strict=True)]
    return [
        *_told(f"pass-through, {clients} clients", plain, _each(outcome.waits for outcome in plain)),
        *_told(f"release and its receipt, {clients} clients", ours, _each(outcome.waits for outcome in ours)),
        Line("  the release alone", spread(_each(outcome.firsts for outcome in ours))),
        Line("release and its receipt / pass-through, a second", "", median(pairs)),
        *_told("release and its receipt, one client", [found.alone], sorted(found.alone.waits)),
        Line("  the release alone", spread(sorted(found.alone.firsts))),
    ]


def _told(what: str, outcomes: Sequence[Outcome], waits: Sequence[float]) -> list[Line]:
    rate, cost = (median([getattr(outcome, name) for outcome in outcomes]) for name in ("rate", "cost"))
    return [Line(f"{what}: {len(waits)} in all", f"{rate:.0f}/s {cost:.0f} us"), Line("  each took", spread(waits))]


def _costs(found: Found) -> list[Line]:
    """Processor time of one release with its receipt, by process."""
    answers = sum(outcome.answers for outcome in found.outcomes["gateway"])
    names = {"gateway": "gateway", "source": "source", "client": "client, checking receipts included"}
    return [
        Line(f"processor time of a release and its receipt: {told}", f"{found.used[name] / answers * 1e6:.0f} us")
        for name, told in names.items()
    ]


def _each(waits: Iterable[Sequence[float]]) -> list[float]:
    return sorted(itertools.chain.from_iterable(waits))


def _used(processes: dict[str, int]) -> dict[str, float]:
    """Seconds of processor time used so far, by process; this one is the client."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {
        **{name: processor_time(processes[name]) for name in ("gateway", "source")},
        "client": own.ru_utime + own.ru_stime,
    }


def _resident(process: int) -> float:
    """MiB of a process's memory that are resident."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _commits(settings: Settings) -> tuple[int, int]:
    """How many entries the log has, and in how many commits they came."""
    database = Database(settings.log_url)
    with database.reading() as connection:
        head = store.read_head(connection)
    database.close()
    if head is None:
        raise SystemExit("the log has no head")
    return head.size, head.epoch


def _verify(world: World, settings: Settings, key: VerifierKey) -> Line:
    """Check the log from its first entry to its head; raises ``SystemExit`` for whatever is found."""
    reader = LogReader.open_to_read(settings.log_url, origin=settings.log_origin, verifier=key)
    with bar("checking the log") as progress:
        report = reader.verify(progress=progress, processes=0)
    reader.close()
    if report.findings:
        raise SystemExit(f"the log does not verify: {report.findings[0]}")
    size = sum(file.stat().st_size for file in world.stage.root.glob("audit.sqlite3*")) / 2**20
    return Line(f"the log verifies, from first entry to head: {report.size} entries", f"{size:.0f} MiB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--clients", type=int, default=CONNECTIONS)
    options = parser.parse_args()
    print(describe())
    title = f"{options.seconds:g} s of releases with their receipts, half of them the pass-through's"
    show(title, measure(options.seconds, options.slices, options.clients))


if __name__ == "__main__":
    main()
