"""Posting to witnesses over HTTP: bounded in time and size, no redirects, connections kept open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from gateway.audit.submitting import Send, WitnessFailed

ANSWER_LIMIT = 65_536
"""Most bytes of a witness's answer."""


@asynccontextmanager
async def posting(timeout_seconds: float) -> AsyncIterator[Send]:
    """A :data:`~gateway.audit.submitting.Send` for as long as the block lasts."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def send(url: str, body: bytes) -> tuple[int, bytes]:
            try:
                async with session.post(url, data=body, allow_redirects=False) as response:
                    answer = await response.content.read(ANSWER_LIMIT + 1)
                    while len(answer) <= ANSWER_LIMIT and (more := await response.content.read(ANSWER_LIMIT)):
                        answer += more
            except TimeoutError as error:
                raise WitnessFailed(f"gave no answer in {timeout_seconds:g} seconds", "timed-out") from error
            except (aiohttp.ClientError, OSError) as error:
                raise WitnessFailed(f"could not be asked: {error}", "unreachable") from error
            if len(answer) > ANSWER_LIMIT:
                raise WitnessFailed(f"answered more than {ANSWER_LIMIT} bytes", "too-long")
            return response.status, answer

        yield send
