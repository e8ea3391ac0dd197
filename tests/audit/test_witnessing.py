"""Checkpoints are cosigned by simulated witnesses; what is demanded is waited for, and refused when it is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import receipt
from gateway.audit.checkpoint import COSIGNATURE, SigningKey, cosignatures, open_note
from gateway.audit.entry import Draft
from gateway.audit.log import AuditLog
from gateway.audit.witness import Seen, State, add_checkpoint
from gateway.audit.witnessing import NotWitnessed, Witness, WitnessFailed, Witnessing

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
            raise WitnessFailed("is down")
        if name in self.instead:
            return self.instead[name]
        status, answer, self.states[name] = add_checkpoint(self.states[name], body)
        self.asked.append((name, status))
        return status, answer


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
    return [signature.key.name.rpartition("/")[2] for signature in proven.witnesses]


async def test_an_answer_waits_for_its_witnesses_and_its_receipt_carries_them(log, network, draft: Drafts):
    witnessing = Witnessing(log, WITNESSES, 3, network.send)
    for number in range(3):
        recorded = await log.append(draft(f"r{number}"))
        await witnessing.cover(recorded.tree_size)
    assert sorted(network.asked) == sorted((name, 200) for _ in range(3) for name in NAMES)
    assert witnessed_by(log, "r0") == witnessed_by(log, "r2") == list(NAMES)
    opened = open_note(log.checkpoint(), [log.verifier, *VERIFIERS])
    assert len(cosignatures(opened.signatures, VERIFIERS)) == 3
    assert log.verify().sound


async def test_one_round_serves_every_answer_that_waits(log, network, draft: Drafts):
    network.gate = asyncio.Event()
    witnessing = Witnessing(log, WITNESSES, 3, network.send)
    waiting = [asyncio.create_task(witnessing.cover((await log.append(draft(f"r{n}"))).tree_size)) for n in range(20)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    network.gate.set()
    await asyncio.gather(*waiting)
    assert len(network.asked) <= 2 * len(NAMES)


async def test_a_quorum_is_enough_and_one_less_is_refused_with_who_failed(log, network, draft: Drafts):
    witnessing = Witnessing(log, WITNESSES, 2, network.send)
    network.down = {"three"}
    await witnessing.cover((await log.append(draft("r0"))).tree_size)
    network.down = {"two", "three"}
    size = (await log.append(draft("r1"))).tree_size
    with pytest.raises(NotWitnessed, match=r"1 of the 2 .* two: is down; three: is down") as refused:
        await witnessing.cover(size)
    assert (refused.value.wanted, refused.value.got) == (2, 1)
    network.down = set()
    await witnessing.cover(size)
    assert witnessed_by(log, "r1") == list(NAMES)


async def test_a_receipt_prefers_a_checkpoint_with_its_quorum_over_a_newer_one_with_less(log, network, draft: Drafts):
    log.face = replace(log.face, quorum=2)
    witnessing = Witnessing(log, WITNESSES, 2, network.send)
    await witnessing.cover((await log.append(draft("r0"))).tree_size)
    network.down = {"two", "three"}
    with pytest.raises(NotWitnessed):
        await witnessing.cover((await log.append(draft("r1"))).tree_size)
    assert witnessed_by(log, "r0") == list(NAMES)
    assert witnessed_by(log, "r1") == ["one"]
    await log.append(draft("r2"))
    assert witnessed_by(log, "r2") == []


async def test_a_new_process_learns_from_each_witness_how_far_it_is(log, network, draft: Drafts):
    await log.append(draft("r0"))
    await Witnessing(log, WITNESSES, 3, network.send).cover(1)
    for number in range(1, 6):
        await log.append(draft(f"r{number}"))
    network.asked.clear()
    await Witnessing(log, WITNESSES, 3, network.send).cover(6)
    assert sorted(network.asked) == sorted([(name, status) for name in NAMES for status in (409, 200)])


async def test_a_log_that_was_rolled_back_gets_no_cosignature_and_says_so(log, network, draft: Drafts, caplog):
    await log.append(draft("r0"))
    witnessing = Witnessing(log, WITNESSES, 1, network.send)
    ahead = {log.origin: Seen(9, bytes(32))}
    network.states = {name: replace(state, seen=ahead) for name, state in network.states.items()}
    with pytest.raises(NotWitnessed, match="has seen 9 entries, the log has 1"):
        await witnessing.cover(1)
    assert "has seen more than this log holds" in caplog.text


async def test_a_log_that_forked_gets_no_cosignature(log, network, draft: Drafts):
    await log.append(draft("r0"))
    forked = {log.origin: Seen(1, bytes(32))}
    network.states = {name: replace(state, seen=forked) for name, state in network.states.items()}
    with pytest.raises(NotWitnessed, match="another history of 1 entries"):
        await Witnessing(log, WITNESSES, 1, network.send).cover(1)


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
        await Witnessing(log, WITNESSES, 1, network.send).cover(1)
    assert witnessed_by(log, "r0") == []


async def test_a_cosignature_of_another_witness_or_of_the_log_itself_counts_for_nothing(log, network, draft: Drafts):
    await log.append(draft("r0"))
    network.states["one"] = replace(network.states["one"], keys=(KEYS["two"],))
    with pytest.raises(NotWitnessed, match="no cosignature"):
        await Witnessing(log, WITNESSES[:1], 1, network.send).cover(1)


async def test_without_a_quorum_nobody_waits_and_witnesses_are_asked_all_the_same(log, network, draft: Drafts):
    network.gate = asyncio.Event()
    witnessing = Witnessing(log, WITNESSES, 0, network.send)
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
    mine, theirs = Witnessing(log, WITNESSES, 3, network.send), Witnessing(other, WITNESSES, 3, network.send)

    async def use(name: str, through: AuditLog, witnessing: Witnessing) -> None:
        for number in range(10):
            await witnessing.cover((await through.append(draft(f"{name}{number}"))).tree_size)

    await asyncio.gather(use("a", log, mine), use("b", other, theirs))
    assert witnessed_by(log, "a9") == witnessed_by(log, "b9") == list(NAMES)
