"""Only what a dataset lists is left of a record; a record in which everything is listed keeps its bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.content.listed import Kept, listing
from gateway.content.strict import strict_doubts
from gateway.policy.shape import FieldKind, FieldList

STATE = FieldList((("classificationMarking", FieldKind.TEXT), ("xpos", FieldKind.NUMBER)))
FIELDS = FieldList(
    (
        ("body", FieldKind.FREE),
        ("classificationMarking", FieldKind.TEXT),
        ("cov", FieldKind.NUMBERS),
        ("id", FieldKind.TEXT),
        ("satNo", FieldKind.NUMBER),
        ("tags", FieldKind.TEXTS),
        ("uct", FieldKind.BOOLEAN),
    ),
    (("state", STATE),),
)
KEEP = listing(FIELDS).keep

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["xpos", "more"]), inner, max_size=2),
    max_leaves=6,
)
names = st.sampled_from([*(name for name, _ in FIELDS.kinds), "state", "exactPosition", "", "é", "satno"])
records = st.dictionaries(names, values, max_size=8)


def of_kind(value: object, kind: FieldKind) -> bool:
    """Whether a value is of a kind, by Python's own types: the obvious way."""
    if value is None or kind is FieldKind.FREE:
        return True
    if kind is FieldKind.NUMBER:
        return type(value) in (int, float)
    if kind in (FieldKind.TEXT, FieldKind.BOOLEAN):
        return type(value) is (str if kind is FieldKind.TEXT else bool)
    types = (str,) if kind is FieldKind.TEXTS else (int, float)
    return isinstance(value, list) and all(each is None or type(each) in types for each in value)


def obviously(record: dict, fields: FieldList = FIELDS) -> dict:
    """What must be left of a record, worked out on the parsed value, in the record's order."""
    kinds, inside = dict(fields.kinds), dict(fields.inside)
    left = {}
    for name, value in record.items():
        if name in kinds and of_kind(value, kinds[name]):
            left[name] = value
        elif name in inside and isinstance(value, dict):
            left[name] = obviously(value, inside[name])
        elif name in inside and isinstance(value, list) and all(isinstance(each, dict) for each in value):
            left[name] = [obviously(each, inside[name]) for each in value]
        elif name in inside and value is None:
            left[name] = None
    return left


@given(records)
def test_what_is_left_is_what_is_listed_and_of_its_kind_and_nothing_else(record):
    raw = json.dumps(record).encode()
    if strict_doubts(raw):
        return
    kept, expected = KEEP(raw), obviously(record)
    left = json.loads(kept.raw)
    assert left == expected
    assert list(left) == list(expected)
    assert bool(kept.left_out) == (expected != record)
    assert {path for path in kept.left_out if "." not in path} == record.keys() - expected.keys()
    assert KEEP(kept.raw) == Kept(kept.raw)


@given(records)
def test_a_record_of_listed_fields_alone_keeps_its_very_bytes(record):
    raw = json.dumps(obviously(record), indent=1).encode()
    if not strict_doubts(raw):
        assert KEEP(raw) == Kept(raw)


@pytest.mark.parametrize(
    ("raw", "left", "out"),
    [
        (b'{"id":"a","exactPosition":7000.125}', b'{"id":"a"}', ("exactPosition",)),
        (b'{"id":"a","satNo":{"exact":1}}', b'{"id":"a"}', ("satNo",)),
        (b'{"id":"a","satNo":[7000.125]}', b'{"id":"a"}', ("satNo",)),
        (b'{"id":"a","satNo":"7000.125"}', b'{"id":"a"}', ("satNo",)),
        (b'{"id":["a","7000.125"]}', b"{}", ("id",)),
        (b'{"tags":["a",{"x":1}]}', b"{}", ("tags",)),
        (b'{"cov":[1,"2"]}', b"{}", ("cov",)),
        (b'{"state":{"xpos":1,"ypos":2}}', b'{"state":{"xpos":1}}', ("state.ypos",)),
        (b'{"state":[{"xpos":1},{"ypos":2}]}', b'{"state":[{"xpos":1},{}]}', ("state.ypos",)),
        (b'{"state":"at 7000"}', b"{}", ("state",)),
        (b'{"state":[{"xpos":1},7000]}', b"{}", ("state",)),
        (b'{"body":{"any":[{"thing":1}]}}', b'{"body":{"any":[{"thing":1}]}}', ()),
        (b'{"satNo":18446744073709551615,"uct":null}', b'{"satNo":18446744073709551615,"uct":null}', ()),
    ],
)
def test_a_value_that_hides_under_a_listed_name_is_left_out_too(raw, left, out):
    assert KEEP(raw) == Kept(left, out)


def test_an_empty_list_leaves_nothing_of_any_record():
    assert listing(FieldList()).keep(b'{"id":"a"}') == Kept(b"{}", ("id",))
