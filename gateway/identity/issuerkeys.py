"""The keys of issuers that publish them by address (``jwks_url`` in a partner's file): fetched, recorded, and let go.

The rules kept here:

1. *A request never fetches.* Sets are fetched beside, on a clock; a key that a set lacks asks for the next fetch to
   come sooner, and there is never more than one fetch an issuer a minute, however many unknown keys arrive.
2. *A set is in the log before it verifies anything*, with its digest and the thumbprint of each key, so that an auditor
   can say which key let a caller in.
3. *A set that is too old verifies nothing.* Whoever can hold an issuer's address back cannot keep a withdrawn key good
   for longer than that.
4. *The policy set has the last word.* A key that stands there under another partner, that answers are sealed to, that
   is revoked, or that is good for a time only, is left out, whoever publishes it. Two published sets are not held
   against each other: an issuer that publishes another's key lets it speak as its own partner and nothing more, and to
   leave the key out of both would let one issuer silence another.
5. A set is taken whole or not at all; a key of a kind that nothing here verifies with is passed over.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from gateway.audit.entry import Draft, Event, Json
from gateway.audit.errors import AuditError
from gateway.audit.log import AuditLog
from gateway.identity.caller import CredentialRefused, Issuer
from gateway.identity.fetching import FetchRefused
from gateway.keys.errors import JwkRefused
from gateway.keys.jwks import PublicJwk, parse_published_jwks, write_jwks

LEAST_SECONDS = 60.0
"""Least time between two fetches from one issuer."""

Fetch = Callable[[str], Awaitable[bytes]]
Clock = Callable[[], datetime]
logger = structlog.get_logger("gateway.identity.issuerkeys")


@dataclass(slots=True)
class _Followed:
    """One issuer's set as it was last had. ``wanted`` is set when a fetch should come soon."""

    issuer: Issuer
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    keys: Mapping[str, PublicJwk] = field(default_factory=dict)
    digest: str = ""
    fetched: datetime | None = None
    task: asyncio.Task[None] | None = None


class IssuerKeys:
    """Every published set that the policy set in force names."""

    def __init__(self, fetch: Fetch, log: AuditLog, clock: Clock, *, refresh: timedelta, longest: timedelta) -> None:
        """``refresh`` is how often a set is fetched, ``longest`` how old it may become."""
        self._fetch = fetch
        self._log = log
        self._clock = clock
        self._refresh = refresh
        self._longest = longest
        self._followed: dict[tuple[str, str, str], _Followed] = {}
        self._by_issuer: dict[str, _Followed] = {}

    def follow(self, issuers: Sequence[Issuer]) -> None:
        """Follow these issuers from now on and no others; called on the event loop when a policy set comes in force.

        An issuer that is followed already keeps its set, and the pause before its next fetch.
        """
        named = {(one.partner, one.issuer, one.jwks_url): one for one in issuers if one.jwks_url}
        for gone in self._followed.keys() - named.keys():
            self._stop(self._followed.pop(gone))
        for name, issuer in named.items():
            known = self._followed.setdefault(name, _Followed(issuer))
            known.issuer = issuer
            if known.task is None:
                known.task = asyncio.get_running_loop().create_task(self._keep(known))
                known.task.add_done_callback(_tell_end)
        self._by_issuer = {one.issuer.issuer: one for one in self._followed.values()}

    def find(self, issuer: Issuer, kid: str, at: datetime) -> PublicJwk | None:
        """The issuer's key of that name, if its set has one; one that it lacks is asked for.

        Raises :class:`CredentialRefused` (``token_keys_unavailable``) when there is no set that is young enough.
        """
        one = self._by_issuer.get(issuer.issuer)
        if one is None or one.issuer.jwks_url != issuer.jwks_url or not self._is_fresh(one, at):
            if one is not None:
                one.wanted.set()
            raise CredentialRefused("token_keys_unavailable")
        key = one.keys.get(kid)
        if key is None:
            one.wanted.set()
        return None if key is None or key.thumbprint in issuer.never else key

    def stale(self, at: datetime) -> tuple[str, ...]:
        """The partners whose issuer's set is not there or too old, for readiness."""
        return tuple(sorted(one.issuer.partner for one in self._followed.values() if not self._is_fresh(one, at)))

    async def close(self) -> None:
        """Fetch nothing more."""
        tasks = [one.task for one in self._followed.values() if one.task is not None]
        self.follow(())
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_fresh(self, one: _Followed, at: datetime) -> bool:
        return one.fetched is not None and at - one.fetched < self._longest

    @staticmethod
    def _stop(one: _Followed) -> None:
        if one.task is not None:
            one.task.cancel()

    async def _keep(self, one: _Followed) -> None:
        """Fetch one issuer's set again and again, never more often than :data:`LEAST_SECONDS`."""
        while True:
            one.wanted.clear()
            await self._renew(one)
            await asyncio.sleep(LEAST_SECONDS)
            rest = self._refresh.total_seconds() - LEAST_SECONDS
            if rest > 0:
                try:
                    async with asyncio.timeout(rest):
                        await one.wanted.wait()
                except TimeoutError:
                    continue

    async def _renew(self, one: _Followed) -> None:
        """Fetch, read, record, and only then believe. Whatever fails leaves the set as it was, growing older."""
        at = self._clock()
        try:
            data = await self._fetch(one.issuer.jwks_url)
            keys = parse_published_jwks(data)
            digest = hashlib.sha256(data).hexdigest()
            if digest != one.digest:
                await self._log.append(_draft(one.issuer, keys, digest, at))
        except FetchRefused as error:
            self._say(one, error.code)
        except JwkRefused:
            self._say(one, "fetch_keys_refused")
        except AuditError:
            self._say(one, "audit_unavailable")
        else:
            # ``at`` was taken before the fetch, so that a slow answer is not younger than it is.
            one.keys, one.digest, one.fetched = {key.kid: key for key in keys}, digest, at

    @staticmethod
    def _say(one: _Followed, code: str) -> None:
        logger.warning("issuer-keys-not-renewed", partner=one.issuer.partner, code=code)


def _tell_end(task: asyncio.Task[None]) -> None:
    """Say so when following ends otherwise than by being told to; the set then grows too old, and denies."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("issuer-keys-given-up", exc_info=error)


def _draft(issuer: Issuer, keys: Sequence[PublicJwk], digest: str, at: datetime) -> Draft:
    private: dict[str, Json] = {
        "partner": issuer.partner,
        "issuer": issuer.issuer,
        "url": issuer.jwks_url,
        "digest": digest,
        "keys": [key.thumbprint for key in keys],
        "left_out": sorted(key.thumbprint for key in keys if key.thumbprint in issuer.never),
        "jwks": write_jwks(tuple(keys)).decode(),
    }
    return Draft(Event.KEYS_FETCHED, at, "fetched", private=private)
