"""Chosen columns and joined records: the source's bytes and order, nothing between."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.content.join import join_array, join_piece
from gateway.content.project import project

MARKING = "classificationMarking"
RAW = b'{"z": 1.0,"id":"a","classificationMarking":"U" , "b":[1, 2],"a":"\\u0041"}'


def test_columns_keep_the_source_s_order_and_their_bytes():
    assert project(RAW, ["a", "b", "z"], MARKING) == (b'{"z":1.0,"classificationMarking":"U","b":[1, 2],"a":"\\u0041"}')


def test_marking_always_comes_along_and_absent_columns_add_nothing():
    assert project(RAW, ["nothing"], MARKING) == b'{"classificationMarking":"U"}'


def test_choosing_every_column_gives_back_the_same_bytes_object():
    assert project(RAW, ["z", "id", "b", "a"], MARKING) is RAW


def test_no_records_join_into_an_empty_array():
    assert join_array([]) == b"[]"


def test_records_join_with_nothing_but_commas_between():
    assert join_array([b'{"a": 1}', b"{}"]) == b'[{"a": 1},{}]'


records = st.lists(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), max_size=3)


@given(st.lists(records, min_size=1, max_size=5))
def test_pieces_one_after_the_other_are_the_whole_array(chunks):
    written = [[json.dumps(record).encode() for record in chunk] for chunk in chunks]
    before = 0
    pieces = []
    for number, chunk in enumerate(written):
        pieces.append(join_piece(chunk, opens=number == 0, before=before, closes=number == len(written) - 1))
        before += len(chunk)
    assert b"".join(pieces) == join_array([record for chunk in written for record in chunk])


@given(
    st.dictionaries(st.text(max_size=3), st.integers(-(2**63), 2**64 - 1) | st.text()),
    st.frozensets(st.text(max_size=3)),
)
def test_projection_never_adds_a_column_that_was_not_chosen(members, columns):
    kept = json.loads(project(json.dumps({**members, MARKING: "U"}).encode(), columns, MARKING))
    assert kept == {**{name: members[name] for name in members if name in columns}, MARKING: "U"}
