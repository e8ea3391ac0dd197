"""Check the files of a policy set against each other. Every function here yields findings and changes
nothing.

What is refused: a word that no file defines (dataset, nation, category, purpose, fact, group, quantity), a
name that stands for two things (path, issuer, rule id, key), a partner file that contradicts its own
agreement, an obligation that degrades half a group or whose steps do not nest, a field that is named and not listed,
and a release-table row made looser.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from decimal import Decimal
from difflib import get_close_matches
from itertools import pairwise

from gateway import markings
from gateway.policy.conditions import Beyond, Condition, Contains, Predicate, Within, misfit
from gateway.policy.crosscheck_policies import partner_under_policies, policies
from gateway.policy.crosscheck_procedures import Found, procedures, special, step_fits
from gateway.policy.crosscheck_witnesses import witnesses
from gateway.policy.dataset import DatasetFile, FactTable
from gateway.policy.errors import PolicyFinding
from gateway.policy.grants import GrantTable
from gateway.policy.listing import unlisted
from gateway.policy.partner import PartnerFile
from gateway.policy.setwide import STRICTNESS
from gateway.policy.sources import Sources
from gateway.policy.values import dimension, to_base

SETTINGS = "policies/policy.toml"
THIRD_PARTY = "THIRD-PARTY"
"""The ``control`` of a consent that speaks to material of another originator rather than to a control."""


def crosscheck(sources: Sources, asked: Set[str] | None = None) -> tuple[PolicyFinding, ...]:
    """Every finding about how the files fit together; empty when they do. ``asked`` is for
    :mod:`gateway.policy.crosscheck_witnesses`.
    """
    found = [*_tightening(sources), *_names(sources), *_keys(sources), *policies(sources)]
    found += witnesses(sources, asked)
    for path, dataset in sources.datasets.items():
        found += _dataset(sources, path, dataset)
    for path, partner in sources.partners.items():
        found += _partner(sources, path, partner)
        found += _rules(sources, path, partner)
        found += _nesting(sources, path, partner)
    return tuple(found)


def _tightening(sources: Sources) -> Found:
    for name, rows in sources.settings.tighten.items():
        if name not in markings.profile_names():
            hint = f"known: {', '.join(markings.profile_names())}"
            yield sources.finding(SETTINGS, ["tighten", name], "no marking profile of this name", hint)
            continue
        for control, kind in rows.items():
            row = markings.release_row(markings.profile(name), control)
            field = ["tighten", name, control]
            if row is None:
                yield sources.finding(SETTINGS, field, "the profile's release table has no such control")
            elif STRICTNESS[kind] <= STRICTNESS[row.kind]:
                message = f"the row is already {row.kind!s}; policy may tighten a row, never loosen it"
                yield sources.finding(SETTINGS, field, message, f"stricter than {row.kind!s} is needed")


def _names(sources: Sources) -> Found:
    """Names that must mean one thing in the whole set: file names, paths, issuers, rule ids."""
    taken: dict[str, str] = {}
    for path, dataset in sources.datasets.items():
        if not path.endswith(f"/{dataset.dataset}.toml"):
            yield sources.finding(path, ["dataset"], f"the file is not named {dataset.dataset}.toml")
        yield from _take(sources, taken, path, ["path"], f"path {dataset.path}")
        for other in sources.datasets.values():
            if dataset.path.startswith(f"{other.path}/"):
                yield sources.finding(path, ["path"], f"lies under the path of {other.dataset}, {other.path}")
        for index, deny in enumerate(dataset.deny):
            yield from _take(sources, taken, path, ["deny", index, "id"], f"rule id {deny.id}")
        for index, compilation in enumerate(dataset.compilation):
            yield from _take(sources, taken, path, ["compilation", index, "id"], f"rule id {compilation.id}")
    for path, partner in sources.partners.items():
        if not path.endswith(f"/{partner.partner}.toml"):
            yield sources.finding(path, ["partner"], f"the file is not named {partner.partner}.toml")
        yield from _take(sources, taken, path, ["identity", "issuer"], f"issuer {partner.identity.issuer}")
        if (address := partner.identity.jwks_url) is not None:  # a key published there would speak for both
            yield from _take(sources, taken, path, ["identity", "jwks_url"], f"key address {address}")
        for field, grant in partner.releasing():
            yield from _take(sources, taken, path, [*field, "id"], f"rule id {grant.id}")
        for index, volume in enumerate(partner.procedures.volume):
            yield from _take(sources, taken, path, ["procedures", "volume", index, "id"], f"rule id {volume.id}")
        for index, rule in enumerate(partner.deny):
            yield from _take(sources, taken, path, ["deny", index, "id"], f"rule id {rule.id}")


def _take(sources: Sources, taken: dict[str, str], path: str, field: list[str | int], name: str) -> Found:
    if name in taken:
        yield sources.finding(path, field, f"{name} already stands in {taken[name]}", "one name means one thing")
    taken.setdefault(name, path)


def _keys(sources: Sources) -> Found:
    holders: dict[str, str] = {}
    for path, keys in sources.keys.items():
        owner = path.replace("keys/", "policies/").replace(".jwks.json", ".toml")
        if owner not in sources.partners:
            yield PolicyFinding(path, 0, 0, "", "keys for which there is no partner file", f"expected {owner}")
        for key in keys:
            if key.thumbprint in holders:
                message = f"the key {key.thumbprint} also stands in {holders[key.thumbprint]}"
                yield PolicyFinding(path, 0, 0, "keys", message, "one key belongs to one partner")
            holders.setdefault(key.thumbprint, path)
    yield from _labellers(sources, holders)


def _labellers(sources: Sources, holders: Mapping[str, str]) -> Found:
    """Keys of a source that a dataset demands bindings of: for signatures alone, and nobody else's."""
    asked = {file.source for file in sources.datasets.values() if file.record.binding is not None}
    for path, keys in sources.labellers.items():
        if not path.endswith(tuple(f"/{source}.jwks.json" for source in asked)):
            yield PolicyFinding(path, 0, 0, "", "keys of a source of which no dataset demands a binding", "remove it")
        for key in keys:
            if key.use != "sig" or '"kty":"OKP"' in key.jwk:
                hint = '"use": "sig", with P-384, P-256 or RSA'
                yield PolicyFinding(path, 0, 0, "keys", f"the key {key.thumbprint} cannot bind markings", hint)
            if key.thumbprint in holders:
                message = f"the key {key.thumbprint} also stands in {holders[key.thumbprint]}"
                yield PolicyFinding(path, 0, 0, "keys", message, "a partner never labels what it asks for")


def _dataset(sources: Sources, path: str, dataset: DatasetFile) -> Found:
    known = (*markings.profile_names(), *sorted(sources.by_policy))
    if dataset.profile not in known:
        close = get_close_matches(dataset.profile, known, 1)
        hint = f"perhaps {close[0]}; known: {', '.join(known)}" if close else f"known: {', '.join(known)}"
        yield sources.finding(path, ["profile"], "no marking profile of this name", hint)
    if dataset.record.binding is not None and f"policies/labellers/{dataset.source}.jwks.json" not in sources.labellers:
        hint = f"policies/labellers/{dataset.source}.jwks.json"
        yield sources.finding(path, ["record", "binding"], "a binding is demanded that no key can verify", hint)
    for category in dataset.categories:
        if category not in sources.settings.categories:
            yield sources.finding(path, ["categories"], f"category {category} is not in policy.toml")
    for index, deny in enumerate(dataset.deny):
        yield from _condition(sources, path, ["deny", index, "where"], dataset, deny.where)
    yield from unlisted(sources, path, dataset)


def _partner(sources: Sources, path: str, partner: PartnerFile) -> Found:
    if partner.nation is not None and partner.nation not in sources.tables.countries:
        yield sources.finding(path, ["nation"], f"{partner.nation} is not a country code that is known")
    for name in partner.agreement.datasets:
        if name not in sources.by_dataset:
            yield sources.finding(path, ["agreement", "datasets"], f"no dataset {name} is in the set")
    for purpose in partner.agreement.purposes:
        if purpose not in sources.settings.purposes:
            yield sources.finding(path, ["agreement", "purposes"], f"purpose {purpose} is not in policy.toml")
    for category in partner.ceiling:
        if category not in sources.settings.categories:
            yield sources.finding(path, ["ceiling", category], f"category {category} is not in policy.toml")
    for index, system in enumerate(partner.system):
        for purpose in system.purposes or ():
            if purpose not in partner.agreement.purposes:
                message = f"purpose {purpose} is not one of the agreement's"
                yield sources.finding(path, ["system", index, "purposes"], message)
    yield from _consents(sources, path, partner)
    yield from partner_under_policies(sources, path, partner)


def _consents(sources: Sources, path: str, partner: PartnerFile) -> Found:
    for index, consent in enumerate(partner.consent):
        if consent.control not in _consent_controls(sources):
            message = f"no release table asks for consent to {consent.control}"
            hint = f"known: {', '.join(sorted(_consent_controls(sources)))}"
            yield sources.finding(path, ["consent", index, "control"], message, hint)
        for name in consent.datasets:
            if name not in sources.by_dataset:
                yield sources.finding(path, ["consent", index, "datasets"], f"no dataset {name} is in the set")


def _consent_controls(sources: Sources) -> frozenset[str]:
    known = {THIRD_PARTY}
    for name in markings.profile_names():
        known |= {row.control for row in markings.profile(name).rows.values() if row.kind is markings.Effect.CONSENT}
    for rows in sources.settings.tighten.values():
        known |= {control for control, kind in rows.items() if kind == "consent"}
    return frozenset(known)


def _rules(sources: Sources, path: str, partner: PartnerFile) -> Found:
    for field, grant in partner.releasing():
        dataset = sources.by_dataset.get(grant.dataset)
        if dataset is None:
            yield sources.finding(path, [*field, "dataset"], f"no dataset {grant.dataset} is in the set")
            continue
        if grant.dataset not in partner.agreement.datasets:
            yield sources.finding(path, [*field, "dataset"], f"the agreement does not cover {grant.dataset}")
        for purpose in grant.purposes:
            if purpose not in partner.agreement.purposes:
                yield sources.finding(path, [*field, "purposes"], f"purpose {purpose} is not one of the agreement's")
        yield from _condition(sources, path, [*field, "where"], dataset, grant.where)
        yield from _obligations(sources, path, field, dataset, grant)
        yield from special(sources, path, field, dataset, grant)
    yield from procedures(sources, path, partner)
    for index, deny in enumerate(partner.deny):
        dataset = sources.by_dataset.get(deny.dataset)
        if dataset is None:
            yield sources.finding(path, ["deny", index, "dataset"], f"no dataset {deny.dataset} is in the set")
        else:
            yield from _condition(sources, path, ["deny", index, "where"], dataset, deny.where)


def _condition(sources: Sources, path: str, field: list[str | int], dataset: DatasetFile, where: Condition) -> Found:
    for name, predicate in where.tests:
        fact = dataset.facts.get(name)
        if fact is None:
            hint = f"known: {', '.join(sorted(dataset.facts)) or 'none'}"
            yield sources.finding(path, [*field, name], f"{dataset.dataset} defines no fact {name}", hint)
            continue
        wrong = misfit(fact.kind, predicate)
        if wrong is not None:
            yield sources.finding(path, [*field, name], wrong, "docs/policy.md, conditions")
        yield from _owners(sources, path, [*field, name], fact, predicate)


def _owners(sources: Sources, path: str, field: list[str | int], fact: FactTable, predicate: Predicate) -> Found:
    """A nation or owner that no table knows would never match, which an officer should hear before it is
    relied on.
    """
    if fact.table != "object-owners":
        return
    members: frozenset[str] = frozenset()
    if isinstance(predicate, Contains):
        members = frozenset({predicate.member})
    elif isinstance(predicate, Within | Beyond):
        members = predicate.members
    for member in sorted(members - frozenset(sources.tables.countries) - sources.owners.codes):
        hint = "nations are ISO 3166-1 alpha-3; other owners are in policies/tables/object-owners.csv"
        yield sources.finding(path, field, f"{member} is no nation or owner that is known", hint)


def _obligations(sources: Sources, path: str, field: list[str | int], dataset: DatasetFile, grant: GrantTable) -> Found:
    for name in (*grant.drop, *grant.round):
        if name not in dataset.groups:
            hint = f"known: {', '.join(sorted(dataset.groups)) or 'none'}"
            where = [*field, "round", name] if name in grant.round else [*field, "drop"]
            yield sources.finding(path, where, f"{dataset.dataset} has no group {name}", hint)
    for name, steps in grant.round.items():
        group = dataset.groups.get(name)
        if group is None:
            continue
        if not group.quantities:
            message = f"the group {name} has no quantities and can only be dropped"
            yield sources.finding(path, [*field, "round", name], message)
            continue
        for quantity in sorted(group.quantities.keys() - steps.keys()):
            message = f"half a group: no step for {quantity}, which states the same fact"
            hint = "give every quantity of the group a step, or drop the group"
            yield sources.finding(path, [*field, "round", name], message, hint)
        for quantity in sorted(steps.keys() - group.quantities.keys()):
            yield sources.finding(path, [*field, "round", name, quantity], f"the group has no quantity {quantity}")
        for quantity in sorted(steps.keys() & group.quantities.keys()):
            unit, at = group.quantities[quantity].unit, [*field, "round", name, quantity]
            yield from step_fits(sources, path, at, unit, steps[quantity])
    if grant.delay and dataset.record.delay_from is None:
        message = f"{dataset.dataset} does not say what a delay counts from"
        yield sources.finding(path, [*field, "delay"], message, "set record.delay_from in the dataset file")


def _nesting(sources: Sources, path: str, partner: PartnerFile) -> Found:
    """Steps of one quantity must divide each other: values rounded to 2 and to 3 tell more together than
    either.
    """
    steps: dict[tuple[str, str, str], dict[Decimal, list[str | int]]] = {}
    for place, grant in partner.releasing():
        dataset = sources.by_dataset.get(grant.dataset)
        for name, chosen in grant.round.items():
            group = dataset.groups.get(name) if dataset is not None else None
            for quantity, step in chosen.items():
                table = group.quantities.get(quantity) if group is not None else None
                if group is not None and table is not None:
                    key = (group.fact, quantity, dimension(table.unit))
                    field: list[str | int] = [*place, "round", name, quantity]
                    steps.setdefault(key, {}).setdefault(to_base(step, table.unit), field)
    for (fact, quantity, _), found in steps.items():
        for smaller, larger in pairwise(sorted(found)):
            if larger % smaller != 0:
                message = f"steps of {quantity} (fact {fact}) do not nest: one is no whole multiple of the other"
                yield sources.finding(path, found[larger], message, "choose multiples")
