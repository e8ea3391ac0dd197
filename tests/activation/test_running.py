"""What is in force is the set that was activated, read back from the log whole; when it cannot be, nothing is."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from demo.stage import Stage
from gateway.activation import orders
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.running import NothingInForce, PolicyKeeper, prepare, stored_set
from gateway.audit.entry import Draft, Event
from gateway.audit.errors import LogUnavailable
from gateway.audit.log import AuditLog
from gateway.audit.orders import Activate
from gateway.identity.caller import TokenRules
from gateway.policy.load import load
from gateway.service import open_log
from tests.audit.tampering import change
from tests.support.loopback import ELSETS, loopback

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
GRACE = timedelta(minutes=15)
ORDER = orders.Order("A. Officer", "because", AT)


@pytest.fixture
async def log(tmp_path: Path, keys: Path, policies: Path) -> AsyncIterator[AuditLog]:
    stage = Stage(tmp_path / "var", keys, policies)
    opened = open_log(stage.prepare("http://127.0.0.1:1"), stage.gateway_keys(), "test")
    yield opened
    opened.close()


def keeper(log: AuditLog) -> PolicyKeeper:
    return PolicyKeeper(log, TokenRules(), GRACE, UNSIGNED, lambda: AT)


def put_in_force(log: AuditLog, files: dict[str, bytes]) -> str:
    """Activate these bytes whatever they are, as a log that was written by another version may hold them."""
    named = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    manifest = json.dumps({"files": named}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    draft = Draft(Event.POLICY_ACTIVATED, AT, "activated", private={"files": named})
    log.append_now((draft,), (Activate(digest, "test", AT, (manifest, *files.values())),))
    return digest


def activated_elsewhere(log: AuditLog, files: dict[str, bytes]) -> None:
    """Activate a set as a gateway with other tables does: those that come with this one are not stored by it."""
    policy_set = load(files)
    draft = Draft(Event.POLICY_ACTIVATED, AT, "activated", private={"files": dict(policy_set.manifest)})
    kept = (policy_set.manifest_bytes, *files.values())
    log.append_now((draft,), (Activate(policy_set.digest, "test", AT, kept),))


async def test_before_anything_was_activated_nothing_is_in_force(log: AuditLog):
    with pytest.raises(NothingInForce, match="relgate policy activate"):
        await keeper(log).in_force(AT)


async def test_what_is_in_force_is_the_very_set_that_was_activated(log: AuditLog, policies: Path, keys: Path):
    files = read_policy_files(policies, keys)
    activated = orders.activate(log, files, ORDER, UNSIGNED)
    force = await keeper(log).in_force(AT)
    assert force.running.digest == force.standing.active == activated.digest
    assert force.running.policy.policy_set == load(files)
    assert stored_set(log, activated.digest) == load(files)


async def test_a_set_is_read_once_however_many_ask_and_again_only_after_an_activation(
    log: AuditLog, policies: Path, keys: Path
):
    files = dict(read_policy_files(policies, keys))
    orders.activate(log, files, ORDER, UNSIGNED)
    kept = keeper(log)
    first = await asyncio.gather(*(kept.in_force(AT) for _ in range(20)))
    assert len({id(force.running) for force in first}) == 1
    files["policies/policy.toml"] += b"\n# a remark\n"
    activated = orders.activate(log, files, ORDER, UNSIGNED)
    second = await asyncio.gather(*(kept.in_force(AT) for _ in range(20)))
    assert {force.running.digest for force in second} == {activated.digest}
    assert len({id(force.running) for force in second}) == 1


async def test_releases_go_on_for_the_grace_time_after_a_refused_set_and_not_a_moment_longer(
    log: AuditLog, policies: Path, keys: Path
):
    orders.activate(log, read_policy_files(policies, keys), ORDER, UNSIGNED)
    orders.refuse(log, "does not load", ORDER)
    kept = keeper(log)
    assert (await kept.in_force(AT + GRACE - timedelta(microseconds=1))).standing.refused_since == AT
    with pytest.raises(NothingInForce, match="may have been a revocation"):
        await kept.in_force(AT + GRACE)


UNLOADABLE = (
    {},
    {"policies/policy.toml": b"not toml ["},
    {"policies/partners/GBR.toml": b"partner = 'GBR'"},
    {"policies/unknown.toml": b""},
    {"keys/partners/GBR.jwks.json": b"{}"},
)


@pytest.mark.parametrize("files", UNLOADABLE, ids=",".join)
async def test_an_active_set_that_no_longer_loads_is_nothing_in_force(log: AuditLog, files: dict[str, bytes]):
    put_in_force(log, files)
    with pytest.raises(NothingInForce, match="cannot be loaded"):
        await keeper(log).in_force(AT)


async def test_an_active_set_whose_bytes_are_not_all_in_the_store_is_nothing_in_force(log: AuditLog):
    manifest = json.dumps({"files": {"policies/policy.toml": "0" * 64}}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    log.append_now((Draft(Event.POLICY_ACTIVATED, AT, "a"),), (Activate(digest, "test", AT, (manifest,)),))
    with pytest.raises(NothingInForce, match=r"policies/policy\.toml"):
        await keeper(log).in_force(AT)
    with pytest.raises(LookupError):
        stored_set(log, "1" * 64)


async def test_a_set_whose_manifest_says_another_digest_is_nothing_in_force(log: AuditLog, policies: Path, keys: Path):
    put_in_force(log, dict(read_policy_files(policies, keys)))
    with pytest.raises(NothingInForce, match="loads as"):
        await keeper(log).in_force(AT)


def test_a_gateway_whose_active_set_no_longer_loads_releases_nothing_and_says_so(
    tmp_path: Path, keys: Path, policies: Path
):
    with loopback(tmp_path / "var", keys, policies=policies, activated=True) as here:
        assert here.get(ELSETS).status == 200
        put_in_force(here.gateway.service.log, {"policies/policy.toml": b"not toml ["})
        answer = here.get(ELSETS)
        assert (answer.status, answer.code) == (503, "policy_unavailable")
        assert here.entry(answer).leaf.outcome == "policy_unavailable"
        assert here.ready() == (503, ["policy_unavailable"])


def test_a_revoked_signing_key_verifies_nothing(policies: Path, keys: Path):
    file = keys / "partners" / "GBR.jwks.json"
    held = json.loads(file.read_text(encoding="utf-8"))
    for key in held["keys"]:
        if key["use"] == "sig":
            key["revoked"] = {"revoked_at": 1_700_000_000}
    before = prepare(load(read_policy_files(policies, keys)), TokenRules())
    file.write_text(json.dumps(held), encoding="utf-8")
    after = prepare(load(read_policy_files(policies, keys)), TokenRules())
    assert before.verifier.digest != after.verifier.digest
    assert before.digest != after.digest


def test_datasets_are_found_by_the_path_that_their_files_say(policies: Path, keys: Path):
    running = prepare(load(read_policy_files(policies, keys)), TokenRules())
    assert {path: file.dataset for path, file in running.paths.items()} == {
        f"/udl/{name}": name
        for name in ("conjunction", "elset", "launchevent", "maneuver", "notification", "statevector")
    }


def test_a_key_that_the_policy_set_gives_an_end_outlives_it_under_no_name_that_its_issuer_publishes(
    policies: Path, keys: Path
):
    files = dict(read_policy_files(policies, keys))
    named = files["policies/partners/GBR.toml"].replace(
        b"[identity]\n", b'[identity]\njwks_url = "https://issuer.gbr.example/jwks"\n'
    )
    held = json.loads(files["keys/partners/GBR.jwks.json"])
    for key in held["keys"]:
        key["exp"] = int(AT.timestamp())
    changed = {
        **files,
        "policies/partners/GBR.toml": named,
        "keys/partners/GBR.jwks.json": json.dumps(held).encode(),
    }
    policy_set = load(changed)
    (issuer,) = [each for each in prepare(policy_set, TokenRules()).verifier.issuers if each.partner == "GBR"]
    signing = policy_set.partners["GBR"].signing_keys
    assert signing
    assert {key.thumbprint for key in signing} <= issuer.never


async def test_tables_that_the_activating_version_did_not_have_are_in_the_log_before_anything_is_decided_from_them(
    log: AuditLog, policies: Path, keys: Path
):
    activated_elsewhere(log, dict(read_policy_files(policies, keys)))
    size = log.size()
    for _ in range(2):  # a second gateway of the same version finds them there
        force = await keeper(log).in_force(AT)
    tables = force.running.policy.policy_set.tables
    assert [entry.leaf.event for entry in log.entries(after=size - 1)] == ["tables-kept"]
    assert all(log.artifact(digest) is not None for digest in tables.values() if digest)
    assert log.verify().findings == ()


async def test_where_tables_cannot_be_kept_nothing_is_in_force(log: AuditLog, policies: Path, keys: Path):
    activated_elsewhere(log, dict(read_policy_files(policies, keys)))
    file = Path(make_url(str(log._reading._url)).database or "")
    file.chmod(0o400)
    with pytest.raises(LogUnavailable, match="read-only"):
        await keeper(log).in_force(AT)
    file.chmod(0o600)
    assert (await keeper(log).in_force(AT)).standing.active is not None


async def test_an_activation_keeps_the_tables_that_come_with_the_gateway_and_a_missing_one_is_named(
    log: AuditLog, policies: Path, keys: Path, tmp_path: Path
):
    activated = orders.activate(log, read_policy_files(policies, keys), ORDER, UNSIGNED)
    await keeper(log).in_force(AT)
    assert [entry.leaf.event for entry in log.entries()] == ["policy-activated"]
    assert log.verify().findings == ()
    digest = activated.tables["countries-and-communities"]
    change(str(log._reading._url), f"DELETE FROM artifacts WHERE digest = '{digest}'")  # noqa: S608
    said = [f"{each.where}: {each.what}" for each in log.verify().findings]
    assert said == [f"entry 0: names {digest}, which is not stored"]
