"""The smallest change that would have released what was withheld: worked out, never made.

1. A proposal answers every reason at once, since each gate refuses by itself; one reason that nobody may answer
   (NOFORN, classified content for a company) leaves no proposal.
2. What an officer would write is made on a copy of the set, so that it can be judged and weighed like any other change.
   What others must do (an originator's new marking, a partner's key, time) is said, and is no part of the copy.
3. Smallest means: this partner, this dataset, this purpose, these facts, no more than the level asked for. A new grant
   carries the duties of the partner's nearest one.
4. Dates are those under which the question, asked when it was asked, would have been answered: a consent from that day,
   an agreement for a year more. What an officer would really write is the officer's to say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from gateway import markings
from gateway.markings import Label
from gateway.policy.decision import PartnerKind
from gateway.policy.denied import Denied
from gateway.policy.edits import EDITS, USA, membership
from gateway.policy.policyset import PolicySet
from gateway.policy.reasons import Reason
from gateway.policy.remedies import Whose, remedy


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that would have to change, and whose it is to change."""

    code: str
    what: str
    whose: Whose


@dataclass(frozen=True, slots=True)
class Proposal:
    """Everything that would have to change together. ``edited`` is the set with the officer's part carried out, the
    same object where there is none; ``marking`` is the portion mark that the originator would have to give instead.
    """

    steps: tuple[Step, ...]
    edited: PolicySet
    marking: str | None = None

    @property
    def whose(self) -> tuple[Whose, ...]:
        """Everybody who would have to act."""
        return tuple(dict.fromkeys(step.whose for step in self.steps))


def propose(policy_set: PolicySet, denied: Denied) -> tuple[Proposal, ...]:
    """The ways to release it, smallest first; none where a reason stands that nobody may answer, or the set no longer
    knows partner or dataset.
    """
    codes = denied.codes
    if not codes or denied.partner not in policy_set.partners or denied.dataset not in policy_set.datasets:
        return ()
    if any(remedy(code).whose is Whose.NOBODY for code in codes):
        return ()
    found = []
    joined = membership(policy_set, denied) if Reason.NATION_NOT_LISTED in codes else None
    if joined is not None:
        edited, what = joined
        rest = tuple(code for code in codes if code != Reason.NATION_NOT_LISTED)
        found.append(_together(edited, denied, rest, (Step(Reason.NATION_NOT_LISTED, what, Whose.OFFICER),)))
    found.append(_together(policy_set, denied, codes, ()))
    return tuple(found)


def _together(policy_set: PolicySet, denied: Denied, codes: Sequence[str], before: tuple[Step, ...]) -> Proposal:
    edited, steps = policy_set, list(before)
    marking: str | None = None
    for code in codes:
        editor = EDITS.get(code)
        changed = editor(edited, denied) if editor is not None else None
        if changed is not None:
            edited, what = changed
            steps.append(Step(code, what, remedy(code).whose))
            continue
        if code in _REMARKED and isinstance(denied.label, Label):
            marking = marking or remarked(policy_set, denied)
            if marking is not None:
                steps.append(Step(code, f"its originator would have to mark it {marking}", Whose.ORIGINATOR))
                continue
        steps.append(Step(code, remedy(code).what, remedy(code).whose))
    return Proposal(tuple(steps), edited, marking)


_REMARKED = frozenset(
    {
        Reason.NATION_NOT_LISTED,
        Reason.ORGANISATION_NOT_NAMED,
        Reason.NO_RELEASE_LIST,
        Reason.DISPLAY_IS_NOT_RELEASE,
        Reason.FOUO_WITHOUT_LIST,
    }
)


def remarked(policy_set: PolicySet, denied: Denied) -> str | None:
    """The portion mark with this partner in its list beside those who are in it; ``None`` where none can be written."""
    label, partner = denied.label, policy_set.partners[denied.partner]
    if not isinstance(label, Label) or label.system != "US" or partner.kind is PartnerKind.COMPANY:
        return None
    profile = policy_set.profiles[policy_set.datasets[denied.dataset].profile]
    named = {USA, partner.nation or partner.code, *(label.rel_to or ())}
    codes = sorted(named - {USA}, key=lambda code: (code not in profile.tables.countries, code))
    again = dataclasses.replace(label, rel_to=(USA, *codes), display_to=None)
    try:
        text = again.portion()[1:-1] if again.portion().startswith("(") else again.portion()
        markings.parse_portion(text, profile)
    except (markings.MarkingError, KeyError):
        return None
    return text
