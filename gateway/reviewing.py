"""What a human release means for one record: whether one would let it go, which is in force, and how it is named.

A record *waits* when nothing stands against it but that officers have not released it: a grant asks for that (the hold
gate), or its marking does (RELIDO, the originator gate). It is withheld like any other. What an officer needs to find
it by is written into the row that its withholding has in the log anyway: nothing else is written, so that neither
counts, pages nor the log's index show that something waits, and a crash can lose nothing.

A human release is for these very bytes, for one partner and purpose, under one policy set and one list of officers,
until a moment; one that differs in any of them is none (:func:`released`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.audit.orders import Released
from gateway.judging import Case, Evidence, Judgement, judge
from gateway.markings import Label
from gateway.policy.decision import Approval, Gate, LabelDoubt, PartnerKind
from gateway.policy.policyset import Partner
from gateway.policy.reasons import Reason
from gateway.policy.shape import RecordShape

PENDING = f"{Gate.HOLD}:{Reason.REVIEW_PENDING}"
BY_OFFICER = f"{Gate.ORIGINATOR}:{Reason.RELIDO_NEEDS_HUMAN_RELEASE}"
_LISTS = frozenset(
    f"{Gate.RELEASABILITY}:{reason}"
    for reason in (Reason.NO_RELEASE_LIST, Reason.NATION_NOT_LISTED, Reason.ORGANISATION_NOT_NAMED)
)
"""What a RELIDO release answers too: it names the partner in the list."""

USA = "USA"
Keyed = Callable[[str], str]
"""Names something so that only the gateway can work the name out again (the log's identifier key)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that waits: the queue's name for it, and the SHA-256 (hex) of its bytes as the source gave them.

    ``named`` is the record's identifier as only the gateway can read it.
    """

    item: str
    content: str
    named: str = ""


def may_wait(judged: Judgement) -> bool:
    """Whether all that stands against a record is what a human release could answer. Cheap: it looks at reasons."""
    reasons = set(judged.reasons)
    if BY_OFFICER in reasons:
        return reasons <= {BY_OFFICER, PENDING} | _LISTS
    return reasons == {PENDING}


def item_of(case: Case, content: str, keyed: Keyed) -> str:
    """The queue's name for a record that waits: the same at every asking, and none that can be guessed."""
    said = ("review", case.subject.partner, case.dataset, case.purpose, case.policy.digest, content)
    return keyed("\n".join(said)).partition(":")[2][:32]


def waiting(case: Case, raw: bytes, keyed: Keyed) -> Waiting:
    """How a record that waits is named."""
    content = hashlib.sha256(raw).hexdigest()
    return Waiting(item_of(case, content, keyed), content)


def released(case: Case, raw: bytes) -> Approval | None:
    """The human release in force for a record's very bytes, if there is one."""
    standing = case.standing
    if not standing.approvals:
        return None
    content = hashlib.sha256(raw).hexdigest()
    for item in {each.item for each in standing.approvals if each.content == content}:
        found = standing.released(item)
        if found is not None and in_force(case, found):
            return Approval(f"review:{found.item}", found.marking)
    return None


def in_force(case: Case, found: Released) -> bool:
    """Whether a human release holds for this case: purpose, policy set, list of officers and time."""
    officers = case.standing.officers[-1:] or ("",)
    return (
        (found.partner, found.dataset, found.purpose) == (case.subject.partner, case.dataset, case.purpose)
        and (found.policy, found.officers) == (case.policy.digest, officers[0])
        and case.at < found.until
    )


def if_released(case: Case, shown: Evidence, shape: RecordShape) -> tuple[str, Judgement] | None:
    """The marking that a human release would leave on a record, and what would then be decided; ``None`` when no
    marking of that kind can be written.
    """
    marking = result_marking(case, shown)
    if marking is None:
        return None
    facts = replace(shown.facts, approval=Approval("review:asked", marking))
    return marking, judge(case, replace(shown, facts=facts), shape)


def result_marking(case: Case, shown: Evidence) -> str | None:
    """The record's own marking; where it is RELIDO, with the partner in its list (the officer's decision)."""
    if shown.marking is None:
        return None
    label = case.policy.read_label(case.dataset, shown.marking, shown.day)
    if isinstance(label, LabelDoubt):
        return None
    if not isinstance(label, Label) or not label.has("RELIDO"):
        return shown.marking
    partner = case.policy.policy_set.partners[case.subject.partner]
    named = _named(partner)
    if named is None:
        return None
    listed = label.rel_to if label.rel_to is not None else (USA,)
    if named in listed:
        return shown.marking
    return _written(replace(label, rel_to=(*listed, named)), case, shown)


def _named(partner: Partner) -> str | None:
    """What a list names this partner by; a list never names a company."""
    if partner.kind is PartnerKind.GOVERNMENT:
        return partner.nation
    return partner.code if partner.kind is PartnerKind.ORGANISATION else None


def _written(label: Label, case: Case, shown: Evidence) -> str | None:
    """The label as a portion mark that reads back as the same label, or nothing."""
    text = label.portion()
    again = case.policy.read_label(case.dataset, text, shown.day)
    if not isinstance(again, Label) or set(again.rel_to or ()) != set(label.rel_to or ()):
        return None
    return text
