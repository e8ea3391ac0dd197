"""Which form of answer an Accept header asks for, and which trace a request belongs to."""

import pytest

from gateway.http.negotiation import SEALED_TYPE, Accepted, accepted, traceparent
from tests.support.loopback import ELSETS, Loopback

EITHER, SEALED, PLAIN, NEITHER = (
    Accepted(sealed=True, plain=True),
    Accepted(sealed=True, plain=False),
    Accepted(sealed=False, plain=True),
    Accepted(sealed=False, plain=False),
)

HEADERS = (
    (None, EITHER),
    ("", EITHER),
    ("  ", EITHER),
    ("*/*", EITHER),
    ("application/*", EITHER),
    ("application/jose", SEALED),
    ("APPLICATION/JOSE", SEALED),
    ("application/jose;q=0.1", SEALED),
    ("application/json, application/jose", SEALED),
    ("application/jose;q=0, application/json", PLAIN),
    ("application/jose ; q = 0.000, */*", EITHER),
    ("application/json", PLAIN),
    ("text/plain", PLAIN),
    ("application/json;q=0", NEITHER),
    ("*/*;q=0", NEITHER),
)


@pytest.mark.parametrize(("header", "forms"), HEADERS, ids=lambda value: repr(value)[:40])
def test_an_accept_header_says_which_forms_of_answer_are_acceptable(header: str | None, forms: Accepted):
    assert accepted(header) == forms


GIVEN = (
    ("JPN", "*/*", 200, SEALED_TYPE),
    ("JPN", "application/jose", 200, SEALED_TYPE),
    ("JPN", "application/json, application/jose;q=0.1", 200, SEALED_TYPE),
    ("JPN", "application/json", 406, "application/problem+json"),
    ("JPN", "application/jose;q=0, application/json", 406, "application/problem+json"),
    ("JPN", "*/*;q=0", 406, "application/problem+json"),
    ("GBR", "application/json", 200, "application/json"),
    ("GBR", "*/*", 200, "application/json"),
    ("GBR", "application/jose", 200, SEALED_TYPE),
    ("GBR", "application/json, application/jose", 200, SEALED_TYPE),
    ("GBR", "application/json;q=0", 406, "application/problem+json"),
)


@pytest.mark.parametrize(("partner", "header", "status", "media_type"), GIVEN)
def test_an_answer_in_clear_is_given_only_where_the_agreement_says_so(
    here: Loopback, partner: str, header: str, status: int, media_type: str
):
    answer = here.get(ELSETS, partner, Accept=header)
    assert (answer.status, answer.headers["content-type"]) == (status, media_type)
    assert answer.code == ("sealed_required" if status == 406 else "")
    assert b"classificationMarking" not in answer.body or media_type == "application/json"
    entry = here.entry(answer)
    assert bool(entry.leaf.sealed) == (media_type == SEALED_TYPE)


def test_every_operation_is_sealed_for_a_partner_that_may_have_nothing_in_clear(here: Loopback):
    for operation in ("/count?", "/tuple?columns=satNo&", "/queryhelp", "?"):
        path = "/udl/elset" + operation + ("epoch=%3E2000-01-01T00:00:00Z" if operation.endswith(("?", "&")) else "")
        answer = here.get(path, "JPN", Accept="*/*")
        assert (answer.status, answer.headers["content-type"]) == (200, SEALED_TYPE)
        assert here.get(path, "JPN", Accept="application/json").code == "sealed_required"


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MALFORMED = (
    None,
    "",
    "garbage",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"01-{TRACE}-{SPAN}-01",
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{TRACE.upper()}-{SPAN}-01",
    f"00-{TRACE}-{SPAN}-01-extra",
    f"00-{TRACE}-{SPAN}-01\n",
    f" 00-{TRACE}-{SPAN}-01",
)


@pytest.mark.parametrize("header", MALFORMED)
def test_a_malformed_traceparent_begins_a_new_trace_that_is_not_sampled(header: str | None):
    begun = traceparent(header)
    assert begun != traceparent(header)
    assert TRACE not in begun.lower()
    assert begun.endswith("-00")
    assert traceparent(begun).split("-")[1] == begun.split("-")[1]


def test_a_callers_trace_is_continued_with_a_span_of_our_own_as_far_as_the_source(here: Loopback):
    answer = here.get(ELSETS, traceparent=f"00-{TRACE}-{SPAN}-01")
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != SPAN
    assert {seen.header("traceparent") for seen in here.source.seen} == {answer.headers["traceparent"]}
    assert here.entry(answer).private["traceparent"] == answer.headers["traceparent"]
