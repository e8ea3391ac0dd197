"""``make fuzz-requests``: a gateway under mangled requests for so many seconds, and what every answer must be.

For each case:

1. the answer is one whole HTTP answer: 200, or a problem whose code and status are documented, and never a 500;
2. a request has exactly one entry in the log, whose outcome is the answer's code; what is no HTTP has none;
3. nothing of the token is in the answer, the entry or the log lines;
4. the source saw reads of the one dataset alone, under the gateway's own credential;
5. content went out only for a token whose signature and times a second library takes too.

Prints how many cases ended how. A case that breaks a rule is printed as bytes; its number and the seed make it again.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import io
import json
import logging
import secrets
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from gateway import logs
from gateway.refusals import PROBLEMS
from gateway.settings.model import LogFormat, LogLevel
from tests.http.fuzzing import Case, Maker
from tests.support.loopback import Loopback, loopback

BATCH = 100
POINT = "a-token-of-an-enforcement-point-that-shows-nowhere"
PUBLIC = ("/readyz", "/healthz", "/checkpoint", "/tile/", "/problems/", "/docs", "/openapi.json", "/.well-known/")
EXPECTED_STATUSES = frozenset(range(200, 500)) | {503}


@dataclass(slots=True)
class Found:
    """What a campaign found so far."""

    cases: int = 0
    entries: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it concerns the rules."""

    status: int
    code: str
    request: str
    shown: bytes


def exchange(here: Loopback, case: Case) -> Answered | None:
    """Send a case and read the first answer; ``None`` when the connection ended without one."""
    where = httpx.URL(here.gateway.url)
    with socket.create_connection((where.host, where.port or 80), timeout=30) as connection:
        connection.sendall(case.request)
        if case.mangled:
            connection.shutdown(socket.SHUT_WR)  # it may have no end of its own
        answer = http.client.HTTPResponse(connection, method=case.method)
        try:
            answer.begin()
        except (http.client.BadStatusLine, ConnectionError):
            return None
        body = answer.read()
        problem = answer.headers.get("content-type") == "application/problem+json" and body
        code = str(json.loads(body)["code"]) if problem else ""
        shown = body + str(answer.headers).encode("latin-1", "replace")
        return Answered(answer.status, code, answer.headers.get("x-request-id", ""), shown)


def wrong(case: Case, answer: Answered | None) -> str:
    """Which rule an answer breaks; empty for none."""
    if answer is None:
        # A head that was cut short before its end is awaited until the caller closes, as this one does.
        return "" if case.mangled else "no answer"
    if case.evaluates:
        fine = answer.status in (200, 400, 401) and not answer.code
        fine = fine or (answer.code in PROBLEMS and answer.status < 500)
        return "" if fine and case.token.encode() not in answer.shown else f"status {answer.status} for a question"
    if answer.status not in EXPECTED_STATUSES:
        return f"status {answer.status}"
    told = answer.code or case.method == "HEAD" or case.mangled or b"no such tile" in answer.shown
    if answer.status >= 400 and not told:
        return f"status {answer.status} without a problem"
    if answer.code and (answer.code not in PROBLEMS or PROBLEMS[answer.code].status != answer.status):
        return f"{answer.code} with status {answer.status}"
    if len(case.token) > 40 and case.token.encode("latin-1", "replace")[-40:] in answer.shown:
        return "the token shows in the answer"
    return ""


def campaign(here: Loopback, lines: io.StringIO, maker: Maker, seconds: float, most: int) -> Found:
    """Throw cases for so long, or so many, whichever ends first."""
    found = Found()
    end = time.monotonic() + seconds
    while time.monotonic() < end and found.cases < most and len(found.broken) < 20:
        batch = [maker.case() for _ in range(BATCH)]
        before = here.gateway.service.log.size()
        answers = []
        for case in batch:
            answer = exchange(here, case)
            found.cases += 1
            found.outcomes["no answer" if answer is None else answer.code or str(answer.status)] += 1
            if problem := wrong(case, answer):
                found.broken.append(f"{problem}: case {found.cases}: {case.request[:2000]!r}")
            answers.append((case, answer))
        _check_record(here, lines, before, answers, found)
    return found


def _check_record(
    here: Loopback, lines: io.StringIO, before: int, answers: list[tuple[Case, Answered | None]], found: Found
) -> None:
    """Rules 2 to 4, for a batch."""
    log = here.gateway.service.log
    entries = [each for each in log.entries(before - 1, 10 * BATCH) if each.leaf.event in ("release", "audit-read")]
    found.entries += len(entries)
    by_request = Counter(entry.leaf.request for entry in entries)
    outcomes = {entry.leaf.request: entry.leaf.outcome for entry in entries}
    public = JWK(**here.gateway.stage.signing_key("GBR").public.members())
    said = lines.getvalue() + repr(entries)
    lines.seek(0)
    lines.truncate()
    for case, answer in answers:
        if (
            answer is not None
            and not case.evaluates
            and (problem := _misrecorded(answer, by_request[answer.request], outcomes))
        ):
            found.broken.append(f"{problem}: {case.request[:2000]!r}")
        released = answer is not None and outcomes.get(answer.request) == "released"
        if released and not case.mangled and not is_true(case.token, public, here.gateway.service.clock()):
            found.broken.append(f"content for a token that proves nothing: {case.request[:2000]!r}")
        if len(case.token) > 60 and case.token[-40:] in said:
            found.broken.append(f"the token shows in log or entry: {case.request[:2000]!r}")
    for seen in here.source.seen:
        if seen.method != "GET" or not seen.path.startswith("/udl/elset"):
            found.broken.append(f"the source was asked {seen.method} {seen.path}")
        if seen.header("authorization") != f"Bearer {here.source.token}":
            found.broken.append("the source saw another credential than the gateway's")
    here.source.seen.clear()


def _misrecorded(answer: Answered, times: int, outcomes: Mapping[str, str]) -> str:
    """How an answer's entry is not as it must be; bytes that are no HTTP have none, and are told the same code."""
    if not answer.code or (answer.code == "request_malformed" and times == 0):
        return ""
    if times != 1:
        return f"{times} entries for {answer.code}"
    recorded = outcomes[answer.request]
    return "" if recorded == answer.code else f"{recorded} recorded for {answer.code}"


def is_true(token: str, public: JWK, at: datetime) -> bool:
    """Whether a second library takes a token, under the one algorithm and key, for this audience, now."""
    try:
        claims = json.loads(JWT(jwt=token, key=public, algs=["EdDSA"]).claims)
    except (JWException, ValueError, TypeError):
        return False
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    return "releasability-gateway" in audience and claims["exp"] > at.timestamp() - 60


@contextmanager
def before_points(root: Path) -> Iterator[Loopback]:
    """A gateway that an enforcement point may ask too."""
    digest = hashlib.sha256(POINT.encode()).hexdigest()
    said = f'[[enforcement_point]]\nname = "fuzz"\ntoken = "{digest}"\npartners = ["GBR"]\nobligations = true\n'
    (root / "points.toml").write_text(said, encoding="utf-8")
    with loopback(root / "var", root / "keys", records=5, enforcement_points=root / "points.toml") as here:
        yield here


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    told = parser.parse_args()
    lines = io.StringIO()
    logs.configure(LogLevel.DEBUG, LogFormat.JSON, lines)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as root, before_points(Path(root)) as here:
        maker = Maker(told.seed, here.gateway.stage.signing_key("GBR"), here.gateway.service.clock, POINT)
        begun = time.monotonic()
        found = campaign(here, lines, maker, told.seconds, sys.maxsize)
        spent = time.monotonic() - begun
        alive = here.get("/udl/elset?epoch=%3E2000-01-01T00:00:00Z").status == 200
        sound = here.gateway.service.log.verify().sound
    print(f"seed {told.seed}: {found.cases} cases in {spent:.0f} s, {found.entries} entries; gateway answers: {alive}")
    print(f"log verifies: {sound}")
    for outcome, count in found.outcomes.most_common():
        print(f"{count:9}  {outcome}")
    for each in found.broken:
        print("BROKEN:", each)
    return 0 if alive and sound and not found.broken else 1


if __name__ == "__main__":
    sys.exit(main())
