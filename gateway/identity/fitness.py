"""Which key may verify which algorithm: what a JWK says of itself is held against what a token asks of it.

PyJWT verifies with any key of the right type whatever the JWK's ``use``, ``key_ops`` or ``alg`` say, so
this is where they count. Nothing said is no permission: a key must say by ``use`` or ``key_ops`` that it
verifies signatures, because the same set holds the key that answers are sealed to.
"""

from __future__ import annotations

from typing import Final

from gateway.keys.jwks import PublicJwk

ALGORITHMS: Final = {
    "EdDSA": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "PS256": ("RSA", ""),
    "RS256": ("RSA", ""),
}
"""Every algorithm that an agreement may name, with the key type and curve it needs (RFC 7518 3.1, RFC 8037
3.1).
"""


def is_fit(key: PublicJwk, algorithm: str) -> bool:
    """Whether ``key`` is one that verifies signatures by ``algorithm``, by everything it says of itself."""
    if ALGORITHMS.get(algorithm) != (key.kty, key.curve):
        return False
    if key.alg is not None and key.alg != algorithm:
        return False
    if key.use is None and not key.operations:
        return False
    return key.use in {None, "sig"} and (not key.operations or "verify" in key.operations)
