"""The HTTP face of a witness (C2SP tlog-witness); it holds no content.

``POST /add-checkpoint`` submits a checkpoint. ``GET /<SHA-256 of a log's origin, in hex>/checkpoint`` is the latest one
of the log that this witness cosigned, for monitors.

Whatever is refused is logged. A fork is logged as an error (``log-forked``; ``not-shown-to-extend`` where the proof was
bad, which may be whoever sent it), and the signed checkpoint that shows it stays in the witness's file as evidence.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.audit.errors import LogUnavailable
from gateway.audit.witness import SIZE_TYPE, State, parse_submission
from gateway.audit.witness_store import WitnessStore

BODY_LIMIT = 65_536
"""Most bytes of a submission: 63 proof lines and a checkpoint with several post-quantum signatures."""
TEXT = "text/plain; charset=utf-8"
logger = structlog.get_logger("gateway.http.witness")


def build_witness(store: WitnessStore, clock: Callable[[], datetime]) -> Starlette:
    """The witness as an ASGI application."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > BODY_LIMIT:
                    return PlainTextResponse(f"a submission has at most {BODY_LIMIT} bytes\n", 413)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            status, answer, after = await asyncio.to_thread(store.submit, bytes(body), clock())
        except LogUnavailable:
            logger.exception("not-remembered")
            return PlainTextResponse("what was seen cannot be written down now\n", 503, {"Retry-After": "5"})
        _tell(status, bytes(body), after)
        # As a header: as a media type, Starlette would add a charset to it.
        return Response(answer, status, {"Content-Type": SIZE_TYPE if status == 409 else TEXT})

    async def latest(request: Request) -> Response:
        try:
            seen = await asyncio.to_thread(store.seen)
        except LogUnavailable:
            logger.exception("not-read")
            return PlainTextResponse("what was seen cannot be read now\n", 503, {"Retry-After": "5"})
        wanted = request.path_params["origin"]
        found = [head.note for origin, head in seen.items() if hashlib.sha256(origin.encode()).hexdigest() == wanted]
        if not found:
            return PlainTextResponse("no checkpoint of such a log was cosigned here\n", 404)
        return PlainTextResponse(found[0], headers={"Cache-Control": "no-cache"})

    routes = [
        Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
        Route("/{origin}/checkpoint", latest, methods=["GET"]),
    ]
    application = Starlette(routes=routes)
    application.router.redirect_slashes = False  # one address: a submission is not to be sent twice
    return application


def _tell(status: int, body: bytes, after: State) -> None:
    """The line about one submission; what was sent is named in it only once a key of the log was found under it."""
    if not after.evidence and status != 200:
        logger.warning("refused", status=status)
        return
    head = parse_submission(body).checkpoint
    said = {"status": status, "origin": head.origin, "tree_size": head.size}
    if status == 200:
        logger.info("cosigned", **said)
    else:
        logger.error("log-forked" if after.forked else "not-shown-to-extend", **said)
