"""A walk gives every record once, in order, and knows the twins among them, whatever the sizes of its pages."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.content.records import RecordView
from gateway.refusals import Refused
from gateway.upstream.errors import UpstreamError
from gateway.walking import PAGE_LIMIT, Collection, PlaceLost, Seen, one, walk
from tests.support.shelf import COLLECTION, OWN_ORDER, Shelf, record, serving

shelves = st.lists(st.sampled_from("abcdefghijklmnop"), max_size=40).map(sorted)


def walked(
    shelf: Shelf, start: int, size: int, behind: str | None = None, collection: Collection = COLLECTION
) -> list[Seen]:
    async def run() -> list[Seen]:
        async with serving(shelf) as upstream:
            return [seen async for seen in walk(upstream, collection, start, size, behind)]

    return asyncio.run(run())


def shelf_of(identifiers: Sequence[str]) -> Shelf:
    return Shelf([record(identifier, number=number) for number, identifier in enumerate(identifiers)])


@given(identifiers=shelves, start=st.integers(0, 45), size=st.integers(1, 50))
def test_every_record_from_the_start_on_is_given_once_in_order_with_the_place_behind_it(identifiers, start, size):
    shelf = shelf_of(identifiers)
    seen = walked(shelf, start, size)
    assert [each.view.raw for each in seen] == shelf.records[start:]
    assert [each.after for each in seen] == list(range(start + 1, len(identifiers) + 1))


@given(identifiers=shelves, start=st.integers(0, 45), size=st.integers(1, 50))
def test_twins_are_known_whatever_the_page_size_and_wherever_the_walk_begins(identifiers, start, size):
    seen = walked(shelf_of(identifiers), start, size)
    twins = {one for one in identifiers if identifiers.count(one) > 1}
    assert [each.twin for each in seen] == [each.view.identifier in twins for each in seen]


@given(identifiers=shelves.flatmap(st.permutations), start=st.integers(0, 45), size=st.integers(1, 50))
def test_in_an_order_of_the_partners_own_the_same_records_are_twins(identifiers, start, size):
    seen = walked(shelf_of(identifiers), start, size, collection=OWN_ORDER)
    assert [each.view.identifier for each in seen] == identifiers[start:]
    assert [each.twin for each in seen] == [identifiers.count(each) > 1 for each in identifiers[start:]]


@given(count=st.integers(0, 40), size=st.integers(1, 50))
def test_to_know_twins_in_an_order_of_its_own_costs_one_more_pass_by_identifiers(count, size):
    shelf = shelf_of([f"{number:02}" for number in range(count)][::-1])
    walked(shelf, 0, size, collection=OWN_ORDER)
    assert sorted(name for names in shelf.named for name in names) == [f"{number:02}" for number in range(count)]
    assert all(1 <= len(names) <= OWN_ORDER.at_once for names in shelf.named)


@pytest.mark.parametrize("identifier", ["a,b", ">a", "*", "a b", "a..b", "~a", "x" * 200])
def test_an_identifier_that_a_query_would_read_otherwise_is_not_asked_for_and_stands_alone_for_nobody(identifier):
    shelf = shelf_of([identifier, "z"])
    assert [each.twin for each in walked(shelf, 0, 5, collection=OWN_ORDER)] == [True, False]
    assert all(identifier not in names for names in shelf.named)


def test_a_source_that_answers_by_identifier_with_other_records_is_refused():
    class Lying(Shelf):
        def _named(self, names: Sequence[str], most: int) -> bytes:
            return b"[" + record("c") + b"]"

    shelf = Lying([record("b"), record("a")])
    with pytest.raises(UpstreamError, match="other identifiers"):
        walked(shelf, 0, 5, collection=OWN_ORDER)


@given(identifiers=shelves, size=st.integers(1, 50))
def test_a_whole_walk_asks_for_little_more_than_there_is_and_never_for_more_than_the_limit(identifiers, size):
    shelf = shelf_of(identifiers)
    walked(shelf, 0, size)
    assert all(most <= PAGE_LIMIT for _, most in shelf.asked)
    assert len(shelf.asked) <= 2 + len(identifiers).bit_length()
    handed_out = sum(len(shelf.records[first : first + most]) for first, most in shelf.asked)
    assert handed_out <= len(identifiers) + len(shelf.asked)


def test_records_without_an_identifier_are_given_and_are_nobodys_twins():
    shelf = Shelf([record("a"), b"5", b"5", b'{"id":null}', record("b")])
    seen = walked(shelf, 0, 1)
    assert [each.view.raw for each in seen] == shelf.records
    assert not any(each.twin for each in seen)


def insert_first(shelf: Shelf) -> None:
    if len(shelf.asked) == 2:
        shelf.records = [record("0"), *shelf.records]


def remove_first(shelf: Shelf) -> None:
    if len(shelf.asked) == 2:
        shelf.records = shelf.records[1:]


def remove_all(shelf: Shelf) -> None:
    if len(shelf.asked) == 2:
        shelf.records = []


def turn_round(shelf: Shelf) -> None:
    shelf.records = shelf.records[::-1]


@pytest.mark.parametrize("change", [insert_first, remove_first, remove_all, turn_round])
def test_a_source_whose_order_changes_between_two_pages_is_refused_before_a_record_is_lost_or_repeated(change):
    shelf = shelf_of([f"{number:02}" for number in range(30)])
    shelf.before_page = change
    with pytest.raises(UpstreamError, match="the order changed"):
        walked(shelf, 0, 3)


def test_records_added_behind_the_walk_are_walked_too():
    shelf = shelf_of(["a", "b", "c"])

    def add(shelf: Shelf) -> None:
        if len(shelf.asked) == 2:
            shelf.records = [*shelf.records, record("d")]

    shelf.before_page = add
    assert [seen.view.identifier for seen in walked(shelf, 0, 1)] == ["a", "b", "c", "d"]


@given(identifiers=shelves.filter(bool), start=st.integers(1, 40), size=st.integers(1, 9))
def test_a_remembered_place_holds_only_while_the_same_record_stands_before_it(identifiers, start, size):
    start = min(start, len(identifiers))
    behind = identifiers[start - 1]
    seen = walked(shelf_of(identifiers), start, size, behind)
    assert [each.view.identifier for each in seen] == identifiers[start:]
    for changed in (["0", *identifiers], identifiers[1:], []):
        if changed[start - 1 : start] != [behind]:
            with pytest.raises(PlaceLost):
                walked(shelf_of(changed), start, size, behind)


class Everything(list[bytes]):
    """Records of which every page holds all."""

    def __getitem__(self, _place):  # type: ignore[override]
        return list(self)


def test_a_page_with_more_than_was_asked_for_is_refused():
    shelf = Shelf(Everything([record(str(number)) for number in range(9)]))
    with pytest.raises(UpstreamError, match="sent 9 records where 3 were asked for"):
        walked(shelf, 0, 2)


def single(body: bytes, identifier: str = "a") -> RecordView | None:
    async def run() -> RecordView | None:
        async with serving(Shelf([], single=body)) as upstream:
            return await one(upstream, COLLECTION, identifier)

    return asyncio.run(run())


def test_one_record_by_its_identifier_is_that_record_byte_for_byte():
    view = single(record("a"))
    assert view is not None
    assert view.raw == record("a")


def test_a_source_that_has_none_gives_none_by_identifier():
    assert single(b"") is None


@pytest.mark.parametrize("body", [record("b"), b"[" + record("a") + b"]", record("a") * 2, b"{}", b"null", b"{"])
def test_what_is_not_exactly_the_record_asked_for_is_not_found_and_the_entry_will_say_why(body: bytes):
    with pytest.raises(Refused) as refused:
        single(body)
    assert refused.value.code == "not_found"
    assert refused.value.detail
