"""What policy says of a caller before any record is looked at: who it is, for what, and whether it may ask at
all.

A token's claims may lower what the partner's file gives a system, never raise it. A claim that cannot be
compared is refused rather than ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.policy.decide import Case, agreement_gate, ask, channel_gate, exhausted
from gateway.policy.decision import Credential, Gate, RecipientKey, Subject
from gateway.policy.errors import CallerRefused
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.reasons import Reason
from gateway.policy.values import LEVELS

_FIRST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token claims about its bearer; ``None`` where it claims nothing.

    ``clearance`` is a US level spelled out (``"SECRET"``), ``nationality`` an ISO 3166-1 alpha-3 code.
    """

    clearance: str | None = None
    nationality: str | None = None


@dataclass(frozen=True, slots=True)
class Purpose:
    """The purpose of a request, or the reason why there is none. Exactly one of the two is set."""

    value: str | None
    reason: str | None


def against(case: Case) -> tuple[str, ...]:
    """Every reason against the caller, as ``gate:code`` in gate order."""
    results = [ask(Gate.AGREEMENT, agreement_gate, case), ask(Gate.CHANNEL, channel_gate, case)]
    found = [f"{result.gate}:{reason}" for result in results for reason in result.reasons]
    if case.facts.stops:
        found.append(f"{Gate.HOLD}:{Reason.STOPPED}")
    if exhausted(case.book, case.facts):
        found.append(f"{Gate.HOLD}:{Reason.VOLUME_EXHAUSTED}")
    return tuple(found)


def subject(
    policy_set: PolicySet,
    partner: str,
    system: str,
    claims: Claims,
    credential: Credential,
    key: RecipientKey | None,
) -> Subject:
    """The calling system as gates see it; raises :class:`CallerRefused` with a code that may be said."""
    holder = policy_set.partners.get(partner)
    if holder is None:
        raise CallerRefused(Reason.PARTNER_UNKNOWN)
    registered = holder.systems.get(system)
    if registered is None:
        raise CallerRefused(Reason.SYSTEM_UNKNOWN)
    if claims.nationality is not None and claims.nationality != holder.nation:
        raise CallerRefused(Reason.NATIONALITY_CLAIM_INVALID)
    clearance = registered.clearance
    if claims.clearance is not None:
        if claims.clearance not in LEVELS:
            raise CallerRefused(Reason.CLEARANCE_CLAIM_INVALID)
        clearance = min(clearance, claims.clearance, key=lambda name: LEVELS[name])
    return Subject(partner, system, clearance, frozenset(registered.holds), credential, key)


def recipient(partner: Partner, at: datetime, thumbprint: str | None = None) -> RecipientKey | None:
    """The partner's key to seal to: a usable one if there is any, of those a post-quantum one if there is any, of
    those the newest.

    With no usable key, one that is not is returned, so that the channel gate can say what is wrong with it.
    With ``thumbprint``, that key or none.
    """
    keys = [key for key in partner.recipient_keys if thumbprint in (None, key.thumbprint)]
    if not keys:
        return None
    best = max(keys, key=lambda key: (key.usable(at), key.post_quantum, key.not_before or _FIRST, key.thumbprint))
    return best.recipient


def purpose(policy_set: PolicySet, partner: str, dataset: str, claimed: str | None, system: str | None) -> Purpose:
    """From the token's claim, within the agreement and the system's registration; else the single granted
    one.
    """
    holder = policy_set.partners.get(partner)
    if holder is None:
        return Purpose(None, Reason.PARTNER_UNKNOWN)
    allowed = set(holder.agreement.purposes)
    if system is not None:
        registered = holder.systems.get(system)
        if registered is None:
            return Purpose(None, Reason.SYSTEM_UNKNOWN)
        allowed &= set(registered.purposes or allowed)
    if claimed is not None:
        return Purpose(claimed, None) if claimed in allowed else Purpose(None, Reason.PURPOSE_NOT_AGREED)
    standing = (grant for grant in holder.grants if grant.dataset == dataset and grant.lasts is None)
    granted = {name for grant in standing for name in grant.purposes} & allowed
    return Purpose(granted.pop(), None) if len(granted) == 1 else Purpose(None, Reason.PURPOSE_REQUIRED)
