"""Make a past decision again, from its audit entry and the policy set that the log keeps, and compare.

An entry holds all that its decisions were made from; the set and its tables are in the log's store by their digest. So
anybody who may read the private part can ask: would the same question, under that policy, at that instant, be answered
in the same way? A difference means that the entry was altered, or that the code that decides has changed its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast

from gateway.activation.running import stored_set
from gateway.admission import against
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import Event
from gateway.audit.orders import Standing, Stop, StopKind
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry, StoredRow
from gateway.judging import Case, Evidence, judge
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.decision import Around, Effect
from gateway.policy.reasons import Reason
from gateway.policy.replay import (
    emergencies_from_json,
    facts_from_json,
    obligations_to_json,
    subject_from_json,
    usage_from_json,
)

CALLER_CODES = frozenset(
    {
        Reason.AGREEMENT_NOT_YET_IN_FORCE,
        Reason.AGREEMENT_EXPIRED,
        Reason.AGREEMENT_CONDITION_LAPSED,
        Reason.DATASET_NOT_COVERED,
        Reason.PURPOSE_NOT_AGREED,
        Reason.KEY_MISSING,
        Reason.KEY_NOT_REGISTERED,
        Reason.KEY_NOT_YET_VALID,
        Reason.KEY_EXPIRED,
        Reason.KEY_REVOKED,
        Reason.CREDENTIAL_TOO_WEAK,
        Reason.STOPPED,
        Reason.VOLUME_EXHAUSTED,
    }
)
"""Outcomes of an entry that an admission decided."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise: the entry, the row (``None``: the admission), what, then and now."""

    index: int
    row: int | None
    what: str
    then: str
    now: str


@dataclass(slots=True)
class Replayed:
    """What a replay found: how many decisions were made again, and each that differs. Of ``bodiless`` releases not all
    could be made again, since retention removed their rows or all that was private.
    """

    entries: int = 0
    decisions: int = 0
    bodiless: int = 0
    differences: list[Difference] = field(default_factory=list)


class Replayer:
    """Replays entries of one log; keeps each policy set it has compiled."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self._policies: dict[str, CompiledPolicy] = {}

    def replay(self, entry: StoredEntry, found: Replayed) -> None:
        """Make every decision of one entry again; an entry that decided nothing is passed over.

        Raises:
            LookupError: the log's store lacks the policy set that decided.
            ReplayError: the entry does not hold what a decision needs.
        """
        found.bodiless += entry.leaf.event == Event.RELEASE and entry.lacks is not None
        if entry.leaf.event != Event.RELEASE or "subject" not in entry.private:
            return
        case = self._case(entry.private)
        found.entries += 1
        found.decisions += 1
        found.differences += _tables(entry, case)
        found.differences += _admission(entry, case)
        for number, row in enumerate(entry.rows):
            found.decisions += 1
            changed = _row(row, case, entry.leaf.outcome)
            found.differences += [Difference(entry.index, number, *each) for each in changed]

    def _case(self, private: Mapping[str, PlainJson]) -> Case:
        digest = str(private["policy"])
        if digest not in self._policies:
            self._policies[digest] = compile_policy(stored_set(self._log, digest))
        return Case(
            self._policies[digest],
            Standing(stops=tuple(_stops(private))),
            subject_from_json(cast("Mapping[str, PlainJson]", private["subject"])),
            str(private["dataset"]),
            str(private["purpose"]),
            datetime.fromisoformat(str(private["at"])),
            Around(usage_from_json(private), emergencies_from_json(private)),
        )


def _stops(private: Mapping[str, PlainJson]) -> Iterator[Stop]:
    """The stops that stood then, by kind and subject; who set them and why is in their own entries."""
    at = datetime.fromisoformat(str(private["at"]))
    for name in cast("Sequence[str]", private["stops"]):
        kind, _, subject = name.partition(":")
        yield Stop(StopKind(kind), subject, "", "", at)


def _tables(entry: StoredEntry, case: Case) -> Iterator[Difference]:
    """The tables that this version does not have as they were then: what follows was decided from others. What they
    said is in the log's store by the digest.
    """
    said = cast("Mapping[str, str]", entry.private["tables"])
    for name in sorted(said.keys() | case.policy.tables.keys()):
        then, now = said.get(name, "none"), case.policy.tables.get(name, "none")
        if then != now:
            yield Difference(entry.index, None, f"table {name}", then, now)


def _admission(entry: StoredEntry, case: Case) -> list[Difference]:
    reasons = [reason.partition(":")[2] for reason in against(case)]
    now = reasons[0] if reasons else "admitted"
    then = entry.leaf.outcome if entry.leaf.outcome in CALLER_CODES else "admitted"
    return [] if now == then else [Difference(entry.index, None, "admission", then, now)]


def _row(row: StoredRow, case: Case, outcome: str) -> Iterator[tuple[str, str, str]]:
    detail = row.detail
    judged = judge(case, shown_evidence(detail), case.policy.shape(case.dataset))
    effect = Effect.RELEASE if judged.permitted else Effect.WITHHOLD
    # A release that was refused as a whole (by the checker, or by its roll-up) let nothing of it go.
    went = outcome == "released"
    yield from _differ("effect", row.effect, effect.value if went else Effect.WITHHOLD.value)
    yield from _differ("reasons", _said(detail["reasons"]), _said(list(judged.reasons)))
    yield from _differ("grants", _said(detail["grants"]), _said(list(judged.decision.grants)))
    duties = obligations_to_json(judged.decision.obligations)
    yield from _differ("obligations", _said(detail["obligations"]), _said(cast("PlainJson", duties)))


def shown_evidence(detail: Mapping[str, PlainJson]) -> Evidence:
    """What an entry's row holds of the record it speaks of; raises ``ReplayError``."""
    day = detail["day"]
    nested = cast("Sequence[tuple[str, str | None]]", detail["nested"])
    return Evidence(
        cast("str | None", detail["marking"]),
        None if day is None else date.fromisoformat(str(day)),
        tuple((path, marking) for path, marking in nested),
        tuple(cast("Sequence[str]", detail["doubts"])),
        facts_from_json(cast("Mapping[str, PlainJson]", detail["facts"])),
    )


def _said(value: PlainJson) -> str:
    return json.dumps(value, sort_keys=True)


def _differ(what: str, then: str, now: str) -> Iterator[tuple[str, str, str]]:
    if then != now:
        yield what, then, now
