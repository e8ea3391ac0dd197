"""What HTTP offers to ask about an answer without taking it, or in part, or in another form, tells nothing here."""

from __future__ import annotations

import json

import pytest

from sample_source.faults import Answers, Fault, Malformed, WrongContentType
from tests.support.loopback import ELSETS, Loopback

LINES = (
    "Range: bytes=0-9",
    'If-Range: "0"',
    "If-None-Match: *",
    'If-None-Match: "0"',
    "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
    "If-Match: *",
    "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "TE: trailers, gzip",
    "Accept-Charset: utf-16",
    "Accept-Language: ja",
    "Origin: https://elsewhere.example",
    "Access-Control-Request-Method: GET",
)
TELLING = {"etag", "last-modified", "accept-ranges", "content-range", "content-encoding", "trailer", "age", "expires"}
TARGETS = (ELSETS, "/udl/elset/count" + ELSETS.removeprefix("/udl/elset"), "/udl/elset/no-such-record")
JSON = "Accept: application/json"


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("target", TARGETS)
def test_no_condition_range_or_encoding_changes_an_answer(here: Loopback, target: str, line: str):
    bare, asked = here.send(target, JSON), here.send(target, JSON, line)
    assert (asked.status, asked.bare, asked.headers.keys()) == (bare.status, bare.bare, bare.headers.keys())
    assert asked.headers["content-length"] == bare.headers["content-length"]


@pytest.mark.parametrize("target", [*TARGETS, "/releases/none/receipt", "/nothing/at/all"])
def test_no_answer_carries_a_validator_a_range_an_encoding_or_a_trailer_and_none_is_kept(here: Loopback, target: str):
    for answer in (here.send(target, JSON), here.send(target, JSON, token=None), here.send(target, method="POST")):
        assert not TELLING & answer.headers.keys()
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
def test_methods_that_ask_about_an_answer_are_refused_before_any_record_is_looked_at(here: Loopback, method: str):
    answers = [here.send(target, JSON, method=method) for target in TARGETS]
    assert {answer.status for answer in answers} == {405}
    assert len({answer.headers["content-length"] for answer in answers}) == 1
    assert not here.source.seen


@pytest.mark.parametrize("fault", [Malformed(), WrongContentType("text/html"), Answers(200, b"[{},{}]")])
def test_by_identifier_a_record_that_comes_unreadable_is_not_found_like_one_that_never_was(
    here: Loopback, fault: Fault
):
    held = next(record for record in here.source.tables.records["elset"] if record.flaw is None)
    never = here.get("/udl/elset/" + "0" * 36)
    here.source.fault = fault
    found = here.get(f"/udl/elset/{held.identifier}")
    assert (found.status, found.bare) == (never.status, never.bare)
    assert json.loads(found.body)["code"] == "not_found"
