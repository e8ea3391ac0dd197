"""Partners' key files: public, of known kinds, each key for one use, and never twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.policy.admission import recipient
from gateway.policy.partnerkeys import KeyFileError, parse_keys
from tests.policy.worked import NOW, changed, jwks, revoked_jwks

X25519 = OKPKey.generate_key("X25519", private=False).as_dict()
ED25519 = OKPKey.generate_key("Ed25519", private=False).as_dict()
PRIVATE = OKPKey.generate_key("X25519").as_dict(private=True)
P521 = ECKey.generate_key("P-521", private=False).as_dict()
RSA = RSAKey.generate_key(2048, private=False).as_dict()


def file(*keys: dict[str, object]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def test_a_key_keeps_its_thumbprint_use_and_validity() -> None:
    (key,) = parse_keys(file({**X25519, "use": "enc", "kid": "one", "nbf": 1_700_000_000, "exp": 1_800_000_000}))
    assert key.thumbprint == OKPKey.import_key(X25519).thumbprint()
    assert (key.kid, key.use, key.revoked) == ("one", "enc", False)
    assert key.not_before == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert key.usable(NOW)
    assert not key.usable(datetime(2023, 1, 1, tzinfo=UTC))
    assert not key.usable(datetime(2027, 1, 15, 8, tzinfo=UTC))
    assert json.loads(key.jwk) == {**X25519, "use": "enc", "kid": "one"}


def test_a_key_without_a_name_is_called_by_its_thumbprint() -> None:
    (key,) = parse_keys(file({**X25519, "use": "enc"}))
    assert key.kid == key.thumbprint


@pytest.mark.parametrize(
    ("key", "message"),
    [
        pytest.param(X25519, "says", id="no use"),
        pytest.param({**X25519, "use": "sig"}, "cannot be used for sig", id="a key agreement key that signs"),
        pytest.param({**ED25519, "use": "enc"}, "cannot be used for enc", id="a signature key that is sealed to"),
        pytest.param({**OctKey.generate_key(256).as_dict(), "use": "sig"}, "private", id="a symmetric key"),
        pytest.param({**PRIVATE, "use": "enc"}, "private", id="a private key"),
        pytest.param({**P521, "use": "sig"}, "cannot", id="another curve"),
        pytest.param({**RSA, "use": "enc"}, "cannot", id="RSA to seal to"),
        pytest.param({**X25519, "use": "enc", "x5u": "https://x"}, "unknown member", id="an unknown member"),
        pytest.param({**X25519, "use": "enc", "exp": "2027"}, "seconds", id="a date as text"),
        pytest.param({**X25519, "use": "enc", "exp": True}, "seconds", id="a date as a boolean"),
        pytest.param({**X25519, "use": "enc", "revoked": True}, "revoked_at", id="revoked without a date"),
        pytest.param({**X25519, "use": "enc", "x": "AAAA"}, "not a usable", id="half a key"),
        pytest.param({**X25519, "use": "enc", "kid": 7}, "kid", id="a name that is a number"),
    ],
)  # fmt: skip
def test_a_key_that_leaves_a_doubt_refuses_the_file(key: dict[str, object], message: str) -> None:
    with pytest.raises(KeyFileError, match=message):
        parse_keys(file(key))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [1]}', b"\xff", b'{"keys": [], "keys": []}']
)
def test_a_file_that_is_no_key_set_is_refused(data: bytes) -> None:
    with pytest.raises(KeyFileError):
        parse_keys(data)


def test_the_same_key_or_the_same_name_twice_refuses_the_file() -> None:
    with pytest.raises(KeyFileError, match="twice"):
        parse_keys(file({**X25519, "use": "enc", "kid": "a"}, {**X25519, "use": "enc", "kid": "b"}))
    other = OKPKey.generate_key("X25519", private=False).as_dict()
    with pytest.raises(KeyFileError, match="twice"):
        parse_keys(file({**X25519, "use": "enc", "kid": "a"}, {**other, "use": "enc", "kid": "a"}))


def test_a_key_announced_as_revoked_tomorrow_is_revoked_today() -> None:
    (key,) = parse_keys(file({**X25519, "use": "enc", "revoked": {"revoked_at": 4_000_000_000}}))
    assert key.revoked
    assert not key.usable(NOW)


def test_answers_go_to_the_newest_usable_key_and_an_unusable_one_is_told_about() -> None:
    other = OKPKey.generate_key("X25519", private=False).as_dict()
    old, new = {**X25519, "use": "enc", "nbf": 1_600_000_000}, {**other, "use": "enc", "nbf": 1_700_000_000}
    rolled = changed({"keys/partners/JPN.jwks.json": file(old, new)}).policy_set.partners["JPN"]
    assert recipient(rolled, NOW) == parse_keys(file(new))[0].recipient
    assert recipient(rolled, datetime(2021, 1, 1, tzinfo=UTC)) == parse_keys(file(old))[0].recipient
    assert recipient(rolled, NOW, parse_keys(file(old))[0].thumbprint) == parse_keys(file(old))[0].recipient
    assert recipient(rolled, NOW, "nobody's") is None
    revoked = changed({"keys/partners/JPN.jwks.json": revoked_jwks("JPN")}).recipient("JPN", NOW)
    assert revoked is not None
    assert revoked.revoked


def test_keys_are_sorted_so_that_their_order_in_the_file_never_matters() -> None:
    read = json.loads(jwks("JPN"))
    assert parse_keys(file(*read["keys"])) == parse_keys(file(*reversed(read["keys"])))
