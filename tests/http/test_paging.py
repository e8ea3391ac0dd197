"""Pages of any sizes, the way between them remembered or lost, give what a partner may have, each once and in order."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.activation.approval import UNSIGNED
from gateway.activation.orders import Order, lift, stop
from gateway.audit.orders import StopKind
from tests.support.cases import elset
from tests.support.loopback import ELSETS, Hands, Holds, Loopback, loopback

GOES, STAYS = "U//REL TO USA, GBR", "S//NF"

records = st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), st.booleans()), max_size=16).map(sorted)
"""Records by identifier, twins among them, and whether their labels permit."""

steps = st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=4)
"""Page sizes, and whether the way is forgotten before the page."""


LONG_AGO = datetime(2026, 6, 1, tzinfo=UTC)


def notice(identifier: str, at: datetime) -> bytes:
    """A notice that Japan gets an hour after it was made."""
    said = {"id": identifier, "classificationMarking": "U", "createdAt": at.isoformat(), "msgType": "LAUNCH_NOTICE"}
    return json.dumps(said | {"dataMode": "REAL", "source": "udl"}, separators=(",", ":")).encode()


def releasable(drawn: list[tuple[str, bool]]) -> list[str]:
    """What the partner may have: permitted, and the only one of its identifier."""
    names = [identifier for identifier, _ in drawn]
    return [identifier for identifier, goes in drawn if goes and names.count(identifier) == 1]


def forget(here: Loopback) -> None:
    """Lose every way that the gateway remembers: what stands has changed, though for nobody here."""
    order = Order("officer", "elsewhere", here.gateway.service.clock())
    stop(here.gateway.service.log, StopKind.PARTNER, "NATO", order)
    lift(here.gateway.service.log, StopKind.PARTNER, "NATO", order, UNSIGNED)


def serve(here: Loopback, drawn: list[tuple[str, bool]]) -> None:
    """Let the source hold these records instead; ways through what it held before lead nowhere."""
    here.source.fault = Holds(tuple(elset(identifier, GOES if goes else STAYS) for identifier, goes in drawn))
    forget(here)


def page(here: Loopback, first: int, size: int, more: str = "") -> list[str]:
    answer = here.get(f"{ELSETS}&firstResult={first}&maxResults={size}{more}")
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


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=records, seed=st.randoms(), size=st.integers(1, 6))
def test_records_that_share_an_identifier_are_withheld_in_every_order_that_a_partner_asks_for(
    here: Loopback, drawn, seed, size
):
    seed.shuffle(drawn)
    serve(here, drawn)
    got: list[str] = []
    while found := page(here, len(got), size, "&sort=epoch,DESC"):
        got += found
    assert got == releasable(drawn)


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[tuple[Loopback, Hands]]:
    """A gateway whose clock the test moves."""
    hands = Hands(datetime(2026, 6, 20, 12, tzinfo=UTC))
    with loopback(tmp_path_factory.mktemp("timed") / "var", keys, clock=hands) as running:
        yield running, hands


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_delay_that_passes_between_two_pages_moves_the_next_one_whether_the_way_is_remembered_or_not(
    timed: tuple[Loopback, Hands], forgotten: bool
):
    running, hands = timed
    due = hands.at + timedelta(seconds=60)  # a delay of an hour ends then
    times = {"a": LONG_AGO, "b": due - timedelta(hours=1), "c": LONG_AGO, "d": LONG_AGO, "e": LONG_AGO}
    running.source.fault = Holds(tuple(notice(name, at) for name, at in times.items()))
    forget(running)

    def notices(client: httpx.Client, first: int) -> list[str]:
        token = running.token("JPN")
        path = f"{running.gateway.url}/udl/notification?createdAt=%3E2000-01-01&maxResults=2&firstResult={first}"
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
        return [record["id"] for record in answer.json()]

    with running.gateway.client("JPN") as client:
        assert notices(client, 0) == ["a", "c"]
        hands.move(61)
        if forgotten:
            forget(running)
        assert notices(client, 2) == ["c", "d"]  # as "a", "b", "c", "d", "e" are counted now
        assert notices(client, 0) == ["a", "b"]


@dataclass(slots=True)
class Counting:
    """A source that counts the records it hands out."""

    held: Holds
    handed: int = 0

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        asked = dict(parse_qsl(scope["query_string"].decode()))
        self.handed += len(self.held.records[int(asked["firstResult"]) :][: int(asked["maxResults"])])
        await self.held(sound, scope, receive, send)


@pytest.mark.parametrize("size", [5, 20])
def test_walking_all_pages_costs_about_one_pass_over_the_source_and_not_the_square(here: Loopback, size: int):
    count = 240
    counting = Counting(Holds(tuple(elset(f"{n:04}", GOES if n % 3 else STAYS) for n in range(count))))
    here.source.fault = counting
    forget(here)
    got = 0
    while found := page(here, got, size):
        got += len(found)
    assert got == count * 2 // 3
    assert counting.handed <= 3 * count  # pages double in size, so that the last of each answer is in part for nothing


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=records, pages=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), min_size=1, max_size=5))
def test_pages_asked_for_in_any_order_are_slices_of_the_same_list(here: Loopback, drawn, pages):
    serve(here, drawn)
    expected = releasable(drawn)
    for first, size in pages:
        assert page(here, first, size) == expected[first : first + size]
    count = here.get("/udl/elset/count" + ELSETS.removeprefix("/udl/elset"))
    assert int(count.body) == len(expected)
