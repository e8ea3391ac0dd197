"""The policy set in force: loaded from the log's own store by its digest, never from files that may have changed.

An activation writes the set's every byte into the log, in one transaction with the entry that records it. Whoever
serves requests asks the log what stands (cheap) and, when the digest differs, loads that very set. So several
gateways on one log agree, a restart finds what was in force, and half a set is never seen.

A set is compiled by a thread beside the event loop. One that was announced is compiled before it is activated, and then
taking it up is one assignment. A request that comes while a set is being compiled that was not announced waits for it:
it is never judged under a set that an activation has already replaced.

What the log says is active is believed only with the signatures that this gateway's settings ask for.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from gateway import __version__
from gateway.activation.approval import Demand, NotApproved, check_document
from gateway.audit.entry import Draft, Event, Json
from gateway.audit.errors import AuditError
from gateway.audit.log import AuditLog
from gateway.audit.orders import Standing
from gateway.audit.reading import LogReader
from gateway.identity.caller import IdentityError, Issuer, TokenRules
from gateway.identity.issuerkeys import IssuerKeys
from gateway.identity.tokens import PublishedKeys, TokenVerifier
from gateway.keys.errors import KeysError
from gateway.keys.jwks import parse_jwk
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.dataset import DatasetFile
from gateway.policy.errors import PolicyError
from gateway.policy.load import load
from gateway.policy.policyset import Partner, PolicySet

logger = structlog.get_logger("gateway.activation")


@dataclass(frozen=True, slots=True)
class Running:
    """One policy set, compiled and ready to judge, with its partners' token verifier and its datasets by path.

    ``identifying`` are the names of all query parameters, of whatever dataset, that filter on a record's identifier.
    """

    digest: str
    policy: CompiledPolicy
    verifier: TokenVerifier
    paths: Mapping[str, DatasetFile]
    identifying: frozenset[str]


@dataclass(frozen=True, slots=True)
class Force:
    """What is in force at one moment: the running set and the standing orders."""

    running: Running
    standing: Standing


class NothingInForce(Exception):
    """No release may be made now: ``why`` is for operators (logs, entries), never for partners; so is ``code``, which
    readiness says beside ``policy_unavailable`` where there is more to say.
    """

    def __init__(self, why: str, code: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class Overruled(AuditError):
    """What stands was changed after a decision was made, and before its answer left."""


def prepare(policy_set: PolicySet, rules: TokenRules, published: PublishedKeys | None = None) -> Running:
    """Compile a loaded set and the verifier of its partners' tokens; ``published`` are keys that issuers publish."""
    issuers = tuple(_issuer(partner, policy_set) for partner in policy_set.partners.values())
    paths = {dataset.path: dataset for dataset in policy_set.datasets.values()}
    identifying = frozenset(
        name
        for dataset in policy_set.datasets.values()
        for name, field in dataset.query.parameters.items()
        if field == dataset.record.identifier
    )
    verifier = TokenVerifier(issuers, rules, published)
    return Running(policy_set.digest, compile_policy(policy_set), verifier, paths, identifying)


def stored_files(log: LogReader, digest: str) -> Mapping[str, bytes]:
    """Every file of an activated set, from the log's store by the manifest's digests.

    Raises:
        LookupError: the store lacks the manifest or a file of it.

    """
    manifest = log.artifact(digest)
    if manifest is None:
        raise LookupError(f"policy set {digest} is not in the log's store")
    files: dict[str, bytes] = {}
    for path, file_digest in json.loads(manifest)["files"].items():
        content = log.artifact(file_digest)
        if content is None:
            raise LookupError(f"{path} ({file_digest}) of policy set {digest} is not in the log's store")
        files[path] = content
    return files


def stored_set(log: LogReader, digest: str, witnesses: Set[str] | None = None) -> PolicySet:
    """Load an activated set from the log's store, every file checked against the manifest's digests; ``witnesses`` as
    for :func:`gateway.policy.load.load`.

    Raises:
        LookupError: the store lacks the manifest or a file of it.

    """
    loaded = load(stored_files(log, digest), witnesses)
    if loaded.digest != digest:
        raise LookupError(f"policy set {digest} in the log's store loads as {loaded.digest}")
    return loaded


class PolicyKeeper:
    """Knows what is in force now. ``grace`` is how long releases go on after a refused activation, ``demand`` how many
    officers must have signed the set in force, ``clock`` tells the time of entries, ``witnesses`` are the keys of those
    that this gateway can ask: a set that demands others is not served.
    """

    def __init__(
        self,
        log: AuditLog,
        rules: TokenRules,
        grace: timedelta,
        demand: Demand,
        clock: Clock,
        issuer_keys: IssuerKeys | None = None,
        witnesses: Set[str] = frozenset(),
    ) -> None:
        self._log = log
        self._rules = rules
        self._grace = grace
        self._demand = demand
        self._clock = clock
        self._issuer_keys = issuer_keys
        self._witnesses = witnesses
        self._running: Running | None = None
        self._next: Running | None = None
        self._tried = ""
        self._loading = asyncio.Lock()

    async def watch(self) -> None:
        """Compile whatever is announced, and take up whatever is activated though nobody asks; until cancelled."""
        while True:
            try:
                standing = self._log.standing()
                if standing.announced:
                    await self._get_ready(standing.announced)
                elif standing.active is not None:
                    await self._load(standing.active, standing.approval)
            except (AuditError, NothingInForce) as error:
                logger.debug("policy-watch", error=type(error).__name__)  # requests and readiness say it louder
            await asyncio.sleep(WATCH_SECONDS)

    async def _get_ready(self, digest: str) -> None:
        """Compile an announced set; what cannot be compiled is none, and says why when it is activated."""
        if digest == self._tried or (self._running is not None and self._running.digest == digest):
            return
        await asyncio.to_thread(self.get_ready, digest)

    def get_ready(self, digest: str) -> None:
        """Compile a set that the log's store holds, to be taken up when it is activated. Blocks: call it from a thread.

        Raises :class:`NothingInForce` when it cannot be compiled.
        """
        self._tried = digest
        self._next = self._prepare(digest)
        logger.info("policy-compiled", policy=digest)

    async def in_force(self, at: datetime) -> Force:
        """What judges a request at ``at``.

        Raises:
            NothingInForce: nothing was ever activated, or a refused activation is older than the grace time.
            LogUnavailable: the log cannot say what stands.

        """
        standing = self._log.standing()
        if standing.active is None:
            raise NothingInForce("no policy set was ever activated; run `relgate policy activate`")
        since = standing.refused_since
        if since is not None and at - since >= self._grace:
            raise NothingInForce(
                f"an activation was refused at {since.isoformat()} and not mended within {self._grace}; "
                "it may have been a revocation: mend the set and run `relgate policy activate`"
            )
        running = self._running
        if running is None or running.digest != standing.active:
            running = await self._load(standing.active, standing.approval)
        return Force(running, standing)

    def still(self, before: Standing) -> None:
        """For a decision that had to wait: raises :class:`Overruled` unless what it was made under stands as it did."""
        if not before.decides_like(self._log.standing()):
            raise Overruled("what stands was changed while the answer waited for its witnesses")

    async def _load(self, digest: str, approval: str) -> Running:
        """The set that the log says is active, with the signatures that it says it has."""
        async with self._loading:
            if self._running is not None and self._running.digest == digest:
                return self._running
            await asyncio.to_thread(self._check_approval, digest, approval)
            ready = self._next if self._next is not None and self._next.digest == digest else None
            running = await asyncio.to_thread(self._prepare, digest) if ready is None else ready
            await asyncio.to_thread(self._keep_tables, running.policy.policy_set)
            # One assignment: whoever holds the set before goes on with it, nobody sees a part of one.
            self._running, self._next = running, None
            if self._issuer_keys is not None:
                self._issuer_keys.follow(running.verifier.issuers)
            logger.info("policy-in-force", policy=digest, ready=ready is not None)
            return running

    def _keep_tables(self, policy_set: PolicySet) -> None:
        """See that the log has every table that decisions will be made from. An activation stored those of the version
        that activated the set; a gateway of another version may come with others.
        """
        by_digest = {hashlib.sha256(text).hexdigest(): text for text in policy_set.table_texts}
        missing = [text for digest, text in by_digest.items() if self._log.artifact(digest) is None]
        if missing:
            tables: dict[str, Json] = dict(policy_set.tables)
            said: dict[str, Json] = {"gateway": __version__, "policy": policy_set.digest, "tables": tables}
            draft = Draft(Event.TABLES_KEPT, self._clock(), "kept", private=said, artifacts=tuple(missing))
            self._log.append_now((draft,))

    def _check_approval(self, digest: str, approval: str) -> None:
        """Raise :class:`NothingInForce` unless the active set has the signatures that are asked for."""
        try:
            check_document(self._log, approval, self._demand, digest)
        except (LookupError, IdentityError) as error:
            missing = error.needed - len(error.given) if isinstance(error, NotApproved) else 0
            logger.warning("policy-not-approved", policy=digest, error=type(error).__name__, missing=missing)
            why = f"the active policy set is not approved: {error}"
            raise NothingInForce(why, "policy_not_approved") from error

    def _prepare(self, digest: str) -> Running:
        try:
            return prepare(stored_set(self._log, digest, self._witnesses), self._rules, self._issuer_keys)
        except (LookupError, ValueError, PolicyError, IdentityError, KeysError) as error:
            raise NothingInForce(f"the active policy set cannot be loaded: {error}") from error


def _issuer(partner: Partner, policy_set: PolicySet) -> Issuer:
    keys = tuple(
        parse_jwk(
            {
                **json.loads(key.jwk),
                "kid": key.kid,
                **({} if key.not_before is None else {"nbf": int(key.not_before.timestamp())}),
                **({} if key.expires is None else {"exp": int(key.expires.timestamp())}),
            },
            f"keys/partners/{partner.code}.jwks.json",
        )
        for key in partner.signing_keys
        if not key.revoked
    )
    identity = partner.identity
    return Issuer(
        partner.code,
        identity.issuer,
        identity.audience,
        identity.algorithms,
        keys,
        identity.jwks_url or "",
        _never(partner, policy_set) if identity.jwks_url else frozenset(),
    )


def _never(partner: Partner, policy_set: PolicySet) -> frozenset[str]:
    """Thumbprints that no published set can make a key of this partner's tokens. A key of the partner's own to which
    the policy set gives times is believed within them, by the name it has there, and by no other name at all times.
    """
    others = (each for code, each in policy_set.partners.items() if code != partner.code)
    theirs = {key.thumbprint for each in others for key in (*each.signing_keys, *each.recipient_keys)}
    ruled = {key.thumbprint for key in partner.signing_keys if key.revoked or key.not_before or key.expires}
    return frozenset(theirs | ruled | {key.thumbprint for key in partner.recipient_keys})


WATCH_SECONDS = 0.5
"""How often a gateway that nobody asks looks at what stands."""

Clock = Callable[[], datetime]
"""Says the time, aware UTC. Read at the doors and by the pipeline at each chunk; nowhere below."""
