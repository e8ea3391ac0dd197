"""Put the parts together: from settings to a pipeline that can answer. No decision is made here.

What is opened here is closed here, in the opposite order. The service has one clock (:func:`now`, unless whoever opens
it hands in another) and hands it down.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import __version__
from gateway.activation import orders
from gateway.activation.approval import Demand, Purpose
from gateway.activation.files import FilesError, read_policy_files
from gateway.activation.running import Clock, NothingInForce, PolicyKeeper
from gateway.activation.signatures import read_signatures
from gateway.audit.checkpoint import parse_verifier_key
from gateway.audit.entry import Draft, Event, Json
from gateway.audit.errors import AuditError
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.observed import own_account, said_of
from gateway.audit.witness_http import posting
from gateway.audit.witnessing import Witness, Witnessing
from gateway.bulk import Bulk
from gateway.identity.auditors import Auditors, read_auditors
from gateway.identity.caller import TokenRules
from gateway.identity.enforcement import EnforcementPoints, read_enforcement_points
from gateway.identity.fetching import FetchRules, fetch
from gateway.identity.issuerkeys import IssuerKeys
from gateway.keys.atrest import Keeping, read_passphrase
from gateway.keys.ring import GatewayKeys, open_ring
from gateway.release import Pipeline
from gateway.selecting import Selector
from gateway.settings.model import Mode, Settings
from gateway.upstream.client import Source, Upstream
from gateway.upstream.paging import PagingMemory


@dataclass(frozen=True, slots=True)
class Service:
    """A gateway that is ready to answer: its pipeline, what is in force, its log, its clock, and its public keys as
    JSON.
    """

    settings: Settings
    keys: GatewayKeys
    log: AuditLog
    keeper: PolicyKeeper
    pipeline: Pipeline
    clock: Clock
    public_keys: bytes
    auditors: Auditors
    enforcement_points: EnforcementPoints
    issuer_keys: IssuerKeys
    witnessing: Witnessing | None


def now() -> datetime:
    """The time, aware UTC."""
    return datetime.now(UTC)


def open_log(settings: Settings, keys: GatewayKeys, instance: str) -> AuditLog:
    """Open the audit log that the settings name; raises ``LogUnavailable``. A folder it lacks is made."""
    if settings.log_url.startswith("sqlite:///"):
        Path(settings.log_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return AuditLog.open(
        settings.log_url,
        origin=settings.log_origin,
        key=keys.log_signing,
        identifier_key=IdentifierKey(keys.identifier.version, keys.identifier.secret),
        instance=instance,
        busy_timeout=settings.busy_timeout_ms / 1000,
        ml_dsa=keys.log_ml_dsa,
    )


def keeping(settings: Settings) -> Keeping:
    """How the gateway's private files are kept; in clear in development alone. Raises ``KeyFileRefused``.

    A passphrase that comes through a pipe can be read once: whoever starts a process calls this once.
    """
    file = settings.keys_passphrase_file
    return Keeping(None if file is None else read_passphrase(file), plain=settings.mode is Mode.DEVELOPMENT)


def token_rules(settings: Settings) -> TokenRules:
    """The bounds on every token, from the settings."""
    return TokenRules(
        skew=timedelta(seconds=settings.clock_skew_seconds),
        lifetime=timedelta(seconds=settings.token_max_lifetime_seconds),
    )


def demand(settings: Settings) -> Demand:
    """How many officers must sign an order, by the settings."""
    return Demand(settings.needed_signatures, settings.log_origin)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def open_service(settings: Settings, clock: Clock = now, kept: Keeping | None = None) -> AsyncIterator[Service]:
    """Open everything a gateway needs, close the releases that a crash left open, and close it all again.

    ``kept`` is how the keys' files are kept; by default as the settings say.

    Raises:
        LogUnavailable, KeyFileRefused: with what to do about it; nothing is served.
    """
    auditors = read_auditors(settings.log_auditors)
    points = read_enforcement_points(settings.enforcement_points)
    async with AsyncExitStack() as opened:
        kept = keeping(settings) if kept is None else kept
        keys = open_ring(settings.private_keys_dir, settings.log_origin, kept, ml_dsa=settings.log_ml_dsa)
        log = open_log(settings, keys, settings.log_instance)
        opened.callback(log.close)
        log.recover(clock())
        log.append_now((Draft(Event.STARTED, clock(), "started", private=_started(settings, log)),))
        upstream = await opened.enter_async_context(Upstream(_sources(settings), settings.upstream.max_connections))
        witnessing = await opened.enter_async_context(_witnessing(settings, log, clock))
        issuer_keys = _issuer_keys(settings, log, clock)
        opened.push_async_callback(issuer_keys.close)
        grace = timedelta(seconds=settings.policy_grace_seconds)
        rules, witnesses = token_rules(settings), settings.witness_keys
        keeper = PolicyKeeper(log, rules, grace, demand(settings), clock, issuer_keys, witnesses)
        opened.push_async_callback(_cancel, asyncio.get_running_loop().create_task(keeper.watch()))
        bulk = Bulk(upstream, log, settings.chunk_bytes, settings.upstream.max_record_bytes, settings.bulk_each)
        selector = Selector(upstream, log, PagingMemory(), bulk, settings.chunk_bytes, settings.max_page)
        pipeline = Pipeline(
            keeper,
            selector,
            log,
            keys.content_signing,
            clock,
            settings.chunk_seconds,
            witnessing,
            settings.step_ms / 1000,
        )
        opened.push_async_callback(pipeline.drain)
        with suppress(NothingInForce, AuditError):  # whoever asks first is told why
            await keeper.in_force(clock())  # now, so that issuers' keys are being fetched before anybody asks
        public = _public_keys(keys)
        yield Service(settings, keys, log, keeper, pipeline, clock, public, auditors, points, issuer_keys, witnessing)


def reload_policy(service: Service) -> bool:
    """Activate what is on disk now, as SIGHUP asks, by the signatures that lie beside it; a refusal is in the log and
    its grace time runs.

    Returns whether the set was activated. Blocks: call it from a thread.
    """
    order = orders.Order("SIGHUP", "reload", service.clock(), own_account())
    settings = service.settings
    try:
        files = read_policy_files(settings.policies_dir, settings.keys_dir)
    except FilesError as error:
        orders.refuse(service.log, str(error), order)
        return False
    try:
        announced = orders.announce(service.log, files, order, settings.witness_keys)
        with contextlib.suppress(NothingInForce):  # then the activation says what is wrong
            service.keeper.get_ready(announced.digest)
    except orders.ActivationRefused as refused:
        orders.refuse(service.log, str(refused), order)
        return False
    try:
        signatures = read_signatures(settings.signatures_dir, Purpose.ACTIVATE, announced.digest)
        orders.activate(service.log, files, order, demand(settings), signatures, witnesses=settings.witness_keys)
    except FilesError as error:
        orders.refuse(service.log, str(error), order)
        return False
    except orders.ActivationRefused:
        return False
    return True


@asynccontextmanager
async def _witnessing(settings: Settings, log: AuditLog, clock: Clock) -> AsyncIterator[Witnessing | None]:
    """The witnesses that the settings name, for as long as the block lasts; ``None`` when they name none.

    They are asked at once: a log that was put back to an older state is noticed before anybody asks for anything.
    """
    if not settings.witnesses:
        yield None
        return
    named = [Witness(name, said.url, parse_verifier_key(said.key)) for name, said in settings.witnesses.items()]
    log.face = replace(log.face, quorum=max(1, settings.witness_quorum))
    async with posting(settings.witness_timeout_seconds) as send:
        witnessing = Witnessing(log, named, settings.witness_quorum, send, clock)
        witnessing.ask_in_background()
        try:
            yield witnessing
        finally:
            await witnessing.close()


def _issuer_keys(settings: Settings, log: AuditLog, clock: Clock) -> IssuerKeys:
    said = settings.issuer_keys
    rules = FetchRules(
        loopback=settings.mode is Mode.DEVELOPMENT,
        networks=said.networks,
        seconds=said.timeout_seconds,
        most_bytes=said.max_bytes,
        authorities=said.ca_file,
    )
    return IssuerKeys(
        lambda url: fetch(url, rules),
        log,
        clock,
        refresh=timedelta(seconds=said.refresh_seconds),
        longest=timedelta(seconds=said.max_age_seconds),
    )


def _started(settings: Settings, log: AuditLog) -> dict[str, Json]:
    """What the entry of a start says: which version, where, by which keys it signs checkpoints, and the keys of its
    witnesses, by which what is kept of their cosignatures is checked.
    """
    keys = sorted(settings.witness_keys)
    own: dict[str, Json] = {"gateway": __version__, "signed_by": [str(key) for key in log.verifiers]}
    own |= said_of(own_account())
    return own | ({"witnesses": keys, "quorum": settings.witness_quorum} if keys else {})


def _sources(settings: Settings) -> dict[str, Source]:
    limits = settings.upstream
    return {
        name: Source(
            name,
            source.url,
            source.token_file.read_text().strip() if source.token_file is not None else None,
            connect_seconds=limits.connect_timeout_seconds,
            read_seconds=min(limits.read_timeout_seconds, source.timeout_seconds),
            max_body_bytes=limits.max_body_bytes,
        )
        for name, source in settings.sources.items()
    }


def _public_keys(keys: GatewayKeys) -> bytes:
    jwks = json.loads(keys.public_jwks)
    beside = {"log_ml_dsa_verifier_key": keys.log_ml_dsa_verifier_key} if keys.log_ml_dsa is not None else {}
    said = {**jwks, "log_verifier_key": keys.log_verifier_key, **beside, "origin": keys.log_name}
    return json.dumps(said).encode()
