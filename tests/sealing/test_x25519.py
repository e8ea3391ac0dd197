"""The JWE that is written from primitives is one that other libraries open, byte for byte by the RFCs."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from joserfc import jwe
from joserfc.jwk import OKPKey
from jwcrypto import jwe as other_jwe
from jwcrypto import jwk as other_jwk
from jwcrypto import jws as other_jws

from gateway.keys.jwks import PrivateJwk, parse_jwk
from gateway.sealing import x25519
from gateway.sealing.signature import Binding, sign

HEADER = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": "somebody"}


def key_of(curve: str) -> PrivateJwk:
    members = OKPKey.generate_key(curve).as_dict(private=True)
    public = {name: members[name] for name in ("kty", "crv", "x")}
    return PrivateJwk(parse_jwk(public, "test"), str(members["d"]))


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_key_derivation_gives_the_example_of_rfc_7518_appendix_c():
    shared = bytes.fromhex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4")
    derived = x25519.derive(shared, "A128GCM", 128, b"Alice", b"Bob")
    assert base64.urlsafe_b64encode(derived).rstrip(b"=") == b"VqqN6vgjbSBcIijNcacQGg"


def test_a_key_that_would_need_a_second_round_is_not_derived():
    with pytest.raises(ValueError, match="second round"):
        x25519.derive(b"", "A256CBC-HS512", 512)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 4096, 40_000])
def test_two_libraries_open_what_was_written_to_an_x25519_key(size: int):
    private = key_of("X25519")
    recipient = X25519PublicKey.from_public_bytes(unpadded(dict(private.public.material)["x"]))
    plaintext = bytes(number % 251 for number in range(size))
    written = x25519.encrypt(HEADER, plaintext, recipient)
    again = other_jwe.JWE()
    again.deserialize(written.decode(), other_jwk.JWK(**private.to_json()))
    assert again.payload == plaintext
    assert jwe.decrypt_compact(written, OKPKey.import_key(private.to_json())).plaintext == plaintext


def test_each_message_has_its_own_ephemeral_key_and_nonce():
    private = key_of("X25519")
    recipient = X25519PublicKey.from_public_bytes(unpadded(dict(private.public.material)["x"]))
    messages = [x25519.encrypt(HEADER, b"same", recipient).split(b".") for _ in range(50)]
    assert len({json.loads(unpadded(message[0].decode()))["epk"]["x"] for message in messages}) == 50
    assert len({message[2] for message in messages}) == 50


def test_a_recipient_key_of_small_order_is_refused_before_anything_is_sealed():
    with pytest.raises(ValueError, match=r".*"):
        x25519.encrypt(HEADER, b"secret", X25519PublicKey.from_public_bytes(bytes(32)))


def test_another_library_verifies_the_signature_inside():
    private = key_of("Ed25519")
    binding = Binding("application/json", "JPN", "thumbprint", "r" * 32, 0, True, "UNCLASSIFIED//REL TO USA, JPN")
    token = other_jws.JWS()
    token.allowed_algs = ["EdDSA"]
    token.deserialize(sign(b'{"a":1}', binding, private).decode())
    token.verify(other_jwk.JWK(**private.public.to_json()))
    assert token.payload == b'{"a":1}'
