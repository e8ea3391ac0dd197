"""A policy's demand for witnesses on a whole gateway: real `relgate witness` processes, and one witness that cheats."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from demo.stage import ORIGIN, Stage
from gateway.activation.files import read_policy_files
from gateway.activation.orders import ActivationRefused, check
from gateway.audit import receipt
from gateway.audit.checkpoint import SigningKey, VerifierKey, parse_verifier_key
from gateway.audit.demands import mark_of
from gateway.audit.entry import Draft, Event
from gateway.audit.orders import LiftStop, Order, SetStop, StopKind
from gateway.audit.stored import StoredEntry
from gateway.audit.witness import State, add_checkpoint
from gateway.cli.main import main
from gateway.service import now
from gateway.settings.model import WitnessSettings
from sample_source.app import build_app
from sample_source.flaws import Flaws
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.cases import elset
from tests.support.plain import NO_TLS
from tests.support.running import POLICIES, RunningGateway, running_gateway
from tests.support.waiting import held_port, until
from tests.support.witnesses import demand, signing_key
from tests.support.witnesses_running import Answer, HostileWitness, WitnessProcess

ASKED = "/udl/elset?epoch=%3Enow-30%20days"
CHEAT = signing_key("cheat")
"""The key of the witness that cheats; it cosigns as it should until it is told otherwise."""


@dataclass
class Honest:
    """What a good witness would answer, for the one that cheats to answer when it does not."""

    log: VerifierKey
    state: State = field(init=False)
    delay: float = 0.0

    def __post_init__(self) -> None:
        self.state = State((CHEAT,), {ORIGIN: (self.log,)}, now())

    def __call__(self, body: bytes) -> Answer:
        time.sleep(self.delay)
        status, answer, self.state = add_checkpoint(replace(self.state, at=now()), body)
        return status, {}, answer


@dataclass
class World:
    """The gateway's stage with its policy, its source, its two witnesses and the one that cheats."""

    stage: Stage
    source: str
    norway: WitnessProcess
    japan: WitnessProcess
    cheat: HostileWitness
    honest: Honest

    @property
    def settings(self) -> dict[str, object]:
        named = {"norway": self.norway, "japan": self.japan}
        witnesses = {name: WitnessSettings(url=each.url, key=each.key) for name, each in named.items()}
        witnesses["cheat"] = WitnessSettings(url=self.cheat.url, key=str(CHEAT.verifier))
        limits = {"witness_timeout_seconds": 30.0, "chunk_bytes": 4096}
        return {"witnesses": witnesses, "enforcement_points": self.stage.root / "points.toml", **limits}

    @property
    def log_key(self) -> VerifierKey:
        return self.honest.log


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    with held_port() as one, held_port() as other:
        yield one, other


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, ports: tuple[int, int]) -> Iterator[World]:
    """JPN is given two of three; GBR what the cheat alone must witness; nobody else's answers wait."""
    folder = tmp_path_factory.mktemp("witnesses")
    policies = folder / "policies"
    shutil.copytree(POLICIES, policies)
    stage = Stage(folder / "var", folder / "keys", policies)
    stage.prepare("http://127.0.0.1:1")
    digest = hashlib.sha256(b"portal").hexdigest()
    (stage.root / "points.toml").write_text(
        f'[[enforcement_point]]\nname = "portal"\ntoken = "{digest}"\npartners = ["GBR"]\nobligations = true\n'
    )
    log_key = stage.gateway_keys().log_verifier_key
    norway = WitnessProcess(folder / "norway", "nor.example/w1", log_key, ports[0])
    japan = WitnessProcess(folder / "japan", "jpn.example/w1", log_key, ports[1])
    cheat, honest = HostileWitness(), Honest(parse_verifier_key(log_key))
    for each in (norway, japan):
        each.start()
    known = {"norway": norway.key, "japan": japan.key, "cheat": str(CHEAT.verifier)}
    with (policies / "policy.toml").open("a") as file:
        file.write("\n[witnesses]\n" + "".join(f'{name} = "{key}"\n' for name, key in known.items()))
    for code, line in {"JPN": demand(2, "norway", "japan", "cheat"), "GBR": demand(1, "cheat")}.items():
        partner = policies / "partners" / f"{code}.toml"
        partner.write_text(partner.read_text().replace("[agreement]\n", f"[agreement]\n{line}", 1))
    token = stage.source_token.read_text()
    with serving(build_app(build_tables(60, 1, Flaws.READABLE), token)) as source:
        yield World(stage, source.base_url, norway, japan, cheat, honest)
    for each in (norway, japan):
        each.stop()
    cheat.close()


@pytest.fixture(scope="module")
def gateway(world: World) -> Iterator[RunningGateway]:
    with running_gateway(world.stage, world.source, **world.settings) as running:
        yield running


@pytest.fixture(autouse=True)
def honest_again(world: World) -> None:
    world.honest.delay = 0.0
    world.cheat.behaviour = world.honest


def ask(gateway: RunningGateway, partner: str, path: str = ASKED) -> httpx.Response:
    return gateway.ask(partner, path, accept="application/jose", purpose="collision-avoidance")


def witnesses_of(world: World, gateway: RunningGateway, answer: httpx.Response, partner: str) -> set[str]:
    """Who cosigned the checkpoint in an answer's receipt."""
    assert answer.status_code == 200, (answer.text, last(gateway, "unwitnessed").private)
    issued = gateway.ask(partner, httpx.URL(answer.links["receipt"]["url"]).path).content
    keys = {world.norway.key: "norway", world.japan.key: "japan", str(CHEAT.verifier): "cheat"}
    known = [parse_verifier_key(key) for key in keys]
    proven = receipt.verify(issued, receipt.leaf_of(issued), [world.log_key], ORIGIN, known)
    return {keys[str(each.key)] for each in proven.witnesses}


def last(gateway: RunningGateway, event: str) -> StoredEntry:
    log = gateway.service.log
    return next(each for each in reversed(log.entries(max(log.size() - 30, 0) - 1, 30)) if each.leaf.event == event)


def test_what_is_demanded_stands_in_the_entry_and_the_receipt_carries_it(world: World, gateway: RunningGateway):
    answer = ask(gateway, "JPN")
    assert answer.status_code == 200, last(gateway, "unwitnessed").private
    entry = last(gateway, "release")
    marks = sorted(mark_of(parse_verifier_key(key)) for key in (world.norway.key, world.japan.key, str(CHEAT.verifier)))
    assert entry.private["witnesses"] == [{"quorum": 2, "of": marks}]
    assert len(witnesses_of(world, gateway, answer, "JPN")) >= 2
    assert "cheat" in witnesses_of(world, gateway, ask(gateway, "GBR"), "GBR")
    assert gateway.service.log.verify().sound


def test_an_answer_without_records_waits_for_its_witnesses_like_any_other(world: World, gateway: RunningGateway):
    world.cheat.behaviour = lambda body: (404, {}, b"unknown\n")
    nothing = ask(gateway, "GBR", f"{ASKED}&satNo=1")
    count = gateway.ask("GBR", "/udl/elset/count?epoch=%3Enow-30%20days", purpose="collision-avoidance")
    assert [nothing.json()["code"], count.json()["code"]] == ["audit_unwitnessed"] * 2


def cosigned(world: World, key: SigningKey, body: bytes, seconds: float = 0.0) -> Answer:
    """A cosignature of what was sent, by this key, that states a time so far from now."""
    state = State((key,), {ORIGIN: (world.log_key,)}, now() + timedelta(seconds=seconds))
    status, answer, _ = add_checkpoint(state, b"old 0\n\n" + body.partition(b"\n\n")[2])
    return status, {}, answer


FOR_GBR = "U//REL TO USA, GBR"


def ready(gateway: RunningGateway) -> httpx.Response:
    return httpx.get(f"{gateway.url}/readyz", timeout=60, verify=NO_TLS)


def evaluate(gateway: RunningGateway, marking: str) -> httpx.Response:
    asked = {
        "subject": {"type": "system", "id": "gbr-space-command", "properties": {"partner": "GBR"}},
        "action": {"name": "release"},
        "resource": {"type": "elset", "id": "one", "properties": json.loads(elset("one", marking))},
        "context": {"purpose": "collision-avoidance"},
    }
    headers = {"Authorization": "Bearer portal"}
    return httpx.post(f"{gateway.url}/access/v1/evaluation", json=asked, headers=headers, timeout=60, verify=NO_TLS)


def test_a_yes_to_another_enforcement_point_waits_for_the_witnesses_of_what_it_lets_go(
    world: World, gateway: RunningGateway
):
    assert evaluate(gateway, FOR_GBR).json()["decision"] is True
    world.cheat.behaviour = lambda body: (500, {}, b"")
    refused = evaluate(gateway, FOR_GBR)
    assert (refused.status_code, "true" in refused.text) == (500, False)
    assert evaluate(gateway, "SECRET//NOFORN").json()["decision"] is False  # a no lets nothing go, and waits for nobody


def order(gateway: RunningGateway, given: Order, event: Event) -> None:
    gateway.service.log.append_now([Draft(event, now(), "done")], [given])


def test_a_stop_set_while_an_answer_waits_for_its_witnesses_keeps_the_answer_here(
    world: World, gateway: RunningGateway
):
    def stopping(body: bytes) -> Answer:
        if not gateway.service.log.standing().stops:
            order(gateway, SetStop(StopKind.PARTNER, "GBR", "alice", "spill", now()), Event.STOP_SET)
        return world.honest(body)

    for let_go in (lambda: ask(gateway, "GBR").status_code, lambda: evaluate(gateway, FOR_GBR).status_code):
        assert let_go() == 200
        world.cheat.behaviour = stopping
        assert let_go() in (500, 503)
        world.cheat.behaviour = world.honest
        order(gateway, LiftStop(StopKind.PARTNER, "GBR", "alice", "", now()), Event.STOP_LIFTED)
    assert "changed while" in last(gateway, "unwitnessed").private["detail"]


OTHER_KEY = replace(signing_key("somebody-else"), name=CHEAT.name)
CHEATS = {
    "nothing there": lambda world, body: (404, {}, b"no such log\n"),
    "a bad signature, it says": lambda world, body: (403, {}, b"bad signature\n"),
    "the proof fails, it says": lambda world, body: (422, {}, b"the proof fails\n"),
    "another size, each time": lambda world, body: (409, {}, b"1\n" if body.startswith(b"old 0\n") else b"0\n"),
    "a size beyond the log": lambda world, body: (409, {}, b"9000000\n"),
    "a size that is none": lambda world, body: (409, {}, b"a few\n"),
    "an endless size": lambda world, body: (409, {}, b"9" * 70_000),
    "garbage": lambda world, body: (200, {}, b"\xff\x00garbage"),
    "nothing": lambda world, body: (200, {}, b""),
    "ten megabytes": lambda world, body: (200, {}, b"x" * 10_000_000),
    "a redirect to a good witness": lambda world, body: (307, {"Location": f"{world.norway.url}/add-checkpoint"}, b""),
    "fewer bytes than it says": lambda world, body: (200, {"Content-Length": "5000"}, b"short"),
    "no HTTP": lambda world, body: (-1, {}, b""),
    "a cosignature by another key of its name": lambda world, body: cosigned(world, OTHER_KEY, body),
    "a cosignature by another witness": lambda world, body: cosigned(world, signing_key("another"), body),
    "a time an hour ago": lambda world, body: cosigned(world, CHEAT, body, -3600),
    "a time an hour from now": lambda world, body: cosigned(world, CHEAT, body, 3600),
    "a time in another century": lambda world, body: cosigned(world, CHEAT, body, 4e9),
    "its own checkpoint back": lambda world, body: (200, {}, body.partition(b"\n\n")[2].rpartition(b"\n\n")[2]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHEATS)
def test_whatever_a_witness_answers_but_its_cosignature_lets_nothing_leave(
    world: World, gateway: RunningGateway, name: str
):
    cheat = CHEATS[name]
    world.cheat.behaviour = lambda body: cheat(world, body)
    before = len(world.cheat.asked)
    answer = ask(gateway, "GBR")
    assert (answer.status_code, answer.json()["code"]) == (503, "audit_unwitnessed")
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(world.cheat.asked[before:]) == {"/add-checkpoint"}
    released, told = last(gateway, "release"), last(gateway, "unwitnessed")
    assert (released.leaf.partner, released.leaf.outcome) == ("GBR", "released")
    assert told.private["release"] == released.leaf.release
    assert "cheat" in told.private["detail"]
    assert "audit_unwitnessed" in ready(gateway).json()["problems"]
    # Two of three are enough for JPN, whatever the third does; and it need not wait for it.
    assert witnesses_of(world, gateway, ask(gateway, "JPN"), "JPN") == {"norway", "japan"}
    assert "audit_unwitnessed" in ready(gateway).json()["problems"]
    world.cheat.behaviour = world.honest
    assert ask(gateway, "GBR").status_code == 200
    assert "audit_unwitnessed" not in ready(gateway).json()["problems"]


def test_a_cosignature_of_an_older_checkpoint_sent_again_lets_nothing_leave(world: World, gateway: RunningGateway):
    kept: list[Answer] = []

    def once_good(body: bytes) -> Answer:
        kept.append(world.honest(body))
        return kept[-1]

    world.cheat.behaviour = once_good
    assert ask(gateway, "GBR").status_code == 200
    world.cheat.behaviour = lambda body: kept[-1]
    assert ask(gateway, "GBR").json()["code"] == "audit_unwitnessed"


def test_a_quorum_that_is_reached_late_but_in_time_is_waited_for(world: World, gateway: RunningGateway):
    world.honest.delay = 0.6
    began = time.monotonic()
    assert ask(gateway, "GBR").status_code == 200
    assert time.monotonic() - began >= 0.6


def test_each_chunk_of_a_bulk_answer_waits_for_itself_and_the_answer_ends_where_its_witness_does(
    world: World, gateway: RunningGateway
):
    asked: list[bytes] = []

    def only_once(body: bytes) -> Answer:
        asked.append(body)
        return world.honest(body) if len(asked) == 1 else (500, {}, b"")

    assert ask(gateway, "GBR").status_code == 200  # so that the first question below is answered with a cosignature
    world.cheat.behaviour = only_once
    token = gateway.stage.token("GBR", purpose="collision-avoidance")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/jose"}
    url = f"{gateway.url}/udl/elset/bulk{ASKED.removeprefix('/udl/elset')}"
    came = b""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("GET", url, headers=headers, timeout=60) as answer,
    ):
        assert answer.status_code == 200
        for part in answer.iter_bytes():
            came += part
    assert came.count(b"\n") == 1  # one sealed chunk a line
    release = str(last(gateway, "unwitnessed").private["release"])
    find = gateway.service.log.find
    until(lambda: find(release)[-1].leaf.event == "interrupted", "it is not closed")  # written beside the answer's end
    entries = find(release)
    assert [(each.leaf.chunk, each.leaf.event) for each in entries] == [
        (0, "release"),
        (1, "release"),
        (2, "interrupted"),
    ]
    assert last(gateway, "unwitnessed").private["chunk"] == 1


def test_with_two_of_three_down_nothing_leaves_and_it_does_again_once_one_is_back(
    world: World, gateway: RunningGateway
):
    world.cheat.behaviour = lambda body: (500, {}, b"")
    assert ask(gateway, "JPN").status_code == 200
    world.norway.stop(signal.SIGKILL)
    try:
        answer = ask(gateway, "JPN")
        assert (answer.status_code, answer.json()["code"]) == (503, "audit_unwitnessed")
        assert "of the 2 witnesses" in last(gateway, "unwitnessed").private["detail"]
    finally:
        world.norway.start()
    assert witnesses_of(world, gateway, ask(gateway, "JPN"), "JPN") == {"norway", "japan"}


@pytest.mark.usefixtures("gateway")  # with which the set came in force
def test_after_a_restart_receipts_of_before_carry_their_witnesses_and_answers_find_them_again(world: World):
    world.cheat.behaviour = lambda body: (500, {}, b"")
    with running_gateway(world.stage, world.source, activated=False, **world.settings) as first:
        answer = ask(first, "JPN")
        assert answer.status_code == 200, answer.text
    with running_gateway(world.stage, world.source, activated=False, **world.settings) as second:
        assert ask(second, "JPN").status_code == 200
        assert witnesses_of(world, second, answer, "JPN") == {"norway", "japan"}


@pytest.mark.usefixtures("gateway")
def test_a_gateway_whose_settings_lack_a_demanded_witness_is_not_ready_and_releases_nothing(world: World):
    lacking = {**world.settings, "witnesses": {"norway": world.settings["witnesses"]["norway"]}}  # type: ignore[index]
    files = read_policy_files(world.stage.policies, world.stage.keys)
    with pytest.raises(ActivationRefused, match="no witness with the key of japan") as refused:
        check(files, frozenset({world.norway.key}))
    assert "policies/partners/JPN.toml:" in str(refused.value)
    with running_gateway(world.stage, world.source, activated=False, **lacking) as gateway:
        said = ready(gateway)
        assert (said.status_code, said.json()["status"]) == (503, "not-ready")
        assert "policy_unavailable" in said.json()["problems"]
        assert ask(gateway, "CAN").json()["code"] == "policy_unavailable"


def named_to_commands(world: World) -> None:
    """The witnesses in the settings file, which each start of a gateway here writes anew without them."""
    named = "".join(
        f'\n[witnesses.{name}]\nurl = "{said.url}"\nkey = "{said.key}"\n'
        for name, said in world.settings["witnesses"].items()  # type: ignore[attr-defined]
    )
    world.stage.config.write_text(world.stage.config.read_text() + named)


@pytest.mark.usefixtures("gateway")
def test_a_log_put_back_to_an_older_state_is_told_by_readiness_log_and_command_and_releases_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
):
    def relgate(*arguments: str) -> int:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(("--config", str(world.stage.config), *arguments))
        return int(ended.value.code or 0)

    root = world.stage.root
    assert relgate("audit", "backup", str(root / "older.sqlite3")) == 0
    with running_gateway(world.stage, world.source, activated=False, **world.settings) as gateway:
        assert ask(gateway, "JPN").status_code == 200
        newest = gateway.service.log.size()
    for file in root.glob("audit.sqlite3*"):
        file.rename(file.with_name(f"newer-{file.name}"))
    named_to_commands(world)
    assert relgate("audit", "restore", str(root / "older.sqlite3"), "--nothing-held") == 1
    assert f"has seen {newest}" in capsys.readouterr().err
    assert not (root / "audit.sqlite3").exists()

    shutil.copy(root / "older.sqlite3", root / "audit.sqlite3")  # as somebody does who does not use the command
    with (
        capture_logs() as lines,
        running_gateway(world.stage, world.source, activated=False, **world.settings) as gateway,
    ):
        until(lambda: "witness_contradicts" in ready(gateway).json()["problems"], "readiness does not say so")
        assert ready(gateway).json()["status"] == "degraded"
        assert ("witness-contradicts-log", "error") in {(line["event"], line["log_level"]) for line in lines}
        assert ask(gateway, "JPN").json()["code"] == "audit_unwitnessed"
        assert ": has seen" in last(gateway, "unwitnessed").private["detail"]
    named_to_commands(world)
    assert relgate("audit", "ask-witnesses", "--json") == 1
    answers = {each["name"]: each["answer"] for each in json.loads(capsys.readouterr().out)["witnesses"]}
    assert answers["norway"] == answers["japan"] == "CONTRADICTS"
    for file in root.glob("audit.sqlite3*"):
        file.unlink()
    for file in root.glob("newer-*"):
        file.rename(file.with_name(file.name.removeprefix("newer-")))
    assert relgate("audit", "ask-witnesses") == 0
