"""Witnesses as policy names them: who may cosign, and how many of whom must have before an answer leaves.

1. The set says which keys count (``[witnesses]`` of ``policies/policy.toml``), so that officers sign for them: where a
   witness is asked is a matter of the gateway's settings, whom to believe is not.
2. An agreement, a dataset and a grant may each demand so many of so many. **All demands that speak of an answer hold
   together**: none is ever weakened by another, and what is opened in an emergency is under them as well.
3. A witness counts once, whatever it is called here.

A verifier key is written ``<name>+<8 hex of key id>+<base64(type || public key)>`` (C2SP signed-note). Only types 0x04
(Ed25519) and 0x06 (ML-DSA-44) state the time that a cosignature states (C2SP tlog-cosignature).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.policy.decision import WitnessDemand
from gateway.policy.errors import Misplaced, Unreadable
from gateway.policy.values import Slug, Some, Strict

MOST = 32
"""Most witnesses that one demand may ask for."""

KEY_BYTES: Mapping[int, int] = {0x04: 32, 0x06: 1312}
"""Bytes of a public key, by the types of signature that a witness may make."""

_KEY = re.compile(r"([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")


def _witness_key(raw: object) -> object:
    """A verifier key of a witness, whole and with the id that its bytes have."""
    found = _KEY.fullmatch(raw) if isinstance(raw, str) else None
    if found is None:
        raise Unreadable("a witness's verifier key was expected, name+id+base64, as its operator gives it")
    try:
        material = base64.b64decode(found[3], validate=True)
    except binascii.Error:
        material = b""
    if base64.b64encode(material).decode() != found[3]:
        raise Unreadable("the last part of a verifier key is base64, and this is not")
    if not material or len(material) - 1 != KEY_BYTES.get(material[0]):
        raise Unreadable("this is no witness's key: of type 04 (Ed25519) or 06 (ML-DSA-44); a log's own is of type 01")
    if hashlib.sha256(found[1].encode() + b"\n" + material).hexdigest()[:8] != found[2]:
        raise Unreadable(f"the id {found[2]} is not that of these bytes: a part of the key was changed or lost")
    return raw


WitnessKey = Annotated[str, BeforeValidator(_witness_key)]
"""A witness's verifier key in its text form."""


def key_name(key: str) -> str:
    """What the witness calls itself."""
    return key.partition("+")[0]


def public_bytes(key: str) -> bytes:
    """The public key itself, without its type: one key is one witness under whatever name."""
    return base64.b64decode(key.split("+", 2)[2])[1:]


def counted_twice(keys: Mapping[str, str]) -> tuple[str, str] | None:
    """Two names under which one witness stands, by its key or its name for itself; ``None`` when there are none."""
    taken: dict[str | bytes, str] = {}
    for name, key in keys.items():
        for mark in (key_name(key), public_bytes(key)):
            if taken.setdefault(mark, name) != name:
                return taken[mark], name
    return None


class WitnessesTable(Strict):
    """``witnesses`` of an agreement, dataset or grant: how many of which must have cosigned before an answer leaves.

    ``quorum`` is how many, ``of`` names those that count, as ``[witnesses]`` of policy.toml does.
    """

    quorum: Annotated[int, Field(ge=1, le=MOST)]
    of: Annotated[tuple[Slug, ...], Some]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for index, name in enumerate(self.of):
            if name in self.of[:index]:
                raise Misplaced(f"the witness {name} is named twice, and counts once", "of", index)
        if self.quorum > len(self.of):
            message = f"{self.quorum} witnesses are demanded and {len(self.of)} named: nothing could leave"
            raise Misplaced(message, "quorum")
        return self

    @property
    def demand(self) -> WitnessDemand:
        """What it demands, as a decision carries it."""
        return WitnessDemand(self.quorum, frozenset(self.of))


def demanded(*tables: WitnessesTable | None) -> frozenset[WitnessDemand]:
    """What these demand together."""
    return strictest_witnessing(table.demand for table in tables if table is not None)


def strictest_witnessing(demands: Iterable[WitnessDemand]) -> frozenset[WitnessDemand]:
    """All these demands, without those that another one meets already: as many, and of no others."""
    given = frozenset(demands)
    return frozenset(each for each in given if not any(other != each and other.includes(each) for other in given))
