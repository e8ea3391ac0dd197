"""The compiled policy: what an activation puts in force, and the one object the upper layers ask.

``compile_policy(policy_set)`` builds every partner's book over every dataset it may ever ask for, so that a
fault is found at activation and not at a request. The object it returns never changes; a new activation makes
a new one, memo and all.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from gateway import markings
from gateway.policy import admission
from gateway.policy.admission import Claims, Purpose
from gateway.policy.books import Book, compile_book, is_open
from gateway.policy.decide import FRESH, STEADY, Case, judge, obligations
from gateway.policy.decision import (
    Around,
    Credential,
    Decision,
    Effect,
    Facts,
    Gate,
    GateResult,
    LabelDoubt,
    Obligations,
    Outcome,
    RecipientKey,
    Subject,
    combine,
)
from gateway.policy.engine import probe_model
from gateway.policy.facts import NOTHING_AROUND, read_facts
from gateway.policy.memo import Calendar, Eras, Judged, Memo, Named, key_of, midnight
from gateway.policy.obligations import may_degrade
from gateway.policy.policyset import PolicySet
from gateway.policy.raising import passed
from gateway.policy.reasons import Reason
from gateway.policy.setwide import RowKind
from gateway.policy.shape import RecordShape
from gateway.policy.volume import Counter, Take, counters, ending, takes

_OPEN = tuple(GateResult(gate, Outcome.PASSED) for gate in FRESH)
"""What channel and hold say when they let go."""


@dataclass(frozen=True, slots=True)
class RolledUp:
    """The label of a whole, and its text as a banner line."""

    label: markings.Label
    banner: str


@dataclass(frozen=True, slots=True)
class _Ground:
    """What stays the same for every question of one partner about one dataset. ``reads`` is sorted."""

    book: Book
    calendar: Calendar
    profile: markings.Profile
    tightened: Mapping[str, RowKind]
    reads: tuple[str, ...]
    plain: bool


MEMO_LIMIT = 65_536
"""Most answers of the steady gates that one compiled policy remembers; about 1 KiB each."""


class CompiledPolicy:
    """One policy set in force. Pure but for its memo, which can change no answer."""

    def __init__(self, policy_set: PolicySet, memo_limit: int = MEMO_LIMIT) -> None:
        probe_model(policy_set.casbin_model)
        self.policy_set = policy_set
        self.digest = policy_set.digest
        self.tables: Mapping[str, str] = dict(policy_set.tables)
        self._books: dict[tuple[str, str], Book] = {
            (partner.code, dataset.dataset): compile_book(policy_set, partner, dataset)
            for partner in policy_set.partners.values()
            for dataset in policy_set.datasets.values()
        }
        self._calendars = {
            partner.code: Calendar(partner, policy_set.communities) for partner in policy_set.partners.values()
        }
        self._memo = Memo(memo_limit)
        self._named = Named(memo_limit or 1)
        self._eras = Eras(policy_set)
        self._labels: dict[tuple[str, str, date | None], markings.Label | LabelDoubt] = {}
        self._rolled: dict[tuple[str, frozenset[markings.Label]], RolledUp] = {}
        self._memo_limit = memo_limit
        self._grounds = {
            (partner, dataset): _ground(policy_set, book, self._calendars[partner])
            for (partner, dataset), book in self._books.items()
        }
        self._forbidden: dict[tuple[str, str], frozenset[str]] = {}
        self._reads = {
            dataset: frozenset(name for (_, of), book in self._books.items() if of == dataset for name in book.reads)
            for dataset in policy_set.datasets
        }
        self._shapes = {dataset: self._shape(dataset) for dataset in policy_set.datasets}

    def decide(
        self,
        subject: Subject,
        dataset: str,
        label: markings.Label | LabelDoubt,
        facts: Facts,
        purpose: str,
        at: datetime,
    ) -> Decision:
        """Whether this subject may have this record now, and what must be done to it first.

        ``at`` is an aware datetime; a naive one raises ``ValueError``. Nothing else raises: a partner or
        dataset that the set does not know is a denial like any other.
        """
        if at.tzinfo is not UTC:
            at = _aware(at)
        ground = self._grounds.get((subject.partner, dataset))
        if ground is None:
            unknown = Reason.DATASET_UNKNOWN if dataset not in self.policy_set.datasets else Reason.PARTNER_UNKNOWN
            return self._decision(tuple(GateResult(gate, Outcome.REFUSED, (str(unknown),)) for gate in Gate))
        case = Case(subject, ground.book, ground.profile, ground.tightened, label, facts, purpose, at)
        judged = self._steady(case, ground)
        duties = judged.obligations
        case.owes(duties)
        fresh = judge(case, FRESH)
        results = judged.results + fresh
        return Decision(
            effect=Effect.RELEASE if judged.opens and fresh == _OPEN else combine(results),
            gates=results,
            grants=judged.grants,
            obligations=duties,
            policy=self.digest,
            tables=self.tables,
            stays_true_until=_earliest(at, [ground.calendar.following(at), *_fresh_instants(case, duties)]),
        )

    def read_label(self, dataset: str, marking: str, day: date | None) -> markings.Label | LabelDoubt:
        """The label that a record's portion mark is, dated ``day``, under the dataset's profile; a mark that does not
        parse is a doubt. Remembered: a mark means the same as long as this policy is in force.
        """
        profile = self.profile(dataset)
        known = self._labels.get((profile.name, marking, day))
        if known is not None:
            return known
        read: markings.Label | LabelDoubt
        try:
            read = replace(markings.parse_portion(marking, profile), created=day)
        except markings.MarkingError:
            read = LabelDoubt(Reason.LABEL_UNPARSED)
        if len(self._labels) >= self._memo_limit:
            self._labels.clear()
        self._labels[profile.name, marking, day] = read
        self._named.hold(read, (profile.name, marking, self._eras.of(day)))
        return read

    def roll_up(self, dataset: str, labels: Iterable[markings.Label]) -> RolledUp:
        """The roll-up of labels under the dataset's profile, with its banner line. Remembered, like the labels; raises
        as :func:`gateway.markings.roll_up`, remembering nothing.
        """
        profile = self.profile(dataset)
        distinct = {id(label): label for label in labels}.values()  # the same few objects stand for many records
        key = (profile.name, frozenset(distinct))
        rolled = self._rolled.get(key)
        if rolled is None:
            label = markings.roll_up(key[1], profile)
            rolled = RolledUp(label, label.banner())
            if len(self._rolled) >= self._memo_limit:
                self._rolled.clear()
            self._rolled[key] = rolled
            self._named.hold(label)
        return rolled

    def admit(
        self,
        subject: Subject,
        dataset: str,
        purpose: str,
        at: datetime,
        stops: Iterable[str] = (),
        around: Around = NOTHING_AROUND,
    ) -> tuple[str, ...]:
        """What stands against this caller whatever the record: agreement, purpose, channel, stops, volume.

        Reasons as ``gate:code``, in gate order; empty when the caller may ask. These may be said to the
        partner.
        """
        at = _aware(at)
        book = self._books.get((subject.partner, dataset))
        if book is None:
            unknown = Reason.DATASET_UNKNOWN if dataset not in self.policy_set.datasets else Reason.PARTNER_UNKNOWN
            return (f"{Gate.AGREEMENT}:{unknown}",)
        no_label = LabelDoubt(Reason.NO_LABEL_TO_JUDGE)
        facts = Facts(stops=tuple(stops), usage=around.usage, emergencies=around.emergencies)
        case = self._case(subject, book, no_label, facts, purpose, at)
        return admission.against(case)

    def subject(
        self,
        partner: str,
        system: str,
        claims: Claims,
        credential: Credential,
        key: RecipientKey | None = None,
    ) -> Subject:
        """The calling system, its claims capped by the partner's file; raises :class:`CallerRefused`."""
        return admission.subject(self.policy_set, partner, system, claims, credential, key)

    def recipient(self, partner: str, at: datetime, thumbprint: str | None = None) -> RecipientKey | None:
        """The key that answers to this partner are sealed to at ``at`` (or the one asked for by
        thumbprint).
        """
        found = self.policy_set.partners.get(partner)
        return None if found is None else admission.recipient(found, _aware(at), thumbprint)

    def purpose(self, partner: str, dataset: str, claimed: str | None, system: str | None = None) -> Purpose:
        """The purpose of a request: the one claimed, within the agreement; else the dataset's single granted
        one.
        """
        return admission.purpose(self.policy_set, partner, dataset, claimed, system)

    def granted(self, partner: str, dataset: str, open_emergencies: Collection[str] = ()) -> bool:
        """Whether any grant of the partner speaks of the dataset; to others it does not exist unless
        announced. An emergency counts while it is open.
        """
        book = self._books.get((partner, dataset))
        tables = () if book is None else (grant.table for grant in book.grants)
        return any(table.lasts is None or table.id in open_emergencies for table in tables)

    def counters(self, partner: str, dataset: str) -> tuple[Counter, ...]:
        """What is counted of this partner's releases of the dataset."""
        book = self._books.get((partner, dataset))
        return () if book is None else counters(book)

    def takes(self, subject: Subject, dataset: str, at: datetime, records: int, *, first: bool) -> tuple[Take, ...]:
        """What handing over so many records takes from each counter; ``first`` for a release's first chunk."""
        return takes(self._books[subject.partner, dataset], subject, _aware(at), records, first=first)

    def reads(self, partner: str, dataset: str) -> frozenset[str]:
        """The facts that this partner's rules over the dataset read; nothing where either is not in the set."""
        book = self._books.get((partner, dataset))
        return frozenset() if book is None else book.reads

    def facts(
        self,
        dataset: str,
        values: Mapping[str, object],
        at: datetime,
        stops: Iterable[str] = (),
        around: Around = NOTHING_AROUND,
    ) -> Facts:
        """The facts that any partner's rules read of a record with these top-level fields, looked up as of
        ``at``.
        """
        file = self.policy_set.datasets[dataset]
        return read_facts(file, self._reads[dataset], values, self.policy_set.owners, _aware(at), stops, around)

    def shape(self, dataset: str) -> RecordShape:
        """Where things stand in the dataset's records."""
        return self._shapes[dataset]

    def _shape(self, dataset: str) -> RecordShape:
        file = self.policy_set.datasets[dataset]
        record = file.record
        return RecordShape(
            identifier=record.identifier,
            marking=record.marking,
            date=record.date,
            originator=record.originator,
            delay_from=record.delay_from,
            facts=frozenset(field for name in self._reads[dataset] for field in file.facts[name].from_)
            | file.compiled_fields,
            nested=record.nested,
            outer_speaks_for_itself=record.outer_speaks_for_itself,
            tle_line=record.tle_line,
            binding=record.binding,
            tear_line=record.tear_line,
        )

    def profile(self, dataset: str) -> markings.Profile:
        """The marking profile of a dataset, reading the set's own communities too."""
        return self.policy_set.profiles[self.policy_set.datasets[dataset].profile]

    def forbidden_parameters(self, partner: str, dataset: str) -> frozenset[str]:
        """What the partner may not filter or sort on: fields that any of its grants may degrade, and their
        parameters.

        A field inside a degraded one, and one that holds it, are forbidden with it.
        """
        known = self._forbidden.get((partner, dataset))
        if known is None:
            known = self._forbidden[partner, dataset] = _forbidden(self._books[partner, dataset])
        return known

    def _case(
        self,
        subject: Subject,
        book: Book,
        label: markings.Label | LabelDoubt,
        facts: Facts,
        purpose: str,
        at: datetime,
    ) -> Case:
        name = book.dataset.profile
        tightened = self.policy_set.settings.tighten.get(name, {})
        return Case(subject, book, self.policy_set.profiles[name], tightened, label, facts, purpose, at)

    def _steady(self, case: Case, ground: _Ground) -> Judged:
        """The seven gates that the memo may answer for."""
        label, at = case.label, case.at
        future = not isinstance(label, LabelDoubt) and label.created is not None and label.created > at.date()
        name, interval = self._named.name(label), ground.calendar.index(at)
        dataset = ground.book.dataset.dataset
        special = () if ground.plain else _special(ground.book, case.facts, at)
        key = key_of(case.subject, dataset, case.purpose, name, case.facts, ground.reads, interval, future, special)
        judged = self._memo.get(key)
        if judged is None:
            results = judge(case, STEADY)
            erred = any(result.outcome is Outcome.ERRED for result in results)
            grants, duties = ((), Obligations()) if erred else obligations(case)
            judged = Judged(results, grants, duties, combine(results + _OPEN) is Effect.RELEASE)
            if not erred:
                self._memo.put(key, judged)
        return judged

    def _decision(
        self,
        results: tuple[GateResult, ...],
        grants: tuple[str, ...] = (),
        duties: Obligations | None = None,
        until: datetime | None = None,
    ) -> Decision:
        return Decision(
            effect=combine(results),
            gates=results,
            grants=grants,
            obligations=duties or Obligations(),
            policy=self.digest,
            tables=self.tables,
            stays_true_until=until,
        )


def compile_policy(policy_set: PolicySet, memo_limit: int = MEMO_LIMIT) -> CompiledPolicy:
    """Compile a loaded set; raises :class:`gateway.policy.errors.PolicyError` when its casbin model is no
    good.
    """
    return CompiledPolicy(policy_set, memo_limit)


def _forbidden(book: Book) -> frozenset[str]:
    degraded = may_degrade(book.dataset, (grant.duties for grant in book.grants))
    query = book.dataset.query
    fields = degraded | {field for field in (*query.parameters.values(), *query.sortable) if _touches(field, degraded)}
    return fields | {name for name, field in query.parameters.items() if field in fields}


def _ground(policy_set: PolicySet, book: Book, calendar: Calendar) -> _Ground:
    name = book.dataset.profile
    tightened = policy_set.settings.tighten.get(name, {})
    special = book.dataset.compilation or book.emergencies or book.dataset.record.tear_line is not None
    reads = tuple(sorted(book.reads))
    return _Ground(book, calendar, policy_set.profiles[name], tightened, reads, not special)


def _special(book: Book, facts: Facts, at: datetime) -> Hashable:
    """What the steady gates read besides fields: which version it is, what is opened, what is counted."""
    return (
        facts.tear_line,
        facts.present,
        frozenset(rule.id for rule in book.dataset.compilation if passed(rule, facts)),
        frozenset(table.id for table in book.emergencies if is_open(table, facts, at)),
    )


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"an aware datetime was expected, not {at.isoformat()}")
    return at.astimezone(UTC)


def _fresh_instants(case: Case, duties: Obligations) -> list[datetime | None]:
    """The instants at which channel, hold and the label's own date can change the answer."""
    found: list[datetime | None] = []
    if not isinstance(case.label, LabelDoubt) and case.label.created is not None:
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


def _earliest(at: datetime, instants: Iterable[datetime | None]) -> datetime | None:
    return min((instant for instant in instants if instant is not None and instant > at), default=None)


def _touches(field: str, degraded: frozenset[str]) -> bool:
    return any(field == path or field.startswith(f"{path}.") or path.startswith(f"{field}.") for path in degraded)
