"""Pass a body of gigabytes through the gateway, filtered, sealed and recorded, and say how much memory that took.

    python -m tests.system.stream_campaign --gigabytes 5

The sample source makes the body up while it is read; the gateway, in a process of its own, judges each record, seals
what may go and writes each chunk to its log; a partner opens every chunk and checks order and end. Printed are the
rate, and the most memory the gateway's process had resident above what it had when idle. Exit code 0 when that is below
64 MiB and everything was as it should be, 1 when not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import Progress

from demo.stage import Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.client import AnswerReader, Part, recipient
from gateway.service import open_log
from tests.support.running import POLICIES
from tests.system.acting import START
from tests.system.process import started

MOST_MIB = 64
PARTNER, PURPOSE = "GBR", "collision-avoidance"
QUERY = "epoch=%3E2000-01-01T00:00:00Z"
SEALED = "application/jose, application/x-ndjson"
console = Console(width=110)


@dataclass(slots=True)
class Memory:
    """The resident memory of a process, in MiB (Linux: ``/proc/PID``)."""

    process: int

    def forget_most(self) -> None:
        """From now on the most is counted anew."""
        Path(f"/proc/{self.process}/clear_refs").write_text("5")

    def most(self) -> float:
        """The most it had since."""
        return self._read("VmHWM")

    def now(self) -> float:
        """What it has now."""
        return self._read("VmRSS")

    def _read(self, name: str) -> float:
        lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


@dataclass(slots=True)
class Received:
    """What a partner made of the answer."""

    sealed: int = 0
    content: int = 0
    records: int = 0
    chunks: int = 0
    ascending: bool = True
    last_identifier: bytes = b""

    def take(self, part: Part) -> None:
        """Count a chunk's records and look at their order."""
        content = part.opened.content
        identifiers = [line[12:22] for line in content.splitlines()]  # {"idElset":"0123456789", ...
        whole = [self.last_identifier, *identifiers]
        self.ascending = self.ascending and all(one < other for one, other in pairwise(whole))
        self.last_identifier = whole[-1]
        self.records += len(identifiers)
        self.content += len(content)
        self.chunks += 1


@contextmanager
def source(token: Path, size: int, records: int, wider: int) -> Iterator[str]:
    """A sample source in a process of its own whose bulk answers have this size; its address."""
    asked = {"--port": 0, "--token-file": token, "--records": records, "--bulk-bytes": size, "--bulk-wider": wider}
    options = [str(each) for pair in asked.items() for each in pair]
    command = [sys.executable, "-m", "sample_source", "--quiet", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            running.stdout.readline()
            yield running.stdout.readline().split("://")[1].split("/udl")[0]
        finally:
            running.terminate()


def run(folder: Path, size: int, records: int, wider: int) -> bool:
    """One whole run; whether all was as it should be."""
    stage = Stage(folder / "var", folder / "keys", POLICIES)
    settings = stage.prepare("http://127.0.0.1:1")
    with source(stage.source_token, size, records, wider) as address:
        stage.prepare(f"http://{address}")
        log = open_log(settings, stage.gateway_keys(), "officer")
        activate(
            log,
            read_policy_files(settings.policies_dir, settings.keys_dir),
            Order("campaign", "stream", START),
            UNSIGNED,
        )
        log.close()
        with started(stage.config) as gateway:
            memory = Memory(gateway.running.pid or 0)
            headers = {"Authorization": f"Bearer {stage.token(PARTNER, purpose=PURPOSE, at=START)}", "Accept": SEALED}
            httpx.get(f"{gateway.url}/udl/elset?{QUERY}", headers=headers, timeout=60).raise_for_status()
            idle = memory.now()
            memory.forget_most()
            begun = time.monotonic()
            received = receive(stage, f"{gateway.url}/udl/elset/bulk?{QUERY}", headers, size)
            took, most = time.monotonic() - begun, memory.most()
    log = open_log(settings, stage.gateway_keys(), "auditor")
    try:
        return report(size, took, idle, most, received, log.size(), log.entries(log.size() - 2, 1)[0].leaf.last)
    finally:
        log.close()


def receive(stage: Stage, url: str, headers: dict[str, str], size: int) -> Received:
    """Read the answer as a partner does: chunk by chunk, each opened and checked, and the end too."""
    keys = stage.gateway_keys()
    holder = recipient(stage.private_jwks(PARTNER), keys.public_jwks, keys.log_verifier_key, partner=PARTNER)
    received, reader = Received(), AnswerReader(holder)
    with (
        Progress(console=console, refresh_per_second=0.2) as progress,
        httpx.stream("GET", url, headers=headers, timeout=600) as answer,
    ):
        task = progress.add_task("records", total=None)
        answer.raise_for_status()
        for piece in answer.iter_raw():
            received.sealed += len(piece)
            for part in reader.feed(piece):
                received.take(part)
                read = int(received.last_identifier) / max(1, received.records)
                done = int(received.content * read)
                shown = f"{done / 1e6:,.0f} of {size / 1e6:,.0f} MB"
                progress.update(task, completed=done, total=size, description=shown)
        for part in reader.finish():
            received.take(part)
    return received


def report(size: int, took: float, idle: float, most: float, received: Received, entries: int, closed: bool) -> bool:
    """Print what was found; whether it is as it should be."""
    console.print(f"body of the source     {size / 1e9:8.3f} GB in {took:,.0f} s: {size / took / 1e6:.1f} MB/s")
    console.print(f"released               {received.records:8,} records in {received.chunks:,} chunks")
    console.print(f"                       {received.content / 1e9:8.3f} GB, {received.sealed / 1e9:.3f} GB sealed")
    console.print(f"entries in the log     {entries:8,}")
    console.print(f"resident when idle     {idle:8.1f} MiB")
    console.print(f"most above idle        {most - idle:8.1f} MiB (must be below {MOST_MIB})")
    whole = received.ascending and closed and received.chunks > 1
    if not whole:
        console.print("[red]the answer is not what it should be[/]")
    return whole and most - idle < MOST_MIB


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--records", type=int, default=3000, help="records that the source repeats under other names")
    parser.add_argument("--wider", type=int, default=0, help="bytes more in each record's descriptor")
    parser.add_argument("--folder", type=Path, help="where keys and log are made (a folder that is removed at the end)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        return 0 if run(Path(folder), int(given.gigabytes * 1e9), given.records, given.wider) else 1


if __name__ == "__main__":
    sys.exit(main())
