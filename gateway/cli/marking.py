"""``relgate marking``: what a marking says, what is wrong with it, and who could have it.

Nothing is released, no policy is asked and nothing is written: this is the reading of the text alone. Whether a
partner would get a record so marked is ``relgate check``.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Annotated

import typer

from gateway import markings
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Block, Data, Facts, Line, Table
from gateway.cli.session import Json, session
from gateway.markings.explain import Part
from gateway.service import now

app = typer.Typer(name="marking", help="Markings: read one and say what it means.", no_args_is_help=True)

EXAMPLES = """Examples:

  relgate marking explain 'U//PR-SPIRE-AIS'

  relgate marking explain '(S//SI//OC/REL TO USA, FVEY)' --profile icrm-2016

  relgate marking explain '//NATO SECRET//ATOMAL' --profile ism-2022 --at 2026-01-01 --json
"""


@app.callback()
def _marking() -> None:
    """Keep ``explain`` a verb of its own while it is the only one."""


@app.command("explain", epilog=EXAMPLES)
def explain(
    context: typer.Context,
    marking: Annotated[str, typer.Argument(help="A banner line, or a portion mark.")],
    profile: Annotated[str, typer.Option("--profile", help="The marking profile to read it by.")] = "udl",
    at: Annotated[str, typer.Option("--at", help="The day asked about; by default today.")] = "",
    day: Annotated[str, typer.Option("--date", help="The day it was marked; by default that of --at.")] = "",
    as_json: Json = False,
) -> None:
    """Say what a marking's parts mean, what is wrong with it, and who could receive it. Exit code 1: it is refused."""
    chosen = _profile(profile)
    asked = _day(at, "--at", now().date())
    created = _day(day, "--date", asked)
    form, read, findings = _read(marking, chosen)
    label = None if read is None else dataclasses.replace(read, created=created)
    findings = findings if label is None else markings.validate(label, asked)
    sound = label is not None and not any(each.severity is markings.Severity.ERROR for each in findings)
    nations = tuple(sorted(markings.releasable_to(label, asked))) if sound and label is not None else ()
    parts = markings.explain(label, chosen) if label is not None else ()
    data: Data = {
        "marking": marking,
        "profile": {"name": chosen.name, "version": chosen.version, "digest": chosen.digest},
        "tables": chosen.tables.digest,
        "form": form,
        "at": asked.isoformat(),
        "date": created.isoformat(),
        "sound": sound,
        "parts": [dataclasses.asdict(part) for part in parts],
        "findings": [_finding(each) for each in findings],
        "releasable_to": list(nations),
    }
    blocks = _blocks(marking, chosen, parts, findings, sound=sound)
    if sound:
        blocks.append(Facts([(f"could go, on {asked.isoformat()}, to", ", ".join(nations) or "nobody")]))
    session(context).output(as_json).show(data, *blocks)
    if not sound:
        raise typer.Exit(REFUSED)


def _profile(name: str) -> markings.Profile:
    try:
        return markings.profile(name)
    except markings.UnknownProfileError:
        known = ", ".join(markings.profile_names())
        raise CommandFailed(USAGE, f"no marking profile is called {name}", f"--profile: {known}") from None


def _day(text: str, option: str, otherwise: date) -> date:
    if not text:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandFailed(USAGE, f"{option}: {text!r} is no day", "write 2026-07-01") from None


def _read(text: str, chosen: markings.Profile) -> tuple[str, markings.Label | None, tuple[markings.Finding, ...]]:
    """The form it was read in, and the label or why it was refused.

    A text in parentheses is a portion mark. Any other is a banner line, unless the profile writes its portions
    bare and it reads as one.
    """
    forms = ("portion",) if text.startswith("(") else ("portion", "banner") if chosen.bare_portions else ("banner",)
    refused: tuple[markings.Finding, ...] = ()
    for form in forms:
        try:
            reader = markings.parse_portion if form == "portion" else markings.parse_banner
            return form, reader(text, chosen), ()
        except markings.MarkingError as error:
            refused = refused or error.findings
    return forms[0], None, refused


def _finding(finding: markings.Finding) -> dict[str, Data]:
    return {
        "rule": finding.rule,
        "authority": finding.authority,
        "severity": finding.severity.value,
        "message": finding.message,
        "span": list(finding.span) if finding.span is not None else None,
        "suggestion": finding.suggestion,
    }


def _blocks(
    marking: str,
    chosen: markings.Profile,
    parts: tuple[Part, ...],
    findings: tuple[markings.Finding, ...],
    *,
    sound: bool,
) -> list[Block]:
    verdict = "is sound" if sound else "is refused"
    blocks: list[Block] = [Line(f"{marking!r} {verdict} under {chosen.name}.", good=sound)]
    if parts:
        rows = [(part.text, part.meaning, part.effect, part.source) for part in parts]
        blocks.append(Table(("part", "meaning", "release", "source"), rows))
    if findings:
        rows = [(each.rule, each.message, each.authority, _where(each, marking)) for each in findings]
        blocks.append(Table(("rule", "finding", "authority", "where and what was meant"), rows, title="findings"))
    blocks.append(Facts([("profile", f"{chosen.name} {chosen.version}: {chosen.title}")]))
    return blocks


def _where(finding: markings.Finding, marking: str) -> str:
    where = ""
    if finding.span is not None:
        start, end = finding.span
        where = f"characters {start} to {end}, {marking[start:end]!r}"
    meant = f"perhaps {finding.suggestion}" if finding.suggestion else ""
    return "; ".join(text for text in (where, meant) if text)
