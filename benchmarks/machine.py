"""The machine that figures were taken on, pinning to a core, and the table that they are printed in.

Rules: a figure is the median of several rounds, taken turn by turn with what it is compared with, so that a busy
moment of the machine falls on both. A goal is printed beside its figure and never changes an exit status: only a
wrong outcome does.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("uvicorn", "starlette", "aiohttp", "joserfc", "cryptography", "msgspec", "orjson", "pycasbin")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what, its figure in words, and where there is one the ratio with its goal.

    ``more`` says whether a larger ratio is better.
    """

    what: str
    figure: str
    ratio: float | None = None
    goal: float | None = None
    more: bool = True

    @property
    def verdict(self) -> str:
        """Whether the goal is met; empty where there is none."""
        if self.ratio is None or self.goal is None:
            return ""
        met = self.ratio >= self.goal if self.more else self.ratio <= self.goal
        return f"{'met' if met else 'SHORT'} (goal {'>=' if self.more else '<='} {self.goal:g})"


def describe() -> str:
    """The machine and the versions, on two lines."""
    cores = sorted(os.sched_getaffinity(0))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{_processor()}, {len(cores)} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, load {load}\n{libraries}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()} ({platform.machine()})"


def pin(first: bool) -> None:
    """Keep this process on the first core it may use, or on the last: on one core alone both are the same."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0] if first else cores[-1]})


def median(values: Sequence[float]) -> float:
    """The middle of some figures."""
    return float(statistics.median(values))


def show(title: str, lines: Iterable[Line]) -> None:
    """Print one comparison, each line when it is there."""
    print(f"\n== {title}", flush=True)
    for line in lines:
        ratio = "" if line.ratio is None else f"{line.ratio:.3f}" if line.ratio >= 0.01 else f"{line.ratio:.6f}"
        print(f"  {line.what:58} {line.figure:>26}  {ratio:>9}  {line.verdict}".rstrip(), flush=True)
