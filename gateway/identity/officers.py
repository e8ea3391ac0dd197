"""Officers: who may sign orders, by which keys; who may use the review queue over HTTP; and what each may release.

The list is one TOML file. It takes force by an order of its own (``relgate officers install``), signed like any other
by the officers of the list before it; what is in force is the copy in the audit log, so that whoever can only change
the file changes nothing.

Rules. A name stands once, in whatever letters, and so does a key and a token: an officer with two keys is one officer.
An officer without a delegation releases nothing. Whatever cannot be read refuses the whole list.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field, ValidationError

from gateway.identity.bearers import bearer_of
from gateway.identity.caller import IdentityError
from gateway.keys.errors import KeysError
from gateway.keys.jwks import PublicJwk, parse_jwk
from gateway.policy.load import frozen
from gateway.policy.values import LEVELS, Category, Code, LevelName, Moment, Some, Strict

FILE_LIMIT = 1024 * 1024
"""Most bytes of a list of officers."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"


class OfficersRefused(IdentityError):
    """A list of officers that cannot be one."""


class DelegationTable(Strict):
    """``[officer.delegation]``: to which nations (and, by their own codes, organisations and companies), up to which
    level, in which disclosure categories, until when.
    """

    nations: Annotated[tuple[Code, ...], Some]
    level: LevelName
    categories: Annotated[tuple[Category, ...], Some]
    until: Moment


class OfficerTable(Strict):
    """``[[officer]]``: a name, one or more Ed25519 public keys (base64url, RFC 8037 ``x``), SHA-256 of an API token."""

    name: Annotated[str, Field(pattern=NAME)]
    keys: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")], ...], Some]
    token: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    delegation: DelegationTable | None = None


class OfficersFile(Strict):
    """A whole list."""

    officer: Annotated[tuple[OfficerTable, ...], Some]


@dataclass(frozen=True, slots=True)
class Delegation:
    """What an officer may release: to these nations, organisations and companies, up to this level in these categories,
    until then.
    """

    nations: frozenset[str]
    level: int
    categories: frozenset[str]
    until: datetime


@dataclass(frozen=True, slots=True)
class Officer:
    """One officer. ``token`` is the SHA-256 of the API token, ``None`` for one who does not use the API."""

    name: str
    keys: tuple[PublicJwk, ...]
    token: bytes | None = None
    delegation: Delegation | None = None


@dataclass(frozen=True, slots=True)
class Officers:
    """A list of officers, under the SHA-256 of its bytes; nobody by default."""

    digest: str = ""
    officers: tuple[Officer, ...] = ()

    def signer(self, thumbprint: str) -> tuple[Officer, PublicJwk] | None:
        """The officer who holds the key with this RFC 7638 thumbprint, and the key."""
        for officer in self.officers:
            for key in officer.keys:
                if key.thumbprint == thumbprint:
                    return officer, key
        return None

    def named(self, name: str) -> Officer | None:
        """The officer of this name."""
        return next((officer for officer in self.officers if officer.name == name), None)

    def bearer(self, authorization: Sequence[str]) -> Officer | None:
        """The officer whose token the one ``Authorization`` header holds, or ``None``."""
        tokens = ((officer, officer.token) for officer in self.officers if officer.token is not None)
        return bearer_of(authorization, tokens)


def read_officers(data: bytes) -> Officers:
    """The list that a file's bytes are. Raises :class:`OfficersRefused` naming what is wrong."""
    if len(data) > FILE_LIMIT:
        raise OfficersRefused(f"the list of officers is longer than {FILE_LIMIT} bytes")
    try:
        file = OfficersFile.model_validate(frozen(tomllib.loads(data.decode("utf-8"))))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OfficersRefused(f"the list of officers is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OfficersRefused(f"the list of officers: {place}: {first['msg']}") from error
    officers = tuple(_officer(table) for table in file.officer)
    _refuse_repeats(officers)
    return Officers(hashlib.sha256(data).hexdigest(), officers)


def _officer(table: OfficerTable) -> Officer:
    try:
        keys = tuple(parse_jwk({"kty": "OKP", "crv": "Ed25519", "x": x}, f"officer {table.name}") for x in table.keys)
    except KeysError as error:
        raise OfficersRefused(str(error)) from error
    said = table.delegation
    delegation = None
    if said is not None:
        categories = frozenset(map(str, said.categories))
        delegation = Delegation(frozenset(said.nations), LEVELS[said.level], categories, said.until)
    return Officer(table.name, keys, None if table.token is None else bytes.fromhex(table.token), delegation)


def _refuse_repeats(officers: Sequence[Officer]) -> None:
    for what, values in (
        ("name", [officer.name.lower() for officer in officers]),
        ("key", [key.thumbprint for officer in officers for key in officer.keys]),
        ("token", [officer.token for officer in officers if officer.token is not None]),
    ):
        if len(set(values)) != len(values):
            raise OfficersRefused(f"the list of officers: a {what} stands twice, so two officers could be one")
