"""The checker accepts what was decided and nothing else."""

import ast
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.content import check as checker
from gateway.content.check import Expected, ExpectedRecord, Form, Listed, Permitted, Refusal, check
from gateway.content.degrade import degrade, plan_cuts
from gateway.content.errors import CheckRefused
from gateway.content.join import join_array, join_piece
from gateway.content.records import read_array
from gateway.content.strict import strict_doubts
from gateway.policy.decision import Obligations
from gateway.policy.shape import RecordShape

pytestmark = pytest.mark.usefixtures("uncollected")
MARKING = "classificationMarking"
UNCLASSIFIED = Permitted(frozenset({"U"}))
NAMES = Listed(
    frozenset({"id", MARKING, "at"}), frozenset({"inner", "s", "x", "secret", "text", "descriptor", "tags", "y z", "é"})
)
"""What the records here may have: in most tests anything may stand inside them."""


def record(name="a", marking="U", **members):
    return {"id": name, MARKING: marking, **members}


def write(*records):
    return json.dumps(records).encode()


def expect(*records, form=Form.ARRAY, **place):
    return Expected(form, records, MARKING, "id", NAMES, **place)


def refusal(final, expected):
    with pytest.raises(CheckRefused) as refused:
        check(final, expected)
    return refused.value.code, refused.value.position, refused.value.path


A, B = ExpectedRecord("a", UNCLASSIFIED), ExpectedRecord("b", UNCLASSIFIED)


def test_what_was_decided_is_accepted_with_the_markings_found():
    final = write(record("a"), record("b", inner={"x": [{MARKING: "U//REL"}]}))
    both = frozenset({"U", "U//REL"})
    assert check(final, expect(A, ExpectedRecord("b", Permitted(both)))) == checker.Checked(2, both)


def test_one_object_is_accepted_where_one_object_was_decided():
    assert check(json.dumps(record()).encode(), expect(A, form=Form.OBJECT)).records == 1


def test_empty_array_is_accepted_where_no_record_was_to_go():
    assert check(b"[]", expect()) == checker.Checked(0, frozenset())


@pytest.mark.parametrize("final", [b"", b" ", b"[", b"[]]", b"[][]", b"\xef\xbb\xbf[]", b"[] x", b"[,]", b"nothing"])
def test_what_is_not_one_json_value_is_refused_as_malformed(final):
    assert refusal(final, expect()) == (Refusal.MALFORMED, None, "")


@pytest.mark.parametrize("final, form", [(b"{}", Form.ARRAY), (b"[]", Form.OBJECT), (b"5", Form.ARRAY)])
def test_answer_of_another_form_than_decided_is_refused(final, form):
    assert refusal(final, expect(A, form=form))[0] == Refusal.WRONG_FORM


@pytest.mark.parametrize("final", [write(), write(record()), write(record(), record("b"), record("c"))])
def test_more_or_fewer_records_than_decided_are_refused(final):
    assert refusal(final, expect(A, B)) == (Refusal.WRONG_COUNT, None, "")


def test_records_in_another_order_are_refused_at_the_first_stranger():
    assert refusal(write(record("b"), record("a")), expect(A, B)) == (Refusal.OTHER_RECORD, 0, "id")


@pytest.mark.parametrize("name", [None, 5, ["a"], True])
def test_identifier_that_is_not_the_expected_text_is_refused(name):
    assert refusal(write(record(name)), expect(A))[0] == Refusal.OTHER_RECORD


def test_identifier_that_the_answer_leaves_out_is_not_asked_for():
    assert check(write({MARKING: "U"}), expect(ExpectedRecord(None, UNCLASSIFIED))).records == 1


@pytest.mark.parametrize("item", [5, None, "U", [], [record()]])
def test_what_is_no_record_in_a_record_s_place_is_refused(item):
    assert refusal(write(record(), item), expect(A, B)) == (Refusal.NOT_AN_OBJECT, 1, "")


@pytest.mark.parametrize("members", [{"id": "a"}, {"id": "a", MARKING: None}, {"id": "a", MARKING: ["U"]}])
def test_record_without_a_marking_text_is_refused(members):
    assert refusal(write(members), expect(A)) == (Refusal.MARKING_MISSING, 0, "")


@pytest.mark.parametrize("marking", ["S//NF", "u", "U ", "", "U//FOUO"])
def test_marking_that_was_not_permitted_is_refused(marking):
    assert refusal(write(record(), record("b", marking)), expect(A, B)) == (Refusal.MARKING_NOT_PERMITTED, 1, "")


@pytest.mark.parametrize(
    "inner", [{MARKING: "S"}, [{MARKING: "S"}], {"x": [1, [{"y": {MARKING: "S"}}]]}, [[], {}, {MARKING: "S"}]]
)
def test_marking_inside_that_was_not_permitted_is_refused_at_any_depth(inner):
    assert refusal(write(record(inner=inner)), expect(A)) == (Refusal.MARKING_NOT_PERMITTED, 0, "")


def test_marking_inside_that_is_no_text_is_refused():
    assert refusal(write(record(inner={MARKING: None})), expect(A)) == (Refusal.MARKING_MISSING, 0, "")


def test_marking_permitted_for_one_record_is_not_permitted_for_another():
    expected = expect(ExpectedRecord("a", Permitted(frozenset({"S"}))), B)
    assert refusal(write(record("a", "S"), record("b", "S")), expected) == (Refusal.MARKING_NOT_PERMITTED, 1, "")


def test_nothing_permitted_means_that_no_marking_is():
    assert refusal(write(record()), expect(ExpectedRecord("a", Permitted(frozenset()))))[0] == (
        Refusal.MARKING_NOT_PERMITTED
    )


@pytest.mark.parametrize(
    "members, dropped",
    [
        ({"x": 1}, "x"),
        ({"x": None}, "x"),
        ({"s": {"x": None}}, "s.x"),
        ({"s": [{}, {"x": 1}]}, "s.x"),
        ({"s": [[{"x": 1}]]}, "s.x"),
        ({"s": "x is 1"}, "s.x"),
        ({"s": [1]}, "s.x"),
    ],
)
def test_dropped_field_that_is_still_there_is_refused(members, dropped):
    permitted = Permitted(frozenset({"U"}), dropped=frozenset({dropped}))
    assert refusal(write(record(**members)), expect(ExpectedRecord("a", permitted))) == (
        Refusal.DROPPED_FIELD_PRESENT,
        0,
        dropped,
    )


@pytest.mark.parametrize("value", [1.5, "2", True, {}, [2, 3.5], [[2], ["x"]], 10**9 + 1])
def test_rounded_field_with_anything_but_multiples_is_refused(value):
    permitted = Permitted(frozenset({"U"}), rounded={"s.x": Decimal(2)})
    assert refusal(write(record(s={"x": value})), expect(ExpectedRecord("a", permitted))) == (
        Refusal.NOT_ROUNDED,
        0,
        "s.x",
    )


@pytest.mark.parametrize("value", [0, -2, 4.0, 1e300, None, [2, None, [6]], []])
def test_rounded_field_with_multiples_or_null_is_accepted(value):
    permitted = Permitted(frozenset({"U"}), rounded={"s.x": Decimal(2), "absent": Decimal(1)})
    assert check(write(record(s={"x": value})), expect(ExpectedRecord("a", permitted))).records == 1


def test_piece_of_an_array_is_accepted_only_in_its_place():
    first, middle, last = (
        join_piece([json.dumps(record(name)).encode()], opens=name == "a", before=before, closes=name == "c")
        for before, name in enumerate("abc")
    )
    places = {
        "a": {"opens": True, "before": 0, "closes": False},
        "b": {"opens": False, "before": 1, "closes": False},
        "c": {"opens": False, "before": 2, "closes": True},
    }
    for piece, name in ((first, "a"), (middle, "b"), (last, "c")):
        for other, place in places.items():
            expected = expect(ExpectedRecord(name, UNCLASSIFIED), **place)
            if other == name:
                assert check(piece, expected).records == 1
            else:
                assert refusal(piece, expected)[0] in (Refusal.MALFORMED, Refusal.WRONG_FORM)


def test_piece_without_records_is_empty_or_the_closing_bracket():
    assert check(b"", expect(opens=False, before=3, closes=False)).records == 0
    assert check(b"]", expect(opens=False, before=3)).records == 0
    assert check(b"[", expect(closes=False)).records == 0
    assert refusal(b",", expect(opens=False, before=3, closes=False))[0] == Refusal.MALFORMED


@pytest.mark.parametrize("piece", [b"],[", b",{}],[{}", b',{"id":"a"}]'])
def test_piece_that_closes_the_array_by_itself_is_refused(piece):
    assert refusal(piece, expect(A, opens=False, before=1, closes=False))[0] in (
        Refusal.MALFORMED,
        Refusal.WRONG_FORM,
    )


def test_refusal_names_code_and_place_and_quotes_no_content():
    with pytest.raises(CheckRefused) as refused:
        check(write(record("a", "S//NF", text="alpha")), expect(A))
    assert "marking_not_permitted" in str(refused.value)
    assert "alpha" not in str(refused.value)
    assert "S//NF" not in str(refused.value)


STATE = Listed(frozenset({MARKING, "xpos"}))
LISTED = Listed(frozenset({"id", MARKING, "satNo", "tags"}), frozenset({"body"}), {"state": STATE})


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"satNo": 1, "tags": ["a"]},
        {"satNo": [[1]]},
        {"state": {"xpos": 1}},
        {"state": [{"xpos": 1}, {MARKING: "U"}]},
        {"state": None},
        {"body": {"any": [{"thing": 1}]}},
        {"body": [[{"xpos": 1}]], "state": {}},
    ],
)
def test_record_with_listed_members_alone_is_accepted(members):
    expected = Expected(Form.ARRAY, [A, B], MARKING, "id", LISTED)
    assert check(write(record(), record("b", **members)), expected).records == 2


@pytest.mark.parametrize(
    "members",
    [
        {"exactPosition": 1},
        {"exactPosition": None},
        {"": 1},
        {"satNo": {"exact": 1}},
        {"satNo": [{"exact": 1}]},
        {"state": {"ypos": 1}},
        {"state": [{"xpos": 1}, {"ypos": 1}]},
        {"state": {"xpos": {"exact": 1}}},
        {"state": {"xpos": [{}]}},
        {"state": 7000.125},
        {"state": "at 7000"},
        {"state": [7000.125]},
        {"body": 1, "state": {"body": 1}},
    ],
)
def test_member_that_is_not_listed_is_refused_at_any_depth_and_never_named(members):
    expected = Expected(Form.ARRAY, [A, B], MARKING, "id", LISTED)
    code, position, path = refusal(write(record(), record("b", **members)), expected)
    assert (code, position) == (Refusal.NOT_LISTED, 1)
    assert path in ("", "state")


def test_nothing_listed_means_that_no_member_may_be_there():
    expected = Expected(Form.ARRAY, [A], MARKING, "id", Listed(frozenset()))
    assert refusal(write(record()), expected)[0] is Refusal.NOT_LISTED


def test_checker_imports_nothing_of_the_cutter_nor_its_parser():
    script = "import sys, gateway.content.check; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert {name for name in loaded if name.startswith("gateway.")} == {
        "gateway.content",
        "gateway.content.check",
        "gateway.content.errors",
    }
    assert "msgspec" not in loaded


def test_cutter_imports_nothing_of_the_checker_nor_its_parser():
    for source in Path(checker.__file__).parent.glob("*.py"):
        if source.name == "check.py":
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert module != "gateway.content.check"
            assert not {"orjson", "gateway.content.check"} & set(names)


# What the cutter honestly makes is accepted; every change to it is refused.

SHAPE = RecordShape("id", MARKING, "at", nested=("inner",))
PERMITTED = ("U", "U//REL TO USA, JPN", "C//REL TO USA, JPN")
DUTY = Obligations(drop=frozenset({"secret", "inner.secret"}), round={"x": Decimal(1), "inner.x": Decimal("0.5")})
PLAN = plan_cuts(DUTY, MARKING)
numbers = st.integers(-(2**50), 2**50) | st.floats(-1e6, 1e6)
texts = st.text(max_size=6) | st.sampled_from(['":', " : ", '{"a":1}', "\u2028", MARKING])
extras = st.dictionaries(
    st.sampled_from(["x", "secret", "descriptor", "tags", "y z", "é"]),
    numbers | texts | st.none() | st.booleans() | st.lists(texts, max_size=2),
    max_size=4,
)


@st.composite
def sources(draw):
    markings = st.sampled_from((*PERMITTED, "S//NF", "U//FOUO"))
    made = []
    for number in range(draw(st.integers(1, 5))):
        members = {"id": f"r{number}", MARKING: draw(markings), "at": "2026-01-01T00:00:00Z", **draw(extras)}
        if draw(st.booleans()):
            members["inner"] = {MARKING: draw(markings), **draw(extras)}
        made.append(members)
    return made


def release(source, *, indent=None, ascii_only=True):
    """Cut a body as the pipeline does; return the final bytes, what is expected of them, and the records in
    them."""
    body = json.dumps(source, indent=indent, ensure_ascii=ascii_only).encode()
    gone, expected = [], []
    for view in read_array(body, SHAPE):
        markings = {view.marking, *(nested.marking for nested in view.nested)}
        if view.doubts or not markings <= set(PERMITTED) or strict_doubts(view.raw, MARKING):
            continue
        gone.append(degrade(view.raw, PLAN).raw)
        permitted = Permitted(frozenset(markings), dropped=PLAN.drop, rounded=PLAN.round)
        expected.append(ExpectedRecord(view.identifier, permitted))
    return join_array(gone), expect(*expected), gone


@given(sources(), st.sampled_from([None, 0, 2]), st.booleans())
def test_what_the_cutter_honestly_makes_is_accepted(source, indent, ascii_only):
    final, expected, gone = release(source, indent=indent, ascii_only=ascii_only)
    checked = check(final, expected)
    assert checked.records == len(gone)
    assert checked.markings <= set(PERMITTED)
    markings_of = [{item[MARKING], item.get("inner", item)[MARKING]} for item in source]
    assert len(gone) == sum(markings <= set(PERMITTED) for markings in markings_of)


def refuses(final, expected):
    with pytest.raises(CheckRefused):
        check(final, expected)


@given(sources(), st.data())
def test_record_that_slipped_in_or_was_lost_is_refused(source, data):
    _, expected, gone = release(source)
    stranger = json.dumps(data.draw(st.sampled_from(source))).encode()
    place = data.draw(st.integers(0, len(gone)))
    refuses(join_array([*gone[:place], stranger, *gone[place:]]), expected)
    for lost in range(len(gone)):
        refuses(join_array(gone[:lost] + gone[lost + 1 :]), expected)


@given(sources(), st.data())
def test_record_in_place_of_another_is_refused(source, data):
    _, expected, gone = release(source)
    assume(gone)
    place = data.draw(st.integers(0, len(gone) - 1))
    stranger = record("stranger", data.draw(st.sampled_from(PERMITTED)))
    refuses(join_array([*gone[:place], json.dumps(stranger).encode(), *gone[place + 1 :]]), expected)


@given(sources(), st.data())
def test_marking_that_changed_to_one_not_permitted_is_refused(source, data):
    _, expected, gone = release(source)
    assume(gone)
    place = data.draw(st.integers(0, len(gone) - 1))
    members = json.loads(gone[place])
    holder = data.draw(st.sampled_from([members, members.get("inner", members)]))
    permitted = expected.records[place].permitted.markings
    holder[MARKING] = data.draw(st.sampled_from([text for text in (*PERMITTED, "S//NF", "") if text not in permitted]))
    refuses(join_array([*gone[:place], json.dumps(members).encode(), *gone[place + 1 :]]), expected)


@given(sources(), st.data())
def test_member_doubled_anywhere_is_refused(source, data):
    _, expected, gone = release(source)
    assume(gone)
    place = data.draw(st.integers(0, len(gone) - 1))
    raw = gone[place]
    members = json.loads(raw)
    name = data.draw(st.sampled_from(sorted(members)))
    value = data.draw(st.sampled_from([members[name], "other", 0]))
    escaped = '"' + "".join(f"\\u{ord(letter):04x}" for letter in name) + '"'
    written = data.draw(st.sampled_from([json.dumps(name), escaped]))
    colon = data.draw(st.sampled_from([":", " : ", "\n:", "\t:"]))
    pair = f"{written}{colon}{json.dumps(value)}".encode()
    doubled = data.draw(st.sampled_from([raw[:-1] + b"," + pair + b"}", b"{" + pair + b"," + raw[1:]]))
    refuses(join_array([*gone[:place], doubled, *gone[place + 1 :]]), expected)


@given(sources(), st.sampled_from(["secret", "inner.secret", "x", "inner.x"]), st.data())
def test_field_put_back_after_the_cut_is_refused(source, path, data):
    _, expected, gone = release(source)
    assume(gone)
    place = data.draw(st.integers(0, len(gone) - 1))
    members = json.loads(gone[place])
    *above, name = path.split(".")
    assume(not above or "inner" in members)
    holder = members["inner"] if above else members
    holder[name] = data.draw(st.sampled_from([0.25, "0.25", [0.25], {"y": 0.25}]))
    refuses(join_array([*gone[:place], json.dumps(members).encode(), *gone[place + 1 :]]), expected)


@given(sources(), st.data())
def test_any_byte_flipped_is_refused_or_changes_no_decided_thing(source, data):
    final, expected, gone = release(source)
    place = data.draw(st.integers(0, len(final) - 1))
    flipped = final[:place] + bytes([final[place] ^ data.draw(st.integers(1, 255))]) + final[place + 1 :]
    try:
        check(flipped, expected)
    except CheckRefused:
        return
    after = json.loads(flipped)
    assert [item["id"] for item in after] == [json.loads(raw)["id"] for raw in gone]
    for item, wanted in zip(after, expected.records, strict=True):
        assert {item[MARKING]} <= wanted.permitted.markings
        assert "secret" not in item
