"""Bytes that some parser reads otherwise than another: the cutter doubts them, the checker refuses them,
alone."""

from decimal import Decimal

import pytest

from gateway.content.check import Expected, ExpectedRecord, Form, Listed, Permitted, Refusal, check
from gateway.content.degrade import degrade, plan_cuts
from gateway.content.doubts import Doubt
from gateway.content.errors import CheckRefused, RecordDoubtful
from gateway.content.project import project
from gateway.content.records import read_array, read_record
from gateway.content.strict import MAX_DEPTH, MAX_RECORD_BYTES, strict_doubts
from gateway.policy.decision import Obligations
from gateway.policy.shape import RecordShape

MARKING = "classificationMarking"
SHAPE = RecordShape(identifier="id", marking=MARKING, date="createdAt")
NAMES = Listed(frozenset({"id", MARKING, "createdAt"}), frozenset("nxyz"))
GOOD = b'{"id":"a","classificationMarking":"U","createdAt":"2026-01-01T00:00:00Z"%s}'


def lists(depth):
    return b"[" * depth + b"]" * depth


HOSTILE = {
    "the marking twice": (GOOD % b',"classificationMarking":"S//NF"', Doubt.DUPLICATE_KEY),
    "the marking twice, once by an escape": (
        GOOD % rb',"\u0063lassificationMarking":"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking twice, space before the colon": (
        GOOD % b',"classificationMarking" :"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking twice, line break before the colon": (
        GOOD % b',"classificationMarking"\n:"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking twice, tab and return before the colon": (
        GOOD % b',"classificationMarking"\t\r:"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "another member twice": (GOOD % b',"x":1,"x":1', Doubt.DUPLICATE_KEY),
    "the empty name twice": (GOOD % b',"":1,"":2', Doubt.DUPLICATE_KEY),
    "a member twice in an object inside": (GOOD % b',"x":{"y":1,"y":2}', Doubt.DUPLICATE_KEY),
    "a member twice in a list's object": (
        GOOD % b',"x":[[{"y":1},{"y":1,"z":2,"y":1}]]',
        Doubt.DUPLICATE_KEY,
    ),
    "a member twice beside a string that hides a name": (
        GOOD % rb',"x":1,"x":1,"n":"\":"',
        Doubt.DUPLICATE_KEY,
    ),
    "a member twice, one name by an escaped slash": (GOOD % rb',"a/b":1,"a\/b":2', Doubt.DUPLICATE_KEY),
    "a member twice, one name by a surrogate pair": (
        GOOD % b',"\xf0\x9f\x9b\xb0":1,"\\ud83d\\udef0":2',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking in other case": (GOOD % b',"ClassificationMarking":"S//NF"', Doubt.MARKING_AMBIGUOUS),
    "the marking in other case, inside": (
        GOOD % b',"x":{"CLASSIFICATIONMARKING":"S"}',
        Doubt.MARKING_AMBIGUOUS,
    ),
    "NaN": (GOOD % b',"x":NaN', Doubt.MALFORMED),
    "Infinity": (GOOD % b',"x":-Infinity', Doubt.MALFORMED),
    "a number past a double": (GOOD % b',"x":1e999', Doubt.NUMBER_OVERFLOW),
    "a negative number past a double": (GOOD % b',"x":[-1e309]', Doubt.NUMBER_OVERFLOW),
    "five thousand digits": (GOOD % (b',"x":' + b"9" * 5000), Doubt.NUMBER_OVERFLOW),
    "a lone high surrogate": (GOOD % rb',"x":"\ud800"', Doubt.MALFORMED),
    "a lone low surrogate": (GOOD % rb',"x":"\udc00 and more"', Doubt.MALFORMED),
    "a lone surrogate in a name": (GOOD % rb',"\udc00":1', Doubt.MALFORMED),
    "a byte that is no UTF-8": (GOOD % b',"x":"\xff"', Doubt.INVALID_UTF8),
    "an overlong slash": (GOOD % b',"x":"\xc0\xaf"', Doubt.INVALID_UTF8),
    "a surrogate in UTF-8": (GOOD % b',"x":"\xed\xa0\x80"', Doubt.INVALID_UTF8),
    "a byte past Unicode": (GOOD % b',"x":"\xf4\x90\x80\x80"', Doubt.INVALID_UTF8),
    "a bad byte in a name": (GOOD % b',"\xff":1', Doubt.INVALID_UTF8),
    "a control character in a string": (GOOD % b',"x":"a\x01b"', Doubt.MALFORMED),
    "a NUL in a string": (GOOD % b',"x":"a\x00b"', Doubt.MALFORMED),
    "a comma at the end": (GOOD % b',"x":1,', Doubt.MALFORMED),
    "two commas": (GOOD % b',,"x":1', Doubt.MALFORMED),
    "a name without quotes": (GOOD % b",x:1", Doubt.MALFORMED),
    "single quotes": (GOOD % b",'x':1", Doubt.MALFORMED),
    "a comment": (GOOD % b"/* */", Doubt.MALFORMED),
    "hexadecimal": (GOOD % b',"x":0x10', Doubt.MALFORMED),
    "a leading zero": (GOOD % b',"x":01', Doubt.MALFORMED),
    "a plus sign": (GOOD % b',"x":+1', Doubt.MALFORMED),
    "a bare fraction": (GOOD % b',"x":.5', Doubt.MALFORMED),
    "a bare point": (GOOD % b',"x":5.', Doubt.MALFORMED),
    "an unknown escape": (GOOD % rb',"x":"\x41"', Doubt.MALFORMED),
    "a form feed between members": (GOOD % b',\f"x":1', Doubt.MALFORMED),
    "a no-break space between members": (GOOD % b',\xc2\xa0"x":1', Doubt.MALFORMED),
    "two values where one is": (GOOD % b',"x":1 2', Doubt.MALFORMED),
}
CUTTERS_ONLY = {
    "an integer past 64 bits": (GOOD % b',"x":18446744073709551616', Doubt.NUMBER_OVERFLOW),
    "a negative integer past 64 bits": (GOOD % b',"x":[-9223372036854775809]', Doubt.NUMBER_OVERFLOW),
    "lists one too deep": (GOOD % (b',"x":' + lists(MAX_DEPTH)), Doubt.TOO_DEEP),
    "lists much too deep": (GOOD % (b',"x":' + lists(900)), Doubt.TOO_DEEP),
    "lists past any recursion": (GOOD % (b',"x":' + lists(100_000)), Doubt.TOO_DEEP),
    "too long": (GOOD % (b',"x":"' + b"a" * MAX_RECORD_BYTES + b'"'), Doubt.TOO_LARGE),
}
HARMLESS = {
    "the largest integers": GOOD % b',"x":18446744073709551615,"y":-9223372036854775808',
    "the largest double": GOOD % b',"x":1.7976931348623157e308',
    "a number that falls to zero": GOOD % b',"x":1e-400',
    "lists as deep as allowed": GOOD % (b',"x":' + lists(MAX_DEPTH - 1)),
    "a string with a name in it": GOOD % rb',"x":"{\"y\":1,\"y\":2}"',
    "a string that begins with a colon": GOOD % b',"x":":y"',
    "a string with a spaced colon": GOOD % b',"x":"Note : all of it"',
    "space before each colon": (GOOD % b',"x":{"y":1}').replace(b'":', b'" \n\t\r:'),
    "the same name in two objects": GOOD % b',"x":{"y":1},"z":{"y":1},"y":2',
    "a name by an escape": GOOD % rb',"\u0078":1',
    "a surrogate pair": GOOD % rb',"x":"\ud83d\udef0"',
    "an escaped NUL": GOOD % rb',"x":"\u0000"',
    "empty objects and lists": GOOD % b',"x":{},"y":[],"z":[{}]',
    "white space between everything": (GOOD % b',"x":[1,2]').replace(b",", b" ,\n\t ").replace(b'":', b'":  '),
}


def expected():
    permitted = Permitted(frozenset({"U"}))
    return Expected(Form.OBJECT, [ExpectedRecord("a", permitted)], MARKING, "id", NAMES)


def each(table):
    return pytest.mark.parametrize("raw, doubt", table.values(), ids=table.keys())


@each(HOSTILE | CUTTERS_ONLY)
def test_strict_reading_names_what_is_wrong_with_a_hostile_record(raw, doubt):
    assert strict_doubts(raw, MARKING) == (doubt,)


@each(HOSTILE | CUTTERS_ONLY)
def test_hostile_record_is_withheld_and_its_neighbours_stay_readable(raw, doubt):
    neighbour = GOOD % b""
    views = read_array(b"[" + neighbour + b"," + raw + b"," + neighbour + b"]", SHAPE)
    assert [view.raw for view in views] == [neighbour, raw, neighbour]
    assert views[0].doubts == views[2].doubts == ()
    assert views[1].doubts or strict_doubts(views[1].raw, MARKING) == (doubt,)


@each(HOSTILE | CUTTERS_ONLY)
def test_hostile_record_is_never_degraded_or_projected(raw, doubt):
    plan = plan_cuts(Obligations(drop=frozenset({"x"}), round={"y": Decimal(1)}), MARKING)
    with pytest.raises(RecordDoubtful) as refused:
        degrade(raw, plan)
    assert refused.value.doubts == (doubt,)
    with pytest.raises(RecordDoubtful):
        project(raw, {"id"}, MARKING)


@each(HOSTILE)
def test_checker_refuses_a_hostile_record_by_itself(raw, doubt):
    with pytest.raises(CheckRefused):
        check(raw, expected())


@each(HOSTILE)
def test_checker_refuses_a_hostile_record_among_good_ones(raw, doubt):
    good = GOOD % b""
    records = [ExpectedRecord("a", Permitted(frozenset({"U"})))] * 3
    with pytest.raises(CheckRefused):
        check(b"[" + b",".join((good, raw, good)) + b"]", Expected(Form.ARRAY, records, MARKING, "id", NAMES))


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS.keys())
def test_harmless_oddities_pass_the_cutter_and_the_checker(raw):
    assert strict_doubts(raw, MARKING) == ()
    assert read_record(raw, SHAPE).doubts == ()
    assert check(raw, expected()).records == 1


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
