"""Fetch a JWK set from an address that a partner's file names: bounded, pinned, and never from inside.

The rule: *the address says where to look, and nothing it answers may lead elsewhere.* Whoever controls the name, or
the server behind it, could otherwise make the gateway ask its own neighbours (OWASP: server-side request forgery).

1. ``https`` only; ``http`` to loopback, and loopback at all, in development alone.
2. The name is resolved here, every address it has is checked, and the connection goes to one of those and nowhere
   else: a name that answers otherwise a moment later (DNS rebinding) changes nothing. One address that may not be
   asked refuses the name.
3. No redirect is followed, no proxy of the environment used, no cookie kept, no content coding taken.
4. Status 200 and a JSON media type, or nothing; so many bytes, and so many seconds in all, resolving included.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.identity.caller import IdentityError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The textual addresses of a host and port."""

MEDIA_TYPES = frozenset({"application/json", "application/jwk-set+json"})

_TRANSLATED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)
"""IPv6 forms that carry an IPv4 address inside (RFC 6052, 8215, 3056, 4380, 4291): a way round a check of IPv4."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """Bounds on each fetch. ``loopback``: development, where loopback may be asked, and by ``http``. ``networks``:
    internal networks that the operator lets be asked. ``authorities``: a PEM file of CA certificates to trust in place
    of the system's.
    """

    loopback: bool = False
    networks: tuple[Network, ...] = ()
    seconds: float = 5.0
    most_bytes: int = 65_536
    authorities: Path | None = None


class FetchRefused(IdentityError):
    """Nothing was fetched. ``code`` is stable; ``detail`` is for operators, and quotes nothing that was answered."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for a name's addresses; raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def fetch(url: str, rules: FetchRules, resolving: Resolve = resolve) -> bytes:
    """The bytes at ``url``; raises :class:`FetchRefused`."""
    try:
        async with asyncio.timeout(rules.seconds):
            parts = _check_url(url, rules)
            addresses = await _checked_addresses(parts, rules, resolving)
            return await _get(url, _Pinned(addresses), rules)
    except TimeoutError:
        raise FetchRefused("fetch_timeout", f"no whole answer in {rules.seconds} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise FetchRefused("fetch_unreachable", type(error).__name__) from error
    except ValueError as error:  # after the two above, since a certificate's error is one too
        raise FetchRefused("fetch_address", type(error).__name__) from error


def may_ask(address: Address, rules: FetchRules) -> bool:
    """Whether an address is one that may be asked: a public one, or one that the rules name.

    >>> [may_ask(ipaddress.ip_address(a), FetchRules()) for a in ("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return may_ask(address.ipv4_mapped, rules)
    if address.is_loopback:
        return rules.loopback
    if any(address in network for network in rules.networks):
        return True
    if address.is_multicast or any(address in network for network in _TRANSLATED):
        return False
    return address.is_global


def _check_url(url: str, rules: FetchRules) -> SplitResult:
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        raise FetchRefused("fetch_address", "the address has no host, or carries credentials or a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and rules.loopback and _is_loopback(parts.hostname)):
        raise FetchRefused("fetch_address", "the address is not https")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _checked_addresses(parts: SplitResult, rules: FetchRules, resolving: Resolve) -> tuple[Address, ...]:
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found: Sequence[str] = [str(ipaddress.ip_address(host))]
    except ValueError:
        found = await resolving(host, port)
    try:
        addresses = tuple(ipaddress.ip_address(text) for text in found)
    except ValueError:
        raise FetchRefused("fetch_internal", "the name has an address with a zone") from None
    if not addresses:
        raise FetchRefused("fetch_unreachable", "the name has no address")
    for address in addresses:
        if not may_ask(address, rules):
            raise FetchRefused("fetch_internal", "the name has an address that may not be asked")
    return addresses


class _Pinned(AbstractResolver):
    """Gives the checked addresses, whatever is asked."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def _get(url: str, pinned: _Pinned, rules: FetchRules) -> bytes:
    trusted = ssl.create_default_context(cafile=rules.authorities)
    connector = aiohttp.TCPConnector(resolver=pinned, use_dns_cache=False, ssl=trusted, limit=1, force_close=True)
    headers = {"Accept": ", ".join(sorted(MEDIA_TYPES)), "Accept-Encoding": "identity"}
    async with (
        aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session,
        session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as response,
    ):
        return await _read(response, rules)


async def _read(response: aiohttp.ClientResponse, rules: FetchRules) -> bytes:
    if response.status != 200:
        raise FetchRefused("fetch_status", f"answered {response.status}, not 200")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchRefused("fetch_form", "answered with a content coding that was not asked for")
    if response.content_type not in MEDIA_TYPES:
        raise FetchRefused("fetch_form", "answered with another media type than JSON")
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > rules.most_bytes:
            raise FetchRefused("fetch_too_large", f"answered with more than {rules.most_bytes} bytes")
    return bytes(body)
