"""TLS at the gateway's own socket: the key may be encrypted, and the limits of a connection hold inside it too."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from demo.stage import Stage
from gateway.cli.errors import CommandFailed
from gateway.cli.serve import check_tls
from gateway.http import protocol
from gateway.keys.atrest import UNENCRYPTED, Keeping, Passphrase
from gateway.settings.model import HttpSettings
from tests.support.running import POLICIES, RunningGateway, running_gateway
from tests.support.waiting import until

PASSPHRASE = b"correct horse battery"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A certificate for 127.0.0.1, its key under the passphrase, and the passphrase's file."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE))
    (folder / "key.pem").write_bytes(kept)
    (folder / "passphrase").write_bytes(PASSPHRASE + b"\n")
    (folder / "passphrase").chmod(0o400)
    return folder / "cert.pem", folder / "key.pem", folder / "passphrase"


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, keys: Path, files: tuple[Path, Path, Path]
) -> Iterator[RunningGateway]:
    certificate, key, passphrase = files
    stage = Stage(tmp_path_factory.mktemp("gateway") / "var", keys, POLICIES)
    said = {"tls_certificate": certificate, "tls_key": key, "keys_passphrase_file": passphrase}
    patch = pytest.MonkeyPatch()
    patch.setattr(protocol, "LINGER_SECONDS", 0.2)
    with (
        patch.context(),
        running_gateway(stage, "http://127.0.0.1:1", http=HttpSettings(header_seconds=0.5), **said) as running,
    ):
        yield running
    patch.undo()


def told(gateway: RunningGateway, certificate: Path, request: bytes, said: bytes) -> bytes:
    """The answer to a request, in which this is said: on a slow machine the gateway may lose its patience before an
    attempt has begun, and then another one is made.
    """

    def answered() -> bytes:
        with suppress(OSError):
            received = ask(gateway, certificate, request)
            return received if said in received else b""
        return b""

    return until(answered, f"it never says {said!r}")


def ask(gateway: RunningGateway, certificate: Path, request: bytes) -> bytes:
    context = ssl.create_default_context(cafile=certificate)
    port = int(gateway.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as opened,
    ):
        opened.sendall(request)
        received = b""
        while part := opened.recv(65536):
            received += part
        return received


def test_an_encrypted_key_serves_and_every_refusal_arrives_whole(
    gateway: RunningGateway, files: tuple[Path, Path, Path]
):
    assert gateway.url.startswith("https://")
    asked = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert told(gateway, files[0], asked, b"alive").startswith(b"HTTP/1.1 200 OK")
    for request, code in (
        (b"GARBAGE\r\n\r\n", b"request_malformed"),
        (b"GET / HTTP/1.1\nHost: a\n\n", b"request_malformed"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + b"x" * 1000, b"token_missing"),
        (b"GET / HTTP/1.1\r\nHost", b"request_too_slow"),
    ):
        assert told(gateway, files[0], request, code).startswith(b"HTTP/1.1 4")


def test_a_tls_key_whose_passphrase_is_another_or_none_is_named_and_nobody_is_prompted(
    gateway: RunningGateway, files: tuple[Path, Path, Path]
):
    check_tls(gateway.settings, Keeping(Passphrase(PASSPHRASE), plain=True))
    for keeping in (UNENCRYPTED, Keeping(Passphrase(b"another passphrase"), plain=True)):
        with pytest.raises(CommandFailed, match="cannot be used for TLS") as failed:
            check_tls(gateway.settings, keeping)
        assert "keys_passphrase_file" in failed.value.hint
