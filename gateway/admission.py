"""Step 1 of the pipeline: who asks, and may this caller ask this at all.

Only what concerns the caller is decided here, and only that is said to it: 401 and 403 with a reason. A dataset that
is not granted is ``not_found``, in the same bytes as a path that no dataset has. Nothing here knows a record.

The order matters and is the same for everybody: credential, then existence of the dataset for this partner, then
agreement, channel, purpose and stops, then the form of the answer, then the query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.activation.running import Force
from gateway.asking import Ask, Operation, Plan, QueryRules, plan
from gateway.identity.caller import Caller, CredentialRefused
from gateway.identity.tokens import sole_authorization
from gateway.judging import Case
from gateway.policy.admission import Claims
from gateway.policy.compile import CompiledPolicy
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import Around, Subject
from gateway.policy.errors import CallerRefused
from gateway.policy.partnerkeys import PartnerKey
from gateway.policy.policyset import Partner
from gateway.policy.shape import RecordShape
from gateway.refusals import Refused


@dataclass(frozen=True, slots=True)
class Approach:
    """A caller at the door: which dataset it asks of, as whom, for what, when. What an admission is decided from."""

    caller: Caller
    partner: Partner
    dataset: DatasetFile
    case: Case


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller who may ask, with everything the later steps need. ``key`` is what the answer is sealed to.

    ``sealed`` is the form of the answer; an unsealed one is given only where the agreement says so. ``lines``: records
    stand one a line.
    """

    caller: Caller
    partner: Partner
    dataset: DatasetFile
    shape: RecordShape
    case: Case
    plan: Plan
    rules: QueryRules
    key: PartnerKey
    sealed: bool
    lines: bool = False


def identify(ask: Ask, force: Force, at: datetime) -> Caller:
    """Verify the credential; raises :class:`Refused` with a ``token_*`` code."""
    revoked = force.standing.revoked
    try:
        return force.running.verifier.verify(
            sole_authorization(ask.authorization), at, lambda partner, jti: (partner, jti) in revoked
        )
    except CredentialRefused as refused:
        raise Refused(refused.code) from refused


def approach(ask: Ask, caller: Caller, force: Force, at: datetime) -> Approach:
    """Find the dataset, the subject and the purpose; raises :class:`Refused` when there is none for this caller."""
    policy = force.running.policy
    partner = policy.policy_set.partners[caller.partner]
    dataset = _dataset(ask, policy, partner, force, at)
    subject = _subject(policy, caller, at)
    purpose = policy.purpose(partner.code, dataset.dataset, caller.purpose, caller.system)
    if purpose.value is None:
        raise Refused(purpose.reason or "purpose_required")
    around = Around(emergencies=force.standing.emergencies(partner.code))
    case = Case(policy, force.standing, subject, dataset.dataset, purpose.value, at, around)
    return Approach(caller, partner, dataset, case)


def against(case: Case) -> tuple[str, ...]:
    """Every reason against this caller whatever the record is, as ``gate:code``; what a replay asks again."""
    stops = case.standing.stopping(case.subject.partner, case.dataset)
    return case.policy.admit(case.subject, case.dataset, case.purpose, case.at, stops, case.around)


def counted(come: Approach, usage: Mapping[str, int]) -> Approach:
    """The same caller, now that it is known how much it has had already."""
    return replace(come, case=replace(come.case, around=replace(come.case.around, usage=usage)))


def admit(ask: Ask, come: Approach) -> Admitted:
    """Decide what concerns the caller; raises :class:`Refused` with the first reason against it."""
    reasons = against(come.case)
    if reasons:
        raise Refused(reasons[0].partition(":")[2], ", ".join(reasons))
    rules = _rules(come.case.policy, come.partner, come.dataset)
    return Admitted(
        caller=come.caller,
        partner=come.partner,
        dataset=come.dataset,
        shape=come.case.policy.shape(come.dataset.dataset),
        case=come.case,
        sealed=_form(ask, come.partner),
        lines=ask.lines and ask.operation in (Operation.LIST, Operation.TUPLE, Operation.BULK),
        plan=plan(ask.operation, ask.query, rules),
        rules=rules,
        key=_key(come.partner, come.case.subject),
    )


def _dataset(ask: Ask, policy: CompiledPolicy, partner: Partner, force: Force, at: datetime) -> DatasetFile:
    """The dataset at this path, if it is there for this partner."""
    dataset = force.running.paths.get(ask.path)
    if dataset is None or ask.operation.value not in dataset.operations:
        raise Refused("not_found", "no such dataset or operation")
    if not policy.granted(partner.code, dataset.dataset, at, force.standing.emergencies(partner.code)):
        raise Refused("dataset_not_covered" if dataset.announced else "not_found", "the dataset is not granted")
    return dataset


def _subject(policy: CompiledPolicy, caller: Caller, at: datetime) -> Subject:
    """The calling system as the gates see it, its claims capped by the partner's file."""
    claims = Claims(caller.clearance, caller.nationality)
    key = policy.recipient(caller.partner, at)
    try:
        return policy.subject(caller.partner, caller.system, claims, caller.credential, key)
    except CallerRefused as refused:
        raise Refused(str(refused.reason)) from refused


def _key(partner: Partner, subject: Subject) -> PartnerKey:
    """The key that the channel gate let pass."""
    thumbprint = None if subject.key is None else subject.key.thumbprint
    for key in partner.recipient_keys:
        if key.thumbprint == thumbprint:
            return key
    raise Refused("key_not_registered")


def _form(ask: Ask, partner: Partner) -> bool:
    """Whether to seal: whenever the caller would take it sealed, unless it may have it plain and asks so."""
    if ask.plain and partner.channel.plain:
        return False
    if ask.sealed:
        return True
    raise Refused("sealed_required")


def _rules(policy: CompiledPolicy, partner: Partner, dataset: DatasetFile) -> QueryRules:
    query = dataset.query
    return QueryRules(
        parameters=query.parameters,
        required=query.required,
        sortable=query.sortable,
        forbidden=policy.forbidden_parameters(partner.code, dataset.dataset),
        identifier=dataset.record.identifier,
        id_pattern=query.id_pattern,
        max_page=query.max_page,
    )
