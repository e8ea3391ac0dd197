"""What was no request is counted and written down; what cannot be written is kept for the next time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.stage import Stage
from gateway.audit.errors import LogUnavailable
from gateway.audit.log import AuditLog
from gateway.audit.search import criteria
from gateway.http import strangers
from gateway.http.protocol import Fault
from gateway.http.strangers import Strangers
from gateway.service import open_log
from tests.support.running import POLICIES
from tests.support.waiting import come

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass(slots=True)
class World:
    """A count, and the log it goes to."""

    log: AuditLog
    counting: Strangers
    counted: list[dict[str, int]] = field(default_factory=list)

    def recorded(self) -> list[object]:
        return [dict(entry.private)["counted"] for entry in self.log.entries(-1, 100)]


@pytest.fixture
async def world(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(strangers, "EVERY_SECONDS", 0.05)
    stage = Stage(tmp_path / "var", keys, POLICIES)
    log = open_log(stage.prepare("http://127.0.0.1:1"), stage.gateway_keys(), "test")
    counting = Strangers(log, lambda: AT)
    yield World(log, counting)
    await counting.close()
    log.close()


async def test_many_of_several_kinds_become_one_entry_with_their_counts(world: World):
    for fault in (Fault.MALFORMED, Fault.SLOW_HEAD, Fault.MALFORMED):
        world.counting.note(fault, "192.0.2.7")
    assert await come(world.recorded, "no entry") == [{"malformed": 2, "slow_head": 1}]


async def test_nothing_is_written_while_there_is_nothing_to_count(world: World):
    world.counting.note(Fault.STALLED, "192.0.2.7")
    await come(world.recorded, "no entry")
    await asyncio.sleep(0.2)
    assert len(world.recorded()) == 1


async def test_what_came_last_is_written_when_the_gateway_stops(world: World):
    world.counting.note(Fault.CROWDED, "192.0.2.7")
    await world.counting.close()
    assert world.recorded() == [{"crowded": 1}]


async def test_what_cannot_be_written_is_counted_with_the_next(world: World, monkeypatch: pytest.MonkeyPatch):
    failed = asyncio.Event()

    async def fails(*_: object) -> None:
        failed.set()
        raise LogUnavailable("write", "no space")

    with monkeypatch.context() as broken:
        broken.setattr(AuditLog, "append", fails)
        world.counting.note(Fault.MALFORMED, "192.0.2.7")
        await failed.wait()
        world.counting.note(Fault.MALFORMED, "192.0.2.7")
    assert await come(world.recorded, "no entry") == [{"malformed": 2}]


async def test_addresses_are_counted_apart_up_to_a_bound_and_together_beyond_it(world: World):
    for number in range(strangers.ADDRESSES + 10):
        world.counting.note(Fault.MALFORMED, f"2001:db8::{number:x}")
    for address in ("2001:db8::1", "", "198.51.100.1"):
        world.counting.note(Fault.SLOW_HEAD, address)
    await world.counting.close()
    (entry,) = world.log.entries(-1, 100)
    told = entry.private["addresses"]
    assert len(told) == strangers.ADDRESSES + 1
    assert (told["2001:db8::0"], told["2001:db8::1"], told[strangers.OTHERS]) == (1, 2, 12)
    assert sum(told.values()) == sum(entry.private["counted"].values())
    assert world.log.search(criteria({"address": "2001:DB8::1"})).found
    assert not world.log.search(criteria({"address": "198.51.100.1"})).found
