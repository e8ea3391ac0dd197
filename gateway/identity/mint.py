"""Tokens made here, for development and tests: ``relgate token``. In earnest a partner's own issuer makes
them.

Nothing in this module is used to verify: a minted token goes through :mod:`gateway.identity.tokens` like
any other.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.identity.caller import IdentityError
from gateway.identity.fitness import ALGORITHMS, is_fit
from gateway.keys.jwks import PrivateJwk, private_as_joserfc
from gateway.keys.strict_json import Json


def mint(
    key: PrivateJwk,
    *,
    issuer: str,
    audience: str,
    system: str,
    at: datetime,
    lifetime: timedelta = timedelta(hours=1),
    jti: str | None = None,
    clearance: str | None = None,
    nationality: str | None = None,
    purpose: str | None = None,
    claims: Mapping[str, Json] | None = None,
) -> str:
    """A signed token for ``system`` from ``at`` (aware) for ``lifetime``; a fresh ``jti`` unless one is
    given.

    ``claims`` adds to or replaces what is said; it may say anything, for tests of the verifier. Raises
    :class:`IdentityError` for a key that signs with none of the algorithms that the gateway takes.
    """
    said: dict[str, Json] = {
        "iss": issuer,
        "aud": audience,
        "sub": system,
        "iat": int(at.timestamp()),
        "nbf": int(at.timestamp()),
        "exp": int((at + lifetime).timestamp()),
        "jti": secrets.token_urlsafe(16) if jti is None else jti,
    }
    optional = {"clearance": clearance, "nationality": nationality, "purpose": purpose}
    said |= {name: value for name, value in optional.items() if value is not None}
    said |= dict(claims or {})
    if not is_fit(key.public, algorithm := _algorithm_of(key)):
        raise IdentityError(f'key {key.public.kid} is not for signatures; use the one with use "sig"')
    signer = private_as_joserfc(key).private_key
    if not isinstance(signer, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise IdentityError(f"key {key.public.kid} ({key.public.curve}) cannot sign; use the one for signatures")
    return jwt.encode(said, signer, algorithm=algorithm, headers={"kid": key.public.kid})


def _algorithm_of(key: PrivateJwk) -> str:
    for algorithm, shape in ALGORITHMS.items():
        if shape == (key.public.kty, key.public.curve):
            return algorithm
    raise IdentityError(f"key {key.public.kid} ({key.public.curve}) is not for signatures the gateway takes")
