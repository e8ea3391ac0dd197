"""What changed in meaning between two policy sets: not which lines, but what they let go and to whom.

1. Comments, order and spelling of the same thing are no change. A rule is the same rule when its id is.
2. Every change says whether it can only release more (``wider``), only less (``narrower``), or either (``other``).
   ``wider`` and ``narrower`` are said of that change alone, and only where it is certain.
3. A rule that was not touched can still change what it obliges to, since the same fact takes the stricter obligation
   across datasets: such a change is reported at that rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.policy import diff_procedures, diff_witnesses
from gateway.policy.changes import NARROWER, OTHER, WIDER, Change, Direction, names, turned
from gateway.policy.conditions import Condition
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import Obligations
from gateway.policy.grants import GrantTable
from gateway.policy.implication import implies
from gateway.policy.obligations import compile_duties, merge, strictest_review
from gateway.policy.partner import ConsentTable
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.setwide import STRICTNESS
from gateway.policy.telling import coarser, degraded, fewer, marked, named, reviewed, touched
from gateway.policy.values import LEVELS
from gateway.policy.whereabouts import dataset_file, keys_file, partner_file
from gateway.policy.wording import condition, span


def diff(old: PolicySet, new: PolicySet) -> tuple[Change, ...]:
    """Every change of meaning from ``old`` to ``new``, sorted by file."""
    found = [*_settings(old, new), *_communities(old, new)]
    for code in sorted(old.partners.keys() | new.partners.keys()):
        found += _partners(old, new, code)
    for name in sorted(old.datasets.keys() | new.datasets.keys()):
        found += _datasets(old.datasets.get(name), new.datasets.get(name), name)
    found += [
        Change("policies/spif", name, "the security policy is added, removed or changed", OTHER)
        for name in sorted(old.policies.keys() | new.policies.keys())
        if old.policies.get(name) != new.policies.get(name)
    ]
    if old.owners.digest != new.owners.digest:
        found.append(Change("policies/tables/object-owners.csv", "table", "objects change owners", OTHER))
    if old.casbin_model != new.casbin_model:
        found.append(Change("policies/casbin-model.conf", "model", "the text of the model changes", OTHER))
    return tuple(sorted(found))


def _settings(old: PolicySet, new: PolicySet) -> Iterator[Change]:
    file = "policies/policy.toml"
    yield from names(file, "purposes", old.settings.purposes, new.settings.purposes, OTHER, OTHER)
    yield from diff_witnesses.keys(file, old.settings.witnesses, new.settings.witnesses)
    rows = {(p, c): k for p, held in old.settings.tighten.items() for c, k in held.items()}
    after = {(p, c): k for p, held in new.settings.tighten.items() for c, k in held.items()}
    for key in sorted(rows.keys() | after.keys()):
        was, now = rows.get(key, "as in its table"), after.get(key, "as in its table")
        if was != now:
            stricter = STRICTNESS.get(now, -1) > STRICTNESS.get(was, -1)
            yield Change(file, f"tighten.{'.'.join(key)}", turned(was, now), NARROWER if stricter else WIDER)


def _communities(old: PolicySet, new: PolicySet) -> Iterator[Change]:
    file = "policies/communities.toml"
    was = {each.code: each for each in old.own_communities}
    now = {each.code: each for each in new.own_communities}
    yield from names(file, "communities", was, now, WIDER, NARROWER)
    for code in sorted(was.keys() & now.keys()):
        if was[code].follows_membership != now[code].follows_membership:
            towards = WIDER if now[code].follows_membership else NARROWER
            yield Change(file, code, "its material now follows today's members, or no longer does", towards)
        before = {(m.nation, m.from_, m.until) for m in was[code].member}
        after = {(m.nation, m.from_, m.until) for m in now[code].member}
        yield from (Change(file, code, _member("no longer", m), NARROWER) for m in sorted(before - after, key=str))
        yield from (Change(file, code, _member("now", m), WIDER) for m in sorted(after - before, key=str))


def _member(word: str, member: tuple[object, object, object]) -> str:
    nation, begin, end = member
    return f"{word} a member: {nation} from {begin}" + (f" until {end}" if end else "")


def _partners(old: PolicySet, new: PolicySet, code: str) -> Iterator[Change]:
    was, now, file = old.partners.get(code), new.partners.get(code), partner_file(code)
    if was is None or now is None:
        towards = WIDER if was is None else NARROWER
        yield Change(file, code, "the partner is added" if was is None else "the partner is removed", towards)
        return
    yield from _identity(file, was, now)
    yield from _agreement(file, was, now)
    yield from _levels(file, "ceiling", was.ceiling, now.ceiling)
    yield from _systems(file, was, now)
    yield from _consents(file, was, now)
    yield from _grants(file, (old, was), (new, now))
    yield from diff_procedures.partner(file, was, now)
    rules = {d.id: (d.dataset, d.where) for d in was.denies}, {d.id: (d.dataset, d.where) for d in now.denies}
    yield from _denies(file, *rules)
    yield from _keys(code, was, now)


def _consents(file: str, was: Partner, now: Partner) -> Iterator[Change]:
    before, after = {_consent(each) for each in was.consents}, {_consent(each) for each in now.consents}
    yield from (Change(file, "consent", f"removed: {text}", NARROWER) for text in sorted(before - after))
    yield from (Change(file, "consent", f"added: {text}", WIDER) for text in sorted(after - before))


def _keys(code: str, *partner: Partner) -> Iterator[Change]:
    was, now = ({key.thumbprint: key for key in (*each.signing_keys, *each.recipient_keys)} for each in partner)
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name), now.get(name)
        if before != after:
            said = "is added" if before is None else "is removed" if after is None else "changes its validity"
            towards = NARROWER if after is None or after.revoked else WIDER
            yield Change(keys_file(code), "keys", f"the key {name} {said}", towards)


def _identity(file: str, was: Partner, now: Partner) -> Iterator[Change]:
    named = (
        ("kind", str(was.kind), str(now.kind)),
        ("nation", str(was.nation), str(now.nation)),
        ("identity", str(was.identity), str(now.identity)),
    )
    yield from (Change(file, what, turned(before, after), OTHER) for what, before, after in named if before != after)
    if was.channel.strength != now.channel.strength:
        towards = WIDER if now.channel.strength < was.channel.strength else NARROWER
        yield Change(file, "channel.credential", turned(was.channel.credential, now.channel.credential), towards)
    if was.channel.plain != now.channel.plain:
        text = "answers may now go unsealed" if now.channel.plain else "answers must now be sealed"
        yield Change(file, "channel.plain", text, WIDER if now.channel.plain else NARROWER)


def _agreement(file: str, was: Partner, now: Partner) -> Iterator[Change]:
    before, after = was.agreement, now.agreement
    if before.from_ != after.from_:
        towards = WIDER if after.from_ < before.from_ else NARROWER
        yield Change(file, "agreement.from", turned(before.from_.date(), after.from_.date()), towards)
    if before.until != after.until:
        towards = WIDER if after.until > before.until else NARROWER
        yield Change(file, "agreement.until", turned(before.until.date(), after.until.date()), towards)
    yield from names(file, "agreement.datasets", before.datasets, after.datasets, WIDER, NARROWER)
    yield from names(file, "agreement.purposes", before.purposes, after.purposes, WIDER, NARROWER)
    held = {each.id: (each.met, each.met_until) for each in before.condition}
    kept = {each.id: (each.met, each.met_until) for each in after.condition}
    yield from names(file, "agreement.condition", held, kept, NARROWER, WIDER)
    for name in sorted(held.keys() & kept.keys()):
        if held[name] != kept[name]:
            yield Change(file, f"agreement.condition {name}", "whether or until when it is met changes", OTHER)


def _levels(file: str, what: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name, "nothing"), now.get(name, "nothing")
        if before != after:
            higher = LEVELS.get(after, -1) > LEVELS.get(before, -1)
            yield Change(file, f"{what}.{name}", turned(before, after), WIDER if higher else NARROWER)


def _systems(file: str, was: Partner, now: Partner) -> Iterator[Change]:
    before, after = was.systems, now.systems
    yield from names(file, "system", before, after, WIDER, NARROWER)
    both = sorted(before.keys() & after.keys())
    clearances = {name: before[name].clearance for name in both}, {name: after[name].clearance for name in both}
    yield from _levels(file, "system", *clearances)
    for name in both:
        yield from names(file, f"system {name} holds", before[name].holds, after[name].holds, WIDER, NARROWER)
        if before[name].cleared != after[name].cleared:
            yield Change(file, f"system {name}", "what it is cleared for under security policies changes", OTHER)
        if before[name].purposes != after[name].purposes:
            yield Change(file, f"system {name}", "its purposes change", OTHER)


def _consent(consent: ConsentTable) -> str:
    types = f" of {', '.join(consent.types)}" if consent.types else ""
    dates = f"{consent.from_.date()} to {consent.until.date()}"
    return f"{consent.originator} to {consent.control}{types} in {', '.join(sorted(consent.datasets))}, {dates}"


def _grants(file: str, old: tuple[PolicySet, Partner], new: tuple[PolicySet, Partner]) -> Iterator[Change]:
    before = {grant.id: grant for grant in old[1].grants}
    after = {grant.id: grant for grant in new[1].grants}
    yield from names(file, "grant", before, after, WIDER, NARROWER)
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name], after[name]
        if was.dataset != now.dataset:
            yield Change(file, f"grant {name}", f"speaks of {now.dataset} instead of {was.dataset}", OTHER)
            continue
        yield from names(file, f"grant {name} purposes", was.purposes, now.purposes, WIDER, NARROWER)
        yield from _where(file, f"grant {name}", was.where, now.where, wide=WIDER, narrow=NARROWER)
        yield from _span(file, name, was, now)
        yield from diff_procedures.rule(file, was, now)
        if was.dataset in old[0].datasets and was.dataset in new[0].datasets:
            yield from _duties(file, name, _effective(*old, was), _effective(*new, now))


def _effective(policy_set: PolicySet, partner: Partner, grant: GrantTable) -> Obligations:
    """What the grant obliges to alone, with all that it takes over from other datasets."""
    return merge(policy_set.datasets[grant.dataset], [compile_duties(grant, partner, policy_set.datasets)])


def _duties(file: str, name: str, was: Obligations, now: Obligations) -> Iterator[Change]:
    what = f"grant {name}"
    for path in sorted(touched(was, now)):
        before, after = degraded(was, path), degraded(now, path)
        if before != after:
            towards = NARROWER if coarser(was, now, path) else WIDER
            yield Change(file, what, f"{path}: {before} becomes {after}", towards)
    if was.only != now.only:
        towards = NARROWER if fewer(was, now) else WIDER if fewer(now, was) else OTHER
        yield Change(file, what, f"fields: {turned(named(was.only), named(now.only))}", towards)
    if was.watermark != now.watermark:
        yield Change(file, what, f"watermark: {turned(marked(was), marked(now))}", OTHER)
    if was.delay != now.delay:
        towards = WIDER if now.delay < was.delay else NARROWER
        yield Change(file, what, f"delay: {turned(span(was.delay), span(now.delay))}", towards)
    if was.review != now.review:
        strictest = strictest_review([each for each in (was.review, now.review) if each is not None])
        towards = NARROWER if now.review == strictest else WIDER
        yield Change(file, what, f"review: {turned(reviewed(was.review), reviewed(now.review))}", towards)
    yield from diff_witnesses.demands(file, f"{what} witnesses", was.witnesses, now.witnesses)


def _span(file: str, name: str, was: GrantTable, now: GrantTable) -> Iterator[Change]:
    for what, before, after in (("from", was.from_, now.from_), ("until", was.until, now.until)):
        if before != after:
            said = turned(before.date() if before else "the agreement's", after.date() if after else "the agreement's")
            yield Change(file, f"grant {name} {what}", said, OTHER)


Rules = Mapping[str, tuple[str, Condition]]


def _denies(file: str, was: Rules, now: Rules) -> Iterator[Change]:
    yield from names(file, "deny", was, now, NARROWER, WIDER)
    for name in sorted(was.keys() & now.keys()):
        if was[name][0] != now[name][0]:
            yield Change(file, f"deny {name}", f"speaks of {now[name][0]} instead of {was[name][0]}", OTHER)
        yield from _where(file, f"deny {name}", was[name][1], now[name][1], wide=NARROWER, narrow=WIDER)


def _where(
    file: str, what: str, was: Condition, now: Condition, *, wide: Direction, narrow: Direction
) -> Iterator[Change]:
    if was == now or (implies(was, now) and implies(now, was)):
        return
    towards = wide if implies(was, now) else narrow if implies(now, was) else OTHER
    yield Change(file, what, turned(condition(was), condition(now)), towards)


def _datasets(was: DatasetFile | None, now: DatasetFile | None, name: str) -> Iterator[Change]:
    file = dataset_file(name)
    if was is None or now is None:
        yield Change(file, name, "the dataset is added" if was is None else "the dataset is removed", OTHER)
        return
    yield from names(file, "operations", was.operations, now.operations, WIDER, NARROWER)
    yield from names(file, "unmarked_default", was.unmarked_default, now.unmarked_default, WIDER, NARROWER)
    yield from names(file, "categories", was.categories, now.categories, OTHER, OTHER)
    yield from names(file, "requires", was.requires, now.requires, NARROWER, WIDER)
    rules = {deny.id: (name, deny.where) for deny in was.deny}, {deny.id: (name, deny.where) for deny in now.deny}
    yield from _denies(file, *rules)
    yield from diff_procedures.compilations(file, was.compilation, now.compilation)
    for what in ("path", "source", "announced", "profile", "record", "fields", "facts", "query", "groups"):
        before, after = getattr(was, what), getattr(now, what)
        if before != after:
            yield Change(file, what, "changes: what is read, asked or degraded as one fact may differ", OTHER)
