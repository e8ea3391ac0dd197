"""A saved answer opens and proves later, with nothing but the files that the partner kept."""

import httpx
import pytest

from gateway.audit.errors import ProofRefused
from gateway.client import AnswerRefused, ReceiptRefused, open_answer, prove_all, recipient
from gateway.keys.errors import JwkRefused

BASE = "https://gateway.example.mil"


def holder(gateway, **said: object):
    return recipient(gateway.jpn.private_jwks, gateway.gateway_jwks, gateway.log_verifier_key, **said)


def saved(gateway) -> tuple[bytes, list[bytes]]:
    body = gateway(httpx.Request("GET", f"{BASE}/udl/elset")).read()
    number = len(gateway.contents)
    receipts = [
        gateway(httpx.Request("GET", f"{BASE}/releases/rel-1/receipt?chunk={chunk}")).read() for chunk in range(number)
    ]
    return body, receipts


def test_a_saved_answer_opens_and_its_receipts_prove_it(gateway) -> None:
    gateway.contents = [b"[1", b",2]"]
    body, receipts = saved(gateway)
    answer = open_answer(body, holder(gateway, partner="JPN"))
    assert (answer.content, answer.media_type, answer.release) == (b"[1,2]", "application/json", "rel-1")
    assert [proof.checkpoint.origin for proof in prove_all(answer, receipts, holder(gateway))] == [
        "gateway.example.mil/log"
    ] * 2


def test_receipts_in_the_wrong_order_prove_nothing(gateway) -> None:
    gateway.contents = [b"[1", b",2]"]
    body, receipts = saved(gateway)
    with pytest.raises(ReceiptRefused, match="chunk"):
        prove_all(open_answer(body, holder(gateway)), receipts[::-1], holder(gateway))


@pytest.mark.parametrize("number", [0, 1, 3])
def test_too_few_or_too_many_receipts_prove_nothing(gateway, number: int) -> None:
    gateway.contents = [b"[1", b",2]"]
    body, receipts = saved(gateway)
    with pytest.raises(ReceiptRefused, match="receipt_missing"):
        prove_all(open_answer(body, holder(gateway)), (receipts * 2)[:number], holder(gateway))


def test_a_receipt_of_the_same_content_in_another_release_proves_nothing(gateway) -> None:
    body, _ = saved(gateway)
    gateway(httpx.Request("GET", f"{BASE}/udl/elset"))
    other = gateway(httpx.Request("GET", f"{BASE}/releases/rel-2/receipt")).read()
    with pytest.raises(ReceiptRefused, match="release"):
        prove_all(open_answer(body, holder(gateway)), [other], holder(gateway))


def test_a_file_that_is_no_answer_is_refused(gateway) -> None:
    for body in (b"", b"\n", b"[]", b"\xff" * 100):
        with pytest.raises(AnswerRefused, match="not_sealed"):
            open_answer(body, holder(gateway))


def test_what_a_partner_holds_is_read_strictly(gateway) -> None:
    with pytest.raises(JwkRefused):
        recipient(gateway.jpn.public_jwks, gateway.gateway_jwks, gateway.log_verifier_key)
    with pytest.raises(JwkRefused):
        recipient(gateway.jpn.private_jwks, gateway.jpn.private_jwks, gateway.log_verifier_key)
    with pytest.raises(ProofRefused):
        recipient(gateway.jpn.private_jwks, gateway.gateway_jwks, gateway.log_verifier_key[:-4])


def test_the_logs_origin_is_its_keys_name_unless_told_otherwise(gateway) -> None:
    assert holder(gateway).origin == "gateway.example.mil/log"
    assert holder(gateway, origin="b.example/log").origin == "b.example/log"
