"""What a process wrote, synced and sent, in the order the kernel saw it: from a trace by ``strace``.

A call has two moments: when it was begun, and when it had returned. They are places in the trace, so that calls of
several threads compare: what a sync covers was written before it was *begun*; what a sync is to come before is begun
after it has *returned*.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SYNCS = ("fsync", "fdatasync")

_CALL = re.compile(r"^(\d+) +([a-z0-9_]+)\((\d+)<((?:[^<>]|->)*)>(.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. [a-z0-9_]+ resumed>(.*)$")
_BYTES = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_END = 65_536
"""Bytes at the end of a trace in which the ends of all threads stand."""
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that succeeded, on a descriptor that stood for ``target``: a file's path, or a connection's two ends.

    ``data`` is what it wrote, ``number`` its last argument where that is one (an offset, a length).
    """

    name: str
    descriptor: int
    target: str
    data: bytes
    number: int
    begun: int
    returned: int


def command(trace: Path, *calls: str, aside: bool = False) -> list[str]:
    """What to put before a command so that its calls are written to a file. With ``aside`` the command is the caller's
    own child, to be killed by it, and strace goes on until it has written what the command did: see :func:`ended`.
    """
    said = ["-f", "-yy", "-xx", "-s", "100000000", "-e", f"trace={','.join(calls)}"]
    return ["strace", *(["-D"] if aside else []), "--seccomp-bpf", *said, "-o", str(trace)]


def _missing() -> str:
    """What keeps a command from being traced here; empty when nothing does."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = subprocess.run([*command(Path(os.devnull), *SYNCS), "true"], capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else f"strace cannot trace here: {probe.stderr.strip()[-200:]}"


MISSING = _missing()


def ended(trace: Path, process: int) -> bool:
    """Whether the trace is whole: the process has ended, and strace has written so."""
    with trace.open("rb") as data:
        data.seek(max(0, data.seek(0, os.SEEK_END) - _END))
        return re.search(rb"^%d +\+\+\+ " % process, data.read(), re.MULTILINE) is not None


def calls(trace: Path) -> Iterator[Call]:
    """The calls of a trace, in the order in which they returned."""
    begun: dict[str, tuple[int, str]] = {}
    with trace.open() as lines:
        for number, line in enumerate(lines):
            resumed = _RESUMED.match(line)
            if resumed is not None:
                first, start = begun.pop(resumed[1], (number, ""))
                yield from _call(start + resumed[2], first, number)
            elif line.rstrip().endswith(_UNFINISHED):
                begun[line.split(maxsplit=1)[0]] = number, line.rstrip().removesuffix(_UNFINISHED)
            else:
                yield from _call(line, number, number)


def _call(line: str, begun: int, returned: int) -> Iterator[Call]:
    found = _CALL.match(line)
    result = line.rpartition(" = ")[2].split(maxsplit=1)[:1]
    if found is None or not result or not result[0].isdigit():
        return
    name, target, arguments = found[2], found[4], found[5].rpartition(")")[0]
    if target.startswith("\\x"):
        target = bytes.fromhex(target.replace("\\x", "")).decode()
    said = "".join(_BYTES.findall(arguments)).replace("\\x", "")
    data = bytes.fromhex(said)[: 0 if name in SYNCS else int(result[0])]
    last = arguments.rpartition(",")[2].strip()
    yield Call(name, int(found[3]), target, data, int(last) if last.isdigit() else -1, begun, returned)
