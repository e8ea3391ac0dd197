"""The review queue: records that wait for a human release, and what officers decide about them.

Rules.

1. The queue is worked out of the log: what waits is what the entries of the last days withheld for that alone. So
   nothing is lost by a crash and nothing can be put in by hand, and asking for a record twice gives one item.
2. An item is shown and decided only as long as a release would let the record go, under the policy set in force; it
   leaves the queue when its time has passed since it was last asked for, and comes back when it is asked for again.
3. An approval stays within its officer's delegation (:func:`against`): nation, level, categories, time; and within what
   the partner's file redelegates. It names one content, one partner, one purpose and the marking that results.
4. Where two officers are asked for, they are two.
5. A refusal ends every approval of the item, and the item stays refused for as long as it would have waited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from gateway.activation.orders import Order
from gateway.activation.running import Force
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import Draft, Event, Json
from gateway.audit.log import AuditLog
from gateway.audit.orders import Approve, Withhold, stamp
from gateway.audit.search import Criteria
from gateway.audit.stored import StoredEntry, StoredRow
from gateway.audit.terms import Kind, Term
from gateway.identity.officers import Officer
from gateway.judging import Case
from gateway.policy.decision import Around, PartnerKind, Review
from gateway.policy.grants import REVIEW_LIMIT
from gateway.policy.reasons import Reason
from gateway.policy.replay import emergencies_from_json, subject_from_json, usage_from_json
from gateway.replay import shown_evidence
from gateway.reviewing import if_released, in_force

BY_MARKING = Review(persons=1, tell=False, within=timedelta(days=3))
"""What holds for a record that waits by its marking alone, where no grant says more."""


@dataclass(frozen=True, slots=True)
class Item:
    """A record that waits. ``result`` is the marking that a release would leave; ``facts`` are those the rules read.

    ``identifier`` is empty where this gateway cannot read it any more. ``given`` are the officers who have approved.
    ``asked`` is the index of the entry that last withheld it, at ``last_asked``.
    """

    item: str
    partner: str
    dataset: str
    purpose: str
    system: str
    identifier: str
    content: str
    marking: str
    result: str
    level: int
    categories: tuple[str, ...]
    nation: str
    facts: Mapping[str, PlainJson]
    grants: tuple[str, ...]
    policy: str
    review: Review
    asked: int
    last_asked: datetime
    given: tuple[str, ...] = ()

    @property
    def expires(self) -> datetime:
        """When it leaves the queue, unless it is asked for again."""
        return self.last_asked + self.review.within


class ReviewRefused(Exception):
    """An officer may not decide this, or there is nothing to decide; nothing changed. ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ReviewQueue:
    """The queue of one log, under what is in force at one moment; of one ``partner`` alone, where one is named."""

    def __init__(self, log: AuditLog, force: Force, at: datetime, partner: str = "") -> None:
        self._log = log
        self._force = force
        self._at = at
        self._whose = frozenset({Term(Kind.PARTNER, partner)} if partner else ())

    def waiting(self) -> tuple[Item, ...]:
        """Everything that waits, the longest first."""
        found: dict[str, Item] = {}
        refused = self._refused()
        for entry in self._entries():
            for row in entry.rows:
                said = row.detail.get("review")
                if not isinstance(said, dict) or str(said.get("item")) in found:
                    continue
                item = self._item(entry, row, said)
                if item is None or self._at >= item.expires:
                    continue
                last = refused.get(item.item)
                if last is None or self._at >= last + item.review.within:
                    found[item.item] = item
        return tuple(sorted(found.values(), key=lambda item: (item.last_asked, item.item)))

    def find(self, name: str) -> Item:
        """The item of this name, or of which this is the beginning. Raises :class:`ReviewRefused`."""
        found = [item for item in self.waiting() if item.item.startswith(name)] if name else []
        if len(found) != 1:
            raise ReviewRefused("review_unknown", f"{len(found) or 'no'} waiting items begin with {name[:64]!r}")
        return found[0]

    def _entries(self) -> Iterator[StoredEntry]:
        """The entries that withheld something which may wait, newest first, each once."""
        seen: set[int] = set()
        since = self._at - REVIEW_LIMIT
        for reason in (Reason.REVIEW_PENDING, Reason.RELIDO_NEEDS_HUMAN_RELEASE):
            terms = self._whose | {Term(Kind.EVENT, Event.RELEASE.value), Term(Kind.REASON, str(reason))}
            cursor = None
            while True:
                page = self._log.search(Criteria(terms, since=since), after=cursor)
                for summary in page.found:
                    entry = None if summary.index in seen else self._log.entry(summary.index)
                    seen.add(summary.index)
                    if entry is not None and entry.private.get("policy") == self._force.running.digest:
                        yield entry
                cursor = page.cursor
                if cursor is None:
                    break

    def _refused(self) -> dict[str, datetime]:
        """The items that officers refused, each with when it last was."""
        found: dict[str, datetime] = {}
        asked = Criteria(frozenset({Term(Kind.EVENT, Event.REVIEW_REFUSED.value)}), since=self._at - REVIEW_LIMIT)
        cursor = None
        while True:
            page = self._log.search(asked, after=cursor)
            for summary in page.found:
                item = str((summary.private or {}).get("item"))
                found.setdefault(item, datetime.fromisoformat(summary.leaf.time))
            cursor = page.cursor
            if cursor is None:
                return found

    def _item(self, entry: StoredEntry, row: StoredRow, said: Mapping[str, PlainJson]) -> Item | None:
        """What a row says of a record that waits, if a release would let it go now; ``None`` if none would."""
        case = self._case(entry.private)
        shown = shown_evidence(row.detail)
        answer = if_released(case, shown, case.policy.shape(case.dataset))
        if answer is None or not answer[1].permitted or not answer[1].labels:
            return None
        result, judged = answer
        partner = case.policy.policy_set.partners[case.subject.partner]
        owed, said_of = judged.decision.obligations, (partner.code, case.dataset)
        levels = [case.policy.level(*said_of, label, judged.evidence.facts, owed) for label in judged.labels]
        if None in levels:
            return None
        standing, name = self._force.standing, str(said["item"])
        stands = standing.released(name)
        if stands is not None and in_force(case, stands):
            return None
        nation = partner.nation if partner.kind is PartnerKind.GOVERNMENT else partner.code
        alive = (each for each in standing.approvals if each.item == name and each.until > self._at)
        approvals = [each for each in alive if each.officers == standing.officers[-1]]
        return Item(
            item=name,
            partner=partner.code,
            dataset=case.dataset,
            purpose=case.purpose,
            system=case.subject.system,
            identifier=self._log.reveal(str(said["named"])),
            content=str(said["content"]),
            marking=shown.marking or "",
            result=result,
            level=max(level for level in levels if level is not None),
            categories=case.policy.policy_set.datasets[case.dataset].categories,
            nation=nation or "",
            facts=cast("Mapping[str, PlainJson]", cast("Mapping[str, PlainJson]", row.detail["facts"])["values"]),
            grants=judged.decision.grants,
            policy=case.policy.digest,
            review=owed.review or BY_MARKING,
            asked=entry.index,
            last_asked=datetime.fromisoformat(entry.leaf.time),
            given=tuple(sorted(each.by for each in approvals)),
        )

    def _case(self, private: Mapping[str, PlainJson]) -> Case:
        """The case that the entry was judged in, at this moment."""
        return Case(
            self._force.running.policy,
            replace(self._force.standing, approvals=()),
            subject_from_json(cast("Mapping[str, PlainJson]", private["subject"])),
            str(private["dataset"]),
            str(private["purpose"]),
            self._at,
            Around(usage_from_json(private), emergencies_from_json(private)),
        )


def against(officer: Officer, item: Item, force: Force, until: datetime, at: datetime) -> list[str]:
    """Why this officer may not release this item until then; empty when nothing stands against it (rule 3)."""
    may = officer.delegation
    if may is None:
        return ["the list of officers delegates nothing to this officer"]
    partner = force.running.policy.policy_set.partners[item.partner]
    found = []
    if at >= may.until:
        found.append("the delegation has ended")
    if until > may.until or until > at + REVIEW_LIMIT or until <= at:
        found.append(f"a release ends within {REVIEW_LIMIT.days} days and with the delegation")
    if item.nation not in may.nations:
        found.append(f"the delegation does not name {item.nation or item.partner}")
    if item.level > may.level:
        found.append("the record is above the delegation's level")
    if not item.categories or not set(item.categories) <= may.categories:
        found.append("the dataset has a disclosure category that the delegation does not name")
    if partner.redelegation is not None and officer.name not in partner.redelegation.officers:
        found.append("the partner's file does not name this officer in [redelegation]")
    return found


def release_subject(item: Item, until: datetime) -> str:
    """What an officer signs who releases an item."""
    return f"{item.item} {item.content} {item.partner} {item.result!r} until {stamp(until)}"


def approve(
    log: AuditLog, force: Force, item: Item, officer: Officer, until: datetime, order: Order, signature: str = ""
) -> bool:
    """Release an item, as this officer; whether enough officers have by now. ``order.by`` is the officer's name.

    Raises:
        ReviewRefused: it does not lie within the officer's delegation, or the officer has released it already.
        LogUnavailable: nothing was written.

    """
    reasons = against(officer, item, force, until, order.at)
    if reasons:
        raise ReviewRefused("review_not_delegated", "; ".join(reasons))
    if not order.reason.strip():
        raise ReviewRefused("review_reason_missing", "say why: the reason stands in the audit log")
    if officer.name in item.given:
        raise ReviewRefused("review_other_officer", f"{officer.name} has released it already: another officer must")
    given = len(item.given) + 1
    private: dict[str, Json] = {
        **_about(item, officer, order, signature),
        "purpose": item.purpose,
        "content": item.content,
        "marking": item.result,
        "policy": item.policy,
        "until": stamp(until),
        "given": given,
        "persons": item.review.persons,
    }
    approval = Approve(
        item=item.item,
        partner=item.partner,
        dataset=item.dataset,
        purpose=item.purpose,
        content=item.content,
        marking=item.result,
        policy=item.policy,
        officers=force.standing.officers[-1],
        persons=item.review.persons,
        until=until,
        by=officer.name,
        reason=order.reason,
        at=order.at,
    )
    log.append_now((Draft(Event.REVIEW_APPROVED, order.at, "approved", private=private),), (approval,))
    return given >= item.review.persons


def refuse(log: AuditLog, force: Force, item: Item, officer: Officer, order: Order, signature: str = "") -> None:
    """Refuse to release an item; approvals that others gave end with it. Raises as :func:`approve`."""
    if not order.reason.strip():
        raise ReviewRefused("review_reason_missing", "say why: the reason stands in the audit log")
    reasons = against(officer, item, force, order.at + timedelta(seconds=1), order.at)
    if reasons:
        raise ReviewRefused("review_not_delegated", "; ".join(reasons))
    private = _about(item, officer, order, signature)
    withhold = Withhold(item.item, officer.name, order.reason, order.at)
    log.append_now((Draft(Event.REVIEW_REFUSED, order.at, "refused", private=private),), (withhold,))


def may_decide(officer: Officer, items: Sequence[Item], force: Force, at: datetime) -> tuple[Item, ...]:
    """The items that lie within an officer's delegation; the others are none of the officer's business."""
    soon = at + timedelta(seconds=1)
    return tuple(item for item in items if not against(officer, item, force, soon, at))


def item_json(item: Item) -> dict[str, PlainJson]:
    """An item as officers see it."""
    return {
        "item": item.item,
        "partner": item.partner,
        "system": item.system,
        "dataset": item.dataset,
        "purpose": item.purpose,
        "identifier": item.identifier,
        "content": item.content,
        "marking": item.marking,
        "release_marking": item.result,
        "facts": dict(item.facts),
        "grants": list(item.grants),
        "policy": item.policy,
        "persons": item.review.persons,
        "given": list(item.given),
        "last_asked": item.last_asked.isoformat(),
        "expires": item.expires.isoformat(),
        "entry": item.asked,
    }


def _about(item: Item, officer: Officer, order: Order, signature: str) -> dict[str, Json]:
    return {
        **order.said,
        "by": officer.name,
        "what": f"review {item.item}",
        "item": item.item,
        "partner": item.partner,
        "dataset": item.dataset,
        "asked": item.asked,
        **({"signature": signature} if signature else {}),
    }
