"""An emergency is opened by an officer whom its file names, and, where orders are signed, by that officer's key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.stage import Stage
from gateway.activation import orders
from gateway.activation.approval import UNSIGNED, Demand, Purpose
from gateway.activation.emergencies import EmergencyRefused, close_emergency, open_emergency, subject
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order
from gateway.audit.errors import DraftRefused
from gateway.audit.log import AuditLog
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet
from gateway.service import open_log
from tests.support.officers import ALICE, BOB, MALLORY, ORIGIN, Signer, listed

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
TWO = Demand(2, ORIGIN)
LASTS = 'for = "6h"'
FILED = '["Duty disclosure officer (fictional)"]'


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, made_keys: Path) -> Stage:
    return Stage(tmp_path_factory.mktemp("emergency") / "var", made_keys, Path(__file__).parents[2] / "policies")


@pytest.fixture(scope="module")
def files(stage: Stage) -> Mapping[str, bytes]:
    """The worked set, with officers of the list in the place of the one that its file names."""
    stage.prepare("http://127.0.0.1:1")
    files = dict(read_policy_files(stage.policies, stage.keys))
    text = files["policies/partners/KOR.toml"].decode()
    named = text.replace(FILED, f'["{ALICE.name}"]')
    named = named.replace("[redelegation]\nofficers", f'[redelegation]\nofficers = ["{ALICE.name}"] #')
    files["policies/partners/KOR.toml"] = named.encode()
    return files


@pytest.fixture(scope="module")
def policy(files: Mapping[str, bytes]) -> PolicySet:
    return load(files)


@pytest.fixture
def log(stage: Stage, tmp_path: Path) -> Iterator[AuditLog]:
    settings = stage.settings().model_copy(update={"log_url": f"sqlite:///{tmp_path}/audit.sqlite3"})
    opened = open_log(settings, stage.gateway_keys(), "test")
    data = listed(ALICE, BOB)
    signatures = [each.sign(Purpose.OFFICERS, hashlib.sha256(data).hexdigest(), AT) for each in (ALICE, BOB)]
    orders.install_officers(opened, data, Order("A", "because", AT), TWO, signatures)
    yield opened
    assert opened.verify().sound
    opened.close()


def opening(log: AuditLog, policy: PolicySet, by: str, signature: str) -> datetime:
    order = Order(by, "the station must move", AT)
    return open_emergency(log, policy, "KOR", "kor-station", order, TWO, signature)


def signed(policy: PolicySet, signer: Signer, about: str = "") -> str:
    return signer.sign(Purpose.EMERGENCY, about or subject(policy, "KOR", "kor-station"), AT)


def test_the_named_officer_opens_it_by_signing_and_its_end_is_the_files(log: AuditLog, policy: PolicySet) -> None:
    assert opening(log, policy, ALICE.name, signed(policy, ALICE)) == AT + timedelta(hours=6)
    assert log.standing().emergencies("KOR") == {"kor-station": AT}
    assert log.standing().emergencies("JPN") == {}
    close_emergency(log, "KOR", "kor-station", Order("anybody", "over", AT))
    assert log.standing().opened == ()
    with pytest.raises(DraftRefused):
        close_emergency(log, "KOR", "kor-station", Order("anybody", "over", AT))


@pytest.mark.parametrize(
    ("by", "signer", "about"),
    [
        pytest.param(ALICE.name, None, "", id="not signed"),
        pytest.param(ALICE.name, BOB, "", id="signed by another officer"),
        pytest.param(BOB.name, BOB, "", id="an officer whom the file does not name"),
        pytest.param(ALICE.name, MALLORY, "", id="signed by nobody's key"),
        pytest.param(ALICE.name, ALICE, "KOR/kor-other/0", id="signed for another emergency"),
    ],
)
def test_nobody_else_opens_it_and_nothing_is_written(
    log: AuditLog, policy: PolicySet, by: str, signer: Signer | None, about: str
) -> None:
    size = log.size()
    with pytest.raises(EmergencyRefused):
        opening(log, policy, by, "" if signer is None else signed(policy, signer, about))
    assert (log.size(), log.standing().opened) == (size, ())


def test_a_signature_under_an_earlier_set_opens_nothing_of_this_one(log: AuditLog, policy: PolicySet) -> None:
    with pytest.raises(EmergencyRefused):
        opening(log, policy, ALICE.name, signed(policy, ALICE, "KOR/kor-station/" + "0" * 64))


def with_longest(files: Mapping[str, bytes], longest: str) -> Mapping[str, bytes]:
    """Another set: the emergency may last so long, and there is a remark that changes nothing."""
    text = files["policies/partners/KOR.toml"].decode()
    assert LASTS in text
    changed = text.replace(LASTS, f'for = "{longest}"') + "# a remark\n"
    return {**files, "policies/partners/KOR.toml": changed.encode()}


@pytest.mark.parametrize(
    ("longest", "after", "stays"),
    [
        pytest.param("24h", timedelta(hours=7), False, id="over, and longer in the new set"),
        pytest.param("24h", timedelta(hours=1), False, id="open, and longer in the new set"),
        pytest.param("6h", timedelta(hours=7), False, id="over, and the same in the new set"),
        pytest.param("6h", timedelta(hours=1), True, id="open, and the same in the new set"),
    ],
)
def test_an_activation_neither_opens_again_nor_changes_what_an_officer_opened(
    log: AuditLog, policy: PolicySet, files: Mapping[str, bytes], longest: str, after: timedelta, stays: bool
) -> None:
    orders.activate(log, files, Order("A", "because", AT), UNSIGNED)
    opening(log, policy, ALICE.name, signed(policy, ALICE))
    orders.activate(log, with_longest(files, longest), Order("A", "longer", AT + after), UNSIGNED)
    assert log.standing().emergencies("KOR") == ({"kor-station": AT} if stays else {})
