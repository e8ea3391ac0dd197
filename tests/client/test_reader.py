"""An answer that is opened as it arrives: each chunk at once, in flat memory, and nothing missing goes unnoticed."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.client import AnswerReader, AnswerRefused, Part, open_answer, recipient
from gateway.sealing.jwe import SEALED_LIMIT
from tests.client.test_answer import BASE, holder

CONTENTS = [b'{"id":"%d"}\n' % number for number in range(6)]


@pytest.fixture(autouse=True)
def of_many_chunks(gateway):
    gateway.contents = CONTENTS
    gateway.media_type = "application/x-ndjson"


def body(gateway) -> bytes:
    return gateway(httpx.Request("GET", f"{BASE}/udl/elset")).read()


def read(gateway, pieces: list[bytes]) -> list[Part]:
    reader = AnswerReader(holder(gateway))
    found = [part for piece in pieces for part in reader.feed(piece)]
    return found + reader.finish()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(places=st.lists(st.integers(0, 20_000), max_size=6))
def test_an_answer_opens_to_the_same_chunks_wherever_its_pieces_end(gateway, places: list[int]):
    whole = body(gateway)
    ends = sorted(place % len(whole) for place in places)
    parts = read(gateway, [whole[a:b] for a, b in zip([0, *ends], [*ends, len(whole)], strict=True)])
    assert [part.opened.content for part in parts] == CONTENTS
    assert [part.sealed_digest for part in parts] == [
        part.sealed_digest for part in open_answer(whole, holder(gateway)).parts
    ]


def test_each_chunk_is_handed_out_as_soon_as_its_line_has_ended(gateway):
    reader = AnswerReader(holder(gateway))
    lines = body(gateway).split(b"\n")
    for line, content in zip(lines[:-1], CONTENTS, strict=False):
        assert reader.feed(line) == []
        assert [part.opened.content for part in reader.feed(b"\n")] == [content]
    assert reader.feed(lines[-1]) == []
    assert [part.opened.content for part in reader.finish()] == CONTENTS[-1:]


TAMPERINGS = {
    "one dropped": lambda lines: [*lines[:2], *lines[3:]],
    "the first dropped": lambda lines: lines[1:],
    "one repeated": lambda lines: [*lines[:3], *lines[2:]],
    "two swapped": lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
    "the end missing": lambda lines: lines[:-1],
    "all but the first missing": lambda lines: lines[:1],
    "something after the end": lambda lines: [*lines, lines[0]],
    "the last cut": lambda lines: [*lines[:-1], lines[-1][:-9]],
    "one changed": lambda lines: [*lines[:2], lines[2][:-9] + b"AAAAAAAAA", *lines[3:]],
    "an empty line": lambda lines: [*lines[:2], b"", *lines[2:]],
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_chunk_dropped_repeated_moved_cut_or_changed_is_noticed_in_any_pieces(gateway, tamper):
    changed = b"\n".join(tamper(body(gateway).split(b"\n")))
    for pieces in ([changed], [changed[at : at + 100] for at in range(0, len(changed), 100)]):
        with pytest.raises(AnswerRefused):
            read(gateway, pieces)


def test_a_line_of_another_release_does_not_fit_in(gateway):
    one, other = body(gateway).split(b"\n"), body(gateway).split(b"\n")
    with pytest.raises(AnswerRefused):
        read(gateway, [b"\n".join([*one[:2], other[2], *one[3:]])])


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(gateway):
    reader = AnswerReader(holder(gateway))
    piece = b"A" * (1 << 20)
    with pytest.raises(AnswerRefused, match="too_large"):
        for _ in range(SEALED_LIMIT // len(piece) + 2):
            reader.feed(piece)


def test_an_answer_to_another_partner_is_refused_at_its_first_chunk(gateway):
    ours = recipient(gateway.jpn.private_jwks, gateway.gateway_jwks, gateway.log_verifier_key, partner="GBR")
    reader = AnswerReader(ours)
    with pytest.raises(AnswerRefused):
        reader.feed(body(gateway))
