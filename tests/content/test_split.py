"""A body divides into its records' own bytes, or not at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.content.errors import SourceMalformed
from gateway.content.split import split_array, split_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
spaces = st.text(alphabet=" \t\r\n", max_size=3).map(str.encode)

BAD_ARRAYS = {
    b"": "not_an_array",
    b" \n": "not_an_array",
    b"null": "not_an_array",
    b'{"a":1}': "not_an_array",
    b'"[1]"': "not_an_array",
    b"\xef\xbb\xbf[]": "byte_order_mark",
    "[]".encode("utf-16"): "not_an_array",
    b"\x0c[]": "not_an_array",
    b"[": "truncated",
    b'[{"a":1}': "truncated",
    b'[{"a":1},': "truncated",
    b'[{"a":"b}]': "truncated",
    b'["\\"]': "truncated",
    b"[]]": "trailing_bytes",
    b"[] x": "trailing_bytes",
    b"[1][2]": "trailing_bytes",
    b"[1],": "trailing_bytes",
    b"[]\x00": "trailing_bytes",
    b"[]\x0c": "trailing_bytes",
    b'[]"': "trailing_bytes",
    b"[1,]": "bad_structure",
    b"[,1]": "bad_structure",
    b"[,]": "bad_structure",
    b"[1,,2]": "bad_structure",
    b"[{]}": "bad_structure",
    b"[}": "bad_structure",
}
BAD_OBJECTS = {
    b"": "not_an_object",
    b"[]": "not_an_object",
    b"\xef\xbb\xbf{}": "byte_order_mark",
    b"{": "truncated",
    b"{}{}": "trailing_bytes",
    b"{}x{}": "trailing_bytes",
    b'{"a":1} 2': "trailing_bytes",
    b'{"a":[}]': "bad_structure",
}


@pytest.mark.parametrize("body, code", BAD_ARRAYS.items())
def test_what_is_not_one_array_from_end_to_end_is_malformed(body, code):
    with pytest.raises(SourceMalformed) as refused:
        split_array(body)
    assert refused.value.code == code


@pytest.mark.parametrize("body, code", BAD_OBJECTS.items())
def test_what_is_not_one_object_from_end_to_end_is_malformed(body, code):
    with pytest.raises(SourceMalformed) as refused:
        split_object(body)
    assert refused.value.code == code


def test_malformed_error_quotes_no_byte_of_the_content():
    with pytest.raises(SourceMalformed) as refused:
        split_array(b'[{"secret":"alpha"}] omega')
    assert "alpha" not in str(refused.value)
    assert "omega" not in str(refused.value)


@given(st.lists(values, max_size=6), spaces, spaces)
def test_elements_come_out_with_the_very_bytes_they_went_in_with(elements, before, after):
    written = [json.dumps(element).encode() for element in elements]
    body = before + b"[" + after + (before + b"," + after).join(written) + before + b"]" + after
    assert split_array(body) == written


@given(
    st.lists(values, max_size=6),
    st.sampled_from([b"NaN", b'{"a":"\\ud800"}', b'{"a":1e5.}', b"[" * 2000 + b"]" * 2000]),
)
def test_elements_around_a_malformed_one_come_out_the_same(elements, bad):
    written = [json.dumps(element).encode() for element in elements]
    middle = len(written) // 2
    written.insert(middle, bad)
    assert split_array(b"[ " + b" ,\n".join(written) + b" ]") == written


@given(st.dictionaries(st.text(), values), spaces, spaces)
def test_object_comes_out_with_the_very_bytes_it_went_in_with(record, before, after):
    written = json.dumps(record).encode()
    assert split_object(before + written + after) == written


def test_object_with_a_malformed_member_is_still_taken_whole():
    assert split_object(b' {"a":NaN,"b":{"c":"}"}} ') == b'{"a":NaN,"b":{"c":"}"}}'


@given(st.binary(max_size=60) | st.text(alphabet='[]{},:"\\ 1ae\n', max_size=40).map(str.encode))
def test_any_bytes_divide_or_are_refused_and_nothing_else_happens(body):
    for split in (split_array, split_object):
        try:
            split(body)
        except SourceMalformed:
            continue
