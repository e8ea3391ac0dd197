"""What commands share: the settings they were told to read, the log, the gateway's keys, the clock, who is
asking.

A command line is a door: the clock and the user's name are read here and passed down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation.orders import Order
from gateway.audit.checkpoint import VerifierKey, parse_verifier_key
from gateway.audit.log import AuditLog
from gateway.audit.observed import own_account
from gateway.audit.reading import LogReader
from gateway.audit.search import SearchRefused, moment
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Output
from gateway.keys.atrest import Keeping
from gateway.keys.ring import GatewayKeys, open_ring
from gateway.service import keeping, now, open_log
from gateway.settings import LoadedSettings, Settings, SettingsError, load

OFFICER = "officer"
"""The instance name under which commands write: a gateway's own open releases are not theirs to close."""

NAME_LIMIT = 128
"""Most characters of who somebody says they are."""

Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to standard output.")]
By = Annotated[
    str, typer.Option("--by", help="Who you say you are; by default the account's name, which is kept besides.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]
LogKey = Annotated[
    str,
    typer.Option(
        "--log-key",
        help="The log's verifier key (NAME+ID+BASE64), for those who do not hold the gateway's keys.",
    ),
]


@dataclass(slots=True)
class Session:
    """What was said before the command's name. ``config`` is the settings file, if one was named."""

    config: Path | None = None
    color: bool = True
    _loaded: LoadedSettings | None = None
    _keeping: Keeping | None = None

    def output(self, as_json: bool) -> Output:
        """Where the command's answer goes."""
        return Output(as_json=as_json, color=self.color)

    @property
    def loaded(self) -> LoadedSettings:
        """The settings and where each came from; raises ``SettingsError``."""
        if self._loaded is None:
            self._loaded = load(self.config)
        return self._loaded

    @property
    def settings(self) -> Settings:
        """The settings; raises ``SettingsError``."""
        return self.loaded.settings

    @property
    def keeping(self) -> Keeping:
        """How private files are kept; asked for once, since a passphrase may come through a pipe."""
        if self._keeping is None:
            self._keeping = keeping(self.settings)
        return self._keeping

    def keys(self) -> GatewayKeys:
        """The gateway's own keys, which must be there already; raises ``KeyFileRefused``."""
        return open_ring(
            self.settings.private_keys_dir,
            self.settings.log_origin,
            self.keeping,
            create=False,
            ml_dsa=self.settings.log_ml_dsa,
        )

    @contextmanager
    def log(self) -> Iterator[AuditLog]:
        """The audit log, to write an officer's order; raises ``LogUnavailable`` or ``KeyFileRefused``."""
        log = open_log(self.settings, self.keys(), OFFICER)
        try:
            yield log
        finally:
            log.close()

    @contextmanager
    def reader(self, log_key: str = "") -> Iterator[LogReader]:
        """The audit log, to read; ``log_key`` is its verifier key when the gateway's own are not at hand."""
        settings = self.settings
        reader = LogReader.open_to_read(
            settings.log_url,
            origin=settings.log_origin,
            verifier=self.verifier(log_key),
            busy_timeout=settings.busy_timeout_ms / 1000,
        )
        try:
            yield reader
        finally:
            reader.close()

    def verifier(self, log_key: str = "") -> VerifierKey:
        """The log's public key: the one given, else that of the gateway's own keys."""
        if log_key:
            return parse_verifier_key(log_key)
        try:
            return parse_verifier_key(self.keys().log_verifier_key)
        except SettingsError as error:
            hint = "give --log-key NAME+ID+BASE64, as the gateway's operator told you (`relgate keys list`)"
            raise CommandFailed(USAGE, f"the log's key is not at hand here: {error}", hint) from error


def session(context: typer.Context) -> Session:
    """The session that the root command made."""
    found = context.find_object(Session)
    if found is None:
        raise CommandFailed(USAGE, "run this through `relgate`")
    return found


def order(by: str, reason: str) -> Order:
    """An officer's order, given now: by whom is said, and under which account is observed."""
    if len(by) > NAME_LIMIT or not by.isprintable():
        raise CommandFailed(USAGE, f"--by is no name: {by[:40]!a}", f"at most {NAME_LIMIT} printable characters")
    account = own_account()
    return Order(by=by or account.name, reason=reason, at=now(), seen=account)


def instant(text: str, option: str) -> datetime:
    """The moment an option names, as RFC 3339 with a zone, or a date, which means its first moment in UTC."""
    try:
        return moment(text)
    except SearchRefused as error:
        raise CommandFailed(USAGE, f"{option}: {error}", error.hint) from None
