"""The review queue over HTTP: officers see what waits and decide it; a partner polls the handle it was given.

An officer is who the list of officers in force says, by the token's digest. To anybody else there is nothing at these
addresses, and they do not stand in the partners' document. Each reading of the queue is an entry of the log before it
is answered. The record itself is never shown: an officer looks at it in the source system, under that system's rules.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from gateway.activation.approval import in_force
from gateway.activation.orders import Order
from gateway.activation.running import Force, NothingInForce
from gateway.asking import Operation
from gateway.audit.entry import Draft, Event
from gateway.audit.entry import Json as Plain
from gateway.audit.errors import LogUnavailable
from gateway.audit.observed import Peer, said_of
from gateway.http import openapi
from gateway.http.bodies import BodyRefused, read_json
from gateway.http.partner import ALWAYS, PlainRoute, ask_of, malformed_code, no_such_path, peer_of, pipeline_of
from gateway.identity.officers import Officer
from gateway.keys.strict_json import Json
from gateway.refusals import Refused
from gateway.review import Item, ReviewQueue, ReviewRefused, approve, item_json, may_decide, refuse
from gateway.service import Service

router = APIRouter(tags=["review"], route_class=PlainRoute)
logger = structlog.get_logger("gateway.http.review")

BODY_LIMIT = 16_384


@dataclass(frozen=True, slots=True)
class _Desk:
    """An officer at the queue: who, when, under what is in force, and from where."""

    officer: Officer
    force: Force
    at: datetime
    peer: Peer | None


@router.get("/review", include_in_schema=False)
async def listed(request: Request) -> Response:
    """List what waits and lies within your delegation, the longest first. For officers alone."""
    desk = await _desk(request)
    if desk is None:
        return await no_such_path(request)
    items = await asyncio.to_thread(_items, _service(request), desk)
    await _note(request, desk, f"review: {len(items)} items")
    return JSONResponse({"items": [item_json(item) for item in items]}, 200, {"Cache-Control": "no-store"})


@router.post("/review/{item}/approve", include_in_schema=False)
async def approved(request: Request) -> Response:
    """Release a record that waits: ``{"reason": "...", "until": "2026-07-01T00:00:00Z"}``."""
    return await _decide(request, release=True)


@router.post("/review/{item}/refuse", include_in_schema=False)
async def refused(request: Request) -> Response:
    """Refuse to release a record that waits: ``{"reason": "..."}``. Approvals that others gave end with it."""
    return await _decide(request, release=False)


async def _decide(request: Request, *, release: bool) -> Response:
    desk = await _desk(request)
    if desk is None:
        return await no_such_path(request)
    service = _service(request)
    try:
        said = _texts(await read_json(request, BODY_LIMIT), {"reason", "until"} if release else {"reason"})
        answer = await asyncio.to_thread(_carry_out, service, desk, request.path_params["item"], said, release)
    except BodyRefused as error:
        return _said(400, "body_refused", str(error))
    except ReviewRefused as error:
        logger.info("review-refused", code=error.code)
        return _said(404 if error.code == "review_unknown" else 403, error.code, str(error))
    except LogUnavailable as error:
        raise Refused("audit_unavailable", str(error)) from error
    return JSONResponse(answer, 200, {"Cache-Control": "no-store"})


def _carry_out(service: Service, desk: _Desk, name: str, said: Mapping[str, str], release: bool) -> dict[str, object]:
    queue = ReviewQueue(service.log, desk.force, desk.at)
    item = queue.find(name)
    if not may_decide(desk.officer, (item,), desk.force, desk.at):
        raise ReviewRefused("review_unknown", f"no waiting items begin with {name[:64]!r}")
    order = Order(desk.officer.name, said["reason"][:2000], desk.at, desk.peer)
    if not release:
        refuse(service.log, desk.force, item, desk.officer, order)
        return {"item": item.item, "decided": "refused"}
    done = approve(service.log, desk.force, item, desk.officer, _until(said["until"]), order)
    given, persons = len(item.given) + 1, item.review.persons
    return {"item": item.item, "decided": "approved", "given": given, "persons": persons, "released": done}


def _texts(said: Mapping[str, Json], names: set[str]) -> dict[str, str]:
    """The body's texts, if it says exactly these names."""
    texts = {name: value for name, value in said.items() if isinstance(value, str)}
    if said.keys() != names or texts.keys() != names:
        raise BodyRefused(f"an object with exactly {' and '.join(sorted(names))}, each a text, is expected")
    return texts


def _until(text: str) -> datetime:
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        raise BodyRefused("until is RFC 3339, such as 2026-07-01T00:00:00Z") from None
    if until.tzinfo is None:
        raise BodyRefused("until has no zone: add Z for UTC")
    return until


@router.get(
    "/reviews/{handle}",
    summary="Has your record been released",
    responses={
        200: {
            "description": "It has: ask for the record again.",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "required": ["handle", "state"]},
                    "example": {"handle": "3f0c91d6e0b24a7c9d3e5f60718293a4", "state": "released"},
                }
            },
        },
        **openapi.problem_responses((*ALWAYS, "audit_unavailable", "policy_unavailable")),
    },
    openapi_extra={
        "security": [{"bearer": []}],
        "parameters": [{"name": "handle", "in": "path", "required": True, "schema": {"type": "string"}}],
    },
)
async def polled(request: Request) -> Response:
    """Ask about a release that you were told is awaited: 403 `review_pending` while it is, 200 once it is given, 404
    when there is nothing to wait for any more. A handle that is not yours is not found.
    """
    service, pipeline = _service(request), pipeline_of(request)
    ask = ask_of(request, "/reviews", Operation.IDENTIFIED)
    caller = await pipeline.identify(ask)
    malformed = malformed_code(request)
    if malformed is not None:
        raise await pipeline.refuse(ask, malformed)
    handle = request.path_params["handle"]
    if re.fullmatch(r"[0-9a-f]{32}", handle) is None:
        raise await pipeline.refuse(ask, "not_found")
    try:
        force = await service.keeper.in_force(service.clock())
        found = force.standing.released(handle)
        current = force.standing.active, force.standing.officers[-1:]
        holds = found is not None and (found.policy, (found.officers,)) == current and service.clock() < found.until
        if found is not None and holds and found.partner == caller.partner:
            said: dict[str, Plain] = {"by": caller.system, "what": f"review {handle}", "request": ask.request}
            read = {**said, **said_of(ask.peer)}
            await service.log.append(
                Draft(Event.AUDIT_READ, service.clock(), "read", caller.partner, ask.request, private=read)
            )
            return JSONResponse({"handle": handle, "state": "released"}, 200, {"Cache-Control": "no-store"})
        queue = ReviewQueue(service.log, force, service.clock(), caller.partner)
        items = await asyncio.to_thread(queue.waiting) if _may_be_told(force, caller.partner) else ()
    except NothingInForce as nothing:
        raise Refused("policy_unavailable", nothing.why) from nothing
    except LogUnavailable as error:
        raise Refused("audit_unavailable", str(error)) from error
    for item in items:
        if (item.item, item.partner) == (handle, caller.partner) and item.review.tell:
            refusal = await pipeline.refuse(ask, "review_pending")
            refusal.handle = handle
            raise refusal
    raise await pipeline.refuse(ask, "not_found")


def _may_be_told(force: Force, partner: str) -> bool:
    """Whether any grant tells the partner what waits. Where none does the queue is not asked, since the time that it
    takes would tell as much.
    """
    grants = force.running.policy.policy_set.partners[partner].grants
    return any(grant.review is not None and grant.review.tell for grant in grants)


async def _desk(request: Request) -> _Desk | None:
    """The officer who asks, or ``None``. Raises :class:`Refused` when nothing is in force."""
    service = _service(request)
    at = service.clock()
    try:
        officers = await asyncio.to_thread(in_force, service.log)
        officer = officers.bearer(request.headers.getlist("authorization"))
        if officer is None:
            return None
        return _Desk(officer, await service.keeper.in_force(at), at, peer_of(request))
    except NothingInForce as nothing:
        raise Refused("policy_unavailable", nothing.why) from nothing
    except (LogUnavailable, LookupError) as error:
        raise Refused("audit_unavailable", str(error)) from error


def _items(service: Service, desk: _Desk) -> tuple[Item, ...]:
    return may_decide(desk.officer, ReviewQueue(service.log, desk.force, desk.at).waiting(), desk.force, desk.at)


async def _note(request: Request, desk: _Desk, what: str) -> None:
    """The entry of a reading, before it is answered."""
    said: dict[str, Plain] = {"by": desk.officer.name, "what": what, "request": request.state.request_id}
    private = {**said, **said_of(desk.peer)}
    try:
        await _service(request).log.append(Draft(Event.AUDIT_READ, desk.at, "read", private=private))
    except LogUnavailable as error:
        raise Refused("audit_unavailable", str(error)) from error


def _said(status: int, code: str, message: str) -> Response:
    """A refusal to an officer, who may know why."""
    return JSONResponse({"code": code, "message": json.dumps(message)[1:-1]}, status, {"Cache-Control": "no-store"})


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service
