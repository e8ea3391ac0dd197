"""JSON Web Keys as values: public keys of partners and of the gateway, and private keys for whoever holds
them.

The rule: *a key is used for what it says, or not at all.* Only these are read: OKP Ed25519 and X25519 (RFC
8037), EC P-256 and P-384 (RFC 7518 section 6.2), RSA from 2,048 bits for signatures (section 6.3). A set
that holds a symmetric key or a private member is refused whole: such a file has been published by mistake.
``nbf`` and ``exp`` (seconds since 1970, as OpenID Federation 1.0 section 8.7 registers them) bound a key's
life.

A key's name in logs, receipts and sealed answers is its RFC 7638 SHA-256 thumbprint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from gateway.keys.errors import JwkRefused
from gateway.keys.strict_json import Json, NotStrictJson, read_object

RSA_BITS = 2048
"""Fewest bits of an RSA modulus that is read (NIST SP 800-131A revision 2, table 2)."""

SET_LIMIT = 64
"""Most keys in one set."""

_MEMBERS = {"OKP": ("crv", "x"), "EC": ("crv", "x", "y"), "RSA": ("n", "e")}
_CURVES = {"OKP": ("Ed25519", "X25519"), "EC": ("P-256", "P-384"), "RSA": ("",)}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that a datetime holds


@dataclass(frozen=True, slots=True)
class PublicJwk:
    """One public key.

    ``material`` holds the members that make the key (RFC 7638 section 3.2, without ``kty``), as pairs.
    ``kid`` is the set's name for it (the thumbprint where the set gives none). ``use``, ``alg`` and
    ``operations`` are what the set allows it for; ``None`` or empty: the set does not say.
    """

    kty: str
    curve: str
    material: tuple[tuple[str, str], ...]
    thumbprint: str
    kid: str
    use: str | None = None
    alg: str | None = None
    operations: tuple[str, ...] = ()
    not_before: datetime | None = None
    expires: datetime | None = None

    def __hash__(self) -> int:
        """By thumbprint alone: keys stand in memories that are asked at every release."""
        return hash(self.thumbprint)

    def valid_at(self, at: datetime) -> bool:
        """Whether ``at`` (aware) lies within the key's life; the end is not part of it."""
        return (self.not_before is None or self.not_before <= at) and (self.expires is None or at < self.expires)

    def members(self) -> dict[str, str]:
        """The key's own members with ``kty``: what RFC 7638 hashes and what libraries import."""
        return {"kty": self.kty, **dict(self.material)}

    def to_json(self) -> dict[str, Json]:
        """The key as a member of a JWK set, everything it says of itself included."""
        said: dict[str, Json] = {**self.members(), "kid": self.kid}
        if self.use is not None:
            said["use"] = self.use
        if self.alg is not None:
            said["alg"] = self.alg
        if self.operations:
            said["key_ops"] = list(self.operations)
        if self.not_before is not None:
            said["nbf"] = int(self.not_before.timestamp())
        if self.expires is not None:
            said["exp"] = int(self.expires.timestamp())
        return said


@dataclass(frozen=True, slots=True)
class PrivateJwk:
    """A private Ed25519, X25519, P-256 or P-384 key. Its ``repr`` and errors never show the secret."""

    public: PublicJwk
    secret: str = field(repr=False)

    def __hash__(self) -> int:
        """As the public key."""
        return hash(self.public)

    def to_json(self) -> dict[str, Json]:
        """The private key as a JWK. Write it only where private files go."""
        return {**self.public.to_json(), "d": self.secret}


@lru_cache(maxsize=4096)
def as_joserfc(key: PublicJwk) -> Key:
    """The same key as joserfc holds one; remembered, since importing costs more than using it."""
    return import_key(dict(key.members()))


@lru_cache(maxsize=64)
def private_as_joserfc(key: PrivateJwk) -> Key:
    """The same private key as joserfc holds one."""
    return import_key({**key.public.members(), "d": key.secret})


def parse_jwks(data: bytes) -> tuple[PublicJwk, ...]:
    """Read a public JWK set (RFC 7517 section 5), whole or not at all.

    Raises :class:`JwkRefused` for anything but distinct, usable public keys with distinct ``kid``.
    """
    keys = tuple(parse_jwk(member, where) for member, where in _members_of_set(data))
    _refuse_repeats(keys)
    return keys


def parse_published_jwks(data: bytes) -> tuple[PublicJwk, ...]:
    """Read the keys for signatures in a set that an issuer publishes for everybody (RFC 7517 section 5).

    Such a set serves others too: a key of a type or curve that is not read here, or one for encryption, is passed over.
    A set that holds a symmetric key or a private member has been published by mistake, and one that repeats a name is
    two sets: these are refused whole, as is a set whose keys of the known kinds are not sound.
    """
    keys = []
    for member, where in _members_of_set(data):
        if found := sorted(_PRIVATE & member.keys()):
            raise JwkRefused(where, f"holds the private member {found[0]}: the key must be replaced")
        if member.get("use", "sig") == "sig" and _is_known(member):
            keys.append(parse_jwk(member, where))
    _refuse_repeats(tuple(keys))
    return tuple(keys)


def _is_known(member: Mapping[str, Json]) -> bool:
    kty, curve = member.get("kty"), member.get("crv", "")
    return isinstance(kty, str) and curve in _CURVES.get(kty, ()) and curve != "X25519"


def parse_private_jwks(data: bytes) -> tuple[PrivateJwk, ...]:
    """Read a set of private keys that this side holds; the same rules, but each key must have its ``d``."""
    keys = tuple(_parse_private(member, where) for member, where in _members_of_set(data))
    _refuse_repeats(tuple(key.public for key in keys))
    return keys


def write_jwks(keys: tuple[PublicJwk, ...]) -> bytes:
    """A public JWK set as JSON that reads well and never differs for the same keys."""
    return _write([key.to_json() for key in keys])


def write_private_jwks(keys: tuple[PrivateJwk, ...]) -> bytes:
    """A private JWK set as JSON; the caller keeps it in a private file."""
    return _write([key.to_json() for key in keys])


def parse_jwk(value: Mapping[str, Json], where: str) -> PublicJwk:
    """Read one public key; ``where`` names it in the :class:`JwkRefused` that a bad one raises."""
    if found := sorted(_PRIVATE & value.keys()):
        raise JwkRefused(where, f"holds the private member {found[0]}: the key must be replaced, not just removed")
    kty = _text(value, "kty", where)
    if kty not in _MEMBERS:
        raise JwkRefused(where, f"kty must be one of {', '.join(_MEMBERS)}")
    material = {name: _text(value, name, where) for name in _MEMBERS[kty]}
    curve = material.get("crv", "")
    if curve not in _CURVES[kty]:
        raise JwkRefused(where, f"crv must be one of {', '.join(_CURVES[kty])}")
    if kty == "RSA" and len(material["n"]) * 6 < RSA_BITS:
        # joserfc would import it with a warning only; its length in base64url tells without importing it.
        raise JwkRefused(where, f"RSA keys must have at least {RSA_BITS} bits")
    try:
        key = import_key({"kty": kty, **material})
        thumbprint = key.thumbprint()
    except (JoseError, ValueError):
        raise JwkRefused(where, f"is not a valid {kty} key") from None
    _check_encoding(key, material, where)
    return PublicJwk(
        kty=kty,
        curve=curve,
        material=tuple(sorted(material.items())),
        thumbprint=thumbprint,
        kid=_text(value, "kid", where) if "kid" in value else thumbprint,
        use=_use(value, where),
        alg=_text(value, "alg", where) if "alg" in value else None,
        operations=_operations(value, where),
        not_before=_instant(value, "nbf", where),
        expires=_instant(value, "exp", where),
    )


def _members_of_set(data: bytes) -> list[tuple[dict[str, Json], str]]:
    try:
        members = read_object(data).get("keys")
    except NotStrictJson as error:
        raise JwkRefused("JWK set", str(error)) from None
    if not isinstance(members, list) or not 0 < len(members) <= SET_LIMIT:
        raise JwkRefused("JWK set", f'must have a list "keys" of 1 to {SET_LIMIT} keys')
    found = []
    for place, member in enumerate(members):
        if not isinstance(member, dict):
            raise JwkRefused(f"keys[{place}]", "is not a JSON object")
        found.append((member, f"keys[{place}]"))
    return found


def _parse_private(value: Mapping[str, Json], where: str) -> PrivateJwk:
    secret = _text(value, "d", where)
    public = parse_jwk({name: part for name, part in value.items() if name != "d"}, where)
    if public.kty == "RSA":
        raise JwkRefused(where, "private RSA keys are not read")
    try:
        key = import_key({**public.members(), "d": secret})
        derived = _canonical(key, where)
    except (JoseError, ValueError):
        raise JwkRefused(where, "is not a valid private key") from None
    if any(derived[name] != text for name, text in public.material):
        raise JwkRefused(where, "the private part does not belong to the public part")
    return PrivateJwk(public, secret)


def _check_encoding(key: Key, material: Mapping[str, str], where: str) -> None:
    """Refuse a second spelling of the same key: it would have a second thumbprint (RFC 7638 section 7)."""
    if isinstance(key, RSAKey) and key.public_key.key_size < RSA_BITS:
        raise JwkRefused(where, f"RSA keys must have at least {RSA_BITS} bits")
    canonical = _canonical(key, where)
    if any(canonical[name] != text for name, text in material.items()):
        raise JwkRefused(where, "is not written in its canonical base64url form (RFC 7518 section 6)")


def _canonical(key: Key, where: str) -> dict[str, str]:
    """The public members, worked out again from the key itself (joserfc's own export repeats what it
    was given).
    """
    if isinstance(key, ECKey):
        return {name: str(text) for name, text in ECKey.binding.export_public_key(key.public_key).items()}
    if isinstance(key, OKPKey):
        return OKPKey.binding.export_public_key(key.public_key)
    if isinstance(key, RSAKey):
        return RSAKey.binding.export_public_key(key.public_key)
    raise JwkRefused(where, "is not an asymmetric key")


def _refuse_repeats(keys: tuple[PublicJwk, ...]) -> None:
    for named in ("kid", "thumbprint"):
        seen: set[str] = set()
        for place, key in enumerate(keys):
            name = getattr(key, named)
            if name in seen:
                raise JwkRefused(f"keys[{place}]", f"its {named} stands twice in the set")
            seen.add(name)


def _text(value: Mapping[str, Json], name: str, where: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found or len(found) > 2048 or not (found.isascii() and found.isprintable()):
        raise JwkRefused(where, f"{name} must be there, as printable ASCII text")
    return found


def _use(value: Mapping[str, Json], where: str) -> str | None:
    if "use" not in value:
        return None
    use = _text(value, "use", where)
    if use not in {"sig", "enc"}:
        raise JwkRefused(where, 'use must be "sig" or "enc"')
    return use


def _operations(value: Mapping[str, Json], where: str) -> tuple[str, ...]:
    if "key_ops" not in value:
        return ()
    listed = value["key_ops"]
    if not isinstance(listed, list) or not listed or not all(isinstance(item, str) for item in listed):
        raise JwkRefused(where, "key_ops must be a list of texts that is not empty")
    return tuple(str(item) for item in listed)


def _instant(value: Mapping[str, Json], name: str, where: str) -> datetime | None:
    if name not in value:
        return None
    seconds = value[name]
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= _LAST_SECOND:
        raise JwkRefused(where, f"{name} must be whole seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC)


def _write(keys: list[dict[str, Json]]) -> bytes:
    return json.dumps({"keys": keys}, indent=2, sort_keys=True).encode() + b"\n"
