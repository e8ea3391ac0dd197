"""Other enforcement points that may ask this gateway for decisions: who they are, and about which partners.

The list is one TOML file that the settings name. Nobody is an enforcement point by default. A token is 32 random bytes
in base64url, of which the file holds the SHA-256 (``relgate audit credential`` makes such a pair).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from gateway.identity.bearers import bearer_of
from gateway.identity.caller import IdentityError
from gateway.policy.decision import Credential
from gateway.policy.load import frozen
from gateway.policy.values import Code, Some, Strict


class EnforcementPointTable(Strict):
    """``[[enforcement_point]]``: its name, the SHA-256 of its token, the partners it may ask about, how strongly it
    proves who they are, whether it carries obligations out, and whether it is told reasons.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
    token: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    partners: Annotated[tuple[Code, ...], Some]
    credential: Literal["bearer", "dpop", "mtls"] = "bearer"
    obligations: bool = False
    reasons: bool = False


class EnforcementPointsFile(Strict):
    """A whole file."""

    enforcement_point: Annotated[tuple[EnforcementPointTable, ...], Some]


class EnforcementPointsRefused(IdentityError):
    """A file of enforcement points that cannot be one."""


@dataclass(frozen=True, slots=True)
class EnforcementPoint:
    """A caller that enforces decisions of ours. ``obligations``: it carries them out; ``reasons``: it may know why."""

    name: str
    token: bytes
    partners: frozenset[str]
    credential: Credential
    obligations: bool
    reasons: bool


@dataclass(frozen=True, slots=True)
class EnforcementPoints:
    """Everybody who may ask."""

    known: tuple[EnforcementPoint, ...] = ()

    def bearer(self, authorization: Sequence[str]) -> EnforcementPoint | None:
        """Whose token the one ``Authorization`` header holds, or ``None``."""
        return bearer_of(authorization, ((point, point.token) for point in self.known))


def read_enforcement_points(path: Path | None) -> EnforcementPoints:
    """The enforcement points in a file; nobody where there is none. Raises :class:`EnforcementPointsRefused`."""
    if path is None:
        return EnforcementPoints()
    try:
        file = EnforcementPointsFile.model_validate(frozen(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EnforcementPointsRefused(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EnforcementPointsRefused(f"{path}: {place}: {first['msg']}") from error
    tables = file.enforcement_point
    for what in ("name", "token"):
        if len({getattr(table, what) for table in tables}) != len(tables):
            raise EnforcementPointsRefused(f"{path}: a {what} stands twice")
    return EnforcementPoints(
        tuple(
            EnforcementPoint(
                table.name,
                bytes.fromhex(table.token),
                frozenset(table.partners),
                Credential[table.credential.upper()],
                table.obligations,
                table.reasons,
            )
            for table in tables
        )
    )
