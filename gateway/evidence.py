"""What an audit entry says about a request: the leaf its partner may hold, and the private part auditors read.

The private part holds all that a decision was made from (subject, purpose, instant, policy and table digests, and for
each record its marking, date, facts and doubts as received), so that every decision can be made again from its entry
(:mod:`gateway.replay`). It never holds content, tokens or keys, and identifiers of records are stored keyed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway import __version__
from gateway.admission import Approach
from gateway.asking import Ask
from gateway.audit.demands import FIELD, Demand, Demands, short, to_json
from gateway.audit.entry import Draft, Event, Json, Recorded, RecordRow, Taking
from gateway.audit.observed import said_of
from gateway.audit.spelling import as_kept
from gateway.batch import Batch, Content
from gateway.identity.caller import Caller
from gateway.judging import Case, Evidence
from gateway.markings import Label, Level
from gateway.policy.decision import Effect, Obligations
from gateway.policy.levels import stated_level
from gateway.policy.replay import (
    emergencies_to_json,
    facts_to_json,
    obligations_to_json,
    subject_to_json,
    usage_to_json,
)
from gateway.policy.schemes import LONGEST_LABEL, Marked
from gateway.refusals import Refused
from gateway.transforming import Picked

_JWS = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

STEPS = ("authenticate", "fetch-label-decide-transform", "check", "seal")
"""The timed steps; recording and responding come after the entry is made."""


LISTED_VALUES = 16
"""Most identifiers of one query parameter that are kept each by itself; a longer list is kept as one value."""

UNLISTED_NAMES = 32
"""Most names of unlisted fields that an entry keeps; the others are counted together."""
_FIELD_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,3}")
_OTHER_NAMES = "(other)"

NATION_LETTERS = 3
"""Letters of a nation's code; a longer code in a release list is a community's."""


@dataclass(slots=True)
class Notes:
    """What is known of a request so far; filled in as the pipeline goes.

    ``keyed`` gives a record's identifier as the log stores it. ``identifying`` are the parameters whose values are such
    identifiers; ``None`` while no policy set says so, and then any value might be one.
    ``auditor`` is one who asked for what auditors may have, and got nothing. ``chunks`` are recorded, and ``is_open``
    says that more must follow. ``writing`` is a chunk's entry that is being written, and who will say whether it was.
    """

    ask: Ask
    release: str
    at: datetime
    keyed: Callable[[str], str]
    identifying: frozenset[str] | None = None
    caller: Caller | None = None
    auditor: str | None = None
    approach: Approach | None = None
    chunks: int = 0
    is_open: bool = False
    writing: tuple[Draft, asyncio.Future[Recorded]] | None = None
    timing: dict[str, int] = field(default_factory=dict)
    _since: int = field(default_factory=time.perf_counter_ns)

    def step_done(self, step: str) -> None:
        """Note how long a step took, in whole microseconds; a step that is taken again adds to it."""
        now = time.perf_counter_ns()
        self.timing[step] = self.timing.get(step, 0) + (now - self._since) // 1000
        self._since = now

    def chunk_done(self, *, last: bool) -> None:
        """Note that a chunk is recorded; the next one's steps are timed anew."""
        self.chunks += 1
        self.is_open = not last
        self.writing = None
        self.timing.clear()
        self._since = time.perf_counter_ns()

    @property
    def partner(self) -> str:
        """Whose entry it is; empty while nobody is identified."""
        return self.caller.partner if self.caller is not None else ""


def release_draft(notes: Notes, batch: Batch, content: Content, sealed: bytes | None) -> Draft:
    """The entry of one chunk that is about to leave; ``sealed`` are the bytes that will, ``None`` if unsealed."""
    admitted = batch.admitted
    return Draft(
        Event.RELEASE,
        admitted.case.at,
        "released",
        partner=notes.partner,
        request=notes.ask.request,
        release=notes.release,
        chunk=batch.number,
        last=batch.last,
        content=hashlib.sha256(content.body).digest(),
        sealed=None if sealed is None else hashlib.sha256(sealed).digest(),
        key="" if sealed is None else admitted.key.thumbprint,
        released=len(batch.going),
        records=_rows(batch),
        takes=_takes(batch),
        private={
            **_about_request(notes),
            **_about_case(admitted.case),
            **_about_batch(batch, went=True),
            "label": content.label,
            **_about_witnesses(demanded(batch)),
        },
    )


def _about_witnesses(demands: Demands) -> dict[str, Json]:
    return {FIELD: to_json(demands)} if demands else {}


def demanded(batch: Batch) -> Demands:
    """What the entry of this chunk demands of witnesses, by the policy that it was judged under."""
    duties = None if batch.counted else [picked.judged.decision.obligations for picked in batch.going]
    return demands_of(batch.admitted.case, duties)


def demands_of(case: Case, duties: Iterable[Obligations] | None) -> Demands:
    """What an entry demands of witnesses, where these are the obligations of what goes; ``None``: of any grant."""
    keys = case.policy.policy_set.settings.witnesses
    return frozenset(
        Demand(each.quorum, frozenset(short(keys[name]) for name in each.of))
        for each in case.policy.witnesses(case.subject.partner, case.dataset, duties)
    )


def _takes(batch: Batch) -> tuple[Taking, ...]:
    """What handing the chunk over takes of what the partner may have."""
    case = batch.admitted.case
    takes = case.policy.takes(case.subject, case.dataset, case.at, len(batch.going), first=batch.number == 0)
    return tuple(Taking(take.counter, take.since, take.amount, take.most) for take in takes)


def refusal_draft(notes: Notes, refusal: Refused, batch: Batch | None) -> Draft:
    """The entry of a request that was refused, or of the chunk at which a release ended."""
    about_case = {} if notes.approach is None else _about_case(notes.approach.case)
    about_batch = {} if batch is None else _about_batch(batch, went=False)
    said: dict[str, Json] = {"status": refusal.problem.status, "detail": refusal.detail[:2000]}
    return Draft(
        Event.RELEASE,
        notes.at,
        refusal.code,
        partner=notes.partner,
        request=notes.ask.request,
        release=notes.release,
        chunk=notes.chunks,
        records=() if batch is None else _rows(batch, going=Effect.WITHHOLD),
        private={**_about_request(notes), **about_case, **about_batch, **said},
    )


def interrupted_draft(notes: Notes) -> Draft:
    """The entry that closes a release whose receiver went away before its last chunk."""
    return Draft(
        Event.INTERRUPTED,
        notes.at,
        "interrupted",
        partner=notes.partner,
        request=notes.ask.request,
        release=notes.release,
        chunk=notes.chunks,
        private=_about_request(notes),
    )


def _about_request(notes: Notes) -> dict[str, Json]:
    ask, caller = notes.ask, notes.caller
    about: dict[str, Json] = {
        "gateway": __version__,
        "operation": ask.operation.value,
        "path": ask.path[:256],
        "query": [[name[:64], _asked(name, value, notes)] for name, value in ask.query[:64]],
        "timing_us": dict(notes.timing),
        "traceparent": ask.traceparent,
        **said_of(ask.peer),
    }
    if notes.auditor is not None:
        about["by"] = notes.auditor
    if caller is not None:
        about["caller"] = {
            "system": caller.system,
            "jti": caller.jti,
            "key": caller.key,
            "credential": caller.credential.name.lower(),
        }
    return about


def _asked(name: str, value: str, notes: Notes) -> str:
    """A query's value as the entry keeps it: identifiers of records keyed, each of a list by itself."""
    if notes.identifying is not None and name not in notes.identifying:
        return _without_tokens(value)[:512]
    parts = value.split(",")
    return ",".join(notes.keyed(part.strip()) for part in (parts if len(parts) <= LISTED_VALUES else [value]))


def _without_tokens(value: str) -> str:
    """A query's value; a token in it (RFC 6750 section 2.3, which is not taken here) is not kept."""
    return _JWS.sub("[token]", value)


def _about_case(case: Case) -> dict[str, Json]:
    return {
        "dataset": case.dataset,
        "purpose": case.purpose,
        "at": case.at.isoformat(),
        "policy": case.policy.digest,
        "tables": dict(case.policy.tables),
        "subject": subject_to_json(case.subject),
        "stops": [str(stop) for stop in case.standing.stops],
        **usage_to_json(case.around.usage),
        **emergencies_to_json(case.around.emergencies),
    }


def _about_batch(batch: Batch, *, went: bool) -> dict[str, Json]:
    why = _counted(reason for picked in batch.stayed for reason in picked.judged.reasons)
    for (_, reasons), number in batch.summed.items():
        for reason in dict.fromkeys(reasons):
            why[reason] = why.get(reason, 0) + number
    summed = batch.summed.total()
    grants = _counted(grant for picked in batch.going for grant in picked.judged.decision.grants)
    return {
        "released": len(batch.going) if went else 0,
        "withheld": len(batch.stayed) + summed + (0 if went else len(batch.going)),
        "summed": summed,
        "counted": batch.counted,
        "level": _highest(batch) if went else "",
        "by_label": _by_label(batch, went=went),
        "by_grant": grants if went else {},
        "why_withheld": why,
        "redacted": _counted(path for picked in batch.going for path in picked.cut.redacted),
        "rounded": _counted(path for picked in batch.going for path in picked.cut.rounded),
        "unlisted": _unlisted(batch),
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name stands there; a Counter costs more than most answers have to count."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _unlisted(batch: Batch) -> dict[str, Json]:
    """How many records had a field that the dataset does not list. A source chooses the names: one that is no plain
    name, or one too many, is counted and not kept, since an entry holds no content.
    """
    found = Counter(path for picked in batch.going for path in picked.cut.unlisted)
    if not found:
        return {}
    named = Counter({path: count for path, count in found.items() if _FIELD_PATH.fullmatch(path)})
    kept = dict(named.most_common(UNLISTED_NAMES))
    rest = found.total() - sum(kept.values())
    return {**kept, **({_OTHER_NAMES: rest} if rest else {})}


def _by_label(batch: Batch, *, went: bool) -> list[Json]:
    """What became of the records of each marking, as it was received; a marking that was missing is ``""``.

    ``level`` is the level's portion mark, ``""`` where the marking could not be read.
    """
    counted: dict[str, Counter[str]] = {}
    said: dict[str, dict[str, Json]] = {}
    for picked in (*batch.going, *batch.stayed):
        marking = _clip(picked.judged.evidence.marking) or ""
        counts = counted.setdefault(marking, Counter())
        goes = went and picked.permitted
        counts["released" if goes else "withheld"] += 1
        counts["redacted"] += goes and bool(picked.cut.redacted or picked.cut.rounded)
        if picked.judged.labels:
            own = picked.judged.labels[0]
            listed = own.rel_to if isinstance(own, Label) else None
            communities = sorted(code for code in listed or () if len(code) > NATION_LETTERS)
            said[marking] = {"level": _level(batch, own), "communities": communities}
    for (marking, _), number in batch.summed.items():
        counted.setdefault(_clip(marking) or "", Counter())["withheld"] += number
    unread: dict[str, Json] = {"level": "", "communities": []}
    return [
        {
            "label": marking,
            **said.get(marking, unread),
            **{name: counts[name] for name in ("released", "withheld", "redacted")},
        }
        for marking, counts in counted.items()
    ]


def _highest(batch: Batch) -> str:
    """The highest level among the labels of what goes, inner ones included: the level of the roll-up."""
    distinct = {id(label): label for picked in batch.going for label in picked.judged.labels}.values()
    levels = {_level(batch, label) for label in distinct} - {""}
    return max(Level[name] for name in levels).name if levels else ""


def _level(batch: Batch, label: Marked) -> str:
    """The portion mark of a label's level; ``""`` for a security policy's classification that no agreement maps."""
    case = batch.admitted.case
    level = stated_level(case.policy.policy_set.partners[case.subject.partner].levels, label)
    return "" if level is None else level.name


def _rows(batch: Batch, going: Effect = Effect.RELEASE) -> tuple[RecordRow, ...]:
    rows = [_row(picked, going) for picked in batch.going]
    return (*rows, *(_row(picked, Effect.WITHHOLD) for picked in batch.stayed))


def _row(picked: Picked, effect: Effect) -> RecordRow:
    judged = picked.judged
    detail: dict[str, Json] = {
        **shown_to_json(judged.evidence),
        "reasons": list(judged.reasons),
        "grants": list(judged.decision.grants),
        "obligations": obligations_to_json(judged.decision.obligations),
    }
    if judged.permitted:
        detail |= {"redacted": list(picked.cut.redacted), "rounded": list(picked.cut.rounded)}
    waits = picked.waiting
    if waits is not None:
        detail["review"] = {"item": waits.item, "content": waits.content, "named": waits.named}
    digest = hashlib.sha256(picked.cut.raw).digest() if effect is Effect.RELEASE else None
    identifier = picked.view.identifier
    return RecordRow(None if identifier is None else as_kept(identifier), effect.value, digest, detail)


def shown_to_json(shown: Evidence) -> Mapping[str, Json]:
    """Evidence as an entry holds it; a marking too long to be one is cut where no profile reads on."""
    return {
        "marking": _clip(shown.marking),
        "day": None if shown.day is None else shown.day.isoformat(),
        "nested": [[path[:256], _clip(marking)] for path, marking in shown.nested],
        "doubts": list(shown.doubts),
        "facts": facts_to_json(shown.facts),
    }


def _clip(marking: str | None) -> str | None:
    return None if marking is None else marking[: LONGEST_LABEL + 1]
