"""One partner and one dataset under one compiled policy: their questions answered, and what the steady gates said kept.

The rules of this file:

1. The seven steady gates are asked once for each different question; :mod:`gateway.policy.memo` says what makes
   questions different and why an answer may be kept.
2. Channel and hold are asked at every question, whatever is kept.
3. The whole decision that was made while both of them let go is given out again, instead of being put together anew,
   only when both have let go again, for the same recipient key. It says the same as a new one: its instants lie in the
   same interval, and while the channel is open each of the key's own dates lies on the same side of ``at``. It is
   always put together anew where anything else plays a part in it: a delay, a human release, a volume, a compilation,
   a tear line, an emergency, a level from which the channel must be stronger, a label whose date is still to come, or
   one of a security policy, which has instants of its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway import markings
from gateway.policy.books import Book, is_open
from gateway.policy.decide import FRESH, STEADY, Case, judge, lets_go, never_counts, obligations
from gateway.policy.decision import (
    Decision,
    Facts,
    LabelDoubt,
    Obligations,
    Outcome,
    RecipientKey,
    Subject,
    combine,
)
from gateway.policy.memo import Calendar, Judged, Memo, Named, key_of, midnight
from gateway.policy.raising import passed
from gateway.policy.schemes import Marked
from gateway.policy.setwide import RowKind
from gateway.policy.spifgates import STEADY_UNDER_POLICY
from gateway.policy.volume import counters, ending

_OWED_LIMIT = 256
"""Most different obligations of one partner over one dataset that are kept."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What every decision of a compiled policy carries: its digest, and those of its tables by name."""

    policy: str
    tables: Mapping[str, str]


@dataclass(slots=True)
class Answered:
    """What is kept of one question. ``made`` is rule 3's decision, with the key that it was made for."""

    judged: Judged
    made: tuple[RecipientKey | None, Decision] | None = None


class Ground:
    """What stays the same for every question of one partner about one dataset. Pure but for what it keeps, which can
    change no answer.
    """

    def __init__(
        self,
        seal: Seal,
        book: Book,
        calendar: Calendar,
        profile: markings.Profile | markings.SpifPolicy,
        tightened: Mapping[str, RowKind],
        memo: Memo[Answered],
        named: Named,
    ) -> None:
        self.book = book
        self._seal = seal
        self._partner = book.partner
        self._calendar = calendar
        self._profile = profile
        self._tightened = tightened
        self._reads = tuple(sorted(book.reads))
        self._plain = not (book.dataset.compilation or book.emergencies or book.dataset.record.tear_line is not None)
        self._under_policy = not isinstance(profile, markings.Profile)
        self._keeps = self._plain and never_counts(book) and not self._under_policy
        self._owed: dict[Hashable, Obligations] = {}
        self._memo = memo
        self._named = named

    def case(self, subject: Subject, label: Marked | LabelDoubt, facts: Facts, purpose: str, at: datetime) -> Case:
        """The question as gates see it."""
        return Case(subject, self.book, self._profile, self._tightened, label, facts, purpose, at)

    def decide(
        self, subject: Subject, label: Marked | LabelDoubt, facts: Facts, purpose: str, at: datetime
    ) -> Decision:
        """Answer one question. ``at`` is in UTC."""
        future = label.__class__ is markings.Label and label.created is not None and label.created > at.date()
        name, interval = self._named.name(label), self._calendar.index(at)
        special = () if self._plain else self.special(facts, at)
        if self._under_policy:
            made = isinstance(label, markings.SecurityLabel) and label.created <= at
            special = (special, subject.system, made)
        key = key_of(self, subject, purpose, name, facts, self._reads, interval, future, special)
        known = self._memo.get(key)
        if known is None:
            kept = not self._under_policy or name is not label  # a document that is not held is not kept either
            known = self._judge(self.case(subject, label, facts, purpose, at), key if kept else None)
        if known.made is not None:
            for_key, decision = known.made
            same = for_key is subject.key or for_key == subject.key
            if same and lets_go(subject, self._partner, facts, at):
                return decision
        return self._put_together(self.case(subject, label, facts, purpose, at), known, keep=self._keeps and not future)

    def special(self, facts: Facts, at: datetime) -> Hashable:
        """What the steady gates read besides fields, where a dataset has any of it."""
        return () if self._plain else _special(self.book, facts, at)

    def _judge(self, case: Case, key: object) -> Answered:
        """Ask the seven steady gates."""
        results = judge(case, STEADY_UNDER_POLICY if self._under_policy else STEADY)
        erred = any(result.outcome is Outcome.ERRED for result in results)
        grants, duties = ((), Obligations()) if erred else obligations(case)
        answered = Answered(Judged(results, grants, self._same(grants, duties)))
        if not erred and key is not None:
            self._memo.put(key, answered)
        return answered

    def _same(self, grants: tuple[str, ...], duties: Obligations) -> Obligations:
        """One object for what is the same, so that whatever is worked out of it (a cutting plan) is so once."""
        if len(self._owed) >= _OWED_LIMIT:
            self._owed.clear()
        known = self._owed.setdefault((grants, duties.review), duties)
        return known if known == duties else duties

    def _put_together(self, case: Case, known: Answered, *, keep: bool) -> Decision:
        """Ask channel and hold, and make the decision of all nine; ``keep`` it where rule 3 lets it be kept."""
        judged, duties = known.judged, known.judged.obligations
        case.owes(duties)
        fresh = judge(case, FRESH)
        results = judged.results + fresh
        decision = Decision(
            effect=combine(results),
            gates=results,
            grants=judged.grants,
            obligations=duties,
            policy=self._seal.policy,
            tables=self._seal.tables,
            stays_true_until=_earliest(case.at, [self._calendar.following(case.at), *_fresh_instants(case, duties)]),
        )
        if keep and not duties.delay and duties.review is None and all(result.passed for result in fresh):
            known.made = (case.subject.key, decision)
        return decision


def _fresh_instants(case: Case, duties: Obligations) -> list[datetime | None]:
    """The instants at which channel, hold and the label's own date can change the answer."""
    found: list[datetime | None] = []
    if isinstance(case.label, markings.SecurityLabel):
        found.append(case.label.created)
    elif not isinstance(case.label, LabelDoubt) and case.label.created is not None:
        found.append(midnight(case.label.created))
    key = case.subject.key
    for held in (key, *(each.recipient for each in case.book.partner.recipient_keys)):
        if held is not None and key is not None and held.thumbprint == key.thumbprint:
            found += [held.not_before, held.expires]
    if case.facts.delay_from is not None and duties.delay:
        found.append(case.facts.delay_from + duties.delay)
    found += (ending(counter.per, case.at) for counter in counters(case.book))
    for table in case.book.emergencies:
        opened = case.facts.emergencies.get(table.id)
        if opened is not None and table.lasts is not None:
            found += [opened, opened + table.lasts]
    return found


def _special(book: Book, facts: Facts, at: datetime) -> Hashable:
    """What the steady gates read besides fields: which version it is, what is opened, what is counted."""
    return (
        facts.tear_line,
        facts.present,
        frozenset(rule.id for rule in book.dataset.compilation if passed(rule, facts)),
        frozenset(table.id for table in book.emergencies if is_open(table, facts.emergencies, at)),
    )


def _earliest(at: datetime, instants: Iterable[datetime | None]) -> datetime | None:
    return min((instant for instant in instants if instant is not None and instant > at), default=None)
