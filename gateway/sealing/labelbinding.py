"""The signature over a label's binding: a compact JWS (RFC 7515) by whoever labels, verified before the label is read.

The rules, against the ways in which such signatures were got round elsewhere:

1. The key decides the algorithm, never the header: P-384 signs ES384, P-256 ES256, RSA from 2,048 bits PS384.
   ADatP-4778.2 asks for RSA or ECDSA with SHA-256 or better; SHA-1, MD5, HMAC and ``none`` do not exist here.
2. The header holds ``alg``, ``kid`` and ``typ``, each once, and nothing else. A key in it (``jwk``, ``x5c``) is
   refused: who signs cannot also say whose signature counts.
3. ``typ`` keeps another statement signed with the same key from passing for a binding (RFC 8725 section 3.11).
4. A signature counts when its key was valid at the moment asked about. What does not verify gives nothing back, and
   does not say more: the doubt is the same for a forged, a foreign and a mangled signature.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError

from gateway.keys.jwks import PrivateJwk, PublicJwk, as_joserfc, private_as_joserfc
from gateway.keys.strict_json import NotStrictJson, read_object
from gateway.markings.binding import LONGEST_BINDING, BindingStatement, Verify, build_statement
from gateway.sealing.base64url import decode
from gateway.sealing.errors import SealingError

BINDING_TYPE: Final = "label-binding+jws"
"""``typ`` of a signed binding."""

_ALGORITHMS: Final = {("EC", "P-384"): "ES384", ("EC", "P-256"): "ES256", ("RSA", ""): "PS384"}
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_REGISTRY: Final = jws.JWSRegistry(algorithms=sorted(_ALGORITHMS.values()))


def sign_binding(statement: BindingStatement, key: PrivateJwk) -> bytes:
    """The signed binding; :class:`SealingError` for a key that is not P-256 or P-384 for signatures."""
    algorithm = _ALGORITHMS.get((key.public.kty, key.public.curve))
    if algorithm is None or key.public.use not in {None, "sig"}:
        raise SealingError("algorithm_refused", "a label is bound with a P-384, P-256 or RSA key")
    header = {"alg": algorithm, "kid": key.public.kid, "typ": BINDING_TYPE}
    payload = build_statement(statement)
    return jws.serialize_compact(header, payload, private_as_joserfc(key), registry=_REGISTRY).encode()


def binding_verifier(keys: Iterable[PublicJwk], at: datetime) -> Verify:
    """What verifies bindings signed by one of ``keys``, as they stood at ``at``; hand it to ``check_binding``."""
    valid = {key.kid: key for key in keys if key.valid_at(at) and key.use in {None, "sig"}}

    def verify(signed: bytes) -> bytes | None:
        return _verified(signed, valid)

    return verify


def _verified(signed: bytes, keys: dict[str, PublicJwk]) -> bytes | None:
    head, _, rest = signed.partition(b".")
    if len(signed) > LONGEST_BINDING or rest.count(b".") != 1:
        return None
    try:
        header = read_object(decode(head))
    except (NotStrictJson, ValueError):
        return None
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None or header.keys() != _HEADER or header["typ"] != BINDING_TYPE:
        return None
    algorithm = _ALGORITHMS.get((key.kty, key.curve))
    if algorithm is None or header["alg"] != algorithm:
        return None
    try:
        opened = jws.deserialize_compact(signed, as_joserfc(key), registry=_REGISTRY)
    except (JoseError, ValueError):
        return None
    return bytes(opened.payload)
