"""Keys: the gateway's own, kept privately, and public ones as values.

Start at :mod:`gateway.keys.ring` for what the gateway holds, :mod:`gateway.keys.jwks` for what partners
register, :mod:`gateway.keys.files` for how a private file is kept.
"""

from gateway.keys.errors import JwkRefused, KeyFileRefused, KeysError
from gateway.keys.jwks import (
    PrivateJwk,
    PublicJwk,
    parse_jwks,
    parse_private_jwks,
    write_jwks,
    write_private_jwks,
)
from gateway.keys.partner import PartnerKeys, generate_partner, write_partner
from gateway.keys.ring import GatewayKeys, IdentifierKey, open_ring, verifier_key_text

__all__ = [
    "GatewayKeys",
    "IdentifierKey",
    "JwkRefused",
    "KeyFileRefused",
    "KeysError",
    "PartnerKeys",
    "PrivateJwk",
    "PublicJwk",
    "generate_partner",
    "open_ring",
    "parse_jwks",
    "parse_private_jwks",
    "verifier_key_text",
    "write_jwks",
    "write_partner",
    "write_private_jwks",
]
