"""Act as three partners: one that gets sealed answers, one that may have them plain, one whose agreement is over.

What is shown of each request is what that partner itself can see: the status, how many records, the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo.stage import Stage
from gateway.client import GatewayTransport, ReceiptsInFolder

SINCE = "2026-05-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Errand:
    """One thing that one partner asks, and in which form."""

    partner: str
    purpose: str
    what: str
    path: str
    sealed: bool = True


ERRANDS = (
    Errand("JPN", "collision-avoidance", "conjunctions", f"/udl/conjunction?tca=>{SINCE}&maxResults=100"),
    Errand("JPN", "collision-avoidance", "its own element sets", f"/udl/elset?epoch=>{SINCE}&maxResults=100"),
    Errand("JPN", "collision-avoidance", "other objects' states", f"/udl/statevector?epoch=>{SINCE}&maxResults=50"),
    Errand("JPN", "collision-avoidance", "how many notices", "/udl/notification/count?createdAt=>2023-01-01T00:00:00Z"),
    Errand("GBR", "collision-avoidance", "conjunctions", f"/udl/conjunction?tca=>{SINCE}&maxResults=100"),
    Errand("GBR", "collision-avoidance", "element sets, unsealed", f"/udl/elset?epoch=>{SINCE}&maxResults=100", False),
    Errand("GBR", "collision-avoidance", "chosen fields", f"/udl/elset/tuple?columns=satNo,period&epoch=>{SINCE}"),
    Errand("NOR", "collision-avoidance", "notices", "/udl/notification?createdAt=>2023-01-01T00:00:00Z"),
    Errand("NOR", "collision-avoidance", "element sets", f"/udl/elset?epoch=>{SINCE}"),
)


@dataclass(frozen=True, slots=True)
class Came:
    """What came back, as the partner sees it. ``records`` is ``None`` where no records are in the answer."""

    errand: Errand
    request: str
    status: int
    said: str
    records: int | None
    proof: str


def run_errands(stage: Stage, url: str, receipts: Path) -> Iterator[Came]:
    """Ask everything in :data:`ERRANDS`, opening and proving each sealed answer; receipts are kept in a folder."""
    keys = stage.gateway_keys()
    for errand in ERRANDS:
        token = stage.token(errand.partner, purpose=errand.purpose)
        transport = (
            GatewayTransport(
                stage.private_jwks(errand.partner),
                keys.public_jwks,
                keys.log_verifier_key,
                partner=errand.partner,
                keeper=ReceiptsInFolder(receipts / errand.partner),
            )
            if errand.sealed
            else httpx.HTTPTransport()
        )
        with httpx.Client(transport=transport, base_url=url, timeout=60) as client:
            answer = client.get(errand.path, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
        yield _came(errand, answer)


def _came(errand: Errand, answer: httpx.Response) -> Came:
    said, records = answer.reason_phrase, None
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        said = str(answer.json()["code"])
    elif answer.headers.get("content-type", "").startswith("application/json"):
        body = answer.json()
        records = len(body) if isinstance(body, list) else 1
    else:
        said = answer.text
    proof = ""
    if answer.status_code == 200:
        proof = "opened, receipt verified" if "relgate" in answer.extensions else "plain"
    return Came(errand, answer.headers["x-request-id"], answer.status_code, said, records, proof)
