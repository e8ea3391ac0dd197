"""Changes of a set that answer one reason for a denial each, carried out on a copy (for ``proposals``).

Each takes the set and what was denied, and gives the changed copy with the change in words, or ``None`` where nothing
that a policy file can say would answer the reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from gateway import markings
from gateway.markings import Label
from gateway.policy.denied import LONGER, Changed, Denied
from gateway.policy.edit_rules import allow, take_back, with_partner
from gateway.policy.partner import ConsentTable, SystemTable
from gateway.policy.policyset import PolicySet
from gateway.policy.reasons import Reason
from gateway.policy.setwide import CommunityTable, MemberTable
from gateway.policy.values import LEVELS

USA = "USA"
_THIRD_PARTY = "THIRD-PARTY"
_OWNED = ("PR", "DS")


def _agreement(policy_set: PolicySet, denied: Denied, what: str, update: Mapping[str, object]) -> Changed:
    partner = policy_set.partners[denied.partner]
    agreement = partner.agreement.model_copy(update=dict(update))
    return with_partner(policy_set, dataclasses.replace(partner, agreement=agreement)), what


def _begin(policy_set: PolicySet, denied: Denied) -> Changed:
    day = denied.at.date()
    return _agreement(policy_set, denied, f"the agreement in force from {day}", {"from_": denied.day})


def _renew(policy_set: PolicySet, denied: Denied) -> Changed:
    until = denied.day + LONGER
    return _agreement(policy_set, denied, f"the agreement renewed, until {until.date()}", {"until": until})


def _meet(policy_set: PolicySet, denied: Denied) -> Changed:
    until = denied.day + LONGER
    held = policy_set.partners[denied.partner].agreement.condition
    lapsed = [each.id for each in held if each.lapsed(denied.at)]
    met = tuple(
        each.model_copy(update={"met": True, "met_until": until if each.met_until else None})
        if each.lapsed(denied.at)
        else each
        for each in held
    )
    return _agreement(policy_set, denied, f"the condition {', '.join(lapsed)} met again", {"condition": met})


def _cover(policy_set: PolicySet, denied: Denied) -> Changed:
    covered = policy_set.partners[denied.partner].agreement.datasets
    what = f"{denied.dataset} covered by the agreement"
    return _agreement(policy_set, denied, what, {"datasets": (*covered, denied.dataset)})


def _agree(policy_set: PolicySet, denied: Denied) -> Changed | None:
    partner = policy_set.partners[denied.partner]
    system = partner.systems.get(denied.system)
    if denied.purpose not in policy_set.settings.purposes or system is None:
        return None
    what = f"{denied.purpose} among the purposes of the agreement"
    purposes = tuple(dict.fromkeys((*partner.agreement.purposes, denied.purpose)))
    edited, _ = _agreement(policy_set, denied, what, {"purposes": purposes})
    if system.purposes is None:
        return edited, what
    widened = system.model_copy(update={"purposes": tuple(dict.fromkeys((*system.purposes, denied.purpose)))})
    return _with_system(edited, denied, widened), f"{what} and of {system.id}"


def _with_system(policy_set: PolicySet, denied: Denied, system: SystemTable) -> PolicySet:
    partner = policy_set.partners[denied.partner]
    systems = {**partner.systems, denied.system: system}
    return with_partner(policy_set, dataclasses.replace(partner, systems=systems))


def _clear(policy_set: PolicySet, denied: Denied) -> Changed | None:
    system, level = policy_set.partners[denied.partner].systems.get(denied.system), _level(denied)
    if system is None or level is None:
        return None
    edited = _with_system(policy_set, denied, system.model_copy(update={"clearance": level}))
    return edited, f"{system.id} cleared {level}"


def _raise_ceiling(policy_set: PolicySet, denied: Denied) -> Changed | None:
    partner, level = policy_set.partners[denied.partner], _level(denied)
    categories = policy_set.datasets[denied.dataset].categories
    if level is None or not categories:
        return None
    below = [name for name in categories if LEVELS.get(partner.ceiling.get(name, ""), -1) < LEVELS[level]]
    ceiling = {**partner.ceiling, **dict.fromkeys(below, level)}
    edited = with_partner(policy_set, dataclasses.replace(partner, ceiling=ceiling))
    return edited, f"a ceiling of {level} in category {', '.join(below)}, under a new instrument"


def _level(denied: Denied) -> str | None:
    """The US level that a ceiling or clearance would have to be at; ``None`` for what is no US label."""
    if not isinstance(denied.label, Label) or denied.label.system != "US":
        return None
    return next((name for name, level in LEVELS.items() if level >= denied.label.level), None)


def _consents(policy_set: PolicySet, denied: Denied, wanted: Iterator[tuple[str, str, str | None]]) -> Changed | None:
    """Consents put on record: pairs of originator and control, with the data type where it has one."""
    partner = policy_set.partners[denied.partner]
    asked = list(dict.fromkeys(wanted))
    if not asked:
        return None
    made = tuple(
        ConsentTable.model_construct(
            originator=originator, control=control, datasets=(denied.dataset,), types=None if kind is None else (kind,),
            from_=denied.day, until=denied.day + LONGER, reference="proposed",
        )
        for originator, control, kind in asked
    )  # fmt: skip
    edited = with_partner(policy_set, dataclasses.replace(partner, consents=(*partner.consents, *made)))
    said = "; ".join(f"{originator} to {control}{f' {kind}' if kind else ''}" for originator, control, kind in asked)
    return edited, f"the consent on record of {said}, for {partner.code} over {denied.dataset}"


def _control_consents(policy_set: PolicySet, denied: Denied) -> Changed | None:
    label = denied.label
    if not isinstance(label, Label):
        return None
    return _consents(policy_set, denied, _controls(policy_set, denied, label))


def _controls(policy_set: PolicySet, denied: Denied, label: Label) -> Iterator[tuple[str, str, str | None]]:
    dataset, own = policy_set.datasets[denied.dataset], policy_set.partners[denied.partner].own_codes
    profile = policy_set.profiles[dataset.profile]
    tightened = policy_set.settings.tighten.get(dataset.profile, {})
    for control in label.controls:
        row = markings.release_row(profile, control.name)
        kinds = {tightened.get(control.name), None if row is None else str(row.kind)}
        if "consent" not in kinds:
            continue
        if control.name in _OWNED and len(control.values) == 2:
            yield control.values[0], control.name, control.values[1]
            continue
        by_owner = row is not None and row.whose == "owner"
        for originator in control.values if by_owner else _originators(denied, label):
            if originator not in own:
                yield originator, control.name, None


def _originators(denied: Denied, label: Label) -> tuple[str, ...]:
    if denied.facts is not None and denied.facts.originator:
        return (denied.facts.originator,)
    return label.owners


def _third_party(policy_set: PolicySet, denied: Denied) -> Changed | None:
    label = denied.label
    if not isinstance(label, Label):
        return None
    own = policy_set.partners[denied.partner].own_codes
    third = sorted({*_originators(denied, label), *label.owners} - own - {USA})
    return _consents(policy_set, denied, ((originator, _THIRD_PARTY, None) for originator in third))


def _hold(policy_set: PolicySet, denied: Denied) -> Changed | None:
    """The system read into what the label and the dataset ask for."""
    system = policy_set.partners[denied.partner].systems.get(denied.system)
    if system is None or not isinstance(denied.label, Label):
        return None
    dataset = policy_set.datasets[denied.dataset]
    profile, label = policy_set.profiles[dataset.profile], denied.label
    tightened = policy_set.settings.tighten.get(dataset.profile, {})

    def read_in(name: str) -> bool:
        row = markings.release_row(profile, name)
        return "read-in" in (tightened.get(name), None if row is None else str(row.kind))

    asked = {*dataset.requires, *("-".join((c.name, *c.values)) for c in label.controls if read_in(c.name))}
    sources = {code for control in label.controls if control.name == "FGI" for code in control.values}
    asked |= {code for code in (*label.owners, *sources) if read_in(code)}
    missing = sorted(asked - set(system.holds))
    if not missing:
        return None
    edited = _with_system(policy_set, denied, system.model_copy(update={"holds": (*system.holds, *missing)}))
    return edited, f"{system.id} read into {', '.join(missing)}"


def _default(policy_set: PolicySet, denied: Denied) -> Changed:
    dataset, kind = policy_set.datasets[denied.dataset], policy_set.partners[denied.partner].kind
    widened = dataset.model_copy(update={"unmarked_default": (*dataset.unmarked_default, kind)})
    edited = dataclasses.replace(policy_set, datasets={**policy_set.datasets, denied.dataset: widened})
    return edited, f"{kind} in the unmarked_default of {denied.dataset}, which opens it to every such partner"


def membership(policy_set: PolicySet, denied: Denied) -> Changed | None:
    """The partner's nation a member of a community of the set's own that the label names."""
    label, nation = denied.label, policy_set.partners[denied.partner].nation
    if not isinstance(label, Label) or label.created is None or nation is None:
        return None
    own = {community.code: community for community in policy_set.own_communities}
    named = next((own[code] for code in label.rel_to or () if code in own), None)
    if named is None:
        return None
    member = MemberTable.model_construct(nation=nation, from_=label.created, until=None)
    others = tuple(each for each in named.member if each.nation != nation)
    joined = named.model_copy(update={"member": (*others, member)})
    communities = tuple(joined if each.code == joined.code else each for each in policy_set.own_communities)
    edited = _with_communities(policy_set, communities)
    return edited, f"{nation} a member of {named.code} since {label.created}, on the word of its source"


def _with_communities(policy_set: PolicySet, communities: tuple[CommunityTable, ...]) -> PolicySet:
    added = [community.as_marking() for community in communities]
    tables = markings.shipped_tables().with_communities(added)
    profiles = {name: profile.with_tables(tables) for name, profile in policy_set.profiles.items()}
    return dataclasses.replace(policy_set, own_communities=communities, communities=tables, profiles=profiles)


EDITS: Mapping[str, Callable[[PolicySet, Denied], Changed | None]] = {
    Reason.AGREEMENT_NOT_YET_IN_FORCE: _begin,
    Reason.AGREEMENT_EXPIRED: _renew,
    Reason.AGREEMENT_CONDITION_LAPSED: _meet,
    Reason.DATASET_NOT_COVERED: _cover,
    Reason.PURPOSE_NOT_AGREED: _agree,
    Reason.CONSENT_MISSING: _control_consents,
    Reason.THIRD_PARTY_CONSENT_MISSING: _third_party,
    Reason.UNMARKED_NOT_RELEASED: _default,
    Reason.CATEGORY_NOT_IN_CEILING: _raise_ceiling,
    Reason.ABOVE_CEILING: _raise_ceiling,
    Reason.SYSTEM_NOT_CLEARED: _clear,
    Reason.ABOVE_SYSTEM_CLEARANCE: _clear,
    Reason.NOT_HELD: _hold,
    Reason.NO_GRANT: allow,
    Reason.COMPANY_NEEDS_NAMING_GRANT: allow,
    Reason.DENIED_BY_RULE: take_back,
}
"""Reasons that a change of the set answers, whoever has to agree to it first."""
