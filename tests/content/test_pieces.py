"""Bodies divided as they arrive: the same records however they are cut up, and a refusal for what is no body."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.content.errors import SourceMalformed
from gateway.content.pieces import BLOCK_BYTES, OVERSIZED, ArraySplitter, Layout, LineSplitter, splitter
from gateway.content.records import read_record, read_records
from gateway.content.split import split_array
from tests.content.malformed import GOOD, HARMLESS, MALFORMED, SHAPE

LIMIT = 1 << 20
ODD = [*MALFORMED.values()]
SMALL = [raw for raw, _ in ODD if len(raw) < 2000] + list(HARMLESS.values())


def divided(layout: Layout, pieces: list[bytes], limit: int = LIMIT) -> list[bytes]:
    """All records of a body that comes in these pieces."""
    dividing = splitter(layout, limit)
    found = [record for piece in pieces for record in dividing.feed(piece)]
    return found + dividing.finish()


def outcome(layout: Layout, pieces: list[bytes], limit: int = LIMIT) -> list[bytes] | str:
    """All records, or the code of the refusal."""
    try:
        return divided(layout, pieces, limit)
    except SourceMalformed as refused:
        return refused.code


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(body) + 1) for place in places})
    return [body[a:b] for a, b in zip([0, *ends], [*ends, len(body)], strict=True)]


def by_byte(body: bytes) -> list[bytes]:
    return [body[place : place + 1] for place in range(len(body))]


RECORDS = st.lists(st.sampled_from(SMALL), max_size=6)
PLACES = st.lists(st.integers(0, 100_000), max_size=8)
SPACE = st.sampled_from([b"", b" ", b"\n\t", b" \r\n "])


@given(RECORDS, PLACES, SPACE, SPACE)
def test_an_array_gives_the_same_records_wherever_its_pieces_end(records, places, before, after):
    body = before + b"[" + (after + b"," + before).join(records) + after + b"]" + before
    whole = outcome(Layout.ARRAY, [body])
    assert whole == outcome(Layout.ARRAY, cut(body, places))
    if isinstance(whole, list):
        assert whole == split_array(body)


@given(st.lists(st.sampled_from([GOOD % b"", *SMALL]), max_size=6), PLACES, st.booleans())
def test_lines_give_the_same_records_wherever_their_pieces_end(records, places, ended):
    body = b"\n".join(records) + (b"\n" if ended else b"")
    assert outcome(Layout.LINES, [body]) == outcome(Layout.LINES, cut(body, places))


@settings(max_examples=20)
@given(st.lists(st.sampled_from(SMALL), min_size=1, max_size=3))
def test_an_array_and_lines_may_come_byte_by_byte(records):
    array = b"[" + b" , ".join(records) + b"]"
    assert outcome(Layout.ARRAY, by_byte(array)) == outcome(Layout.ARRAY, [array])
    lines = b"\r\n".join(records)
    assert outcome(Layout.LINES, by_byte(lines)) == outcome(Layout.LINES, [lines])


@settings(max_examples=30)
@given(st.binary(max_size=60).map(lambda some: b"[" + some), PLACES)
def test_bytes_that_are_no_array_are_refused_alike_wherever_their_pieces_end(body, places):
    assert outcome(Layout.ARRAY, cut(body, places)) == outcome(Layout.ARRAY, [body])


REFUSED = {
    "nothing": (b"", "not_an_array"),
    "white space alone": (b" \n ", "not_an_array"),
    "an object": (b'{"a":[]}', "not_an_array"),
    "lines": (b"{}\n{}\n", "not_an_array"),
    "a byte order mark": (b"\xef\xbb\xbf[]", "byte_order_mark"),
    "no end": (b"[{},{}", "truncated"),
    "no end after a comma": (b"[{},", "truncated"),
    "an open text": (b'[{"a":"b]', "truncated"),
    "a comma at the end": (b"[{},]", "bad_structure"),
    "two commas": (b"[{},,{}]", "bad_structure"),
    "a comma at the start": (b"[,{}]", "bad_structure"),
    "a brace too many": (b"[{}},{}]", "bad_structure"),
    "brackets crossed": (b"[{]}]", "bad_structure"),
    "trailing bytes": (b"[{}]x", "trailing_bytes"),
    "a second array": (b"[{}][{}]", "trailing_bytes"),
    "a second array on a line": (b"[{}]\n[{}]\n", "trailing_bytes"),
    "lines after the array": (b"[{}]\n{}\n", "trailing_bytes"),
    "a comma after the array": (b"[{}],", "trailing_bytes"),
}


@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_body_that_is_not_one_array_is_refused_by_its_fault(body, code):
    assert outcome(Layout.ARRAY, [body]) == code
    assert outcome(Layout.ARRAY, by_byte(body)) == code


@pytest.mark.parametrize("code", sorted({code for _, code in REFUSED.values()} - {"not_an_array", "byte_order_mark"}))
def test_a_fault_that_comes_late_in_a_long_body_is_refused_too(code):
    body = next(body for body, wrong in REFUSED.values() if wrong == code)
    long = b"[" + (GOOD % b"" + b",") * 3000
    assert outcome(Layout.ARRAY, cut(long + body[1:], [70_000, 200_000, 260_000])) == code


def test_a_byte_order_mark_before_lines_is_refused_in_any_pieces():
    body = b"\xef\xbb\xbf{}\n{}\n"
    assert outcome(Layout.LINES, [body]) == outcome(Layout.LINES, by_byte(body)) == "byte_order_mark"


def test_empty_bodies_and_empty_lines_hold_no_records():
    assert divided(Layout.ARRAY, [b" [ \n] "]) == []
    assert divided(Layout.LINES, []) == divided(Layout.LINES, [b"\n", b" \r\n\n"]) == []


def long_bodies(size: int) -> list[tuple[Layout, bytes, list[bytes]]]:
    """Bodies whose middle record has a text, a list or a nesting of about so many bytes."""
    good = GOOD % b""
    found = []
    for long in (
        b'{"a":"' + b"x" * size + b'"}',
        b'{"a":"' + rb"\"" * (size // 2) + b'"}',
        b"[" + b"1," * (size // 2) + b"1]",
        b'{"a":' * (size // 10) + b"1" + b"}" * (size // 10),
        b"{" + b'"a":"},{",' * (size // 10) + b'"b":1}',
    ):
        records = [good, long, good]
        found += [
            (Layout.ARRAY, b"[" + b",".join(records) + b"]", records),
            (Layout.LINES, b"\n".join(records), records),
        ]
    return found


@pytest.mark.parametrize("size", [200, 5000, BLOCK_BYTES, 3 * BLOCK_BYTES])
@pytest.mark.parametrize("piece", [997, 65_536])
def test_a_record_past_the_limit_is_passed_over_and_its_neighbours_are_whole(size, piece):
    for layout, body, records in long_bodies(size):
        pieces = [body[at : at + piece] for at in range(0, len(body), piece)]
        assert divided(layout, pieces) == records
        limit = len(records[1]) - 1
        assert divided(layout, pieces, max(limit, len(records[0]))) == [records[0], OVERSIZED, records[2]]
        assert divided(layout, [body], max(limit, len(records[0]))) == [records[0], OVERSIZED, records[2]]


@pytest.mark.parametrize("layout", Layout)
def test_no_more_is_held_than_one_record_and_one_block_whatever_comes(layout):
    limit = 10_000
    dividing = splitter(layout, limit)
    assert isinstance(dividing, ArraySplitter | LineSplitter)
    dividing.feed(b"[" if layout is Layout.ARRAY else b"")
    most = 0
    for piece in (b'{"a":"' + b"x" * 4000, b"x" * 4000, b" " * 4000, rb"\\" * 2000):
        for _ in range(200):
            dividing.feed(piece)
            held = dividing._buffer if isinstance(dividing, ArraySplitter) else b"".join(dividing._held)
            most = max(most, len(held))
    assert most <= limit + BLOCK_BYTES + 4006


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([GOOD % b"", GOOD % b',"x":[1]', *SMALL, b"5", b'{"a":1},{"b":2}', b'{"x":1', b'"y":2}']))
)
def test_many_records_read_in_one_call_are_what_each_is_by_itself(raws):
    assert read_records(raws, SHAPE) == [read_record(raw, SHAPE) for raw in raws]


def test_records_that_only_together_look_like_as_many_records_are_read_one_by_one():
    """Two objects in one record and one object in two: as one array they would be three, each under another's label."""
    one = GOOD % b""
    other = json.dumps(json.loads(one) | {"id": "b", "classificationMarking": "S//NF"}).encode()
    raws = [
        one + b"," + other,
        other,
        b'{"id":"c","classificationMarking":"U","x":1',
        b'"createdAt":"2026-01-01T00:00:00Z"}',
    ]
    assert [view.doubts == () for view in read_records(raws, SHAPE)] == [False, True, False, False]
    assert read_records(raws, SHAPE)[1].marking == "S//NF"


def test_a_record_past_the_limit_is_a_doubt_and_those_beside_it_are_read():
    views = read_records([GOOD % b"", OVERSIZED, GOOD % b""], SHAPE)
    assert [view.doubts for view in views] == [(), ("too_large",), ()]
