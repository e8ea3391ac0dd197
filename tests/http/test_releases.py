"""Listing releases over HTTP: a partner sees its own and nobody else's, an auditor all; each reading is recorded."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from demo.stage import Stage
from gateway.audit.search import criteria
from gateway.identity.auditors import new_credential
from tests.support.plain import NO_TLS
from tests.support.running import POLICIES, RunningGateway, running_gateway

TOKEN, LINE = new_credential("inspector-general")
PURPOSE = "collision-avoidance"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[RunningGateway]:
    place = tmp_path_factory.mktemp("releases")
    (place / "auditors").write_text(LINE + "\n")
    stage = Stage(place / "var", place / "keys", POLICIES)
    with running_gateway(stage, "http://127.0.0.1:1", log_auditors=place / "auditors") as running:
        for number in range(5):
            running.ask(("JPN", "GBR")[number % 2], "/udl/elset/queryhelp", purpose=PURPOSE, accept="application/jose")
            running.ask(("JPN", "GBR")[number % 2], "/udl/nothing", purpose=PURPOSE)
        yield running


@pytest.fixture(scope="module", autouse=True)
def made(gateway: RunningGateway) -> int:
    """How many entries there are before any test here."""
    return gateway.service.log.size()


def listed(gateway: RunningGateway, path: str = "/releases", token: str = TOKEN) -> httpx.Response:
    return httpx.get(gateway.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60, verify=NO_TLS)


def test_a_partner_sees_its_own_releases_and_nobody_elses(gateway: RunningGateway, made: int):
    answer = gateway.ask("JPN", "/releases")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    own = answer.json()["releases"]
    log = gateway.service.log
    assert [each["index"] for each in own] == sorted((each["index"] for each in own), reverse=True)
    assert {log.entry(each["index"]).leaf.partner for each in own} == {"JPN"}  # type: ignore[union-attr]
    assert len([each for each in own if each["index"] < made]) == 6
    assert not {"withheld", "label", "reasons", "rules", "policy"} & set().union(*own)


def test_a_partners_list_reads_no_private_part_at_all(gateway: RunningGateway):
    page = gateway.service.log.search
    own = gateway.ask("GBR", "/releases?limit=1").json()
    assert own["cursor"] is not None
    assert all(each.private is None for each in page(criteria({"partner": "GBR"}), leaves_only=True).found)
    assert page(criteria({"dataset": "elset"}), leaves_only=True).found == ()


def test_pages_by_cursor_give_each_release_once(gateway: RunningGateway, made: int):
    seen, cursor = [], ""
    while True:
        page = gateway.ask("GBR", f"/releases?limit=2{cursor}").json()
        seen += [each["index"] for each in page["releases"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert len(seen) == len(set(seen))
    assert len([index for index in seen if index < made]) == 4


def test_each_release_names_its_receipt_which_is_there(gateway: RunningGateway):
    first = gateway.ask("JPN", "/releases?limit=1").json()["releases"][0]
    assert gateway.ask("JPN", first["receipt"]).text.startswith("c2sp.org/tlog-proof@v1")
    assert gateway.ask("GBR", first["receipt"]).status_code == 404


def test_an_auditor_sees_everybodys_and_asks_by_every_name(gateway: RunningGateway):
    everybody = listed(gateway, "/releases?event=release&limit=1000").json()["releases"]
    assert {each["partner"] for each in everybody} >= {"JPN", "GBR"}
    some = listed(gateway, "/releases?dataset=elset&partner=GBR").json()["releases"]
    assert {each["dataset"] for each in some} == {"elset"}
    assert all(each["partner"] == "GBR" for each in some)


def test_every_listing_is_an_entry_with_who_and_what(gateway: RunningGateway):
    listed(gateway, "/releases?partner=JPN&limit=3")
    log = gateway.service.log
    (last,) = log.entries(log.size() - 2)
    assert (last.leaf.event, last.leaf.partner, last.private["by"]) == ("audit-read", "", "inspector-general")
    assert last.private["what"] == "releases partner=JPN limit=3"
    gateway.ask("JPN", "/releases")
    (last,) = log.entries(log.size() - 2)
    assert (last.leaf.event, last.leaf.partner) == ("audit-read", "JPN")


@pytest.mark.parametrize("query", ["partner=GBR", "dataset=elset", "reason=no_grant", "label=U", "event=started"])
def test_a_partner_cannot_ask_by_what_only_auditors_may(gateway: RunningGateway, query: str):
    answer = gateway.ask("JPN", f"/releases?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_unknown")


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x", "limit=0", "limit=1001", "limit=x", "since=yesterday", "last=soon", "until=2026-01-01T00:00",
        "cursor=%D9%A3.1", "last=1 day&since=2026-01-01",
    ],
)  # fmt: skip
def test_a_listing_that_cannot_be_understood_is_refused_with_the_parameters_name(gateway: RunningGateway, query: str):
    for answer in (gateway.ask("JPN", f"/releases?{query}"), listed(gateway, f"/releases?{query}")):
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
        assert answer.json().get("parameter") == (None if "&" in query else query.partition("=")[0])
    assert gateway.ask("JPN", "/releases?limit=1&limit=2").json()["code"] == "parameter_repeated"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("text=!!", "parameter_invalid"),
        ("address=gateway", "parameter_invalid"),
        ("officer=", "parameter_invalid"),
        ("any=", "parameter_unknown"),
        ("bogus=1", "parameter_unknown"),
        ("limit=1&limit=2", "parameter_repeated"),
    ],
)
def test_an_auditor_is_told_what_is_wrong_and_the_entry_says_who_asked(gateway: RunningGateway, query: str, code: str):
    answer = listed(gateway, f"/releases?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    log = gateway.service.log
    (last,) = log.entries(log.size() - 2)
    assert (last.leaf.event, last.leaf.outcome, last.leaf.partner) == ("release", code, "")
    assert last.private["by"] == "inspector-general"
    assert log.search(criteria({"officer": "inspector-general", "outcome": code})).found


def test_nobody_without_a_credential_lists_anything(gateway: RunningGateway):
    assert listed(gateway, token="wrong").status_code == 401
    assert httpx.get(gateway.url + "/releases", timeout=60).status_code == 401
