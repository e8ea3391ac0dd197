"""Tokens made for tests, true ones and others, and two partners whose tokens they are."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import pytest

from gateway.identity import (
    Caller,
    CredentialRefused,
    Issuer,
    TokenRules,
    TokenVerifier,
    mint,
)
from gateway.keys.jwks import private_as_joserfc
from gateway.keys.partner import PartnerKeys, generate_partner

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
AUDIENCE = "https://gateway.example.mil"
JPN, GBR = generate_partner("JPN"), generate_partner("GBR", algorithm="ES384")
ISSUERS = {"JPN": "https://id.example.jp", "GBR": "https://id.example.uk"}
RULES = TokenRules()


def issuer_of(keys: PartnerKeys, *algorithms: str) -> Issuer:
    return Issuer(
        partner=keys.partner,
        issuer=ISSUERS[keys.partner],
        audience=AUDIENCE,
        algorithms=algorithms or ("EdDSA", "ES384"),
        keys=(keys.signing.public, keys.sealing.public),
    )


def verifier(*issuers: Issuer, rules: TokenRules = RULES) -> TokenVerifier:
    return TokenVerifier(issuers or (issuer_of(JPN), issuer_of(GBR)), rules)


def token(keys: PartnerKeys = JPN, **changed: object) -> str:
    said = {"issuer": ISSUERS[keys.partner], "audience": AUDIENCE, "system": "tokyo-1", "at": AT} | changed
    return mint(keys.signing, **said)


def nobody(_partner: str, _jti: str) -> bool:
    return False


def verify(text: str, at: datetime = AT, by: TokenVerifier | None = None) -> Caller:
    return (by or verifier()).verify(f"Bearer {text}", at, nobody)


def code(text: str, at: datetime = AT, by: TokenVerifier | None = None) -> str:
    with pytest.raises(CredentialRefused) as refusal:
        verify(text, at, by)
    assert text not in str(refusal.value)
    return refusal.value.code


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, object]:
    return json.loads(urlsafe_b64decode(part + "=="))


def signed(header: bytes | dict[str, object], claims: bytes | dict[str, object], keys: PartnerKeys = JPN) -> str:
    """A token whose signature is right whatever its parts say: what an issuer gone bad could send."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    signing_input = f"{encoded(parts[0])}.{encoded(parts[1])}"
    private = serialization_key(keys)
    return f"{signing_input}.{encoded(private.sign(signing_input.encode()))}"


def serialization_key(keys: PartnerKeys):
    return private_as_joserfc(keys.signing).private_key


def header_of(text: str, **changed: object) -> dict[str, object]:
    return decoded(text.split(".", maxsplit=1)[0]) | changed


def claims_of(text: str, **changed: object) -> dict[str, object]:
    return decoded(text.split(".")[1]) | changed
