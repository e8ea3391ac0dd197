"""Liveness and readiness: whether the process runs, and whether it could release anything now, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from gateway.activation.running import Force, NothingInForce
from gateway.audit.errors import AuditError
from gateway.service import Service
from gateway.settings.model import Mode

router = APIRouter(tags=["operation"])


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether anything could be released now, and what somebody must act on, by code."""

    possible: bool
    problems: tuple[str, ...]

    @property
    def status(self) -> str:
        """``ready``, ``degraded`` (releases go on, but somebody must act), or ``not-ready``."""
        serious = [problem for problem in self.problems if problem != "development_mode"]
        return "not-ready" if not self.possible else "degraded" if serious else "ready"


def _emergency_open(force: Force, at: datetime) -> bool:
    policy_set = force.running.policy.policy_set
    ends = (policy_set.emergency_ends(each.partner, each.name, each.at) for each in force.standing.opened)
    return any(until is not None and at < until for until in ends)


@router.get("/healthz", summary="Is the process alive", responses={200: {"description": "It is."}})
async def alive() -> Response:
    """Answer, and nothing else."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    summary="Could anything be released now",
    responses={
        200: {"description": "`ready`, or `degraded`: releases go on, but somebody must act."},
        503: {"description": "`not-ready`: nothing is released; `problems` says why, by code."},
    },
)
async def ready(request: Request) -> Response:
    """Say whether releases are possible, by code; and whether this is a development gateway."""
    service: Service = request.app.state.service
    found = await readiness(service)
    body = {"status": found.status, "mode": service.settings.mode.value, "problems": list(found.problems)}
    return JSONResponse(body, 200 if found.possible else 503, {"Cache-Control": "no-store"})


async def readiness(service: Service) -> Readiness:
    """Find out whether releases are possible; where entries could not be written, by writing one."""
    problems: list[str] = []
    possible = True
    try:
        force = await service.keeper.in_force(service.clock())
        if force.standing.refused_since is not None:
            problems.append("policy_refused")
        if _emergency_open(force, service.clock()):
            problems.append("emergency_open")  # said for as long as it lasts: nobody opens one unnoticed
        if service.issuer_keys.stale(service.clock()):
            problems.append("issuer_keys_stale")
    except NothingInForce as nothing:
        problems += ["policy_unavailable", *filter(None, (nothing.code,))]
        possible = False
    except AuditError:
        problems.append("audit_unreadable")
        possible = False
    if service.witnessing is not None and service.witnessing.contradicted:
        problems.append("witness_contradicts")
    if service.pipeline.unwitnessed:
        problems.append("audit_unwitnessed")  # the next request that demands them asks again
    if not await service.pipeline.resumed():
        problems.append("audit_unavailable")
        possible = False
    if service.settings.mode is Mode.DEVELOPMENT:
        problems.append("development_mode")
    return Readiness(possible, tuple(problems))
