"""Pages for people: the OpenAPI document to browse, and one page for each problem code. Nothing is fetched elsewhere.

The viewer's scripts come from the ``fastapi-offline`` package, so that the page works on a closed network.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import PlainTextResponse, Response

from gateway.http.partner import no_such_path
from gateway.refusals import PROBLEMS, Problem

router = APIRouter(tags=["pages"], include_in_schema=False)
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


@router.get("/docs")
async def browse(request: Request) -> Response:
    """The OpenAPI document, to browse and try."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{request.app.title}: the partner API",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )


@router.get("/docs/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """A file of the viewer."""
    if name not in _ASSETS:
        return await no_such_path(request)
    return Response(_read(name), 200, {"Cache-Control": "max-age=86400"}, _ASSETS[name])


@cache
def _read(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()


@router.get("/problems/{code}")
async def explain(request: Request, code: str) -> Response:
    """What a problem code means and what to do about it; the same text as docs/problems/<code>.md."""
    problem = PROBLEMS.get(code)
    if problem is None:
        return await no_such_path(request)
    return PlainTextResponse(problem_page(problem))


def problem_page(problem: Problem) -> str:
    """A problem's page, in Markdown."""
    return (
        f"# {problem.code}\n\n"
        f"{problem.title}.\n\n"
        f"- Status: {problem.status}\n"
        f"- What to do: {problem.advice}\n"
        f"- Retried by itself by common clients: {'yes' if problem.status >= 500 else 'no'}\n\n"
        f"{_KINDS[problem.status // 100 if problem.status not in (401, 403, 404) else problem.status]}\n"
    )


_KINDS = {
    401: "Who is asking was not established. Nothing is told to a caller without a credential, not even what exists.",
    403: "This is about the caller, never about a record: no record was looked at. The refusal is in the audit log.",
    404: "There is nothing here that this caller may have. What is withheld and what never existed answer alike.",
    4: "The request itself cannot be answered. The answer is the same whatever records there are.",
    5: "The gateway could not answer now. Nothing has left. The request may succeed later.",
}
