"""Set the stage for a gateway on this machine: keys of everybody, the source's token, a settings file.

For demonstration and tests only: here one folder holds the private keys of every side, which in earnest nobody but
that side has. Setting the stage again keeps what is there.
"""

from __future__ import annotations

import secrets
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from gateway.identity.mint import mint
from gateway.keys.files import make_private_folder, read_private, write_private
from gateway.keys.jwks import PrivateJwk, parse_private_jwks
from gateway.keys.partner import SigningAlgorithm, generate_partner, write_partner
from gateway.keys.ring import GatewayKeys, open_ring
from gateway.settings import load
from gateway.settings.model import Settings

SOURCE = "udl"
ORIGIN = "localhost/relgate-development"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is. ``root`` holds ``relgate.toml``, the log and the source's token; ``keys`` the keys."""

    root: Path
    keys: Path
    policies: Path

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.root / "relgate.toml"

    @property
    def source_token(self) -> Path:
        """The gateway's own credential at the sample source."""
        return self.root / "source.token"

    def partners(self) -> dict[str, dict[str, object]]:
        """What each partner file of the policy set says, by the partner's code."""
        files = sorted((self.policies / "partners").glob("*.toml"))
        return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in files}

    def prepare(self, source_url: str, port: int = 0) -> Settings:
        """Make whatever is missing, write the settings file, and read it back."""
        self.root.mkdir(parents=True, exist_ok=True)
        for partner, said in self.partners().items():
            if not (self.keys / "partners" / f"{partner}.jwks.json").exists():
                made = generate_partner(partner, algorithm=_algorithm(said))
                write_partner(made, public_folder=self.keys / "partners", private_folder=self.keys / "development")
        if not self.source_token.exists():
            write_private(self.source_token, secrets.token_urlsafe(32).encode())
        self.config.write_text(self._settings(source_url, port), encoding="utf-8")
        self.gateway_keys()
        return self.settings()

    def _settings(self, source_url: str, port: int) -> str:
        return (
            "# Written by the demonstration; a gateway for development on this machine alone.\n"
            'mode = "development"\n'
            'host = "127.0.0.1"\n'
            f"port = {port}\n"
            f'policies_dir = "{self.policies}"\n'
            f'keys_dir = "{self.keys}"\n'
            f'log_url = "sqlite:///{self.root / "audit.sqlite3"}"\n'
            f'log_origin = "{ORIGIN}"\n'
            "\n"
            f"[sources.{SOURCE}]\n"
            f'url = "{source_url}"\n'
            f'token_file = "{self.source_token}"\n'
        )

    def settings(self) -> Settings:
        """The settings as the gateway reads them."""
        return load(self.config).settings

    def gateway_keys(self) -> GatewayKeys:
        """The gateway's own keys, made on first use."""
        make_private_folder(self.keys / "gateway")
        return open_ring(self.keys / "gateway", ORIGIN)

    def private_jwks(self, partner: str) -> bytes:
        """A partner's private keys, which here are at hand."""
        return read_private(self.keys / "development" / f"{partner}.private.jwks.json")

    def signing_key(self, partner: str) -> PrivateJwk:
        """The key with which a partner's issuer signs tokens."""
        return next(key for key in parse_private_jwks(self.private_jwks(partner)) if key.public.use == "sig")

    def token(
        self,
        partner: str,
        *,
        purpose: str | None = None,
        system: str | None = None,
        clearance: str | None = None,
        at: datetime | None = None,
        lifetime: timedelta = timedelta(minutes=50),
    ) -> str:
        """A token for one of a partner's systems: the first in its file unless ``system`` names another."""
        said = self.partners()[partner]
        identity, systems = said["identity"], said["system"]
        if not isinstance(identity, dict) or not isinstance(systems, list):
            raise TypeError(f"{partner}.toml has no identity or systems")
        return mint(
            self.signing_key(partner),
            issuer=identity["issuer"],
            audience=identity["audience"],
            system=system or systems[0]["id"],
            at=at or datetime.now(UTC),
            lifetime=lifetime,
            purpose=purpose,
            clearance=clearance,
        )


def _algorithm(said: dict[str, object]) -> SigningAlgorithm:
    """The first algorithm of a partner file that keys can be made for here: its tokens must be signed by one."""
    identity = said["identity"]
    agreed = identity["algorithms"] if isinstance(identity, dict) else []
    return next(known for known in get_args(SigningAlgorithm) if known in agreed)
