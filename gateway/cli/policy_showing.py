"""How commands show a policy set, and what is wrong with one that was refused."""

from __future__ import annotations

from gateway.activation import orders
from gateway.cli.output import Data, Facts, Line
from gateway.cli.session import Session
from gateway.policy.errors import PolicyError
from gateway.policy.policyset import PolicySet


def summary(found: PolicySet) -> dict[str, Data]:
    """What a set holds, for programs."""
    return {
        "policy": found.digest,
        "files": len(found.manifest),
        "partners": sorted(found.partners),
        "datasets": sorted(found.datasets),
        "tables": dict(found.tables),
    }


def facts(found: PolicySet) -> Facts:
    """What a set holds, for people."""
    return Facts(
        (
            ("policy set", found.digest),
            ("files", str(len(found.manifest))),
            ("partners", ", ".join(sorted(found.partners))),
            ("datasets", ", ".join(sorted(found.datasets))),
        )
    )


def show_findings(here: Session, refused: orders.ActivationRefused, as_json: bool) -> None:
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
