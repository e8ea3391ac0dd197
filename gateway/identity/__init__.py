"""Identity: who is calling, and how strongly that was proved. It comes from a verified credential and
nothing else.

:mod:`gateway.identity.tokens` verifies bearer tokens, :mod:`gateway.identity.mint` makes them for
development.
"""

from gateway.identity.caller import Caller, CredentialRefused, IdentityError, Issuer, TokenRules
from gateway.identity.mint import mint
from gateway.identity.tokens import TokenVerifier, sole_authorization

__all__ = [
    "Caller",
    "CredentialRefused",
    "IdentityError",
    "Issuer",
    "TokenRules",
    "TokenVerifier",
    "mint",
    "sole_authorization",
]
