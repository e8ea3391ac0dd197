"""``relgate policy``: check a policy set, put it in force, see what is in force; and the workbench's verbs."""

from __future__ import annotations

import typer

from gateway.activation import orders
from gateway.activation.running import stored_set
from gateway.audit.orders import Standing
from gateway.cli import (
    policy_approval,
    policy_diff,
    policy_explain,
    policy_gaps,
    policy_impact,
    policy_lint,
    policy_schema,
    policy_test,
)
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.output import Data, Facts, Line, Table
from gateway.cli.policy_files import files_of
from gateway.cli.policy_showing import facts, show_findings, summary
from gateway.cli.session import Json, session
from gateway.policy.policyset import PolicySet

app = typer.Typer(name="policy", help="The policy set: check it, activate it, show it.", no_args_is_help=True)
policy_approval.add_to(app)
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
        found = orders.check(files_of(here), here.settings.witness_keys)
    except orders.ActivationRefused as refused:
        show_findings(here, refused, as_json)
        raise typer.Exit(REFUSED) from refused
    here.output(as_json).show({"valid": True, **summary(found)}, Line("the set is valid", good=True), facts(found))


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
        **summary(found),
        "since": since,
        "refused_since": refused or None,
        "stops": [str(stop) for stop in standing.stops],
    }
    here.output(as_json).show(data, facts(found), Facts(_standing(standing, since, refused)), _partners(found))


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
