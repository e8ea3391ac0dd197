"""Receipts and the log's public face: what a partner needs to prove a release, and nothing of anybody else's."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from gateway.asking import Ask, Operation
from gateway.audit.errors import LogUnavailable
from gateway.audit.log import AuditLog
from gateway.http import openapi
from gateway.http.datapaths import RECEIPT
from gateway.http.partner import ALWAYS, PlainRoute, ask_of, malformed_code, pipeline_of
from gateway.refusals import Refused
from gateway.release import Pipeline

router = APIRouter(tags=["receipts"], route_class=PlainRoute)
CHUNK = ("parameter_unknown", "parameter_repeated", "parameter_invalid", "audit_unavailable", "policy_unavailable")
"""What else can be wrong with a request for a receipt."""

RECEIPT_TYPE = "text/plain; charset=utf-8"


@router.get(
    RECEIPT,
    summary="A release's receipt",
    response_class=PlainTextResponse,
    responses={
        200: {
            "description": "A tlog-proof (c2sp.org/tlog-proof@v1) whose extra line carries the leaf itself.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": "c2sp.org/tlog-proof@v1\\n..."}},
        },
        **openapi.problem_responses((*ALWAYS, *CHUNK)),
    },
    openapi_extra={
        "security": [{"bearer": []}],
        "parameters": [
            {"name": "release", "in": "path", "required": True, "schema": {"type": "string"}},
            {
                "name": "chunk",
                "in": "query",
                "required": False,
                "description": "Which chunk of a long answer, from 0; the last one by default.",
                "schema": {"type": "integer", "minimum": 0},
            },
        ],
    },
)
async def receipt(request: Request) -> Response:
    """Hand a partner the receipt of its own release. Anybody else's is not found."""
    return await answer(request, request.path_params["release"])


async def answer(request: Request, release: str) -> Response:
    """The receipt of a release, for its own partner alone."""
    log: AuditLog = request.app.state.log
    pipeline = pipeline_of(request)
    ask = ask_of(request, "/releases", Operation.IDENTIFIED)
    caller = await pipeline.identify(ask)
    malformed = malformed_code(request)
    if malformed is not None:
        raise await pipeline.refuse(ask, malformed)
    chunk = await _chunk(pipeline, ask)
    try:
        issued = log.receipt(release[:64], chunk, caller.partner)
    except LogUnavailable as error:
        raise Refused("audit_unavailable", str(error)) from error
    if issued is None or issued.partner != caller.partner:
        raise await pipeline.refuse(ask, "not_found")
    return Response(issued.receipt, 200, {"Cache-Control": "no-store"}, RECEIPT_TYPE)


async def _chunk(pipeline: Pipeline, ask: Ask) -> int | None:
    """The number that ``chunk`` gives; a query that says anything else is refused, and recorded."""
    for name, _ in ask.query:
        if name != "chunk":
            raise await pipeline.refuse(ask, "parameter_unknown", name[:64])
    if len(ask.query) > 1:
        raise await pipeline.refuse(ask, "parameter_repeated", "chunk")
    if not ask.query:
        return None
    text = ask.query[0][1]
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise await pipeline.refuse(ask, "parameter_invalid", "chunk")
    return int(text)


@router.get(
    "/checkpoint",
    summary="The log's newest checkpoint",
    response_class=PlainTextResponse,
    responses={200: {"description": "A signed note (c2sp.org/tlog-checkpoint).", "content": {"text/plain": {}}}},
)
async def checkpoint(request: Request) -> Response:
    """The log's size and root hash, signed. Keep one: it shows later that the log was not rewritten."""
    log: AuditLog = request.app.state.log
    return Response(log.checkpoint(), 200, {"Cache-Control": "no-store"}, RECEIPT_TYPE)


@router.get(
    "/.well-known/relgate-keys.json",
    summary="The gateway's public keys",
    responses={200: {"description": "A JWK set of content keys, and the log's verifier key."}},
)
async def public_keys(request: Request) -> Response:
    """What opens and proves answers. Get these once by a way you trust; this route is for comparing."""
    return Response(request.app.state.public_keys, 200, {"Cache-Control": "max-age=300"}, "application/json")
