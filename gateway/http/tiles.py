"""The log as tiles over HTTP (C2SP tlog-tiles): ``/checkpoint`` and ``/tile/...`` below the gateway's address.

Hash tiles are for everybody: they show how long the log is and nothing of what is in it. Bundles of entries show every
partner's leaves: they are for auditors alone (:mod:`gateway.identity.auditors`), each reading is an entry of the log
before it is answered, and to anybody else there is nothing at that address. A tile never changes, so a full one may be
kept for good.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from gateway.audit.entry import Draft, Event, Json
from gateway.audit.errors import LogUnavailable, ProofRefused
from gateway.audit.observed import said_of
from gateway.audit.tiles import ENTRIES, TILE_WIDTH, parse_path
from gateway.http import openapi
from gateway.http.partner import ALWAYS, no_such_path, peer_of
from gateway.refusals import Refused
from gateway.service import Service

router = APIRouter(tags=["log"])

FOR_GOOD = "max-age=31536000, immutable"
FOR_A_WHILE = "max-age=300"
"""A partial tile never changes either, but is asked for only until it is full."""
MEDIA_TYPE = "application/octet-stream"

_TILE = {
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The tile as c2sp.org/tlog-tiles writes it: `0/x001/234`, `1/000.p/17`, `entries/000`.",
}


@router.get(
    "/tile/{tile:path}",
    summary="A tile of the log",
    response_class=Response,
    responses={
        200: {
            "description": "Up to 256 hashes, or for auditors a bundle of up to 256 entries.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        404: {"description": "The log has no such hash tile."},
        **openapi.problem_responses((*(code for code in ALWAYS if code != "not_found"), "audit_unavailable")),
    },
    openapi_extra={"parameters": [{"name": "tile", **_TILE}]},
)
async def tile(request: Request) -> Response:
    """Hand out a hash tile to anybody, a bundle of entries to an auditor."""
    try:
        level, index, width = parse_path(f"tile/{request.path_params['tile']}")
    except ProofRefused:
        return await no_such_path(request)
    return await (_bundle(request, index, width) if level == ENTRIES else _hashes(request, level, index, width))


async def _hashes(request: Request, level: int, index: int, width: int) -> Response:
    data = await _read(request, level, index, width)
    if data is None:
        return PlainTextResponse("no such tile\n", 404, {"Cache-Control": "no-store"})
    kept = FOR_GOOD if width == TILE_WIDTH else FOR_A_WHILE
    return Response(data, 200, {"Cache-Control": f"public, {kept}"}, MEDIA_TYPE)


async def _bundle(request: Request, index: int, width: int) -> Response:
    service: Service = request.app.state.service
    name = service.auditors.named(request.headers.getlist("authorization"))
    if name is None:
        return await no_such_path(request)
    read: dict[str, Json] = {"by": name, "what": request.url.path[:256], "request": request.state.request_id}
    read |= said_of(peer_of(request))
    try:
        await service.log.append(Draft(Event.AUDIT_READ, service.clock(), "read", private=read))
    except LogUnavailable as error:
        raise Refused("audit_unavailable", str(error)) from error
    data = await _read(request, ENTRIES, index, width)
    if data is None:
        raise Refused("not_found")
    kept = FOR_GOOD if width == TILE_WIDTH else FOR_A_WHILE
    return Response(data, 200, {"Cache-Control": f"private, {kept}"}, MEDIA_TYPE)


async def _read(request: Request, level: int, index: int, width: int) -> bytes | None:
    service: Service = request.app.state.service
    try:
        return await asyncio.to_thread(service.log.tile, level, index, width)
    except LogUnavailable as error:
        raise Refused("audit_unavailable", str(error)) from error
