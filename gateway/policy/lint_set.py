"""Lint of what belongs to no one partner: purposes, datasets, communities, keys as a whole, cases."""

from __future__ import annotations

from collections.abc import Iterator

from gateway import markings
from gateway.policy.cases import CaseTable
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import PartnerKind
from gateway.policy.linting import Linting
from gateway.policy.schemes import scheme_of
from gateway.policy.setwide import CommunityTable

SETTINGS = "policies/policy.toml"
COMMUNITIES = "policies/communities.toml"


def examine(linting: Linting) -> None:
    """Look at everything that the set says once."""
    sources = linting.sources
    if not sources.keys:
        message = "no partner's keys are in the set, so they were not looked at"
        linting.report("keys-not-read", "keys/partners", (), message, "put keys/partners beside the policies")
    named = {purpose for partner in sources.partners.values() for purpose in partner.agreement.purposes}
    for purpose in sorted(set(sources.settings.purposes) - named):
        hint = "remove it, or check its spelling in the agreements"
        linting.report("purpose-unused", SETTINGS, ["purposes", purpose], f"no agreement is for {purpose}", hint)
    for path, dataset in sources.datasets.items():
        _dataset(linting, path, dataset)
    for index, community in enumerate(sources.own_communities):
        _community(linting, index, community)
    for path, cases in sources.cases.items():
        for index, case in enumerate(cases.case):
            _case(linting, path, index, case)


def _dataset(linting: Linting, path: str, dataset: DatasetFile) -> None:
    granted = {grant.dataset for partner in linting.sources.partners.values() for _, grant in partner.releasing()}
    if dataset.dataset not in granted:
        message = f"no grant of any partner speaks of {dataset.dataset}"
        linting.report("dataset-not-granted", path, ["dataset"], message, "grant something of it, or remove the file")
    rules = (rule for partner in linting.sources.partners.values() for _, rule in partner.releasing())
    asked = any(rule.tear_line for rule in rules if rule.dataset == dataset.dataset)
    if dataset.record.tear_line is not None and not asked:
        message = "the records have tear-line versions, and no grant lets one go"
        linting.report("tear-line-idle", path, ["record", "tear_line"], message, "let a grant ask for them")
    if not dataset.categories:
        message = "no disclosure category is named, so nothing of it can be released"
        linting.report("dataset-without-category", path, ["dataset"], message, "add categories")
    scheme = scheme_of(linting.sources.profile(dataset))
    for marking in dataset.markings:
        try:
            scheme.read(marking, None)
        except markings.MarkingError as error:
            linting.report("marking-unread", path, ["markings"], f"{marking}: {error}", "write it as records carry it")


def _community(linting: Linting, index: int, community: CommunityTable) -> None:
    partners = linting.sources.partners.values()
    nations = {partner.nation for partner in partners if partner.kind is PartnerKind.GOVERNMENT}
    organisations = {partner.partner for partner in partners if partner.kind is PartnerKind.ORGANISATION}
    today = linting.at.date()
    still = [member for member in community.member if member.until is None or member.until > today]
    if not still:
        message = f"nobody is in {community.code} any more: what is marked for it goes to nobody"
        linting.report("community-ended", COMMUNITIES, ["community", index, "code"], message, "remove it if it is over")
    elif community.code not in organisations and not any(member.nation in nations for member in still):
        message = f"no partner of the set is in {community.code}"
        hint = "check its members, or remove it"
        linting.report("community-unused", COMMUNITIES, ["community", index, "code"], message, hint)


def _case(linting: Linting, path: str, index: int, case: CaseTable) -> None:
    sources = linting.sources
    partner = {held.partner: held for held in sources.partners.values()}.get(case.partner)
    dataset = sources.by_dataset.get(case.dataset)
    field: list[str | int] = ["case", index]
    if partner is None:
        linting.report("case-unknown", path, [*field, "partner"], f"the set has no partner {case.partner}", "mend it")
    elif case.system is not None and case.system not in {system.id for system in partner.system}:
        message = f"{case.partner} has no system {case.system}"
        linting.report("case-unknown", path, [*field, "system"], message, "mend it")
    if case.purpose is not None and case.purpose not in sources.settings.purposes:
        message = f"policy.toml has no purpose {case.purpose}"
        linting.report("case-unknown", path, [*field, "purpose"], message, "mend it")
    if dataset is None:
        linting.report("case-unknown", path, [*field, "dataset"], f"the set has no dataset {case.dataset}", "mend it")
        return
    read = set(_read(dataset))
    for name in sorted(case.fields.keys() - read):
        if name not in _shared(linting, path):
            hint = f"rules can read {', '.join(sorted(read))}"
            linting.report("case-field-unread", path, [*field, "fields"], f"nothing reads {name}", hint)


def _shared(linting: Linting, path: str) -> frozenset[str]:
    """Fields that the file gives to all its cases: not each of them need be read in every dataset."""
    return frozenset(linting.sources.cases[path].given.fields)


def _read(dataset: DatasetFile) -> Iterator[str]:
    for fact in dataset.facts.values():
        yield from fact.from_
    yield from dataset.compiled_fields
    record = dataset.record
    yield from (name for name in (record.date, record.delay_from, record.originator) if name is not None)
