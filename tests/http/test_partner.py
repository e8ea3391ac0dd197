"""The data routes before hostile callers: paths, queries, methods and bodies that are not what they seem."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.refusals import PROBLEMS
from tests.support.loopback import ELSETS, Loopback

QUERY = ELSETS.removeprefix("/udl/elset")
JSON = "Accept: application/json"

OTHER_PATHS = (
    "/udl/../udl/elset",
    "/udl/./elset",
    "/udl//elset",
    "//udl/elset",
    "/udl/elset/",
    "/udl%2Felset",
    "/udl%2felset",
    "/udl%252Felset",
    "/%75dl/elset",
    "/udl/%65lset",
    "/udl/elset%00",
    "/udl/elset%2e",
    "/udl/elset%FF",
    "/udl/elset;jsessionid=1",
    "/udl;v=1/elset",
    "/UDL/elset",
    "/udl/Elset",
    "/udl/elset\\count",
    "/udl/elset%5Ccount",
    "/udl/elset#count",
    "/udl/elset/%63ount",
    "/udl/elset/a%2Fb",
    "/udl/elset/..%2F..%2Fudl%2Fstatevector",
    "/udl/elset/../statevector",
    "/udl/elset/history/aodr",
    "/udl/elset/history/count",
    "/udl/getFile/x/y",
    "/scs/file",
    "/udl",
    "/",
    "*",
    "http://elsewhere.example/udl/elset",
    "udl/elset",
)


@pytest.mark.parametrize("path", OTHER_PATHS)
def test_a_path_is_read_only_as_policy_files_write_it_and_nothing_else_exists(here: Loopback, path: str):
    nothing = here.send("/udl/nothing" + QUERY, JSON)
    answer = here.send(path if path == "*" else path + QUERY, JSON)
    assert (answer.status, answer.code) == (404, "not_found")
    assert answer.bare == nothing.bare
    assert here.entry(answer).leaf.outcome == "not_found"
    assert not here.source.seen


def test_a_host_header_cannot_say_which_path_is_asked_for(here: Loopback):
    for host in ("x/udl/elset?epoch=%3E2000-01-01T00:00:00Z&a=", "[", "a b", "x#", "user@x"):
        answer = here.send("/nothing", JSON, host=host)
        assert answer.code == "not_found"
        assert here.entry(answer).private["path"] == "/nothing"
    assert not here.source.seen


IDENTIFIERS = (
    "..",
    ".",
    "history",
    "History",
    "current",
    "getFile",
    "a.b",
    "a%20b",
    "a'b",
    "-" * 65,
    "a,b",
    "a=b",
    "%C3%A9",
)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_what_cannot_be_an_identifier_is_not_found_and_never_sent_to_the_source(here: Loopback, identifier: str):
    absent = here.send("/udl/elset/00000000-0000-0000-0000-000000000000", JSON)
    here.source.seen.clear()
    answer = here.send(f"/udl/elset/{identifier}", JSON)
    assert answer.code == "not_found"
    assert answer.bare == absent.bare
    assert not here.source.seen


QUERIES = (
    ("", "parameter_required", "epoch"),
    ("?", "parameter_required", "epoch"),
    ("?epoch=a&epoch=b", "parameter_repeated", "epoch"),
    ("?epoch=a&%65poch=b", "parameter_repeated", "epoch"),
    ("?epoch=%00", "parameter_invalid", "epoch"),
    ("?epoch=a%0d%0aX-Evil:%201", "parameter_invalid", "epoch"),
    ("?epoch=" + "a" * 513, "parameter_invalid", "epoch"),
    ("?epoch=" + "a" * 9000, "request_too_long", None),
    ("?" + "&".join(f"a{number}=1" for number in range(1500)), "request_too_long", None),
    (QUERY + "&nothing=1", "parameter_unknown", "nothing"),
    (QUERY + "&disableCapcoExtensions=true", "parameter_unknown", "disableCapcoExtensions"),
    (QUERY + "&columns=line1", "parameter_unknown", "columns"),
    (QUERY + "&partner=JPN", "parameter_unknown", "partner"),
    (QUERY + "&nationality=USA", "parameter_unknown", "nationality"),
    (QUERY + "&clearance=TOP%20SECRET", "parameter_unknown", "clearance"),
    (QUERY + "&purpose=anomaly-resolution", "parameter_unknown", "purpose"),
    (QUERY + "&access_token=a.b.c", "parameter_unknown", "access_token"),
    (QUERY + "&maxResults=-1", "parameter_invalid", "maxResults"),
    (QUERY + "&maxResults=1e3", "parameter_invalid", "maxResults"),
    (QUERY + "&maxResults=%D9%A1", "parameter_invalid", "maxResults"),
    (QUERY + "&firstResult=99999999999999999999", "parameter_invalid", "firstResult"),
    (QUERY + "&sort=line1", "parameter_invalid", "sort"),
    (QUERY + "&sort=epoch,ASC,epoch,DESC", "parameter_invalid", "sort"),
)


@pytest.mark.parametrize(("query", "code", "parameter"), QUERIES, ids=lambda value: str(value)[:40])
def test_a_query_that_is_not_as_it_should_be_is_refused_by_name_before_the_source_is_asked(
    here: Loopback, query: str, code: str, parameter: str | None
):
    answer = here.send("/udl/elset" + query, JSON)
    assert (answer.status, answer.code) == (400, code)
    assert json.loads(answer.body).get("parameter") == parameter
    assert here.entry(answer).leaf.outcome == code
    assert not here.source.seen


POLLUTING = ("%26maxResults=1", ";maxResults=1", "%23", "%3FmaxResults=1", "%2526sort=x", "%EF%BC%86firstResult=3")


@pytest.mark.parametrize("pollution", POLLUTING)
def test_a_value_reaches_the_source_as_one_value_whatever_is_in_it(here: Loopback, pollution: str):
    answer = here.send("/udl/elset" + QUERY + pollution, JSON)
    assert answer.code == "query_refused"
    (seen,) = here.source.seen
    names = [pair.split("=")[0] for pair in seen.query.split("&")]
    assert names == ["epoch", "sort", "firstResult", "maxResults"]


METHODS = ("HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "FOO", "get")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", [ELSETS, "/nothing", "/readyz", "/releases/x/receipt", "/docs"])
def test_only_get_is_served_and_every_other_method_is_told_so_alike(here: Loopback, method: str, path: str):
    answer = here.send(path, JSON, method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET"
    assert here.entry(answer).leaf.outcome == "method_not_allowed"
    assert answer.body == b"" if method == "HEAD" else answer.code == "method_not_allowed"
    assert not here.source.seen


@pytest.mark.parametrize("method", ["POST", "HEAD", "FOO"])
def test_a_caller_without_a_credential_is_not_even_told_which_methods_are_served(here: Loopback, method: str):
    answer = here.send(ELSETS, JSON, method=method, token=None)
    assert answer.status == 401
    assert here.entry(answer).leaf.outcome == "token_missing"


BOMB = gzip.compress(bytes(20_000_000), mtime=0)
BODIES = (
    (("Content-Length: 3",), b"abc"),
    (("Transfer-Encoding: chunked",), b"3\r\nabc\r\n0\r\n\r\n"),
    (("Content-Length: 3", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
    (("Content-Length: 5000000000",), b""),
    (("Content-Encoding: gzip", f"Content-Length: {len(BOMB)}"), BOMB),
    (("Content-Type: application/json", "Content-Length: 17"), b'{"partner":"JPN"}'),
)


@pytest.mark.parametrize(("lines", "body"), BODIES, ids=lambda value: str(value)[:30])
def test_a_get_with_a_body_is_malformed_and_the_body_is_not_read(here: Loopback, lines: tuple[str, ...], body: bytes):
    answer = here.send(ELSETS, JSON, *lines, body=body)
    assert (answer.status, answer.code) == (400, "request_malformed")
    assert here.entry(answer).leaf.outcome == "request_malformed"
    assert not here.source.seen


CLAIMS = (
    "X-Partner: JPN",
    "X-Forwarded-User: JPN",
    "X-Forwarded-For: 10.0.0.1",
    "Forwarded: for=10.0.0.1;host=elsewhere",
    "X-Original-URL: /udl/statevector",
    "X-Rewrite-URL: /udl/statevector",
    "X-HTTP-Method-Override: DELETE",
    "X-Purpose: anomaly-resolution",
    "X-Clearance: TOP SECRET",
    "Cookie: token=abc",
    "Range: bytes=0-3",
    "If-None-Match: *",
    "If-Modified-Since: Mon, 23 Nov 2099 23:45:21 GMT",
    "Accept-Encoding: gzip, br, zstd",
    "X-Request-Id: chosen-by-the-caller",
    "Expect: 100-continue",
)


@pytest.mark.parametrize("line", CLAIMS)
def test_a_header_that_claims_something_changes_nothing_and_goes_no_further(here: Loopback, line: str):
    plain = here.send(ELSETS, JSON)
    here.source.seen.clear()
    answer = here.send(ELSETS, JSON, line)
    assert (answer.status, answer.body) == (200, plain.body)
    assert answer.headers.keys() == plain.headers.keys()
    assert answer.headers["x-request-id"] != "chosen-by-the-caller"
    entry = here.entry(answer)
    assert entry.leaf.partner == "GBR"
    assert entry.private["purpose"] == "collision-avoidance"
    for seen in here.source.seen:
        assert {name for name, _ in seen.headers} == SENT_UPSTREAM


SENT_UPSTREAM = {"host", "accept", "accept-encoding", "authorization", "traceparent", "user-agent"}


def test_the_source_sees_what_the_gateway_built_and_never_the_partners_token(here: Loopback):
    token = here.token()
    for path in (ELSETS, "/udl/elset/count" + QUERY, "/udl/elset/tuple" + QUERY + "&columns=satNo", "/udl/elset/a-1"):
        here.send(path, JSON, token=token)
    assert here.source.seen
    for seen in here.source.seen:
        assert seen.method == "GET"
        assert seen.path in ("/udl/elset", "/udl/elset/a-1")
        assert seen.header("authorization") == f"Bearer {here.source.token}"
        assert token not in repr(seen)
        assert {name for name, _ in seen.headers} == SENT_UPSTREAM


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    path=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40),
    query=st.lists(
        st.tuples(
            st.sampled_from(["epoch", "maxResults", "firstResult", "sort", "columns", "satNo", "x", ""]),
            st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="&#"), max_size=20),
        ),
        max_size=4,
    ),
    prefix=st.sampled_from(["/", "/udl/", "/udl/elset", "/udl/elset/", "/udl/elset/tuple", "/releases/"]),
)
def test_whatever_is_asked_the_answer_is_documented_and_has_exactly_one_entry(
    here: Loopback, path: str, query: list[tuple[str, str]], prefix: str
):
    here.source.seen.clear()
    token = here.token()
    target = prefix + path + "?" + "&".join(f"{name}={value}" for name, value in query)
    answer = here.send(target, JSON, token=token)
    assert answer.status == 200 or answer.code in PROBLEMS
    assert answer.status < 500
    assert here.entry(answer).leaf.outcome == (answer.code or "released")
    assert all(seen.path.startswith("/udl/elset") and token not in repr(seen) for seen in here.source.seen)
