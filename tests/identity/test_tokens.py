"""Every trick with a token that we know of is refused, each by its own code; a true token says who is
calling.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from gateway.identity import (
    Caller,
    CredentialRefused,
    TokenVerifier,
    sole_authorization,
)
from gateway.keys.jwks import as_joserfc, parse_jwk, private_as_joserfc
from gateway.keys.partner import generate_partner
from tests.identity.tokens import (
    AT,
    AUDIENCE,
    GBR,
    ISSUERS,
    JPN,
    claims_of,
    code,
    encoded,
    header_of,
    issuer_of,
    nobody,
    signed,
    token,
    verifier,
    verify,
)

# --- true tokens


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES384"])
def test_a_true_token_says_who_is_calling_and_what_it_claims(algorithm: str) -> None:
    keys = generate_partner("JPN", algorithm=algorithm)
    text = token(keys, jti="one", clearance="SECRET", nationality="JPN", purpose="conjunction-assessment")
    assert verify(text, by=verifier(issuer_of(keys, algorithm))) == Caller(
        partner="JPN",
        system="tokyo-1",
        jti="one",
        begins=AT,
        expires=AT + timedelta(hours=1),
        key=keys.signing.public.thumbprint,
        clearance="SECRET",
        nationality="JPN",
        purpose="conjunction-assessment",
    )


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_a_true_token_signed_with_rsa_is_taken(algorithm: str) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = RSAKey.binding.export_public_key(private.public_key())
    key = parse_jwk({"kty": "RSA", **public, "use": "sig", "kid": "rsa"}, "test")
    by = verifier(replace(issuer_of(JPN, algorithm), keys=(key,)))
    text = jwt.encode(claims_of(token()), private, algorithm=algorithm, headers={"kid": "rsa"})
    assert verify(text, by=by).system == "tokyo-1"
    other = {"PS256": "RS256", "RS256": "PS256"}[algorithm]
    swapped = jwt.encode(claims_of(token()), private, algorithm=other, headers={"kid": "rsa"})
    assert code(swapped, by=by) == "token_algorithm_refused"


def test_a_token_without_optional_claims_claims_nothing() -> None:
    caller = verify(token())
    assert (caller.clearance, caller.nationality, caller.purpose) == (None, None, None)


def test_the_scheme_may_be_written_in_any_case() -> None:
    assert verifier().verify(f"bEARER  {token()}", AT, nobody).partner == "JPN"


def test_an_audience_list_that_names_the_gateway_is_taken() -> None:
    assert verify(token(claims={"aud": ["https://other.example", AUDIENCE]})).partner == "JPN"


# --- shape


@pytest.mark.parametrize("value", [None, ""])
def test_no_authorization_header_is_token_missing(value: str | None) -> None:
    with pytest.raises(CredentialRefused, match="token_missing"):
        verifier().verify(value, AT, nobody)


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "DPoP a.b.c",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer a.b.c d",
        "Bearer a.b.c, Bearer d.e.f",
        "Bearer a.b.c\n",
        " Bearer a.b.c",
        "Bearer a..c",
        "Bearer a.b.",
        "Bearer a=.b.c",
        "Bearer a.b+.c",
        "Bearer ä.b.c",
        "Bearer a.b.c",
        "Bearer e30.e30.AA",
        "Bearer bnVsbA.bnVsbA.AA",
    ],
)
def test_what_is_not_one_bearer_token_is_token_malformed(value: str) -> None:
    with pytest.raises(CredentialRefused, match="token_malformed"):
        verifier().verify(value, AT, nobody)


def test_two_authorization_headers_are_never_chosen_between() -> None:
    assert sole_authorization([]) is None
    assert sole_authorization(["one"]) == "one"
    with pytest.raises(CredentialRefused, match="token_malformed"):
        sole_authorization(["one", "one"])


def test_a_huge_token_is_refused_before_it_is_looked_at() -> None:
    assert code("a" * 100_000_000) == "token_too_long"
    assert code(token(claims={"more": "x" * 9000})) == "token_too_long"


@pytest.mark.parametrize("part", [0, 1])
def test_a_part_nested_without_end_is_token_malformed(part: int) -> None:
    parts = token().split(".")
    parts[part] = encoded(b'{"a":' + b"[" * 3000)
    assert code(".".join(parts)) == "token_malformed"


def test_a_second_spelling_of_the_same_signature_is_token_malformed() -> None:
    text = token()
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = text[:-1] + last[last.index(text[-1]) + 1]
    assert urlsafe_b64decode(respelled.split(".")[2] + "==") == urlsafe_b64decode(text.split(".")[2] + "==")
    assert code(respelled) == "token_malformed"


# --- header


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jku", "https://evil.example/keys"),
        ("jwk", JPN.signing.public.members()),
        ("x5u", "https://evil.example/cert"),
        ("x5c", ["MIIB"]),
        ("crit", ["exp"]),
        ("crit", []),
        ("b64", False),
        ("b64", True),
        ("zip", "DEF"),
        ("enc", "A256GCM"),
        ("cty", "JWT"),
        ("typ", "dpop+jwt"),
        ("typ", "JWE"),
        ("typ", 7),
    ],
)
def test_a_header_that_brings_its_own_rules_is_refused_however_well_signed(name: str, value: object) -> None:
    text = token()
    assert code(signed(header_of(text, **{name: value}), claims_of(text))) == "token_header_refused"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_the_types_of_token_that_are_taken_are_jwt_and_at_jwt(typ: str) -> None:
    text = token()
    assert verify(signed(header_of(text, typ=typ), claims_of(text))).partner == "JPN"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "EdDSA ", "Ed25519", "ES256K"])
def test_an_algorithm_outside_the_allow_list_is_refused(alg: str) -> None:
    text = token()
    assert code(signed(header_of(text, alg=alg), claims_of(text))) == "token_algorithm_refused"


@pytest.mark.parametrize("alg", [None, 1, ["EdDSA"]])
def test_an_algorithm_that_is_not_text_is_token_malformed(alg: object) -> None:
    text = token()
    assert code(signed(header_of(text, alg=alg), claims_of(text))) == "token_malformed"


def test_alg_none_with_an_empty_signature_is_refused() -> None:
    text = jwt.encode(claims_of(token()), None, algorithm="none", headers={"kid": JPN.signing.public.kid})
    assert code(text) == "token_malformed"  # no third part at all
    assert code(text + "AA") == "token_algorithm_refused"


@pytest.mark.parametrize("form", ["pem", "jwk", "raw"])
def test_hmac_under_the_public_key_is_refused_in_every_form_of_that_key(form: str) -> None:
    public = as_joserfc(JPN.signing.public).public_key
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(JPN.signing.public.members()).encode(),
        "raw": public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
    }[form]
    text = token()
    said = ".".join(encoded(json.dumps(part).encode()) for part in (header_of(text, alg="HS256"), claims_of(text)))
    forged = f"{said}.{encoded(hmac.new(secret, said.encode(), hashlib.sha256).digest())}"
    assert code(forged) == "token_algorithm_refused"


ECDSA_KEYS = generate_partner("JPN", algorithm="ES256")


def ecdsa_token() -> tuple[TokenVerifier, str]:
    return verifier(issuer_of(ECDSA_KEYS, "ES256")), token(ECDSA_KEYS, jti="one")


def test_an_ecdsa_signature_in_der_is_no_signature() -> None:
    by, text = ecdsa_token()
    private = private_as_joserfc(ECDSA_KEYS.signing).private_key
    assert isinstance(private, EllipticCurvePrivateKey)
    said = text.rpartition(".")[0]
    der = private.sign(said.encode(), ECDSA(SHA256()))
    assert code(f"{said}.{encoded(der)}", by=by) == "token_signature_invalid"


@pytest.mark.parametrize("signature", [bytes(64), bytes(31) + b"\1" + bytes(32), b"\xff" * 64, b"", b"\0" * 96])
def test_an_ecdsa_signature_of_zeros_or_of_another_length_is_refused(signature: bytes) -> None:
    by, text = ecdsa_token()
    assert code(f"{text.rpartition('.')[0]}.{encoded(signature) or 'A'}", by=by) in {
        "token_signature_invalid",
        "token_malformed",
    }


def test_the_second_encoding_of_an_ecdsa_signature_is_the_same_token_and_is_revoked_with_it() -> None:
    by, text = ecdsa_token()
    said, _, last = text.rpartition(".")
    r, s = (int.from_bytes(urlsafe_b64decode(last + "==")[place : place + 32]) for place in (0, 32))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # n of P-256 (FIPS 186-5)
    other = f"{said}.{encoded(r.to_bytes(32) + (order - s).to_bytes(32))}"
    assert other != text
    assert verify(other, by=by) == verify(text, by=by)
    for each in (text, other):
        with pytest.raises(CredentialRefused, match="token_revoked"):
            by.verify(f"Bearer {each}", AT, lambda _, jti: jti == "one")


def test_an_algorithm_of_another_agreement_is_refused_for_this_one() -> None:
    by = verifier(issuer_of(JPN, "EdDSA"), issuer_of(GBR, "ES384"))
    japanese = replace(GBR, partner="JPN")
    assert code(token(japanese), by=by) == "token_algorithm_refused"


def test_another_algorithm_than_the_keys_own_is_token_key_unfit() -> None:
    text = token()
    assert code(signed(header_of(text, alg="ES384"), claims_of(text))) == "token_key_unfit"


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "nobody",
        "../../etc/passwd",
        "/dev/null",
        "' OR 1=1 --",
        "file:///dev/null",
        "%2e%2e",
        "a" * 4000,
        "\x00",
    ],
)
def test_a_kid_is_only_ever_compared_and_an_unknown_one_is_refused(kid: str) -> None:
    text = token()
    assert code(signed(header_of(text, kid=kid), claims_of(text))) == "token_key_unknown"


def test_a_token_without_kid_is_refused_even_if_only_one_key_could_fit() -> None:
    text = token()
    header = header_of(text)
    del header["kid"]
    assert code(signed(header, claims_of(text))) == "token_key_unknown"


@pytest.mark.parametrize("kid", [1, ["a"], {"a": 1}])
def test_a_kid_that_is_not_text_is_token_malformed(kid: object) -> None:
    text = token()
    assert code(signed(header_of(text, kid=kid), claims_of(text))) == "token_malformed"


# --- keys


def with_key(**said: object) -> TokenVerifier:
    members = {**JPN.signing.public.members(), "kid": JPN.signing.public.kid, **said}
    return verifier(replace(issuer_of(JPN), keys=(parse_jwk(members, "test"),)))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"use": "enc"},
        {"use": "sig", "key_ops": ["sign"]},
        {"use": "enc", "key_ops": ["verify"]},
        {"key_ops": ["encrypt"]},
        {"use": "sig", "alg": "ES256"},
        {"use": "sig", "alg": "Ed25519"},
    ],
)
def test_a_key_that_does_not_say_it_verifies_this_is_token_key_unfit(said: dict[str, object]) -> None:
    assert code(token(), by=with_key(**said)) == "token_key_unfit"


@pytest.mark.parametrize(
    "said", [{"use": "sig"}, {"key_ops": ["verify"]}, {"use": "sig", "alg": "EdDSA", "key_ops": ["verify"]}]
)
def test_a_key_that_says_it_verifies_this_is_used(said: dict[str, object]) -> None:
    assert verify(token(), by=with_key(**said)).partner == "JPN"


def test_the_key_that_answers_are_sealed_to_verifies_no_token() -> None:
    text = token()
    header = header_of(text, kid=JPN.sealing.public.kid)
    assert code(signed(header, claims_of(text))) == "token_key_unfit"


def test_a_key_past_its_end_or_before_its_start_is_token_key_unfit() -> None:
    by = with_key(use="sig", nbf=int(AT.timestamp()), exp=int((AT + timedelta(minutes=5)).timestamp()))
    assert verify(token(), by=by).partner == "JPN"
    assert code(token(), AT + timedelta(minutes=5), by) == "token_key_unfit"
    assert code(token(at=AT - timedelta(seconds=5)), AT - timedelta(seconds=1), by) == "token_key_unfit"


# --- whose token


def test_another_nations_token_for_my_key_is_refused() -> None:
    text = token(GBR)
    stolen = signed(header_of(text, kid=JPN.signing.public.kid, alg="EdDSA"), claims_of(text), JPN)
    assert code(stolen) == "token_key_unknown"


def test_my_token_signed_by_another_nation_is_refused() -> None:
    impostor = replace(generate_partner("JPN"), partner="JPN")
    text = token()
    assert code(signed(header_of(text), claims_of(text), impostor)) == "token_signature_invalid"


def test_an_issuer_that_no_partner_has_is_refused() -> None:
    for issuer in ("https://id.example.fr", ISSUERS["JPN"] + "/", ISSUERS["JPN"].upper()):
        assert code(token(issuer=issuer)) == "token_unknown_issuer"


def test_the_partner_comes_from_the_issuer_and_not_from_any_claim() -> None:
    assert verify(token(claims={"partner": "GBR", "tenant": "GBR"}, nationality="GBR")).partner == "JPN"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_changed_bit_anywhere_gets_nothing(part: int) -> None:
    parts = token().split(".")
    data = bytearray(urlsafe_b64decode(parts[part] + "=="))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        forged = [*parts]
        forged[part] = encoded(bytes(changed))
        assert code(".".join(forged)).startswith("token_")
