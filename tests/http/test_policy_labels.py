"""A dataset under a security policy, through a running gateway: what goes, what stays, what the log then proves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.activation.files import read_policy_files
from gateway.audit.stored import StoredEntry
from gateway.client.transport import GatewayTransport
from gateway.replay import Replayed, Replayer
from tests.markings.policies import PERMITS, RESTRICTS, cat
from tests.support.loopback import ELSETS, Answer, Holds, Loopback, loopback
from tests.support.policied import marking, record, under_policy
from tests.support.running import POLICIES

XAA, XBB, XCC = (cat(PERMITS, "Release", name) for name in ("XAA", "XBB", "XCC"))
GREEN = cat(RESTRICTS, "Compartment", "GREEN")
GUARDED, SEALED, OPEN = marking("GUARDED", XAA), marking("SEALED", XAA), marking("OPEN", XCC)
MIXED = {
    "guarded": GUARDED,
    "sealed": SEALED,
    "open": OPEN,
    "others": marking("GUARDED", XBB),
    "no-list": marking("GUARDED"),
    "unmapped": marking("LOCKED", XAA),
    "stale": marking("GUARDED", XAA, GREEN),
    "cut-off": GUARDED[:-20],
    "unknown-type": GUARDED.replace("PERMISSIVE", "PERHAPS"),
    "of-another": GUARDED.replace("AURORA", "MERIDIAN"),
    "us-words": "U//REL TO USA, GBR, JPN",
    "number": 7,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Loopback]:
    """A gateway whose element sets stand under the fictional policy."""
    folder = tmp_path_factory.mktemp("policied")
    policies = under_policy(read_policy_files(POLICIES, folder / "none"))
    for path, content in policies.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    with loopback(folder / "var", keys, policies=folder / "policies") as found:
        yield found


def ask(running: Loopback, records: dict[str, object], partner: str = "GBR", path: str = ELSETS) -> Answer:
    running.source.fault = Holds(tuple(record(name, text) for name, text in records.items()))
    return running.get(path, partner)


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [found["idElset"] for found in json.loads(answer.body)]


def test_only_records_whose_labels_the_policy_and_the_agreement_permit_leave(running: Loopback):
    answer = ask(running, {**MIXED, "open": GUARDED})
    assert names(answer) == ["guarded", "sealed", "open"]
    assert {found["classificationMarking"] for found in json.loads(answer.body)} == {GUARDED, SEALED}
    assert running.entry(answer).private["label"] == "AURORA SEALED RELEASE TO Alphaland"


def test_an_answer_whose_parts_are_released_to_nobody_in_common_does_not_leave(running: Loopback):
    answer = ask(running, {"one": GUARDED, "two": OPEN})
    assert answer.code == "release_check_failed"
    assert running.entry(answer).leaf.outcome == "release_check_failed"


def test_a_withheld_record_by_identifier_is_like_one_that_never_was(running: Loopback):
    for name in ("others", "cut-off", "nobody"):
        assert names(ask(running, MIXED, path=f"{ELSETS}&idElset={name}")) == []
    assert names(ask(running, MIXED, path=f"{ELSETS}&idElset=guarded")) == ["guarded"]
    counted = ask(running, MIXED | {"open": GUARDED}, path=ELSETS.replace("?", "/count?"))
    assert counted.body == b"3"


def test_a_nation_that_is_cleared_lower_has_its_sealed_answer_with_the_wholes_label(running: Loopback):
    running.source.fault = Holds((record("open", OPEN), record("guarded", GUARDED)))
    with running.gateway.client("JPN") as client:
        answer = client.get(running.gateway.url + ELSETS, headers={"Authorization": f"Bearer {running.token('JPN')}"})
    assert [found["idElset"] for found in answer.json()] == ["open"]
    assert isinstance(client._transport, GatewayTransport)
    assert running.log(1)[0].private["label"] == "AURORA OPEN RELEASE TO XCC"


def test_a_company_has_what_counts_as_unclassified_and_nothing_above(running: Loopback):
    running.source.fault = Holds((record("guarded", GUARDED),))
    with running.gateway.client("ORBITWATCH") as client:
        headers = {"Authorization": f"Bearer {running.token('ORBITWATCH', None)}"}
        answer = client.get(running.gateway.url + ELSETS, headers=headers)
    assert answer.json() == []


def test_every_decision_about_policy_labels_comes_out_the_same_from_its_entry(running: Loopback):
    entry = running.entry(ask(running, MIXED))
    assert entry.private["tables"]["profile:spif:AURORA"]  # type: ignore[index,call-overload]
    assert _shown(entry) == {text for text in MIXED.values() if isinstance(text, str)} | {None}
    found, replayer = Replayed(), Replayer(running.gateway.service.log)
    for each in running.log(50):
        replayer.replay(each, found)
    assert found.differences == []
    assert found.decisions >= len(MIXED)


def _shown(entry: StoredEntry) -> set[object]:
    return {row.detail["marking"] for row in entry.rows}
