"""Long answers in many chunks: opened in order, cut by what is released alone, ended by a stop in the middle."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.stage import Stage
from gateway.activation import orders
from gateway.activation.approval import UNSIGNED
from gateway.activation.orders import Order
from gateway.audit.entry import Event
from gateway.audit.log import AuditLog
from gateway.audit.orders import StopKind
from gateway.audit.stored import StoredEntry
from gateway.client.answer import open_answer, recipient
from gateway.client.errors import AnswerRefused
from gateway.client.reader import Recipient
from sample_source.app import Source
from sample_source.serve import Served
from sample_source.tables import Tables, build_tables
from tests.support.running import RunningGateway, running_gateway
from tests.support.waiting import PATIENCE, happens, until
from tests.system.acting import ALWAYS, Acting, Clock, stored_files
from tests.system.compare import differences
from tests.system.expect import TIME, Asker, Wanted
from tests.system.jsontext import items
from tests.system.walks import GBR, GBR_PLAIN, JPN, wrong_with_walk

ACT = Callable[[Asker], Acting]
SMALLEST_CHUNK = 4096


@pytest.fixture(scope="module")
def tables() -> Tables:
    """More records than the gateway asks of a source at once."""
    return build_tables(1200)


@pytest.fixture(scope="module")
def gateway(stage: Stage, source: Served) -> Iterator[RunningGateway]:
    with running_gateway(
        stage, source.base_url, clock=Clock(), chunk_bytes=SMALLEST_CHUNK, busy_timeout_ms=60_000
    ) as running:
        yield running


@pytest.fixture
def holding(source: Served, tables: Tables) -> Iterator[Source]:
    """The source; after the test it is again what it was before."""
    yield source.source
    source.source.hold(tables)
    source.source.fault = None


@pytest.fixture
def holder(gateway: RunningGateway) -> Recipient:
    keys = gateway.stage.gateway_keys()
    return recipient(gateway.stage.private_jwks("GBR"), keys.public_jwks, keys.log_verifier_key, partner="GBR")


def sealed_lines(gateway: RunningGateway, program: Acting) -> list[bytes]:
    """A whole answer as it came over the wire, a sealed chunk a line."""
    headers = {"Authorization": f"Bearer {program.sdk.access_token}", "Accept": "application/jose"}
    answer = httpx.get(f"{gateway.url}/udl/elset", params={"epoch": ALWAYS}, headers=headers, timeout=60)
    assert answer.status_code == 200
    return answer.content.split(b"\n")


@pytest.fixture(scope="module")
def lines(gateway: RunningGateway, act: ACT) -> list[bytes]:
    """One such answer, to be looked at in many ways."""
    return sealed_lines(gateway, act(GBR))


@pytest.mark.parametrize(("asker", "dataset"), [(JPN, "statevector"), (GBR_PLAIN, "notification")], ids=str)
def test_the_sdk_reads_an_answer_of_many_chunks_as_it_reads_one(
    act: ACT, wanted: Wanted, asker: Asker, dataset: str
) -> None:
    assert wrong_with_walk(act(asker), dataset, 10_000, wanted(asker, dataset)) == []


def test_every_line_opens_in_its_order_and_together_they_are_one_array(
    lines: list[bytes], holder: Recipient, wanted: Wanted
) -> None:
    answer = open_answer(b"\n".join(lines), holder)
    assert [part.opened.chunk for part in answer.parts] == list(range(len(lines)))
    assert [part.opened.last for part in answer.parts] == [False] * (len(lines) - 1) + [True]
    assert len(lines) > 100
    may = wanted(GBR, "elset")
    for raw, each in zip(items(answer.content), may, strict=True):
        assert differences(raw, each.record.abridged, each) == []


def _dropped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], *lines[4:]]


def _repeated(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], *lines[3:]]


def _swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def _cut_short(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


@pytest.mark.parametrize("tamper", [_dropped, _repeated, _swapped, _cut_short])
def test_an_answer_with_a_line_missing_repeated_or_moved_is_refused_whole(
    lines: list[bytes], holder: Recipient, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    with pytest.raises(AnswerRefused):
        open_answer(b"\n".join(tamper(lines)), holder)


def test_a_line_of_another_answer_to_the_same_partner_does_not_fit_in(
    gateway: RunningGateway, act: ACT, lines: list[bytes], holder: Recipient
) -> None:
    other = sealed_lines(gateway, act(GBR))
    with pytest.raises(AnswerRefused):
        open_answer(b"\n".join([*lines[:3], other[3], *lines[4:]]), holder)


@pytest.mark.parametrize("asker", [GBR_PLAIN, JPN], ids=str)
def test_where_chunks_end_depends_on_what_is_released_and_not_on_what_is_withheld(
    gateway: RunningGateway, act: ACT, holding: Source, wanted: Wanted, tables: Tables, asker: Asker
) -> None:
    dataset = "statevector"
    may = wanted(asker, dataset)
    among_withheld = chunks_of(gateway, act(asker), dataset)
    holding.hold(Tables({**tables.records, dataset: tuple(each.record for each in may)}))
    alone = chunks_of(gateway, act(asker), dataset)
    assert among_withheld == alone
    assert sum(released for released, _ in alone) == len(may)


def chunks_of(gateway: RunningGateway, program: Acting, dataset: str) -> list[tuple[int, str]]:
    """How many records each chunk of one answer released, and the digest of its content, from the log."""
    release = released_by(program.listed(dataset))
    found = gateway.service.log.find(release)
    assert found[-1].leaf.last
    return [(entry.leaf.released, entry.leaf.content) for entry in found]


def released_by(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return str(answer.links["receipt"]["url"]).split("/")[2]


@dataclass
class Between:
    """A source that answers the first page of a collection, does something once, and only then answers the next."""

    act: Callable[[], object]
    done: bool = False

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if b"firstResult=0" not in scope["query_string"] and not self.done:
            self.done = True
            await asyncio.to_thread(self.act)
        await sound(scope, receive, send)


@contextmanager
def streaming(gateway: RunningGateway, program: Acting, dataset: str, accept: str) -> Iterator[httpx.Response]:
    """An answer that is read as it comes."""
    headers = {"Authorization": f"Bearer {program.sdk.access_token}", "Accept": accept}
    query = {TIME[dataset]: ALWAYS}
    with httpx.stream("GET", f"{gateway.url}/udl/{dataset}", params=query, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        yield answer


@pytest.mark.parametrize(("kind", "subject"), [(StopKind.PARTNER, "GBR"), (StopKind.DATASET, "elset")])
def test_a_stop_set_between_two_chunks_ends_the_answer_there(
    gateway: RunningGateway, act: ACT, holding: Source, holder: Recipient, kind: StopKind, subject: str
) -> None:
    log, order = gateway.service.log, Order("officer", "spill", gateway.service.clock())
    holding.fault = Between(lambda: orders.stop(log, kind, subject, order))
    received = b""
    with streaming(gateway, act(GBR), "elset", "application/jose") as answer:
        release = released_by(answer)
        with pytest.raises(httpx.RemoteProtocolError):
            for piece in answer.iter_raw():
                received += piece
    orders.lift(log, kind, subject, order, UNSIGNED)
    *released, ended = log.find(release)
    assert {entry.leaf.outcome for entry in released} == {"released"}
    assert not any(entry.leaf.last for entry in released)
    assert (ended.leaf.event, ended.leaf.outcome, ended.leaf.released) == (Event.RELEASE, "stopped", 0)
    assert ended.leaf.last
    whole = [line for line in received.split(b"\n") if line.count(b".") == 4]
    assert len(whole) == len(released) > 10
    with pytest.raises(AnswerRefused) as refused:
        open_answer(b"\n".join(whole), holder)
    assert refused.value.code == "cut_short"


def closed(log: AuditLog, release: str) -> Sequence[StoredEntry]:
    """The entries of a release once it is closed."""
    until(lambda: log.find(release)[-1].leaf.last, "the release is still open")
    return log.find(release)


def hang_up(gateway: RunningGateway, program: Acting, when: Callable[[], object]) -> str:
    """Ask for a long answer, read as it comes, and close the connection in the middle of it; give the release."""
    host, port = gateway.url.removeprefix("http://").split(":")
    asked = f"GET /udl/elset?epoch=%3E2000-01-01 HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n"
    asked += f"Authorization: Bearer {program.sdk.access_token}\r\n\r\n"
    received: list[bytes] = []

    def read() -> None:
        with suppress(ConnectionError):  # the gateway may answer our leaving with a reset
            while piece := connection.recv(65536):
                received.append(piece)

    with socket.create_connection((host, int(port))) as connection:
        reading = threading.Thread(target=read)
        connection.sendall(asked.encode())
        reading.start()
        when()
        until(lambda: received, "nothing comes")
        connection.shutdown(socket.SHUT_RDWR)
        reading.join()
    found = re.search(rb"</releases/([0-9a-f]+)/receipt>", b"".join(received))
    assert found is not None
    return found[1].decode()


def test_a_receiver_that_hangs_up_while_the_source_is_asked_leaves_a_closed_release(
    gateway: RunningGateway, act: ACT, holding: Source
) -> None:
    asked, hung_up = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        hung_up.wait(PATIENCE)

    holding.fault = Between(wait)
    release = hang_up(gateway, act(GBR_PLAIN), lambda: happens(asked, "the source is not asked"))
    *before, last = closed(gateway.service.log, release)
    hung_up.set()
    assert (last.leaf.event, last.leaf.outcome) == (Event.INTERRUPTED, "interrupted")
    assert not any(entry.leaf.last for entry in before)
    assert last.private["peer"] == {**last.private["peer"], "address": "127.0.0.1"}


def test_a_receiver_that_hangs_up_while_an_entry_is_written_leaves_a_closed_release(
    gateway: RunningGateway, act: ACT, holding: Source
) -> None:
    log, locked = gateway.service.log, threading.Event()
    other = sqlite3.connect(gateway.stage.root / "audit.sqlite3", isolation_level=None, check_same_thread=False)

    def lock() -> None:
        other.execute("BEGIN IMMEDIATE")
        locked.set()

    def wait_for_the_writer() -> None:
        happens(locked, "the source is not asked")
        time.sleep(0.5)

    holding.fault = Between(lock)
    release = hang_up(gateway, act(GBR_PLAIN), wait_for_the_writer)
    time.sleep(0.5)
    other.execute("ROLLBACK")
    other.close()
    found = closed(log, release)
    assert [entry.leaf.chunk for entry in found] == list(range(len(found)))
    assert (found[-1].leaf.event, found[-1].leaf.outcome) == (Event.INTERRUPTED, "interrupted")
    assert log.verify().sound


def test_a_policy_activated_between_two_chunks_judges_the_rest(
    gateway: RunningGateway, act: ACT, holding: Source
) -> None:
    """The same set but for a remark, so of another digest: each chunk's entry names the set it was judged by."""
    log = gateway.service.log
    files = dict(stored_files(gateway))
    files["policies/policy.toml"] += b"\n# a remark\n"
    order = Order("officer", "a remark", gateway.service.clock())
    holding.fault = Between(lambda: orders.activate(log, files, order, UNSIGNED))
    with streaming(gateway, act(GBR_PLAIN), "notification", "application/json") as answer:
        release = released_by(answer)
        body = answer.read()
    found = log.find(release)
    sets = [str(entry.private["policy"]) for entry in found]
    assert len(set(sets)) == 2
    assert sets == sorted(sets, key=sets.index)
    assert len(json.loads(body)) == sum(entry.leaf.released for entry in found)
