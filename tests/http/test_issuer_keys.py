"""A partner whose issuer publishes its keys by address, through the whole gateway: rotation, failure, record."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

import pytest

from demo.stage import Stage
from gateway.identity import issuerkeys, mint
from gateway.keys.jwks import PrivateJwk, write_jwks
from gateway.keys.partner import generate_partner
from tests.support.loopback import ELSETS, Answer, Loopback, loopback
from tests.support.running import POLICIES
from tests.support.waiting import until

FIRST, SECOND = (generate_partner("GBR").signing for _ in range(2))


@dataclass(slots=True)
class Published:
    """What the issuer's address answers: a status and a set."""

    status: int = 200
    data: bytes = field(default_factory=lambda: write_jwks((FIRST.public,)))
    asked: int = 0


@pytest.fixture(scope="module")
def published() -> Iterator[tuple[Published, str]]:
    state = Published()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            status, data = state.status, state.data  # a test may change them meanwhile
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield state, f"http://127.0.0.1:{server.server_port}/jwks"
        server.shutdown()


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, published: tuple[Published, str], keys: Path
) -> Iterator[Loopback]:
    root = tmp_path_factory.mktemp("issuer")
    policies = Path(copytree(POLICIES, root / "policies"))
    gbr = policies / "partners" / "GBR.toml"
    gbr.write_text(
        gbr.read_text(encoding="utf-8").replace("[identity]\n", f'[identity]\njwks_url = "{published[1]}"\n'),
        encoding="utf-8",
    )
    patch = pytest.MonkeyPatch()
    patch.setattr(issuerkeys, "LEAST_SECONDS", 0.05)
    Stage(root / "var", keys, POLICIES).prepare("http://127.0.0.1:1")
    with patch.context(), loopback(root / "var", keys, policies=policies) as running:
        yield running
    patch.undo()


def ask(gateway: Loopback, key: PrivateJwk) -> Answer:
    token = mint(
        key,
        issuer="https://issuer.gbr.example",
        audience="releasability-gateway",
        system="gbr-space-command",
        at=gateway.gateway.service.clock(),
        purpose="collision-avoidance",
    )
    return gateway.send(ELSETS, "Accept: application/json", token=token)


def comes(gateway: Loopback, key: PrivateJwk, code: str) -> Answer:
    """The first answer to a token by this key with this code; empty for a release."""

    def answered() -> list[Answer]:
        answer = ask(gateway, key)
        return [answer] if answer.code == code else []

    (found,) = until(answered, f"never {code or 'released'}")
    return found


def test_keys_come_and_go_with_what_the_issuer_publishes_and_the_log_says_when(
    gateway: Loopback, published: tuple[Published, str]
):
    state, url = published
    state.status, state.data = 200, write_jwks((FIRST.public,))
    comes(gateway, FIRST, "")
    before = gateway.gateway.service.log.size()
    assert ask(gateway, SECOND).code == "token_key_unknown"
    state.data = write_jwks((SECOND.public,))
    answer = comes(gateway, SECOND, "")
    assert gateway.entry(answer).private["caller"]["key"] == SECOND.public.thumbprint  # type: ignore[call-overload,index]
    refused = comes(gateway, FIRST, "token_key_unknown")
    assert (refused.status, gateway.entry(refused).leaf.partner) == (401, "")
    entries = gateway.gateway.service.log.entries(limit=10_000)
    fetched = [entry for entry in entries if entry.leaf.event == "keys-fetched"]
    assert [entry.private["keys"] for entry in fetched][-2:] == [[FIRST.public.thumbprint], [SECOND.public.thumbprint]]
    assert [entry.private["keys"] for entry in fetched if entry.index >= before] == [[SECOND.public.thumbprint]]
    assert {entry.private["url"] for entry in fetched} == {url}


def test_keys_registered_in_the_policy_set_go_on_beside_the_published_ones(gateway: Loopback):
    assert gateway.get(ELSETS).status == 200


def test_a_set_that_redirects_or_fails_leaves_the_last_one_good_and_nothing_of_it_shows(
    gateway: Loopback, published: tuple[Published, str]
):
    state, _ = published
    state.status, state.data = 200, write_jwks((SECOND.public,))
    comes(gateway, SECOND, "")
    state.status, state.data = 302, write_jwks((FIRST.public,))
    asked = state.asked
    assert ask(gateway, FIRST).code == "token_key_unknown"
    until(lambda: ask(gateway, FIRST) and state.asked >= asked + 2, "the issuer is not asked again")
    answer = ask(gateway, FIRST)
    assert answer.code == "token_key_unknown"
    assert b"127.0.0.1" not in answer.body
    assert ask(gateway, SECOND).status == 200
    assert gateway.ready() == (200, [])
