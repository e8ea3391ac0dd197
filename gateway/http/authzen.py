"""AuthZEN Authorization API 1.0 (OpenID Foundation, final of 2026-01-11): other enforcement points ask for decisions.

``POST /access/v1/evaluation`` and ``/access/v1/evaluations`` (sections 6 and 7), and the metadata (section 9). A caller
is an enforcement point of the file that the settings name; without that file there is nothing at these addresses. A
denial is a decision, with status 200; a status of 400, 401 or 500 is about the request. Each answer is one entry of the
log, durable before it is given, and witnessed where policy or settings demand that of a yes, with every decision in it
or with why there is none. ``X-Request-ID`` is given back.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from gateway.activation.running import Force, NothingInForce
from gateway.audit.demands import Demand, Demands
from gateway.audit.entry import Draft, Event
from gateway.audit.entry import Json as Plain
from gateway.audit.errors import AuditError
from gateway.audit.observed import said_of
from gateway.audit.witnessing import cover
from gateway.evaluating import Evaluation, Object, Question, evaluate
from gateway.http.bodies import BodyRefused, read_json
from gateway.http.partner import PlainRoute, no_such_path, peer_of
from gateway.identity.enforcement import EnforcementPoint
from gateway.keys.strict_json import Json
from gateway.reviewing import Keyed
from gateway.service import Service

router = APIRouter(route_class=PlainRoute, include_in_schema=False)

BODY_LIMIT = 1024 * 1024
MOST = 100
"""Most evaluations in one request."""

SINGLE, SEVERAL, METADATA = "/access/v1/evaluation", "/access/v1/evaluations", "/.well-known/authzen-configuration"
SEMANTICS: Mapping[str, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""After which decision the rest is not evaluated (section 7.1.2.1)."""

_NOTHING = "no decision can be made now"

REQUEST_SHOWN = "request_shown"
"""Where the outermost door finds the request id that an answer is to show."""

_PARTS = ("subject", "action", "resource", "context")
_NEEDS = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id"), "context": ()}
_REQUEST_ID = re.compile(r"[!-~]{1,128}")


class Malformed(Exception):
    """A request, or one evaluation of several, that is not of the form; the message is told."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who asks, under what is in force, when; ``keyed`` names a record as stops and entries do."""

    point: EnforcementPoint
    force: Force
    at: datetime
    keyed: Keyed


@dataclass(frozen=True, slots=True)
class _Answered:
    """One evaluation's answer as JSON, and what the entry holds of it."""

    said: dict[str, Json]
    entry: dict[str, Plain]
    record: str = ""
    witnesses: Demands = frozenset()


@router.post(SINGLE)
async def evaluation(request: Request) -> Response:
    """One decision (section 6)."""
    return await _answer(request, several=False)


@router.post(SEVERAL)
async def evaluations(request: Request) -> Response:
    """Several decisions in one message (section 7)."""
    return await _answer(request, several=True)


@router.get(METADATA)
async def metadata(request: Request) -> Response:
    """Where the endpoints are (section 9), under the address that the settings give, never the one that was asked."""
    service = _service(request)
    address = service.settings.public_address
    if address is None or not service.enforcement_points.known:
        return await no_such_path(request)
    said = {
        "policy_decision_point": address,
        "access_evaluation_endpoint": address + SINGLE,
        "access_evaluations_endpoint": address + SEVERAL,
    }
    return JSONResponse(said, 200, {"Cache-Control": "max-age=300"})


async def _answer(request: Request, *, several: bool) -> Response:
    service = _service(request)
    if not service.enforcement_points.known:
        return await no_such_path(request)
    point = service.enforcement_points.bearer(request.headers.getlist("authorization"))
    if point is None:
        return await _refuse(request, "", 401, "no enforcement point of this gateway has this token")
    at = service.clock()
    try:
        given = _request_id(request)
        body = await read_json(request, BODY_LIMIT)
        force = await service.keeper.in_force(at)
        answers, whole = await asyncio.to_thread(_evaluate, body, several, _Desk(point, force, at, service.log.keyed))
        recorded = await service.log.append(_draft(request, given, point, answers, at, force))
        if any(each.said["decision"] for each in answers):
            demands = frozenset[Demand]().union(*(each.witnesses for each in answers))
            await cover(service.witnessing, recorded.tree_size, demands)
            service.keeper.still(force.standing)
    except (BodyRefused, Malformed) as error:
        return await _refuse(request, point.name, 400, str(error))
    except (NothingInForce, AuditError):
        return await _refuse(request, point.name, 500, _NOTHING)
    if not whole:
        return JSONResponse(answers[0].said, 200, _headers(request))
    return JSONResponse({"evaluations": [each.said for each in answers]}, 200, _headers(request))


def _evaluate(body: Object, several: bool, desk: _Desk) -> tuple[list[_Answered], bool]:
    """The answers, and whether they are the answers of several."""
    listed = body.get("evaluations") if several else None
    if listed is None or listed == []:
        return [_one(_question({part: body[part] for part in _PARTS if part in body}), desk)], False
    if not isinstance(listed, list) or len(listed) > MOST:
        raise Malformed(f"evaluations is a list of at most {MOST} objects")
    defaults = {part: body[part] for part in _PARTS if part in body}
    for part, value in defaults.items():
        if not isinstance(value, dict):
            raise Malformed(f"{part} is an object")
    until = _semantic(body)
    answers: list[_Answered] = []
    for each in listed:
        answers.append(_of_several(each, defaults, desk))
        if until is not None and answers[-1].said["decision"] is until:
            break
    return answers, True


def _semantic(body: Object) -> bool | None:
    options = body.get("options", {})
    if not isinstance(options, dict):
        raise Malformed("options is an object")
    named = options.get("evaluations_semantic", "execute_all")
    if not isinstance(named, str) or named not in SEMANTICS:
        raise Malformed(f"options.evaluations_semantic is one of {', '.join(SEMANTICS)}")
    return SEMANTICS[named]


def _of_several(each: Json, defaults: Mapping[str, Json], desk: _Desk) -> _Answered:
    """One of several; what is wrong with it alone denies it alone (section 7.2.1)."""
    if not isinstance(each, dict):
        raise Malformed("evaluations is a list of objects")
    try:
        return _one(_question({**defaults, **{part: each[part] for part in _PARTS if part in each}}), desk)
    except Malformed as error:
        wrong: dict[str, Json] = {"error": {"status": 400, "message": str(error)}}
        return _Answered({"decision": False, "context": wrong}, {"malformed": str(error)[:512], "decision": False})


def _question(said: Mapping[str, Json]) -> Question:
    """The four parts. Raises :class:`Malformed` when one that is needed is missing or of another form (section 5)."""
    parts: dict[str, Object] = {"context": {}}
    for part, needed in _NEEDS.items():
        value = said.get(part, {} if part == "context" else None)
        if not isinstance(value, dict):
            raise Malformed(f"{part} is {'missing' if part not in said else 'not an object'}")
        for name in needed:
            if not isinstance(value.get(name), str):
                raise Malformed(f"{part}.{name} is a text that must be there")
        parts[part] = value
    return Question(parts["subject"], parts["action"], parts["resource"], parts["context"])


def _one(question: Question, desk: _Desk) -> _Answered:
    found: Evaluation = evaluate(question, desk.point, desk.force, desk.at, desk.keyed)
    said: dict[str, Json] = {"decision": found.decision}
    if found.context:
        said["context"] = dict(found.context)
    entry: dict[str, Plain] = {**found.entry, "decision": found.decision, "reasons": list(found.reasons)}
    return _Answered(said, entry, str(question.resource["id"]), found.witnesses)


def _draft(
    request: Request, given: str, point: EnforcementPoint, answers: Sequence[_Answered], at: datetime, force: Force
) -> Draft:
    keyed = _service(request).log.keyed
    private: dict[str, Plain] = {
        "by": point.name,
        "what": f"{len(answers)} evaluations",
        "request": request.state.request_id,
        "given_request": given,
        "policy": force.running.digest,
        "evaluations": [{**each.entry, "record": keyed(each.record) if each.record else ""} for each in answers],
        **said_of(peer_of(request)),
    }
    return Draft(Event.EVALUATED, at, "evaluated", request=request.state.request_id, private=private)


def _request_id(request: Request) -> str:
    given = request.headers.getlist("x-request-id")
    if len(given) > 1 or (given and _REQUEST_ID.fullmatch(given[0]) is None):
        raise Malformed("X-Request-ID is one header of at most 128 printable characters")
    return given[0] if given else ""


def _headers(request: Request) -> dict[str, str]:
    """The answer's headers; the outermost door shows the caller's own request id in place of ours."""
    try:
        given = _request_id(request)
    except Malformed:
        given = ""
    if given:
        request.scope["state"][REQUEST_SHOWN] = given
    return {"Cache-Control": "no-store"}


async def _refuse(request: Request, by: str, status: int, message: str) -> Response:
    """An error, once it is in the log; where it cannot be written the answer is 500, and tells nothing more."""
    service = _service(request)
    private: dict[str, Plain] = {
        "by": by, "request": request.state.request_id, "status": status, "why": message[:512],
        **said_of(peer_of(request)),
    }  # fmt: skip
    draft = Draft(
        Event.EVALUATION_REFUSED, service.clock(), "refused", request=request.state.request_id, private=private
    )
    try:
        await service.log.append(draft)
    except AuditError:
        return _error(request, 500, _NOTHING)
    return _error(request, status, message)


def _error(request: Request, status: int, message: str) -> Response:
    """An error of the transport: a message as a JSON string (section 10.1.3)."""
    headers = _headers(request)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="releasability-gateway"'
    return JSONResponse(message, status, headers)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service
