"""A disk that loses what was not synced: record every write of a real run, then lose power at any moment of it.

``strace`` writes down each write, sync and truncation of the log's files, with the bytes, and each acknowledgement that
went to standard output. :func:`lose_power` plays them back up to a moment chosen by its seed onto a disk of its own:
what was synced is there; of what was written since the last sync, any part in pieces of 512 bytes is there or is not,
in any combination; a file may be shorter or longer by what was not synced. Then the log is opened from what is left.

This shows what ``kill -9`` cannot: the kernel keeps its page cache when a process dies, and loses it with the power.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.canonical import digest
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from tests.support import traced

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
KEY = bytes(range(32))
ENTRIES = 400
"""How many entries are appended for power to be lost among."""
SECTOR = 512
FILES = ("audit.db", "audit.db-wal")
"""What is on the disk; ``audit.db-shm`` is memory that SQLite makes anew."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written at an offset of a file; without bytes, the file is cut or filled up to the offset."""

    name: str
    offset: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Sync:
    """Everything written to the file so far is on the disk."""

    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Entries acknowledged: leaf digest by index."""

    entries: Mapping[int, str]


Event = Write | Sync | Answer


def record(place: Path, count: int) -> list[Event]:
    """Append ``count`` entries from a process of its own, and give what it did to the disk, in order."""
    trace = place / "trace"
    command = traced.command(trace, "pwrite64", "write", "fsync", "fdatasync", "ftruncate")
    command += [
        sys.executable,
        str(HERE / "appender.py"),
        f"sqlite:///{place / 'audit.db'}",
        KEY.hex(),
        "traced",
        str(count),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    return parse(trace)


def parse(trace: Path) -> list[Event]:
    """The events of a trace. A call counts when it has returned; a sync covers what was written before it began."""
    placed = [(call.begun if call.name in traced.SYNCS else call.returned, call) for call in traced.calls(trace)]
    return [event for _, call in sorted(placed, key=lambda each: each[0]) for event in _event(call)]


def _event(call: traced.Call) -> Iterator[Event]:
    name = Path(call.target).name
    if call.name == "write" and call.descriptor == 1:
        yield Answer({int(one.split()[0]): one.split()[1] for one in call.data.decode().splitlines()})
    elif name not in FILES:
        return
    elif call.name in traced.SYNCS:
        yield Sync(name)
    elif call.name == "ftruncate":
        yield Write(name, call.number, None)
    elif call.name == "pwrite64":
        yield Write(name, call.number, call.data)


@dataclass
class _Disk:
    """One file's bytes on the disk, and the writes that no sync has covered."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[Write] = field(default_factory=list)

    def sync(self) -> None:
        for write in self.pending:
            _apply(self.synced, write.offset, write.data)
        self.pending.clear()

    def after_power_loss(self, chance: random.Random) -> bytes:
        """What is left: every unsynced piece kept or lost by chance; sometimes all, sometimes none."""
        left = bytearray(self.synced)
        odds = chance.choice([0.0, 0.2, 0.5, 0.8, 1.0])
        for write in self.pending:
            if write.data is None:
                if chance.random() < odds:
                    _apply(left, write.offset, None)
                continue
            for at in range(0, len(write.data), SECTOR):
                if chance.random() < odds:
                    _apply(left, write.offset + at, write.data[at : at + SECTOR])
        return bytes(left)


def _apply(file: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del file[offset:]
        file.extend(bytes(offset - len(file)))
        return
    file.extend(bytes(max(0, offset - len(file))))
    file[offset : offset + len(data)] = data


def lose_power(events: list[Event], place: Path, seed: int) -> dict[int, str]:
    """Write to ``place`` what is left of the files when power is lost; gives what had been acknowledged by then."""
    chance = random.Random(seed)
    disks = {name: _Disk() for name in FILES}
    acknowledged: dict[int, str] = {}
    for event in events[: chance.randrange(len(events) + 1)]:
        match event:
            case Write():
                disks[event.name].pending.append(event)
            case Sync():
                disks[event.name].sync()
            case Answer():
                acknowledged |= event.entries
    for name, disk in disks.items():
        (place / name).write_bytes(disk.after_power_loss(chance))
    (place / "audit.db").chmod(0o600)
    return acknowledged


def faults(log: AuditLog, acknowledged: Mapping[int, str]) -> list[str]:
    """What is wrong with a log that was opened after a loss of power: lost entries, and whatever checking finds."""
    stored = {entry.index: digest(entry.leaf_bytes).hex() for entry in log.entries(limit=1_000_000)}
    lost = [f"acknowledged entry {at} is lost" for at, leaf in acknowledged.items() if stored.get(at) != leaf]
    return lost + [f"{finding.where}: {finding.what}" for finding in log.verify().findings]


def losses(events: list[Event], place: Path, seeds: Iterable[int]) -> Iterator[tuple[int, list[str]]]:
    """Take the power away once a seed, each time on a disk of its own; what is wrong with the log after it."""
    for seed in seeds:
        place.mkdir()
        acknowledged = lose_power(events, place, seed)
        log = opened(place)
        yield seed, faults(log, acknowledged)
        log.close()
        shutil.rmtree(place)


def opened(place: Path) -> AuditLog:
    """The log in a folder, as the next start opens it."""
    key = Ed25519PrivateKey.from_private_bytes(KEY)
    url = f"sqlite:///{place / 'audit.db'}"
    return AuditLog.open(url, origin="gateway.example/log", key=key, identifier_key=IdentifierKey(1, bytes(32)))
