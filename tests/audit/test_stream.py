"""Sending on: in order, at least once, over receivers that die; never past a log that was put back."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.audit import stream
from gateway.audit.entry import Draft
from gateway.audit.errors import LogAltered
from gateway.audit.export import Form
from gateway.audit.log import AuditLog
from gateway.audit.stream import (
    BATCH,
    Cursor,
    Receiver,
    StreamRefused,
    check_cursor,
    read_cursor,
    send_on,
    write_cursor,
)
from tests.support.waiting import PATIENCE, happens, held_port

Drafts = Callable[..., Draft]
STORES = ["sqlite"]


@dataclass
class Siem:
    """A receiver that reads octet-counted messages; ``dies`` names the connections it resets before their end."""

    dies: set[int] = field(default_factory=set)
    context: ssl.SSLContext | None = None
    notifies: bool = True
    messages: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError):
                self.take(plain)
            plain.close()

    def take(self, plain: socket.socket) -> None:
        peer = plain if self.context is None else self.context.wrap_socket(plain, server_side=True)
        data = b""
        while got := peer.recv(65536):
            data += got
            if self.connections in self.dies:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
        while data:
            length, _, rest = data.partition(b" ")
            self.messages.append(rest[: int(length)].decode())
            data = rest[int(length) :]
        if isinstance(peer, ssl.SSLSocket) and self.notifies:
            with contextlib.suppress(OSError):
                peer.unwrap()
        elif isinstance(peer, ssl.SSLSocket):
            peer.close()

    @property
    def indices(self) -> list[int]:
        return [json.loads(message.partition("\ufeff")[2])["index"] for message in self.messages]


@contextlib.contextmanager
def listening(siem: Siem) -> Iterator[Siem]:
    listener = socket.create_server(("127.0.0.1", 0))
    siem.port = listener.getsockname()[1]
    thread = threading.Thread(target=siem.serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield siem
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture
def cursor(tmp_path: Path) -> Path:
    return tmp_path / "siem.cursor"


def fill(log: AuditLog, draft: Drafts, count: int, name: str = "r") -> None:
    log.append_now([draft(f"{name}{number}") for number in range(count)])


def test_every_entry_arrives_once_and_in_order_and_new_ones_follow(log: AuditLog, draft: Drafts, cursor: Path):
    fill(log, draft, BATCH + 50)
    with listening(Siem()) as siem:
        to = Receiver("tcp", "127.0.0.1", siem.port)
        assert send_on(log, to, cursor, Form.SYSLOG, "gw") == BATCH + 50
        assert send_on(log, to, cursor, Form.SYSLOG, "gw") == 0
        fill(log, draft, 3, "later")
        assert send_on(log, to, cursor, Form.SYSLOG, "gw") == 3
    assert siem.indices == list(range(BATCH + 53))
    assert siem.connections == 3


def test_a_receiver_that_dies_in_the_middle_gets_the_batch_again_and_nothing_is_skipped(
    log: AuditLog, draft: Drafts, cursor: Path
):
    fill(log, draft, BATCH * 2)
    with listening(Siem(dies={2})) as siem:
        to = Receiver("tcp", "127.0.0.1", siem.port)
        with pytest.raises(StreamRefused):
            send_on(log, to, cursor, Form.JSONL, "gw")
        assert read_cursor(cursor, log.origin).index == BATCH - 1
        send_on(log, to, cursor, Form.JSONL, "gw")
    assert siem.indices == list(range(BATCH * 2))


def _crash_after_delivery(moved: Cursor) -> None:
    if moved.index >= 0:
        raise KeyboardInterrupt


def test_a_crash_before_the_cursor_moved_sends_the_batch_again(
    log: AuditLog, draft: Drafts, cursor: Path, monkeypatch: pytest.MonkeyPatch
):
    fill(log, draft, 5)
    with listening(Siem()) as siem:
        to = Receiver("tcp", "127.0.0.1", siem.port)
        with monkeypatch.context() as crash:
            crash.setattr("gateway.audit.stream.write_cursor", lambda file, moved: _crash_after_delivery(moved))
            with pytest.raises(KeyboardInterrupt):
                send_on(log, to, cursor, Form.SYSLOG, "gw")
        send_on(log, to, cursor, Form.SYSLOG, "gw")
    assert siem.indices == [*range(5), *range(5)]


def test_a_receiver_that_is_not_there_leaves_the_cursor_where_it_was(log: AuditLog, draft: Drafts, cursor: Path):
    fill(log, draft, 2)
    with held_port() as port, pytest.raises(StreamRefused, match="refused"):
        send_on(log, Receiver("tcp", "127.0.0.1", port), cursor, Form.SYSLOG, "gw")
    assert read_cursor(cursor, log.origin) == Cursor(log.origin)


def test_a_log_that_was_put_back_or_rewritten_is_not_streamed_on(log: AuditLog, draft: Drafts, cursor: Path):
    fill(log, draft, 2)
    for index, leaf, wanted in ((5, "00" * 32, "rolled back"), (1, "00" * 32, "rewritten")):
        write_cursor(cursor, Cursor(log.origin, index, leaf))
        with pytest.raises(LogAltered, match=wanted):
            send_on(log, Receiver("tcp", "127.0.0.1", 1), cursor, Form.SYSLOG, "gw")
    write_cursor(cursor, Cursor("other/log"))
    with pytest.raises(StreamRefused, match="of the log other/log"):
        read_cursor(cursor, log.origin)
    check_cursor(log, Cursor(log.origin))


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", '{"origin": "gateway.example/log"', '{"origin": "gateway.example/log", "index": -2}',
        '{"origin": "gateway.example/log", "index": 99999999999999999999, "leaf": ""}',
        '{"origin": "gateway.example/log", "index": 1, "leaf": "xyz"}',
        '{"origin": "gateway.example/log", "index": 1.5, "leaf": ""}',
        '{"origin": "gateway.example/log", "index": 1}',
        '{"origin": "gateway.example/log", "other": 1}', "\x00" * 120,
    ],
)  # fmt: skip
def test_a_damaged_cursor_is_refused_with_its_file_and_nothing_is_sent(log: AuditLog, draft: Drafts, cursor, text):
    fill(log, draft, 2)
    cursor.write_text(text)
    with listening(Siem()) as siem:
        with pytest.raises(StreamRefused, match=r"siem\.cursor is no cursor"):
            send_on(log, Receiver("tcp", "127.0.0.1", siem.port), cursor, Form.SYSLOG, "gw")
        assert siem.connections == 0


def test_nothing_is_sent_while_the_cursor_cannot_be_written(log: AuditLog, draft: Drafts, tmp_path: Path):
    fill(log, draft, 2)
    cursor = tmp_path / "siem.cursor"
    (tmp_path / "siem.cursor.new").mkdir()  # in the place of what is written aside
    with listening(Siem()) as siem:
        to = Receiver("tcp", "127.0.0.1", siem.port)
        with pytest.raises(StreamRefused, match=r"the cursor .*siem\.cursor cannot be written"):
            send_on(log, to, cursor, Form.SYSLOG, "gw")
        with pytest.raises(StreamRefused, match="cannot be written: No such file or directory"):
            send_on(log, to, tmp_path / "none" / "siem.cursor", Form.SYSLOG, "gw")
        assert siem.connections == 0
        (tmp_path / "siem.cursor.new").rmdir()
        assert send_on(log, to, cursor, Form.SYSLOG, "gw") == 2


def test_a_receiver_that_takes_the_connection_and_never_reads_has_taken_nothing(
    log: AuditLog, draft: Drafts, cursor: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        to = Receiver("tcp", "127.0.0.1", listener.getsockname()[1])
        for count in (1, 400):  # what the kernels' buffers hold, and more than that
            fill(log, draft, count, f"{count}-")
            with pytest.raises(StreamRefused, match="timed out"):
                send_on(log, to, cursor, Form.SYSLOG, "gw")
    assert read_cursor(cursor, log.origin) == Cursor(log.origin)


def test_a_receiver_that_talks_on_and_never_closes_has_taken_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "TIMEOUT", 0.3)

    def talk() -> None:
        opened, _ = listener.accept()
        with opened, contextlib.suppress(OSError):
            while True:  # until the other end has given up: there is always something to be read
                opened.sendall(bytes(65_536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(StreamRefused, match="goes on talking"):
            Receiver("tcp", "127.0.0.1", listener.getsockname()[1]).deliver(["message"])
        thread.join()


def test_over_udp_each_entry_is_a_datagram_of_its_own(log: AuditLog, draft: Drafts, cursor: Path):
    fill(log, draft, 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as siem:
        siem.bind(("127.0.0.1", 0))
        siem.settimeout(PATIENCE)
        send_on(log, Receiver.parse(f"udp://127.0.0.1:{siem.getsockname()[1]}"), cursor, Form.CEF, "gw")
        got = [siem.recv(65536).decode() for _ in range(3)]
    assert all(message.partition("\ufeff")[2].startswith("CEF:0|") for message in got)


def test_over_tls_the_receiver_must_be_the_one_that_its_certificate_names(
    log: AuditLog, draft: Drafts, cursor: Path, tmp_path: Path
):
    fill(log, draft, 4)
    certificate, key = certified("localhost", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with listening(Siem(context=context)) as siem:
        with pytest.raises(StreamRefused, match="certificate verify failed"):
            send_on(log, Receiver("tls", "localhost", siem.port), cursor, Form.SYSLOG, "gw")
        with pytest.raises(StreamRefused, match="certificate verify failed"):
            send_on(log, Receiver("tls", "127.0.0.1", siem.port, certificate), cursor, Form.SYSLOG, "gw")
        assert send_on(log, Receiver("tls", "localhost", siem.port, certificate), cursor, Form.SYSLOG, "gw") == 4
    assert siem.indices == [0, 1, 2, 3]


def test_a_tls_receiver_that_closes_without_notice_has_read_all_only_where_the_operator_says_so(
    log: AuditLog, draft: Drafts, cursor: Path, tmp_path: Path
):
    fill(log, draft, 3)
    certificate, key = certified("localhost", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with listening(Siem(context=context, notifies=False)) as siem:
        address = f"tls://localhost:{siem.port}"
        with pytest.raises(StreamRefused, match="close_notify"):
            send_on(log, Receiver.parse(address, certificate), cursor, Form.SYSLOG, "h")
        assert read_cursor(cursor, log.origin) == Cursor(log.origin)
        trusting = Receiver.parse(address, certificate, trust_close=True)
        assert send_on(log, trusting, cursor, Form.SYSLOG, "h") == 3
        assert read_cursor(cursor, log.origin).index == 2


def test_a_receiver_that_asks_for_a_certificate_is_shown_ours(
    log: AuditLog, draft: Drafts, cursor: Path, tmp_path: Path
):
    fill(log, draft, 2)
    certificate, key = certified("localhost", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    identity = tmp_path / "identity.pem"
    identity.write_bytes(certificate.read_bytes() + key.read_bytes())
    with listening(Siem(context=context)) as siem:
        address = f"tls://localhost:{siem.port}"
        with pytest.raises(StreamRefused):
            send_on(log, Receiver.parse(address, certificate), cursor, Form.SYSLOG, "h")
        assert send_on(log, Receiver.parse(address, certificate, identity), cursor, Form.SYSLOG, "h") == 2
        assert siem.indices == [0, 1]


def test_a_receiver_that_had_closed_before_anything_was_sent_has_taken_nothing():
    """Its end is there to be read all the same; the batch waits until that end has come."""
    closed = threading.Event()

    class Late(Sequence[str]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, at: int) -> str:  # type: ignore[override]
            if at:
                raise IndexError
            happens(closed, "it does not close")
            return "message"

    def close_at_once() -> None:
        listener.accept()[0].close()
        closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=close_at_once)
        thread.start()
        with pytest.raises(StreamRefused):
            Receiver.parse(f"tcp://127.0.0.1:{listener.getsockname()[1]}").deliver(Late())
        thread.join()


def test_an_end_that_comes_before_all_was_acknowledged_is_no_delivery(monkeypatch: pytest.MonkeyPatch):
    """The receiver takes nothing: what was sent stays unacknowledged, whatever end is read."""
    monkeypatch.setattr(stream, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with socket.create_connection(listener.getsockname()) as sender, listener.accept()[0]:
            sender.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    sender.send(bytes(65536))
            with pytest.raises(TimeoutError, match="without taking"):
                stream._wait_for_acknowledgement(sender)


def test_certificates_that_are_not_there_or_of_no_use_are_refused_before_anything_is_sent(tmp_path: Path):
    for address, ca, identity, trust in (
        ("tls://h:1", tmp_path / "none.pem", None, False),
        ("tls://h:1", None, tmp_path / "none.pem", False),
        ("tcp://h:1", tmp_path, None, False),
        ("udp://h:1", None, None, True),
    ):
        with pytest.raises(StreamRefused, match=r"is not there|is not TLS"):
            Receiver.parse(address, ca, identity, trust_close=trust)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "siem:514",
        "http://siem:80",
        "tcp://siem",
        "tcp://:601",
        "tcp://siem:601/x",
        "tcp://siem:99999",
        "tcp://a:b@siem:601",
        "tcp://siem:601?x",
    ],
)
def test_what_is_no_receiver_is_refused(address: str):
    with pytest.raises(StreamRefused):
        Receiver.parse(address)


def certified(name: str, folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "siem.pem").write_bytes(made.public_bytes(pem))
    (folder / "siem.key").write_bytes(key.private_bytes(pem, pkcs8, plain))
    return folder / "siem.pem", folder / "siem.key"
