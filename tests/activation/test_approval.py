"""A policy set takes force, and a stop is lifted, by as many officers as are asked for, and nothing that looks so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.stage import Stage
from gateway.activation import approval, orders
from gateway.activation.approval import UNSIGNED, Demand, NotApproved, Purpose
from gateway.activation.files import read_policy_files
from gateway.activation.orders import ActivationRefused, Order
from gateway.activation.running import NothingInForce, PolicyKeeper
from gateway.audit.errors import DraftRefused
from gateway.audit.log import AuditLog
from gateway.audit.orders import StopKind
from gateway.identity.caller import IdentityError, TokenRules
from gateway.identity.officers import OfficersRefused, read_officers
from gateway.policy.load import load
from gateway.service import open_log
from tests.support.loopback import ELSETS, loopback
from tests.support.officers import ALICE, BOB, CAROL, MALLORY, ORIGIN, Signer, listed

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
TWO = Demand(2, ORIGIN)
ORDER = Order("A. Operator", "because", AT)
REMARK = b"\n# another set\n"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, made_keys: Path) -> Stage:
    return Stage(tmp_path_factory.mktemp("approval") / "var", made_keys, Path(__file__).parents[2] / "policies")


@pytest.fixture(scope="module")
def first(stage: Stage) -> dict[str, bytes]:
    stage.prepare("http://127.0.0.1:1")
    return dict(read_policy_files(stage.policies, stage.keys))


@pytest.fixture(scope="module")
def second(first: dict[str, bytes]) -> dict[str, bytes]:
    return {**first, "policies/policy.toml": first["policies/policy.toml"] + REMARK}


@pytest.fixture
def log(stage: Stage, first: dict[str, bytes], tmp_path: Path) -> Iterator[AuditLog]:
    """A log in which Alice, Bob and Carol are officers, and in which nothing was activated yet."""
    settings = stage.settings().model_copy(update={"log_url": f"sqlite:///{tmp_path}/audit.sqlite3"})
    opened = open_log(settings, stage.gateway_keys(), "test")
    install(opened, listed(ALICE, BOB, CAROL), ALICE, BOB)
    yield opened
    assert opened.verify().sound
    opened.close()


def install(log: AuditLog, data: bytes, *signers: Signer) -> None:
    digest = hashlib.sha256(data).hexdigest()
    signatures = [each.sign(Purpose.OFFICERS, digest, AT) for each in signers]
    orders.install_officers(log, data, ORDER, TWO, signatures)


def signed(files: dict[str, bytes], *signers: Signer, at: datetime = AT) -> list[str]:
    return [each.sign(Purpose.ACTIVATE, load(files).digest, at) for each in signers]


def keeper(log: AuditLog, demand: Demand = TWO) -> PolicyKeeper:
    return PolicyKeeper(log, TokenRules(), timedelta(minutes=15), demand, lambda: AT)


async def test_a_set_that_two_officers_signed_takes_force_and_its_entry_says_who_and_when(log, first):
    orders.activate(log, first, ORDER, TWO, signed(first, ALICE, BOB))
    assert (await keeper(log).in_force(AT)).running.digest == load(first).digest
    (entry,) = log.entries(log.size() - 2, 1)
    assert entry.private["signed"] == [
        {"officer": name, "at": "2026-06-01T12:00:00.000000Z"} for name in ("alice", "bob")
    ]


DIGEST = "aa" * 32


def _good(signer: Signer, subject: str) -> str:
    return signer.sign(Purpose.ACTIVATE, subject, AT)


MISUSE: dict[str, Callable[[str], list[str]]] = {
    "nobody signed": lambda _: [],
    "one officer signed": lambda it: [_good(ALICE, it)],
    "one officer signed twice": lambda it: [_good(ALICE, it), _good(ALICE, it)],
    "one officer signed with two keys": lambda it: [
        ALICE.sign(Purpose.ACTIVATE, it, AT, key=0),
        ALICE.sign(Purpose.ACTIVATE, it, AT, key=1),
    ],
    "the second is no officer": lambda it: [_good(ALICE, it), _good(MALLORY, it)],
    "the second signed another set": lambda it: [_good(ALICE, it), _good(BOB, "ab" * 32)],
    "the second signed something else about it": lambda it: [_good(ALICE, it), BOB.sign(Purpose.OFFICERS, it, AT)],
    "the second signed for another log": lambda it: [
        _good(ALICE, it),
        BOB.sign(Purpose.ACTIVATE, it, AT, origin="other.example/log"),
    ],
    "the second's signature has expired": lambda it: [
        _good(ALICE, it),
        BOB.sign(Purpose.ACTIVATE, it, AT - timedelta(days=1)),
    ],
    "the second's signature is of tomorrow": lambda it: [
        _good(ALICE, it),
        BOB.sign(Purpose.ACTIVATE, it, AT + timedelta(days=1)),
    ],
    "the second's signature is good for ever": lambda it: [
        _good(ALICE, it),
        BOB.sign(Purpose.ACTIVATE, it, AT, lifetime=timedelta(days=31)),
    ],
    "the second's signature has one bit turned": lambda it: [_good(ALICE, it), _turned(_good(BOB, it))],
    "the second says that it is Bob's and is Mallory's": lambda it: [
        _good(ALICE, it),
        _good(BOB, it).rpartition(".")[0] + "." + _good(MALLORY, it).rpartition(".")[2],
    ],
    "the second is no signature": lambda it: [_good(ALICE, it), "-----BEGIN-----"],
    "the second holds what it signs": lambda it: [_good(ALICE, it), _good(BOB, it).replace("..", ".YQ.")],
    "the second has no algorithm": lambda it: [_good(ALICE, it), "eyJhbGciOiJub25lIn0.."],
}


def _turned(text: str) -> str:
    return text[:-4] + ("A" if text[-4] != "A" else "B") + text[-3:]


@pytest.mark.parametrize("misuse", MISUSE)
async def test_a_set_without_two_officers_own_signatures_under_it_is_refused_and_recorded(log, first, misuse):
    digest = load(first).digest
    with pytest.raises(ActivationRefused) as refused:
        orders.activate(log, first, ORDER, TWO, MISUSE[misuse](digest))
    assert isinstance(refused.value.error, NotApproved)
    (entry,) = log.entries(log.size() - 2, 1)
    assert entry.leaf.event == "policy-refused"
    assert "2 officers must sign" in str(entry.private["why"])
    assert log.standing().active is None
    with pytest.raises(NothingInForce):
        await keeper(log).in_force(AT)


async def test_a_set_that_stands_in_the_log_without_signatures_is_believed_by_no_gateway_that_asks_for_them(log, first):
    orders.activate(log, first, ORDER, UNSIGNED)
    with pytest.raises(NothingInForce, match="not approved"):
        await keeper(log).in_force(AT)
    orders.activate(log, first, ORDER, Demand(1, ORIGIN), signed(first, ALICE))
    with pytest.raises(NothingInForce, match="2 officers must sign, and alice has"):
        await keeper(log).in_force(AT)
    assert (await keeper(log, Demand(1, ORIGIN)).in_force(AT)).running.digest == load(first).digest


async def test_signatures_of_one_set_put_beside_another_in_the_log_do_not_bring_it_into_force(log, first, second):
    orders.activate(log, first, ORDER, TWO, signed(first, ALICE, BOB))
    kept = log.standing().approval
    with pytest.raises(LookupError, match="something else"):
        approval.check_document(log, kept, TWO, load(second).digest)


def test_setting_a_stop_takes_no_signature_and_lifting_it_takes_two(log):
    orders.stop(log, StopKind.PARTNER, "JPN", ORDER)
    subject = orders.stop_lifted(log, StopKind.PARTNER, "JPN")
    one = [ALICE.sign(Purpose.LIFT_STOP, subject, AT)]
    with pytest.raises(NotApproved, match="2 officers must sign, and alice has"):
        orders.lift(log, StopKind.PARTNER, "JPN", ORDER, TWO, one)
    assert log.standing().stops
    two = [*one, BOB.sign(Purpose.LIFT_STOP, subject, AT)]
    orders.lift(log, StopKind.PARTNER, "JPN", ORDER, TWO, two)
    assert not log.standing().stops


@pytest.mark.parametrize("kind", [StopKind.PARTNER, StopKind.RECORD])
def test_signatures_that_lifted_a_stop_lift_no_later_one_on_the_same_name(log, kind):
    orders.stop(log, kind, "JPN", ORDER)
    subject = orders.stop_lifted(log, kind, "JPN")
    two = [each.sign(Purpose.LIFT_STOP, subject, AT) for each in (ALICE, BOB)]
    orders.lift(log, kind, "JPN", ORDER, TWO, two)
    orders.stop(log, kind, "JPN", Order("A. Operator", "again", AT + timedelta(hours=1)))
    with pytest.raises(NotApproved):
        orders.lift(log, kind, "JPN", ORDER, TWO, two)
    with pytest.raises(DraftRefused, match="no such stop"):
        orders.lift(log, StopKind.DATASET, "JPN", ORDER, TWO, two)


def test_a_new_list_of_officers_is_signed_by_those_of_the_list_before_and_not_by_its_own(log):
    new = listed(MALLORY, CAROL)
    with pytest.raises(NotApproved):
        install(log, new, MALLORY, CAROL)
    assert [each.name for each in approval.in_force(log).officers] == ["alice", "bob", "carol"]
    install(log, new, ALICE, CAROL)
    assert [each.name for each in approval.in_force(log).officers] == ["mallory", "carol"]


async def test_an_officer_struck_from_the_list_signs_nothing_more_and_what_was_signed_before_stays_in_force(
    log, first, second
):
    orders.activate(log, first, ORDER, TWO, signed(first, ALICE, BOB))
    install(log, listed(BOB, CAROL), BOB, CAROL)
    assert (await keeper(log).in_force(AT)).running.digest == load(first).digest
    with pytest.raises(ActivationRefused):
        orders.activate(log, second, ORDER, TWO, signed(second, ALICE, BOB))
    orders.activate(log, second, ORDER, TWO, signed(second, CAROL, BOB))


async def test_any_earlier_signed_set_is_put_back_by_the_signatures_it_had_unless_its_signers_were_struck(
    log, first, second
):
    orders.activate(log, first, ORDER, TWO, signed(first, ALICE, BOB))
    orders.activate(log, second, ORDER, TWO, signed(second, CAROL, BOB))
    later = Order("A. Operator", "too wide", AT + timedelta(days=90))  # long after the signatures have expired
    back = orders.roll_back(log, load(first).digest, later, TWO)
    assert (await keeper(log).in_force(later.at)).running.digest == back.digest == load(first).digest
    (entry,) = log.entries(log.size() - 2, 1)
    assert entry.private["reason"] == "too wide"
    assert [each["officer"] for each in entry.private["signed"]] == ["alice", "bob"]  # type: ignore[index,union-attr]
    install(log, listed(ALICE, BOB), ALICE, BOB)
    with pytest.raises(ActivationRefused, match="bob has"):
        orders.roll_back(log, load(second).digest, later, TWO)
    with pytest.raises(ActivationRefused, match="never in force"):
        orders.roll_back(log, "00" * 32, later, TWO)


async def test_gateways_on_one_log_have_an_announced_set_compiled_and_take_it_up_only_when_it_is_activated(
    log, first, second
):
    orders.activate(log, first, ORDER, TWO, signed(first, ALICE, BOB))
    gateways = [keeper(log), keeper(log)]
    for each in gateways:
        assert (await each.in_force(AT)).running.digest == load(first).digest
    announced = orders.announce(log, second, ORDER)
    assert log.standing().announced == announced.digest
    for each in gateways:
        each.get_ready(announced.digest)
        assert (await each.in_force(AT)).running.digest == load(first).digest
    ready = [each._next for each in gateways]
    orders.activate(log, second, ORDER, TWO, signed(second, ALICE, BOB))
    for each, compiled in zip(gateways, ready, strict=True):
        assert (await each.in_force(AT)).running is compiled
    assert log.standing().announced == ""


def test_an_announced_set_that_is_then_refused_never_takes_force(log, first, second):
    orders.activate(log, first, ORDER, TWO, signed(first, ALICE, BOB))
    orders.announce(log, second, ORDER)
    with pytest.raises(ActivationRefused):
        orders.activate(log, second, ORDER, TWO, signed(second, ALICE))
    assert log.standing().active == load(first).digest
    assert log.standing().refused_since == AT


BAD_LISTS = {
    "nothing": b"",
    "no TOML": b"[[officer",
    "a name twice": listed(ALICE) + ALICE.table().replace('"alice"', '"Alice"').encode(),
    "a key under two names": listed(ALICE) + ALICE.table().replace("alice", "eve").encode(),
    "a token of two officers": listed(ALICE)
    + BOB.table()
    .encode()
    .replace(
        hashlib.sha256(BOB.token.encode()).hexdigest().encode(),
        hashlib.sha256(ALICE.token.encode()).hexdigest().encode(),
    ),
    "no key": b'[[officer]]\nname = "eve"\nkeys = []\n',
    "a key of another length": b'[[officer]]\nname = "eve"\nkeys = ["AAAA"]\n',
    "an unknown word": listed(ALICE).replace(b"level =", b"levle ="),
    "a level that is none": listed(ALICE).replace(b'"SECRET"', b'"COSMIC"'),
    "a name that is a path": listed(ALICE).replace(b'"alice"', b'"../alice"'),
}


@pytest.mark.parametrize("what", BAD_LISTS)
def test_a_list_of_officers_that_could_be_read_two_ways_is_refused_whole(what):
    with pytest.raises(OfficersRefused):
        read_officers(BAD_LISTS[what])


def test_a_list_is_not_installed_while_it_cannot_be_read(log):
    with pytest.raises(IdentityError):
        orders.install_officers(log, b"[[officer", ORDER, UNSIGNED)
    assert len(log.standing().officers) == 1


def test_a_gateway_that_finds_an_unsigned_set_in_the_log_releases_nothing_and_readiness_says_why(
    tmp_path, keys, policies
):
    with loopback(tmp_path / "var", keys, policies=policies, officer_signatures=2) as here:
        assert (here.get(ELSETS).status, here.get(ELSETS).code) == (503, "policy_unavailable")
        assert here.ready() == (503, ["policy_unavailable", "policy_not_approved"])
        log, at = here.gateway.service.log, here.gateway.service.clock()
        orders.install_officers(log, listed(ALICE, BOB), Order("A. Operator", "first", at), UNSIGNED)
        files = read_policy_files(policies, keys)
        signatures = signed(dict(files), ALICE, BOB, at=at)
        orders.activate(log, files, Order("A. Operator", "signed", at), TWO, signatures)
        assert here.ready() == (200, [])
        assert here.get(ELSETS).status == 200
