"""How the public SDK, unmodified, takes what the gateway says no to: once, by its name, and never retried."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import unifieddatalibrary
from unifieddatalibrary import Unifieddatalibrary

from gateway.refusals import PROBLEMS
from sample_source.serve import Served
from sample_source.tables import Tables
from tests.support.running import RunningGateway
from tests.system.acting import ALWAYS, Acting, acting, without_request
from tests.system.expect import Asker
from tests.system.walks import AUS, COMPANY, DEU, GBR, GBR_PLAIN, JPN

ACT = Callable[[Asker], Acting]
RETRIED_BY_SDKS = {408, 409, 429}
EMPTY_RECORD_BY_SDKS = 202
NOR = Asker("NOR", "collision-avoidance")


def refused(program: Acting, ask: Callable[[Unifieddatalibrary], object]) -> unifieddatalibrary.APIStatusError:
    """What the SDK raises; it must have asked once."""
    program.requests.clear()
    with pytest.raises(unifieddatalibrary.APIStatusError) as raised:
        ask(program.sdk)
    assert len(program.requests) == 1
    return raised.value


def code(error: unifieddatalibrary.APIStatusError) -> str:
    assert isinstance(error.body, dict)
    return str(error.body["code"])


def test_no_status_of_a_denial_is_one_that_clients_retry_or_take_for_a_record() -> None:
    for problem in PROBLEMS.values():
        if problem.code == "request_too_slow":
            continue  # no denial: the request never arrived, and to send it again is right
        assert problem.status not in RETRIED_BY_SDKS | {EMPTY_RECORD_BY_SDKS}
        if problem.status >= 500:
            assert problem.code.split("_")[0] in {
                "upstream",
                "audit",
                "policy",
                "release",
                "internal",
                "overloaded",
                "token",
            }


def test_a_partner_whose_agreement_has_lapsed_is_told_so_once(act: ACT) -> None:
    error = refused(act(NOR), lambda sdk: list(sdk.notification.list(created_at=ALWAYS)))
    assert isinstance(error, unifieddatalibrary.PermissionDeniedError)
    assert code(error) == "agreement_expired"


def test_an_announced_dataset_without_a_grant_is_refused_and_another_is_not_there(act: ACT) -> None:
    announced = refused(act(COMPANY), lambda sdk: list(sdk.notification.list(created_at=ALWAYS)))
    assert isinstance(announced, unifieddatalibrary.PermissionDeniedError)
    assert code(announced) == "dataset_not_covered"
    hidden = refused(act(AUS), lambda sdk: list(sdk.state_vector.list(epoch=ALWAYS)))
    assert isinstance(hidden, unifieddatalibrary.NotFoundError)
    assert code(hidden) == "not_found"


@pytest.mark.parametrize("operation", ["", "/count", "/tuple", "/queryhelp", "/history", "/current", "/some-record"])
def test_a_dataset_that_is_not_granted_answers_like_a_path_that_does_not_exist(
    act: ACT, source: Served, operation: str
) -> None:
    source.source.seen.clear()
    query = {"epoch": ALWAYS, "columns": "satNo"}
    hidden = act(AUS).get(f"/udl/statevector{operation}", **query)
    nothing = act(AUS).get(f"/udl/nothing{operation}", **query)
    assert hidden.status_code == 404
    assert without_request(hidden) == without_request(nothing)
    assert not source.source.seen


REFUSED_QUERIES = [
    (DEU, "elset", {"meanMotion": ">1"}, "parameter_refused", "meanMotion"),
    (DEU, "elset", {"sort": "period,DESC"}, "parameter_refused", "sort"),
    (JPN, "statevector", {"posUnc": "<0.5"}, "parameter_refused", "posUnc"),
    (JPN, "statevector", {"xpos": "0..7000"}, "parameter_refused", "xpos"),
    (JPN, "statevector", {"sort": "epoch,DESC,posUnc,ASC"}, "parameter_refused", "sort"),
    (JPN, "statevector", {"origin": "SAMPLE"}, "parameter_refused", "origin"),
    (JPN, "conjunction", {"missDistance": "<1000"}, "parameter_refused", "missDistance"),
    (JPN, "conjunction", {"sort": "tca,DESC,missDistance,ASC"}, "parameter_refused", "sort"),
    (GBR_PLAIN, "elset", {"disableCapcoExtensions": "true"}, "parameter_unknown", "disableCapcoExtensions"),
    (JPN, "elset", {"disableCapcoExtensions": "true"}, "parameter_unknown", "disableCapcoExtensions"),
    (GBR_PLAIN, "elset", {"classificationMarking": "U"}, "parameter_unknown", "classificationMarking"),
    (GBR_PLAIN, "elset", {"sort": "classificationMarking"}, "parameter_invalid", "sort"),
]


@pytest.mark.parametrize("operation", ["list", "count", "tuple"])
@pytest.mark.parametrize(("asker", "dataset", "query", "reason", "parameter"), REFUSED_QUERIES, ids=str)
def test_a_parameter_that_could_tell_what_is_degraded_is_refused_by_name_and_goes_no_further(
    act: ACT,
    source: Served,
    asker: Asker,
    dataset: str,
    query: dict[str, str],
    reason: str,
    parameter: str,
    operation: str,
) -> None:
    source.source.seen.clear()
    suffix = "" if operation == "list" else f"/{operation}"
    columns = {"columns": "source"} if operation == "tuple" else {}
    answer = act(asker).listed(dataset, suffix, **query, **columns)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["parameter"]) == (reason, parameter)
    assert not source.source.seen


def test_the_sdks_own_argument_for_hiding_owners_in_markings_is_refused_once(act: ACT) -> None:
    hide = {"disableCapcoExtensions": "true"}
    error = refused(act(GBR), lambda sdk: list(sdk.elsets.list(epoch=ALWAYS, extra_query=hide)))
    assert isinstance(error, unifieddatalibrary.BadRequestError)
    assert code(error) == "parameter_unknown"


def test_by_identifier_too_the_form_of_the_marking_is_not_the_partners_to_choose(act: ACT) -> None:
    (first, *_), _ = act(GBR_PLAIN).walk("elset", 10_000)
    answer = act(GBR_PLAIN).get(f"/udl/elset/{first}", disableCapcoExtensions="true")
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_unknown")


def test_writing_through_the_sdk_is_refused_and_never_reaches_the_source(act: ACT, source: Served) -> None:
    source.source.seen.clear()
    error = refused(
        act(GBR_PLAIN),
        lambda sdk: sdk.notification.create(
            classification_marking="U", data_mode="TEST", msg_body="x", msg_type="x", source="x"
        ),
    )
    assert (error.status_code, code(error)) == (405, "method_not_allowed")
    assert not source.source.seen


def test_a_wrong_token_is_an_authentication_error_and_asked_once(gateway: RunningGateway) -> None:
    with acting(gateway, GBR_PLAIN) as program:
        program.sdk.access_token = "x.y.z"
        error = refused(program, lambda sdk: sdk.elsets.count(epoch=ALWAYS))
    assert isinstance(error, unifieddatalibrary.AuthenticationError)
    assert code(error).startswith("token_")


def test_a_plain_request_of_a_sealed_partner_is_refused_with_what_to_ask_for(gateway: RunningGateway) -> None:
    with acting(gateway, Asker("JPN", "collision-avoidance", sealed=False)) as program:
        error = refused(program, lambda sdk: sdk.elsets.count(epoch=ALWAYS))
    assert (error.status_code, code(error)) == (406, "sealed_required")


def test_a_sorted_walk_gives_the_same_records_in_the_order_asked_for(act: ACT, tables: Tables) -> None:
    """But for two records under one identifier, which an order by something else keeps apart (gateway.walking)."""
    program, by_time = act(GBR_PLAIN), {"sort": "createdAt,DESC"}
    shared = {record.identifier for record in tables.records["notification"] if record.flaw == "same-identifier"}
    names, _ = program.walk("notification", 10_000)
    sorted_names, received = program.walk("notification", 7, **by_time)
    times = [json.loads(raw)["createdAt"] for raw in received]
    assert times == sorted(times, reverse=True)
    assert sorted(name for name in sorted_names if name not in shared) == names


def test_a_count_is_the_same_whatever_order_was_asked_for(act: ACT) -> None:
    program = act(GBR_PLAIN)
    assert program.count("notification", sort="createdAt,DESC") == program.count("notification")
