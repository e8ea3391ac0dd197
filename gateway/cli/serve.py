"""``relgate serve``: run the gateway until Ctrl-C."""

from __future__ import annotations

import contextlib
import ssl

import typer
import uvicorn

from gateway import __version__, logs
from gateway.cli.errors import UNAVAILABLE, USAGE, CommandFailed
from gateway.cli.output import say
from gateway.cli.session import session
from gateway.http import server
from gateway.keys.atrest import Keeping
from gateway.service import Service
from gateway.settings import Settings

EXAMPLES = """Examples:

  relgate serve

  RELGATE_PORT=9443 relgate --config /etc/relgate.toml serve

  kill -HUP PID    # activates the policy set that is on disk
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("serve", epilog=EXAMPLES)(serve)


def serve(context: typer.Context) -> None:
    """Answer partners' requests until Ctrl-C. Settings say where and how; `relgate settings` shows them."""
    settings, kept = session(context).settings, session(context).keeping
    check_tls(settings, kept)
    logs.configure(settings.log_level, settings.log_format)

    def started(_server: uvicorn.Server, _service: Service, url: str) -> None:
        say(f"serving on {url} in {settings.mode.value} mode; the API is described at {url}/docs; Ctrl-C stops")
        logs.get_logger(__name__).info("serving", url=url, mode=settings.mode.value, version=__version__)

    try:
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn stops in order, then raises the signal again
            server.serve(settings, started, kept=kept)
    except server.AddressBusy as busy:
        hint = "stop the program that listens there, or choose another port: RELGATE_PORT=8081"
        raise CommandFailed(UNAVAILABLE, str(busy), hint) from None


def check_tls(settings: Settings, kept: Keeping) -> None:
    """Load certificate and key once, so that a wrong file is named before anything is opened."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, kept.tls_password)
    except OSError as error:  # ssl.SSLError is one
        said = f"{settings.tls_certificate} and {settings.tls_key} cannot be used for TLS: {error.strerror or error}"
        raise CommandFailed(
            USAGE,
            said,
            "both are PEM files, the key is the certificate's own, and keys_passphrase_file opens it if need be",
        ) from None
