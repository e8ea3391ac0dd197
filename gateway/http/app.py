"""The partner API as an ASGI application: routes, problem answers, and the outermost door.

The outermost door (:class:`Door`) gives each request its id and trace, writes one log line about it, and turns
whatever was not foreseen into ``internal_error``: recorded, and told to nobody in words.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import __version__, logs
from gateway.asking import Operation
from gateway.http import authzen, health, openapi, pages, partner, problems, receipts, releases, review, tiles
from gateway.http.datapaths import DataPaths, ReceiptTarget
from gateway.http.negotiation import traceparent
from gateway.http.streaming import AnswerCut
from gateway.refusals import Refused
from gateway.service import Service

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
OTHERS = tuple(each.router for each in (health, pages, releases, receipts, tiles, review, authzen))
"""Every router but that of the data routes, which comes last: what begins as one of these is no dataset's."""
logger = structlog.get_logger("gateway.http")


class PartnerApi(FastAPI):
    """The partner API: requests for data and for receipts go straight through the door, all others by the router.

    What must hold for every request belongs into the door: these do not pass through any other middleware.
    """

    data_paths: DataPaths
    data_door: Door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the start and end of serving."""
        target = self.data_paths.find(scope) if scope["type"] == "http" else None
        if target is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"], scope["route"] = self, target
        await self.data_door(scope, receive, send)


def build_app(service: Service) -> FastAPI:
    """The partner API over an open service."""
    app = PartnerApi(
        title="Releasability Gateway",
        version=__version__,
        description=openapi.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.pipeline = service.pipeline
    app.state.log = service.log
    app.state.public_keys = service.public_keys
    for router in (*OTHERS, partner.router):
        app.include_router(router)
    app.add_route("/{path:path}", partner.no_such_path, methods=list(METHODS), include_in_schema=False)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_middleware(Door)
    app.data_paths = DataPaths(OTHERS, partner.router)
    app.data_door = Door(_data)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # FastAPI's own way to replace it
    return app


async def _data(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request whose route was found the short way (``scope["route"]``)."""
    request, target = Request(scope, receive), scope["route"]
    try:
        if isinstance(target, ReceiptTarget):
            answer = await receipts.answer(request, target.release)
        else:
            answer = await partner.answer(request, target.dataset, target.operation, target.identifier)
    except Refused as refusal:
        answer = await _refused(request, refusal)
    await answer(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    structlog.contextvars.bind_contextvars(code=error.code)
    return problems.answer(error, request.state.request_id)


async def _not_routed(request: Request, error: Exception) -> Response:
    """A method that no route has, or a target that is no path (``*``, a whole address): every path has a route."""
    if not isinstance(error, HTTPException):
        raise error
    ask = partner.ask_of(request, partner.written_path(request), Operation.LIST)
    code = "method_not_allowed" if error.status_code == 405 or request.method != "GET" else "not_found"
    return problems.answer(await partner.pipeline_of(request).refuse(ask, code), ask.request)


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the problem schema and the security scheme that the routes refer to."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        parts = document.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = openapi.PROBLEM_SCHEMA
        parts["securitySchemes"] = {"bearer": openapi.SECURITY_SCHEME}
        app.openapi_schema = document
    return app.openapi_schema


class Door:
    """The outermost door: request id, trace, timing, one log line, and the last catch."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        identifier = uuid.uuid4().hex
        request = Request(scope)
        trace = traceparent(request.headers.get("traceparent"))
        scope.setdefault("state", {})["request_id"] = identifier
        scope["state"]["traceparent"] = trace
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=identifier, trace=trace[3:35], span=trace[36:52])
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                spent = int((time.perf_counter() - begun) * 1000)
                given = list(message["headers"])
                if not any(name == b"cache-control" for name, _ in given):
                    given.append((b"cache-control", b"no-store"))
                shown = scope["state"].get(authzen.REQUEST_SHOWN, identifier)
                message["headers"] = [*given, *problems.door_headers(shown, trace, spent)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except AnswerCut as cut:
            structlog.contextvars.bind_contextvars(code=cut.code)  # the server closes the connection
        except Exception:
            logger.exception("request-failed", method=request.method)
            if status:
                raise
            refusal = await self._deny(request)
            await problems.answer(refusal, identifier)(scope, receive, send_with_headers)
        finally:
            spent_ms = round((time.perf_counter() - begun) * 1000, 1)
            route = getattr(scope.get("route"), "path", "/")
            logs.tell_request(method=request.method, route=route, status=status, duration_ms=spent_ms)

    @staticmethod
    async def _deny(request: Request) -> Refused:
        """Record what was not foreseen; when even that fails, the log is what is unavailable."""
        ask = partner.ask_of(request, partner.written_path(request), Operation.LIST)
        try:
            return await partner.pipeline_of(request).refuse(ask, "internal_error")
        except Refused as refusal:
            return refusal
        except Exception:
            logger.exception("denial-failed", method=request.method)
            return Refused("internal_error")
