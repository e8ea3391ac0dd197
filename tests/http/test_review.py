"""Records that wait for a human release: what officers see and decide, and that a partner sees nothing of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from demo.stage import Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate, install_officers
from gateway.audit.stored import StoredEntry
from gateway.cli.main import main
from gateway.replay import Replayed, Replayer
from tests.support.cases import elset
from tests.support.loopback import ELSETS, Hands, Holds, Loopback, clock, loopback
from tests.support.officers import ALICE, BOB, CAROL, DELEGATION, MALLORY, Signer, listed
from tests.support.running import POLICIES

COUNT = "/udl/elset/count" + ELSETS.removeprefix("/udl/elset")
GRANT = 'id = "gbr-elset"\ndataset = "elset"\n'
SOON = timedelta(days=2)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys")
    Stage(tmp_path_factory.mktemp("var"), made, POLICIES).prepare("http://127.0.0.1:1")
    return made


@pytest.fixture
def hands() -> Hands:
    return clock()


@pytest.fixture
def opened(tmp_path: Path, keys: Path, hands: Hands) -> Iterator[Callable[..., Loopback]]:
    """Open a gateway whose element sets wait for so many officers before they go to GBR."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def open_one(
            review: str = "persons = 1", *, delegation: str = DELEGATION, again: bool = False, dataset: str = ""
        ) -> Loopback:
            policies = tmp_path / "policies"
            if not again:
                shutil.copytree(POLICIES, policies)
                file = policies / "partners" / "GBR.toml"
                text = file.read_text(encoding="utf-8")
                assert GRANT in text
                waits = f"{GRANT}review = {{ {review} }}\n"
                file.write_text(text.replace(GRANT, waits), encoding="utf-8")
                with (policies / "datasets" / "elset.toml").open("a", encoding="utf-8") as written:
                    written.write(dataset)
            here = stack.enter_context(
                loopback(
                    tmp_path / "var", keys, policies=policies, clock=hands, activated=not again, signatures_dir=tmp_path
                )
            )
            if not again:
                officers = listed(ALICE, BOB, CAROL, delegation=delegation)
                install_officers(here.gateway.service.log, officers, Order("test", "set", hands()), UNSIGNED)
            return here

        yield open_one


def officer(here: Loopback, who: Signer, path: str = "/review", **body: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {who.token}"}
    if not body:
        return here.client.get(path, headers=headers)
    return here.client.post(path, headers=headers, json=body)


def approve(here: Loopback, who: Signer, item: str, hands: Hands, until: timedelta = SOON) -> httpx.Response:
    end = (hands() + until).isoformat()
    return officer(here, who, f"/review/{item}/approve", reason="tasked for it", until=end)


def items(here: Loopback, who: Signer = ALICE) -> list[dict[str, object]]:
    answer = officer(here, who)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]  # type: ignore[no-any-return]


def record(here: Loopback, *raws: bytes) -> None:
    here.source.fault = Holds(raws or (elset("one", "U//REL TO USA, GBR"),))


def got(here: Loopback) -> list[dict[str, object]]:
    answer = here.get(ELSETS)
    assert answer.status == 200
    return json.loads(answer.body)  # type: ignore[no-any-return]


def test_a_record_that_waits_is_absent_from_lists_counts_pages_and_by_identifier_like_one_that_never_was(opened):
    here = opened()
    size = here.gateway.service.log.size()
    answers = [here.get(ELSETS), here.get(COUNT), here.get(ELSETS + "&firstResult=0&maxResults=1")]
    assert [answer.body for answer in answers] == [b"[]", b"0", b"[]"]
    waiting = str(items(here)[0]["identifier"])
    one, never = here.get(f"/udl/elset/{waiting}"), here.get("/udl/elset/00000000-0000-4000-8000-000000000000")
    assert (one.status, one.bare, one.headers.keys()) == (404, never.bare, never.headers.keys())
    assert here.gateway.service.log.size() == size + 6  # five answers and one reading of the queue: one leaf each
    leaves = [here.entry(answer).leaf for answer in (answers[0], one)]
    assert {leaf.released for leaf in leaves} == {0}


def test_an_officers_reading_and_decisions_say_from_which_address_they_came(opened, hands):
    here = opened()
    got(here)
    first, second = (str(item["item"]) for item in items(here)[:2])
    approve(here, ALICE, first, hands)
    officer(here, ALICE, f"/review/{second}/refuse", reason="not theirs")
    log = here.gateway.service.log
    newest = log.entries(log.size() - 4, 3)
    assert [each.leaf.event for each in newest] == ["audit-read", "review-approved", "review-refused"]
    assert {each.private["by"] for each in newest} == {ALICE.name}
    assert {each.private["peer"]["address"] for each in newest} == {"127.0.0.1"}


def test_an_officer_releases_one_record_and_exactly_that_one_goes_pointing_to_the_release(opened, hands):
    here = opened()
    assert got(here) == []
    queue = items(here)
    item = queue[3]
    assert item["release_marking"] == item["marking"]
    done = approve(here, ALICE, str(item["item"]), hands)
    assert done.json() == {"item": item["item"], "decided": "approved", "given": 1, "persons": 1, "released": True}
    answer = here.get(ELSETS)
    (released,) = json.loads(answer.body)
    assert released["idElset"] == item["identifier"]
    assert int(here.get(COUNT).body) == 1
    assert item["item"] not in [left["item"] for left in items(here)]
    entry = here.entry(answer)
    (row,) = [row for row in entry.rows if row.effect == "release"]
    assert row.detail["facts"]["approval"] == [f"review:{item['item']}", item["marking"]]  # type: ignore[index]
    found = Replayed()
    Replayer(here.gateway.service.log).replay(entry, found)
    assert found.differences == []
    (approved,) = [each for each in here.log(30) if each.leaf.event == "review-approved"]
    said = approved.private
    assert (said["by"], said["reason"], said["content"]) == ("alice", "tasked for it", item["content"])
    assert here.gateway.service.log.verify().sound


def test_no_identifier_of_a_record_that_waits_is_in_the_store_in_clear(opened, tmp_path):
    here = opened()
    record(here, elset("id-that-nobody-may-read", "U//REL TO USA, GBR"))
    got(here)
    assert [item["identifier"] for item in items(here)] == ["id-that-nobody-may-read"]
    stored = b"".join(path.read_bytes() for path in (tmp_path / "var").glob("audit.sqlite3*"))
    assert b"id-that-nobody-may-read" not in stored


def test_where_two_officers_are_asked_for_one_releases_nothing_even_twice(opened, hands):
    here = opened("persons = 2")
    record(here)
    assert got(here) == []
    (item,) = items(here)
    name = str(item["item"])
    first = approve(here, ALICE, name, hands)
    assert (first.json()["released"], got(here)) == (False, [])
    second = approve(here, ALICE, name, hands)
    assert (second.status_code, second.json()["code"], got(here)) == (403, "review_other_officer", [])
    assert approve(here, BOB, name, hands).json()["released"] is True
    assert len(got(here)) == 1


def test_a_partner_that_may_know_is_told_of_its_own_record_alone_and_polls_until_it_is_released(opened, hands):
    here = opened("persons = 1, tell = true")
    assert got(here) == []  # a list says nothing, whatever the grant says
    item = items(here)[0]
    path = f"/udl/elset/{item['identifier']}"
    told = here.get(path)
    assert (told.status, told.code) == (403, "review_pending")
    handle = json.loads(told.body)["handle"]
    poll = f"/reviews/{handle}"
    assert (here.get(poll).status, here.get(poll).code) == (403, "review_pending")
    assert here.get(poll, "JPN", Accept="*/*").code == "not_found"
    assert here.get("/reviews/" + "0" * 32).code == "not_found"
    assert len(here.entries(here.get(poll))) == 1
    approve(here, ALICE, handle, hands)
    assert (here.get(poll).status, json.loads(here.get(poll).body)["state"]) == (200, "released")
    assert here.get(path).status == 200


def test_a_refusal_ends_what_others_approved_and_the_item_does_not_come_back_when_asked_again(opened, hands):
    here = opened("persons = 1, tell = true")
    record(here)
    got(here)
    (item,) = items(here)
    name = str(item["item"])
    assert officer(here, BOB, f"/review/{name}/refuse", reason="not theirs").json()["decided"] == "refused"
    assert (got(here), items(here)) == ([], [])
    assert approve(here, ALICE, name, hands).status_code == 404
    assert here.get(f"/reviews/{name}").code == "not_found"
    hands.move(timedelta(days=3).total_seconds())
    got(here)
    assert [again["item"] for again in items(here)] == [name]


def _bytes_change(here: Loopback, hands: Hands, keys: Path, tmp_path: Path) -> None:
    record(here, elset("one", "U//REL TO USA, GBR", meanMotion=14.4))


def _label_changes(here: Loopback, hands: Hands, keys: Path, tmp_path: Path) -> None:
    record(here, elset("one", "U//REL TO USA, GBR, JPN"))


def _policy_changes(here: Loopback, hands: Hands, keys: Path, tmp_path: Path) -> None:
    files = dict(read_policy_files(tmp_path / "policies", keys))
    files["policies/policy.toml"] += b"\n# a remark\n"
    activate(here.gateway.service.log, files, Order("test", "another set", hands()), UNSIGNED)


def _officers_change(here: Loopback, hands: Hands, keys: Path, tmp_path: Path) -> None:
    install_officers(here.gateway.service.log, listed(BOB, CAROL), Order("test", "alice left", hands()), UNSIGNED)


def _time_passes(here: Loopback, hands: Hands, keys: Path, tmp_path: Path) -> None:
    hands.move(SOON.total_seconds())


@pytest.mark.parametrize("change", [_bytes_change, _label_changes, _policy_changes, _officers_change, _time_passes])
def test_a_release_is_void_as_soon_as_what_it_was_given_for_is_another(opened, hands, keys, tmp_path, change):
    here = opened()
    record(here)
    got(here)
    (item,) = items(here)
    approve(here, ALICE, str(item["item"]), hands)
    assert len(got(here)) == 1
    change(here, hands, keys, tmp_path)
    assert got(here) == []


def test_a_release_for_one_partner_or_purpose_is_none_for_another(opened, hands):
    here = opened()
    record(here, elset("one", "U//REL TO USA, CAN, GBR"))
    got(here)
    (item,) = items(here)
    approve(here, ALICE, str(item["item"]), hands)
    token = here.token("GBR", purpose="space-situational-awareness")
    answer = here.send(ELSETS, "Accept: application/json", token=token)
    assert (answer.status, answer.body) == (200, b"[]")


def test_what_waits_leaves_the_queue_in_its_time_and_comes_back_when_asked_for_again(opened, hands):
    here = opened('persons = 1, within = "2h"')
    record(here)
    got(here)
    (item,) = items(here)
    hands.move(2 * 3600)
    assert items(here) == []
    assert approve(here, ALICE, str(item["item"]), hands).status_code == 404
    got(here)
    assert [again["item"] for again in items(here)] == [item["item"]]


OUTSIDE = {
    "no delegation": "",
    "another nation": DELEGATION.replace('"GBR"', '"NOR"'),
    "a category that is missing": DELEGATION.replace('["5", "8"]', '["1"]'),
    "a delegation that has ended": DELEGATION.replace("2040", "2020"),
}


@pytest.mark.parametrize("outside", OUTSIDE)
def test_an_officer_neither_sees_nor_decides_what_lies_outside_the_delegation(opened, hands, outside):
    here = opened(delegation=OUTSIDE[outside])
    record(here)
    entry = here.entry(here.get(ELSETS))
    assert items(here) == []
    name = _item_of(entry)
    assert approve(here, ALICE, name, hands).status_code == 404
    assert officer(here, ALICE, f"/review/{name}/refuse", reason="no").status_code == 404
    assert got(here) == []


def _item_of(entry: StoredEntry) -> str:
    (row,) = entry.rows
    return str(row.detail["review"]["item"])  # type: ignore[index,call-overload]


def test_an_officer_may_not_release_above_the_level_delegated(opened, hands):
    here = opened(delegation=DELEGATION.replace("SECRET", "UNCLASSIFIED"))
    record(here, elset("one", "S//REL TO USA, GBR"))
    entry = here.entry(here.get(ELSETS))
    assert items(here) == []
    assert approve(here, ALICE, _item_of(entry), hands).status_code == 404


def test_an_officer_may_not_release_what_fields_together_raise_above_the_level_delegated(opened, hands):
    both = '\n[[compilation]]\nid = "elset-both"\nfields = ["satNo", "source"]\nlevel = "SECRET"\n'
    here = opened(delegation=DELEGATION.replace("SECRET", "UNCLASSIFIED"), dataset=both)
    record(here)
    entry = here.entry(here.get(ELSETS))
    item = _item_of(entry)
    assert items(here) == []
    assert approve(here, ALICE, item, hands).status_code == 404
    assert got(here) == []


@pytest.mark.parametrize("until", [timedelta(0), timedelta(days=-1), timedelta(days=31)])
def test_a_release_without_end_or_ended_already_is_refused(opened, hands, until):
    here = opened()
    record(here)
    got(here)
    (item,) = items(here)
    answer = approve(here, ALICE, str(item["item"]), hands, until)
    assert (answer.status_code, answer.json()["code"], got(here)) == (403, "review_not_delegated", [])


BODIES = ({"reason": "x"}, {"reason": "x", "until": "tomorrow"}, {"reason": "x", "until": "2030-01-01T00:00:00"},
          {"reason": "x", "until": "2030-01-01T00:00:00Z", "also": "this"})  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_a_decision_that_cannot_be_read_decides_nothing(opened, body):
    here = opened()
    record(here)
    got(here)
    (item,) = items(here)
    answer = officer(here, ALICE, f"/review/{item['item']}/approve", **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "body_refused")
    assert got(here) == []


def test_to_anybody_but_an_officer_the_queue_is_a_path_at_which_there_is_nothing(opened):
    here = opened()
    nothing = here.get("/nothing")
    for partner in ("GBR", "JPN"):
        assert here.get("/review", partner).bare == nothing.bare
    answer = officer(here, MALLORY)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_malformed")
    posted = here.send("/review/x/approve", "Content-Type: application/json", method="POST", body=b"{}")
    assert posted.code == here.send("/nothing", method="POST").code


def test_the_queue_and_what_was_decided_outlive_a_restart(opened, hands):
    here = opened("persons = 2")
    record(here)
    got(here)
    (item,) = items(here)
    approve(here, ALICE, str(item["item"]), hands)
    there = opened(again=True)
    record(there)
    assert [(again["item"], again["given"]) for again in items(there)] == [(item["item"], ["alice"])]
    assert approve(there, BOB, str(item["item"]), hands).json()["released"] is True
    assert len(got(there)) == 1


def test_a_relido_record_goes_by_an_officers_release_alone_and_under_the_marking_that_results(opened, hands):
    here = opened()
    text = (Path(here.gateway.settings.policies_dir) / "partners" / "GBR.toml").read_text(encoding="utf-8")
    assert "review" in text
    raw = elset("one", "S//RELIDO")
    record(here, raw)
    answer = here.get(ELSETS)
    assert json.loads(answer.body) == []
    (item,) = items(here)
    assert (item["marking"], item["release_marking"]) == ("S//RELIDO", "S//REL TO USA, GBR/RELIDO")
    assert item["content"] == hashlib.sha256(raw).hexdigest()
    approve(here, ALICE, str(item["item"]), hands)
    answer = here.get(ELSETS)
    assert [each["idElset"] for each in json.loads(answer.body)] == ["one"]
    entry = here.entry(answer)
    assert "REL TO USA, GBR" in str(entry.private["label"])
    found = Replayed()
    Replayer(here.gateway.service.log).replay(entry, found)
    assert found.differences == []


@pytest.mark.parametrize(
    "marking", ["S//NF", "S//REL TO USA, JPN", "TS//REL TO USA, GBR", "S//FGI FRA//REL TO USA, GBR", "X"]
)
def test_what_no_officer_may_release_is_not_in_the_queue(opened, marking):
    here = opened()
    record(here, elset("one", marking))
    assert got(here) == []
    assert items(here) == []


def relgate(here: Loopback, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = 0
    try:
        main(("--config", str(here.gateway.stage.config), *words))
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    return code, said.out or said.err


def key_file(folder: Path, who: Signer) -> str:
    path = folder / f"{who.name}.pem"
    pem = who.keys[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem)
    path.chmod(0o600)
    return str(path)


def test_officers_list_show_approve_and_refuse_at_the_command_line_with_their_own_keys(opened, tmp_path, capsys):
    here = opened("persons = 2")
    record(here)
    got(here)
    code, said = relgate(here, capsys, "review", "list", "--json")
    assert code == 0, said
    (item,) = json.loads(said)
    name, end = item["item"], (datetime.now(UTC) + SOON).isoformat()
    code, said = relgate(here, capsys, "review", "show", name[:8], "--json")
    assert (code, json.loads(said)["identifier"]) == (0, "one")
    words = ("review", "approve", name[:8], "--until", end, "--reason", "tasked", "--json", "--key")
    assert relgate(here, capsys, *words, key_file(tmp_path, MALLORY))[0] == 1
    assert got(here) == []
    code, said = relgate(here, capsys, *words, key_file(tmp_path, ALICE))
    assert (code, json.loads(said)["released"]) == (0, False)
    assert relgate(here, capsys, *words, key_file(tmp_path, ALICE))[0] == 1
    code, said = relgate(here, capsys, *words, key_file(tmp_path, BOB))
    assert (code, json.loads(said)["released"]) == (0, True)
    (approved, _) = [each for each in here.log(30) if each.leaf.event == "review-approved"]
    assert str(approved.private["signature"]).count(".") == 2
    record(here, elset("two", "U//REL TO USA, GBR"))
    got(here)
    (other,) = items(here)
    refusal = ("review", "refuse", str(other["item"]), "--key", key_file(tmp_path, BOB), "--reason", "not theirs")
    assert relgate(here, capsys, *refusal)[0] == 0
    assert items(here) == []
