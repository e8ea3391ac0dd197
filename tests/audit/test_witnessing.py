"""Checkpoints are cosigned by simulated witnesses; what is demanded is waited for, and refused when it is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from gateway.audit import receipt
from gateway.audit.checkpoint import COSIGNATURE, SigningKey, cosignatures, open_note
from gateway.audit.database import Rows
from gateway.audit.demands import FIELD, Demand, mark_of, to_json
from gateway.audit.entry import Draft
from gateway.audit.log import AuditLog
from gateway.audit.witness import Seen, State, add_checkpoint, write_submission
from gateway.audit.witnessing import NotWitnessed, Witness, WitnessesRefused, WitnessFailed, Witnessing
from gateway.logs import FIELDS

Drafts = Callable[..., Draft]
STORES = ["sqlite"]
AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Network:
    """Witnesses as pure states behind addresses; writes down every submission, and can be told to misbehave."""

    states: dict[str, State] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    instead: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    gate: asyncio.Event | None = None

    async def send(self, url: str, body: bytes) -> tuple[int, bytes]:
        name = url.removeprefix("http://").removesuffix("/add-checkpoint")
        if self.gate is not None:
            await self.gate.wait()
        if name in self.down:
            raise WitnessFailed("is down", "unreachable")
        if name in self.instead:
            return self.instead[name]
        status, answer, self.states[name] = add_checkpoint(self.states[name], body)
        self.asked.append((name, status))
        return status, answer


def clock() -> datetime:
    return AT


NAMES = ("one", "two", "three")
KEYS = {
    name: SigningKey(f"witness.example/{name}", Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)), COSIGNATURE)
    for n, name in enumerate(NAMES)
}
WITNESSES = [Witness(name, f"http://{name}", KEYS[name].verifier) for name in NAMES]
VERIFIERS = [key.verifier for key in KEYS.values()]


@pytest.fixture
def network(log: AuditLog) -> Network:
    return Network({name: State((KEYS[name],), {log.origin: (log.verifier,)}, AT) for name in NAMES})


def witnessed_by(log: AuditLog, release: str) -> list[str]:
    issued = log.receipt(release)
    assert issued is not None
    leaf = receipt.leaf_of(issued.receipt)
    proven = receipt.verify(issued.receipt, leaf, [log.verifier], None, VERIFIERS)
    return sorted((signature.key.name.rpartition("/")[2] for signature in proven.witnesses), key=NAMES.index)


async def come_to_be(log: AuditLog, release: str, *names: str) -> None:
    """Wait for cosignatures that nobody waited for: they are kept beside."""
    while witnessed_by(log, release) != list(names):
        await asyncio.sleep(0.01)


async def test_an_answer_waits_for_its_witnesses_and_its_receipt_carries_them(log, network, draft: Drafts):
    witnessing = Witnessing(log, WITNESSES, 3, network.send, clock)
    for number in range(3):
        recorded = await log.append(draft(f"r{number}"))
        await witnessing.cover(recorded.tree_size)
    assert sorted(network.asked) == sorted((name, 200) for _ in range(3) for name in NAMES)
    assert witnessed_by(log, "r0") == witnessed_by(log, "r2") == list(NAMES)
    opened = open_note(log.checkpoint(), [log.verifier, *VERIFIERS])
    assert len(cosignatures(opened.signatures, VERIFIERS)) == 3
    assert log.verify(witnesses=VERIFIERS).sound


async def test_one_round_serves_every_answer_that_waits(log, network, draft: Drafts):
    network.gate = asyncio.Event()
    witnessing = Witnessing(log, WITNESSES, 3, network.send, clock)
    waiting = [asyncio.create_task(witnessing.cover((await log.append(draft(f"r{n}"))).tree_size)) for n in range(20)]
    await asyncio.sleep(0.05)
    assert not [task.exception() for task in waiting if task.done()]
    network.gate.set()
    await asyncio.gather(*waiting)
    assert len(network.asked) <= 2 * len(NAMES)


async def test_a_quorum_is_enough_and_one_less_is_refused_with_who_failed(log, network, draft: Drafts):
    witnessing = Witnessing(log, WITNESSES, 2, network.send, clock)
    network.down = {"three"}
    await witnessing.cover((await log.append(draft("r0"))).tree_size)
    network.down = {"two", "three"}
    size = (await log.append(draft("r1"))).tree_size
    with pytest.raises(NotWitnessed, match=r"of the 2 .* three: is down; two: is down") as refused:
        await witnessing.cover(size)
    assert refused.value.wanted == 2
    assert refused.value.got < 2
    network.down = set()
    await witnessing.cover(size)
    await come_to_be(log, "r1", *NAMES)


async def test_a_receipt_prefers_a_checkpoint_with_its_quorum_over_a_newer_one_with_less(log, network, draft: Drafts):
    log.face = replace(log.face, quorum=2)
    witnessing = Witnessing(log, WITNESSES, 2, network.send, clock)
    await witnessing.cover((await log.append(draft("r0"))).tree_size)
    network.down = {"two", "three"}
    with pytest.raises(NotWitnessed):
        await witnessing.cover((await log.append(draft("r1"))).tree_size)
    await come_to_be(log, "r0", *NAMES)
    await come_to_be(log, "r1", "one")
    await log.append(draft("r2"))
    assert witnessed_by(log, "r2") == []


async def test_a_new_process_learns_from_each_witness_how_far_it_is(log, network, draft: Drafts):
    await log.append(draft("r0"))
    await Witnessing(log, WITNESSES, 3, network.send, clock).cover(1)
    for number in range(1, 6):
        await log.append(draft(f"r{number}"))
    network.asked.clear()
    await Witnessing(log, WITNESSES, 3, network.send, clock).cover(6)
    assert sorted(network.asked) == sorted([(name, status) for name in NAMES for status in (409, 200)])


async def test_a_log_that_was_rolled_back_gets_no_cosignature_and_says_so(log, network, draft: Drafts):
    await log.append(draft("r0"))
    witnessing = Witnessing(log, WITNESSES, 1, network.send, clock)
    ahead = {log.origin: Seen(9, bytes(32))}
    network.states = {name: replace(state, seen=ahead) for name, state in network.states.items()}
    with capture_logs() as lines, pytest.raises(NotWitnessed, match="has seen 9 entries, the log has 1"):
        await witnessing.cover(1)
    assert [line for line in lines if line["witness"] == "one"] == [
        {"event": "witness-contradicts-log", "log_level": "error", "witness": "one", "code": "rolled-back", "seen": 9,
         "tree_size": 1}
    ]  # fmt: skip
    assert {*lines[0]} - {"event", "log_level"} <= FIELDS.keys()
    assert witnessing.contradicted == dict.fromkeys(NAMES, "has seen 9 entries, the log has 1")


async def test_a_log_that_forked_gets_no_cosignature(log, network, draft: Drafts):
    await log.append(draft("r0"))
    forked = {log.origin: Seen(1, bytes(32))}
    network.states = {name: replace(state, seen=forked) for name, state in network.states.items()}
    with pytest.raises(NotWitnessed, match="another history of 1 entries"):
        await Witnessing(log, WITNESSES, 1, network.send, clock).cover(1)


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (200, b"", "no cosignature"),
        (200, b"\xff", "no cosignature"),
        (200, "— witness.example/one AAAAAAAA\n".encode(), "no cosignature"),
        (404, b"unknown log\n", "answered 404: unknown log"),
        (500, b"", "answered 500"),
        (409, b"many\n", "without a size"),
        (409, b"-1\n", "without a size"),
    ],
)
async def test_an_answer_that_is_no_good_cosignature_counts_for_nothing(
    log, network, draft: Drafts, status: int, answer: bytes, why: str
):
    await log.append(draft("r0"))
    network.instead = dict.fromkeys(NAMES, (status, answer))
    with pytest.raises(NotWitnessed, match=why):
        await Witnessing(log, WITNESSES, 1, network.send, clock).cover(1)
    assert witnessed_by(log, "r0") == []


async def test_a_cosignature_of_another_witness_or_of_the_log_itself_counts_for_nothing(log, network, draft: Drafts):
    await log.append(draft("r0"))
    network.states["one"] = replace(network.states["one"], keys=(KEYS["two"],))
    with pytest.raises(NotWitnessed, match="no cosignature"):
        await Witnessing(log, WITNESSES[:1], 1, network.send, clock).cover(1)


async def test_without_a_quorum_nobody_waits_and_witnesses_are_asked_all_the_same(log, network, draft: Drafts):
    network.gate = asyncio.Event()
    witnessing = Witnessing(log, WITNESSES, 0, network.send, clock)
    await log.append(draft("r0"))
    for _ in range(5):
        await witnessing.cover(1)
    assert network.asked == []
    network.gate.set()
    while len(network.asked) < 3 or witnessed_by(log, "r0") == []:
        await asyncio.sleep(0.01)
    await witnessing.close()
    assert sorted(network.asked) == sorted((name, 200) for name in NAMES)


async def test_two_gateways_on_one_log_do_not_take_each_other_for_a_fork(place, log, network, draft: Drafts):
    other = place.open()
    mine, theirs = (
        Witnessing(log, WITNESSES, 3, network.send, clock),
        Witnessing(other, WITNESSES, 3, network.send, clock),
    )

    async def use(name: str, through: AuditLog, witnessing: Witnessing) -> None:
        for number in range(10):
            await witnessing.cover((await through.append(draft(f"{name}{number}"))).tree_size)

    await asyncio.gather(use("a", log, mine), use("b", other, theirs))
    assert witnessed_by(log, "a9") == witnessed_by(log, "b9") == list(NAMES)


def key_of(number: int, name: str) -> SigningKey:
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)), COSIGNATURE)


def one_of(*names: str, quorum: int = 1) -> Demand:
    return Demand(quorum, frozenset(mark_of(KEYS[name].verifier) for name in names))


async def test_a_demand_is_met_by_the_witnesses_that_it_names_and_by_no_other(log, network, draft: Drafts):
    witnessing = Witnessing(log, WITNESSES, 0, network.send, clock)
    network.down = {"three"}
    size = (await log.append(draft("r0"))).tree_size
    await witnessing.cover(size, frozenset({one_of("one", "three"), one_of("two")}))
    with pytest.raises(NotWitnessed, match=r"0 of the 1 .* three: is down"):
        await witnessing.cover(size, frozenset({one_of("one"), one_of("three")}))
    with pytest.raises(NotWitnessed, match="of the 2"):
        await witnessing.cover(size, frozenset({one_of("one", "three", quorum=2)}))


async def test_a_demand_is_met_beside_the_settings_quorum_and_never_instead_of_it(log, network, draft: Drafts):
    witnessing = Witnessing(log, WITNESSES, 2, network.send, clock)
    network.down = {"two", "three"}
    with pytest.raises(NotWitnessed, match="of the 2"):
        await witnessing.cover((await log.append(draft("r0"))).tree_size, frozenset({one_of("one")}))


@pytest.mark.parametrize("quorum", [0, 1, 3])
async def test_a_demand_for_nobody_and_one_for_a_stranger_are_never_met(log, network, draft: Drafts, quorum: int):
    size = (await log.append(draft("r0"))).tree_size
    for witnesses in (WITNESSES, []):
        witnessing = Witnessing(log, witnesses, 0, network.send, clock)
        with pytest.raises(NotWitnessed):
            await witnessing.cover(size, frozenset({Demand(quorum, frozenset())}))
        with pytest.raises(NotWitnessed):
            await witnessing.cover(size, frozenset({Demand(1, frozenset({"witness.example/x+00000000"}))}))


class Slow:
    """Witnesses of which one does not answer before it is let."""

    def __init__(self, network: Network, name: str) -> None:
        self.network, self.name, self.gate = network, name, asyncio.Event()

    async def send(self, url: str, body: bytes) -> tuple[int, bytes]:
        if f"//{self.name}/" in url:
            await self.gate.wait()
        return await self.network.send(url, body)


async def test_a_slow_witness_keeps_nobody_waiting_whose_demand_is_met_without_it(log, network, draft: Drafts):
    slow = Slow(network, "three")
    witnessing = Witnessing(log, WITNESSES, 2, slow.send, clock)
    for number in range(5):  # each answer has a round of its own, though the first has not ended
        await witnessing.cover((await log.append(draft(f"r{number}"))).tree_size)
        await come_to_be(log, f"r{number}", "one", "two")
    waiting = asyncio.create_task(witnessing.cover(log.size(), frozenset({one_of("three")})))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    slow.gate.set()
    await waiting
    await come_to_be(log, "r4", *NAMES)
    await witnessing.close()


async def test_a_slow_witness_that_one_partner_demands_holds_up_no_other_partner(log, network, draft: Drafts):
    slow = Slow(network, "three")
    witnessing = Witnessing(log, WITNESSES, 1, slow.send, clock)
    held = []
    for number in range(3):
        size = (await log.append(draft(f"held{number}"))).tree_size
        held.append(asyncio.create_task(witnessing.cover(size, frozenset({one_of("three")}))))
        await asyncio.sleep(0.05)
        recorded = await log.append(draft(f"other{number}"))
        await asyncio.wait_for(witnessing.cover(recorded.tree_size, frozenset({one_of("one", "two", quorum=2)})), 20)
    assert not any(task.done() for task in held)
    slow.gate.set()
    await asyncio.gather(*held)
    await witnessing.close()
    assert network.asked.count(("three", 200)) <= 4


async def test_rounds_for_different_demands_never_ask_a_witness_about_less_than_it_has_seen(
    log, network, draft: Drafts, monkeypatch: pytest.MonkeyPatch
):
    head_note, read = log.head_note, []

    def one_slow_read() -> str:
        read.append(head_note())
        note = read[-1]
        if len(read) == 1:
            time.sleep(0.2)
        return note

    witnessing = Witnessing(log, WITNESSES, 0, network.send, clock)
    await witnessing.cover((await log.append(draft("r0"))).tree_size, frozenset({one_of("one")}))
    monkeypatch.setattr(log, "head_note", one_slow_read)
    network.asked.clear()
    waiting = []
    for name in NAMES:
        size = (await log.append(draft(name))).tree_size
        waiting.append(asyncio.create_task(witnessing.cover(size, frozenset({one_of(name)}))))
        await asyncio.sleep(0.05)
    await asyncio.gather(*waiting)
    assert {status for _, status in network.asked} == {200}


async def test_who_cannot_be_served_any_more_is_refused_though_another_witness_is_slow(log, network, draft: Drafts):
    slow = Slow(network, "three")
    network.down = {"one"}
    witnessing = Witnessing(log, WITNESSES, 0, slow.send, clock)
    with pytest.raises(NotWitnessed, match="one: is down"):
        await witnessing.cover((await log.append(draft("r0"))).tree_size, frozenset({one_of("one")}))
    await witnessing.close()


async def test_a_cosignature_that_comes_late_is_kept_beside_those_that_came_before(log, network, draft: Drafts):
    slow = Slow(network, "three")
    witnessing = Witnessing(log, WITNESSES, 1, slow.send, clock)
    await witnessing.cover((await log.append(draft("r0"))).tree_size)
    slow.gate.set()
    await come_to_be(log, "r0", *NAMES)
    await witnessing.close()


async def test_a_receipt_carries_what_its_entry_demands_and_not_merely_as_many(log, network, draft: Drafts):
    demands = frozenset({one_of("three")})
    witnessing = Witnessing(log, WITNESSES, 0, network.send, clock)
    network.down = {"one", "two"}
    asked = replace(draft("r0"), private={FIELD: to_json(demands)})
    await witnessing.cover((await log.append(asked)).tree_size, demands)
    network.down = {"three"}
    await witnessing.cover((await log.append(draft("r1"))).tree_size, frozenset({one_of("one", "two", quorum=2)}))
    assert witnessed_by(log, "r0") == ["three"]
    assert witnessed_by(log, "r1") == ["one", "two"]
    assert log.verify(witnesses=VERIFIERS).sound


async def test_a_receipt_carries_its_quorum_though_the_log_grows_while_it_is_made(
    log, network, draft: Drafts, monkeypatch: pytest.MonkeyPatch
):
    await Witnessing(log, WITNESSES, 3, network.send, clock).cover((await log.append(draft("r0"))).tree_size)
    glance = log._reading.glance

    def and_grow(statement: str, said: Mapping[str, object]) -> Rows:
        found = glance(statement, said)
        monkeypatch.undo()
        log.append_now([draft("r1")])
        note, proof = log.head_note(), log.consistency(1, 2)
        answers = [add_checkpoint(network.states[name], write_submission(1, proof, note))[1] for name in NAMES]
        log.keep_cosignatures(2, [answer.decode() for answer in answers])
        return found

    monkeypatch.setattr(log._reading, "glance", and_grow)
    assert witnessed_by(log, "r0") == list(NAMES)


async def test_what_was_got_for_a_size_stays_when_others_sign_it_later(log, network, draft: Drafts):
    await log.append(draft("r0"))
    for absent in ({"two", "three"}, {"one"}):
        network.down = absent
        await Witnessing(log, WITNESSES, 1, network.send, clock).cover(1)
    await come_to_be(log, "r0", *NAMES)


@pytest.mark.parametrize("apart", [timedelta(minutes=11), -timedelta(minutes=11), -timedelta(days=20000)])
async def test_a_cosignature_that_states_another_time_counts_for_nothing(log, network, draft: Drafts, apart):
    await log.append(draft("r0"))
    network.states = {name: replace(state, at=AT + apart) for name, state in network.states.items()}
    with pytest.raises(NotWitnessed, match="from this gateway's time"):
        await Witnessing(log, WITNESSES, 1, network.send, clock).cover(1)


async def test_an_old_cosignature_of_another_size_that_is_sent_again_counts_for_nothing(log, network, draft: Drafts):
    await log.append(draft("r0"))
    status, answer, _ = add_checkpoint(network.states["one"], write_submission(0, [], log.head_note()))
    assert status == 200
    await log.append(draft("r1"))
    network.instead["one"] = (200, answer)
    with pytest.raises(NotWitnessed, match="no cosignature"):
        await Witnessing(log, WITNESSES[:1], 1, network.send, clock).cover(2)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (key_of(0, "witness.example/other"), "count twice"),
        (key_of(9, "witness.example/one"), "count twice"),
        (key_of(9, "gateway.example/log"), "the log itself"),
    ],
    ids=["one key under two names", "one name with two keys", "the log's name"],
)
def test_witnesses_of_which_one_would_count_twice_are_refused(log, network, second: SigningKey, why: str):
    two = [WITNESSES[0], Witness("second", "http://second", second.verifier)]
    with pytest.raises(WitnessesRefused, match=why):
        Witnessing(log, two, 1, network.send, clock)


def test_a_key_that_signs_the_log_is_no_witness_of_it(place, log, network):
    own = SigningKey("witness.example/own", place.key, COSIGNATURE)
    with pytest.raises(WitnessesRefused, match="the log itself"):
        Witnessing(log, [Witness("own", "http://own", own.verifier)], 1, network.send, clock)


async def test_a_store_that_keeps_no_cosignature_lets_nothing_leave(place, log, network, draft: Drafts):
    await log.append(draft("r0"))
    place.file.chmod(0o400)
    with pytest.raises(NotWitnessed, match="cosignatures cannot be kept"):
        await Witnessing(log, WITNESSES, 1, network.send, clock).cover(1)
    place.file.chmod(0o600)
    await Witnessing(log, WITNESSES, 1, network.send, clock).cover(1)


async def test_a_witness_that_contradicted_and_cosigns_again_is_no_longer_spoken_of(log, network, draft: Drafts):
    await log.append(draft("r0"))
    witnessing = Witnessing(log, WITNESSES, 1, network.send, clock)
    before = network.states["one"]
    network.states["one"] = replace(before, seen={log.origin: Seen(9, bytes(32))})
    await witnessing.cover(1)  # as soon as "two" has cosigned, whatever "one" has said by then
    async with asyncio.timeout(60):
        while set(witnessing.contradicted) != {"one"}:
            await asyncio.sleep(0.01)
    network.states["one"] = before
    await witnessing.cover((await log.append(draft("r1"))).tree_size)
    async with asyncio.timeout(60):
        while witnessing.contradicted:
            await asyncio.sleep(0.01)
