"""A token that was verified is remembered, and that is never the reason why anything is let in.

Each test shows the token good, so that it is remembered, then changes one thing and asks again at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest

from demo.stage import Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.keys.jwks import parse_jwks, write_jwks
from gateway.keys.partner import generate_partner
from tests.support.loopback import ELSETS, Loopback, clock, loopback
from tests.support.running import POLICIES

GBR = "partners/GBR.toml"


@pytest.fixture
def own(tmp_path: Path, keys: Path) -> Iterator[Loopback]:
    """A gateway whose policy files and keys are this test's own, under a clock that the test moves."""
    Stage(tmp_path / "var", keys, POLICIES).prepare("http://127.0.0.1:1")
    policies, own_keys = Path(copytree(POLICIES, tmp_path / "policies")), Path(copytree(keys, tmp_path / "keys"))
    with loopback(tmp_path / "var", own_keys, policies=policies, clock=clock()) as running:
        yield running


def code(here: Loopback, token: str) -> str:
    answer = here.send(ELSETS, "Accept: application/json", token=token)
    assert here.entry(answer).leaf.outcome == (answer.code or "released")
    return answer.code


def change(here: Loopback, name: str, edit: Callable[[str], str]) -> None:
    """Edit a policy file and activate."""
    path = here.gateway.stage.policies / name
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    put_in_force(here)


def put_in_force(here: Loopback) -> None:
    service = here.gateway.service
    files = read_policy_files(service.settings.policies_dir, service.settings.keys_dir)
    activate(service.log, files, Order("officer", "change", service.clock()), UNSIGNED)


def test_a_remembered_token_ends_with_its_time(own: Loopback):
    token = own.token()
    assert code(own, token) == ""
    own.gateway.service.clock.move(3600)  # type: ignore[attr-defined]
    assert code(own, token) == "token_expired"


def test_a_remembered_token_ends_with_its_key_and_is_good_again_with_it(own: Loopback):
    token = own.token()
    assert code(own, token) == ""
    path = own.gateway.stage.keys / "partners" / "GBR.jwks.json"
    before = path.read_bytes()
    sealing = tuple(key for key in parse_jwks(before) if key.use == "enc")
    path.write_bytes(write_jwks((generate_partner("GBR").signing.public, *sealing)))
    put_in_force(own)
    assert code(own, token) == "token_key_unknown"
    path.write_bytes(before)
    put_in_force(own)
    assert code(own, token) == ""


def test_a_remembered_token_is_not_remembered_under_another_key_of_the_same_name(own: Loopback):
    token = own.token()
    assert code(own, token) == ""
    path = own.gateway.stage.keys / "partners" / "GBR.jwks.json"
    was = next(key for key in parse_jwks(path.read_bytes()) if key.use == "sig")
    other = generate_partner("GBR").signing.public
    text = path.read_text(encoding="utf-8").replace(dict(was.material)["x"], dict(other.material)["x"])
    path.write_text(text, encoding="utf-8")
    put_in_force(own)
    assert code(own, token) == "token_signature_invalid"


@pytest.mark.parametrize(
    ("was", "becomes", "expected"),
    [
        ('audience = "releasability-gateway"', 'audience = "another"', "token_audience_wrong"),
        ('algorithms = ["EdDSA", "ES256", "ES384", "PS256"]', 'algorithms = ["ES256"]', "token_algorithm_refused"),
        ('issuer = "https://issuer.gbr.example"', 'issuer = "https://moved.gbr.example"', "token_unknown_issuer"),
        ('id = "gbr-space-command"', 'id = "gbr-other-command"', "system_unknown"),
        ("until = 2030-01-01", "until = 2026-01-02", "agreement_expired"),
    ],
)
def test_an_activation_forgets_every_token_and_judges_anew(own: Loopback, was: str, becomes: str, expected: str):
    token = own.token()
    assert code(own, token) == ""
    change(own, GBR, lambda text: text.replace(was, becomes))
    assert code(own, token) == expected
