"""The memory of a walk is a hint: it never names a place that was not remembered, and may be lost at any time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.paging import PagingMemory, Place

AT = datetime(2026, 6, 1, tzinfo=UTC)

steps = st.lists(st.integers(1, 4), max_size=30)


def places(gaps: list[int]) -> list[Place]:
    """Places as a walk finds them: each further on in both counts, the source's never behind the partner's."""
    return [Place(number, sum(gaps[:number])) for number in range(1, len(gaps) + 1)]


@given(gaps=steps, wanted=st.integers(0, 40))
def test_the_place_recalled_is_the_furthest_that_does_not_overshoot(gaps: list[int], wanted: int):
    memory = PagingMemory()
    walked = places(gaps)
    for place in walked:
        memory.remember("key", place, AT)
    recalled = memory.recall("key", wanted, AT)
    assert recalled == max([Place(), *(p for p in walked if p.released <= wanted)], key=lambda p: p.released)


@given(gaps=steps, wanted=st.integers(0, 40), order=st.randoms())
def test_the_order_in_which_places_were_remembered_makes_no_difference(gaps, wanted, order):
    walked = places(gaps)
    shuffled = list(walked)
    order.shuffle(shuffled)
    one, other = PagingMemory(), PagingMemory()
    for place, another in zip(walked, shuffled, strict=True):
        one.remember("key", place, AT)
        other.remember("key", another, AT)
    assert one.recall("key", wanted, AT) == other.recall("key", wanted, AT)


@given(
    acts=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 400)), max_size=60),
    walks=st.integers(1, 3),
    kept=st.integers(1, 3),
)
def test_however_little_it_holds_it_recalls_only_what_was_remembered_under_that_key(acts, walks, kept):
    memory = PagingMemory(walks=walks, places=kept, seconds=300)
    remembered: dict[str, set[Place]] = {}
    at = AT
    for key, released, seconds in acts:
        recalled = memory.recall(key, released, at)
        assert recalled == Place() or recalled in remembered[key]
        assert recalled.released <= released
        place = Place(released, released * 2)
        remembered.setdefault(key, set()).add(place)
        memory.remember(key, place, at)
        assert memory.recall(key, released, at) == place
        at += timedelta(seconds=seconds)


def test_a_place_is_forgotten_when_its_walk_has_become_too_old():
    memory = PagingMemory(seconds=300)
    memory.remember("key", Place(5, 9), AT)
    assert memory.recall("key", 7, AT + timedelta(seconds=300)) == Place(5, 9)
    assert memory.recall("key", 7, AT + timedelta(seconds=301)) == Place()
    assert memory.recall("key", 7, AT) == Place()


@given(gaps=steps, seconds=st.lists(st.integers(1, 200), min_size=30, max_size=30), later=st.integers(0, 250))
def test_a_place_is_believed_only_while_every_decision_on_the_way_to_it_holds(gaps, seconds, later):
    memory = PagingMemory()
    walked, until = [], AT + timedelta(days=1)
    for place, left in zip(places(gaps), seconds, strict=False):
        until = min(until, AT + timedelta(seconds=left))
        walked.append(replace(place, until=until))
        memory.remember("key", walked[-1], AT)
    at = AT + timedelta(seconds=later)
    standing = [place for place in walked if place.until is not None and at < place.until]
    assert memory.recall("key", 99, at) == (standing[-1] if standing else Place())


def test_the_walk_and_the_place_used_longest_ago_make_room_for_others():
    memory = PagingMemory(walks=2, places=2)
    for key in ("a", "b", "c"):
        memory.remember(key, Place(1, 1), AT)
    assert [memory.recall(key, 9, AT).released for key in ("a", "b", "c")] == [0, 1, 1]
    memory.remember("c", Place(2, 2), AT)
    memory.recall("c", 1, AT)
    memory.remember("c", Place(3, 3), AT)
    assert [memory.recall("c", released, AT).released for released in (1, 2, 3)] == [1, 1, 3]
