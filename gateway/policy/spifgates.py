"""The gates that read labels, for datasets whose records carry labels of a security policy (``spif:NAME``).

The policy's own access decision (ADatP-4774.1 section 4.3) answers for what the system is cleared for under it; here
its answer is given to the gates it belongs to, and what else an agreement says is asked beside it:

1. Label: the policy finds nothing wrong with it, now and on the day it was made, and it is the originator's own.
2. Originator: a policy file holds no release table, so no control can be released by consent; whose material it is,
   the record itself must say, and a third party must have consented.
3. Releasability: the label names at least one permissive category, and the system holds a value of each. The standard
   lets a label without any go to everyone of its classification; here an absent list releases to nobody. A company
   has only what the agreement counts as unclassified.
4. Clearance: the system holds the label's classification, and the US level that the agreement says it counts as is
   within ceilings and the system's US clearance. What does not map denies.
5. Need-to-know: the system holds every restrictive value, and what the dataset asks for.

What the policy says against release and no gate here has a word for is the clearance gate's, so that it always denies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway import markings
from gateway.markings import LabelKind, SecurityLabel
from gateway.markings.spif.policy import SPIF_PROFILE
from gateway.policy.decide import STEADY, Case, GateFunction, Reasons, ceilings, needs_naming, third_party
from gateway.policy.decision import Gate, LabelDoubt, PartnerKind
from gateway.policy.reasons import Reason
from gateway.policy.values import LEVELS

_PERMISSIVE, _RESTRICTIVE = "permissive_not_held", "restrictive_not_held"
_LABEL_INVALID = "label_invalid"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A label that the policy finds sound, with what its access decision says against it (without tag sets)."""

    label: SecurityLabel
    against: frozenset[str]


def _asked(case: Case) -> _Asked | None:
    """The label and the policy's decision; ``None`` where there is no label that a gate could judge."""
    label = case.label
    if not isinstance(label, SecurityLabel):
        return None
    clearance = _clearance(case)
    if clearance is None:
        unsound = any(each.severity is markings.Severity.ERROR for each in _policy(case).validate(label, case.at))
        return None if unsound else _Asked(label, frozenset({Reason.SYSTEM_NOT_CLEARED, _PERMISSIVE, _RESTRICTIVE}))
    access = _policy(case).decide(label, clearance, case.at)
    against = frozenset(reason.partition(":")[0] for reason in access.reasons)
    if not access.permitted and not against:
        against = frozenset({Reason.CLASSIFICATION_NOT_HELD})
    return None if _LABEL_INVALID in against else _Asked(label, against)


def _policy(case: Case) -> markings.SpifPolicy:
    """The dataset's policy. Where there is none, asking for it fails, and a gate that fails denies."""
    if not isinstance(case.profile, markings.SpifPolicy):
        raise TypeError("a dataset under a marking profile has no security policy")
    return case.profile


def _clearance(case: Case) -> markings.SecurityClearance | None:
    """What the partner's file says that the calling system is cleared for under the policy."""
    system = case.book.partner.systems.get(case.subject.system)
    held = () if system is None else system.cleared
    return next((each.under(_policy(case)) for each in held if each.profile == case.book.dataset.profile), None)


def label_gate(case: Case) -> Reasons:
    """The content has an originator's label of the dataset's policy, sound when it was made and now."""
    label, policy = case.label, _policy(case)
    if isinstance(label, LabelDoubt):
        return frozenset({Reason.LABEL_DOUBT, label.reason})
    if not isinstance(label, SecurityLabel) or SPIF_PROFILE + label.policy != case.book.dataset.profile:
        return frozenset({Reason.LABEL_OTHER_PROFILE})
    found: set[str] = set()
    if label.created > case.at:
        found.add(Reason.LABEL_DATE_FUTURE)
    findings = policy.validate(label, case.at)
    if any(each.severity is markings.Severity.ERROR for each in findings):
        found.add(Reason.LABEL_INVALID)
    if label.kind not in (LabelKind.ORIGINATOR, LabelKind.PLAIN):
        found.add(Reason.LABEL_INVALID)
    return frozenset(found)


def originator_gate(case: Case) -> Reasons:
    """The record says whose it is, and a third party has consented."""
    if not isinstance(case.label, SecurityLabel):
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    said = case.facts.originator
    return frozenset(third_party(case, frozenset({said}) if said else None))


def releasability_gate(case: Case) -> Reasons:
    """The label names whom it may go to, and the system is among them."""
    asked = _asked(case)
    if asked is None:
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    found: set[str] = set()
    if not any(each.type is markings.CategoryType.PERMISSIVE for each in asked.label.categories):
        found.add(Reason.NO_RELEASE_LIST)
    elif _PERMISSIVE in asked.against:
        found.add(Reason.PERMISSIVE_NOT_HELD)
    if case.book.partner.kind is PartnerKind.COMPANY:
        found |= needs_naming(case)
        if case.level(asked.label) != (LEVELS["UNCLASSIFIED"], True):
            found.add(Reason.COMPANY_UNCLASSIFIED_ONLY)
    return frozenset(found)


def clearance_gate(case: Case) -> Reasons:
    """The system holds the classification, which counts as a level within the ceilings and the system's clearance."""
    asked = _asked(case)
    if asked is None:
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    found = ceilings(case, asked.label)
    if Reason.SYSTEM_NOT_CLEARED in asked.against:
        return found | {Reason.SYSTEM_NOT_CLEARED}
    return found | {Reason.CLASSIFICATION_NOT_HELD} if asked.against - {_PERMISSIVE, _RESTRICTIVE} else found


def need_to_know_gate(case: Case) -> Reasons:
    """The system holds every restrictive value of the label, and what the dataset asks for."""
    asked = _asked(case)
    if asked is None:
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    restricted = any(each.type is markings.CategoryType.RESTRICTIVE for each in asked.label.categories)
    held = frozenset(case.book.dataset.requires) <= case.subject.holds
    against = not held or (restricted and _RESTRICTIVE in asked.against)
    return frozenset({Reason.NOT_HELD}) if against else frozenset()


STEADY_UNDER_POLICY: Mapping[Gate, GateFunction] = {
    **STEADY,
    Gate.LABEL: label_gate,
    Gate.ORIGINATOR: originator_gate,
    Gate.RELEASABILITY: releasability_gate,
    Gate.CLEARANCE: clearance_gate,
    Gate.NEED_TO_KNOW: need_to_know_gate,
}
"""The steady gates of a dataset under a security policy."""
