"""``relgate policy sign``, ``activate``, ``sets``, ``rollback``: what takes a set from a folder into force and back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import typer

from gateway.activation import orders
from gateway.activation.approval import Purpose
from gateway.activation.running import stored_set
from gateway.audit.entry import Json as Plain
from gateway.audit.log import AuditLog
from gateway.audit.reading import LogReader
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.output import Data, Facts, Line, Table
from gateway.cli.policy_files import files_of
from gateway.cli.policy_showing import facts, show_findings, summary
from gateway.cli.session import By, Json, Reason, Session, order, session
from gateway.cli.signing import OfficerKey, sign_order, signatures_of
from gateway.policy.policyset import PolicySet
from gateway.service import demand, now
from gateway.turning import turning

LEAD_LIMIT = 120.0
"""Longest that an activation waits for the gateways to compile the set, in seconds."""


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command("sign", epilog="Example: relgate policy sign --key a.officer.pem")(sign)
    app.command("activate", epilog="Example: relgate policy activate --reason 'JPN key renewed'")(activate)
    app.command("sets", epilog="Example: relgate policy sets --json")(sets)
    app.command("rollback", epilog="Example: relgate policy rollback 3f0c --reason 'too wide'")(rollback)


def sign(
    context: typer.Context,
    key: OfficerKey,
    by: Annotated[str, typer.Option("--by", help="Your name in the list, where the log is not at hand.")] = "",
    as_json: Json = False,
) -> None:
    """Sign the policy set on disk: its every file, table and partner key. Look at `policy impact` first."""
    here = session(context)
    try:
        digest = orders.check(files_of(here), here.settings.witness_keys).digest
    except orders.ActivationRefused as refused:
        show_findings(here, refused, as_json)
        raise typer.Exit(REFUSED) from refused
    if by:
        sign_order(here, None, Purpose.ACTIVATE, digest, key, by=by, as_json=as_json)
        return
    with here.reader() as reader:
        sign_order(here, reader, Purpose.ACTIVATE, digest, key, as_json=as_json)


def activate(
    context: typer.Context,
    reason: Reason = "",
    by: By = "",
    lead: Annotated[
        float | None,
        typer.Option("--lead", min=0, max=LEAD_LIMIT, help="Seconds that running gateways get to compile the set."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Put the policy set in force, whole or not at all, once enough officers have signed it.

    A refusal is recorded too, and its grace time runs.
    """
    here = session(context)
    files = files_of(here)
    with here.log() as log:
        try:
            found = _activate(here, log, files, order(by, reason), lead)
        except orders.ActivationRefused as refused:
            show_findings(here, refused, as_json)
            minutes = here.settings.policy_grace_seconds // 60
            what = "What was in force still is." if log.standing().active else "Nothing is in force."
            raise CommandFailed(
                REFUSED,
                "the policy set was refused; the refusal is in the audit log",
                f"{what} Mend the set and activate again: releases stop {minutes} minutes after a refusal.",
            ) from refused
    line = Line(f"policy set {found.digest[:16]} is in force", good=True)
    here.output(as_json).show({"activated": True, **summary(found)}, line, facts(found))


def _activate(
    here: Session, log: AuditLog, files: Mapping[str, bytes], told: orders.Order, lead: float | None
) -> PolicySet:
    """Check, announce, give the gateways time to compile, activate."""
    began = time.monotonic()
    asked, witnesses = demand(here.settings), here.settings.witness_keys
    try:
        found = orders.check(files, witnesses)
    except orders.ActivationRefused:
        return orders.activate(log, files, told, asked, witnesses=witnesses)  # refuses it once more, and records that
    spent = time.monotonic() - began
    signatures = signatures_of(here, Purpose.ACTIVATE, found.digest)
    active = log.standing().active
    impact: Mapping[str, Plain] | None = None
    if active not in (None, found.digest) and orders.is_signed(log, asked, signatures, found.digest, told):
        orders.announce(log, files, told, witnesses)
        began = time.monotonic()
        impact = _impact(log, str(active), found)
        # The gateways compile what this command has just compiled; they may be busier than it.
        left = (lead if lead is not None else 1 + 2 * spent) - (time.monotonic() - began)
        time.sleep(min(max(left, 0), LEAD_LIMIT))
    return orders.activate(log, files, replace(told, at=now()), asked, signatures, impact, witnesses)


def _impact(log: LogReader, active: str, found: PolicySet) -> Mapping[str, Plain] | None:
    """What the new set turns; nothing where the one in force can no longer be read."""
    try:
        return turning(stored_set(log, active), found, now())
    except LookupError:
        return None


def sets(context: typer.Context, as_json: Json = False) -> None:
    """List every set that was in force: when, by whom, signed by whom. Each can be put in force again."""
    here = session(context)
    with here.reader() as reader:
        active = reader.standing().active
        rows: list[tuple[str, str, str, str, str, str]] = []
        data: list[Data] = []
        for each in reversed(reader.activations()):
            private = _entry(reader, each.position)
            signed = [str(one["officer"]) for one in _maps(private.get("signed"))]
            mark = "in force" if each.digest == active and not rows else ""
            reason = str(private.get("reason", ""))
            when = each.at.isoformat(timespec="seconds")
            rows.append((each.digest[:16], when, each.by, ", ".join(signed), reason, mark))
            data.append(
                {
                    "policy": each.digest,
                    "at": each.at.isoformat(),
                    "by": each.by,
                    "signed": list(signed),
                    "reason": reason,
                    "entry": each.position,
                    "in_force": bool(mark),
                }
            )
    columns = ("policy set", "since", "by", "signed by", "reason", "")
    here.output(as_json).show(data, Table(columns, rows, empty="no policy set was ever activated"))


def rollback(
    context: typer.Context,
    digest: Annotated[str, typer.Argument(help="The set, by the beginning of its digest; relgate policy sets.")],
    reason: Reason = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Put a set in force again that was before, by the signatures it had. The files on disk are not changed."""
    here = session(context)
    with here.log() as log:
        known = sorted({each.digest for each in log.activations() if each.digest.startswith(digest)})
        if len(known) != 1:
            found = f"{len(known)} sets" if known else "no set"
            hint = "relgate policy sets lists them"
            raise CommandFailed(REFUSED, f"{found} that was in force begins with {digest}", hint)
        told, active = order(by, reason), log.standing().active
        earlier = stored_set(log, known[0])
        impact = None if active in (None, earlier.digest) else _impact(log, str(active), earlier)
        back = orders.roll_back(log, known[0], told, demand(here.settings), impact, here.settings.witness_keys)
    line = Line(f"policy set {back.digest[:16]} is in force again", good=True)
    shown: list[tuple[str, str]] = [("reason", reason or "none given")]
    here.output(as_json).show({"activated": True, **summary(back)}, line, facts(back), Facts(shown))


def _entry(reader: LogReader, position: int) -> Mapping[str, object]:
    found = reader.entries(position - 1, 1)
    return found[0].private if found else {}


def _maps(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
