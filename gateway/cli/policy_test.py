"""``relgate policy test``: ask the cases that officers wrote beside the policy, and say which hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.errors import REFUSED
from gateway.cli.explaining import explanation_blocks, explanation_data, place_data
from gateway.cli.output import Block, Data, Facts, Line, Table
from gateway.cli.policy_files import Where, files_of
from gateway.cli.session import Json, session
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.explain import Explanation, explain
from gateway.policy.load import load
from gateway.policy.trial import Report, Rule, Tried, question_of, try_cases, with_assumed_keys
from gateway.policy.whereabouts import Place, Whereabouts, dataset_file, partner_file

EXAMPLES = """Examples:

  relgate policy test

  relgate policy test --policies ../proposed/policies --every-rule --json
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("test", epilog=EXAMPLES)(test)


def test(
    context: typer.Context,
    policies: Where = None,
    only: Annotated[str, typer.Option("--only", help="Only cases whose file or name holds this text.")] = "",
    every_rule: Annotated[
        bool, typer.Option("--every-rule", help="Fail too when a grant or deny has no case that proves it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask every case of the policy set. Exit code 1 when one does not hold; it is then explained gate by gate."""
    here = session(context)
    files = files_of(here, policies)
    policy_set = load(files)
    report = try_cases(policy_set)
    where = Whereabouts(files)
    compiled = (compile_policy(with_assumed_keys(policy_set)), compile_policy(policy_set))
    shown = [each for each in report.tried if only in each.file or only in each.case.name]
    failed = [(each, _explained(compiled, each, where)) for each in shown if not each.holds]
    output = here.output(as_json)
    output.show(_data(report, shown, failed, where), *_blocks(report, shown, failed, where))
    if failed or not shown or (every_rule and report.unproved):
        raise typer.Exit(REFUSED)


Failed = tuple[Tried, Explanation | None]


def _explained(compiled: tuple[CompiledPolicy, CompiledPolicy], tried: Tried, where: Whereabouts) -> Explanation | None:
    if tried.decision is None:
        return None
    policy = compiled[tried.case.key == "registered"]
    return explain(policy, question_of(policy, tried.case), where)


def _place(tried: Tried, where: Whereabouts) -> Place:
    return where.of(tried.file, ("case", tried.index))


def _rule_place(rule: Rule, where: Whereabouts) -> Place:
    file = partner_file(rule.partner) if rule.partner else dataset_file(rule.dataset)
    found = where.rules(file).get(rule.name)
    return where.of(file, found) if found else Place(file)


def _data(report: Report, shown: list[Tried], failed: list[Failed], where: Whereabouts) -> Data:
    listed: list[Data] = [
        {
            "name": tried.case.name,
            "place": place_data(_place(tried, where)),
            "wrong": list(tried.wrong),
            "explanation": None if explanation is None else explanation_data(explanation),
        }
        for tried, explanation in failed
    ]
    unproved: list[Data] = [
        {"kind": rule.kind, "id": rule.name, "place": place_data(_rule_place(rule, where))} for rule in report.unproved
    ]
    proved = len(report.rules) - len(report.unproved)
    return {
        "cases": len(shown),
        "failed": listed,
        "rules": {"all": len(report.rules), "proved": proved, "unproved": unproved},
    }


def _blocks(report: Report, shown: list[Tried], failed: list[Failed], where: Whereabouts) -> list[Block]:
    by_file: dict[str, list[Tried]] = {}
    for each in shown:
        by_file.setdefault(Path(each.file).name, []).append(each)
    rows = [(name, str(len(held)), str(sum(not each.holds for each in held))) for name, held in by_file.items()]
    blocks: list[Block] = [Table(("file", "cases", "failed"), rows, empty="no cases")]
    for tried, explanation in failed:
        blocks.append(Line(f"{_place(tried, where)}: {tried.case.name}", good=False))
        blocks += [Line(f"  {wrong}") for wrong in tried.wrong]
        if explanation is not None:
            blocks += explanation_blocks(explanation)
    return [*blocks, *_coverage(report, where), _verdict(shown, failed)]


def _coverage(report: Report, where: Whereabouts) -> list[Block]:
    counted = []
    for kind in ("grant", "deny"):
        known = [rule for rule in report.rules if rule.kind == kind]
        missing = [rule for rule in report.unproved if rule.kind == kind]
        counted.append((f"{kind} rules proved", f"{len(known) - len(missing)} of {len(known)}"))
    rows = [(rule.kind, rule.name, str(_rule_place(rule, where))) for rule in report.unproved]
    table = [Table(("kind", "id", "where"), rows, title="Rules that no case proves")] if rows else []
    return [Facts(counted), *table]


def _verdict(shown: list[Tried], failed: list[Failed]) -> Line:
    if not shown:
        return Line("no case was asked; write some in policies/cases/", good=False)
    if failed:
        return Line(f"{len(failed)} of {len(shown)} cases do not hold", good=False)
    return Line(f"all {len(shown)} cases hold", good=True)
