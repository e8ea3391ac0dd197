"""Pages for people: complete without another host, and the same text as in the documentation."""

import re
from pathlib import Path

import pytest

from gateway.http.pages import problem_page
from gateway.refusals import PROBLEMS
from tests.support.loopback import Loopback

DOCS = Path(__file__).parents[2] / "docs" / "problems"


def test_the_documentation_has_exactly_one_page_for_each_problem():
    assert {path.stem for path in DOCS.glob("*.md")} == set(PROBLEMS)


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_a_problems_page_is_the_same_in_the_documentation_and_on_the_gateway(here: Loopback, code: str):
    page = problem_page(PROBLEMS[code])
    assert (DOCS / f"{code}.md").read_text(encoding="utf-8") == page
    assert here.client.get(f"/problems/{code}").text == page


def test_a_problems_type_leads_to_its_page(here: Loopback):
    refused = here.client.get("/udl/elset").json()
    assert here.client.get(refused["type"]).status_code == 200


def test_the_api_browser_fetches_nothing_from_another_host(here: Loopback):
    page = here.client.get("/docs").text
    fetched = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(fetched) == 3
    for address in fetched:
        assert address.startswith("/docs/assets/")
        assert here.client.get(address).status_code == 200


@pytest.mark.parametrize("path", ["/problems/none", "/problems/..", "/docs/assets/none", "/docs/assets/%2e%2e"])
def test_a_page_that_does_not_exist_is_refused_like_any_other_path(here: Loopback, path: str):
    answer = here.send(path)
    assert answer.code == "not_found"
    assert here.entry(answer).leaf.outcome == "not_found"
    assert here.send(path, token=None).code == "token_missing"
