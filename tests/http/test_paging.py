"""Pages of any sizes, the way between them remembered or lost, give what a partner may have, each once and in order."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.activation.orders import Order, lift, stop
from gateway.audit.orders import StopKind
from tests.support.cases import elset
from tests.support.loopback import ELSETS, Holds, Loopback

GOES, STAYS = "U//REL TO USA, GBR", "S//NF"

records = st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), st.booleans()), max_size=16).map(sorted)
"""Records by identifier, twins among them, and whether their labels permit."""

steps = st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=4)
"""Page sizes, and whether the way is forgotten before the page."""


def releasable(drawn: list[tuple[str, bool]]) -> list[str]:
    """What the partner may have: permitted, and the only one of its identifier."""
    names = [identifier for identifier, _ in drawn]
    return [identifier for identifier, goes in drawn if goes and names.count(identifier) == 1]


def forget(here: Loopback) -> None:
    """Lose every way that the gateway remembers: what stands has changed, though for nobody here."""
    order = Order("officer", "elsewhere", here.gateway.service.clock())
    for act in (stop, lift):
        act(here.gateway.service.log, StopKind.PARTNER, "NATO", order)


def serve(here: Loopback, drawn: list[tuple[str, bool]]) -> None:
    """Let the source hold these records instead; ways through what it held before lead nowhere."""
    here.source.fault = Holds(tuple(elset(identifier, GOES if goes else STAYS) for identifier, goes in drawn))
    forget(here)


def page(here: Loopback, first: int, size: int) -> list[str]:
    answer = here.get(f"{ELSETS}&firstResult={first}&maxResults={size}")
    assert answer.status == 200
    return [record["idElset"] for record in json.loads(answer.body)]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=records, walk=steps)
def test_any_page_sizes_with_any_memory_lost_give_the_same_records(here: Loopback, drawn, walk):
    serve(here, drawn)
    got: list[str] = []
    while walk:
        size, forgets = walk.pop()
        if forgets:
            forget(here)
        found = page(here, len(got), size)
        assert len(found) <= size
        got += found
    expected = releasable(drawn)
    assert got == expected[: len(got)]
    assert page(here, len(got), 100) == expected[len(got) :]
    assert page(here, len(expected), 1) == []


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=records, pages=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), min_size=1, max_size=5))
def test_pages_asked_for_in_any_order_are_slices_of_the_same_list(here: Loopback, drawn, pages):
    serve(here, drawn)
    expected = releasable(drawn)
    for first, size in pages:
        assert page(here, first, size) == expected[first : first + size]
    count = here.get("/udl/elset/count" + ELSETS.removeprefix("/udl/elset"))
    assert int(count.body) == len(expected)
