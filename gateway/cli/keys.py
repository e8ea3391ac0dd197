"""``relgate keys``: make the gateway's own keys, and show which public keys stand for whom."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import keys_at_rest
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Data, Facts, Line, Table
from gateway.cli.session import Json, instant, session
from gateway.keys.errors import JwkRefused
from gateway.keys.jwks import PublicJwk, parse_jwks
from gateway.keys.partner import generate_partner, write_partner
from gateway.keys.ring import GatewayKeys, open_ring
from gateway.service import now
from gateway.settings import Mode

app = typer.Typer(name="keys", help="The gateway's own keys, and partners' public ones.", no_args_is_help=True)
keys_at_rest.add_to(app)


@app.command("init", epilog="Example: relgate keys init")
def init(context: typer.Context, as_json: Json = False) -> None:
    """Make the gateway's own keys, or check those that are there. Never replaces a key."""
    settings = session(context).settings
    there = settings.private_keys_dir.exists()
    ring = open_ring(
        settings.private_keys_dir, settings.log_origin, session(context).keeping, ml_dsa=settings.log_ml_dsa
    )
    said = "checked" if there else "made"
    data = {"folder": str(settings.private_keys_dir), "did": said, **_public(ring)}
    line = Line(f"{said} the gateway's keys in {settings.private_keys_dir}; back this folder up", good=True)
    session(context).output(as_json).show(data, line, _facts(ring))


@app.command("list", epilog="Example: relgate keys list --json")
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show the gateway's public keys and every partner's, with when each is good."""
    settings = session(context).settings
    ring = session(context).keys()
    found = _partners(settings.partner_keys_dir)
    at = now()
    rows = [
        (partner, key.use or "", key.alg or "", key.curve or key.kty, key.kid, _life(key, at)) for partner, key in found
    ]
    listed: list[Data] = [
        dict(zip(("partner", "use", "algorithm", "curve", "id", "state"), row, strict=True)) for row in rows
    ]
    columns = ("partner", "use", "algorithm", "curve", "id", "state")
    empty = f"no keys in {settings.partner_keys_dir}"
    data: Data = {"gateway": dict(_public(ring)), "partners": listed}
    session(context).output(as_json).show(data, _facts(ring), Table(columns, rows, empty=empty))


@app.command("partner", epilog="Example: relgate keys partner JPN --expires 2027-01-01")
def partner(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The partner, as its policy file is called.")],
    expires: Annotated[str, typer.Option("--expires", help="Until when both keys are good.")] = "",
    as_json: Json = False,
) -> None:
    """Make a partner's two key pairs, for development. In earnest a partner makes its own and hands over the
    public set.
    """
    settings = session(context).settings
    if settings.mode is not Mode.DEVELOPMENT:
        raise CommandFailed(
            USAGE,
            "a partner's private keys are made here in development mode only",
            "ask the partner for its public JWK set and put it into keys/partners/",
        )
    until = instant(expires, "--expires") if expires else None
    made = generate_partner(name, expires=until)
    public, private = write_partner(
        made, public_folder=settings.partner_keys_dir, private_folder=settings.development_keys_dir
    )
    data: Data = {"partner": name, "public": str(public), "private": str(private)}
    facts = Facts((("public set", str(public)), ("private set", str(private))))
    session(context).output(as_json).show(data, facts)


def _public(ring: GatewayKeys) -> dict[str, Data]:
    beside = {} if ring.log_ml_dsa is None else {"log_ml_dsa_key": ring.log_ml_dsa_verifier_key}
    return {
        "log_key": ring.log_verifier_key,
        **beside,
        "content_key": ring.content_signing.public.thumbprint,
        "identifier_key_version": ring.identifier.version,
    }


def _facts(ring: GatewayKeys) -> Facts:
    pairs = [(name.replace("_", " "), str(value)) for name, value in _public(ring).items()]
    return Facts(pairs, title="gateway")


def _partners(folder: Path) -> list[tuple[str, PublicJwk]]:
    found = []
    for path in sorted(folder.glob("*.jwks.json")):
        try:
            keys = parse_jwks(path.read_bytes())
        except JwkRefused as error:
            raise JwkRefused(f"{path}: {error.where}", error.problem) from None
        found += [(path.name.removesuffix(".jwks.json"), key) for key in keys]
    return found


def _life(key: PublicJwk, at: datetime) -> str:
    if key.not_before is not None and at < key.not_before:
        return f"from {key.not_before.isoformat()}"
    if key.expires is None:
        return "good"
    return f"{'good until' if at < key.expires else 'expired'} {key.expires.isoformat()}"
