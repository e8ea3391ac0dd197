"""Every setting of one gateway: its name, type, unit, default and what it is for.

Rules kept here: in production the gateway never listens beyond loopback without TLS, nor under the names made
for development; in development it never listens beyond loopback at all. A source's address never carries a
credential. Relative paths are relative to the working directory, wherever they were written.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gateway.policy.witnesses import WitnessKey, counted_twice

DEVELOPMENT_ORIGIN = "localhost/relgate-development"
LOG_STORES = ("sqlite", "postgresql+psycopg")
SOURCE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class Mode(enum.StrEnum):
    """Whom this gateway serves: real partners, or a developer on his own machine."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"


class LogFormat(enum.StrEnum):
    """How log lines are written; ``auto`` is ``console`` on a terminal and ``json`` elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(enum.StrEnum):
    """The least urgent log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def is_loopback(host: str) -> bool:
    """Whether nothing but this machine can reach ``host``; a name other than ``localhost`` is not known to
    be.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _plain_http_address(value: str) -> str:
    """An http or https address with a host, and no credentials, query or fragment; without its last slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry credentials; put a source's token into the file that token_file names")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("must have neither query nor fragment")
    _ = parts.port  # raises ValueError when it is no port
    return value.rstrip("/")


Address = Annotated[str, AfterValidator(_plain_http_address)]


class SourceSettings(BaseModel):
    """One source system that datasets may name."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: Address
    """Base address of the source system; a dataset's path is appended to it."""
    token_file: Path | None = None
    """File holding the bearer token that the source asks for; read for each connection, never logged."""
    timeout_seconds: float = Field(30.0, gt=0, le=600)
    """Seconds that one request to this source may take, body included."""


class WitnessSettings(BaseModel):
    """One witness that cosigns the log's checkpoints (C2SP tlog-witness)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: Address
    """The witness's submission prefix; checkpoints go to /add-checkpoint below it."""
    key: WitnessKey
    """The witness's verifier key (NAME+ID+BASE64), got from its operator."""


class UpstreamSettings(BaseModel):
    """Limits on what the gateway takes from any source system."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    max_body_bytes: int = Field(64 * 1024 * 1024, ge=1024)
    """Bytes that one answer of a source may have, unless it is streamed; more is refused, never cut."""
    max_record_bytes: int = Field(4 * 1024 * 1024, ge=1024, le=4 * 1024 * 1024)
    """Bytes that one record of a streamed answer may have; a longer one is withheld, and never held in memory."""
    connect_timeout_seconds: float = Field(5.0, gt=0, le=60)
    """Seconds to wait for a connection to a source."""
    read_timeout_seconds: float = Field(20.0, gt=0, le=600)
    """Seconds to wait between two reads from a source."""
    max_connections: int = Field(64, ge=1, le=10_000)
    """Connections open at once to all sources together."""


class HttpSettings(BaseModel):
    """Limits on what any caller may do to the gateway's own socket."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    header_seconds: float = Field(10.0, gt=0, le=300)
    """Seconds that a caller may take to send a request's head, from connecting or from the last answer on."""
    body_seconds: float = Field(10.0, gt=0, le=300)
    """Seconds that a caller may take to send a request's body, where an operation reads one."""
    stall_seconds: float = Field(120.0, gt=0, le=3600)
    """Seconds that a caller may take to accept what is buffered of an answer (some 64 KiB) before it is cut off."""
    max_connections: int = Field(900, ge=1, le=100_000)
    """Connections of callers open at once; one more is answered overloaded. Keep it below the limit of open files."""


class IssuerKeysSettings(BaseModel):
    """How keys are fetched from the addresses that partners' files name (``jwks_url``)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    refresh_seconds: float = Field(300.0, ge=60, le=86_400)
    """Seconds between two fetches of an issuer's keys; an unknown key brings the next forward, to a minute at most."""
    max_age_seconds: float = Field(3600.0, ge=120, le=604_800)
    """Seconds after which keys that could not be fetched again verify nothing any more."""
    timeout_seconds: float = Field(5.0, gt=0, le=60)
    """Seconds that one fetch may take in all."""
    max_bytes: int = Field(65_536, ge=1024, le=1_048_576)
    """Bytes that a set of keys may have."""
    networks: tuple[IPvAnyNetwork, ...] = ()
    """Internal networks (CIDR) that may be asked for keys; without it public addresses alone."""
    ca_file: Path | None = None
    """PEM file of the authorities trusted for these addresses, in place of the system's."""


class Settings(BaseSettings):
    """All settings of one gateway. Made by :func:`gateway.settings.load`; by itself it reads neither file nor
    environment.
    """

    model_config = SettingsConfigDict(
        env_prefix="RELGATE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    mode: Mode = Mode.PRODUCTION
    """production, or development: only the latter loads the development issuer and sample keys."""
    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on; beyond loopback only with TLS."""
    port: int = Field(8080, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""
    tls_certificate: Path | None = None
    """PEM file of the server's certificate chain."""
    tls_key: Path | None = None
    """PEM file of the private key that belongs to tls_certificate."""
    behind_tls: bool = False
    """Says that something in front of the gateway ends TLS, and that nothing else can reach it. Audit entries then have
    its address for every caller's: no header about others' is believed.
    """
    policies_dir: Path = Path("policies")
    """Folder of the officer's policy files."""
    keys_dir: Path = Path("keys")
    """Folder of keys: gateway/ for its own private ones (made on first start, mode 0700), partners/ for the
    public ones of partners, which are part of the policy set.
    """
    keys_passphrase_file: Path | None = None
    """File (or descriptor, /dev/fd/3) whose one line is the passphrase of the gateway's private keys, and of tls_key
    where that is encrypted. Production takes no private key of the gateway's own in clear.
    """
    log_url: str = Field("sqlite:///var/audit.sqlite3", repr=False)
    """Where the audit log is: sqlite:///relative, sqlite:////absolute or postgresql+psycopg://...; a password
    in it is masked when shown.
    """
    log_origin: str = Field(DEVELOPMENT_ORIGIN, pattern=r"^[^\s+:]+$", max_length=128)
    """Name of this log in checkpoints and receipts: a host name and path without scheme, never used for
    another log.
    """
    log_instance: str = Field("gateway", pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)
    """Name of this gateway among those that share a log: each needs its own, and keeps it, because a start closes the
    releases that a gateway of this name left open.
    """
    log_ml_dsa: bool = False
    """Sign every checkpoint with ML-DSA-44 (FIPS 204) beside Ed25519; its key is made on first use."""
    log_auditors: Path | None = None
    """File of the auditors who may fetch the log's entry bundles over HTTP: a name and the SHA-256 of a token a line
    (see relgate audit credential); without it nobody may.
    """
    witnesses: dict[str, WitnessSettings] = Field(default_factory=dict)
    """Witnesses that the log's checkpoints are submitted to, by a name of your own, each with url and key."""
    witness_quorum: int = Field(0, ge=0, le=32)
    """Witnesses that must have cosigned before a release is answered; fewer, and the answer is 503."""
    witness_timeout_seconds: float = Field(5.0, gt=0, le=60)
    """Seconds that one submission to a witness may take."""
    busy_timeout_ms: int = Field(2000, ge=0, le=60_000)
    """Milliseconds to wait for a locked audit log before the answer is 503."""
    sources: dict[str, SourceSettings] = Field(default_factory=dict)
    """Source systems by the name that datasets use, each with url, token_file, timeout_seconds."""
    upstream: UpstreamSettings = Field(default_factory=UpstreamSettings)
    """Limits on what is taken from any source system."""
    http: HttpSettings = Field(default_factory=HttpSettings)
    """Limits on what any caller may do to the gateway's own socket."""
    issuer_keys: IssuerKeysSettings = Field(default_factory=IssuerKeysSettings)
    """How keys are fetched from the addresses that partners' files name."""
    max_page: int = Field(10_000, ge=1, le=1_000_000)
    """Records that one page may hold; a dataset may say less."""
    bulk_each: int = Field(4, ge=1, le=1000)
    """Bulk answers that one partner may have under way at a time; one more is answered overloaded."""
    chunk_bytes: int = Field(1024 * 1024, ge=4096, le=256 * 1024 * 1024)
    """Released bytes after which a chunk is closed, recorded and sent."""
    chunk_seconds: float = Field(60.0, gt=0, le=3600)
    """Seconds that fetching and judging one chunk of an answer may take."""
    step_ms: int = Field(25, ge=0, le=1000)
    """Milliseconds of the step at whose end, or that of two, four, eight, lists, counts and answers of not found leave,
    so that their time tells little of what was withheld; 0 lets them leave at once.
    """
    policy_grace_seconds: int = Field(900, ge=0, le=86_400)
    """Seconds that releases go on under the running policy set after a newer one was refused."""
    enforcement_points: Path | None = None
    """File of the other enforcement points that may ask for decisions (docs/authzen.md); without it nobody may."""
    public_address: Address | None = None
    """The https:// address under which others reach this gateway; the AuthZEN metadata names it."""
    officer_signatures: int | None = Field(None, ge=0, le=16)
    """Different officers who must sign a policy set, the lifting of a stop, or a new list of officers; unset means 2 in
    production and 0 in development.
    """
    signatures_dir: Path = Path("signatures")
    """Folder of officers' signatures, a folder an order; relgate policy sign writes into it."""
    clock_skew_seconds: int = Field(60, ge=0, le=300)
    """Seconds by which an issuer's clock may differ from the gateway's (RFC 7519 section 4.1.4)."""
    token_max_lifetime_seconds: int = Field(3600, ge=60, le=86_400)
    """Seconds between a token's iat and exp beyond which it is refused."""
    metrics_port: int | None = Field(None, ge=0, le=65535)
    """Port on 127.0.0.1 where operators' metrics are given out (docs/metrics.md); unset, they are not."""
    log_level: LogLevel = LogLevel.INFO
    """Least urgent log line written: debug, info, warning, error."""
    log_format: LogFormat = LogFormat.AUTO
    """json, console (to be read by people), or auto: console on a terminal, json elsewhere."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is passed in and nothing else; :func:`gateway.settings.load` merges the sources and says
        which won.
        """
        return (init_settings,)

    @field_validator("log_url")
    @classmethod
    def _names_a_store(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("is not a database address such as sqlite:///var/audit.sqlite3") from None
        if url.drivername not in LOG_STORES:
            raise ValueError(f"the audit log can be kept in {' or '.join(LOG_STORES)}, not in {url.drivername}")
        if url.drivername == "sqlite" and (not url.database or url.database == ":memory:"):
            raise ValueError("must name a file: an audit log in memory is lost with the process")
        return value

    @field_validator("sources")
    @classmethod
    def _names_sources_plainly(cls, value: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        for name in value:
            if not SOURCE_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no name of a source: lower-case letters, digits, - and _, a letter first"
                )
        return value

    @field_validator("log_origin")
    @classmethod
    def _is_not_the_development_name(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("mode") is Mode.PRODUCTION and value == DEVELOPMENT_ORIGIN:
            raise ValueError("must be set in production: the default name is shared by every development gateway")
        return value

    @model_validator(mode="after")
    def _has_the_witnesses_it_demands(self) -> Settings:
        if self.witness_quorum > len(self.witnesses):
            named = f"{len(self.witnesses)} witnesses are named: nothing could leave"
            raise ValueError(f"witness_quorum is {self.witness_quorum}, but {named}")
        if twice := counted_twice({name: said.key for name, said in self.witnesses.items()}):
            raise ValueError(f"{' and '.join(twice)} are one witness under two names, and it would count twice")
        return self

    @model_validator(mode="after")
    def _listens_safely(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_certificate"
            raise ValueError(f"tls_certificate and tls_key belong together; {missing} is missing")
        if is_loopback(self.host):
            return self
        if self.mode is Mode.DEVELOPMENT:
            raise ValueError(f"development mode listens on loopback only, not on {self.host}; set host to 127.0.0.1")
        if self.tls_certificate is None and not self.behind_tls:
            raise ValueError(
                f"refusing to listen on {self.host} without TLS; set tls_certificate and tls_key, or"
                " behind_tls when something in front ends TLS, or host to 127.0.0.1"
            )
        return self

    @property
    def witness_keys(self) -> frozenset[str]:
        """The verifier keys of the witnesses that checkpoints are submitted to: what a policy demands is of these."""
        return frozenset(said.key for said in self.witnesses.values())

    @property
    def needed_signatures(self) -> int:
        """How many different officers must sign."""
        if self.officer_signatures is not None:
            return self.officer_signatures
        return 0 if self.mode is Mode.DEVELOPMENT else 2

    @property
    def private_keys_dir(self) -> Path:
        """Where the gateway's own keys are; nobody else may enter it."""
        return self.keys_dir / "gateway"

    @property
    def partner_keys_dir(self) -> Path:
        """Where partners' public keys are, one ``NAME.jwks.json`` each."""
        return self.keys_dir / "partners"

    @property
    def development_keys_dir(self) -> Path:
        """Where development keeps the private halves of partners' keys, which in earnest partners alone hold."""
        return self.keys_dir / "development"

    @property
    def scheme(self) -> str:
        """The scheme of the gateway's own socket."""
        return "https" if self.tls_certificate else "http"
