"""The claims of a token, read strictly: every one that matters has one type, one meaning, and a bound.

The signature has been verified by the time this is used; an issuer that signs nonsense is still refused.
Times are whole seconds (RFC 7519 allows fractions; none of our partners' tokens need them, and they are a
second spelling).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.identity.caller import CredentialRefused, TokenRules
from gateway.keys.strict_json import Json

REQUIRED = ("iss", "aud", "sub", "exp", "iat", "jti")
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that a datetime holds
_TEXT_LIMIT = 256
_AUDIENCES_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, by type; ``begins`` is the later of ``nbf`` and ``iat``."""

    audiences: tuple[str, ...]
    subject: str
    jti: str
    issued: datetime
    begins: datetime
    expires: datetime
    clearance: str | None
    nationality: str | None
    purpose: str | None
    bound_to_key: bool


def read_claims(members: Mapping[str, Json]) -> Claims:
    """Type the claims, or raise ``token_claim_missing`` or ``token_claim_invalid``."""
    if any(name not in members for name in REQUIRED):
        raise CredentialRefused("token_claim_missing")
    issued, expires = _instant(members, "iat"), _instant(members, "exp")
    if expires <= issued:
        raise CredentialRefused("token_claim_invalid")
    return Claims(
        audiences=_audiences(members["aud"]),
        subject=required_text(members, "sub"),
        jti=required_text(members, "jti"),
        issued=issued,
        begins=max(issued, _instant(members, "nbf")) if "nbf" in members else issued,
        expires=expires,
        clearance=_text_or_none(members, "clearance"),
        nationality=_text_or_none(members, "nationality"),
        purpose=_text_or_none(members, "purpose"),
        bound_to_key="cnf" in members,
    )


def check_claims(claims: Claims, audience: str, rules: TokenRules) -> None:
    """Refuse what no moment in time could make right: audience, binding to a key, length of life."""
    if audience not in claims.audiences:
        raise CredentialRefused("token_audience_wrong")
    if claims.bound_to_key:
        # RFC 9449 section 7.1 and RFC 8705 section 3: a token bound to a key is not a bearer token.
        raise CredentialRefused("token_proof_missing")
    if claims.expires - claims.issued > rules.lifetime:
        raise CredentialRefused("token_lifetime_excessive")


def check_times(begins: datetime, expires: datetime, at: datetime, rules: TokenRules) -> None:
    """Refuse a token before its time or from its end on; both with the allowed clock skew (RFC 7519
    4.1.4, 4.1.5).
    """
    if at >= expires + rules.skew:
        raise CredentialRefused("token_expired")
    if at < begins - rules.skew:
        raise CredentialRefused("token_not_yet_valid")


def required_text(members: Mapping[str, Json], name: str) -> str:
    """A text of 1 to 256 printable characters; anything else is ``token_claim_invalid`` (it would end up in
    logs).
    """
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_LIMIT or not value.isprintable():
        raise CredentialRefused("token_claim_invalid")
    return value


def _text_or_none(members: Mapping[str, Json], name: str) -> str | None:
    return required_text(members, name) if name in members else None


def _audiences(value: Json) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not 0 < len(listed) <= _AUDIENCES_LIMIT:
        raise CredentialRefused("token_claim_invalid")
    return tuple(required_text({"aud": item}, "aud") for item in listed)


def _instant(members: Mapping[str, Json], name: str) -> datetime:
    value = members[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _LAST_SECOND:
        raise CredentialRefused("token_claim_invalid")
    return datetime.fromtimestamp(value, UTC)
