"""Sending entries on to a SIEM as syslog: in order, at least once, from a cursor that survives.

Rules.

1. The cursor is moved only after a batch was delivered; it is replaced as a whole (written aside, synced, renamed).
   A crash before that sends the batch again: the receiver tells repeats by the entry's index.
2. *Delivered* over TCP and TLS: the whole batch was written, our side of the connection was shut, the receiver then
   closed its own, which it does after it has read to the end, and its machine acknowledged every byte: otherwise that
   end was there before the batch was. Bytes that merely left this machine are no delivery: a receiver that dies takes
   them along. Over TLS the receiver's end is a close_notify (RFC 5425 section 4.4), which nobody can give in its place.
   One that merely closes is believed only where the operator says so, since whoever can cut the connection can do as
   much; and so can a kernel that ends the connections of a process that was killed with all it had read. Over TCP alone
   there is nothing else to go by. Over UDP nobody says so: a batch counts as delivered when it was sent (RFC 5426), and
   that is at most a hope.
3. The cursor names the log, the index and the leaf hash of the last entry sent. A log in which another entry stands
   there is refused: it was rolled back or rewritten, and to stream on would hide it.
4. Nothing is sent while the cursor cannot be written: the same batch would come again and again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import ssl
import struct
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from gateway.audit.canonical import MAX_INTEGER
from gateway.audit.errors import AuditError, LogAltered
from gateway.audit.export import Form, framed, message
from gateway.audit.merkle import leaf_hash
from gateway.audit.reading import LogReader

BATCH = 200
TIMEOUT = 30.0


class StreamRefused(AuditError):
    """Entries cannot be sent on: the receiver, the address or the cursor is not as it must be."""


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a log was sent on. ``index`` is the last entry's, -1 before the first; ``leaf`` its hash in hex."""

    origin: str
    index: Annotated[int, Meta(ge=-1, le=MAX_INTEGER)] = -1
    leaf: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to: ``tcp``, ``tls`` or ``udp``, a host and a port; ``ca`` is a PEM file to verify the receiver by, and
    ``identity`` one with the certificate and key that we show it. ``trust_close`` takes the end of a TLS connection
    without close_notify as delivery (rule 2).
    """

    kind: str
    host: str
    port: int
    ca: Path | None = None
    identity: Path | None = None
    trust_close: bool = False

    @classmethod
    def parse(
        cls, address: str, ca: Path | None = None, identity: Path | None = None, *, trust_close: bool = False
    ) -> Receiver:
        """Read ``tcp://host:port``. Raises :class:`StreamRefused`."""
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise StreamRefused(f"{address}: {error}") from error
        more = parts.path or parts.query or parts.fragment or parts.username is not None
        if parts.scheme not in ("tcp", "tls", "udp") or not parts.hostname or port is None or more:
            raise StreamRefused(
                f"{address!r} is no receiver", hint="Write tls://host:6514, tcp://host:601 or udp://..."
            )
        if parts.scheme != "tls" and (ca or identity or trust_close):
            raise StreamRefused(
                f"{address} is not TLS", hint="Certificates and close_notify are TLS's: write tls://..."
            )
        for file in filter(None, (ca, identity)):
            if not file.is_file():
                raise StreamRefused(f"{file} is not there", hint="Name a PEM file.")
        return cls(parts.scheme, parts.hostname, port, ca, identity, trust_close)

    def deliver(self, messages: Sequence[str]) -> None:
        """Send messages in order; when this returns they count as delivered (rule 2). Raises StreamRefused."""
        try:
            if self.kind == "udp":
                self._send_datagrams(messages)
            else:
                self._send_stream(messages)
        except OSError as error:
            said = f"{self.kind}://{self.host}:{self.port}: {error}"
            raise StreamRefused(said, hint=_hint(self.kind, error)) from error

    def _send_datagrams(self, messages: Sequence[str]) -> None:
        kind, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(kind, socket.SOCK_DGRAM) as sender:
            for each in messages:
                sender.sendto(each.encode(), address)

    def _send_stream(self, messages: Sequence[str]) -> None:
        with contextlib.ExitStack() as open_:
            plain = open_.enter_context(socket.create_connection((self.host, self.port), TIMEOUT))
            data = b"".join(map(framed, messages))
            if self.kind == "tcp":
                plain.sendall(data)
                plain.shutdown(socket.SHUT_WR)
                _read_to_end(plain)
                _wait_for_acknowledgement(plain)
                return
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
            context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # Python before 3.11.3 sets it: no notice looks like one
            if self.identity is not None:
                context.load_cert_chain(self.identity)
            sealed = open_.enter_context(context.wrap_socket(plain, server_hostname=self.host))
            sealed.sendall(data)
            try:
                # Sends close_notify and waits for the receiver's own, which comes after all that was sent was read.
                open_.enter_context(ended := sealed.unwrap())
            except ssl.SSLError as error:
                if error.reason != "UNEXPECTED_EOF_WHILE_READING" and not isinstance(error, ssl.SSLEOFError):
                    raise
                if not self.trust_close:
                    raise StreamRefused(
                        f"tls://{self.host}:{self.port} closed without close_notify: nothing says that it read the end",
                        hint="rsyslog's gtls driver closes so, its ossl driver does not. --trust-close takes it.",
                    ) from error
                ended = sealed
            _wait_for_acknowledgement(ended)


def _hint(kind: str, error: OSError) -> str:
    """What a person can do about a receiver that did not take a batch."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "--ca names the PEM file of who vouches for the receiver; write the host as its certificate does."
    if kind == "tls" and isinstance(error, ssl.SSLError | TimeoutError):
        return "Is this the receiver's port for TLS? Does it ask for a certificate (--identity)?"
    if error.errno in (errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE):
        return "It closed before it had read all: is it being started, or is this its port for TLS?"
    return "Try again later; nothing is skipped."


def _read_to_end(receiver: socket.socket) -> None:
    """Wait until the receiver closes. A reset, or no end within the time, is an ``OSError``."""
    until = time.monotonic() + TIMEOUT
    while receiver.recv(4096):
        if time.monotonic() > until:
            raise TimeoutError("the receiver goes on talking and does not close")


def _wait_for_acknowledgement(connection: socket.socket) -> None:
    """Wait until the receiver's machine has acknowledged every byte.

    A receiver that closed before it was sent anything has an end to read too; its machine answers what comes later with
    a reset, never with an acknowledgement. A reset, or nothing within the time, is an ``OSError``.
    """
    until = time.monotonic() + TIMEOUT
    while struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0]:
        if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        if time.monotonic() > until:
            raise TimeoutError("the receiver closed without taking all that was sent")
        time.sleep(0.01)


_RESTORE = "Restore it; without it everything is sent again."


def read_cursor(file: Path, origin: str) -> Cursor:
    """The cursor in a file, or one before the first entry when there is none. Raises :class:`StreamRefused`."""
    try:
        cursor = msgspec.json.decode(file.read_bytes(), type=Cursor)
    except FileNotFoundError:
        return Cursor(origin)
    except (OSError, msgspec.DecodeError) as error:
        raise StreamRefused(f"{file} is no cursor: {error}", hint=_RESTORE) from error
    if (cursor.index < 0) != (cursor.leaf == ""):
        raise StreamRefused(f"{file} is no cursor: index and leaf hash belong together", hint=_RESTORE)
    if cursor.origin != origin:
        raise StreamRefused(f"{file} is of the log {cursor.origin}, not of {origin}", hint="Name another cursor file.")
    return cursor


def write_cursor(file: Path, cursor: Cursor) -> None:
    """Replace the cursor durably: after a crash the file holds the old one or the new one, whole. Raises
    :class:`StreamRefused`.
    """
    try:
        _replace(file, msgspec.json.encode(cursor))
    except OSError as error:
        said = f"the cursor {file} cannot be written: {error.strerror}"
        raise StreamRefused(said, hint="Mend that first: what is sent meanwhile would be sent again.") from error


def _replace(file: Path, data: bytes) -> None:
    aside = file.with_name(file.name + ".new")
    with aside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


def check_cursor(reader: LogReader, cursor: Cursor) -> None:
    """Rule 3. Raises :class:`LogAltered` when the log does not hold what was sent from it."""
    if cursor.index < 0:
        return
    found = reader.leaf_hash(cursor.index)
    if found is None:
        raise LogAltered(f"entry {cursor.index}", f"was sent on, but the log has {reader.size()} entries: rolled back")
    if found.hex() != cursor.leaf:
        raise LogAltered(f"entry {cursor.index}", "is not the one that was sent on: the log was rewritten")


def send_on(reader: LogReader, receiver: Receiver, file: Path, form: Form, host: str) -> int:
    """Send every entry after the cursor, batch by batch; how many were sent. Raises StreamRefused, LogUnavailable."""
    cursor = read_cursor(file, reader.origin)
    check_cursor(reader, cursor)
    sent = 0
    while entries := reader.summaries(cursor.index, BATCH):
        if not sent:
            write_cursor(file, cursor)  # rule 4
        receiver.deliver([message(entry, form, host) for entry in entries])
        last = entries[-1]
        # A crash here sends the batch again at the next start (rule 1).
        cursor = Cursor(reader.origin, last.index, leaf_hash(last.leaf_bytes).hex())
        write_cursor(file, cursor)
        sent += len(entries)
    return sent
