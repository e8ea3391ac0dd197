"""``relgate policy``: check a policy set, put it in force, see what is in force; and the workbench's verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.activation import orders
from gateway.activation.files import read_policy_files
from gateway.activation.running import stored_set
from gateway.audit.orders import Standing
from gateway.cli import policy_diff, policy_explain, policy_gaps, policy_impact, policy_lint, policy_schema, policy_test
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.output import Data, Facts, Line, Table
from gateway.cli.session import By, Json, Session, order, session
from gateway.policy.errors import PolicyError
from gateway.policy.policyset import PolicySet

app = typer.Typer(name="policy", help="The policy set: check it, activate it, show it.", no_args_is_help=True)
policy_test.add_to(app)
policy_explain.add_to(app)
policy_lint.add_to(app)
policy_diff.add_to(app)
policy_impact.add_to(app)
policy_gaps.add_to(app)
policy_schema.add_to(app)


@app.command("check", epilog="Example: relgate policy check --json")
def check(context: typer.Context, as_json: Json = False) -> None:
    """Load and compile the policy set without activating it; every mistake is listed with its place and a
    hint.
    """
    here = session(context)
    try:
        found = orders.check(_files(here))
    except orders.ActivationRefused as refused:
        _show_findings(here, refused, as_json)
        raise typer.Exit(REFUSED) from refused
    here.output(as_json).show({"valid": True, **_summary(found)}, Line("the set is valid", good=True), _facts(found))


@app.command("activate", epilog="Example: relgate policy activate --reason 'JPN key renewed'")
def activate(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Put the policy set in force, whole or not at all. A refusal is recorded too, and its grace time runs."""
    here = session(context)
    files = _files(here)
    with here.log() as log:
        try:
            found = orders.activate(log, files, order(by, reason))
        except orders.ActivationRefused as refused:
            _show_findings(here, refused, as_json)
            minutes = here.settings.policy_grace_seconds // 60
            what = "What was in force still is." if log.standing().active else "Nothing is in force."
            raise CommandFailed(
                REFUSED,
                "the policy set was refused; the refusal is in the audit log",
                f"{what} Mend the set and activate again: releases stop {minutes} minutes after a refusal.",
            ) from refused
    line = Line(f"policy set {found.digest[:16]} is in force", good=True)
    here.output(as_json).show({"activated": True, **_summary(found)}, line, _facts(found))


@app.command("show", epilog="Example: relgate policy show --json")
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show the policy set in force, since when, a refused activation, and the stops."""
    here = session(context)
    with here.reader() as reader:
        standing = reader.standing()
        if standing.active is None:
            raise CommandFailed(REFUSED, "no policy set was ever activated", "relgate policy activate")
        found = stored_set(reader, standing.active)
    since = standing.activated_at.isoformat() if standing.activated_at else ""
    refused = standing.refused_since.isoformat() if standing.refused_since else ""
    data: Data = {
        **_summary(found),
        "since": since,
        "refused_since": refused or None,
        "stops": [str(stop) for stop in standing.stops],
    }
    here.output(as_json).show(data, _facts(found), Facts(_standing(standing, since, refused)), _partners(found))


def _files(here: Session) -> dict[str, bytes]:
    return dict(read_policy_files(here.settings.policies_dir, here.settings.keys_dir))


def _summary(found: PolicySet) -> dict[str, Data]:
    return {
        "policy": found.digest,
        "files": len(found.manifest),
        "partners": sorted(found.partners),
        "datasets": sorted(found.datasets),
        "tables": dict(found.tables),
    }


def _facts(found: PolicySet) -> Facts:
    return Facts(
        (
            ("policy set", found.digest),
            ("files", str(len(found.manifest))),
            ("partners", ", ".join(sorted(found.partners))),
            ("datasets", ", ".join(sorted(found.datasets))),
        )
    )


def _standing(standing: Standing, since: str, refused: str) -> list[tuple[str, str]]:
    pairs = [("in force since", since), ("stops in force", ", ".join(map(str, standing.stops)) or "none")]
    if refused:
        pairs.append(("activation refused since", refused))
    return pairs


def _partners(found: PolicySet) -> Table:
    rows = [
        (
            partner.code,
            partner.kind.value,
            f"{partner.agreement.from_.date()} to {partner.agreement.until.date()}",
            ", ".join(sorted(partner.datasets)),
            str(len(partner.grants)),
        )
        for partner in sorted(found.partners.values(), key=lambda partner: partner.code)
    ]
    return Table(("partner", "kind", "agreement", "granted", "grants"), rows)


def _show_findings(here: Session, refused: orders.ActivationRefused, as_json: bool) -> None:
    """Every mistake as a row, or the one message there is when it is not the files' own."""
    if not isinstance(refused.error, PolicyError):
        here.output(as_json).show({"valid": False, "error": str(refused.error)}, Line(str(refused.error), good=False))
        return
    findings = refused.error.findings
    listed: list[Data] = [
        {
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
            "field": finding.field,
            "message": finding.message,
            "hint": finding.hint,
        }
        for finding in findings
    ]
    lines = [Line(str(finding), good=False) for finding in findings]
    count = Line(f"{len(findings)} mistake(s); the set is refused whole")
    here.output(as_json).show({"valid": False, "findings": listed}, *lines, count)
