import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
import unifieddatalibrary
from unifieddatalibrary import Unifieddatalibrary

from sample_source import schema
from sample_source.app import build_app
from sample_source.serve import PortBusyError, Served, serving
from sample_source.tables import Tables, build_tables
from tests.support.plain import NO_TLS

TOKEN = "the-gateways-own"
WINDOW = {"elset": "epoch", "statevector": "epoch", "conjunction": "tca", "notification": "createdAt"}
ALL_TIME = ">2000-01-01T00:00:00Z"
TABLES = build_tables(60, seed=3)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(build_app(TABLES, TOKEN, show_seen=True)) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=served.base_url, headers=headers, timeout=60, verify=NO_TLS) as client:
        yield client


@pytest.fixture
def sdk(served: Served) -> Iterator[Unifieddatalibrary]:
    with Unifieddatalibrary(access_token=TOKEN, base_url=served.base_url, max_retries=0) as sdk:
        yield sdk


def test_the_whole_list_is_the_raw_records_in_their_order(client: httpx.Client) -> None:
    for table, required in WINDOW.items():
        answer = client.get(f"/udl/{table}", params={required: ALL_TIME})
        assert answer.headers["content-type"] == "application/json"
        assert answer.content == b"[" + b",".join(TABLES.raw(table)) + b"]"


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
def test_the_unmodified_sdk_walks_all_element_sets_in_order(sdk: Unifieddatalibrary, page: int) -> None:
    walked = [record.id_elset for record in sdk.elsets.list(epoch=ALL_TIME, max_results=page)]
    assert walked == [record.identifier for record in TABLES.records["elset"]]


def test_the_unmodified_sdk_walks_the_other_types_too(sdk: Unifieddatalibrary) -> None:
    vectors = [r.id_state_vector for r in sdk.state_vector.list(epoch=ALL_TIME, max_results=25)]
    events = [r.id for r in sdk.conjunctions.list(tca=ALL_TIME, max_results=25)]
    notices = [r.id for r in sdk.notification.list(created_at=ALL_TIME, max_results=25)]
    for table, walked in {"statevector": vectors, "conjunction": events, "notification": notices}.items():
        assert walked == [record.identifier for record in TABLES.records[table]]


def test_counts_tuples_help_and_single_records_come_through_the_sdk(sdk: Unifieddatalibrary) -> None:
    sound = next(record for record in TABLES.records["elset"] if record.flaw is None)
    assert sdk.elsets.count(epoch=ALL_TIME) == "60"
    assert sdk.elsets.retrieve(sound.identifier).tags is not None
    columns = sdk.elsets.tuple(columns="satNo,period", epoch=ALL_TIME)
    assert len(columns) == 60
    assert columns[0].model_fields_set <= {"classification_marking", "sat_no", "period"}
    described = sdk.elsets.queryhelp()
    assert described.sort_supported
    assert [p.name for p in described.parameters or [] if p.required] == ["epoch"]


def test_a_tuple_may_ask_for_nested_records_and_columns_of_the_full_form(client: httpx.Client) -> None:
    params = {"columns": "tca,stateVector1,tags", "tca": ALL_TIME}
    for raw, record in zip(
        client.get("/udl/conjunction/tuple", params=params).json(), TABLES.records["conjunction"], strict=True
    ):
        expected = json.loads(record.full)
        assert raw.keys() <= {"classificationMarking", "tca", "stateVector1", "tags"}
        assert repr(raw["stateVector1"]) == repr(expected["stateVector1"])
        assert raw["tags"] == expected["tags"]


def test_records_by_identifier_are_the_full_form_and_absent_ones_404(client: httpx.Client) -> None:
    for table in WINDOW:
        first = TABLES.records[table][0]
        assert client.get(f"/udl/{table}/{first.identifier}").content == first.full
        assert client.get(f"/udl/{table}/no-such-record").status_code == 404
        assert client.get(f"/udl/{table}/history").status_code == 404
    assert client.get("/udl/track", params={"epoch": ALL_TIME}).status_code == 404


def test_an_identifier_that_two_records_share_answers_with_an_array_of_both(client: httpx.Client) -> None:
    for table in WINDOW:
        pair = [record for record in TABLES.records[table] if record.flaw == "same-identifier"]
        assert len({record.identifier for record in pair}) == 1
        answer = client.get(f"/udl/{table}/{pair[0].identifier}")
        assert answer.content == b"[" + b",".join(record.full for record in pair) + b"]"


@pytest.mark.parametrize("table", list(schema.TABLES))
@pytest.mark.parametrize("operation", ["", "/count", "/tuple"])
def test_a_request_without_its_required_time_is_refused(client: httpx.Client, table: str, operation: str) -> None:
    answer = client.get(f"/udl/{table}{operation}", params={"columns": "source"})
    assert answer.status_code == 400
    assert WINDOW[table] in answer.json()["message"]


def test_a_tuple_without_columns_is_refused(client: httpx.Client) -> None:
    assert client.get("/udl/elset/tuple", params={"epoch": ALL_TIME}).status_code == 400


def test_sorting_filtering_and_paging_agree_with_the_records_themselves(client: httpx.Client) -> None:
    params = {
        "epoch": ALL_TIME,
        "satNo": ">30000",
        "sort": "satNo,DESC",
        "firstResult": "2",
        "maxResults": "5",
    }
    found = [r["satNo"] for r in client.get("/udl/statevector", params=params).json()]
    numbers = [r.values.get("satNo") for r in TABLES.records["statevector"]]
    expected = sorted((n for n in numbers if isinstance(n, int) and n > 30000), reverse=True)
    assert found == expected[2:7]


def test_disabled_extensions_hide_owners_in_lists_and_single_records(client: httpx.Client) -> None:
    tables = build_tables(200, seed=5)
    owned = next(r for r in tables.records["conjunction"] if r.flaw is None and b"//PR-" in r.full)
    with serving(build_app(tables, TOKEN)) as running:
        one = httpx.get(
            f"{running.base_url}/udl/conjunction/{owned.identifier}",
            params={"disableCapcoExtensions": "true"},
            headers=client.headers,
            timeout=60,
        ).json()
    assert one["classificationMarking"] == "U//PR"
    assert one["stateVector1"]["classificationMarking"] == "U//PR"


@pytest.mark.parametrize("credential", [None, "Bearer", "Bearer wrong", "Basic the-gateways-own", TOKEN])
def test_any_credential_but_the_gateways_own_is_refused(served: Served, credential: str | None) -> None:
    headers = {} if credential is None else {"authorization": credential}
    for path in ("/udl/elset", "/udl/elset/queryhelp", "/udl/no-such-type", "/udl/elset/x"):
        answer = httpx.get(served.base_url + path, headers=headers, timeout=60)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_sdk_with_a_wrong_token_raises_its_authentication_error(served: Served) -> None:
    with (
        Unifieddatalibrary(access_token="wrong", base_url=served.base_url) as stranger,
        pytest.raises(unifieddatalibrary.AuthenticationError),
    ):
        stranger.elsets.count(epoch=ALL_TIME)


def test_what_was_asked_is_remembered_with_headers_and_status(served: Served, client: httpx.Client) -> None:
    client.get("/udl/elset/count", params={"epoch": ">now-1 days"}, headers={"x-request-id": "r-17"})
    seen = served.source.seen[-1]
    assert (seen.method, seen.path, seen.status) == ("GET", "/udl/elset/count", 200)
    assert quote("now-1") in seen.query
    assert seen.header("X-Request-ID") == "r-17"
    assert seen.header("authorization") == f"Bearer {TOKEN}"
    assert client.get("/_seen").json()[-1]["path"] == "/udl/elset/count"


def test_the_record_of_requests_is_not_shown_unless_the_builder_says_so() -> None:
    with serving(build_app(build_tables(1), TOKEN)) as running:
        assert httpx.get(f"{running.base_url}/_seen", timeout=60).status_code == 404
        assert httpx.get(f"{running.base_url}/health", timeout=60).json() == {"status": "ok"}


def test_writing_is_refused_because_the_source_only_answers(client: httpx.Client) -> None:
    assert client.post("/udl/elset", json={}).status_code == 405


def test_a_busy_port_is_an_error_that_names_the_port(served: Served) -> None:
    with pytest.raises(PortBusyError, match=str(served.port)), serving(build_app(TABLES, TOKEN), served.port):
        pass


def test_an_empty_token_builds_no_service() -> None:
    with pytest.raises(ValueError, match="token"):
        build_app(Tables({}), "")
