"""``relgate stop``: hold everything back from a partner, of a dataset or of a record, now; or lift such a
stop.

One officer suffices to set a stop, nothing is compiled, and the order is in the log and in force when the command
returns. Lifting one takes as many signatures as activating a policy set. A name that the policy set in force does not
know is refused, because a stop that stops nothing looks like one that does.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation import orders
from gateway.activation.approval import Purpose
from gateway.audit.orders import StopKind
from gateway.audit.reading import LogReader
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Data, Line, Table
from gateway.cli.session import By, Json, order, session
from gateway.cli.signing import sign_order, signatures_of
from gateway.service import demand

EXAMPLES = """Examples:

  relgate stop partner JPN --reason 'key reported stolen'

  relgate stop dataset conjunction --reason 'spill 2026-07' --by 'A. Officer'

  relgate stop partner JPN --lift --sign a.officer.pem

  relgate stop partner JPN --lift --reason 'new key registered'

  relgate stop
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("stop", epilog=EXAMPLES)(stop)


def stop(
    context: typer.Context,
    kind: Annotated[StopKind | None, typer.Argument(help="What to stop; nothing: list the stops in force.")] = None,
    subject: Annotated[str, typer.Argument(help="The partner, the dataset, or the record's identifier.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")] = "",
    by: By = "",
    lift: Annotated[bool, typer.Option("--lift", help="Lift the stop instead.")] = False,
    sign: Annotated[
        Path | None, typer.Option("--sign", help="With --lift: sign the lifting with this key, and lift nothing yet.")
    ] = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Stop a name that the policy set in force does not know.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop all releases to a partner, of a dataset or of a record, from now on. Survives restarts.

    One officer stops; lifting takes the signatures that the settings ask for (--lift --sign, by each officer).
    """
    here = session(context)
    if kind is None:
        with here.reader() as reader:
            stops = reader.standing().stops
        rows = [(stop.kind.value, stop.subject, stop.at.isoformat(), stop.by, stop.reason) for stop in stops]
        columns = ("stopped", "name", "since", "by", "reason")
        listed: Data = [dict(zip(columns, row, strict=True)) for row in rows]
        here.output(as_json).show(listed, Table(columns, rows, empty="no stop is in force"))
        return
    if lift and sign is not None and subject:
        with here.log() as log:
            sign_order(here, log, Purpose.LIFT_STOP, orders.stop_lifted(log, kind, subject), sign, as_json=as_json)
        return
    if not subject or not reason:
        missing = "--reason" if subject else f"the {kind.value} to stop"
        raise CommandFailed(USAGE, f"{missing} is missing", f"relgate stop {kind.value} NAME --reason 'why'")
    with here.log() as log:
        if not lift and not unknown:
            _refuse_unknown(log, kind, subject)
        if lift:
            signatures = signatures_of(here, Purpose.LIFT_STOP, orders.stop_lifted(log, kind, subject))
            orders.lift(log, kind, subject, order(by, reason), demand(here.settings), signatures)
        else:
            orders.stop(log, kind, subject, order(by, reason))
        in_force = [str(found) for found in log.standing().stops]
    data: Data = {"kind": kind.value, "subject": subject, "lifted": lift, "in_force": list(in_force)}
    done = f"{'lifted the stop on' if lift else 'stopped'} {kind.value} {subject}"
    here.output(as_json).show(data, Line(f"{done}; recorded in the audit log", good=True))


def _refuse_unknown(log: LogReader, kind: StopKind, subject: str) -> None:
    known = _known(log, kind)
    if not known or subject in known:
        return
    close = difflib.get_close_matches(subject, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}? " if close else f"there are {', '.join(sorted(known))}. "
    said = f"the policy set in force has no {kind.value} {subject}: this would stop nothing"
    raise CommandFailed(REFUSED, said, f"{hint}--unknown stops the name all the same")


def _known(log: LogReader, kind: StopKind) -> tuple[str, ...]:
    """The partners or datasets of the set in force, by their files' names; nothing when it cannot be told."""
    active = log.standing().active
    if kind is StopKind.RECORD or active is None:
        return ()
    manifest = log.artifact(active)
    files = json.loads(manifest)["files"] if manifest else {}
    folder = f"policies/{kind.value}s/"
    return tuple(path.removeprefix(folder).removesuffix(".toml") for path in files if path.startswith(folder))
