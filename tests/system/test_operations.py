"""Count, answers by identifier and tuples agree with the list, and a withheld record is one that never was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sample_source.tables import Tables
from tests.system.acting import ALWAYS, Acting, without_request
from tests.system.compare import differences
from tests.system.expect import IDENTIFIER, MARKING, TIME, Asker, Wanted
from tests.system.jsontext import items
from tests.system.walks import COMPANY, DATASETS, DEU, GBR, GBR_PLAIN, HAS, JPN, wrong_with_names

ACT = Callable[[Asker], Acting]
CASES = [(asker, dataset) for asker in (JPN, GBR_PLAIN, COMPANY, DEU) for dataset in HAS[asker.partner]]
BY_IDENTIFIER = [(asker, dataset) for asker in (JPN, GBR_PLAIN) for dataset in DATASETS]
EACH = pytest.mark.parametrize(("asker", "dataset"), CASES, ids=str)
COLUMNS = {
    "elset": "satNo,epoch,line1,meanMotion,origin",
    "statevector": "idStateVector,epoch,xpos,cov,posUnc,origin",
    "conjunction": "id,tca,stateVector1,missDistance,comments",
    "notification": "msgType,msgBody,createdBy",
}


@EACH
def test_the_count_is_the_length_of_the_whole_list(act: ACT, wanted: Wanted, asker: Asker, dataset: str) -> None:
    may = wanted(asker, dataset)
    assert act(asker).count(dataset) == len(may)


@pytest.mark.parametrize(("asker", "dataset"), BY_IDENTIFIER, ids=str)
def test_every_listed_record_is_found_by_its_identifier_with_the_same_content(
    act: ACT, wanted: Wanted, asker: Asker, dataset: str
) -> None:
    program, wrong = act(asker), []
    for each in wanted(asker, dataset):
        answer = program.get(f"/udl/{dataset}/{each.record.identifier}")
        assert answer.status_code == 200, each.record.identifier
        wrong += differences(answer.content, each.record.full, each)
    assert wrong == []


@pytest.mark.parametrize(("asker", "dataset"), BY_IDENTIFIER, ids=str)
def test_every_withheld_identifier_answers_like_one_that_never_existed(
    act: ACT, wanted: Wanted, tables: Tables, asker: Asker, dataset: str
) -> None:
    program = act(asker)
    may = {each.record.identifier for each in wanted(asker, dataset)}
    withheld = sorted({record.identifier for record in tables.records[dataset]} - may)
    never = without_request(program.get(f"/udl/{dataset}/00000000-0000-4000-8000-000000000000"))
    assert never[0] == 404
    assert withheld
    for identifier in withheld:
        assert without_request(program.get(f"/udl/{dataset}/{identifier}")) == never, identifier


@EACH
def test_a_tuple_holds_exactly_the_chosen_columns_and_the_marking(
    act: ACT, wanted: Wanted, asker: Asker, dataset: str
) -> None:
    may = wanted(asker, dataset)
    columns = {*COLUMNS[dataset].split(","), MARKING}
    answer = act(asker).listed(dataset, "/tuple", columns=COLUMNS[dataset])
    received = items(answer.content)
    assert len(received) == len(may)
    wrong = [
        found
        for raw, each in zip(received, may, strict=True)
        for found in differences(raw, each.record.abridged, each, columns)
    ]
    assert wrong == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_pages_of_a_tuple_are_pages_of_the_list(act: ACT, wanted: Wanted, dataset: str) -> None:
    program, name = act(GBR_PLAIN), IDENTIFIER[dataset]
    may = wanted(GBR_PLAIN, dataset)
    names, first = [], 0
    while True:
        page = program.listed(dataset, "/tuple", columns=name, firstResult=first, maxResults=40).json()
        names += [record[name] for record in page]
        first += len(page)
        if not page:
            break
    assert list(wrong_with_names(names, may)) == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_sdk_reads_single_records_counts_tuples_and_help_of_a_sealed_partner(
    act: ACT, wanted: Wanted, dataset: str
) -> None:
    program = act(GBR)
    may = wanted(GBR, dataset)
    resource = program.resource(dataset)
    one = getattr(resource, "retrieve", None) or resource.get
    first = may[0].record
    assert one(first.identifier).classification_marking == first.values[MARKING]
    assert program.count(dataset) == len(may)
    assert resource.queryhelp().name == dataset


def test_an_identifier_that_stands_for_two_records_is_neither_listed_nor_found(act: ACT, tables: Tables) -> None:
    program = act(GBR_PLAIN)
    for dataset in DATASETS:
        shared = {record.identifier for record in tables.records[dataset] if record.flaw == "same-identifier"}
        assert shared
        assert not shared & {record[IDENTIFIER[dataset]] for record in program.listed(dataset).json()}
        for identifier in shared:
            assert program.get(f"/udl/{dataset}/{identifier}").status_code == 404
            assert program.listed(dataset, **{IDENTIFIER[dataset]: identifier}).json() == []


FILTERS = {
    "two fields": ("elset", {"dataMode": "REAL", "meanMotion": ">14"}),
    "a range": ("elset", {"epoch": "2026-06-01T00:00:00Z..2026-06-14T00:00:00Z"}),
    "before": ("conjunction", {"tca": "<2026-01-01T00:00:00Z"}),
    "one of": ("statevector", {"source": "SAMPLE-RADAR,SAMPLE-OPTICAL"}),
    "equal": ("notification", {"msgType": "COLLISION_WARNING"}),
}
HOLDS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "two fields": lambda values: values["dataMode"] == "REAL" and values["meanMotion"] > 14,
    "a range": lambda values: "2026-06-01" <= values["epoch"] < "2026-06-14",
    "before": lambda values: values["tca"] < "2026-01-01",
    "one of": lambda values: values["source"] in ("SAMPLE-RADAR", "SAMPLE-OPTICAL"),
    "equal": lambda values: values["msgType"] == "COLLISION_WARNING",
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filtered_walk_is_the_walk_without_what_does_not_match(
    act: ACT, wanted: Wanted, tables: Tables, name: str
) -> None:
    """But for one of two records under one identifier, where the filter leaves out the other (gateway.walking)."""
    dataset, query = FILTERS[name]
    program, asked = act(GBR_PLAIN), {TIME[dataset]: ALWAYS} | query
    may = [each for each in wanted(GBR_PLAIN, dataset) if HOLDS[name](each.record.values)]
    assert 0 < len(may) < len(wanted(GBR_PLAIN, dataset))
    names: list[str] = []
    while page := program.get(f"/udl/{dataset}", **asked, firstResult=len(names), maxResults=20).json():
        names += [record[IDENTIFIER[dataset]] for record in page]
    shared = {record.identifier for record in tables.records[dataset] if record.flaw == "same-identifier"}
    assert list(wrong_with_names([each for each in names if each not in shared], may)) == []
    assert program.get(f"/udl/{dataset}/count", **asked).text == str(len(names))
