"""Put another set of 10,000 policy lines in force under load: nothing is dropped, nothing is judged by half a set.

    python -m tests.activation.reload_campaign --lines 10000 --seconds 4

A gateway in a process of its own answers several connections that ask without a pause. Meanwhile an officer's command,
in a third process, activates a set in which one grant leaves a group of fields out that it let go before. Every answer
must be 200 and whole under one of the two sets; every answer begun after the command returned must be under the new
one. What is printed: the longest time between two answers, and the longest answer, before the activation, while the
set is being compiled beside the one in force, and in the second around the switch.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from demo.stage import Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.service import now, open_log
from sample_source.app import build_app
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.running import POLICIES
from tests.support.waiting import come
from tests.system.acting import START
from tests.system.process import started

GRANTS = 100
"""Grants of each made-up partner."""

CONNECTIONS = 4
NATIONS = ("AUS", "CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "KOR", "NOR", "NZL")
GRANT = 'id = "gbr-elset"\ndataset = "elset"\n'
TOLD = frozenset({"origin", "createdBy", "origNetwork", "sourceDL", "algorithm", "transactionId"})
"""Fields of the group that the new set leaves out; each record has one of them."""

PARTNER = """partner = "{code}"
name = "Made up {code}"
kind = "organisation"

[agreement]
instrument = "Made up"
from = 2020-01-01
until = 2040-01-01
datasets = ["elset", "statevector"]
purposes = ["collision-avoidance"]

[ceiling]
5 = "SECRET"
8 = "SECRET"

[channel]
credential = "bearer"

[identity]
issuer = "https://issuer.{code}.example"
audience = "releasability-gateway"
algorithms = ["EdDSA"]

[[system]]
id = "one"
clearance = "SECRET"
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: when it was asked for and had, its status, and whether every, some or no record has the field."""

    asked: float
    had: float
    status: int
    told: str


@dataclass(slots=True)
class Report:
    """What a run came to; ``announced`` and ``switched`` bound the activation, ``returned`` is the command's end."""

    lines: int
    began: float = 0.0
    commanded: float = 0.0
    returned: float = 0.0
    answers: list[Answered] = field(default_factory=list)

    @property
    def failed(self) -> list[Answered]:
        """Answers that are no whole answer under one of the two sets."""
        return [each for each in self.answers if each.status != 200 or each.told == "mixed"]

    @property
    def stale(self) -> list[Answered]:
        """Answers that were asked for after the activation and are under the set before."""
        return [each for each in self.answers if each.asked > self.returned and each.told != "none"]

    @property
    def switched(self) -> float:
        """When the first answer under the new set was had."""
        return min(each.had for each in self.answers if each.told == "none")

    def times(self, since: float, until: float) -> tuple[float, float, float]:
        """In milliseconds: the longest time between two answers, the longest answer, the median one."""
        within = sorted((each for each in self.answers if since <= each.had < until), key=lambda each: each.had)
        gaps = [later.had - earlier.had for earlier, later in itertools.pairwise(within)]
        spent = [each.had - each.asked for each in within]
        return max(gaps) * 1e3, max(spent) * 1e3, statistics.median(spent) * 1e3


def run(folder: Path, lines: int, seconds: float) -> Report:
    """One activation under load."""
    policies = folder / "policies"
    shutil.copytree(POLICIES, policies)
    count = _fill(policies, lines)
    stage = Stage(folder / "var", folder / "keys", policies)
    stage.prepare("http://127.0.0.1:1")
    app = build_app(build_tables(20), stage.source_token.read_text().strip())
    with serving(app) as source:
        settings = stage.prepare(source.base_url)
        log = open_log(settings, stage.gateway_keys(), "officer")
        activate(log, read_policy_files(policies, stage.keys), Order("officer", "first", now()), UNSIGNED)
        log.close()
        with started(stage.config) as gateway:
            return asyncio.run(_load(stage, gateway.url, policies, count, seconds))


def _fill(policies: Path, lines: int) -> int:
    """Made-up partners with so many grants together."""
    for number in range(lines // GRANTS):
        code = f"MADE_{number:03}"
        grants = [
            f'\n[[grant]]\nid = "made-{number}-{rule}"\ndataset = "{("elset", "statevector")[rule % 2]}"\n'
            f'purposes = ["collision-avoidance"]\nwhere = {{ owners = {{ contains = "{NATIONS[rule % 10]}" }} }}\n'
            for rule in range(GRANTS)
        ]
        text = PARTNER.format(code=code) + "".join(grants)
        (policies / "partners" / f"{code}.toml").write_text(text, encoding="utf-8")
    return lines // GRANTS * GRANTS


async def _load(stage: Stage, url: str, policies: Path, lines: int, seconds: float) -> Report:
    report, stopping = Report(lines), asyncio.Event()
    asking = [asyncio.create_task(_ask(stage, url, report, stopping)) for _ in range(CONNECTIONS)]
    await _answers(report, seconds / 2)  # the first requests compile what is in force
    report.began = time.monotonic()
    await _answers(report, seconds)
    file = policies / "partners" / "GBR.toml"
    file.write_text(file.read_text("utf-8").replace(GRANT, f'{GRANT}drop = ["provenance"]\n'), encoding="utf-8")
    report.commanded = time.monotonic()
    command = [sys.executable, "-m", "gateway", "--config", str(stage.config), "policy", "activate", "--reason", "load"]
    done = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, said = await done.communicate()
    report.returned = time.monotonic()
    if done.returncode != 0:
        raise RuntimeError(said.decode())
    await _answers(report, seconds)
    stopping.set()
    await asyncio.gather(*asking)
    return report


async def _answers(report: Report, seconds: float) -> None:
    """Let answers come for so long, and until some come that were asked for since, which a slow machine delays."""
    since = time.monotonic()
    await asyncio.sleep(seconds)
    await come(lambda: any(each.asked > since for each in report.answers[-CONNECTIONS:]), "no answers come")


async def _ask(stage: Stage, url: str, report: Report, stopping: asyncio.Event) -> None:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    token = stage.token("GBR", purpose="collision-avoidance", at=START)
    request = (
        "GET /udl/elset?epoch=%3E2000-01-01T00:00:00Z HTTP/1.1\r\nHost: gateway\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    while not stopping.is_set():
        asked = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body = await reader.readexactly(int(length.partition(b":")[2]))
        status = int(head.split(b" ", 2)[1])
        report.answers.append(Answered(asked, time.monotonic(), status, _told(status, body)))
    writer.close()


def _told(status: int, body: bytes) -> str:
    if status != 200:
        return ""
    told = [not TOLD.isdisjoint(record) for record in json.loads(body)]
    return "every" if all(told) else "mixed" if any(told) else "none"


def main() -> int:
    """Run it and print what came of it; 1 when an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.activation.reload_campaign", description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), options.lines, options.seconds)
    rows = (
        ("before the activation", report.began, report.commanded),
        ("announced and compiling", report.commanded, report.switched - 0.5),
        ("half a second around the switch", report.switched - 0.5, report.switched + 0.5),
        ("after it", report.switched + 0.5, report.answers[-1].had),
    )
    load = f"{len(report.answers):,} answers, {CONNECTIONS} connections, {os.cpu_count()} cores"
    print(f"{report.lines:,} policy lines, {load}")
    print(f"the command took {report.returned - report.commanded:.1f} s")
    print(f"{'milliseconds':34}{'longest between two':>22}{'longest answer':>18}{'median answer':>16}")
    for what, since, until in rows:
        gap, longest, median = report.times(since, until)
        print(f"{what:34}{gap:22.1f}{longest:18.1f}{median:16.1f}")
    print(f"failed or mixed: {len(report.failed)}; under the old set after the command returned: {len(report.stale)}")
    return 1 if report.failed or report.stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
