"""``relgate token``: mint a token for development, revoke one that was lost."""

from __future__ import annotations

import difflib
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation.files import read_policy_files
from gateway.activation.orders import revoke as revoke_token
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Data, Line
from gateway.cli.session import By, Json, Reason, Session, order, session
from gateway.identity.mint import mint as mint_token
from gateway.keys.files import read_private
from gateway.keys.jwks import PrivateJwk, parse_private_jwks
from gateway.policy.load import load
from gateway.policy.policyset import Partner
from gateway.service import now
from gateway.settings import Mode

app = typer.Typer(name="token", help="Tokens: mint one for development, revoke one.", no_args_is_help=True)

MINT_EXAMPLES = """Examples:

  relgate token mint JPN

  curl -H "Authorization: Bearer $(relgate token mint JPN --minutes 5)" http://127.0.0.1:8080/udl/elset
"""


@app.command("mint", epilog=MINT_EXAMPLES)
def mint(
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="The partner, as its policy file names it.")],
    system: Annotated[
        str, typer.Option("--system", help="The calling system; needed if the partner has several.")
    ] = "",
    purpose: Annotated[str, typer.Option("--purpose", help="The purpose claim.")] = "",
    clearance: Annotated[str, typer.Option("--clearance", help="The clearance claim; the agreement caps it.")] = "",
    nationality: Annotated[str, typer.Option("--nationality", help="The nationality claim.")] = "",
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=1440, help="How long it is good.")] = 60,
    key: Annotated[Path | None, typer.Option("--key", help="The partner's private JWK set.")] = None,
    as_json: Json = False,
) -> None:
    """Mint a bearer token as the partner's own issuer would, with its development key. Development mode
    only.
    """
    settings = session(context).settings
    if settings.mode is not Mode.DEVELOPMENT:
        raise CommandFailed(
            USAGE, "tokens are minted in development mode only", "a partner's own issuer makes its tokens"
        )
    who = _partner(session(context), partner)
    name = _system(who, system)
    token = mint_token(
        _signing_key(key or settings.development_keys_dir / f"{who.code}.private.jwks.json"),
        issuer=who.identity.issuer,
        audience=who.identity.audience,
        system=name,
        at=now(),
        lifetime=timedelta(minutes=minutes),
        purpose=purpose or None,
        clearance=clearance or None,
        nationality=nationality or None,
    )
    data: Data = {"token": token, "partner": who.code, "system": name, "seconds": minutes * 60}
    if as_json:
        session(context).output(as_json).show(data)
    else:
        print(token)  # alone on its line, so that $(relgate token mint ...) is the token


@app.command("revoke", epilog="Example: relgate token revoke JPN 3fWkq0 --reason 'laptop lost'")
def revoke(
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="The partner whose token it is.")],
    jti: Annotated[str, typer.Argument(help="The token's id (jti), as the audit log names it.")],
    reason: Reason,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Revoke one token from now on. The order is in the audit log when this returns."""
    with session(context).log() as log:
        revoke_token(log, partner, jti, order(by, reason))
    data: Data = {"revoked": jti, "partner": partner}
    session(context).output(as_json).show(data, Line(f"revoked token {jti} of {partner}", good=True))


def _partner(here: Session, name: str) -> Partner:
    settings = here.settings
    partners = load(read_policy_files(settings.policies_dir, settings.keys_dir)).partners
    if name in partners:
        return partners[name]
    close = difflib.get_close_matches(name, partners, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(partners))}"
    raise CommandFailed(REFUSED, f"no partner {name} in {settings.policies_dir}", hint)


def _system(who: Partner, name: str) -> str:
    if not name and len(who.systems) == 1:
        return next(iter(who.systems))
    if name in who.systems:
        return name
    said = f"partner {who.code} has no system {name}" if name else f"partner {who.code} has several systems"
    raise CommandFailed(REFUSED, said, f"name one with --system: {', '.join(sorted(who.systems))}")


def _signing_key(path: Path) -> PrivateJwk:
    for key in parse_private_jwks(read_private(path)):
        if key.public.use == "sig":
            return key
    raise CommandFailed(REFUSED, f"{path}: holds no key for signatures", "relgate keys partner NAME makes a set")
