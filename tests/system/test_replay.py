"""Every decision of a long and varied run, made again from its audit entry, comes out the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.activation import orders
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order
from gateway.audit.log import AuditLog
from gateway.audit.orders import StopKind
from gateway.audit.stored import StoredEntry
from gateway.policy.decision import Effect
from gateway.replay import Replayed, Replayer
from sample_source.tables import Tables
from tests.support.running import RunningGateway
from tests.system.acting import Acting
from tests.system.expect import Asker
from tests.system.walks import AUS, COMPANY, DATASETS, DEU, GBR, GBR_PLAIN, JPN, NATO

ACT = Callable[[Asker], Acting]
ASKERS = (
    JPN, GBR, GBR_PLAIN, DEU, AUS, COMPANY, NATO, Asker("NOR", "collision-avoidance"),
    Asker("JPN", "anomaly-resolution"), Asker("JPN", "no-such-purpose"), Asker("AUS", "space-situational-awareness"),
)  # fmt: skip
REQUESTS = 25
PAGE = 500


def ask_around(act: ACT, tables: Tables, rng: random.Random) -> None:
    """Many requests of many partners: every operation, pages, filters, what is refused, what does not exist."""
    for _ in range(REQUESTS):
        program, dataset = (
            act(rng.choice(ASKERS)),
            rng.choice([*DATASETS, "nothing"] if rng.random() < 0.1 else DATASETS),
        )
        page = {"firstResult": rng.choice([0, 0, 5, 400]), "maxResults": rng.choice([1, 7, 50, 10_000])}
        match rng.choice(["list", "list", "count", "tuple", "id", "id", "sorted", "unknown"]):
            case "list":
                program.listed(dataset, **page) if dataset in DATASETS else program.get(f"/udl/{dataset}")
            case "count" if dataset in DATASETS:
                program.listed(dataset, "/count")
            case "tuple" if dataset in DATASETS:
                program.listed(dataset, "/tuple", columns="source,dataMode,createdAt", **page)
            case "sorted" if dataset in DATASETS:
                program.listed(dataset, sort=rng.choice(["createdAt,DESC", "posUnc", "missDistance"]), **page)
            case "unknown" if dataset in DATASETS:
                program.listed(dataset, **{rng.choice(["disableCapcoExtensions", "satNo", "msgType"]): "7"})
            case _:
                record = rng.choice(tables.records.get(dataset, tables.records["elset"]))
                program.get(f"/udl/{dataset}/{record.identifier}")


@pytest.fixture(scope="module")
def log(gateway: RunningGateway, act: ACT, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> AuditLog:
    """The log of a run in which stops were set and lifted, a token revoked and other policy sets activated."""
    log, clock, rng = gateway.service.log, gateway.service.clock, random.Random(3)

    def order() -> Order:
        return Order("officer", "test", clock())

    spilled = next(
        record.identifier
        for record in tables.records["notification"]
        if record.flaw is None and record.values["classificationMarking"] == "U//REL TO USA, FVEY"
    )
    act(JPN).listed("statevector", sort="posUnc")
    act(JPN).listed("elset", disableCapcoExtensions="true")
    act(COMPANY).listed("conjunction")
    act(Asker("NOR", "collision-avoidance")).listed("notification")
    act(Asker("JPN", "no-such-purpose")).listed("elset")
    ask_around(act, tables, rng)
    orders.stop(log, StopKind.PARTNER, "AUS", order())
    orders.stop(log, StopKind.DATASET, "conjunction", order())
    orders.stop(log, StopKind.RECORD, spilled, order())
    act(AUS).listed("elset")
    act(GBR_PLAIN).listed("notification")
    ask_around(act, tables, rng)
    orders.lift(log, StopKind.DATASET, "conjunction", order(), UNSIGNED)
    orders.lift(log, StopKind.PARTNER, "AUS", order(), UNSIGNED)
    ask_around(act, tables, rng)
    orders.activate(log, _changed(gateway, tmp_path_factory.mktemp("changed")), order(), UNSIGNED)
    ask_around(act, tables, rng)
    return log


def _changed(gateway: RunningGateway, folder: Path) -> dict[str, bytes]:
    """The shipped set after an officer's edit: Japan's notices held a day, its conjunctions coarser, a deny for all."""
    files = dict(read_policy_files(gateway.stage.policies, gateway.stage.keys))
    for path, old, new in (
        ("policies/partners/JPN.toml", b'delay = "1h"', b'delay = "10d"'),
        ("policies/partners/JPN.toml", b"closing-speed = 1 ", b"closing-speed = 10 "),
        ("policies/datasets/elset.toml", b'dataMode = "EXERCISE"', b'dataMode = ["EXERCISE", "TEST"]'),
        ("policies/partners/NOR.toml", b"until = 2026-06-01", b"until = 2027-06-01"),
    ):
        assert old in files[path], (path, old)
        files[path] = files[path].replace(old, new)
    return files


@pytest.fixture(scope="module")
def entries(log: AuditLog) -> list[StoredEntry]:
    found: list[StoredEntry] = []
    while page := log.entries(len(found) - 1, PAGE):
        found += page
    return found


def test_every_decision_of_the_run_comes_out_the_same_from_its_entry(log: AuditLog, entries: list[StoredEntry]) -> None:
    found, replayer = Replayed(), Replayer(log)
    for entry in entries:
        replayer.replay(entry, found)
    assert found.differences == []
    assert found.entries > 2 * REQUESTS
    assert found.decisions > 2_000


def test_the_run_held_releases_refusals_of_every_kind_and_two_policy_sets(entries: list[StoredEntry]) -> None:
    outcomes = {entry.leaf.outcome for entry in entries}
    assert {"released", "not_found", "agreement_expired", "stopped", "purpose_not_agreed"} <= outcomes
    assert {"parameter_refused", "parameter_unknown", "dataset_not_covered"} <= outcomes
    assert (
        len({entry.private["policy"] for entry in entries if "policy" in entry.private and "subject" in entry.private})
        == 2
    )
    reasons = {str(row.detail["reasons"]) for entry in entries for row in entry.rows}
    assert "['hold:stopped']" in reasons
    effects = {row.effect for entry in entries for row in entry.rows}
    assert effects == {Effect.RELEASE.value, Effect.WITHHOLD.value}


def test_every_request_of_the_run_has_exactly_one_entry(act: ACT, entries: list[StoredEntry]) -> None:
    """But for receipts that were handed out, which are proofs of entries and make none."""
    asked = sum(len(act(asker).requests) for asker in ASKERS)
    answered = [entry.leaf.request for entry in entries if entry.leaf.request]
    assert len(answered) == len(set(answered)) == asked


def test_an_entry_that_says_something_else_than_was_decided_is_found(log: AuditLog, entries: list[StoredEntry]) -> None:
    entry = next(each for each in entries if each.leaf.released and any(not r.digest for r in each.rows))
    number, withheld = next((n, row) for n, row in enumerate(entry.rows) if not row.digest)
    said = replace(withheld, effect=Effect.RELEASE.value)
    rows = (*entry.rows[:number], said, *entry.rows[number + 1 :])
    found = Replayed()
    Replayer(log).replay(replace(entry, rows=rows), found)
    assert [(each.row, each.what, each.then, each.now) for each in found.differences] == [
        (number, "effect", "release", "withhold")
    ]
