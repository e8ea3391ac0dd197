"""Places are remembered by use: nobody who walks makes another who walks the same way lose where he is."""

from datetime import UTC, datetime

from gateway.upstream.paging import PagingMemory, Place

AT = datetime(2026, 6, 18, tzinfo=UTC)


def walked(memory: PagingMemory, pages: int, key: str = "walk", at: datetime = AT) -> int:
    """Walk from the beginning by ones, each record at twice its number upstream; give how often the way was known."""
    known = 0
    for released in range(pages):
        place = memory.recall(key, released, at)
        known += place == Place(released, 2 * released)
        memory.remember(key, Place(released + 1, 2 * released + 2), at)
    return known


def test_each_page_of_a_walk_begins_where_the_last_one_ended() -> None:
    assert walked(PagingMemory(places=4), 100) == 100


def test_a_second_walk_of_the_same_query_knows_its_way_like_the_first() -> None:
    memory = PagingMemory(places=4)
    walked(memory, 100)
    assert walked(memory, 100) == 100


def test_two_who_walk_the_same_way_at_different_places_both_know_where_they_are() -> None:
    memory = PagingMemory(places=4)
    known = 0
    for step in range(50):
        for released in (step, step + 500):
            known += memory.recall("walk", released, AT) == Place(released, 2 * released)
            memory.remember("walk", Place(released + 1, 2 * released + 2), AT)
    assert known == 2 * 50 - 1  # all but the first step of the one who began in the middle


def test_the_walk_used_longest_ago_makes_room_for_a_new_one() -> None:
    memory = PagingMemory(walks=2)
    for key in ("first", "second"):
        memory.remember(key, Place(5, 10), AT)
    memory.recall("first", 5, AT)
    memory.remember("third", Place(5, 10), AT)
    assert [memory.recall(key, 5, AT).released for key in ("first", "second", "third")] == [5, 0, 5]
