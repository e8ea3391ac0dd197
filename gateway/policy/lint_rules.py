"""Lint of a partner's grants and denies: what can never happen, what says nothing new, what says too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from gateway import markings
from gateway.markings import Label, Level
from gateway.policy.conditions import Condition, OneOf
from gateway.policy.dataset import DatasetFile, FactTable
from gateway.policy.decision import PartnerKind
from gateway.policy.grants import GrantTable
from gateway.policy.implication import implies, impossible
from gateway.policy.linting import Linting
from gateway.policy.obligations import compile_duties
from gateway.policy.partner import PartnerFile
from gateway.policy.policyset import Partner
from gateway.policy.values import LEVELS, to_base
from gateway.policy.wording import step_text

REGIMES = ("LEO", "MEO", "GEO", "HEO")
COARSEST: Mapping[str, Decimal] = {
    "1": Decimal(1),
    "deg": Decimal(360),
    "rev/day": Decimal(18),
    "km": Decimal(1_000_000),
}
"""A step from which on nothing is left of a value: ratios lie below 1, angles below 360 degrees, nothing in orbit goes
round 18 times a day, and a million kilometres is beyond all that is tracked."""


def examine(linting: Linting, path: str, partner: PartnerFile) -> None:
    """Look at the rules of one partner whose agreement has not ended."""
    if partner.agreement.until <= linting.at:
        return
    for field, grant in partner.releasing():
        dataset = linting.sources.by_dataset[grant.dataset]
        _dates(linting, path, field, partner, grant)
        _condition(linting, path, [*field, "where"], dataset, grant.where)
        _reach(linting, path, field, partner, grant, dataset)
        _denied(linting, path, field, partner, grant, dataset)
        _shadowed(linting, path, field, partner, grant)
        _review(linting, path, field, partner, grant, dataset)
        _degrading(linting, path, field, partner, grant, dataset)
    _denies(linting, path, partner)


def _dates(linting: Linting, path: str, field: list[str | int], partner: PartnerFile, grant: GrantTable) -> None:
    agreement = partner.agreement
    begin, end = grant.from_ or agreement.from_, grant.until or agreement.until
    if begin >= agreement.until or end <= agreement.from_:
        which = "from" if begin >= agreement.until else "until"
        message = "the grant and the agreement are never in force together"
        linting.report("grant-never-active", path, [*field, which], message, "mend the dates")
        return
    if grant.until is not None and grant.until > agreement.until:
        message = f"the grant lasts until {grant.until.date()}, the agreement only until {agreement.until.date()}"
        linting.report("grant-outlives", path, [*field, "until"], message, "leave until out, or make it earlier")
    elif linting.lapses(grant.until) and grant.until != agreement.until:
        message = f"grant {grant.id} ends on {grant.until:%Y-%m-%d}"
        linting.report("grant-lapses", path, [*field, "until"], message, "move the date, or tell the partner")
    if grant.delay and grant.delay >= min(end, agreement.until) - max(begin, agreement.from_):
        message = "the delay is as long as the grant lasts: nothing is ever old enough"
        linting.report("delay-idle", path, [*field, "delay"], message, "shorten the delay")


def _condition(linting: Linting, path: str, field: list[str | int], dataset: DatasetFile, where: Condition) -> None:
    why = impossible(where)
    if why is not None:
        linting.report("never-holds", path, field, f"no record can satisfy this: {why}", "mend the condition")
    for name, predicate in where.tests:
        known = _values(dataset.facts[name])
        if not known or not isinstance(predicate, OneOf):
            continue
        for value in predicate.values:
            if value not in known:
                hint = f"known: {', '.join(known)}"
                linting.report("value-unknown", path, [*field, name], f"{name} is never {value}", hint)


def _values(fact: FactTable) -> tuple[str, ...]:
    return REGIMES if fact.derive == "orbit-regime" else fact.values or ()


def _reach(
    linting: Linting, path: str, field: list[str | int], partner: PartnerFile, grant: GrantTable, dataset: DatasetFile
) -> None:
    """Content that this grant names and that other gates never let go."""
    missing = [category for category in dataset.categories if category not in partner.ceiling]
    for category in missing:
        message = f"{dataset.dataset} is in category {category}, in which the ceiling is nothing"
        hint = "state a ceiling in that category, if the letter does, or remove the grant"
        linting.report("above-ceiling", path, [*field, "dataset"], message, hint)
    held = [set(system.holds) for system in partner.system]
    if dataset.requires and held and not any(set(dataset.requires) <= holds for holds in held):
        message = f"no system holds {', '.join(dataset.requires)}, which {dataset.dataset} requires"
        linting.report("requirement-not-held", path, [*field, "dataset"], message, "register who holds it")
    labels = tuple(_labels(linting, dataset))
    if not labels or missing:
        return
    if not any(_may_go(label, partner, dataset, linting) for label in labels):
        message = f"no usual marking of {dataset.dataset} can ever go to a {partner.kind}"
        hint = f"its records carry {', '.join(dataset.markings)}"
        linting.report("never-releasable", path, [*field, "dataset"], message, hint)
        return
    lowest = min((LEVELS[partner.ceiling[category]] for category in dataset.categories), default=0)
    if all(label.level > lowest for label in labels if _may_go(label, partner, dataset, linting)):
        message = f"every usual marking of {dataset.dataset} lies above the ceiling"
        linting.report("above-ceiling", path, [*field, "dataset"], message, "check the ceiling against the letter")


def _labels(linting: Linting, dataset: DatasetFile) -> Iterator[Label]:
    """Usual markings that rows and lists say something of; those of a security policy are held against nothing here."""
    profile = linting.sources.profile(dataset)
    if not isinstance(profile, markings.Profile):
        return
    for marking in dataset.markings:
        try:
            yield markings.parse_portion(marking, profile)
        except markings.MarkingError:
            continue


def _may_go(label: Label, partner: PartnerFile, dataset: DatasetFile, linting: Linting) -> bool:
    """Whether some policy could let this marking go to this kind of partner. Ceilings are not looked at."""
    profile = markings.profile(dataset.profile)
    rows = [markings.release_row(profile, control.name) for control in label.controls]
    tightened = linting.sources.settings.tighten.get(dataset.profile, {})
    if any(row is None or row.kind is markings.Effect.NEVER for row in rows):
        return False
    if any(tightened.get(control.name) == "never" for control in label.controls):
        return False
    if partner.kind is PartnerKind.COMPANY:
        return label.rel_to is None and label.level is Level.U and _company_may(label, partner, dataset)
    return True


def _company_may(label: Label, partner: PartnerFile, dataset: DatasetFile) -> bool:
    if label.bare:
        return PartnerKind.COMPANY in dataset.unmarked_default
    return all(control.name in {"PR", "DS"} for control in label.controls)


def _denied(
    linting: Linting, path: str, field: list[str | int], partner: PartnerFile, grant: GrantTable, dataset: DatasetFile
) -> None:
    denies = {deny.id: deny.where for deny in dataset.deny}
    denies |= {deny.id: deny.where for deny in partner.deny if deny.dataset == grant.dataset}
    for name, where in denies.items():
        if implies(grant.where, where):
            message = f"the deny {name} speaks of everything that grant {grant.id} speaks of: nothing goes"
            linting.report("contradicted", path, [*field, "where"], message, "narrow the deny, or remove the grant")


def _shadowed(linting: Linting, path: str, field: list[str | int], partner: PartnerFile, grant: GrantTable) -> None:
    earlier = True
    for _, other in partner.releasing():
        if other is grant:
            earlier = False
            continue
        if not _covers(other, grant) or (_covers(grant, other) and not earlier):
            continue  # of two alike only the later one is reported
        message = f"grant {grant.id} allows and asks for nothing that grant {other.id} does not"
        linting.report("shadowed", path, [*field, "id"], message, "remove one of the two")
        return


def _review(
    linting: Linting, path: str, field: list[str | int], partner: PartnerFile, grant: GrantTable, dataset: DatasetFile
) -> None:
    ceilings = [LEVELS[partner.ceiling[category]] for category in dataset.categories if category in partner.ceiling]
    if grant.review is not None and ceilings and LEVELS[grant.review.level] > min(ceilings):
        message = f"nothing of {dataset.dataset} at {grant.review.level} goes to {partner.partner}: nobody is asked"
        linting.report("review-idle", path, [*field, "review"], message, "lower the level, or leave the review out")


def _covers(wide: GrantTable, narrow: GrantTable) -> bool:
    """Whether ``narrow`` adds nothing, neither a release nor an obligation, to what ``wide`` says."""
    if wide.dataset != narrow.dataset or not set(narrow.purposes) <= set(wide.purposes):
        return False
    if wide.lasts is not None or not _asks_no_more(wide, narrow):
        return False
    begins = wide.from_ is None or (narrow.from_ is not None and narrow.from_ >= wide.from_)
    ends = wide.until is None or (narrow.until is not None and narrow.until <= wide.until)
    if not (begins and ends and implies(narrow.where, wide.where) and narrow.delay <= wide.delay):
        return False
    rounds = all(_as_coarse(wide, group, steps) for group, steps in narrow.round.items())
    return rounds and set(narrow.drop) <= set(wide.drop)


def _asks_no_more(wide: GrantTable, narrow: GrantTable) -> bool:
    """Whether ``narrow`` asks for nothing of its own besides degrading and waiting, and hurries nothing that waits."""
    if not narrow.waits and (wide.delay or wide.review is not None):
        return False
    reviews = narrow.review is None or narrow.review == wide.review
    fields = narrow.only is None or narrow.only == wide.only
    versions = wide.tear_line or not narrow.tear_line
    demands = narrow.watermark in (None, wide.watermark) and narrow.witnesses in (None, wide.witnesses)
    return reviews and fields and versions and demands


def _as_coarse(wide: GrantTable, group: str, steps: Mapping[str, Decimal | timedelta]) -> bool:
    held = wide.round.get(group, {})
    return group in wide.drop or (bool(held) and all(_at_most(step, held[name]) for name, step in steps.items()))


def _at_most(step: Decimal | timedelta, other: Decimal | timedelta) -> bool:
    """Whether a step is no coarser than another of the same quantity; both have its unit."""
    return to_base(step, "1") <= to_base(other, "1")


def _degrading(
    linting: Linting, path: str, field: list[str | int], partner: PartnerFile, grant: GrantTable, dataset: DatasetFile
) -> None:
    """Roundings that no field of the dataset can take."""
    duties = compile_duties(
        grant, Partner.of(partner, (), linting.sources.policies.values()), linting.sources.by_dataset
    )
    for group, steps in grant.round.items():
        dropped = [duty.because for duty in duties.degrade if duty.group == group and duty.steps is None]
        if dropped:
            message = f"{group} is left out, so it is never rounded ({dropped[0]})"
            hint = "drop the group here too, or make the conditions speak of different things"
            linting.report("rounding-idle", path, [*field, "round", group], message, hint)
        for quantity, step in steps.items():
            unit = dataset.groups[group].quantities[quantity].unit
            base = "km" if unit == "m" else unit
            limit = COARSEST.get(base)
            if limit is not None and to_base(step, unit) >= to_base(limit, base):
                message = f"a step of {step_text(step)} {unit} leaves nothing of {quantity}"
                hint = "drop the group instead, or check the unit"
                linting.report("rounding-absurd", path, [*field, "round", group, quantity], message, hint)


def _denies(linting: Linting, path: str, partner: PartnerFile) -> None:
    granted = {grant.dataset for _, grant in partner.releasing()}
    for index, deny in enumerate(partner.deny):
        field: list[str | int] = ["deny", index]
        dataset = linting.sources.by_dataset[deny.dataset]
        _condition(linting, path, [*field, "where"], dataset, deny.where)
        if deny.dataset not in granted:
            message = f"no grant speaks of {deny.dataset}, so there is nothing to deny"
            linting.report("deny-idle", path, [*field, "dataset"], message, "check the dataset's name")
        others = [(other.id, other.where) for other in dataset.deny]
        others += [(o.id, o.where) for o in partner.deny[:index] if o.dataset == deny.dataset]
        for name, where in others:
            if implies(deny.where, where):
                message = f"the deny {name} already says it"
                linting.report("shadowed", path, [*field, "id"], message, "remove one of the two")
