"""A key set is read whole, strictly, and never with a private or symmetric key in it."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.keys.errors import JwkRefused
from gateway.keys.jwks import parse_jwks, parse_private_jwks, write_jwks, write_private_jwks
from gateway.keys.partner import generate_key, generate_partner

ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RSA_EXAMPLE = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
    "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q"
    "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
    "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
}
"""Both are published examples: RFC 8037 appendix A.2 and RFC 7638 section 3.1."""


def as_set(*keys: dict[str, object]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_the_thumbprints_of_the_published_examples_come_out() -> None:
    keys = parse_jwks(as_set(ED25519, RSA_EXAMPLE))
    assert keys[0].thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # RFC 8037 appendix A.3
    assert keys[1].thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"  # RFC 7638 section 3.1


def test_a_key_without_a_name_is_named_by_its_thumbprint() -> None:
    assert parse_jwks(as_set(ED25519))[0].kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("curve", ["X25519", "P-256", "P-384"])
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES384"])
def test_what_is_generated_reads_back_the_same_public_and_private(curve: str, algorithm: str) -> None:
    end = datetime(2030, 1, 1, tzinfo=UTC)
    keys = generate_partner("JPN", curve=curve, algorithm=algorithm, expires=end)
    assert parse_jwks(keys.public_jwks) == (keys.signing.public, keys.sealing.public)
    assert parse_private_jwks(keys.private_jwks) == (keys.signing, keys.sealing)
    assert (keys.signing.public.use, keys.sealing.public.use) == ("sig", "enc")
    assert keys.sealing.public.expires == end


@pytest.mark.parametrize("private", ["d", "p", "k"])
def test_a_public_set_that_holds_a_private_member_is_refused_whole(private: str) -> None:
    with pytest.raises(JwkRefused, match=f"private member {private}.*must be replaced"):
        parse_jwks(as_set(RSA_EXAMPLE, {**ED25519, private: "c2VjcmV0"}))


def test_a_symmetric_key_is_refused_in_either_kind_of_set() -> None:
    secret = OctKey.generate_key(256).as_dict(private=True)
    with pytest.raises(JwkRefused):
        parse_jwks(as_set(secret))
    with pytest.raises(JwkRefused):
        parse_private_jwks(as_set({**secret, "d": "AA"}))


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"kty": "OKP"},
        {**ED25519, "crv": "Ed448"},
        {**ED25519, "x": ""},
        {**ED25519, "x": "AAAA"},
        {**ED25519, "x": ED25519["x"] + "="},
        {**ED25519, "x": ED25519["x"][:-1] + "p"},
        {**ED25519, "x": 7},
        {**ED25519, "x": None},
        {**ED25519, "use": "both"},
        {**ED25519, "use": ["sig"]},
        {**ED25519, "key_ops": "verify"},
        {**ED25519, "key_ops": []},
        {**ED25519, "key_ops": [1]},
        {**ED25519, "kid": ""},
        {**ED25519, "kid": "a\nb"},
        {**ED25519, "kid": "é"},
        {**ED25519, "nbf": "2026"},
        {**ED25519, "exp": True},
        {**ED25519, "exp": 1e12},
        {**ED25519, "exp": -1},
        {**ED25519, "exp": 10**18},
        {**RSA_EXAMPLE, "n": "AQAB"},
        {**RSA_EXAMPLE, "n": "AA" + RSA_EXAMPLE["n"]},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
    ],
    ids=str,
)
def test_a_key_that_is_not_wholly_sound_refuses_its_set(key: dict[str, object]) -> None:
    with pytest.raises(JwkRefused, match=r"keys\[0\]"):
        parse_jwks(as_set(key))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": []}',
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b'{"keys": [], "keys": []}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"keys": ' + b"[" * 100_000,
        b'{"keys": NaN}',
    ],
    ids=lambda data: repr(data[:24]),
)
def test_a_set_that_is_not_strict_json_of_its_form_is_refused(data: bytes) -> None:
    with pytest.raises(JwkRefused, match=r"JWK set|keys"):
        parse_jwks(data)


def test_a_duplicate_member_inside_a_key_refuses_its_set() -> None:
    text = as_set(ED25519).replace(b'"kty": "OKP"', b'"kty": "EC", "kty": "OKP"')
    with pytest.raises(JwkRefused, match="stands twice"):
        parse_jwks(text)


def test_two_keys_of_one_name_refuse_their_set() -> None:
    other = generate_key("Ed25519", use="sig", alg="EdDSA").public.to_json()
    with pytest.raises(JwkRefused, match="kid stands twice"):
        parse_jwks(as_set({**ED25519, "kid": "one"}, {**other, "kid": "one"}))


def test_one_key_under_two_names_refuses_its_set() -> None:
    with pytest.raises(JwkRefused, match="thumbprint stands twice"):
        parse_jwks(as_set({**ED25519, "kid": "one"}, {**ED25519, "kid": "two"}))


def test_an_rsa_key_of_1024_bits_is_refused_by_its_length() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505
    with pytest.raises(JwkRefused, match="at least 2048 bits"):
        parse_jwks(as_set({"kty": "RSA", **RSAKey.binding.export_public_key(small)}))


@pytest.mark.parametrize("curve", ["X25519", "P-256"])
def test_a_private_part_of_another_key_is_refused_without_quoting_it(curve: str) -> None:
    ours = generate_key(curve, use="enc", alg="ECDH-ES")
    other = generate_key(curve, use="enc", alg="ECDH-ES")
    with pytest.raises(JwkRefused) as refusal:
        parse_private_jwks(as_set({**ours.public.to_json(), "d": other.secret}))
    assert other.secret not in str(refusal.value)


def test_no_representation_of_a_private_key_shows_its_secret() -> None:
    key = generate_key("P-384", use="enc", alg="ECDH-ES")
    assert key.secret not in repr(key) + str(key)


def test_a_public_set_never_holds_what_the_private_one_does() -> None:
    keys = generate_partner("GBR")
    assert keys.signing.secret.encode() in write_private_jwks((keys.signing,))
    assert keys.signing.secret.encode() not in keys.public_jwks
    assert b'"d"' not in write_jwks((keys.signing.public, keys.sealing.public))


def test_the_end_of_a_keys_life_is_not_part_of_it() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    key = generate_partner("JPN", not_before=start, expires=end).sealing.public
    assert [key.valid_at(at) for at in (start, end)] == [True, False]
    assert not key.valid_at(datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC))


def test_keys_made_by_a_second_library_are_read_with_its_thumbprint() -> None:
    native = ec.generate_private_key(ec.SECP384R1())
    key = ECKey.import_key(native)
    read = parse_jwks(as_set(dict(key.as_dict(private=False))))[0]
    assert (read.curve, read.thumbprint) == ("P-384", key.thumbprint())
    assert OKPKey.import_key(ED25519).thumbprint() == parse_jwks(as_set(ED25519))[0].thumbprint


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        parse_jwks(data)
    except JwkRefused:
        return
    raise AssertionError("random bytes were read as a key set")
