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
from gateway.http import strangers
from gateway.http.protocol import Fault
from gateway.http.strangers import Strangers
from gateway.service import open_log
from tests.support.running import POLICIES

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
        world.counting.note(fault)
    await asyncio.sleep(0.2)
    assert world.recorded() == [{"malformed": 2, "slow_head": 1}]


async def test_nothing_is_written_while_there_is_nothing_to_count(world: World):
    world.counting.note(Fault.STALLED)
    await asyncio.sleep(0.3)
    assert len(world.recorded()) == 1


async def test_what_came_last_is_written_when_the_gateway_stops(world: World):
    world.counting.note(Fault.CROWDED)
    await world.counting.close()
    assert world.recorded() == [{"crowded": 1}]


async def test_what_cannot_be_written_is_counted_with_the_next(world: World, monkeypatch: pytest.MonkeyPatch):
    async def fails(*_: object) -> None:
        raise LogUnavailable("write", "no space")

    with monkeypatch.context() as broken:
        broken.setattr(AuditLog, "append", fails)
        world.counting.note(Fault.MALFORMED)
        await asyncio.sleep(0.2)
    world.counting.note(Fault.MALFORMED)
    await asyncio.sleep(0.2)
    assert world.recorded() == [{"malformed": 2}]
