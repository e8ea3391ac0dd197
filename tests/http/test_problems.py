"""A problem document: the same bytes for the same code but for the request's id, and nothing of what lies behind it."""

import json

import pytest

from gateway.http import problems
from gateway.refusals import PROBLEMS, Refused


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_a_problem_tells_its_code_title_advice_and_request_and_nothing_else(code: str):
    answer = problems.answer(Refused(code, "SECRET//NOFORN detail"), "4f0c")
    said = json.loads(bytes(answer.body))
    assert said == {
        "type": f"/problems/{code}",
        "title": PROBLEMS[code].title,
        "status": PROBLEMS[code].status,
        "detail": PROBLEMS[code].advice,
        "instance": "urn:relgate:request:4f0c",
        "code": code,
    }
    assert answer.status_code == PROBLEMS[code].status
    assert answer.media_type == "application/problem+json"


def test_the_detail_of_a_refusal_never_shows_in_body_or_headers():
    one, other = (problems.answer(Refused("not_found", detail), "4f0c") for detail in ("withheld", ""))
    assert one.body == other.body
    assert one.raw_headers == other.raw_headers


def test_a_code_without_a_row_is_an_internal_error_in_code_too():
    assert json.loads(bytes(problems.answer(Refused("gate_erred"), "4f0c").body))["code"] == "internal_error"


def test_only_the_name_of_a_parameter_is_given_back():
    said = json.loads(bytes(problems.answer(Refused("parameter_unknown", "x=1", "x"), "4f0c").body))
    assert said["parameter"] == "x"
    assert "x=1" not in str(said)


HEADERS = (
    ("token_missing", "www-authenticate", 'Bearer realm="releasability-gateway", error="invalid_request"'),
    ("token_expired", "www-authenticate", 'Bearer realm="releasability-gateway", error="invalid_token"'),
    ("method_not_allowed", "allow", "GET"),
    ("upstream_failed", "retry-after", "5"),
    ("upstream_timeout", "retry-after", "5"),
    ("audit_unavailable", "retry-after", "5"),
    ("policy_unavailable", "retry-after", "5"),
    ("not_found", "www-authenticate", None),
    ("internal_error", "retry-after", None),
    ("release_check_failed", "retry-after", None),
)


@pytest.mark.parametrize(("code", "header", "value"), HEADERS)
def test_a_problem_carries_the_header_that_its_status_asks_for(code: str, header: str, value: str | None):
    answer = problems.answer(Refused(code), "4f0c")
    assert answer.headers.get(header) == value
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_the_example_of_a_problem_in_the_document_is_a_real_one(code: str):
    answer = problems.answer(Refused(code), "4f0c1d6e0b2a4a7c9d3e5f60718293a4")
    assert problems.example(code) == json.loads(bytes(answer.body))
