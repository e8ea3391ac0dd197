"""An officer's signature under an order: a detached JWS (RFC 7515 appendix F), one line of text.

The rule: *a signature says what it was given for, by which key, when and for how long.* What is signed is the order's
statement (its purpose, its subject and the log it is for), which is not in the text: whoever checks says which order
it is to be for, so a signature under one order fits no other, and none of another log. The protected header holds the
key's thumbprint and the times. ``alg`` is ``EdDSA`` with Ed25519 keys alone (RFC 8037).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter

from gateway.keys.jwks import PublicJwk, as_joserfc, parse_jwk
from gateway.keys.strict_json import Json, NotStrictJson, read_object
from gateway.sealing.base64url import decode, encode
from gateway.sealing.errors import SealingError

TYPE: Final = "relgate-order+jws"
"""``typ``: so that nothing else signed with the same key passes for an order (RFC 8725 section 3.11)."""

TEXT_LIMIT: Final = 2048
"""Most characters of a signature."""

LONGEST: Final = timedelta(days=30)
"""Longest that a signature may be good for."""

_ALGORITHM: Final = "EdDSA"
_MEMBERS = frozenset({"alg", "kid", "typ", "iat", "exp"})
_LAST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True)
class OrderSignature:
    """What a signature's text says of itself. Nothing of it is believed before :func:`verify`."""

    text: str
    key: str
    issued: datetime
    expires: datetime


class _OneAlgorithm(jws.JWSRegistry):
    """A registry that knows one algorithm; the curve is checked where the key is read."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != _ALGORITHM:
            raise SealingError("algorithm_refused", "signature of an order")
        return self.algorithms[_ALGORITHM]


_REGISTRY = _OneAlgorithm(
    header_registry={
        "iat": HeaderParameter("When it was signed, seconds since 1970", "int"),
        "exp": HeaderParameter("From when on it counts no more, seconds since 1970", "int"),
    },
    algorithms=[_ALGORITHM],
)


def public_of(key: Ed25519PrivateKey) -> PublicJwk:
    """The public key of an officer's private one."""
    members = OKPKey.binding.export_private_key(key)
    return parse_jwk({"kty": "OKP", "crv": members["crv"], "x": members["x"]}, "officer's key")


def sign(statement: bytes, key: Ed25519PrivateKey, at: datetime, lifetime: timedelta) -> str:
    """The signature under an order, good from ``at`` (aware) for ``lifetime``."""
    issued = int(at.timestamp())
    header = {
        "alg": _ALGORITHM,
        "kid": public_of(key).thumbprint,
        "typ": TYPE,
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
    }
    head = encode(json.dumps(header, separators=(",", ":")).encode())
    return b".".join((head, b"", encode(key.sign(head + b"." + encode(statement))))).decode()


def read(text: str) -> OrderSignature:
    """Take a signature's text apart. Raises :class:`SealingError` unless it has the form of one."""
    parts = text.strip().split(".")
    if len(text) > TEXT_LIMIT or not text.isascii() or len(parts) != 3 or parts[1]:
        raise SealingError("signature_invalid", "not a detached JWS on one line")
    try:
        header = read_object(decode(parts[0].encode()))
    except (NotStrictJson, ValueError):
        raise SealingError("header_refused", "signature of an order") from None
    if header.keys() != _MEMBERS or header["typ"] != TYPE or header["alg"] != _ALGORITHM:
        raise SealingError("header_refused", "signature of an order")
    kid = header["kid"]
    if not isinstance(kid, str):
        raise SealingError("header_refused", "signature of an order")
    return OrderSignature(text.strip(), kid, _instant(header["iat"]), _instant(header["exp"]))


def verify(signature: OrderSignature, statement: bytes, key: PublicJwk, at: datetime) -> None:
    """Check a signature under this very order, by this key, at this moment (aware). Raises :class:`SealingError`."""
    if key.curve != "Ed25519" or key.thumbprint != signature.key:
        raise SealingError("signer_unknown")
    if not signature.issued < signature.expires <= signature.issued + LONGEST:
        raise SealingError("header_refused", f"a signature is good for {LONGEST.days} days at most")
    if not signature.issued <= at < signature.expires:
        raise SealingError("signature_invalid", "it is not yet good, or no longer")
    head, _, tail = signature.text.split(".")
    try:
        jws.deserialize_compact(f"{head}.{encode(statement).decode()}.{tail}", as_joserfc(key), registry=_REGISTRY)
    except (JoseError, ValueError):
        raise SealingError("signature_invalid", "it is not under this order") from None


def _instant(seconds: Json) -> datetime:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= _LAST_SECOND:
        raise SealingError("header_refused", "signature of an order")
    return datetime.fromtimestamp(seconds, UTC)
