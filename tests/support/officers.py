"""Officers for tests: keys made once, lists as files say them, signatures under orders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.activation.approval import Purpose, statement
from gateway.sealing.order_signature import public_of, sign

ORIGIN = "localhost/relgate-development"
DELEGATION = (
    '[officer.delegation]\nnations = ["JPN", "GBR"]\nlevel = "SECRET"\ncategories = ["5", "8"]\nuntil = 2040-01-01'
)


@dataclass(frozen=True, slots=True)
class Signer:
    """One officer, with the private keys and the API token that only tests see."""

    name: str
    keys: tuple[Ed25519PrivateKey, ...] = field(repr=False)

    @property
    def token(self) -> str:
        """The token for the API."""
        return f"token-of-{self.name}-for-tests"

    def table(self, delegation: str = DELEGATION) -> str:
        """The officer as a list says it."""
        keys = [dict(public_of(key).material)["x"] for key in self.keys]
        token = hashlib.sha256(self.token.encode()).hexdigest()
        return f'[[officer]]\nname = "{self.name}"\nkeys = {keys!r}\ntoken = "{token}"\n{delegation}\n'

    def sign(
        self,
        purpose: Purpose,
        subject: str,
        at: datetime,
        *,
        key: int = 0,
        origin: str = ORIGIN,
        lifetime: timedelta = timedelta(days=1),
    ) -> str:
        """A signature under an order."""
        return sign(statement(purpose, subject, origin), self.keys[key], at, lifetime)


@cache
def signer(name: str, keys: int = 1) -> Signer:
    """An officer of this name; the same one at each call."""
    return Signer(name, tuple(Ed25519PrivateKey.generate() for _ in range(keys)))


ALICE, BOB, CAROL, MALLORY = signer("alice", 2), signer("bob"), signer("carol"), signer("mallory")


def listed(*officers: Signer, delegation: str = DELEGATION) -> bytes:
    """The list of these officers, each with the delegation."""
    return "\n".join(officer.table(delegation) for officer in officers).encode()
