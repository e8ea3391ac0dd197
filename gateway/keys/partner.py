"""Key pairs that a partner would make for itself, made here for development, demonstrations and tests.

In earnest a partner makes its own keys, keeps the private ones, and hands over the public set by a way that
both sides trust (see ``docs/keys.md``). The rule kept here: *the private set is written first and
privately*, so that no public key is ever registered whose private half was lost, and nothing is ever
replaced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from joserfc.jwk import ECKey, Key, OKPKey

from gateway.keys.errors import KeyFileRefused
from gateway.keys.files import make_private_folder, write_private
from gateway.keys.jwks import PrivateJwk, PublicJwk, parse_jwk, write_jwks, write_private_jwks

SealingCurve = Literal["X25519", "P-256", "P-384"]
SigningAlgorithm = Literal["EdDSA", "ES256", "ES384"]

_CURVE_OF: dict[SigningAlgorithm, Literal["Ed25519", "P-256", "P-384"]] = {
    "EdDSA": "Ed25519",
    "ES256": "P-256",
    "ES384": "P-384",
}


@dataclass(frozen=True, slots=True)
class PartnerKeys:
    """What one partner holds: ``signing`` for its tokens, ``sealing`` for the answers sealed to it."""

    partner: str
    signing: PrivateJwk
    sealing: PrivateJwk

    @property
    def public_jwks(self) -> bytes:
        """The JWK set to register as ``keys/partners/<partner>.jwks.json``."""
        return write_jwks((self.signing.public, self.sealing.public))

    @property
    def private_jwks(self) -> bytes:
        """The same keys with their private parts."""
        return write_private_jwks((self.signing, self.sealing))


def generate_partner(
    partner: str,
    *,
    curve: SealingCurve = "X25519",
    algorithm: SigningAlgorithm = "EdDSA",
    not_before: datetime | None = None,
    expires: datetime | None = None,
) -> PartnerKeys:
    """A fresh pair to sign tokens and a fresh pair to be sealed to, each named by its thumbprint.

    ``not_before`` and ``expires`` (aware) bound the life of both; the policy set reads them as ``nbf`` and
    ``exp``.
    """
    signing = _bounded(generate_key(_CURVE_OF[algorithm], use="sig", alg=algorithm), not_before, expires)
    sealing = _bounded(generate_key(curve, use="enc", alg="ECDH-ES"), not_before, expires)
    return PartnerKeys(partner, signing, sealing)


def generate_key(
    curve: Literal["Ed25519", "X25519", "P-256", "P-384"], *, use: Literal["sig", "enc"], alg: str
) -> PrivateJwk:
    """One fresh private key, whose ``kid`` is its RFC 7638 thumbprint."""
    if curve in {"Ed25519", "X25519"}:
        raw: Key = OKPKey.generate_key(curve)
    else:
        raw = ECKey.generate_key(curve)
    made = {name: str(text) for name, text in raw.as_dict(private=True).items() if name != "kid"}
    secret = made.pop("d")
    return PrivateJwk(parse_jwk({**made, "use": use, "alg": alg}, curve), secret)


def write_partner(keys: PartnerKeys, *, public_folder: Path, private_folder: Path) -> tuple[Path, Path]:
    """Write ``<partner>.jwks.json`` and ``<partner>.private.jwks.json`` (0600, in a 0700 folder); give both
    paths.

    Raises :class:`KeyFileRefused` when either is already there.
    """
    public = public_folder / f"{keys.partner}.jwks.json"
    private = private_folder / f"{keys.partner}.private.jwks.json"
    if public.exists():
        raise KeyFileRefused(public, "is already there", "Move it away first if the partner's key changes")
    make_private_folder(private_folder)
    write_private(private, keys.private_jwks)
    public_folder.mkdir(parents=True, exist_ok=True)
    with public.open("xb") as file:
        file.write(keys.public_jwks)
    return public, private


def _bounded(key: PrivateJwk, not_before: datetime | None, expires: datetime | None) -> PrivateJwk:
    public: PublicJwk = replace(key.public, not_before=not_before, expires=expires)
    return replace(key, public=public)
