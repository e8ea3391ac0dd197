"""A short fuzz of requests in every run, and its own eyes checked: it notices what it is there to notice."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from jwcrypto.jwk import JWK

from tests.http.fuzz_campaign import POINT, Answered, Found, before_points, campaign, exchange, is_true, wrong
from tests.http.fuzzing import Case, Maker
from tests.support.loopback import Loopback


def test_three_hundred_mangled_requests_get_documented_answers_and_one_entry_each(
    here: Loopback, log_lines: io.StringIO
):
    maker = Maker(7, here.gateway.stage.signing_key("GBR"), here.gateway.service.clock)
    found = campaign(here, log_lines, maker, sys.maxsize, 300)
    assert found.broken == []
    assert {
        "200",
        "request_malformed",
        "token_malformed",
        "token_algorithm_refused",
        "not_found",
    } <= found.outcomes.keys()


def test_two_hundred_mangled_questions_for_a_decision_get_one_or_are_refused(
    tmp_path: Path, keys: Path, log_lines: io.StringIO
):
    (tmp_path / "keys").symlink_to(keys)
    with before_points(tmp_path) as here:
        maker = Maker(9, here.gateway.stage.signing_key("GBR"), here.gateway.service.clock, POINT)
        found = Found()
        for _ in range(200):
            case = maker._evaluation()
            answer = exchange(here, case)
            found.outcomes[str(answer.status if answer else None)] += 1
            assert wrong(case, answer) == "", case.request
    assert found.outcomes.keys() >= {"200", "400"}


CASE = Case(b"", "e" * 100, "GET", mangled=False)
SOUND = Answered(404, "not_found", "r", b"")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "no answer"),
        (replace(SOUND, status=500, code="internal_error"), "status 500"),
        (replace(SOUND, code=""), "status 404 without a problem"),
        (replace(SOUND, code="undocumented"), "undocumented with status 404"),
        (replace(SOUND, code="token_missing"), "token_missing with status 404"),
        (replace(SOUND, shown=b"e" * 100), "the token shows in the answer"),
        (SOUND, ""),
    ],
)
def test_the_campaign_notices_an_answer_that_must_not_be(answer: Answered | None, problem: str):
    assert wrong(CASE, answer) == problem


def test_the_campaigns_second_library_takes_true_tokens_alone(here: Loopback):
    public = JWK(**here.gateway.stage.signing_key("GBR").public.members())
    token, at = here.token(), here.gateway.service.clock()
    assert is_true(token, public, at)
    assert not is_true(token[:-8] + "AAAAAAAA", public, at)
    assert not is_true(here.token("JPN"), public, at)


def test_the_campaign_notices_that_an_entry_is_missing(here: Loopback, log_lines: io.StringIO, monkeypatch):
    monkeypatch.setattr(type(here.gateway.service.log), "entries", lambda *_, **__: ())
    maker = Maker(8, here.gateway.stage.signing_key("GBR"), here.gateway.service.clock)
    found: Found = campaign(here, log_lines, maker, sys.maxsize, 100)
    assert any(each.startswith("0 entries for") for each in found.broken)
