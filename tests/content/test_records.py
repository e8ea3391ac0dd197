"""What is read from a record, and every doubt that reading can raise."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.content.doubts import Doubt
from gateway.content.records import NestedRecord, duplicate_identifiers, read_array, read_object, read_record
from gateway.policy.shape import RecordShape

MARKING = "classificationMarking"
SHAPE = RecordShape(
    identifier="id",
    marking=MARKING,
    date="createdAt",
    delay_from="effectiveUntil",
    originator="origin",
    facts=frozenset({"satNo", "tags", "dataMode", "details"}),
    nested=("stateVector1", "stateVector2"),
    tle_line="line1",
)
LINE = "1 25544U 98067A   26001.00000000  .00001234  00000-0  12345-4 0  9991"
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


def record(**changes):
    members = {"id": "a", MARKING: "U", "createdAt": "2026-01-01T00:00:00Z", **changes}
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


def doubts(**changes):
    return read_record(record(**changes), SHAPE).doubts


def test_record_without_doubts_is_read_whole_and_keeps_its_bytes():
    raw = record(effectiveUntil="2026-01-01T05:00:00+05:00", origin="GBR", satNo=5, tags=["x", None], line1=LINE)
    view = read_record(raw, SHAPE)
    assert view.raw is raw
    assert (view.identifier, view.marking, view.originator) == ("a", "U", "GBR")
    assert view.date == view.delay_from == MIDNIGHT
    assert view.date.tzinfo is view.delay_from.tzinfo is UTC
    assert view.values == {"satNo": 5, "tags": ["x", None]}
    assert view.nested == () == view.doubts


def test_record_with_only_what_is_required_is_without_doubts():
    view = read_record(record(), SHAPE)
    assert (view.originator, view.delay_from, view.values, view.doubts) == (None, None, {}, ())


@pytest.mark.parametrize("delay_from", ["", None])
def test_empty_optional_members_are_missing_and_no_doubt(delay_from):
    view = read_record(record(effectiveUntil=delay_from, origin=delay_from, line1=None), SHAPE)
    assert (view.originator, view.delay_from, view.doubts) == (None, None, ())


@pytest.mark.parametrize(
    "changes, doubt",
    [
        ({MARKING: ...}, Doubt.MARKING_MISSING),
        ({MARKING: None}, Doubt.MARKING_MISSING),
        ({MARKING: ""}, Doubt.MARKING_MISSING),
        ({MARKING: ["U"]}, Doubt.MARKING_NOT_TEXT),
        ({MARKING: {"U": 1}}, Doubt.MARKING_NOT_TEXT),
        ({MARKING: 1}, Doubt.MARKING_NOT_TEXT),
        ({"id": ...}, Doubt.IDENTIFIER_MISSING),
        ({"id": None}, Doubt.IDENTIFIER_MISSING),
        ({"id": ""}, Doubt.IDENTIFIER_MISSING),
        ({"id": 5}, Doubt.IDENTIFIER_NOT_TEXT),
        ({"createdAt": ...}, Doubt.DATE_MISSING),
        ({"createdAt": None}, Doubt.DATE_MISSING),
        ({"createdAt": "2026-01-01T00:00:00"}, Doubt.DATE_INVALID),
        ({"createdAt": "2026-01-01"}, Doubt.DATE_INVALID),
        ({"createdAt": "2026-02-30T00:00:00Z"}, Doubt.DATE_INVALID),
        ({"createdAt": "0001-01-01T00:00:00+01:00"}, Doubt.DATE_INVALID),
        ({"createdAt": 1767225600}, Doubt.DATE_INVALID),
        ({"effectiveUntil": "tomorrow"}, Doubt.DELAY_FROM_INVALID),
        ({"effectiveUntil": 5}, Doubt.DELAY_FROM_INVALID),
        ({"origin": 5}, Doubt.ORIGINATOR_NOT_TEXT),
        ({"origin": ["GBR"]}, Doubt.ORIGINATOR_NOT_TEXT),
        ({"stateVector1": {"x": 1}}, Doubt.NESTED_MARKING_MISSING),
        ({"stateVector1": {}}, Doubt.NESTED_MARKING_MISSING),
        ({"stateVector1": {MARKING: ""}}, Doubt.NESTED_MARKING_MISSING),
        ({"stateVector1": {MARKING: None}}, Doubt.NESTED_MARKING_MISSING),
        ({"stateVector1": {MARKING: 1}}, Doubt.NESTED_MARKING_NOT_TEXT),
        ({"stateVector1": "U"}, Doubt.NESTED_NOT_AN_OBJECT),
        ({"stateVector1": [{MARKING: "U"}, 5]}, Doubt.NESTED_NOT_AN_OBJECT),
        ({"stateVector1": [{MARKING: "U"}, {}]}, Doubt.NESTED_MARKING_MISSING),
        ({"anything": [{"deep": {MARKING: 1}}]}, Doubt.NESTED_MARKING_NOT_TEXT),
    ],
)
def test_member_that_is_not_as_it_should_be_is_a_doubt(changes, doubt):
    assert doubts(**changes) == (doubt,)


@pytest.mark.parametrize("raw", [b"5", b"null", b"[]", b'"U"', b"{", b"\xff", b""])
def test_what_is_no_object_has_doubts_and_raises_nothing(raw):
    view = read_record(raw, SHAPE)
    assert {Doubt.NOT_AN_OBJECT, Doubt.MALFORMED, Doubt.INVALID_UTF8} & set(view.doubts)
    assert view.marking is None


@pytest.mark.parametrize(
    "marking, letter, doubt",
    [
        ("U", "U", None),
        ("UNCLASSIFIED//FOUO", "U", None),
        ("C//REL TO USA, GBR", "C", None),
        ("S//NF", "S", None),
        ("SECRET", "S", None),
        ("S//NF", "U", Doubt.TLE_LETTER_CONTRADICTS),
        ("U", "S", Doubt.TLE_LETTER_CONTRADICTS),
        ("U", "C", Doubt.TLE_LETTER_CONTRADICTS),
        ("TS//SI", "S", Doubt.TLE_LETTER_CONTRADICTS),
        ("TS//SI", "T", Doubt.TLE_LETTER_CONTRADICTS),
        ("//GBR S", "S", Doubt.TLE_LETTER_CONTRADICTS),
        ("u", "U", Doubt.TLE_LETTER_CONTRADICTS),
        ("U", "u", Doubt.TLE_LETTER_CONTRADICTS),
        ("U", " ", Doubt.TLE_LETTER_MISSING),
    ],
)
def test_letter_of_the_element_set_must_be_the_marking_s_level(marking, letter, doubt):
    line = LINE[:7] + letter + LINE[8:]
    assert doubts(**{MARKING: marking, "line1": line}) == (() if doubt is None else (doubt,))


@pytest.mark.parametrize("line", ["", "1 25544", "2 25544U 98067A", 5, ["1 25544U"]])
def test_what_is_no_line_1_cannot_confirm_the_marking(line):
    assert doubts(line1=line) == (Doubt.TLE_LINE_MALFORMED,)


def test_declared_records_inside_are_found_with_their_markings():
    raw = record(stateVector1={MARKING: "S//NF", "x": 1}, stateVector2={MARKING: "U"}, other=None)
    view = read_record(raw, SHAPE)
    assert view.nested == (NestedRecord("stateVector1", "S//NF"), NestedRecord("stateVector2", "U"))
    assert view.doubts == ()


def test_undeclared_records_inside_are_found_at_any_depth():
    raw = record(a={"b": [{MARKING: "S"}, {"c": {MARKING: "TS"}}]}, stateVector2=None)
    view = read_record(raw, SHAPE)
    assert view.nested == (NestedRecord("a.b[0]", "S"), NestedRecord("a.b[1].c", "TS"))
    assert view.doubts == ()


def test_record_inside_a_declared_record_is_found_too():
    raw = record(stateVector1={MARKING: "U", "source": {MARKING: "S//NF"}})
    assert NestedRecord("stateVector1.source", "S//NF") in read_record(raw, SHAPE).nested


def test_record_inside_whose_marking_is_written_with_escapes_is_found():
    raw = record(a=...)[:-1] + rb',"a":{"\u0063lassification\u004darking":"S//NF"}}'
    assert read_record(raw, SHAPE).nested == (NestedRecord("a", "S//NF"),)


def test_two_markings_inside_cannot_hide_behind_an_outer_one_that_is_missing():
    view = read_record(record(**{MARKING: ..., "a": {MARKING: "S"}}), SHAPE)
    assert view.nested == (NestedRecord("a", "S"),)
    assert Doubt.MARKING_MISSING in view.doubts


def test_text_that_mentions_the_marking_field_is_no_record():
    view = read_record(record(descriptor='"classificationMarking":"S" and classificationMarking'), SHAPE)
    assert view.nested == () == view.doubts


def test_fact_of_another_kind_is_left_out_like_a_missing_one():
    view = read_record(record(satNo={"a": 1}, tags=[["x"]], dataMode=None, details=True), SHAPE)
    assert view.values == {"dataMode": None, "details": True}
    assert view.doubts == ()


def test_fact_that_is_also_the_date_is_read_as_text_and_as_instant():
    facts = frozenset({"createdAt", MARKING})
    view = read_record(record(), RecordShape("id", MARKING, "createdAt", delay_from="createdAt", facts=facts))
    assert view.values == {"createdAt": "2026-01-01T00:00:00Z", MARKING: "U"}
    assert view.date == view.delay_from == MIDNIGHT


def test_malformed_record_still_tells_the_auditor_who_it_is():
    view = read_record(record()[:-1] + b',"x":"\xff"}', SHAPE)
    assert (view.identifier, view.marking) == ("a", "U")
    view = read_record(record(id="b", origin=5), SHAPE)
    assert view.identifier == "b"


def test_array_and_object_bodies_give_the_same_view_of_a_record():
    raw = record(satNo=7)
    assert read_array(b"[" + raw + b"]", SHAPE) == (read_object(raw, SHAPE),)


def test_empty_array_holds_no_records_and_is_no_error():
    assert read_array(b" [ ] ", SHAPE) == ()


def test_identifier_of_two_records_stands_for_neither():
    views = [read_record(record(id=name), SHAPE) for name in ("a", "b", "a", "c", "a")]
    views += [read_record(record(id=...), SHAPE)] * 2
    assert duplicate_identifiers(views) == {"a"}


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5)
scalars |= st.floats(allow_nan=False, allow_infinity=False)
inside = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([MARKING, "x", "stateVector1"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def markings_inside(value, path=""):
    if isinstance(value, dict):
        found = [value[MARKING]] if path and MARKING in value else []
        return found + [each for name in value for each in markings_inside(value[name], f"{path}.{name}")]
    return [each for item in value for each in markings_inside(item, path)] if isinstance(value, list) else []


@given(st.dictionaries(st.sampled_from(["stateVector1", "stateVector2", "other", "satNo", "origin"]), inside))
def test_no_marking_inside_is_ever_overlooked(members):
    view = read_record(record(**members), SHAPE)
    inner = markings_inside(members, "record")
    assert {text for text in inner if isinstance(text, str) and text} <= {each.marking for each in view.nested}
    if any(not isinstance(text, str) or not text for text in inner):
        assert view.doubts


@given(inside)
def test_reading_never_raises_whatever_a_record_is(value):
    view = read_record(json.dumps(value).encode(), SHAPE)
    assert view.doubts
