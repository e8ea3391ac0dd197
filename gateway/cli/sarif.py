"""Findings as SARIF 2.1.0 (OASIS), which pull requests show beside the lines they speak of."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import __version__
from gateway.cli.output import Data
from gateway.policy.lint import RULES, Lint, place

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def as_sarif(found: Sequence[Lint]) -> Data:
    """One run of one tool: its rules and a result a finding. Paths are relative to the folder above the policies."""
    names = list(RULES)
    rules: list[Data] = [
        {
            "id": name,
            "shortDescription": {"text": said},
            "defaultConfiguration": {"level": severity.value},
        }
        for name, (severity, said) in RULES.items()
    ]
    results = [_result(each, names.index(each.rule)) for each in found]
    driver: Data = {"name": "relgate policy lint", "semanticVersion": __version__, "rules": rules}
    run: Data = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(each: Lint, index: int) -> Data:
    file, line, column = place(each.finding)
    what = f"{each.finding.field}: {each.finding.message}" if each.finding.field else each.finding.message
    hint = f" To mend it: {each.finding.hint}." if each.finding.hint else ""
    region: Data = {"startLine": line, "startColumn": column}
    return {
        "ruleId": each.rule,
        "ruleIndex": index,
        "level": each.severity.value,
        "message": {"text": what + "." + hint},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": file}, "region": region}}],
    }
