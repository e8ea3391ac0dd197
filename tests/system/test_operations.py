"""Count, answers by identifier and tuples agree with the list, and a withheld record is one that never was."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from sample_source.tables import Tables
from tests.system.acting import Acting
from tests.system.compare import differences
from tests.system.expect import IDENTIFIER, MARKING, Asker, Wanted
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
OF_THE_REQUEST = {"x-request-id", "traceparent", "server-timing", "date"}


def without_request(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """All that an answer says, but for what names the request: status, headers, body."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THE_REQUEST}
    return answer.status_code, headers, re.sub(r"urn:relgate:request:[0-9a-f]{32}", "", answer.text)


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
