import json
import time

import httpx
import pytest

from sample_source.app import build_app
from sample_source.faults import (
    Answers,
    CutShort,
    Fault,
    FirstRequests,
    HugeBody,
    Ignores,
    Malformed,
    OnPaths,
    Slow,
    WrongContentType,
    redirect,
)
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.plain import NO_TLS

TABLES = build_tables(10, seed=2)
LIST = "/udl/elset?epoch=>2000-01-01"
HEADERS = {"authorization": "Bearer t"}


def answer(fault: Fault | None, path: str = LIST) -> httpx.Response:
    with serving(build_app(TABLES, "t", fault=fault)) as running:
        return httpx.get(running.base_url + path, headers=HEADERS, timeout=60, verify=NO_TLS)


def test_an_error_is_answered_with_its_body_and_type() -> None:
    got = answer(Answers(503, b"secret stack trace", "text/plain"))
    assert (got.status_code, got.content) == (503, b"secret stack trace")
    assert got.headers["content-type"] == "text/plain"


def test_a_redirect_points_where_the_builder_said() -> None:
    got = answer(redirect("http://127.0.0.1:9/elsewhere"))
    assert (got.status_code, got.headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")


def test_a_huge_body_is_valid_json_without_a_length() -> None:
    got = answer(HugeBody(1_000_000))
    assert "content-length" not in got.headers
    assert len(got.content) > 900_000
    assert len(json.loads(got.content)) > 10


def test_a_wrong_content_type_leaves_the_body_alone() -> None:
    got = answer(WrongContentType("text/html"))
    assert got.headers["content-type"] == "text/html"
    assert got.content == answer(None).content


def test_a_malformed_answer_is_all_but_the_last_byte() -> None:
    assert answer(Malformed()).content == answer(None).content[:-1]


def test_a_cut_answer_ends_before_its_announced_length() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        answer(CutShort())


def test_a_slow_answer_comes_late_and_whole() -> None:
    started = time.monotonic()
    got = answer(Slow(0.11, pieces=2))  # an event loop may wake up a millisecond early
    assert time.monotonic() - started >= 0.2
    assert got.content == answer(None).content


def test_a_source_that_ignores_paging_answers_with_everything() -> None:
    assert answer(Ignores(), LIST + "&maxResults=2&firstResult=5").content == answer(None).content
    assert len(answer(None, LIST + "&maxResults=2&firstResult=5").json()) == 2


def test_a_fault_on_some_paths_leaves_the_others_sound() -> None:
    fault = OnPaths("/udl/conjunction", Answers(500))
    assert answer(fault).status_code == 200
    assert answer(fault, "/udl/conjunction?tca=>2000-01-01").status_code == 500


def test_a_fault_of_the_first_requests_heals_and_can_be_changed_while_running() -> None:
    with serving(build_app(TABLES, "t", fault=FirstRequests(2, Answers(502)))) as running:
        codes = [httpx.get(running.base_url + LIST, headers=HEADERS, timeout=60).status_code for _ in range(3)]
        assert codes == [502, 502, 200]
        running.source.fault = Answers(504)
        assert httpx.get(running.base_url + LIST, headers=HEADERS, timeout=60).status_code == 504
        assert [seen.status for seen in running.source.seen] == [502, 502, 200, 504]
