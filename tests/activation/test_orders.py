"""Officers' acts, seen from a partner: each is in the log, acts on the very next request, and outlives a restart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import ActivationRefused, Order, activate, lift, refuse, revoke, stop
from gateway.audit.errors import DraftRefused, LogUnavailable
from gateway.audit.orders import StopKind
from tests.support.loopback import ELSETS, Hands, Loopback, clock, loopback

COUNT = "/udl/elset/count" + ELSETS.removeprefix("/udl/elset")
NOTICES = "/udl/notification?createdAt=%3E2000-01-01T00:00:00Z"
GRACE = 60


@pytest.fixture
def hands() -> Hands:
    return clock()


@pytest.fixture
def here(tmp_path: Path, keys: Path, policies: Path, hands: Hands) -> Iterator[Loopback]:
    """A gateway whose clock the test moves, with a grace time of one minute."""
    with again(tmp_path, keys, policies, hands, activated=True) as running:
        yield running


def again(tmp_path: Path, keys: Path, policies: Path, hands: Hands, *, activated: bool = False):
    """The gateway on the same log once more: what a restart finds."""
    return loopback(
        tmp_path / "var", keys, policies=policies, clock=hands, activated=activated, policy_grace_seconds=GRACE
    )


def order(hands: Hands) -> Order:
    return Order("A. Officer", "because", hands())


def put_in_force(here: Loopback, policies: Path, keys: Path, hands: Hands) -> None:
    activate(here.gateway.service.log, read_policy_files(policies, keys), order(hands), UNSIGNED)


def change(policies: Path, name: str, old: str, new: str) -> None:
    path = policies / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_set_that_does_not_load_changes_nothing_is_recorded_and_degrades_readiness(here, policies, keys, hands):
    before = here.get(ELSETS)
    change(policies, "partners/GBR.toml", 'kind = "government"', 'kind = "goverment"')
    with pytest.raises(ActivationRefused, match=r"GBR\.toml"):
        put_in_force(here, policies, keys, hands)
    (entry,) = here.log(1)
    assert (entry.leaf.event, entry.leaf.outcome) == ("policy-refused", "refused")
    assert entry.private["by"] == "A. Officer"
    assert "policies/partners/GBR.toml:" in str(entry.private["why"])
    assert here.ready() == (200, ["policy_refused"])
    assert here.client.get("/readyz").json()["status"] == "degraded"
    after = here.get(ELSETS)
    assert (after.status, after.body) == (200, before.body)
    assert here.entry(after).private["policy"] == here.entry(before).private["policy"]


def test_after_the_grace_time_nothing_is_released_until_a_set_that_loads_is_activated(here, policies, keys, hands):
    good = read_policy_files(policies, keys)
    refuse(here.gateway.service.log, "the folder is missing", order(hands))
    hands.move(GRACE - 1)
    assert here.get(ELSETS).status == 200
    assert here.ready() == (200, ["policy_refused"])
    hands.move(1)
    for partner, path in (("GBR", ELSETS), ("JPN", ELSETS), ("GBR", COUNT), ("GBR", "/udl/elset/x"), ("NOR", NOTICES)):
        answer = here.get(path, partner, Accept="*/*")
        assert (answer.status, answer.code) == (503, "policy_unavailable")
        entry = here.entry(answer)
        assert (entry.leaf.outcome, entry.leaf.released) == ("policy_unavailable", 0)
        assert "the folder is missing" not in answer.body.decode()
    assert here.ready() == (503, ["policy_unavailable"])
    assert not [seen for seen in here.source.seen if seen.path != "/udl/elset"]
    activate(here.gateway.service.log, good, order(hands), UNSIGNED)
    assert here.ready() == (200, [])
    assert here.get(ELSETS).status == 200


def test_a_second_refused_set_does_not_give_the_grace_time_anew(here, hands):
    for _ in range(3):
        refuse(here.gateway.service.log, "does not load", order(hands))
        hands.move(GRACE // 3)
    assert here.get(ELSETS).code == "policy_unavailable"


def test_a_restart_does_not_give_the_grace_time_anew(tmp_path, keys, policies, hands):
    with again(tmp_path, keys, policies, hands, activated=True) as here:
        refuse(here.gateway.service.log, "does not load", order(hands))
        hands.move(GRACE - 1)
    with again(tmp_path, keys, policies, hands) as here:
        assert here.get(ELSETS).status == 200
        hands.move(1)
        assert here.get(ELSETS).code == "policy_unavailable"


def test_an_activation_acts_on_the_next_request_and_a_withdrawn_grant_is_as_if_it_had_never_been(
    here, policies, keys, hands
):
    assert here.get(ELSETS).status == 200
    never = here.get("/udl/nothing")
    text = (policies / "partners" / "GBR.toml").read_text(encoding="utf-8")
    start = text.index('[[grant]]\nid = "gbr-elset"')
    end = text.index("[[grant]]", start + 1)
    (policies / "partners" / "GBR.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    put_in_force(here, policies, keys, hands)
    assert here.get(ELSETS).bare == never.bare
    assert here.get("/udl/elset/queryhelp").bare == never.bare


def test_files_that_change_without_an_activation_change_nothing(here, policies, keys):
    token = here.token()
    before = here.send(ELSETS, "Accept: application/json", token=token)
    for path in [*policies.rglob("*.toml"), *(keys / "partners").glob("*.json")]:
        path.write_text("broken", encoding="utf-8")
    assert here.send(ELSETS, "Accept: application/json", token=token).body == before.body
    assert here.ready() == (200, [])


def test_a_partners_key_that_leaves_the_set_signs_nothing_more_from_the_next_request_on(here, policies, keys, hands):
    token = here.token("JPN")
    assert here.send(ELSETS, token=token).status == 200
    file = keys / "partners" / "JPN.jwks.json"
    held = json.loads(file.read_text(encoding="utf-8"))
    held["keys"] = [key for key in held["keys"] if key["use"] != "sig"]
    file.write_text(json.dumps(held), encoding="utf-8")
    try:
        put_in_force(here, policies, keys, hands)
    except ActivationRefused:
        pytest.fail("a set in which a partner cannot sign must load: it is how a lost key is withdrawn")
    assert here.send(ELSETS, token=token).code == "token_key_unknown"


def test_every_byte_of_an_activated_set_is_kept_in_the_log(here, policies, keys):
    log = here.gateway.service.log
    active = log.standing().active
    assert active is not None
    manifest = log.artifact(active)
    assert manifest is not None
    files = read_policy_files(policies, keys)
    for path, digest in json.loads(manifest)["files"].items():
        assert log.artifact(digest) == files[path]


STOPS = ((StopKind.PARTNER, "GBR"), (StopKind.DATASET, "elset"))


@pytest.mark.parametrize(("kind", "subject"), STOPS)
def test_a_stop_acts_on_the_next_request_outlives_a_restart_and_ends_when_lifted(
    tmp_path, keys, policies, hands, kind: StopKind, subject: str
):
    others = ("JPN", ELSETS) if kind is StopKind.PARTNER else ("GBR", NOTICES)
    with again(tmp_path, keys, policies, hands, activated=True) as here:
        assert here.get(ELSETS).status == 200
        stop(here.gateway.service.log, kind, subject, order(hands))
        (entry,) = here.log(1)
        assert (entry.leaf.event, entry.private["reason"]) == ("stop-set", "because")
        for path in (ELSETS, COUNT, "/udl/elset/none", "/udl/elset/queryhelp"):
            answer = here.get(path)
            assert (answer.status, answer.code) == (403, "stopped")
            assert here.entry(answer).leaf.outcome == "stopped"
        assert here.get(others[1], others[0], Accept="*/*").status == 200
    with again(tmp_path, keys, policies, hands) as here:
        assert here.get(ELSETS).code == "stopped"
        lift(here.gateway.service.log, kind, subject, order(hands), UNSIGNED)
        assert here.get(ELSETS).status == 200


def test_a_stopped_record_is_absent_from_list_count_and_by_identifier_like_one_that_never_was(
    tmp_path, keys, policies, hands
):
    with again(tmp_path, keys, policies, hands, activated=True) as here:
        before = json.loads(here.get(ELSETS).body)
        count = int(here.get(COUNT).body)
        stopped = before[len(before) // 2]["idElset"]
        assert here.get(f"/udl/elset/{stopped}").status == 200
        stop(here.gateway.service.log, StopKind.RECORD, stopped, order(hands))
        assert stopped not in repr(here.log(1))
    with again(tmp_path, keys, policies, hands) as here:
        never = here.get("/udl/elset/00000000-0000-0000-0000-000000000000")
        gone = here.get(f"/udl/elset/{stopped}")
        assert (gone.status, gone.bare, gone.headers.keys()) == (404, never.bare, never.headers.keys())
        kept = [record for record in before if record["idElset"] != stopped]
        assert json.loads(here.get(ELSETS).body) == kept
        assert int(here.get(COUNT).body) == count - 1
        paged = [json.loads(here.get(f"{ELSETS}&firstResult={n}&maxResults=1").body) for n in range(count)]
        assert [record for page in paged for record in page] == kept
        columns = json.loads(here.get("/udl/elset/tuple" + ELSETS.removeprefix("/udl/elset") + "&columns=idElset").body)
        assert [record["idElset"] for record in columns] == [record["idElset"] for record in kept]
        lift(here.gateway.service.log, StopKind.RECORD, stopped, order(hands), UNSIGNED)
        assert json.loads(here.get(ELSETS).body) == before


def test_a_stop_that_is_not_in_force_cannot_be_lifted_and_nothing_is_written(here, hands):
    log = here.gateway.service.log
    size = log.size()
    with pytest.raises(DraftRefused):
        lift(log, StopKind.PARTNER, "GBR", order(hands), UNSIGNED)
    assert log.size() == size


def test_a_revoked_token_stays_revoked_after_a_restart_and_no_other_is_touched(tmp_path, keys, policies, hands):
    with again(tmp_path, keys, policies, hands, activated=True) as here:
        token, other = here.token(), here.token()
        answer = here.send(ELSETS, "Accept: application/json", token=token)
        caller = here.entry(answer).private["caller"]
        revoke(here.gateway.service.log, "GBR", caller["jti"], order(hands))  # type: ignore[index]
        assert here.log(1)[0].leaf.event == "token-revoked"
        assert here.send(ELSETS, token=token).code == "token_revoked"
    with again(tmp_path, keys, policies, hands) as here:
        assert here.send(ELSETS, token=token).code == "token_revoked"
        assert here.send(ELSETS, "Accept: application/json", token=other).status == 200


def test_a_token_is_revoked_for_one_partner_and_not_for_another_that_uses_the_same_name(here, hands):
    answer = here.get(ELSETS)
    jti = here.entry(answer).private["caller"]["jti"]  # type: ignore[index]
    revoke(here.gateway.service.log, "JPN", jti, order(hands))
    assert here.get(ELSETS).status == 200


def test_an_activation_that_cannot_be_recorded_changes_nothing(here, policies, keys, hands, tmp_path):
    change(policies, "partners/GBR.toml", "until = 2030-01-01", "until = 2020-01-01")
    file = tmp_path / "var" / "audit.sqlite3"
    file.chmod(0o400)
    with pytest.raises(LogUnavailable):
        put_in_force(here, policies, keys, hands)
    file.chmod(0o600)
    assert here.get(ELSETS).status == 200
    put_in_force(here, policies, keys, hands)
    assert here.get(ELSETS).code == "agreement_expired"
