"""Problem answers (RFC 9457): the same bytes for the same code, whatever lies behind it.

A problem holds the code, its fixed title and advice, the request id, and at most the name of the query parameter that
was wrong. Nothing of the record, the policy, the source or the gateway's insides is in it.
"""

from __future__ import annotations

import json

from starlette.responses import Response

from gateway.refusals import PROBLEMS, Problem, Refused

MEDIA_TYPE = "application/problem+json"


def body(
    problem: Problem, request: str, parameter: str | None = None, handle: str | None = None
) -> dict[str, str | int]:
    """The members of a problem document; ``type`` is the address of the problem's page on this gateway."""
    members: dict[str, str | int] = {
        "type": f"/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.advice,
        "instance": f"urn:relgate:request:{request}",
        "code": problem.code,
    }
    if parameter is not None:
        members["parameter"] = parameter
    if handle is not None:
        members["handle"] = handle
    return members


def answer(refusal: Refused, request: str) -> Response:
    """The HTTP answer to a refused request."""
    problem = refusal.problem
    headers = {"Cache-Control": "no-store"}
    if problem.status == 401:
        error = "invalid_request" if problem.code == "token_missing" else "invalid_token"
        headers["WWW-Authenticate"] = f'Bearer realm="releasability-gateway", error="{error}"'
    if problem.status == 405:
        headers["Allow"] = "GET"
    if problem.status in (502, 503, 504):
        headers["Retry-After"] = "5"
    content = json.dumps(body(problem, request, refusal.parameter, refusal.handle)).encode()
    return Response(content, problem.status, headers, MEDIA_TYPE)


def door_headers(request: str, trace: str, milliseconds: int) -> list[tuple[bytes, bytes]]:
    """The headers that every answer has, a problem or not: the request's id, its trace, and how long it took."""
    return [
        (b"x-request-id", request.encode()),
        (b"traceparent", trace.encode()),
        (b"server-timing", f"total;dur={milliseconds}".encode()),
        (b"x-content-type-options", b"nosniff"),
    ]


def example(code: str) -> dict[str, str | int]:
    """An example document for the OpenAPI page."""
    return body(PROBLEMS[code], "4f0c1d6e0b2a4a7c9d3e5f60718293a4")
