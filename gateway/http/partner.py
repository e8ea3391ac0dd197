"""The data routes: every dataset under one set of generic paths, and nothing that is not a dataset.

All of them do the same: read the request into an :class:`~gateway.asking.Ask`, hand it to the pipeline, shape the
answer. A path that is no dataset's goes the same way, so that it cannot be told from a dataset that is not granted.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response, StreamingResponse

from gateway.asking import Ask, Operation
from gateway.audit.observed import Peer
from gateway.http import openapi
from gateway.http.negotiation import accepted
from gateway.http.streaming import ReceiverGone, first_chunk, following
from gateway.refusals import PROBLEMS
from gateway.release import Pipeline

REQUEST_LIMIT = 8192
"""Most bytes of a request's path and query together."""

NOBODY_WAITS = 499
"""The status in the log line of an answer whose receiver had gone before it began; it is never sent."""

CREDENTIAL_CODES = tuple(code for code, problem in PROBLEMS.items() if problem.status in (401, 403))
ALWAYS = (
    *CREDENTIAL_CODES,
    "not_found",
    "sealed_required",
    "request_too_long",
    "request_malformed",
    "request_too_slow",
    "overloaded",
    "token_keys_unavailable",
    "internal_error",
)
FAILING = (
    "upstream_failed",
    "upstream_timeout",
    "audit_unavailable",
    "audit_unwitnessed",
    "policy_unavailable",
    "release_check_failed",
)
QUERYING = (
    "parameter_unknown",
    "parameter_refused",
    "parameter_invalid",
    "parameter_required",
    "parameter_repeated",
)

RECORD: openapi.Document = {
    "type": "object",
    "required": ["classificationMarking"],
    "additionalProperties": True,
}
EXAMPLE = {
    "classificationMarking": "U//REL TO USA, JPN",
    "idElset": "7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10",
    "satNo": 41384,
    "epoch": "2026-06-14T06:31:30.000000Z",
}


class PlainRoute(APIRoute):
    """A route whose function takes the request and gives the response, with nothing in between.

    It stands in the OpenAPI document like any other. What FastAPI does besides (reading parameters by their types)
    must not be done here: nothing of a request is read before its credential.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself."""
        return self.endpoint


router = APIRouter(tags=["data"], route_class=PlainRoute)


def _parameter(name: str, where: str, description: str, example: object, kind: str = "string") -> openapi.Document:
    required = where == "path" or name == "columns"
    schema: openapi.Document = {"type": kind, "minimum": 0} if kind == "integer" else {"type": kind}
    return {
        "name": name,
        "in": where,
        "required": required,
        "description": description,
        "schema": schema,
        "example": example,
    }


SOURCE = _parameter("source", "path", "First part of the dataset's path.", "udl")
DATASET = _parameter("dataset", "path", "The dataset.", "elset")
IDENTIFIER = _parameter("identifier", "path", "The record's identifier.", EXAMPLE["idElset"])
FIRST = _parameter("firstResult", "query", "How many of your records to skip.", 0, "integer")
MOST = _parameter("maxResults", "query", "Most records to answer with.", 100, "integer")
SORT = _parameter("sort", "query", "`field,ASC` or `field,DESC`, for a sortable field.", "epoch,DESC")
COLUMNS = _parameter("columns", "query", "Field names separated by commas.", "satNo,epoch")
FILTERS: openapi.Document = {
    "name": "filters",
    "in": "query",
    "required": False,
    "description": "The dataset's own parameters, `name=value` each; see its queryhelp. Most need a time.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "style": "form",
    "explode": True,
    "example": {"epoch": ">now-30 days"},
}


def _described(*parameters: openapi.Document) -> openapi.Document:
    """An operation's parameters for the document. They are read and refused by the pipeline, after the credential:
    nobody without one learns which parameters exist.
    """
    return {"parameters": list(parameters), "security": [{"bearer": []}]}


def _responses(
    description: str, media: str, schema: openapi.Document, example: object, codes: tuple[str, ...]
) -> dict[int | str, dict[str, Any]]:
    success = openapi.content_response(description, media, schema, example)
    return {200: success, **openapi.problem_responses((*codes, *ALWAYS, *FAILING))}


LISTED: openapi.Document = {"type": "array", "items": RECORD}
FIND = (*QUERYING, "query_refused")


@router.get(
    "/{source}/{dataset}",
    summary="List records",
    responses=_responses("The records you may have.", "application/json", LISTED, [EXAMPLE], FIND),
    openapi_extra=_described(SOURCE, DATASET, FIRST, MOST, SORT, FILTERS),
)
async def list_records(request: Request) -> Response:
    """List a dataset's records. Filters are the dataset's own parameters; see its `queryhelp`."""
    return await answer(request, _path(request), Operation.LIST)


@router.get(
    "/{source}/{dataset}/count",
    summary="Count records",
    responses=_responses("How many records you may have.", "text/plain", {"type": "string"}, "42", FIND),
    openapi_extra=_described(SOURCE, DATASET, FILTERS),
)
async def count_records(request: Request) -> Response:
    """Count a dataset's records, with the same filters as the list; counts only what you may have."""
    return await answer(request, _path(request), Operation.COUNT)


@router.get(
    "/{source}/{dataset}/tuple",
    summary="List chosen fields",
    responses=_responses("The chosen fields and the marking.", "application/json", LISTED, [EXAMPLE], FIND),
    openapi_extra=_described(SOURCE, DATASET, COLUMNS, FIRST, MOST, SORT, FILTERS),
)
async def tuple_records(request: Request) -> Response:
    """List chosen fields of a dataset's records. Decided on whole records, so it agrees with the list."""
    return await answer(request, _path(request), Operation.TUPLE)


@router.get(
    "/{source}/{dataset}/queryhelp",
    summary="What may be asked",
    responses=_responses(
        "The parameters.", "application/json", {"type": "object"}, {"name": "elset"}, ("parameter_unknown",)
    ),
    openapi_extra=_described(SOURCE, DATASET),
)
async def query_help(request: Request) -> Response:
    """Describe the parameters that you may use on a dataset."""
    return await answer(request, _path(request), Operation.QUERYHELP)


@router.get(
    "/{source}/{dataset}/bulk",
    summary="Everything a query finds",
    responses=_responses("The records you may have.", "application/json", LISTED, [EXAMPLE], FIND),
    openapi_extra=_described(SOURCE, DATASET, FILTERS),
)
async def bulk_records(request: Request) -> Response:
    """Stream everything a query finds, of any length, in the order of identifiers. Ask for
    `application/x-ndjson` (beside `application/jose` for a sealed answer) to have a record a line.
    """
    return await answer(request, _path(request), Operation.BULK)


@router.get(
    "/{source}/{dataset}/{identifier}",
    summary="One record",
    responses=_responses("The record.", "application/json", RECORD, EXAMPLE, ("parameter_unknown",)),
    openapi_extra=_described(SOURCE, DATASET, IDENTIFIER),
)
async def one_record(request: Request) -> Response:
    """Fetch one record by its identifier. A record you may not have is not found, like one that never was."""
    return await answer(request, _path(request), Operation.IDENTIFIED, request.path_params["identifier"])


def _path(request: Request) -> str:
    """The dataset's path as policy files write it."""
    return f"/{request.path_params['source']}/{request.path_params['dataset']}"


async def answer(request: Request, path: str, operation: Operation, identifier: str | None = None) -> Response:
    """Put a request through the pipeline and shape what comes out."""
    pipeline = pipeline_of(request)
    if _is_canonical(request):
        ask = ask_of(request, path, operation, identifier)
    else:
        ask = ask_of(request, written_path(request), Operation.LIST)
    malformed = malformed_code(request)
    if malformed is not None:
        raise await pipeline.refuse(ask, malformed)
    chunks = pipeline.release(ask)
    try:
        first = await (first_chunk(request, chunks) if operation is Operation.BULK else anext(chunks))
    except ReceiverGone:
        return Response(b"", NOBODY_WAITS)
    headers = {
        "Cache-Control": "no-store",
        "Link": f'</releases/{first.release}/receipt>; rel="receipt"',
        "Vary": "Accept, Authorization",
    }
    structlog.contextvars.bind_contextvars(release=first.release)
    if first.last:
        await chunks.aclose()
        return Response(first.body, 200, headers, first.media_type)
    return StreamingResponse(following(first, chunks), 200, headers, first.media_type)


def pipeline_of(request: Request) -> Pipeline:
    """The pipeline of the service this request came to."""
    pipeline: Pipeline = request.app.state.pipeline
    return pipeline


def ask_of(request: Request, path: str, operation: Operation, identifier: str | None = None) -> Ask:
    """Read a request; nothing in it is believed yet."""
    forms = accepted(request.headers.get("accept"))
    return Ask(
        request=request.state.request_id,
        path=path,
        operation=operation,
        query=tuple(request.query_params.multi_items()),
        identifier=identifier,
        authorization=tuple(request.headers.getlist("authorization")),
        sealed=forms.sealed,
        plain=forms.plain,
        lines=forms.lines,
        traceparent=request.state.traceparent,
        peer=peer_of(request),
    )


def peer_of(request: Request) -> Peer | None:
    """Where the connection comes from, as :mod:`gateway.http.protocol` was told by the kernel; never from a header."""
    client = request.scope.get("client")
    return None if client is None else Peer(*client)


def malformed_code(request: Request) -> str | None:
    """What is wrong with the request as such; the same for every caller and dataset."""
    if request.method != "GET":
        return "method_not_allowed"
    if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > REQUEST_LIMIT:
        return "request_too_long"
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        return "request_malformed"
    return None


def written_path(request: Request) -> str:
    """The path as the caller wrote it, cut to what an entry holds. Never from the ``Host`` header, never decoded."""
    written: bytes = request.scope["raw_path"]
    return written[:256].decode("latin-1")


def _is_canonical(request: Request) -> bool:
    """Whether the path is written in the one way (RFC 3986 section 6.2.2) that nobody on the way can read differently.

    ``%2F`` for a slash, or ``%65`` for an e, is another path here, and there is nothing at it.
    """
    written: bytes = request.scope["raw_path"]
    return quote(request.scope["path"], safe="/-._~!$&'()*+,;=:@").encode() == written


async def no_such_path(request: Request) -> Response:
    """Any other path or method: asked like a dataset that nobody has, so that it reads like one not granted."""
    return await answer(request, written_path(request), Operation.LIST)
