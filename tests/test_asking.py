"""What a query may ask: listed parameters, each once, none on a field seen degraded, and an order that is total."""

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asking import (
    COLUMNS_LIMIT,
    OFFSET_LIMIT,
    SIDE_DOORS,
    VALUE_LIMIT,
    Operation,
    Plan,
    QueryRules,
    identifier_exists,
    plan,
)
from gateway.refusals import PROBLEMS, Refused

RULES = QueryRules(
    parameters={"epoch": "epoch", "satNo": "satNo", "height": "apogee"},
    required=("epoch",),
    sortable=("epoch", "satNo", "apogee"),
    forbidden=frozenset({"apogee"}),
    identifier="id",
    id_pattern=r"[A-Za-z0-9-]{1,64}",
    max_page=100,
)
EPOCH = ("epoch", ">2026-01-01")
Query = list[tuple[str, str]]


def refusal(query: Query, operation: Operation = Operation.LIST, rules: QueryRules = RULES) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refused:
        plan(operation, query, rules)
    return refused.value.code, refused.value.parameter


def test_a_plain_query_keeps_its_filters_and_is_answered_from_the_start_in_the_order_of_identifiers():
    assert plan(Operation.LIST, [EPOCH, ("satNo", "5")], RULES) == Plan((EPOCH, ("satNo", "5")), "id,ASC", 0, 100)


def test_a_page_is_never_larger_than_the_dataset_allows():
    assert plan(Operation.LIST, [EPOCH, ("maxResults", "101")], RULES).most == 100
    assert plan(Operation.LIST, [EPOCH, ("maxResults", "0")], RULES).most == 0


@given(first=st.integers(0, OFFSET_LIMIT), most=st.integers(0, 999_999_999))
def test_offsets_and_sizes_within_their_bounds_are_taken_as_they_stand(first: int, most: int):
    read = plan(Operation.LIST, [EPOCH, ("firstResult", str(first)), ("maxResults", str(most))], RULES)
    assert (read.first, read.most) == (first, min(most, 100))


NO_WHOLE_NUMBERS = ("", "-1", "+1", "1.0", "1e3", " 1", "1 ", "01", "0x1", "1_0", "١", "²", "10000000000", "none")


@pytest.mark.parametrize("name", ["firstResult", "maxResults"])
@pytest.mark.parametrize("text", NO_WHOLE_NUMBERS)
def test_what_is_no_plain_whole_number_is_refused_as_an_offset_and_as_a_size(name: str, text: str):
    assert refusal([EPOCH, (name, text)]) == ("parameter_invalid", name)


def test_an_offset_beyond_its_bound_is_refused():
    assert refusal([EPOCH, ("firstResult", str(OFFSET_LIMIT + 1))]) == ("parameter_invalid", "firstResult")


@pytest.mark.parametrize("name", ["epoch", "sort", "firstResult", "nothing", ""])
def test_a_parameter_that_stands_twice_is_refused_whatever_it_is_and_even_if_both_agree(name: str):
    assert refusal([EPOCH, (name, "1"), (name, "1")]) == ("parameter_repeated", name)


def test_a_required_parameter_that_is_missing_is_named():
    assert refusal([]) == ("parameter_required", "epoch")
    assert refusal([("satNo", "5")], Operation.COUNT) == ("parameter_required", "epoch")


def test_a_parameter_that_is_not_listed_does_not_exist_even_if_the_record_has_such_a_field():
    for name in ("apogee", "id", "EPOCH", "columns", "disableCapcoExtensions"):
        assert refusal([EPOCH, (name, "1")]) == ("parameter_unknown", name)


def test_a_filter_on_a_field_that_this_partner_sees_degraded_is_refused_under_its_own_name():
    assert refusal([EPOCH, ("height", ">500")]) == ("parameter_refused", "height")
    allowed = replace(RULES, forbidden=frozenset())
    assert plan(Operation.LIST, [EPOCH, ("height", ">500")], allowed).filters == (EPOCH, ("height", ">500"))


def test_a_sort_on_a_field_that_this_partner_sees_degraded_is_refused():
    for text in ("apogee", "apogee,DESC", "epoch,ASC,apogee,DESC"):
        assert refusal([EPOCH, ("sort", text)]) == ("parameter_refused", "sort")


@pytest.mark.parametrize("operation", [Operation.LIST, Operation.COUNT, Operation.TUPLE])
def test_a_forbidden_filter_is_refused_for_every_operation_that_filters(operation: Operation):
    query = [EPOCH, ("height", ">500"), *([("columns", "id")] if operation is Operation.TUPLE else [])]
    assert refusal(query, operation) == ("parameter_refused", "height")


ORDERS = (
    ("", "id,ASC"),
    ("epoch", "epoch,ASC,id,ASC"),
    ("epoch,DESC", "epoch,DESC,id,ASC"),
    ("epoch,satNo,DESC", "epoch,ASC,satNo,DESC,id,ASC"),
)


@pytest.mark.parametrize(("text", "order"), ORDERS)
def test_the_identifier_is_always_the_last_key_so_that_every_order_is_total(text: str, order: str):
    assert plan(Operation.LIST, [EPOCH, ("sort", text)], RULES).sort == order


@pytest.mark.parametrize("text", ["id", "nothing", "epoch,desc", "epoch,epoch", ",", "epoch,", "DESC", "epoch ,ASC"])
def test_a_sort_that_is_not_sortable_fields_each_once_is_refused(text: str):
    assert refusal([EPOCH, ("sort", text)]) == ("parameter_invalid", "sort")


def test_a_count_is_the_same_walk_whatever_order_and_page_it_is_asked_for():
    asked = [EPOCH, ("sort", "epoch,DESC"), ("firstResult", "3"), ("maxResults", "2")]
    assert plan(Operation.COUNT, asked, RULES) == Plan((EPOCH,), "id,ASC", 0, OFFSET_LIMIT)


def test_columns_are_names_each_once_in_the_order_given_and_only_a_tuple_has_them():
    assert plan(Operation.TUPLE, [EPOCH, ("columns", "b,a,b")], RULES).columns == ("b", "a")
    assert plan(Operation.LIST, [EPOCH], RULES).columns is None
    assert refusal([EPOCH], Operation.TUPLE) == ("parameter_required", "columns")
    assert refusal([EPOCH, ("columns", "")], Operation.TUPLE) == ("parameter_required", "columns")


@pytest.mark.parametrize(
    "text", ["a,", ",", "a b", "a.b", "a" * 65, "1a", "é", ",".join(f"c{n}" for n in range(COLUMNS_LIMIT + 1))]
)
def test_columns_that_are_no_field_names_or_too_many_are_refused(text: str):
    assert refusal([EPOCH, ("columns", text)], Operation.TUPLE) == ("parameter_invalid", "columns")


@pytest.mark.parametrize("value", ["a" * (VALUE_LIMIT + 1), "a\x00", "a\r\nX: y", "\u202e1", "\ufeff", "\ud800"])
def test_a_value_that_is_too_long_or_holds_what_cannot_be_seen_is_refused(value: str):
    assert refusal([("epoch", value)]) == ("parameter_invalid", "epoch")


def test_by_identifier_and_query_help_nothing_may_be_asked_besides():
    for operation in (Operation.IDENTIFIED, Operation.QUERYHELP):
        assert plan(operation, [], RULES) == Plan()
        assert refusal([EPOCH], operation) == ("parameter_unknown", "epoch")


def test_a_parameters_name_is_given_back_at_most_as_long_as_a_name_can_be():
    code, name = refusal([EPOCH, ("x" * 500, "1")])
    assert (code, name) == ("parameter_unknown", "x" * 64)


texts = st.text(st.sampled_from(string.printable + "é\u202e\ud800"), max_size=12)
names = st.sampled_from(["epoch", "satNo", "height", "sort", "columns", "firstResult", "maxResults", "x", ""])


@given(query=st.lists(st.tuples(names, texts), max_size=5), operation=st.sampled_from(list(Operation)))
def test_any_query_is_planned_or_refused_by_a_known_code_and_nothing_unlisted_is_ever_planned(query, operation):
    try:
        planned = plan(operation, query, RULES)
    except Refused as refused:
        assert refused.code in PROBLEMS
        assert PROBLEMS[refused.code].status == 400
        return
    assert {name for name, _ in planned.filters} <= {"epoch", "satNo"}
    assert all(value.isprintable() for _, value in planned.filters)
    assert 0 <= planned.first <= OFFSET_LIMIT
    assert planned.sort is None or planned.sort.endswith("id,ASC")


@given(query=st.lists(st.tuples(names, texts), max_size=5, unique_by=lambda pair: pair[0]), order=st.randoms())
def test_the_order_of_parameters_changes_nothing_but_the_order_of_the_filters(query: Query, order):
    def outcome(asked: Query) -> object:
        try:
            read = plan(Operation.LIST, asked, RULES)
        except Refused:
            return "refused"
        return frozenset(read.filters), read.sort, read.first, read.most

    shuffled = list(query)
    order.shuffle(shuffled)
    assert outcome(query) == outcome(shuffled)


@given(st.text(max_size=70))
def test_an_identifier_exists_only_in_the_datasets_form_and_never_as_a_side_door(text: str):
    allowed = set(string.ascii_letters + string.digits + "-")
    expected = 0 < len(text) <= 64 and set(text) <= allowed and text.lower() not in SIDE_DOORS
    assert identifier_exists(text, RULES) == expected


@pytest.mark.parametrize("text", [*sorted(SIDE_DOORS), "HISTORY", "getFile", "a\n", "", ".", "..", "a/b", "a%2Fb", "é"])
def test_no_side_door_and_nothing_with_another_character_is_an_identifier(text: str):
    assert not identifier_exists(text, RULES)
