"""An answer of several chunks on its way out: each as soon as it is recorded, none read ahead of its receiver.

The rules kept here:

1. A chunk is asked of the pipeline only when the one before has been taken by the connection, so a slow receiver holds
   back its own source and nobody else's.
2. A receiver that goes away ends the fetch at once, also while the first chunk is still in the making.
3. An answer that ends in its middle has no end: its connection closes, and the missing end is what tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from starlette.requests import Request
from starlette.types import Receive

from gateway.http.negotiation import SEALED_TYPE
from gateway.refusals import Refused
from gateway.release import Chunk


class AnswerCut(Exception):
    """An answer that ends in its middle, by a refusal that is recorded: its connection closes without the answer's end.

    ``code`` is the refusal's; the partner, to whom a 200 was said already, is told by the missing end alone.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ReceiverGone(Exception):
    """Whoever asked went away before there was anything to send."""


async def first_chunk(request: Request, chunks: AsyncGenerator[Chunk]) -> Chunk:
    """The first chunk; raises :class:`ReceiverGone` as soon as nobody waits for it any more, and ends the fetch."""
    first = asyncio.ensure_future(anext(chunks))
    gone = asyncio.ensure_future(_until_gone(request.receive))
    try:
        await asyncio.wait((first, gone), return_when=asyncio.FIRST_COMPLETED)
        if first.done():
            return first.result()
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        raise ReceiverGone
    finally:
        gone.cancel()
        first.cancel()


async def following(first: Chunk, rest: AsyncGenerator[Chunk]) -> AsyncIterator[bytes]:
    """The chunks' bytes as they are recorded; sealed chunks stand one a line. A refusal in the middle cuts it off."""
    sealed = first.media_type == SEALED_TYPE
    async with aclosing(rest):
        yield _ended(first, sealed=sealed)
        try:
            async for chunk in rest:
                yield _ended(chunk, sealed=sealed)
        except Refused as refusal:
            raise AnswerCut(refusal.code) from refusal


def _ended(chunk: Chunk, *, sealed: bool) -> bytes:
    """A chunk's bytes, with the line ended where another follows: its receiver can open it without waiting for that."""
    return chunk.body + b"\n" if sealed and not chunk.last else chunk.body


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
