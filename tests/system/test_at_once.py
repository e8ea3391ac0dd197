"""What an officer does while a request is under way holds for that request: nothing is released under what is past."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.activation import orders
from gateway.activation.approval import UNSIGNED
from gateway.activation.orders import Order
from gateway.audit.orders import StopKind
from sample_source.app import Source
from sample_source.serve import Served
from sample_source.tables import Tables
from tests.support.running import RunningGateway
from tests.system.acting import Acting, stored_files
from tests.system.compare import differences
from tests.system.expect import Asker, Wanted
from tests.system.jsontext import items
from tests.system.walks import GBR_PLAIN

ACT = Callable[[Asker], Acting]
OPERATIONS = ("list", "id", "count", "tuple")


@dataclass
class Meanwhile:
    """A source during whose first answer something is done."""

    act: Callable[[], object]
    done: list[str] = field(default_factory=list)

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.done:
            self.done.append(scope["path"])
            await asyncio.to_thread(self.act)
        await sound(scope, receive, send)


@pytest.fixture
def holding(source: Served) -> Iterator[Source]:
    yield source.source
    source.source.fault = None


@pytest.fixture
def order(gateway: RunningGateway) -> Order:
    return Order("officer", "spill", gateway.service.clock())


def ask(program: Acting, operation: str, identifier: str):
    if operation == "id":
        return program.get(f"/udl/elset/{identifier}")
    if operation == "tuple":
        return program.listed("elset", "/tuple", columns="idElset")
    return program.listed("elset", "" if operation == "list" else "/count")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("kind", "subject"), [(StopKind.PARTNER, "GBR"), (StopKind.DATASET, "elset")])
def test_a_stop_set_while_the_source_is_asked_stops_that_very_answer(
    gateway: RunningGateway,
    act: ACT,
    holding: Source,
    wanted: Wanted,
    tables: Tables,
    order: Order,
    operation: str,
    kind: StopKind,
    subject: str,
) -> None:
    log, program = gateway.service.log, act(GBR_PLAIN)
    first = wanted(GBR_PLAIN, "elset")[0].record.identifier
    holding.fault = Meanwhile(lambda: orders.stop(log, kind, subject, order))
    answer = ask(program, operation, first)
    orders.lift(log, kind, subject, order, UNSIGNED)
    assert (answer.status_code, answer.json()["code"]) == (403, "stopped")
    holding.fault = None
    assert ask(program, operation, first).status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_record_stopped_while_the_source_is_asked_is_not_in_that_very_answer(
    gateway: RunningGateway,
    act: ACT,
    holding: Source,
    wanted: Wanted,
    tables: Tables,
    order: Order,
    operation: str,
) -> None:
    log, program = gateway.service.log, act(GBR_PLAIN)
    may = wanted(GBR_PLAIN, "elset")
    first = may[0].record.identifier
    holding.fault = Meanwhile(lambda: orders.stop(log, StopKind.RECORD, first, order))
    answer = ask(program, operation, first)
    orders.lift(log, StopKind.RECORD, first, order, UNSIGNED)
    if operation == "id":
        assert answer.status_code == 404
    elif operation == "count":
        assert answer.text == str(len(may) - 1)
    else:
        assert len(items(answer.content)) == len(may) - 1
        assert first not in answer.text


def test_a_policy_activated_while_the_source_is_asked_judges_that_very_answer(
    gateway: RunningGateway, act: ACT, holding: Source, order: Order
) -> None:
    log, program = gateway.service.log, act(GBR_PLAIN)
    before = stored_files(gateway)
    files = dict(before)
    path = "policies/datasets/elset.toml"
    files[path] = files[path].replace(b'dataMode = "EXERCISE"', b'dataMode = ["EXERCISE", "REAL"]')
    assert files != before
    holding.fault = Meanwhile(lambda: orders.activate(log, files, order, UNSIGNED))
    answer = program.listed("elset")
    orders.activate(log, before, order, UNSIGNED)
    modes = {record["dataMode"] for record in answer.json()}
    assert modes
    assert "REAL" not in modes


def test_a_stop_on_somebody_else_while_the_source_is_asked_changes_nothing(
    gateway: RunningGateway, act: ACT, holding: Source, wanted: Wanted, tables: Tables, order: Order
) -> None:
    log, program = gateway.service.log, act(GBR_PLAIN)
    may = wanted(GBR_PLAIN, "elset")
    holding.fault = Meanwhile(lambda: orders.stop(log, StopKind.PARTNER, "NATO", order))
    answer = program.listed("elset")
    orders.lift(log, StopKind.PARTNER, "NATO", order, UNSIGNED)
    for raw, each in zip(items(answer.content), may, strict=True):
        assert differences(raw, each.record.abridged, each) == []
