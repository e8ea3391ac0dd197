"""Decisions for other enforcement points: the question of AuthZEN's Authorization API 1.0, put to the same gates.

Rules.

1. A question that is not understood is a denial: another type of subject or resource, another action, a partner that
   the asker may not ask about, a property of the wrong type.
2. Nothing that the asker says, or leaves out, widens an answer. The record's fields are read as a source's would be,
   and one that is not mentioned counts as there where fields together raise the level, unless it is null; a claimed
   clearance only lowers; ``time`` and whatever else is said is not heard: the moment is now, by this gateway's clock.
3. A ``true`` is as good as a release: the entry that holds it must carry the witnesses that the policy demands before
   it is given. Every ``true`` has obligations, at least the list of fields that may leave: so it goes only to an asker
   that is known to carry them out. Volumes are not counted for others, so what is bounded by one is denied; a human
   release (:mod:`gateway.reviewing`) is for this gateway's own answers.
4. Only an asker that may know reasons is told any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.activation.running import Force
from gateway.admission import against
from gateway.audit.demands import Demands
from gateway.audit.entry import Json as Plain
from gateway.content.records import read_record
from gateway.evidence import demands_of, shown_to_json
from gateway.identity.enforcement import EnforcementPoint
from gateway.judging import Case, Judgement, judge_record
from gateway.keys.strict_json import Json
from gateway.policy.admission import Claims
from gateway.policy.decision import Around, Obligations
from gateway.policy.errors import CallerRefused
from gateway.policy.replay import obligations_to_json, subject_to_json
from gateway.policy.shape import FieldList
from gateway.reviewing import Keyed

ACTION = "release"
SUBJECT = "system"
TOLD = frozenset({"drop", "round", "coarsen_seconds", "only", "watermark"})
"""Obligations that are told beside ``fields``, the list of what may leave; each as an audit entry writes it."""

Object = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Question:
    """The four parts of an access evaluation request, each an object; their form was checked."""

    subject: Object
    action: Object
    resource: Object
    context: Object


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An answer, and what its entry in the log says. ``context`` is what the asker may know besides, ``witnesses`` what
    the entry must carry before the answer is given.
    """

    decision: bool
    reasons: tuple[str, ...]
    entry: Mapping[str, Plain]
    context: Mapping[str, Json]
    witnesses: Demands = frozenset()


class _NotUnderstood(Exception):
    """A question that cannot be put to the gates; ``code`` says why, to those who may know."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def evaluate(question: Question, point: EnforcementPoint, force: Force, at: datetime, keyed: Keyed) -> Evaluation:
    """Answer one question at ``at`` (aware); ``keyed`` names a record as stops name it."""
    try:
        case = _case(question, point, force, at)
        judged = _judge(question, case, keyed)
    except _NotUnderstood as error:
        return Evaluation(False, (error.code,), _asked(question), _context(point, (error.code,), None))
    reasons = tuple(dict.fromkeys((*against(case), *judged.reasons)))
    owed = judged.decision.obligations
    if judged.permitted and not reasons and not point.obligations:
        reasons = ("evaluation:obligations_not_carried_out",)
    decided = judged.permitted and not reasons
    entry = {
        **_asked(question),
        "partner": case.subject.partner,
        "dataset": case.dataset,
        "purpose": case.purpose,
        "subject": subject_to_json(case.subject),
        "shown": shown_to_json(judged.evidence),
        "obligations": obligations_to_json(owed),
    }
    listed = sorted(_listed(case.policy.shape(case.dataset).fields))
    witnesses = demands_of(case, [owed]) if decided else frozenset()
    return Evaluation(decided, reasons, entry, _context(point, reasons, (owed, listed) if decided else None), witnesses)


def _case(question: Question, point: EnforcementPoint, force: Force, at: datetime) -> Case:
    subject, policy = question.subject, force.running.policy
    if subject["type"] != SUBJECT or question.action["name"] != ACTION:
        raise _NotUnderstood("evaluation:not_understood")
    said = _object(subject, "properties")
    partner = _text(said, "partner") or (next(iter(point.partners)) if len(point.partners) == 1 else "")
    if partner not in point.partners or partner not in policy.policy_set.partners:
        raise _NotUnderstood("evaluation:partner_not_covered")
    dataset = str(question.resource["type"])
    if not policy.granted(partner, dataset, at, force.standing.emergencies(partner)):
        raise _NotUnderstood("evaluation:not_understood")
    claims = Claims(_text(said, "clearance") or None, _text(said, "nationality") or None)
    key = policy.recipient(partner, at)
    try:
        seated = policy.subject(partner, str(subject["id"]), claims, point.credential, key)
    except CallerRefused as refused:
        raise _NotUnderstood(str(refused.reason)) from refused
    purpose = policy.purpose(partner, dataset, _text(question.context, "purpose") or None, seated.system)
    if purpose.value is None:
        raise _NotUnderstood(purpose.reason or "purpose_required")
    around = Around(emergencies=force.standing.emergencies(partner), whole=False)
    return Case(policy, force.standing, seated, dataset, purpose.value, at, around)


def _judge(question: Question, case: Case, keyed: Keyed) -> Judgement:
    """Judge the record that the resource describes, as if a source had sent it."""
    shape, identifier = case.policy.shape(case.dataset), question.resource["id"]
    fields = {shape.identifier: identifier, **_object(question.resource, "properties")}
    if fields[shape.identifier] != identifier:
        raise _NotUnderstood("evaluation:identifier_contradicted")
    view = read_record(json.dumps(fields, ensure_ascii=False).encode(errors="surrogatepass"), shape)
    record = keyed(view.identifier) if case.standing.stops_records and view.identifier else None
    stops = case.standing.stopping(case.subject.partner, case.dataset, record)
    return judge_record(case, view, shape, stops, twin=False)


def _listed(fields: FieldList, prefix: str = "") -> Iterator[str]:
    """Every field that may leave, by its dotted path."""
    yield from (f"{prefix}{name}" for name, _ in fields.kinds)
    for name, inner in fields.inside:
        yield from _listed(inner, f"{prefix}{name}.")


def _context(
    point: EnforcementPoint, reasons: tuple[str, ...], owed: tuple[Obligations, list[str]] | None
) -> dict[str, Json]:
    """What the asker is told: reasons if it may know them, and what must be done before the record goes."""
    context: dict[str, Json] = {}
    if reasons and point.reasons:
        context["reasons"] = list(reasons)
    if owed is not None:
        duties, listed = owed
        said = {name: value for name, value in obligations_to_json(duties).items() if name in TOLD}
        told: Json = json.loads(json.dumps({**said, "fields": listed}))
        context["obligations"] = told
    return context


def _asked(question: Question) -> dict[str, Plain]:
    """What was asked, in the entry's words; the resource's identifier is kept beside it, keyed."""
    return {
        "subject_type": str(question.subject["type"])[:128],
        "subject_id": str(question.subject["id"])[:128],
        "action": str(question.action["name"])[:128],
        "resource_type": str(question.resource["type"])[:128],
    }


def _object(said: Object, name: str) -> Object:
    found = said.get(name, {})
    if not isinstance(found, dict):
        raise _NotUnderstood("evaluation:not_understood")
    return found


def _text(said: Object, name: str) -> str:
    """A text, ``""`` where there is none; of any other type it is not understood."""
    found = said.get(name, "")
    if not isinstance(found, str) or (name in said and not found):
        raise _NotUnderstood("evaluation:not_understood")
    return found
