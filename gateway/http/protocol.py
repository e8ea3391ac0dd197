"""HTTP/1.1 as it reaches the application: strict in form, bounded in time, and closed where two readers could differ.

uvicorn's protocol over h11, with what they leave open decided here:

1. A head is written with CRLF and without folded lines (RFC 9112 sections 2.2 and 5.2 allow a server to be lenient;
   a proxy in front may be lenient in another way, and then the two see different requests).
2. What is no HTTP/1.1 gets a problem answer, as every other refusal does, and the connection is closed.
3. After a request that has, or says it has, a body the connection is closed: none of the gateway's operations reads
   one from a stranger, so no byte behind such a head is ever taken for another request (RFC 9112 section 6.1). A
   witness, whose every request has one, keeps it open behind a body whose length alone says where it ends.
4. A head must be whole in time, a body must be whole in time, and an answer must be taken in time. uvicorn bounds the
   pause between two requests alone, so that a caller could hold a connection for good with one byte a minute.
5. Of what comes over a closing connection so much is read and dropped that the answer is not lost (section 9.6).

What never became a request is told to ``limits.tell``, which counts it for the audit log (:mod:`.strangers`).
"""

from __future__ import annotations

import asyncio
import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.audit.observed import written
from gateway.http import problems
from gateway.http.negotiation import traceparent
from gateway.refusals import Refused

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

HEAD_BYTES = 32_768
"""Most bytes of a head. h11 bounds what is incomplete; a head that comes in one piece would pass at any length."""

LINGER_SECONDS = 2.0
LINGER_BYTES = 1024 * 1024
"""How long, and for how many bytes, a closing connection is still read so that its last answer arrives."""

_CLOSE = (b"connection", b"close")


class Fault(enum.StrEnum):
    """Why a connection was given up without a request, or in the middle of one."""

    MALFORMED = "malformed"  # h11 refused the bytes
    HEAD_FORM = "head_form"  # a bare LF or CR or a folded line in the head, or a head that is too long
    SLOW_HEAD = "slow_head"
    SLOW_BODY = "slow_body"
    STALLED = "stalled"  # the answer was not taken in time
    CROWDED = "crowded"  # more connections than allowed


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on each connection, in seconds and in number, and who counts what went beyond them: each by its kind and
    the address that it came from (``""`` for none).
    """

    header_seconds: float
    body_seconds: float
    stall_seconds: float
    max_connections: int
    tell: Callable[[Fault, str], None]
    kept_body: int = 0
    """Most bytes of a body, its length given, behind which the connection stays open; with 0 it never does."""


def protocol_within(limits: Limits) -> type[Http]:
    """The protocol class with these limits; uvicorn makes one object of it for each connection."""

    class Limited(Http):
        """:class:`Http` within the settings' limits."""

    Limited.limits = limits
    return Limited


class Http(H11Protocol):
    """One connection."""

    limits: ClassVar[Limits]

    _timer: asyncio.TimerHandle | None = None
    _waiting: Fault | None = None
    _stall: asyncio.TimerHandle | None = None
    _dropped = -1  # bytes read and dropped since the last answer; none are while it is negative
    _broken = False  # the body of the request under way is no HTTP; nothing more is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for a head, or turn the connection away."""
        super().connection_made(transport)
        if self.client is not None:
            self.client = written(self.client[0]), self.client[1]
        if len(self.connections) > self.limits.max_connections:
            self._turn_away(Fault.CROWDED, "overloaded")
        else:
            self._wait(Fault.SLOW_HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timers."""
        self._stop_timer()
        self._stop_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what comes after the last answer, or after a body that is no HTTP, is dropped."""
        if self._broken and self._dropped < 0:
            return
        if self._dropped < 0:
            super().data_received(data)
            return
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self.transport.close()

    def handle_events(self) -> None:
        """Let h11 read the head when it is written as it must be."""
        if self.conn.their_state is h11.IDLE:
            head = head_of(self.conn.trailing_data[0])
            if len(head) > HEAD_BYTES or not is_plainly_written(head):
                self._turn_away(Fault.HEAD_FORM, "request_malformed")
                return
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and _has_body(self.headers) and not _is_short(self.headers, self.limits.kept_body):
            self._close_after(self.cycle)
        if self.conn.their_state is h11.IDLE:
            self._wait(Fault.SLOW_HEAD)
        elif self.conn.their_state is h11.SEND_BODY or self._broken:
            self._wait(Fault.SLOW_BODY)
        else:
            self._wait(None)

    def send_400_response(self, msg: str) -> None:
        """Answer ``request_malformed``; ``msg`` is the server's own text and is not told.

        Where a sound head came before, there is a request, and its answer and entry are the application's: whoever
        does not read the body answers at once, and whoever does waits for it no longer than for a slow one.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self._broken = True
            self._tell(Fault.MALFORMED)
            return
        self._turn_away(Fault.MALFORMED, "request_malformed")

    def pause_writing(self) -> None:
        """The receiver does not keep up; it has so long to take what is buffered."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(self.limits.stall_seconds, self._stalled)

    def resume_writing(self) -> None:
        """The receiver took what was buffered."""
        super().resume_writing()
        self._stop_stall()

    def linger(self) -> None:
        """End our side, and read and drop the other's until it ends too: closing at once would reset the connection
        under the answer.
        """
        self._wait(None)
        self._dropped = 0
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _wait(self, until: Fault | None) -> None:
        """Give what is awaited its time; what was awaited already keeps the time it had."""
        if self._dropped >= 0:  # a lingering connection has its own time, and nothing is awaited on it any more
            return
        if until is not None and until is self._waiting and self._timer is not None:
            return
        self._stop_timer()
        self._waiting = until
        if until is not None:
            seconds = self.limits.header_seconds if until is Fault.SLOW_HEAD else self.limits.body_seconds
            self._timer = self.loop.call_later(seconds, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        """Give up. A connection on which nothing ever came, or nothing since its last answer, is closed in silence."""
        self._timer = None
        if self.transport.is_closing():
            return
        if self._waiting is Fault.SLOW_BODY:
            self._tell(Fault.SLOW_BODY)
            self.transport.close()
        elif self.conn.trailing_data[0]:
            self._turn_away(Fault.SLOW_HEAD, "request_too_slow")
        else:
            self.transport.close()

    def _stalled(self) -> None:
        self._stall = None
        self._tell(Fault.STALLED)
        self.transport.abort()

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _tell(self, fault: Fault) -> None:
        self.limits.tell(fault, "" if self.client is None else self.client[0])

    def _turn_away(self, fault: Fault, code: str) -> None:
        """Answer with a problem from below the application, count the fault, and close."""
        self._tell(fault)
        identifier = uuid.uuid4().hex
        answer = problems.answer(Refused(code), identifier)
        headers = [*answer.raw_headers, *problems.door_headers(identifier, traceparent(None), 0), _CLOSE]
        events = (
            h11.Response(status_code=answer.status_code, headers=headers),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.linger()

    def _close_after(self, cycle: RequestResponseCycle) -> None:
        """Close the connection after this answer, and say so in it."""
        cycle.default_headers = [*cycle.default_headers, _CLOSE]
        cycle.transport = cast("asyncio.Transport", _Lingering(self))


class _Lingering:
    """The transport as the last answer of a connection sees it: to close it is to linger."""

    def __init__(self, protocol: Http) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.linger()


def head_of(received: bytes) -> bytes:
    r"""What of the bytes received so far is a head, or the part of one: what follows it is not looked at.

    >>> head_of(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\n behind")
    b'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
    """
    end = received.find(b"\r\n\r\n")
    return received[: end + 4] if end >= 0 else received


def is_plainly_written(head: bytes) -> bool:
    r"""Whether every line that has ended did so with CRLF, and none is folded.

    >>> is_plainly_written(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), is_plainly_written(b"GET / HTTP/1.1\n")
    (True, False)
    """
    ended = head[: head.rfind(b"\n") + 1]
    both = ended.count(b"\r\n")
    return both == ended.count(b"\n") == ended.count(b"\r") and b"\n " not in head and b"\n\t" not in head


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


def _is_short(headers: list[tuple[bytes, bytes]], most: int) -> bool:
    """Whether one length, and nothing else, says where the body ends, and it is at most so many bytes."""
    said = [value for name, value in headers if name == b"content-length"]
    coded = any(name == b"transfer-encoding" for name, _ in headers)
    return most > 0 and not coded and len(said) == 1 and int(said[0]) <= most
