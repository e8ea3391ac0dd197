"""A partner gets the receipts of its own releases; anybody else's, and those that never were, are not found alike."""

import json
import re
import sqlite3

import pytest

from gateway.audit import receipt
from gateway.audit.checkpoint import open_note, parse_checkpoint, parse_verifier_key
from tests.support.loopback import ELSETS, Answer, Loopback


def receipt_path(answer: Answer) -> str:
    link = re.fullmatch(r'<(/releases/[0-9a-f]{32}/receipt)>; rel="receipt"', answer.headers["link"])
    assert link is not None
    return link[1]


def test_an_answers_link_leads_to_the_receipt_that_proves_it_with_the_logs_key_alone(here: Loopback):
    answer = here.get(ELSETS)
    issued = here.get(receipt_path(answer))
    assert (issued.status, issued.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    said = here.client.get("/.well-known/relgate-keys.json").json()
    verifier = parse_verifier_key(said["log_verifier_key"])
    leaf = receipt.leaf_of(issued.body)
    receipt.verify(issued.body, leaf, [verifier], said["origin"])
    assert json.loads(leaf)["request"] == answer.headers["x-request-id"]


def test_another_partners_receipt_and_one_that_never_was_are_not_found_alike(here: Loopback):
    path = receipt_path(here.get(ELSETS))
    never = here.get("/releases/00000000000000000000000000000000/receipt", "JPN")
    others = here.get(path, "JPN")
    assert (others.status, others.code) == (404, "not_found")
    assert others.bare == never.bare
    assert here.entry(others).leaf.partner == "JPN"
    assert here.send(path, token=None).code == "token_missing"


QUERIES = (
    ("?chunk=0", 200, ""),
    ("?chunk=1", 404, "not_found"),
    ("?chunk=99999999", 404, "not_found"),
    ("?chunk=-1", 400, "parameter_invalid"),
    ("?chunk=", 400, "parameter_invalid"),
    ("?chunk=999999999", 400, "parameter_invalid"),
    ("?chunk=%D9%A1", 400, "parameter_invalid"),
    ("?chunk=0&chunk=0", 400, "parameter_repeated"),
    ("?chunk=0&x=1", 400, "parameter_unknown"),
)


@pytest.mark.parametrize(("query", "status", "code"), QUERIES)
def test_a_receipts_query_names_one_chunk_and_nothing_else(here: Loopback, query: str, status: int, code: str):
    path = receipt_path(here.get(ELSETS))
    answer = here.get(path + query)
    assert (answer.status, answer.code) == (status, code)
    if code:
        assert here.entry(answer).leaf.outcome == code
    assert here.send(path + query, token=None).code == "token_missing"


@pytest.mark.parametrize("name", ["x" * 300, "..", "%00", "a'b", "a--", "*"])
def test_a_release_of_any_name_is_looked_up_and_not_found(here: Loopback, name: str):
    answer = here.send(f"/releases/{name}/receipt")
    assert answer.code == "not_found"
    assert here.entry(answer).leaf.outcome == "not_found"


def test_a_receipt_that_cannot_be_read_is_unavailable_and_comes_again(here: Loopback):
    path = receipt_path(here.get(ELSETS))
    with sqlite3.connect(here.gateway.stage.root / "audit.sqlite3") as store:
        store.execute("ALTER TABLE cosigned RENAME TO elsewhere")
    answer = here.get(path)
    with sqlite3.connect(here.gateway.stage.root / "audit.sqlite3") as store:
        store.execute("ALTER TABLE elsewhere RENAME TO cosigned")
    assert (answer.status, answer.code) == (503, "audit_unavailable")
    assert here.get(path).status == 200


def test_the_checkpoint_is_signed_by_the_logs_key_and_grows_with_every_answer(here: Loopback):
    key = parse_verifier_key(here.client.get("/.well-known/relgate-keys.json").json()["log_verifier_key"])
    before = parse_checkpoint(open_note(here.client.get("/checkpoint").text, [key]).text)
    here.get("/nothing")
    after = parse_checkpoint(open_note(here.client.get("/checkpoint").text, [key]).text)
    assert after.size == before.size + 1


def test_the_published_keys_hold_nothing_private(here: Loopback):
    said = here.client.get("/.well-known/relgate-keys.json").json()
    assert {"keys", "log_verifier_key", "origin"} == set(said)
    for key in said["keys"]:
        assert not {"d", "p", "q", "k"} & set(key)
