"""A partner's public keys (``keys/partners/CODE.jwks.json``), which are part of the policy set: whoever can
add a key redirects the answers.

Keys with ``"use": "sig"`` verify the partner's tokens; keys with ``"use": "enc"`` are what answers are sealed
to. A key says so or is refused. Validity members are those of OpenID Federation 1.0 section 8.7 (``nbf``,
``exp``, and ``revoked`` with ``revoked_at``), in seconds since 1970. A key that says ``revoked`` is revoked,
whatever the date in it: an announced revocation is a doubt already. Private material, symmetric keys and
anything unknown refuse the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, cast

from joserfc.errors import JoseError
from joserfc.jwk import import_key

from gateway.policy.decision import RecipientKey

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KNOWN = frozenset({"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "nbf", "exp", "iat", "revoked"})
_FITS: Mapping[str, frozenset[tuple[str, str]]] = {
    "sig": frozenset({("OKP", "Ed25519"), ("EC", "P-256"), ("EC", "P-384"), ("RSA", "")}),
    "enc": frozenset({("OKP", "X25519"), ("EC", "P-256"), ("EC", "P-384")}),
}
_RSA_MODULUS_CHARS = 342  # 2048 bits in base64url
_LAST = 253_402_300_799  # 9999-12-31T23:59:59Z


class KeyFileError(ValueError):
    """A JWKS file is refused; ``index`` names the key, counted from 0, or is -1 for the whole file."""

    def __init__(self, index: int, message: str) -> None:
        self.index = index
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """One public key of a partner. ``jwk`` is its JSON text as RFC 7517 has it, without the validity members.

    ``thumbprint`` is RFC 7638 SHA-256, base64url. The dates are aware UTC; ``expires`` is exclusive.
    """

    thumbprint: str
    kid: str
    use: Literal["sig", "enc"]
    jwk: str
    not_before: datetime | None = None
    expires: datetime | None = None
    revoked: bool = False
    recipient: RecipientKey = field(init=False, repr=False, compare=False)
    """The key as the channel gate sees it."""

    def __post_init__(self) -> None:
        seen = RecipientKey(self.thumbprint, self.not_before, self.expires, self.revoked, self.post_quantum)
        object.__setattr__(self, "recipient", seen)

    def usable(self, at: datetime) -> bool:
        """Whether the key is valid at ``at`` and not revoked."""
        begun = self.not_before is None or self.not_before <= at
        return begun and (self.expires is None or at < self.expires) and not self.revoked

    @property
    def post_quantum(self) -> bool:
        """Whether a wrap to this key resists a quantum computer; none of the key types that are read does yet."""
        return '"kty":"AKP"' in self.jwk


def parse_keys(data: bytes) -> tuple[PartnerKey, ...]:
    """Read a JWKS file; raises :class:`KeyFileError`. Keys come sorted by thumbprint: their order never
    matters.
    """
    keys = tuple(_parse_key(index, member) for index, member in enumerate(_members(data)))
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key.thumbprint in seen or f"kid:{key.kid}" in seen:
            raise KeyFileError(index, "the same key, or the same kid, stands twice")
        seen |= {key.thumbprint, f"kid:{key.kid}"}
    return tuple(sorted(keys, key=lambda key: key.thumbprint))


def _members(data: bytes) -> list[dict[str, object]]:
    try:
        read = json.loads(data.decode(), object_pairs_hook=_no_repeats)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise KeyFileError(-1, f"not JSON: {error}") from error
    members = read.get("keys") if isinstance(read, dict) else None
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise KeyFileError(-1, 'a JWKS is an object with a list "keys" of objects')
    if not members:
        raise KeyFileError(-1, "the set holds no key; a partner without keys has no file")
    return cast("list[dict[str, object]]", members)


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise KeyFileError(-1, "a member stands twice in one object")
    return read


def _parse_key(index: int, member: Mapping[str, object]) -> PartnerKey:
    if _PRIVATE & member.keys():
        raise KeyFileError(index, "private key material: the key is compromised and must be replaced, not just removed")
    unknown = sorted(member.keys() - _KNOWN)
    if unknown:
        raise KeyFileError(index, f"unknown member {unknown[0]}")
    use = member.get("use")
    if use not in ("sig", "enc"):
        raise KeyFileError(
            index, 'a key says "use": "sig" (verifies tokens) or "use": "enc" (answers are sealed to it)'
        )
    kind = (str(member.get("kty")), str(member.get("crv", "")))
    if kind not in _FITS[str(use)]:
        raise KeyFileError(index, f"a key of type {' '.join(kind).strip()} cannot be used for {use}")
    if kind[0] == "RSA" and len(str(member.get("n", ""))) < _RSA_MODULUS_CHARS:
        raise KeyFileError(index, "an RSA key has at least 2048 bits")
    kid = member.get("kid")
    if kid is not None and (not isinstance(kid, str) or not kid):
        raise KeyFileError(index, "kid is a string")
    thumbprint = _thumbprint(index, member)
    public = {name: member[name] for name in sorted(member.keys() - {"nbf", "exp", "iat", "revoked"})}
    return PartnerKey(
        thumbprint=thumbprint,
        kid=kid or thumbprint,
        use=use,
        jwk=json.dumps(public, sort_keys=True, separators=(",", ":")),
        not_before=_instant(index, member, "nbf"),
        expires=_instant(index, member, "exp"),
        revoked=_revoked(index, member),
    )


def _thumbprint(index: int, member: Mapping[str, object]) -> str:
    material = {name: str(member[name]) for name in ("kty", "crv", "x", "y", "n", "e") if name in member}
    try:
        key = import_key(dict(material))
        if key.is_private:
            raise KeyFileError(index, "private key material")
        return key.thumbprint()
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise KeyFileError(index, f"not a usable public key: {type(error).__name__}") from error


def _instant(index: int, member: Mapping[str, object], name: str) -> datetime | None:
    value = member.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LAST:
        raise KeyFileError(index, f"{name} is a whole number of seconds since 1970")
    return datetime.fromtimestamp(value, UTC)


def _revoked(index: int, member: Mapping[str, object]) -> bool:
    if "revoked" not in member:
        return False
    revoked = member["revoked"]
    if not isinstance(revoked, dict) or "revoked_at" not in revoked:
        raise KeyFileError(index, 'revoked is an object with "revoked_at" (OpenID Federation 1.0 section 8.7)')
    _instant(index, cast("Mapping[str, object]", revoked), "revoked_at")
    return True
