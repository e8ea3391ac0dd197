"""Bytes that some parser reads otherwise than another: the cutter doubts them, the checker refuses them,
alone."""

from decimal import Decimal

import pytest

from gateway.content.check import Expected, ExpectedRecord, Form, Permitted, Refusal, check
from gateway.content.degrade import degrade, plan_cuts
from gateway.content.doubts import Doubt
from gateway.content.errors import CheckRefused, RecordDoubtful
from gateway.content.project import project
from gateway.content.records import read_array, read_record
from gateway.content.strict import MAX_RECORD_BYTES, strict_doubts
from gateway.policy.decision import Obligations
from tests.content.malformed import GOOD, HARMLESS, MALFORMED, MARKING, NAMES, SHAPE, lists

TOO_LONG = {"too long": (GOOD % (b',"x":"' + b"a" * MAX_RECORD_BYTES + b'"'), Doubt.TOO_LARGE)}


def expected():
    permitted = Permitted(frozenset({"U"}))
    return Expected(Form.OBJECT, [ExpectedRecord("a", permitted)], MARKING, "id", NAMES)


def each(table):
    return pytest.mark.parametrize("raw, doubt", table.values(), ids=table.keys())


@each(MALFORMED | TOO_LONG)
def test_strict_reading_names_what_is_wrong_with_a_hostile_record(raw, doubt):
    assert strict_doubts(raw, MARKING) == (doubt,)


@each(MALFORMED | TOO_LONG)
def test_hostile_record_is_withheld_and_its_neighbours_stay_readable(raw, doubt):
    neighbour = GOOD % b""
    views = read_array(b"[" + neighbour + b"," + raw + b"," + neighbour + b"]", SHAPE)
    assert [view.raw for view in views] == [neighbour, raw, neighbour]
    assert views[0].doubts == views[2].doubts == ()
    assert views[1].doubts or strict_doubts(views[1].raw, MARKING) == (doubt,)


@each(MALFORMED | TOO_LONG)
def test_hostile_record_is_never_degraded_or_projected(raw, doubt):
    plan = plan_cuts(Obligations(drop=frozenset({"x"}), round={"y": Decimal(1)}), MARKING)
    with pytest.raises(RecordDoubtful) as refused:
        degrade(raw, plan)
    assert refused.value.doubts == (doubt,)
    with pytest.raises(RecordDoubtful):
        project(raw, {"id"}, MARKING)


@each(MALFORMED)
def test_checker_refuses_a_hostile_record_by_itself(raw, doubt):
    with pytest.raises(CheckRefused):
        check(raw, expected())


@each(MALFORMED)
def test_checker_refuses_a_hostile_record_among_good_ones(raw, doubt):
    good = GOOD % b""
    records = [ExpectedRecord("a", Permitted(frozenset({"U"})))] * 3
    with pytest.raises(CheckRefused):
        check(b"[" + b",".join((good, raw, good)) + b"]", Expected(Form.ARRAY, records, MARKING, "id", NAMES))


@each(MALFORMED)
def test_checker_refuses_a_hostile_record_on_a_line_among_good_ones(raw, doubt):
    good = GOOD % b""
    records = [ExpectedRecord("a", Permitted(frozenset({"U"})))] * 3
    with pytest.raises(CheckRefused):
        check(b"".join(line + b"\n" for line in (good, raw, good)), Expected(Form.LINES, records, MARKING, "id", NAMES))


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS.keys())
def test_harmless_oddities_pass_the_cutter_and_the_checker(raw):
    assert strict_doubts(raw, MARKING) == ()
    assert read_record(raw, SHAPE).doubts == ()
    assert check(raw, expected()).records == 1
    line = raw.replace(b"\n", b" ") + b"\n"
    assert check(line, Expected(Form.LINES, expected().records, MARKING, "id", NAMES)).records == 1


@pytest.mark.parametrize(
    "final", [b"{},{}\n", b"{}\n{}", b"{}\n\n", b"{}{}\n\n", b'{"a":\n1}\n', b"\n{}\n", b"[{},{}]\n"]
)
def test_checker_refuses_lines_that_are_not_one_record_each(final):
    permitted = Permitted(frozenset({"U"}))
    final = final.replace(b"{", b'{"id":"a","classificationMarking":"U"').replace(b'"U""a"', b'"U","a"')
    with pytest.raises(CheckRefused):
        check(final, Expected(Form.LINES, [ExpectedRecord("a", permitted)] * 2, MARKING, "id", NAMES))


def test_checker_refuses_records_nested_past_recursion_without_a_crash():
    raw = GOOD % (b',"n":"a : b","x":' + lists(1000))
    with pytest.raises(CheckRefused) as refused:
        check(raw, expected())
    assert refused.value.code == Refusal.TOO_DEEP


def test_marking_twice_is_a_doubt_already_when_the_record_is_read():
    view = read_record(GOOD % b',"classificationMarking":"S//NF"', SHAPE)
    assert Doubt.DUPLICATE_KEY in view.doubts


def test_marking_twice_by_an_escape_is_a_doubt_already_when_the_record_is_read():
    view = read_record(GOOD % rb',"\u0063lassificationMarking":"S//NF"', SHAPE)
    assert Doubt.DUPLICATE_KEY in view.doubts


@pytest.mark.parametrize("number", [b"18446744073709551616", b"-9223372036854775809", b"1" * 5000])
def test_checker_refuses_integers_past_64_bits_where_it_reads_every_pair(number):
    with pytest.raises(CheckRefused) as refused:
        check(GOOD % (b',"n":"a : b","x":' + number), expected())
    assert refused.value.code in (Refusal.NUMBER_OVERFLOW, Refusal.MALFORMED)
