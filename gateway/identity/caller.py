"""The words of identity: who may issue tokens, who a verified token says is calling, why one was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.keys.jwks import PublicJwk
from gateway.policy.decision import Credential

CODES: Final = {
    "token_missing": "the request has no Authorization header",
    "token_malformed": "it is not one well-formed bearer token: three parts of strict JSON",
    "token_too_long": "it is longer than any token of ours can be",
    "token_header_refused": "its header asks for something that is never followed: a key or address of its "
    "own, critical extensions, compression, nesting, or another type of token",
    "token_unknown_issuer": "no partner has the issuer it names",
    "token_algorithm_refused": "its algorithm is not one that the partner's agreement names",
    "token_key_unknown": "the partner has no key of that name",
    "token_keys_unavailable": "its issuer publishes its keys by address, and no set was had lately enough",
    "token_key_unfit": "the partner's key of that name does not verify tokens of that algorithm, or not now",
    "token_signature_invalid": "its signature does not verify",
    "token_claim_missing": "one of iss, aud, sub, exp, iat, jti is not there",
    "token_claim_invalid": "a claim has the wrong type or form, or is out of bounds",
    "token_audience_wrong": "it was issued for another service",
    "token_proof_missing": "it is bound to a key (cnf) whose possession was not shown",
    "token_expired": "its time is over",
    "token_not_yet_valid": "its time has not begun, or it was issued in the future",
    "token_lifetime_excessive": "it lives longer than allowed",
    "token_revoked": "it was revoked",
}
"""Every reason code of this layer, with what it means. Stable: partners' programs and audit searches read
them.
"""


class IdentityError(Exception):
    """Something about credentials or their issuers is not as it must be."""


class CredentialRefused(IdentityError):
    """A credential proves nothing. ``code`` is one of :data:`CODES`; the credential itself is never
    quoted.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"{code}: {CODES[code]}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are believed about one partner, as that partner's file in the policy set says.

    ``issuer`` is matched to ``iss`` exactly, ``audience`` must be in ``aud``. ``algorithms`` is the
    agreement's allow-list, of EdDSA, ES256, ES384, PS256, RS256. ``keys`` is the partner's whole public
    set; those that are not for signatures are never used for one. ``jwks_url`` is where the issuer publishes further
    ones, empty for nowhere; ``never`` holds the thumbprints that are not believed from there: other partners' keys,
    revoked ones, those that the policy set gives times, and those that answers are sealed to.
    """

    partner: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    keys: tuple[PublicJwk, ...]
    jwks_url: str = ""
    never: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Bounds on every token, from the gateway's settings.

    ``skew`` is how far the issuer's clock may be off. ``lifetime`` is the longest allowed from ``iat`` to
    ``exp``. ``length`` is in characters. ``memo`` is how many verified tokens are remembered.
    """

    skew: timedelta = timedelta(seconds=30)
    lifetime: timedelta = timedelta(hours=24)
    length: int = 8192
    memo: int = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, as a verified credential says. What the agreement makes of the claims is policy's
    business.

    ``system`` is the token's ``sub``. ``clearance``, ``nationality`` and ``purpose`` are claims, ``None``
    when absent. ``begins`` and ``expires`` (aware UTC) bound the time in which the credential is good,
    clock skew not counted. ``key`` is the thumbprint of the key that verified it.
    """

    partner: str
    system: str
    jti: str
    begins: datetime
    expires: datetime
    key: str
    credential: Credential = Credential.BEARER
    clearance: str | None = None
    nationality: str | None = None
    purpose: str | None = None
