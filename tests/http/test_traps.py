"""The eleven traps in standing before a data library, one test each by its number; docs/properties.md names more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

import gateway.transforming
from gateway.content.degrade import CutPlan, Degraded
from tests.support.cases import conjunction, elset
from tests.support.loopback import ELSETS, Holds, Loopback

GOES, STAYS = "U//REL TO USA, GBR, JPN", "S//NF"
CONJUNCTIONS = "/udl/conjunction?tca=%3E2000-01-01"
PROVENANCE = {"origin": "PROVIDER-9", "createdBy": "somebody", "origNetwork": "NET-1", "sourceDL": "SENSOR-7"}


@pytest.fixture
def japan(here: Loopback) -> Iterator[httpx.Client]:
    """A program of the partner whose answers are sealed and of which much is degraded."""
    with here.gateway.client("JPN") as client:
        client.headers["Authorization"] = f"Bearer {here.token('JPN')}"
        client.base_url = httpx.URL(here.gateway.url)
        yield client


def names(here: Loopback, query: str = "") -> list[str]:
    answer = here.get(ELSETS + query)
    assert answer.status == 200
    return [record["idElset"] for record in json.loads(answer.body)]


def test_trap_01_filtered_pages_count_what_may_be_had_and_neither_end_early_nor_repeat(here: Loopback):
    here.source.fault = Holds(tuple(elset(name, GOES if name in "cfg" else STAYS) for name in "abcdefghij"))
    for size in (1, 2, 3, 10):
        got: list[str] = []
        while page := names(here, f"&firstResult={len(got)}&maxResults={size}"):
            got += page
        assert got == ["c", "f", "g"]


@pytest.mark.parametrize("accept", ["application/json", "application/jose"])
def test_trap_02_a_withheld_record_is_not_counted_and_by_identifier_like_one_that_never_was(
    here: Loopback, accept: str
):
    held = next(record for record in here.source.tables.records["elset"] if b'"S//NF"' in record.full)
    answers = [here.get(f"/udl/elset/{name}", Accept=accept) for name in (held.identifier, "0" * len(held.identifier))]
    drawn = {"x-request-id", "traceparent", "server-timing", "date"}
    said = [({n: v for n, v in each.headers.items() if n not in drawn}, each.bare, each.status) for each in answers]
    assert said[0] == said[1]
    assert said[0][2] == 404
    count = here.get("/udl/elset/count" + ELSETS.removeprefix("/udl/elset"))
    assert int(count.body) == len(names(here))


@pytest.mark.parametrize("query", ["&posUnc=%3E0.5", "&sort=posUnc,ASC", "&xpos=1..2", "&sort=epoch,ASC,velUnc,DESC"])
def test_trap_03_what_is_seen_rounded_is_neither_filtered_nor_sorted_by(here: Loopback, query: str):
    answer = here.get(f"/udl/statevector?epoch=%3E2000-01-01{query}", partner="JPN", Accept="application/jose")
    assert (answer.status, answer.code) == (400, "parameter_refused")
    assert not here.source.seen


def test_trap_04_a_record_goes_only_if_every_record_inside_it_may_go(here: Loopback):
    def goes(raw: bytes) -> bool:
        here.source.fault = Holds((raw,))
        return json.loads(here.get(CONJUNCTIONS).body) != []

    assert goes(conjunction(GOES, GOES, GOES))
    assert not goes(conjunction(GOES, GOES, STAYS))
    assert not goes(conjunction(GOES, GOES, None, stateVector2={"xpos": 1}))
    assert not goes(conjunction(GOES, GOES, GOES, unheardOf=[{"deep": {"classificationMarking": STAYS}}]))


def test_trap_05_a_fact_that_is_rounded_stands_nowhere_else_in_the_record(here: Loopback, japan: httpx.Client):
    more = {"comments": "812.5 m apart", "exactMissDistance": 812.5, "cdAoM1": 0.01}
    here.source.fault = Holds((conjunction(GOES, GOES, GOES, satNo2=20776, **more),))
    (record,) = japan.get(CONJUNCTIONS).json()
    assert record["missDistance"] == 1000
    assert record["stateVector1"]["xpos"] == 7000
    assert not re.search("812|7000.1", json.dumps(record))
    assert not more.keys() & record.keys()


def test_trap_06_who_observed_and_who_passed_it_on_is_left_out_where_the_policy_says_so(
    here: Loopback, japan: httpx.Client
):
    here.source.fault = Holds((elset("a", GOES, **PROVENANCE),))
    (record,) = japan.get(ELSETS).json()
    assert not PROVENANCE.keys() & record.keys()


def test_trap_07_the_source_gets_the_gateways_credential_and_never_the_partners(here: Loopback):
    assert names(here)
    for seen in here.source.seen:
        assert seen.header("authorization") == f"Bearer {here.source.token}"
        assert not any(value.startswith("eyJ") for _, value in seen.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/udl/elset", "/udl/elset/createBulk", "/filedrop/udl-elset"])
def test_trap_08_nothing_is_written_through_the_gateway(here: Loopback, method: str, path: str):
    assert here.send(path, "Content-Length: 0", method=method).status in (404, 405)
    assert not here.source.seen


@pytest.mark.parametrize(
    "path",
    [
        "/udl/elset/history",
        "/udl/elset/history/aodr",
        "/udl/elset/history/count",
        "/udl/elset/current",
        "/udl/elset/getFile/a",
        "/udl/getFile",
        "/scs/download",
        "/filedrop/udl-elset",
        "/sm/getMessages",
    ],
)
def test_trap_09_what_no_dataset_lists_does_not_exist_and_is_not_asked_for(here: Loopback, path: str):
    assert here.get(path).status == 404
    assert not here.source.seen


@pytest.mark.parametrize(
    "twice",
    [
        b'"classificationMarking":"S//NF"',
        rb'"\u0063lassificationMarking":"S//NF"',
        b'"ClassificationMarking":"S//NF"',
        b'"dataMode":"TEST"',
        b'"onOrbit":{"a":1,"a":2}',
    ],
)
def test_trap_10_a_record_that_two_parsers_read_differently_is_withheld_and_its_neighbours_are_not(
    here: Loopback, twice: bytes
):
    here.source.fault = Holds((elset("a", GOES), elset("b", GOES)[:-1] + b"," + twice + b"}", elset("c", GOES)))
    assert names(here) == ["a", "c"]


def test_trap_11_what_a_broken_cutter_leaves_in_never_leaves_the_gateway(
    here: Loopback, monkeypatch: pytest.MonkeyPatch
):
    here.source.fault = Holds((elset("a", GOES, **PROVENANCE),))
    sound = gateway.transforming.degrade

    def broken(raw: bytes, plan: CutPlan) -> Degraded:
        return replace(sound(raw, plan), raw=raw)

    monkeypatch.setattr(gateway.transforming, "degrade", broken)
    answer = here.get(ELSETS, partner="JPN", Accept="application/jose")
    assert (answer.status, answer.code) == (500, "release_check_failed")
    assert b"PROVIDER" not in answer.body
    monkeypatch.undo()
    assert here.get(ELSETS, partner="JPN", Accept="application/jose").status == 200
