"""The log lines of a run hold nothing of what passed through: no content, token, key, marking or identifier."""

import io
import json
import re

import pytest

from gateway.activation.orders import Order, refuse, stop
from gateway.audit.orders import StopKind
from gateway.logs import EVENT, FIELDS
from sample_source.faults import Answers, Fault, Malformed, WrongContentType, redirect
from tests.support.loopback import ELSETS, Loopback

QUERY = ELSETS.removeprefix("/udl/elset")
READS = ("", "/count", "/tuple", "/{identifier}")
ROUTES = {"/", "/{path:path}", *(f"/{{source}}/{{dataset}}{rest}" for rest in READS)}
PATHS = (ELSETS, "/udl/elset/count" + QUERY, "/udl/elset/tuple" + QUERY + "&columns=line1", "/udl/elset/x-9")
FAULTS: tuple[Fault, ...] = (
    Malformed(),
    WrongContentType("text/secret-type"),
    redirect("http://elsewhere.example/secret-place"),
    Answers(500, b"SECRET//NOFORN in a stack trace"),
)


@pytest.fixture(scope="module")
def secrets(shared: Loopback) -> set[str]:
    """Go through everything once; what must not be in any log line."""
    found: set[str] = set()
    for partner in ("GBR", "JPN", "NOR"):
        for path in (
            ELSETS,
            "/udl/elset/count" + QUERY,
            "/udl/elset/tuple" + QUERY + "&columns=line1",
            "/udl/elset/x-9",
        ):
            token = shared.token(partner)
            found |= set(token.split("."))
            for accept in ("application/json", "application/jose"):
                answer = shared.send(path, f"Accept: {accept}", "X-Secret-Header: header-secret", token=token)
                if answer.headers["content-type"] == "application/json":
                    for record in json.loads(answer.body):
                        found |= {str(record[name]) for name in ("idElset", "line1", "createdBy") if name in record}
                elif answer.headers["content-type"] == "application/jose":
                    found |= set(answer.body.decode().split("."))
    for fault in FAULTS:
        shared.source.fault = fault
        shared.get(ELSETS)
    shared.source.fault = None
    for target in ("/udl/secret-path", "/udl/elset?epoch=query-secret", "/udl/elset/identifier-secret", "/secret\\x"):
        shared.send(target)
        shared.send(target, token=None)
        shared.send(target, method="POST", body=b"")
    shared.exchange(b"GET /garbage-secret\x00 HTTP/1.1\r\n\r\n")
    order = Order("officer-secret", "reason-secret", shared.gateway.service.clock())
    refuse(shared.gateway.service.log, "why-secret", order)
    stop(shared.gateway.service.log, StopKind.RECORD, "record-secret", order)
    shared.get(ELSETS)
    stage = shared.gateway.stage
    for file in (stage.keys / "gateway").iterdir():
        held = file.read_bytes()
        found |= {held.hex(), *re.findall(r"[A-Za-z0-9_+/-]{30,}", held.decode("latin-1"))}
    for record in (record for table in shared.source.tables.records.values() for record in table):
        markings = re.findall(r'"classificationMarking":"([^"]+//[^"]+)"', record.full.decode("utf-8", "replace"))
        found |= {record.identifier, *markings}
    found |= {shared.source.token, "NOFORN", "REL TO", "header-secret", "secret-path", "query-secret", "record-secret"}
    found |= {"identifier-secret", "garbage-secret", "officer-secret", "reason-secret", "why-secret", "secret-place"}
    return {secret for secret in found if len(secret) > 5}


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    """The gateway's own lines: the client of this test and its loop log in the same process."""
    read = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in read if not str(line.get("logger", "")).startswith(("httpx", "httpcore", "asyncio"))]


def test_no_log_line_holds_anything_of_what_passed_through(secrets: set[str], log_lines: io.StringIO):
    said = "\n".join(map(json.dumps, lines_of(log_lines)))
    assert len(secrets) > 200
    assert not [secret for secret in secrets if secret in said]


def test_every_request_has_one_line_with_its_id_route_status_and_time(
    secrets: set[str], shared: Loopback, log_lines: io.StringIO
):
    requests = [line for line in lines_of(log_lines) if line["event"] == "request"]
    assert len({line["request"] for line in requests}) == len(requests) > 30
    for line in requests:
        assert {"method", "route", "status", "duration_ms", "trace", "span"} <= line.keys()
        assert line["route"] in ROUTES
        assert ("code" in line) == (int(str(line["status"])) >= 400)


def test_every_line_is_an_events_name_and_fields_of_the_allow_list_with_nothing_redacted(
    secrets: set[str], log_lines: io.StringIO
):
    for line in lines_of(log_lines):
        assert EVENT.fullmatch(str(line["event"]))
        assert set(line) <= {"time", "level", "event", "message", *FIELDS}
        assert "[redacted]" not in line.values()
