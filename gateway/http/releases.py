"""``GET /releases``: a partner lists its own releases, an auditor everybody's; newest first, page by cursor.

A partner sees what its leaves say and nothing else: no private part is read for it, so neither the answer nor the time
it takes tells what was withheld. An auditor (:mod:`gateway.identity.auditors`) may ask by every name that
``relgate audit search`` knows. Each reading is an entry of the log before it is answered.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.asking import Ask, Operation
from gateway.audit.entry import Draft, Event, Json
from gateway.audit.errors import LogUnavailable
from gateway.audit.export_fields import fields
from gateway.audit.observed import said_of
from gateway.audit.queries import TIMES, Given, criteria_of
from gateway.audit.search import Criteria, Cursor, Page, SearchRefused
from gateway.audit.stored import Summary
from gateway.audit.terms import Kind
from gateway.http import openapi
from gateway.http.partner import ALWAYS, ask_of, malformed_code, pipeline_of
from gateway.refusals import Refused
from gateway.service import Service

router = APIRouter(tags=["receipts"])

MOST = 1000
PAGE = 100
_OWN = (*TIMES, "request")
"""What a partner may ask by."""

_ALL = (*TIMES, *(kind.value for kind in Kind if kind is not Kind.ANY))


@dataclass(frozen=True, slots=True)
class Listing:
    """A page as it was asked for; ``who`` reads, ``partner`` is empty for an auditor."""

    who: str
    partner: str
    said: Given
    cursor: Cursor | None
    limit: int

    def criteria(self, service: Service) -> Criteria:
        """What is searched for: a partner's own, whatever it asked."""
        said = dict(self.said)
        if self.partner:
            said |= {Kind.PARTNER.value: self.partner, Kind.EVENT.value: Event.RELEASE.value}
        return criteria_of(said, service.clock())


def _parameter(name: str, description: str) -> openapi.Document:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": {"type": "string"}}


@router.get(
    "/releases",
    summary="Your releases",
    responses={
        200: openapi.content_response(
            "Your releases, newest first, and the cursor of the next page.",
            "application/json",
            {
                "type": "object",
                "required": ["releases", "cursor"],
                "properties": {"cursor": {"type": ["string", "null"], "description": "Null on the last page."}},
            },
            {"releases": [], "cursor": "0"},
        ),
        **openapi.problem_responses(
            (*ALWAYS, "parameter_unknown", "parameter_repeated", "parameter_invalid", "audit_unavailable")
        ),
    },
    openapi_extra={
        "security": [{"bearer": []}],
        "parameters": [
            _parameter("cursor", "The cursor that the page before ended with."),
            _parameter("limit", f"Entries on a page, 1 to {MOST}; {PAGE} by default."),
            _parameter("since", "From this moment on: RFC 3339, or a date."),
            _parameter("until", "Up to and without this moment."),
            _parameter("last", "A length of time before now: `7 days`."),
            _parameter("request", "A request's id, as X-Request-Id gave it."),
        ],
    },
)
async def releases(request: Request) -> Response:
    """List releases with their digests and the addresses of their receipts: a partner's own, or for an auditor all."""
    service: Service = request.app.state.service
    ask = ask_of(request, "/releases", Operation.LIST)
    listing = await _listing(request, service, ask)
    try:
        asked = listing.criteria(service)
    except SearchRefused as error:
        wrong, auditor = _wrong(listing, service), None if listing.partner else listing.who
        raise await pipeline_of(request).refuse(ask, "parameter_invalid", wrong, auditor) from error
    words = " ".join(f"{name}={value}" for name, value in ask.query)
    read: dict[str, Json] = {"by": listing.who, "what": f"releases {words}"[:2000].rstrip(), "request": ask.request}
    read |= said_of(ask.peer)
    try:
        await service.log.append(
            Draft(Event.AUDIT_READ, service.clock(), "read", partner=listing.partner, request=ask.request, private=read)
        )
        page = await asyncio.to_thread(
            service.log.search, asked, after=listing.cursor, limit=listing.limit, leaves_only=bool(listing.partner)
        )
    except LogUnavailable as error:
        raise Refused("audit_unavailable", str(error)) from error
    return Response(_body(page, own=bool(listing.partner)), 200, {"Cache-Control": "no-store"}, "application/json")


async def _listing(request: Request, service: Service, ask: Ask) -> Listing:
    """Who asks, and for which page. Raises :class:`Refused`, recorded."""
    pipeline = pipeline_of(request)
    auditor = service.auditors.named(ask.authorization)
    caller = None if auditor is not None else await pipeline.identify(ask)
    malformed = malformed_code(request)
    if malformed is not None:
        raise await pipeline.refuse(ask, malformed, auditor=auditor)
    said: dict[str, str | list[str]] = {}
    for name, value in ask.query:
        if name not in (*(_OWN if caller is not None else _ALL), "cursor", "limit"):
            raise await pipeline.refuse(ask, "parameter_unknown", name[:64], auditor)
        if name in said:
            raise await pipeline.refuse(ask, "parameter_repeated", name, auditor)
        said[name] = value
    limit = _limit(str(said.pop("limit", PAGE)))
    if limit is None:
        raise await pipeline.refuse(ask, "parameter_invalid", "limit", auditor)
    given = str(said.pop("cursor", ""))
    try:
        cursor = Cursor.parse(given) if given else None
    except SearchRefused as error:
        raise await pipeline.refuse(ask, "parameter_invalid", "cursor", auditor) from error
    if caller is None:
        return Listing(auditor or "", "", said, cursor, limit)
    return Listing(caller.system, caller.partner, said, cursor, limit)


def _limit(text: str) -> int | None:
    """How many entries a page is to hold; ``None`` for what is no such number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST else None


def _wrong(listing: Listing, service: Service) -> str | None:
    """The parameter that cannot be understood; ``None`` where it is only two together that cannot."""
    for name, value in listing.said.items():
        try:
            criteria_of({name: value}, service.clock())
        except SearchRefused:
            return name
    return None


def _body(page: Page, *, own: bool) -> bytes:
    listed = [_own(each) if own else fields(each) for each in page.found]
    return json.dumps({"releases": listed, "cursor": None if page.cursor is None else str(page.cursor)}).encode()


def _own(found: Summary) -> dict[str, str | int | bool]:
    """What a partner is told: its leaf, which its receipt carries too."""
    leaf = found.leaf
    return {
        "release": leaf.release,
        "chunk": leaf.chunk,
        "last": leaf.last,
        "time": leaf.time,
        "outcome": leaf.outcome,
        "released": leaf.released,
        "request": leaf.request,
        "content": leaf.content,
        "sealed": leaf.sealed,
        "key": leaf.key,
        "index": found.index,
        "receipt": f"/releases/{leaf.release}/receipt?chunk={leaf.chunk}",
    }
