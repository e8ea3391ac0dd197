"""The compiled policy: what an activation puts in force, and the one object the upper layers ask.

``compile_policy(policy_set)`` builds every partner's book over every dataset it may ever ask for, so that a
fault is found at activation and not at a request. The object it returns never changes; a new activation makes
a new one, memo and all.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from gateway import markings
from gateway.policy import admission
from gateway.policy.admission import Claims, Purpose
from gateway.policy.books import Book, compile_book, is_open
from gateway.policy.dataset import CompilationTable, DatasetFile
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
    WitnessDemand,
)
from gateway.policy.engine import probe_model
from gateway.policy.facts import NOTHING_AROUND, read_facts
from gateway.policy.ground import Answered, Ground, Seal
from gateway.policy.memo import Calendar, Eras, Memo, Named, instants_of_tables
from gateway.policy.obligations import may_degrade
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.raising import compilations, judged_level
from gateway.policy.reasons import Reason
from gateway.policy.schemes import LONGEST_LABEL, Marked, PolicyLabels, PortionMarks, RolledUp, Scheme
from gateway.policy.shape import RecordShape
from gateway.policy.volume import Counter, Take, counters, takes
from gateway.policy.witnesses import strictest_witnessing

MEMO_LIMIT = 65_536
"""Most answers of the steady gates that one compiled policy remembers; about 1 KiB each."""


DOCUMENTS_LIMIT = 4_096
"""Most labels of security policies that one compiled policy remembers; each is a document of up to 8 KiB."""


class _Read:
    """Labels that were read, by profile, text and day, with numbers that stand for them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.labels: dict[tuple[str, str, date | None], Marked | LabelDoubt] = {}
        self.named = Named(limit or 1)


class CompiledPolicy:
    """One policy set in force. Pure but for its memo, which can change no answer."""

    def __init__(self, policy_set: PolicySet, memo_limit: int = MEMO_LIMIT) -> None:
        probe_model(policy_set.casbin_model)
        self.policy_set = policy_set
        self.digest = policy_set.digest
        self.tables: Mapping[str, str] = dict(policy_set.tables)
        self._schemes: dict[str, Scheme] = {
            **{name: PortionMarks(profile) for name, profile in policy_set.profiles.items()},
            **{name: PolicyLabels(policy) for name, policy in policy_set.policies.items()},
        }
        self._memo = Memo[Answered](memo_limit)
        self._eras = Eras(policy_set)
        marks, documents = _Read(memo_limit), _Read(min(memo_limit, DOCUMENTS_LIMIT))
        self._read = {**dict.fromkeys(policy_set.profiles, marks), **dict.fromkeys(policy_set.policies, documents)}
        self._rolled: dict[tuple[str, frozenset[Marked]], RolledUp] = {}
        self._memo_limit = memo_limit
        instants = instants_of_tables(policy_set)
        self._grounds = {
            (partner.code, dataset.dataset): self._ground(partner, dataset, calendar)
            for partner in policy_set.partners.values()
            for calendar in [Calendar(partner, instants)]
            for dataset in policy_set.datasets.values()
        }
        self._witnessed = frozenset(
            of for of, ground in self._grounds.items() if any(grant.duties.witnesses for grant in ground.book.grants)
        )
        self._forbidden: dict[tuple[str, str], frozenset[str]] = {}
        self._reads = {
            dataset: frozenset(
                name for (_, of), ground in self._grounds.items() if of == dataset for name in ground.book.reads
            )
            for dataset in policy_set.datasets
        }
        self._shapes = {dataset: self._shape(dataset) for dataset in policy_set.datasets}

    def decide(
        self,
        subject: Subject,
        dataset: str,
        label: Marked | LabelDoubt,
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
            gates = tuple(GateResult(gate, Outcome.REFUSED, (str(unknown),)) for gate in Gate)
            return Decision(Effect.WITHHOLD, gates, policy=self.digest, tables=self.tables)
        return ground.decide(subject, label, facts, purpose, at)

    def read_label(self, dataset: str, marking: str, day: date | None) -> Marked | LabelDoubt:
        """The label that a record's marking is, dated ``day``, under the dataset's profile; one that does not parse is
        a doubt. Remembered: a mark means the same as long as this policy is in force.
        """
        profile = self.policy_set.datasets[dataset].profile
        kept = self._read[profile]
        known = kept.labels.get((profile, marking, day))
        if known is not None:
            return known
        read: Marked | LabelDoubt
        try:
            read = self._schemes[profile].read(marking, day)
        except markings.MarkingError:
            read = LabelDoubt(Reason.LABEL_UNPARSED)
        if len(marking) <= LONGEST_LABEL:
            if len(kept.labels) >= kept.limit:
                kept.labels.clear()
            kept.labels[profile, marking, day] = read
            kept.named.hold(read, (profile, marking, self._eras.of(day)))
        return read

    def roll_up(self, dataset: str, labels: Iterable[Marked]) -> RolledUp:
        """The roll-up of labels under the dataset's profile, with its banner line; raises as
        :meth:`gateway.policy.schemes.Scheme.roll_up`. Remembered, like the labels, but for those of a security policy:
        each of them may be of a moment of its own, and then no two wholes are alike.
        """
        profile = self.policy_set.datasets[dataset].profile
        distinct = {id(label): label for label in labels}.values()  # the same few objects stand for many records
        if profile in self.policy_set.policies:
            return self._schemes[profile].roll_up(distinct)
        key = (profile, frozenset(distinct))
        rolled = self._rolled.get(key)
        if rolled is None:
            rolled = self._schemes[profile].roll_up(key[1])
            if len(self._rolled) >= self._memo_limit:
                self._rolled.clear()
            self._rolled[key] = rolled
            self._read[profile].named.hold(rolled.label)
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
        ground = self._grounds.get((subject.partner, dataset))
        if ground is None:
            unknown = Reason.DATASET_UNKNOWN if dataset not in self.policy_set.datasets else Reason.PARTNER_UNKNOWN
            return (f"{Gate.AGREEMENT}:{unknown}",)
        no_label = LabelDoubt(Reason.NO_LABEL_TO_JUDGE)
        facts = Facts(stops=tuple(stops), usage=around.usage, emergencies=around.emergencies)
        return admission.against(ground.case(subject, no_label, facts, purpose, at))

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

    def granted(
        self, partner: str, dataset: str, at: datetime | None = None, emergencies: Mapping[str, datetime] | None = None
    ) -> bool:
        """Whether any grant of the partner speaks of the dataset; to others it does not exist unless
        announced. An emergency counts while it is open at ``at``.
        """
        book = self._book(partner, dataset)
        tables = () if book is None else (grant.table for grant in book.grants)
        opened = emergencies or {}
        return any(table.lasts is None or (at is not None and is_open(table, opened, at)) for table in tables)

    def special(self, partner: str, dataset: str, around: Around, at: datetime) -> Hashable:
        """What a walk through the dataset depends on beside records, partner and time: what is opened, and which
        compilations that count records are complete.
        """
        return self._grounds[partner, dataset].special(Facts(usage=around.usage, emergencies=around.emergencies), at)

    def witnesses(self, partner: str, dataset: str, duties: Iterable[Obligations] | None) -> frozenset[WitnessDemand]:
        """What an answer demands of witnesses, where these are the obligations of what goes: what agreement and dataset
        demand of every answer, and the grants by which something goes. ``None``: all that any grant demands.
        """
        if (partner, dataset) not in self._witnessed:
            return frozenset()
        book = self._grounds[partner, dataset].book
        asked = (grant.duties for grant in book.grants) if duties is None else duties
        demands = {demand for each in asked for demand in each.witnesses}
        return strictest_witnessing(book.witnesses | demands)

    def counters(self, partner: str, dataset: str) -> tuple[Counter, ...]:
        """What is counted of this partner's releases of the dataset."""
        book = self._book(partner, dataset)
        return () if book is None else counters(book)

    def unused(self, partner: str, dataset: str, around: Around = NOTHING_AROUND) -> Around:
        """The same surroundings, with each counter of which nothing is said counting as unused: for questions that are
        asked of a set and not of a gateway.
        """
        zeros = {counter.name: 0 for counter in self.counters(partner, dataset)}
        return replace(around, usage={**zeros, **around.usage})

    def compilations(
        self, partner: str, dataset: str, facts: Facts, duties: Obligations
    ) -> tuple[CompilationTable, ...]:
        """The compilations that a record with these facts would complete, for an explanation."""
        book = self._book(partner, dataset)
        return () if book is None else compilations(book, facts, duties)

    def level(self, partner: str, dataset: str, label: Marked, facts: Facts, duties: Obligations) -> int | None:
        """The level that a record is judged at, compilations counted; ``None`` where the agreement does not map it."""
        level, mapped = judged_level(self._grounds[partner, dataset].book, label, facts, duties)
        return level if mapped else None

    def takes(self, subject: Subject, dataset: str, at: datetime, records: int, *, first: bool) -> tuple[Take, ...]:
        """What handing over so many records takes from each counter; ``first`` for a release's first chunk."""
        return takes(self._grounds[subject.partner, dataset].book, subject, _aware(at), records, first=first)

    def reads(self, partner: str, dataset: str) -> frozenset[str]:
        """The facts that this partner's rules over the dataset read; nothing where either is not in the set."""
        book = self._book(partner, dataset)
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
            fields=file.fields.listed(),
        )

    def scheme(self, dataset: str) -> Scheme:
        """How a dataset's labels are read; what the set's own communities are is part of it."""
        return self._schemes[self.policy_set.datasets[dataset].profile]

    def forbidden_parameters(self, partner: str, dataset: str) -> frozenset[str]:
        """What the partner may not filter or sort on: fields that any of its grants may degrade, and their
        parameters.

        A field inside a degraded one, and one that holds it, are forbidden with it.
        """
        known = self._forbidden.get((partner, dataset))
        if known is None:
            known = self._forbidden[partner, dataset] = _forbidden(self._grounds[partner, dataset].book)
        return known

    def _book(self, partner: str, dataset: str) -> Book | None:
        ground = self._grounds.get((partner, dataset))
        return None if ground is None else ground.book

    def _ground(self, partner: Partner, dataset: DatasetFile, calendar: Calendar) -> Ground:
        policy_set, name = self.policy_set, dataset.profile
        return Ground(
            Seal(self.digest, self.tables),
            compile_book(policy_set, partner, dataset),
            calendar,
            policy_set.policies[name] if name in policy_set.policies else policy_set.profiles[name],
            policy_set.settings.tighten.get(name, {}),
            self._memo,
            self._read[name].named,
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


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"an aware datetime was expected, not {at.isoformat()}")
    return at.astimezone(UTC)


def _touches(field: str, degraded: frozenset[str]) -> bool:
    return any(field == path or field.startswith(f"{path}.") or path.startswith(f"{field}.") for path in degraded)
