"""A program on top of the transport gets plain, proven content or an exception, and never anything in
between.
"""

import json
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from gateway.client import (
    AnswerRefused,
    AsyncGatewayTransport,
    ClientError,
    Delivery,
    GatewayTransport,
    ReceiptRefused,
    ReceiptsInFolder,
    ReceiptsInMemory,
)
from gateway.keys.jwks import write_private_jwks
from gateway.keys.partner import generate_partner

BASE = "https://gateway.example.mil"
TOKEN = {"Authorization": "Bearer a.b.c"}


def transport(gateway, **said: object) -> GatewayTransport:
    return GatewayTransport(
        gateway.jpn.private_jwks,
        gateway.gateway_jwks,
        gateway.log_verifier_key,
        **({"inner": httpx.MockTransport(gateway)} | said),
    )


def get(gateway, path: str = "/udl/elset", **said: object) -> httpx.Response:
    with httpx.Client(transport=transport(gateway, **said), base_url=BASE, headers=TOKEN) as client:
        return client.get(path)


def refusal(gateway, **said: object) -> ClientError:
    with pytest.raises(ClientError) as refused:
        get(gateway, **said)
    return refused.value


def test_a_sealed_answer_arrives_as_plain_json(gateway) -> None:
    response = get(gateway)
    assert response.json() == [{"id": "one"}]
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))


def test_headers_of_the_sealed_form_go_and_all_others_stay(gateway) -> None:
    gateway.extra_headers = {"content-digest": "sha-256=:AA==:", "x-more": "kept"}
    response = get(gateway)
    assert "etag" not in response.headers
    assert "content-digest" not in response.headers
    assert (response.headers["x-request-id"], response.headers["x-more"]) == ("r-1", "kept")
    assert "link" in response.headers


def test_the_answer_says_what_was_delivered_and_proven(gateway) -> None:
    delivery = get(gateway).extensions["relgate"]
    assert isinstance(delivery, Delivery)
    assert (delivery.answer.release, delivery.answer.labels) == ("rel-1", ("UNCLASSIFIED//REL TO USA, JPN",))
    assert [proof.index for proof in delivery.proven] == [2]


def test_a_sealed_uncompressed_answer_is_asked_for_whatever_the_program_asked(gateway) -> None:
    get(gateway)
    assert gateway.seen[0].headers["accept"] == "application/jose"
    assert gateway.seen[0].headers["accept-encoding"] == "identity"


def test_an_answer_in_chunks_is_joined_and_each_chunk_proven(gateway) -> None:
    gateway.contents = [b'[{"id":"one"}', b',{"id":"two"}', b"]"]
    response = get(gateway)
    assert response.json() == [{"id": "one"}, {"id": "two"}]
    assert len(response.extensions["relgate"].proven) == 3
    assert [request.url.query for request in gateway.seen[1:]] == [b"chunk=0", b"chunk=1", b"chunk=2"]


def test_media_types_other_than_json_come_through(gateway) -> None:
    gateway.contents, gateway.media_type = [b"42"], "text/plain"
    response = get(gateway, path="/udl/elset/count")
    assert (response.text, response.headers["content-type"]) == ("42", "text/plain")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 406, 500, 503])
def test_what_is_no_success_passes_through_as_it_came(gateway, status: int) -> None:
    gateway.status = status
    response = get(gateway)
    assert (response.status_code, response.json()) == (status, {"code": "not_found"})


@pytest.mark.parametrize("status", [201, 202, 203, 206])
def test_another_success_than_200_is_refused_since_it_could_carry_anything(gateway, status: int) -> None:
    gateway.status = status
    assert refusal(gateway).code == "answer_not_sealed"


@pytest.mark.parametrize("kind", ["application/json", "application/jose+json", "text/plain", ""])
def test_a_plain_answer_is_refused_where_a_sealed_one_was_asked_for(gateway, kind: str) -> None:
    gateway.extra_headers = {"content-type": kind}
    assert refusal(gateway).code == "answer_not_sealed"


def test_a_compressed_answer_is_refused_before_it_is_unpacked(gateway) -> None:
    gateway.extra_headers = {"content-encoding": "gzip"}
    assert refusal(gateway).code == "answer_encoded"


def test_an_answer_over_the_limit_is_refused_without_holding_all_of_it(gateway) -> None:
    gateway.contents = [b"x" * 10_000]
    assert refusal(gateway, body_limit=5_000).code == "answer_too_large"


def test_paths_that_carry_no_data_are_left_alone(gateway) -> None:
    gateway.status = 401
    get(gateway, path="/health")
    assert gateway.seen[0].headers["accept"] == "*/*"


def test_an_encoded_data_path_is_still_a_data_path(gateway) -> None:
    gateway.extra_headers = {"content-type": "application/json"}
    assert refusal(gateway, path="/ud%6c/elset").code == "answer_not_sealed"


def test_an_answer_sealed_to_another_key_is_refused(gateway) -> None:
    other = write_private_jwks((generate_partner("JPN").sealing,))
    with (
        httpx.Client(
            transport=GatewayTransport(
                other, gateway.gateway_jwks, gateway.log_verifier_key, inner=httpx.MockTransport(gateway)
            ),
            base_url=BASE,
        ) as client,
        pytest.raises(AnswerRefused, match="not_for_this_key"),
    ):
        client.get("/udl/elset")


def test_an_answer_released_to_another_partner_on_my_key_is_refused(gateway) -> None:
    gateway.partner = "GBR"
    assert refusal(gateway, partner="JPN").code == "headers_disagree"


def test_an_answer_signed_by_a_key_we_do_not_know_is_refused(gateway) -> None:
    another = type(gateway)().gateway_jwks
    with (
        httpx.Client(
            transport=GatewayTransport(
                gateway.jpn.private_jwks,
                another,
                gateway.log_verifier_key,
                inner=httpx.MockTransport(gateway),
            ),
            base_url=BASE,
        ) as client,
        pytest.raises(AnswerRefused, match="signer_unknown"),
    ):
        client.get("/udl/elset")


# --- the body on the wire


def meddled(gateway, meddle) -> httpx.MockTransport:
    def handler(request: httpx.Request) -> httpx.Response:
        response = gateway(request)
        if not request.url.path.startswith("/udl/"):
            return response
        body = httpx.ByteStream(meddle(response.read()))
        return httpx.Response(200, stream=body, headers=response.headers)

    return httpx.MockTransport(handler)


@pytest.mark.parametrize(
    ("meddle", "expected"),
    [
        (lambda body: b"", "not_sealed"),
        (lambda body: body[:-1] + b"!", "cannot_decrypt"),
        (lambda body: b"\n".join(body.split(b"\n")[:2]), "cut_short"),
        (lambda body: b"\n".join(body.split(b"\n")[1:]), "out_of_order"),
        (lambda body: b"\n".join(reversed(body.split(b"\n"))), "out_of_order"),
        (lambda body: body + b"\n" + body, "too_much"),
        (lambda body: body + b"\n\n", "too_much"),
        (lambda body: body.replace(b"\n", b"\r\n"), "cannot_decrypt"),
        (lambda body: json.dumps([{"id": "forged"}]).encode(), "not_sealed"),
    ],
)
def test_a_body_meddled_with_on_the_way_is_refused(gateway, meddle, expected: str) -> None:
    gateway.contents = [b"[1", b",2", b"]"]
    assert refusal(gateway, inner=meddled(gateway, meddle)).code == expected


def test_one_newline_at_the_end_changes_nothing(gateway) -> None:
    assert get(gateway, inner=meddled(gateway, lambda body: body + b"\n")).json() == [{"id": "one"}]


# --- receipts


@pytest.mark.parametrize(
    "field", ["event", "partner", "release", "chunk", "last", "content", "sealed", "key", "origin"]
)
def test_a_receipt_about_something_else_is_refused_by_the_field_that_differs(gateway, field: str) -> None:
    gateway.lie = field
    refused = refusal(gateway)
    assert isinstance(refused, ReceiptRefused)
    assert (refused.code, refused.detail) == ("receipt_disagrees", field)


@pytest.mark.parametrize("lie", ["root", "log key", "leaf"])
def test_a_receipt_that_proves_nothing_is_refused(gateway, lie: str) -> None:
    gateway.lie = lie
    assert refusal(gateway).code == "receipt_not_proven"


def test_another_logs_name_is_refused_though_the_key_is_right(gateway) -> None:
    assert refusal(gateway, origin="other.example/log").code == "receipt_not_proven"


def test_a_receipt_that_is_not_handed_out_refuses_the_answer(gateway) -> None:
    gateway.lie = "no receipt"
    assert refusal(gateway).code == "receipt_missing"


def test_an_answer_that_names_no_receipt_is_refused(gateway) -> None:
    gateway.link = ""
    assert refusal(gateway).code == "receipt_missing"


@pytest.mark.parametrize(
    "link",
    [
        "<https://evil.example/releases/rel-1/receipt>",
        "<//evil.example/releases/rel-1/receipt>",
        "<http://gateway.example.mil/releases/rel-1/receipt>",
        "<https://gateway.example.mil:8443/releases/rel-1/receipt>",
        "<https://user:pass@gateway.example.mil/releases/rel-1/receipt>",
        "<https://gateway.example.mil:port/releases/rel-1/receipt>",
    ],
)
def test_the_token_is_never_sent_elsewhere_to_fetch_a_receipt(gateway, link: str) -> None:
    gateway.link = link
    assert refusal(gateway).code == "receipt_elsewhere"
    assert len(gateway.seen) == 1


def test_the_receipt_is_fetched_with_the_same_credential(gateway) -> None:
    get(gateway)
    assert gateway.seen[1].url == f"{BASE}/releases/rel-1/receipt"
    assert gateway.seen[1].headers["authorization"] == "Bearer a.b.c"


def test_an_endless_receipt_is_refused(gateway) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=bytes(2_000_000)) if "receipt" in request.url.path else gateway(request)

    assert refusal(gateway, inner=httpx.MockTransport(handler)).code == "receipt_not_proven"


def test_without_receipts_nothing_more_is_fetched_and_nothing_is_claimed(gateway) -> None:
    gateway.lie = "no receipt"
    response = get(gateway, verify_receipts=False)
    assert response.json() == [{"id": "one"}]
    assert response.extensions["relgate"].proven == ()
    assert len(gateway.seen) == 1


def test_verified_receipts_are_kept_in_memory_up_to_a_bound(gateway) -> None:
    kept = ReceiptsInMemory(limit=2)
    for _ in range(3):
        get(gateway, keeper=kept)
    assert len(kept) == 2
    assert kept.get("rel-1") is None
    assert kept.get("rel-3") == gateway.receipt(4)


def test_verified_receipts_are_kept_as_files_of_their_own(gateway, tmp_path: Path) -> None:
    keeper = ReceiptsInFolder(tmp_path / "receipts")
    get(gateway, keeper=keeper)
    assert [path.name for path in (tmp_path / "receipts").iterdir()] == ["rel-1-0.tlog-proof"]
    assert keeper.path("rel-1").read_bytes() == gateway.receipt(2)


@pytest.mark.parametrize("release", ["../../etc/passwd", "..", "/etc/passwd", "a\x00b", "C:\\x"])
def test_no_release_id_writes_outside_the_folder(tmp_path: Path, release: str) -> None:
    keeper = ReceiptsInFolder(tmp_path / "receipts")
    keeper.keep(release, 0, b"x")
    assert [path.parent for path in tmp_path.rglob("*.tlog-proof")] == [tmp_path / "receipts"]


def test_a_receipt_that_was_refused_is_not_kept(gateway) -> None:
    kept = ReceiptsInMemory()
    gateway.lie = "sealed"
    refusal(gateway, keeper=kept)
    assert len(kept) == 0


# --- asynchronous


async def aget(gateway, **said: object) -> httpx.Response:
    inner = AsyncGatewayTransport(
        gateway.jpn.private_jwks,
        gateway.gateway_jwks,
        gateway.log_verifier_key,
        **({"inner": httpx.MockTransport(gateway)} | said),
    )
    async with httpx.AsyncClient(transport=inner, base_url=BASE, headers=TOKEN) as client:
        return await client.get("/udl/elset")


async def test_the_asynchronous_transport_opens_and_proves_alike(gateway) -> None:
    gateway.contents = [b"[1", b",2]"]
    response = await aget(gateway)
    assert response.json() == [1, 2]
    assert len(response.extensions["relgate"].proven) == 2


@pytest.mark.parametrize(
    ("lie", "expected"),
    [("root", "receipt_not_proven"), ("sealed", "receipt_disagrees"), ("no receipt", "receipt_missing")],
)
async def test_the_asynchronous_transport_refuses_alike(gateway, lie: str, expected: str) -> None:
    gateway.lie = lie
    with pytest.raises(ReceiptRefused, match=expected):
        await aget(gateway)


async def test_the_asynchronous_transport_passes_refusals_through(gateway) -> None:
    gateway.status = 403
    assert (await aget(gateway)).status_code == 403


async def test_the_asynchronous_transport_leaves_paths_without_data_alone(gateway) -> None:
    gateway.status = 404
    inner = AsyncGatewayTransport(
        gateway.jpn.private_jwks,
        gateway.gateway_jwks,
        gateway.log_verifier_key,
        inner=httpx.MockTransport(gateway),
    )
    async with httpx.AsyncClient(transport=inner, base_url=BASE) as client:
        await client.get("/health")
    assert gateway.seen[0].headers["accept"] == "*/*"


async def test_the_asynchronous_transport_bounds_what_it_takes(gateway) -> None:
    with pytest.raises(AnswerRefused, match="answer_too_large"):
        await aget(gateway, body_limit=100)


def test_no_refusal_shows_the_content_or_a_key(gateway) -> None:
    gateway.contents = [b'[{"id":"very secret"}]']
    for lie in ("root", "content", "key", "no receipt"):
        gateway.lie = lie
        shown = str(refusal(gateway))
        assert "very secret" not in shown
        assert gateway.jpn.sealing.secret not in shown
        assert b64encode(b"very secret").decode() not in shown
