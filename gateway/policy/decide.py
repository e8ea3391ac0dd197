"""The nine gates: may this subject have this record for this purpose at this instant?

Rules of this file:

1. All gates live here, one function each; this file knows no partner, no dataset and no control by name
   except those that the marking manuals single out (RELIDO, FOUO, PR and DS).
2. Every gate is asked every time, so that an explanation lists every reason. A release needs all nine.
3. A gate says nothing but reasons against. It passes by finding none. A gate that raises has erred, and
   denies.
4. Every doubt is a reason: no label, no date, no table row, no category, no consent, no key.
5. A gate reads its arguments and nothing else: no clock, no file, no memory. ``at`` is the instant asked
   about.
6. Channel and hold are asked afresh every time; the other seven depend on ``at`` only through dates that the
   policy set and its tables name (see :mod:`gateway.policy.memo`).

The table of gates is :data:`GATES`, at the end. For labels of a security policy, :mod:`gateway.policy.spifgates` has
the gates that read them; a label of the other kind is none to either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway import markings
from gateway.markings import Control, Label, Level
from gateway.policy.books import Book, Matching
from gateway.policy.decision import (
    Facts,
    Gate,
    GateResult,
    LabelDoubt,
    Obligations,
    Outcome,
    PartnerKind,
    Subject,
)
from gateway.policy.obligations import merge
from gateway.policy.policyset import Partner
from gateway.policy.raising import judged_level
from gateway.policy.reasons import Reason
from gateway.policy.schemes import Marked
from gateway.policy.setwide import RowKind
from gateway.policy.values import LEVELS

OWNED = frozenset({"PR", "DS"})
"""Controls whose first value is the owner and whose second is the data type."""

THIRD_PARTY = "THIRD-PARTY"
USA = "USA"


@dataclass(frozen=True, slots=True)
class Case:
    """One question, with everything that a gate may read to answer it.

    ``tightened`` holds the rows that policy makes stricter, for the dataset's marking profile.
    """

    subject: Subject
    book: Book
    profile: markings.Profile | markings.SpifPolicy
    tightened: Mapping[str, RowKind]
    label: Marked | LabelDoubt
    facts: Facts
    purpose: str
    at: datetime
    _matched: list[Matching] = field(default_factory=list, init=False, repr=False, compare=False)
    _owed: list[Obligations] = field(default_factory=list, init=False, repr=False, compare=False)

    def matching(self) -> Matching:
        """The partner's grants that apply to the record; worked out once, since more than one gate asks."""
        if not self._matched:
            self._matched.append(self.book.match(self.facts, self.purpose, self.at))
        return self._matched[0]

    def duties(self) -> Obligations:
        """What the matching grants oblige to together; worked out once, since more than one gate asks."""
        if not self._owed:
            self._owed.append(_duties(self))
        return self._owed[0]

    def owes(self, duties: Obligations) -> None:
        """Take note of what it obliges to, where that has been worked out before."""
        self._owed[:] = [duties]

    def level(self, label: Marked) -> tuple[int, bool]:
        """See :func:`gateway.policy.raising.judged_level`; obligations matter only where there are compilations."""
        owed = self.duties() if self.book.dataset.compilation else _NOTHING_OWED
        return judged_level(self.book, label, self.facts, owed)


Reasons = frozenset[str]
_NONE: Reasons = frozenset()
_NOTHING_OWED = Obligations()


def label_gate(case: Case) -> Reasons:
    """The content has a label, valid under its dataset's profile, and every control in it has a row."""
    label = case.label
    if isinstance(label, LabelDoubt):
        return frozenset({Reason.LABEL_DOUBT, label.reason})
    found: set[str] = set()
    if not isinstance(label, Label) or label.profile != case.book.dataset.profile:
        return frozenset({Reason.LABEL_OTHER_PROFILE})
    profile = _profile(case)
    if label.created is None:
        found.add(Reason.LABEL_DATE_MISSING)
    elif label.created > case.at.date():
        found.add(Reason.LABEL_DATE_FUTURE)
    findings = markings.validate(label, case.at.date(), profile.tables)
    if any(finding.severity is markings.Severity.ERROR for finding in findings):
        found.add(Reason.LABEL_INVALID)
    if any(markings.release_row(profile, control.name) is None for control in label.controls):
        found.add(Reason.CONTROL_WITHOUT_ROW)
    return frozenset(found)


def _profile(case: Case) -> markings.Profile:
    """The profile of the dataset's marks. Where there is none, asking for it fails, and a gate that fails denies."""
    if not isinstance(case.profile, markings.Profile):
        raise TypeError("a dataset under a security policy has no marking profile")
    return case.profile


def agreement_gate(case: Case) -> Reasons:
    """The agreement is in force, covers dataset and purpose, and none of its conditions has lapsed."""
    agreement, at = case.book.partner.agreement, case.at
    found: set[str] = set()
    if at < agreement.from_:
        found.add(Reason.AGREEMENT_NOT_YET_IN_FORCE)
    if at >= agreement.until:
        found.add(Reason.AGREEMENT_EXPIRED)
    if any(condition.lapsed(at) for condition in agreement.condition):
        found.add(Reason.AGREEMENT_CONDITION_LAPSED)
    if case.book.dataset.dataset not in agreement.datasets:
        found.add(Reason.DATASET_NOT_COVERED)
    if case.purpose not in agreement.purposes:
        found.add(Reason.PURPOSE_NOT_AGREED)
    return frozenset(found)


def originator_gate(case: Case) -> Reasons:
    """Each control's row is satisfied, and a third party's material has that party's consent."""
    label = case.label
    if not isinstance(label, Label):
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    found: set[str] = set()
    for control in label.controls:
        found |= _control(case, label, control)
    return frozenset(found | third_party(case, _originators(case, label), frozenset(label.owners)))


def third_party(case: Case, originators: Reasons | None, owners: Reasons = _NONE) -> set[str]:
    """What stands against release because of whose material it is: nobody known, or a third party without consent."""
    found: set[str] = {Reason.ORIGINATOR_UNKNOWN} if originators is None else set()
    third = ((originators or _NONE) | owners) - case.book.partner.own_codes - {USA}
    if not all(_consents(case, originator, THIRD_PARTY, None) for originator in third):
        found.add(Reason.THIRD_PARTY_CONSENT_MISSING)
    return found


def _control(case: Case, label: Label, control: Control) -> set[str]:
    """What stands against release because of one control: its profile's row, and the row policy made
    stricter.
    """
    row = markings.release_row(_profile(case), control.name)
    if row is None:
        return {Reason.CONTROL_WITHOUT_ROW}
    if control.name == "RELIDO" or row.whose == "officer":
        return set() if case.facts.approval is not None else {Reason.RELIDO_NEEDS_HUMAN_RELEASE}
    kinds = _kinds(case, control.name)
    if "never" in kinds:
        return {Reason.CONTROL_FORBIDS}
    if "consent" in kinds and not _control_consented(case, label, control):
        return {Reason.CONSENT_MISSING}
    return set()


def _kinds(case: Case, control: str) -> frozenset[str]:
    """The kinds of row that apply to a control: the profile's and, beside it, the tightened one."""
    row = markings.release_row(_profile(case), control)
    kinds = set() if row is None else {str(row.kind)}
    if control in case.tightened:
        kinds.add(case.tightened[control])
    return frozenset(kinds)


def _control_consented(case: Case, label: Label, control: Control) -> bool:
    """Whether everyone whose consent the control needs has given it, or is the partner itself."""
    if control.name in OWNED:
        if len(control.values) != 2:
            return False
        owner, data_type = control.values
        return owner in case.book.partner.own_codes or _consents(case, owner, control.name, data_type)
    row = markings.release_row(_profile(case), control.name)
    if row is not None and row.whose == "owner":
        return _owners_consent(case, control)
    originators = _originators(case, label)
    if not originators:
        return False
    needed = originators - case.book.partner.own_codes
    return all(_consents(case, originator, control.name, None) for originator in needed)


def _owners_consent(case: Case, control: Control) -> bool:
    """Whether those whom the control names have consented; a concealed source names nobody, so nobody has."""
    own = case.book.partner.own_codes
    owners = (owner for owner in control.values if owner not in own)
    return bool(control.values) and all(_consents(case, owner, control.name, None) for owner in owners)


def _originators(case: Case, label: Label) -> frozenset[str] | None:
    """Whose material it is: what the record says where its dataset says where, else the label's owners."""
    if case.book.dataset.record.originator is not None:
        return frozenset({case.facts.originator}) if case.facts.originator else None
    return frozenset(label.owners) or None


def _consents(case: Case, originator: str, control: str, data_type: str | None) -> bool:
    """Whether a consent of this originator for this partner is on record, in scope and in force."""
    dataset = case.book.dataset.dataset
    return any(
        consent.originator == originator
        and consent.control == control
        and dataset in consent.datasets
        and (consent.types is None or data_type in consent.types)
        and consent.from_ <= case.at < consent.until
        for consent in case.book.partner.consents
    )


def releasability_gate(case: Case) -> Reasons:
    """The label's list, or what stands for one, names this kind of partner."""
    label, partner = case.label, case.book.partner
    if not isinstance(label, Label):
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    if label.rel_to is None:
        return _without_list(case, label)
    if label.created is None:
        return frozenset({Reason.LABEL_DATE_MISSING})
    try:
        nations = markings.releasable_nations(label, case.at.date(), _profile(case).tables)
    except markings.UnknownCodeError:
        return frozenset({Reason.LABEL_CODE_UNKNOWN})
    if partner.kind is PartnerKind.GOVERNMENT:
        return _NONE if partner.nation in nations else frozenset({Reason.NATION_NOT_LISTED})
    if partner.kind is PartnerKind.ORGANISATION:
        named = partner.code in markings.releasable_codes(label)
        return _NONE if named else frozenset({Reason.ORGANISATION_NOT_NAMED})
    return frozenset({Reason.LIST_NAMES_GOVERNMENTS})


def _without_list(case: Case, label: Label) -> Reasons:
    """An absent list releases to nobody, with the exceptions of :func:`_stands_for_list`."""
    found: set[str] = set()
    if label.display_to is not None:
        found.add(Reason.DISPLAY_IS_NOT_RELEASE)
    if label.has("FOUO"):
        found.add(Reason.FOUO_WITHOUT_LIST)
    if case.book.partner.kind is PartnerKind.COMPANY:
        found |= _company(case, label)
    if found or _stands_for_list(case, label):
        return frozenset(found)
    bare = label.system == "US" and label.bare and not label.limits
    return frozenset({Reason.UNMARKED_NOT_RELEASED if bare else Reason.NO_RELEASE_LIST})


def _stands_for_list(case: Case, label: Label) -> bool:
    """Whether something stands for an absent list: the dataset's default for a bare U, the owner's consent for U with
    PR or DS alone; or, for another system's label, that the partner is its originator.
    """
    if any(limit.rel_to is not None or limit.display_to is not None for limit in label.limits):
        return False
    if label.system != "US":
        return bool(case.book.partner.own_codes & set(label.owners))
    if label.bare:
        return case.book.partner.kind in case.book.dataset.unmarked_default
    if label.level is not Level.U or any(control.name not in OWNED for control in label.controls):
        return False
    return all(_control_consented(case, label, control) for control in label.controls)


def _company(case: Case, label: Label) -> set[str]:
    """A company has unclassified content only, and only what a grant names: ``everything`` names nothing."""
    found = set() if label.level is Level.U else {str(Reason.COMPANY_UNCLASSIFIED_ONLY)}
    return found | needs_naming(case)


def needs_naming(case: Case) -> set[str]:
    """What stands against a company whose grants name nothing."""
    everything = all(grant.table.where.everything for grant in case.matching().grants)
    return {Reason.COMPANY_NEEDS_NAMING_GRANT} if everything else set()


def clearance_gate(case: Case) -> Reasons:
    """The level is at or below the ceiling in every category of the dataset, and the system's own clearance.

    A foreign level counts as what the agreement's table says; what does not map denies. A compilation raises the
    level judged.
    """
    label = case.label
    if not isinstance(label, Label):
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    return ceilings(case, label)


def ceilings(case: Case, label: Marked) -> Reasons:
    """What stands against a label's level, in the words of ceilings and clearances."""
    found: set[str] = set()
    level, mapped = case.level(label)
    if not mapped:
        found.add(Reason.FOREIGN_LEVEL_UNMAPPED)
    if not case.book.dataset.categories:
        found.add(Reason.NO_CATEGORY_NAMED)
    for category in case.book.dataset.categories:
        ceiling = case.book.partner.ceiling.get(category)
        if ceiling is None:
            found.add(Reason.CATEGORY_NOT_IN_CEILING)
        elif level > LEVELS[ceiling]:
            found.add(Reason.ABOVE_CEILING)
    clearance = LEVELS.get(case.subject.clearance or "")
    if clearance is None:
        found.add(Reason.SYSTEM_NOT_CLEARED)
    elif level > clearance:
        found.add(Reason.ABOVE_SYSTEM_CLEARANCE)
    return frozenset(found)


def need_to_know_gate(case: Case) -> Reasons:
    """The system holds every read-in and community of interest that the label or the dataset asks for."""
    label = case.label
    if not isinstance(label, Label):
        return frozenset({Reason.NO_LABEL_TO_JUDGE})
    asked = set(case.book.dataset.requires)
    for whose in {*label.owners, *_sources(label)}:
        if "read-in" in _kinds(case, whose):
            asked.add(whose)
    for control in label.controls:
        if "read-in" in _kinds(case, control.name):
            asked.add("-".join((control.name, *control.values)))
    return _NONE if asked <= case.subject.holds else frozenset({Reason.NOT_HELD})


def _sources(label: Label) -> frozenset[str]:
    """The foreign sources that a label names; NATO's material needs NATO's read-in in a US label too."""
    return frozenset(code for control in label.controls if control.name == "FGI" for code in control.values)


def grant_gate(case: Case) -> Reasons:
    """A grant allows the record for this purpose, and no deny rule matches it. Where one of the grants that apply lets
    the tear-line version go in the record's place, the record itself stays.
    """
    found = case.matching()
    if not case.facts.tear_line and any(grant.table.tear_line for grant in found.grants):
        return frozenset({*found.reasons, Reason.TEAR_LINE_ONLY})
    return frozenset(found.reasons)


def channel_gate(case: Case) -> Reasons:
    """The recipient's key is registered, valid and not revoked, and the credential is as strong as agreed."""
    partner, key = case.book.partner, case.subject.key
    found = _channel(case.subject, partner, case.at)
    if partner.channel.post_quantum is not None and key is not None and not key.post_quantum:
        found |= _post_quantum(case, LEVELS[partner.channel.post_quantum])
    return found


def _channel(subject: Subject, partner: Partner, at: datetime) -> Reasons:
    """What of the channel no label has a part in."""
    key = subject.key
    found: set[str] = set()
    if subject.credential < partner.channel.strength:
        found.add(Reason.CREDENTIAL_TOO_WEAK)
    if key is None:
        return frozenset(found | {Reason.KEY_MISSING})
    registered = [held.recipient for held in partner.recipient_keys if held.thumbprint == key.thumbprint]
    if not registered:
        found.add(Reason.KEY_NOT_REGISTERED)
    for said in registered if registered == [key] else (key, *registered):
        if said.not_before is not None and at < said.not_before:
            found.add(Reason.KEY_NOT_YET_VALID)
        if said.expires is not None and at >= said.expires:
            found.add(Reason.KEY_EXPIRED)
        if said.revoked:
            found.add(Reason.KEY_REVOKED)
    return frozenset(found) if found else _NONE


def _post_quantum(case: Case, level: int) -> Reasons:
    """From its level on, the agreement asks for a wrap that resists a quantum computer. Without a label to judge
    (when only the caller is asked about) it is asked for later, of each record.
    """
    if isinstance(case.label, LabelDoubt):
        return _NONE
    judged, _ = case.level(case.label)
    return frozenset({Reason.KEY_NOT_POST_QUANTUM}) if judged >= level else _NONE


def hold_gate(case: Case) -> Reasons:
    """No stop is in force, volume is left, the longest delay that the matching grants ask for has passed, and where
    they ask for a human release it has been given.
    """
    facts, owed = case.facts, case.duties()
    found: set[str] = set()
    if facts.stops:
        found.add(Reason.STOPPED)
    if exhausted(case.book, facts):
        found.add(Reason.VOLUME_EXHAUSTED)
    if owed.delay and facts.delay_from is None:
        found.add(Reason.DELAY_FROM_MISSING)
    elif owed.delay and facts.delay_from is not None and case.at < facts.delay_from + owed.delay:
        found.add(Reason.DELAY_NOT_PASSED)
    if owed.review is not None and facts.approval is None:
        found.add(Reason.REVIEW_PENDING)
    return frozenset(found)


def never_counts(book: Book) -> bool:
    """Whether channel and hold read nothing but the subject, ``at``, the stops, and what the grants ask for."""
    return not book.volumes and book.partner.channel.post_quantum is None


def lets_go(subject: Subject, partner: Partner, facts: Facts, at: datetime) -> bool:
    """Whether channel and hold are open now, where the book :func:`never_counts` and no grant that applies asks for a
    delay or a human release: what the two gates would find, without a case made for them.

    A no says nothing yet: the gates are then asked, for their reasons.
    """
    try:
        return not facts.stops and not _channel(subject, partner, at)
    except Exception:  # noqa: BLE001 - as in ask: what fails here fails in the gate too, and denies
        return False


def exhausted(book: Book, facts: Facts) -> tuple[str, ...]:
    """The volumes of which nothing is left; one whose use is not known counts as used up."""
    return tuple(volume.id for volume in book.volumes if facts.usage.get(volume.id, volume.most) >= volume.most)


GateFunction = Callable[[Case], Reasons]

STEADY: Mapping[Gate, GateFunction] = {
    Gate.LABEL: label_gate,
    Gate.AGREEMENT: agreement_gate,
    Gate.ORIGINATOR: originator_gate,
    Gate.RELEASABILITY: releasability_gate,
    Gate.CLEARANCE: clearance_gate,
    Gate.NEED_TO_KNOW: need_to_know_gate,
    Gate.GRANT: grant_gate,
}
"""The gates whose answer changes with time only at dates the policy set names."""

FRESH: Mapping[Gate, GateFunction] = {
    Gate.CHANNEL: channel_gate,
    Gate.HOLD: hold_gate,
}
"""The gates that are asked anew for every decision."""

GATES: Mapping[Gate, GateFunction] = {**STEADY, **FRESH}
"""Every gate and the function that answers for it, in the order of explanations."""


def ask(gate: Gate, function: GateFunction, case: Case) -> GateResult:
    """One gate's answer. What it raises, whatever it is, denies: an unforeseen case must never let a record
    go.
    """
    try:
        reasons = function(case)
    except Exception:  # noqa: BLE001 - any failure of a gate becomes a denial, by rule 3
        return GateResult(gate, Outcome.ERRED, (Reason.GATE_ERRED,))
    if reasons:
        return GateResult(gate, Outcome.REFUSED, tuple(sorted(map(str, reasons))))
    return _PASSED[gate]


_PASSED: Mapping[Gate, GateResult] = {gate: GateResult(gate, Outcome.PASSED) for gate in Gate}


def judge(case: Case, gates: Mapping[Gate, GateFunction] = GATES) -> tuple[GateResult, ...]:
    """Ask each of ``gates``, in their order; none is skipped because another refused."""
    return tuple(ask(gate, function, case) for gate, function in gates.items())


def obligations(case: Case) -> tuple[tuple[str, ...], Obligations]:
    """The ids of the grants that apply, sorted, and what they oblige to together."""
    return tuple(sorted(grant.table.id for grant in case.matching().grants)), case.duties()


def _duties(case: Case) -> Obligations:
    """What the matching grants oblige to. From which level on a review is asked depends on what goes, and that on the
    obligations; so the level is judged by what they come to without it.
    """
    granted = [grant.duties for grant in case.matching().grants]
    owed = merge(case.book.dataset, granted)
    if owed.review is None or isinstance(case.label, LabelDoubt):
        return owed
    level, mapped = judged_level(case.book, case.label, case.facts, owed)
    return merge(case.book.dataset, granted, level) if mapped else owed
