"""Fetching an issuer's keys: nothing that its address, its name or its answer says leads anywhere else."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.identity.fetching import FetchRefused, FetchRules, fetch, may_ask
from tests.identity.hostile_server import OK, HostileServer, answer, serving
from tests.support.waiting import PATIENCE

DEVELOPMENT = FetchRules(loopback=True, seconds=PATIENCE, most_bytes=2000)
PRODUCTION = FetchRules(seconds=PATIENCE)
SOON = 0.5
"""Seconds, where it is to be seen that they end."""


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    async with serving(HostileServer(answer(b"{}"))) as opened:
        yield opened


async def code(url: str, rules: FetchRules = DEVELOPMENT, addresses: Sequence[str] | None = None) -> str:
    async def resolving(_host: str, _port: int) -> Sequence[str]:
        return addresses or ()

    with pytest.raises(FetchRefused) as refusal:
        await (fetch(url, rules) if addresses is None else fetch(url, rules, resolving))
    assert "{" not in str(refusal.value)
    return refusal.value.code


async def test_a_sound_answer_comes_back_whole_and_was_asked_for_plainly(server: HostileServer) -> None:
    server.says = answer(b'{"keys": []}')
    assert await fetch(server.url, DEVELOPMENT) == b'{"keys": []}'
    (asked,) = server.asked
    assert asked.startswith(b"GET /jwks HTTP/1.1\r\n")
    assert b"Accept-Encoding: identity" in asked
    assert b"Cookie" not in asked
    assert b"Authorization" not in asked


ANSWERS: tuple[tuple[str, bytes, bytes, str], ...] = (
    ("redirect", b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", b"", "fetch_status"),
    ("moved-to-itself", b"HTTP/1.1 308 X\r\nLocation: /jwks\r\nContent-Length: 0\r\n\r\n", b"", "fetch_status"),
    ("not-found", b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", b"", "fetch_status"),
    ("no-content", b"HTTP/1.1 204 X\r\n\r\n", b"", "fetch_status"),
    ("partial", b"HTTP/1.1 206 X\r\nContent-Length: 2\r\n\r\n{}", b"", "fetch_status"),
    ("html", answer(b"{}", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"), b"", "fetch_form"),
    ("no-type", answer(b"{}", b"HTTP/1.1 200 OK\r\n"), b"", "fetch_form"),
    ("gzip-bomb", answer(gzip.compress(bytes(10_000_000)), OK + b"Content-Encoding: gzip\r\n"), b"", "fetch_form"),
    ("too-large", answer(b" " * 2001), b"", "fetch_too_large"),
    ("too-large-and-no-length", OK + b"\r\n" + b" " * 100_000, b"", "fetch_too_large"),
    ("chunks-without-end", OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 5000, b"", "fetch_too_large"),
    ("shorter-than-it-says", OK + b"Content-Length: 100\r\n\r\n{}", b"", "fetch_unreachable"),
    ("nothing", b"", b"", "fetch_unreachable"),
    ("no-http", b"SSH-2.0-OpenSSH\r\n\r\n", b"", "fetch_unreachable"),
    ("head-without-end", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000, b"", "fetch_unreachable"),
    ("slow-head", b"HTTP/1.1 200 OK\r\nX: ", b"a" * 1000, "fetch_timeout"),
    ("slow-body", OK + b"Content-Length: 1000\r\n\r\n", b" " * 1000, "fetch_timeout"),
    ("interim-without-end", b"HTTP/1.1 103 X\r\n\r\n" * 50, b"HTTP/1.1 103 X\r\n\r\n" * 50, "fetch_timeout"),
)  # fmt: skip


@pytest.mark.parametrize(("says", "drips", "expected"), [it[1:] for it in ANSWERS], ids=[it[0] for it in ANSWERS])
async def test_a_hostile_answer_is_refused_in_bounded_time_and_memory(
    server: HostileServer, says: bytes, drips: bytes, expected: str
) -> None:
    server.says, server.drips = says, drips
    rules = replace(DEVELOPMENT, seconds=SOON) if expected == "fetch_timeout" else DEVELOPMENT
    assert await code(server.url, rules) == expected
    assert len(server.asked) <= 2  # aiohttp asks once more when a connection ends without a word


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/jwks",
        "http://127.0.0.1.nip.example/jwks",
        "ftp://issuer.example/jwks",
        "file:///etc/passwd",
        "https:///jwks",
        "https://user:secret@issuer.example/jwks",
        "https://issuer.example/jwks#x",
        "https://issuer.example:99999/jwks",
        "//issuer.example/jwks",
        "",
    ],
)
async def test_an_address_that_is_not_plain_https_is_never_asked(url: str) -> None:
    assert await code(url, DEVELOPMENT, ["8.8.8.8"]) == "fetch_address"


async def test_loopback_is_asked_in_development_alone(server: HostileServer) -> None:
    assert await code(server.url, PRODUCTION) == "fetch_address"
    for host in ("127.0.0.1", "[::1]", "127.1", "2130706433", "0x7f000001", "localhost"):
        found = await code(f"https://{host}:{server.port}/jwks", PRODUCTION)
        assert found in {"fetch_internal", "fetch_unreachable"}
    assert not server.asked


INTERNAL = (
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - never asked
    "255.255.255.255",
    "224.0.0.1",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "2001:0:1::1",
)


@pytest.mark.parametrize("address", INTERNAL)
async def test_a_name_with_an_internal_address_is_never_asked_even_if_another_is_public(address: str) -> None:
    assert not may_ask(ipaddress.ip_address(address), PRODUCTION)
    for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        assert await code("https://issuer.example/jwks", PRODUCTION, addresses) == "fetch_internal"


async def test_an_address_written_in_the_url_is_checked_like_a_name_s(server: HostileServer) -> None:
    assert await code("https://169.254.169.254/latest/meta-data", PRODUCTION) == "fetch_internal"
    assert await code("https://[::ffff:10.0.0.1]/", PRODUCTION) == "fetch_internal"


async def test_the_connection_goes_to_the_checked_address_whatever_the_name_says_a_moment_later(
    server: HostileServer,
) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    url = f"http://localhost:{server.port}/jwks"
    assert await fetch(url, DEVELOPMENT, rebinding) == b"{}"
    assert answers == [["10.0.0.1"]]
    assert b"Host: localhost" in server.asked[0]


async def test_a_network_that_the_operator_names_may_be_asked_and_its_neighbours_not() -> None:
    rules = FetchRules(networks=(ipaddress.ip_network("10.20.0.0/16"), ipaddress.ip_network("fd00:1::/32")))
    expected = {"10.20.1.1": True, "10.21.1.1": False, "fd00:1::5": True, "127.0.0.1": False}
    assert {text: may_ask(ipaddress.ip_address(text), rules) for text in expected} == expected


async def test_a_name_that_does_not_resolve_in_time_or_at_all_is_given_up() -> None:
    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(PATIENCE)
        return []

    async def fails(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    for resolving, expected in ((never, "fetch_timeout"), (fails, "fetch_unreachable")):
        rules = replace(PRODUCTION, seconds=SOON) if expected == "fetch_timeout" else PRODUCTION
        with pytest.raises(FetchRefused) as refusal:
            await fetch("https://issuer.example/jwks", rules, resolving)
        assert refusal.value.code == expected
    assert await code("https://issuer.example/jwks", PRODUCTION, []) == "fetch_unreachable"


def certificate(folder: Path, name: str) -> Path:
    """A certificate that vouches for itself, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


async def test_a_certificate_counts_if_an_authority_of_ours_vouches_for_that_very_name(tmp_path: Path) -> None:
    own, other = certificate(tmp_path, "localhost"), certificate(tmp_path, "issuer.example")
    for file, authorities, expected in ((own, own, b"{}"), (own, None, None), (own, other, None), (other, other, None)):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        async with serving(HostileServer(answer(b"{}")), context) as server:
            url = f"https://localhost:{server.port}/jwks"
            rules = replace(DEVELOPMENT, authorities=authorities)
            if expected is not None:
                assert await fetch(url, rules) == expected
            else:
                assert await code(url, rules, ["127.0.0.1"]) == "fetch_unreachable"
                assert not server.asked


async def test_the_environments_proxy_is_not_used(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await fetch(server.url, DEVELOPMENT) == b"{}"
