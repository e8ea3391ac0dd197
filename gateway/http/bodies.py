"""Reading a request's body where one is taken: bounded, one JSON object, strictly (no key twice, no NaN)."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.keys.strict_json import Json, NotStrictJson, read_object

JSON_TYPE = "application/json"


class BodyRefused(Exception):
    """A body that cannot be read; the message may be told."""


async def read_json(request: Request, limit: int) -> dict[str, Json]:
    """The one JSON object that a body of at most ``limit`` bytes is. Raises :class:`BodyRefused`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON_TYPE:
        raise BodyRefused(f"the body must be {JSON_TYPE}")
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > limit:
                raise BodyRefused(f"the body has more than {limit} bytes")
    except ClientDisconnect:
        raise BodyRefused("the body was cut short") from None
    try:
        return read_object(bytes(body))
    except NotStrictJson as error:
        raise BodyRefused(f"the body is {error}") from None
