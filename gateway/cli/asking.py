"""What the commands that put a question to a policy share: who asks, for what, of which record, when.

Each names what is wrong with an argument and what could stand there instead.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, TypeVar

import typer

from gateway import markings
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.output import Data, say
from gateway.cli.session import instant
from gateway.policy.admission import Claims
from gateway.policy.compile import CompiledPolicy
from gateway.policy.decision import Around, LabelDoubt, Subject
from gateway.policy.errors import CallerRefused
from gateway.policy.facts import NOTHING_AROUND
from gateway.policy.policyset import Partner
from gateway.policy.reasons import MEANING, Reason
from gateway.policy.schemes import Marked
from gateway.policy.trial import Question, record_fields
from gateway.service import now

RecordFields = Annotated[
    list[str] | None,
    typer.Option("--field", help="A field of the record that rules read, NAME=VALUE (JSON)."),
]
Day = Annotated[str, typer.Option("--date", help="The day the record was marked; by default that of --at.")]
Moment = Annotated[str, typer.Option("--at", help="The moment of the question; by default now.")]

Named = TypeVar("Named")


def known(among: Mapping[str, Named], name: str, kind: str) -> Named:
    """What a name stands for in the set; the nearest name is suggested."""
    if name in among:
        return among[name]
    close = difflib.get_close_matches(name, among, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(among)) or 'none'}"
    raise CommandFailed(USAGE, f"the policy set has no {kind} {name}", hint)


def subject_of(policy: CompiledPolicy, partner: Partner, system: str, at: datetime) -> Subject:
    """The calling system as a sufficient credential would present it, with the key answers would be sealed
    to.
    """
    name = system or (next(iter(partner.systems)) if len(partner.systems) == 1 else "")
    if not name:
        systems = ", ".join(sorted(partner.systems)) or "none registered"
        raise CommandFailed(USAGE, f"partner {partner.code} does not have just one system", f"--system: {systems}")
    key = policy.recipient(partner.code, at)
    try:
        return policy.subject(partner.code, name, Claims(), partner.channel.strength, key)
    except CallerRefused as refused:
        raise CommandFailed(REFUSED, MEANING[Reason(refused.reason)], "see the partner's file") from refused


def purpose_of(policy: CompiledPolicy, partner: Partner, subject: Subject, dataset: str, claimed: str) -> str:
    """The purpose asked for, or the only one granted."""
    purpose = policy.purpose(partner.code, dataset, claimed or None, subject.system)
    if purpose.value is None:
        meaning = MEANING[Reason(purpose.reason)] if purpose.reason else "no purpose"
        agreed = ", ".join(sorted(partner.agreement.purposes))
        raise CommandFailed(REFUSED, meaning, f"--purpose: the agreement names {agreed}")
    return purpose.value


def read_marking(policy: CompiledPolicy, dataset: str, marking: str, day: date) -> Marked | LabelDoubt:
    """The label, or the doubt that takes its place; what is wrong with the text is said on standard error."""
    try:
        return policy.scheme(dataset).read(marking, day)
    except markings.MarkingError as error:
        for finding in error.findings:
            say(f"marking: {finding.message}" + (f"; {finding.suggestion}" if finding.suggestion else ""))
        return LabelDoubt(Reason.LABEL_UNPARSED)


def day_of(text: str, moment: datetime) -> date:
    """The day an option names, by default that of the moment."""
    if not text:
        return moment.date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandFailed(USAGE, f"--date: {text!r} is no day", "write 2026-07-01") from None


def fields_of(given: Sequence[str]) -> dict[str, Data]:
    """Fields as a record would hold them: a value that is JSON is that, anything else is text."""
    fields: dict[str, Data] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not name or not equals:
            raise CommandFailed(USAGE, f"--field: {each!r} is not NAME=VALUE", "--field satNo1=25544")
        try:
            fields[name] = json.loads(text)
        except ValueError:
            fields[name] = text
    return fields


def question_at(
    policy: CompiledPolicy,
    partner: str,
    dataset: str,
    *,
    at: str,
    day: str,
    fields: Sequence[str],
    purpose: str,
    system: str,
    around: Around = NOTHING_AROUND,
) -> tuple[Question, date]:
    """The question that these options ask, its label still in doubt, and the day the record was marked. What nothing
    is said of counts as unused.
    """
    moment = instant(at, "--at") if at else now()
    asker = known(policy.policy_set.partners, partner, "partner")
    file = known(policy.policy_set.datasets, dataset, "dataset")
    asking = subject_of(policy, asker, system, moment)
    marked = day_of(day, moment)
    around = policy.unused(partner, dataset, around)
    facts = policy.facts(dataset, record_fields(file, fields_of(fields), marked), moment, (), around)
    for_purpose = purpose_of(policy, asker, asking, dataset, purpose)
    unread = LabelDoubt(Reason.LABEL_MISSING)
    return Question(asking, dataset, unread, facts, for_purpose, moment), marked


def label_of(policy: CompiledPolicy, asked: tuple[Question, date], marking: str) -> Question:
    """The question with its label read from a marking."""
    question, marked = asked
    return dataclasses.replace(question, label=read_marking(policy, question.dataset, marking, marked))
