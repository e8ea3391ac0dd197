"""Ways in which a source system can misbehave, for tests of what stands in front of it.

A fault is given to the service by whoever builds it, never chosen by a request. Each is an ASGI application
around the sound one; ``OnPaths`` and ``FirstRequests`` narrow another fault down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Edit = Callable[[Message], Message]


class Fault(Protocol):
    """Answers a request in place of the sound service, which it is handed as ``sound``."""

    def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        ...


@dataclass(frozen=True, slots=True)
class Answers:
    """The same answer to everything: an error, a redirect, a body of another shape."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        pairs = [("content-type", self.content_type), ("content-length", str(len(self.body))), *self.headers]
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def redirect(location: str, status: int = 302) -> Answers:
    """A redirect to somewhere else, where a credential must not follow."""
    return Answers(status, headers=(("location", location),))


@dataclass(frozen=True, slots=True)
class HugeBody:
    """An endless JSON array in chunks, without a length, up to ``size`` bytes; valid if read to its end."""

    size: int

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it piece by piece."""
        piece = b'{"classificationMarking":"U","pad":"' + b"x" * 65_000 + b'"},'
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"[", "more_body": True})
        for _ in range(max(1, self.size // len(piece))):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"{}]"})


@dataclass(frozen=True, slots=True)
class WrongContentType:
    """The sound answer under another content type."""

    content_type: str = "text/html"

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Change the header on its way out."""

        async def edited(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() != b"content-type"]
                message = {
                    **message,
                    "headers": [*kept, (b"content-type", self.content_type.encode("latin-1"))],
                }
            await send(message)

        await sound(scope, receive, edited)


@dataclass(frozen=True, slots=True)
class Malformed:
    """The sound answer without its last byte, under a length that fits: JSON that never ends."""

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the answer, cut it, send it."""
        status, headers, body = await _whole_answer(sound, scope, receive)
        kept = [pair for pair in headers if pair[0].lower() != b"content-length"]
        await send({"type": "http.response.start", "status": status, "headers": kept})
        await send({"type": "http.response.body", "body": body[:-1]})


@dataclass(frozen=True, slots=True)
class CutShort:
    """The connection closes after half of the announced length."""

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce all of it, send half, and leave."""
        status, headers, body = await _whole_answer(sound, scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


@dataclass(frozen=True, slots=True)
class Slow:
    """The sound answer after ``seconds``; with ``pieces`` it comes so, that many parts that long apart."""

    seconds: float
    pieces: int = 1

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then answer in parts."""
        status, headers, body = await _whole_answer(sound, scope, receive)
        await asyncio.sleep(self.seconds)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        size = max(1, -(-len(body) // self.pieces))
        for start in range(0, len(body), size):
            more = start + size < len(body)
            await send({"type": "http.response.body", "body": body[start : start + size], "more_body": more})
            if more:
                await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Ignores:
    """A source that takes no notice of some parameters: it answers as if they had not been given."""

    parameters: frozenset[str] = frozenset({"firstResult", "maxResults"})

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Take them out of the query."""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        kept = urlencode([pair for pair in pairs if pair[0] not in self.parameters])
        await sound({**scope, "query_string": kept.encode("latin-1")}, receive, send)


@dataclass(frozen=True, slots=True)
class OnPaths:
    """Another fault, but only on paths that start so."""

    prefix: str
    fault: Fault

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose between the fault and the sound service."""
        if str(scope["path"]).startswith(self.prefix):
            await self.fault(sound, scope, receive, send)
        else:
            await sound(scope, receive, send)


@dataclass(slots=True)
class FirstRequests:
    """Another fault for the first so many requests; sound afterwards."""

    count: int
    fault: Fault
    seen: int = field(default=0, init=False)

    async def __call__(self, sound: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, then choose."""
        self.seen += 1
        if self.seen <= self.count:
            await self.fault(sound, scope, receive, send)
        else:
            await sound(scope, receive, send)


async def _whole_answer(sound: ASGIApp, scope: Scope, receive: Receive) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """The sound answer, held back: status, headers, body."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await sound(scope, receive, keep)
    start = messages[0]
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return int(start["status"]), list(start["headers"]), body
