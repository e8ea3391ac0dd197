"""``relgate review``: what waits for a human release; release it or refuse it, with your key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation import approval
from gateway.activation.approval import Purpose, statement
from gateway.activation.running import Force, prepare, stored_set
from gateway.audit.log import AuditLog
from gateway.cli.audit_reading import record_read
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.output import Data, Facts, Line, Table
from gateway.cli.session import By, Json, Reason, Session, instant, order, session
from gateway.cli.signing import OfficerKey
from gateway.identity.officers import Officer
from gateway.keys.officer import read_officer_key
from gateway.review import Item, ReviewQueue, ReviewRefused, item_json, release_subject
from gateway.review import approve as release
from gateway.review import refuse as withhold
from gateway.sealing.order_signature import public_of, sign
from gateway.service import now, token_rules

app = typer.Typer(name="review", help="Records that wait for a human release.", no_args_is_help=True)
ItemName = Annotated[str, typer.Argument(help="The item, by the beginning of its name; relgate review list.")]


@dataclass(frozen=True, slots=True)
class _Desk:
    log: AuditLog
    force: Force
    at: datetime

    @property
    def queue(self) -> ReviewQueue:
        return ReviewQueue(self.log, self.force, self.at)


@contextmanager
def _desk(here: Session) -> Iterator[_Desk]:
    """The queue under the set that is in force."""
    with here.log() as log:
        standing = log.standing()
        if standing.active is None:
            raise CommandFailed(REFUSED, "no policy set is in force", "relgate policy activate")
        running = prepare(stored_set(log, standing.active), token_rules(here.settings))
        try:
            yield _Desk(log, Force(running, standing), now())
        except ReviewRefused as refused:
            raise CommandFailed(REFUSED, str(refused), "relgate review list shows what waits") from refused


@app.command("list", epilog="Example: relgate review list --json")
def list_(context: typer.Context, by: By = "", as_json: Json = False) -> None:
    """List what waits, the longest first. Reading it is an entry of the audit log."""
    here = session(context)
    record_read(here, "review list", by, "")
    with _desk(here) as desk:
        items = desk.queue.waiting()
    rows = [
        (
            item.item[:12],
            item.partner,
            item.dataset,
            item.marking,
            item.result if item.result != item.marking else "",
            f"{len(item.given)} of {item.review.persons}",
            item.expires.isoformat(timespec="minutes"),
        )
        for item in items
    ]
    columns = ("item", "for", "dataset", "marking", "becomes", "released by", "leaves the queue")
    data: list[Data] = [item_json(item) for item in items]
    here.output(as_json).show(data, Table(columns, rows, empty="nothing waits for a human release"))


@app.command("show", epilog="Example: relgate review show 3f0c91")
def show(context: typer.Context, name: ItemName, by: By = "", as_json: Json = False) -> None:
    """Show one item: the record's identifier, marking and facts, and what a release would make of it."""
    here = session(context)
    record_read(here, f"review {name}", by, "")
    with _desk(here) as desk:
        item = desk.queue.find(name)
    shown = [(key.replace("_", " "), str(value)) for key, value in item_json(item).items()]
    data: Data = item_json(item)
    here.output(as_json).show(data, Facts(shown))


@app.command(
    "approve", epilog="Example: relgate review approve 3f0c91 --key a.officer.pem --until 2026-07-01 --reason 'tasked'"
)
def approve(
    context: typer.Context,
    name: ItemName,
    key: OfficerKey,
    until: Annotated[str, typer.Option("--until", help="Until when the release holds: a date, or RFC 3339.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Release one record to one partner until a moment. It must lie within your delegation."""
    here = session(context)
    with _desk(here) as desk:
        item, officer, end = desk.queue.find(name), _officer(desk, key), instant(until, "--until")
        text = _sign(here, key, Purpose.RELEASE, release_subject(item, end), desk.at)
        done = release(desk.log, desk.force, item, officer, end, replace(order(officer.name, reason), at=desk.at), text)
    left = item.review.persons - len(item.given) - 1
    said = "released" if done else f"noted; {left} more officer must release it"
    data: Data = {"item": item.item, "decided": "approved", "released": done, "by": officer.name}
    here.output(as_json).show(data, Line(f"{item.item[:12]} {said}", good=done), _facts(item, officer))


@app.command("refuse", epilog="Example: relgate review refuse 3f0c91 --key a.officer.pem --reason 'not theirs'")
def refuse(context: typer.Context, name: ItemName, key: OfficerKey, reason: Reason = "", as_json: Json = False) -> None:
    """Refuse to release one record. Approvals that others gave end with it."""
    here = session(context)
    with _desk(here) as desk:
        item, officer = desk.queue.find(name), _officer(desk, key)
        text = _sign(here, key, Purpose.WITHHOLD, item.item, desk.at)
        withhold(desk.log, desk.force, item, officer, replace(order(officer.name, reason), at=desk.at), text)
    data: Data = {"item": item.item, "decided": "refused", "by": officer.name}
    here.output(as_json).show(data, Line(f"{item.item[:12]} refused"), _facts(item, officer))


def _officer(desk: _Desk, key: Path) -> Officer:
    signer = approval.in_force(desk.log).signer(public_of(read_officer_key(key)).thumbprint)
    if signer is None:
        raise CommandFailed(REFUSED, f"{key} is no key of an officer in force", "relgate officers list shows who is")
    return signer[0]


def _sign(here: Session, key: Path, purpose: Purpose, subject: str, at: datetime) -> str:
    private = read_officer_key(key)
    return sign(statement(purpose, subject, here.settings.log_origin), private, at, timedelta(minutes=10))


def _facts(item: Item, officer: Officer) -> Facts:
    pairs = [("for", f"{item.partner}, {item.purpose}"), ("record", item.identifier or item.content)]
    return Facts([*pairs, ("as", item.result), ("by", officer.name)])
