"""``relgate emergency``: open what a partner's file holds ready for an emergency, close it, list what is open.

One officer, whom the file names, opens it; that it stands in the set, which other officers signed, is the second
signature. It ends by itself after the time that the file states.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation import approval
from gateway.activation.approval import Purpose, statement
from gateway.activation.emergencies import EmergencyRefused, close_emergency, open_emergency, subject
from gateway.activation.running import stored_set
from gateway.audit.reading import LogReader
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Data, Line, Table
from gateway.cli.session import By, Json, order, session
from gateway.cli.signing import officer_name
from gateway.keys.officer import read_officer_key
from gateway.policy.policyset import PolicySet
from gateway.sealing.order_signature import sign
from gateway.service import demand, now

EXAMPLES = """Examples:

  relgate emergency open JPN jpn-reentry --reason 'object 25544 coming down' --by 'A. Officer'

  relgate emergency close JPN jpn-reentry --reason 'it came down'

  relgate emergency list
"""

app = typer.Typer(
    name="emergency",
    help="What a partner's file holds ready for an emergency: open it, close it, list what is open.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    rich_markup_mode=None,
)

GOOD_FOR = timedelta(minutes=5)
"""How long the signature that opens one is good for: it is used at once."""

Partner = Annotated[str, typer.Argument(help="The partner's code.")]
Name = Annotated[str, typer.Argument(help="The id of the [[procedures.emergency]] in the partner's file.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]


@app.command("open", epilog="Example: relgate emergency open JPN jpn-reentry --reason 'object 25544 coming down'")
def open_one(
    context: typer.Context,
    partner: Partner,
    name: Name,
    reason: Reason = "",
    by: By = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="Your private key, where orders are signed (relgate officers key).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Open an emergency, from now on and for as long as its file says."""
    here = session(context)
    _needs(reason, f"relgate emergency open {partner} {name} --reason 'why'")
    with here.log() as log:
        given, policy_set, signature = order(by, reason), _in_force(log), ""
        if key is not None:
            private = read_officer_key(key)
            about = statement(Purpose.EMERGENCY, subject(policy_set, partner, name), here.settings.log_origin)
            signature = sign(about, private, given.at, GOOD_FOR)
            given = replace(given, by=officer_name(approval.in_force(log), private, key))
        try:
            until = open_emergency(log, policy_set, partner, name, given, demand(here.settings), signature)
        except EmergencyRefused as refused:
            raise CommandFailed(REFUSED, str(refused), refused.hint) from refused
    data: Data = {"partner": partner, "name": name, "by": given.by, "until": until.isoformat()}
    said = f"{name} is OPEN for {partner} until {until.isoformat()}, by {given.by}; recorded in the audit log"
    here.output(as_json).show(data, Line(said, good=False))


@app.command("close", epilog="Example: relgate emergency close JPN jpn-reentry --reason 'it came down'")
def close_one(
    context: typer.Context, partner: Partner, name: Name, reason: Reason = "", by: By = "", as_json: Json = False
) -> None:
    """Close an emergency before its time."""
    here = session(context)
    _needs(reason, f"relgate emergency close {partner} {name} --reason 'why'")
    with here.log() as log:
        close_emergency(log, partner, name, order(by, reason))
    data: Data = {"partner": partner, "name": name, "closed": True}
    here.output(as_json).show(data, Line(f"{name} is closed for {partner}; recorded in the audit log", good=True))


@app.command("list", epilog="Example: relgate emergency list --json")
def list_open(context: typer.Context, as_json: Json = False) -> None:
    """List the emergencies that are open now."""
    here = session(context)
    with here.reader() as reader:
        opened = reader.standing().opened
        policy_set = _in_force(reader) if opened else None
    rows: list[tuple[str, ...]] = []
    for each in opened:
        until = None if policy_set is None else policy_set.emergency_ends(each.partner, each.name, each.at)
        if until is not None and until > now():
            rows.append((each.partner, each.name, each.at.isoformat(), until.isoformat(), each.by, each.reason))
    columns = ("partner", "emergency", "opened", "until", "by", "reason")
    listed: Data = [dict(zip(columns, row, strict=True)) for row in rows]
    here.output(as_json).show(listed, Table(columns, rows, empty="no emergency is open"))


def _needs(reason: str, example: str) -> None:
    if not reason:
        raise CommandFailed(USAGE, "--reason is missing", example)


def _in_force(log: LogReader) -> PolicySet:
    active = log.standing().active
    if active is None:
        raise CommandFailed(REFUSED, "no policy set is in force", "relgate policy activate")
    return stored_set(log, active)
