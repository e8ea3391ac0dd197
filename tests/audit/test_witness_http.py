"""What is posted to a witness over HTTP ends in time, and within bounds, whatever the witness does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.audit.submitting import WitnessFailed
from gateway.audit.witness_http import ANSWER_LIMIT, posting
from tests.support.waiting import PATIENCE, held_port
from tests.support.witnesses_running import Answer, HostileWitness


@pytest.fixture
def witness() -> Iterator[HostileWitness]:
    running = HostileWitness()
    yield running
    running.close()


async def test_a_witness_that_does_not_answer_is_given_up_after_its_time(witness: HostileWitness):
    let_go = threading.Event()

    def waits(body: bytes) -> Answer:
        let_go.wait(PATIENCE)
        return 200, {}, b""

    witness.behaviour = waits
    async with posting(0.2) as send:
        with pytest.raises(WitnessFailed, match=r"no answer in 0\.2 seconds"):
            await send(f"{witness.url}/add-checkpoint", b"x")
    let_go.set()


async def test_an_answer_is_read_up_to_its_bound_and_no_further(witness: HostileWitness):
    async with posting(PATIENCE) as send:
        witness.behaviour = lambda body: (200, {}, b"x" * ANSWER_LIMIT)
        assert await send(witness.url, b"") == (200, b"x" * ANSWER_LIMIT)
        witness.behaviour = lambda body: (200, {}, b"x" * (ANSWER_LIMIT + 1))
        with pytest.raises(WitnessFailed, match=f"more than {ANSWER_LIMIT}"):
            await send(witness.url, b"")


async def test_a_redirect_is_an_answer_and_is_not_followed(witness: HostileWitness):
    witness.behaviour = lambda body: (307, {"Location": f"{witness.url}/elsewhere"}, b"")
    async with posting(PATIENCE) as send:
        assert (await send(f"{witness.url}/add-checkpoint", b"x"))[0] == 307
    assert witness.asked == ["/add-checkpoint"]


async def test_where_nobody_listens_that_is_said():
    with held_port() as port:
        async with posting(PATIENCE) as send:
            with pytest.raises(WitnessFailed, match="could not be asked"):
                await send(f"http://127.0.0.1:{port}/add-checkpoint", b"x")
