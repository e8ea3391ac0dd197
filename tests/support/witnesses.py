"""Witnesses' keys, the same at every run, and a policy set's files that demand some of them."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import COSIGNATURE, SigningKey

NAMES = ("nor-ig", "jpn-audit", "gbr-audit")


def signing_key(name: str) -> SigningKey:
    """The witness's key; its own name for itself is not the one that the set has for it."""
    seed = name.encode().ljust(32, b".")[:32]
    return SigningKey(f"{name}.example/w1", Ed25519PrivateKey.from_private_bytes(seed), COSIGNATURE)


KEYS = {name: str(signing_key(name).verifier) for name in NAMES}
TABLE = "\n[witnesses]\n" + "".join(f'{name} = "{key}"\n' for name, key in KEYS.items())
"""What makes them known to a set, at the end of policy.toml."""


def demand(quorum: int, *names: str) -> str:
    """A demand as a line of a policy file."""
    return f"witnesses = {{ quorum = {quorum}, of = [{', '.join(repr(name) for name in names)}] }}\n".replace("'", '"')
