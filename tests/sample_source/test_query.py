import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_source.query import MAX_PAGE, QueryError, find, read_query
from sample_source.records import StoredRecord, collapse_extensions, members_of, store
from sample_source.schema import ELSET, NOTIFICATION

NOW = datetime(2026, 6, 18, tzinfo=UTC)


def elset(name: str, epoch: str, **fields: bool | int | str) -> StoredRecord:
    value = {"idElset": name, "classificationMarking": "U", "epoch": epoch, **fields}
    return store(ELSET, members_of(ELSET, value))


RECORDS = (
    elset("a", "2026-06-17T22:00:00.000000Z", satNo=3, uct=True, source="X"),
    elset("b", "2026-06-17T12:00:00.000000Z", satNo=1, uct=False, source="Y"),
    elset("c", "2026-06-01T00:00:00.000000Z", satNo=2, source="X"),
    elset("d", "2026-06-16T00:00:00.500000Z", source="Z"),
)


def ask(*parameters: tuple[str, str]) -> str:
    given_time = any(name == "epoch" for name, _ in parameters)
    whole = parameters if given_time else (("epoch", ">2000-01-01"), *parameters)
    return "".join(record.identifier for record in find(ELSET, RECORDS, read_query(ELSET, whole, NOW)))


@pytest.mark.parametrize(
    ("parameter", "value", "found"),
    [
        ("epoch", ">now-5 hours", "a"),
        ("epoch", ">now-2 days", "abd"),
        ("epoch", "<2026-06-16T00:00:00Z", "c"),
        ("epoch", "2026-06-16T00:00:00Z..2026-06-17T12:00:00Z", "bd"),
        ("epoch", "2026-06-16", "d"),
        ("epoch", "2026-06-01T00:00:00Z", "c"),
        ("epoch", "2026-06-01T02:00:00+02:00", "c"),
        ("epoch", "now-3 days..now", "abd"),
        ("satNo", "2", "c"),
        ("satNo", "1,3", "ab"),
        ("satNo", ">1", "ac"),
        ("satNo", ">=2", "ac"),
        ("satNo", "<=1", "b"),
        ("satNo", "1..2", "bc"),
        ("uct", "true", "a"),
        ("uct", "false", "b"),
        ("source", "X,Z", "acd"),
        ("source", "<Y", "ac"),
        ("sort", "satNo", "bcad"),
        ("sort", "satNo,DESC", "acbd"),
        ("sort", "source,ASC,satNo,DESC", "acbd"),
        ("sort", "source,DESC,epoch,ASC", "dbca"),
    ],
)
def test_a_parameter_finds_exactly_the_records_it_describes(parameter: str, value: str, found: str) -> None:
    assert ask((parameter, value)) == found


def test_a_parameter_given_twice_must_hold_twice_and_ties_keep_order() -> None:
    assert ask(("epoch", ">2026-06-01"), ("epoch", "<2026-06-17")) == "d"
    assert ask(("sort", "source")) == "acbd"


def test_a_marking_with_commas_is_one_value_and_not_a_list() -> None:
    value = {
        "id": "n",
        "classificationMarking": "S//REL TO USA, JPN",
        "createdAt": "2026-06-01T00:00:00.000Z",
    }
    record = store(NOTIFICATION, members_of(NOTIFICATION, value))
    asked = (("createdAt", "2026-06-01"), ("classificationMarking", "S//REL TO USA, JPN"))
    assert find(NOTIFICATION, (record,), read_query(NOTIFICATION, asked, NOW)) == (record,)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ([], "epoch"),
        ([("satNo", "1")], "epoch"),
        ([("epoch", "yesterday")], "epoch"),
        ([("epoch", ">now-5 fortnights")], "epoch"),
        ([("epoch", "now"), ("satNo", "abc")], "satNo"),
        ([("epoch", "now"), ("uct", "maybe")], "uct"),
        ([("epoch", "now"), ("wombat", "1")], "wombat"),
        ([("epoch", "now"), ("tags", "a")], "tags"),
        ([("epoch", "now"), ("sort", "wombat")], "sort"),
        ([("epoch", "now"), ("sort", "DESC")], "sort"),
        ([("epoch", "now"), ("columns", "wombat")], "columns"),
        ([("epoch", "now"), ("firstResult", "-1")], "firstResult"),
        ([("epoch", "now"), ("firstResult", "1"), ("firstResult", "2")], "firstResult"),
        ([("epoch", "now"), ("maxResults", "0")], "maxResults"),
        ([("epoch", "now"), ("maxResults", "ten")], "maxResults"),
        ([("epoch", "now"), ("disableCapcoExtensions", "yes")], "disableCapcoExtensions"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_parameters_name(
    parameters: list[tuple[str, str]], named: str
) -> None:
    with pytest.raises(QueryError) as caught:
        read_query(ELSET, parameters, NOW)
    assert caught.value.parameter == named


def test_more_than_the_largest_page_is_cut_to_the_largest_page() -> None:
    assert read_query(ELSET, [("epoch", "now"), ("maxResults", "99999")], NOW).limit == MAX_PAGE


@pytest.mark.parametrize(
    ("marking", "collapsed"),
    [
        ("U//PR-SPIRE-AIS", "U//PR"),
        ("U//DS-SSDP-ELSET", "U//DS"),
        ("U//PR-A-B/REL TO USA, GBR", "U//PR/REL TO USA, GBR"),
        ("U//REL TO USA, FVEY", "U//REL TO USA, FVEY"),
    ],
)
def test_disabled_extensions_collapse_to_the_bare_control(marking: str, collapsed: str) -> None:
    body = json.dumps({"classificationMarking": marking, "descriptor": marking}, separators=(",", ":")).encode()
    value = json.loads(collapse_extensions(body))
    assert value == {"classificationMarking": collapsed, "descriptor": marking}


@given(st.lists(st.integers(0, 5), max_size=12), st.booleans())
def test_sorting_by_a_number_orders_and_keeps_every_record(numbers: list[int], descending: bool) -> None:
    records = [elset(str(i), "2026-06-01T00:00:00.000000Z", satNo=n) for i, n in enumerate(numbers)]
    asked = [("epoch", ">2000-01-01"), ("sort", f"satNo,{'DESC' if descending else 'ASC'}")]
    found = find(ELSET, records, read_query(ELSET, asked, NOW))
    expected = sorted(range(len(numbers)), key=lambda i: -numbers[i] if descending else numbers[i])
    assert [record.identifier for record in found] == [str(index) for index in expected]
