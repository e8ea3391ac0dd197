"""A second decision, slow and obvious, written from the table of gates in docs/architecture.md.

It shares nothing with ``gateway.policy.decide``, ``books``, ``obligations`` or ``memo``: only the values that a
loaded set holds, the words of a decision, and the marking layer's own reading of a label. No casbin, no memo, no
compilation; every question is asked from scratch, by going through lists. It is meant to be checked by eye.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal, localcontext
from itertools import combinations

from gateway import markings
from gateway.policy import conditions
from gateway.policy.decision import Facts, LabelDoubt, Subject, Unknown
from gateway.policy.policyset import Partner, PolicySet

LEVEL = {"UNCLASSIFIED": 0, "CONFIDENTIAL": 2, "SECRET": 3, "TOP SECRET": 4}
UNITS = {
    "m": ("length", 1), "km": ("length", 1000),
    "m/s": ("speed", 1), "km/s": ("speed", 1000),
    "m/s2": ("acceleration", 1), "km/s2": ("acceleration", 1000),
    "deg": ("angle", 1), "s": ("time", 1), "min": ("time", 60),
    "rev/day": ("mean motion", 1), "1": ("ratio", 1), "instant": ("instant", 1),
}  # fmt: skip


@dataclass
class Answer:
    """What the oracle says."""

    released: bool
    reasons: set[str]
    grants: tuple[str, ...]
    drop: frozenset[str]
    round: dict[str, Decimal]
    delay: timedelta
    because: tuple[str, ...]
    review: tuple[int, bool, timedelta] | None
    coarsen: dict[str, timedelta]
    only: frozenset[str] | None
    watermark: dict[str, str]
    witnesses: set[tuple[int, frozenset[str]]]


def ask(policy: PolicySet, subject: Subject, dataset: str, label, facts: Facts, purpose: str, at: datetime) -> Answer:
    partner, data = policy.partners[subject.partner], policy.datasets[dataset]
    granted, grant_reasons = _grants(partner, data, facts, purpose, at)
    drop, rounding, because = _obligations(policy, partner, data, granted)
    named = [grant.only for grant in granted if grant.only is not None]
    only = frozenset(field for field in named[0] if all(field in each for each in named)) if named else None
    level, mapped = _level(partner, data, label, facts, drop, only)
    urgent = [grant for grant in granted if type(grant).__name__ in ("AlertTable", "EmergencyTable")]
    delay = timedelta(0) if urgent else max([grant.delay for grant in granted], default=timedelta(0))
    review = None if urgent else _review(granted, level if mapped else None)
    reasons = {
        "label": _label(policy, data, label, at),
        "agreement": _agreement(partner, dataset, purpose, at),
        "originator": _originator(policy, partner, data, label, facts, at),
        "releasability": _releasability(policy, partner, data, label, facts, granted, at),
        "clearance": _clearance(partner, data, label, subject, level, mapped),
        "need-to-know": _need_to_know(policy, data, label, subject),
        "grant": grant_reasons,
        "channel": _channel(partner, subject, label, level, at),
        "hold": _hold(partner, data, delay, review, facts, at),
    }
    flat = {f"{gate}:{reason}" for gate, found in reasons.items() for reason in found}
    ids = tuple(sorted(g.id for g in granted))
    steps = {field: step for field, step in rounding.items() if not isinstance(step, timedelta)}
    spans = {field: step for field, step in rounding.items() if isinstance(step, timedelta)}
    marks = sorted({f"{grant.watermark} [{partner.code}]" for grant in granted if grant.watermark})
    mark = {data.record.watermark: " ".join(marks)} if marks else {}
    witnesses = _witnesses(partner, data, granted)
    return Answer(not flat, flat, ids, drop, steps, delay, because, review, spans, only, mark, witnesses)


def _witnesses(partner, data, granted):
    """Every demand, but for those that cannot fail where another one holds: each way of meeting that one is tried."""
    tables = [partner.agreement.witnesses, data.witnesses, *(grant.witnesses for grant in granted)] if granted else []
    asked = {(table.quorum, frozenset(table.of)) for table in tables if table}

    def follows(one, other):
        return all(len(other[1] & set(ways)) >= other[0] for ways in combinations(sorted(one[1]), one[0]))

    return {one for one in asked if not any(other != one and follows(other, one) for other in asked)}


def _review(granted, level):
    asked = [grant.review for grant in granted if grant.review]
    asked = [review for review in asked if level is None or LEVEL[review.level] <= level]
    if not asked:
        return None
    told = [review for review in asked if review.tell]
    return max(review.persons for review in asked), len(told) == len(asked), min(review.within for review in asked)


# 1. label


def _label(policy, data, label, at):
    if isinstance(label, LabelDoubt):
        return {"label_doubt", label.reason}
    if label.profile != data.profile:
        return {"label_other_profile"}
    bad = set()
    if label.created is None:
        bad.add("label_date_missing")
    elif label.created > at.date():
        bad.add("label_date_future")
    for finding in markings.validate(label, at.date(), policy.communities):
        if finding.severity == "error":
            bad.add("label_invalid")
    for control in label.controls:
        if _row(policy, data, control.name) is None:
            bad.add("control_without_row")
    return bad


def _row(policy, data, control):
    return markings.release_row(policy.profiles[data.profile], control)


def _row_kinds(policy, data, control):
    kinds = []
    if _row(policy, data, control) is not None:
        kinds.append(str(_row(policy, data, control).kind))
    for name, kind in policy.settings.tighten.get(data.profile, {}).items():
        if name == control:
            kinds.append(kind)
    return kinds


# 2. agreement


def _agreement(partner, dataset, purpose, at):
    bad = set()
    if not partner.agreement.from_ <= at:
        bad.add("agreement_not_yet_in_force")
    if not at < partner.agreement.until:
        bad.add("agreement_expired")
    for condition in partner.agreement.condition:
        if not condition.met or (condition.met_until and condition.met_until <= at):
            bad.add("agreement_condition_lapsed")
    if dataset not in partner.agreement.datasets:
        bad.add("dataset_not_covered")
    if purpose not in partner.agreement.purposes:
        bad.add("purpose_not_agreed")
    return bad


# 3. originator


def _mine(partner: Partner):
    return [partner.code, partner.nation] if partner.kind == "government" else [partner.code]


def _has_consent(partner, data, originator, control, data_type, at):
    for consent in partner.consents:
        if consent.originator != originator or consent.control != control:
            continue
        if data.dataset not in consent.datasets:
            continue
        if consent.types is not None and data_type not in consent.types:
            continue
        if consent.from_ <= at and at < consent.until:
            return True
    return False


def _whose_material(data, label, facts):
    if data.record.originator is None:
        return list(label.owners)
    return [facts.originator] if facts.originator else []


def _control_is_consented(partner, data, label, control, facts, at):
    if control.name in ("PR", "DS"):
        if len(control.values) != 2:
            return False
        owner, data_type = control.values
        return owner in _mine(partner) or _has_consent(partner, data, owner, control.name, data_type, at)
    if control.name == "FGI":
        named = list(control.values)
        return named != [] and (named[0] in _mine(partner) or _has_consent(partner, data, named[0], "FGI", None, at))
    whose = _whose_material(data, label, facts)
    if not whose:
        return False
    for originator in whose:
        if originator not in _mine(partner) and not _has_consent(partner, data, originator, control.name, None, at):
            return False
    return True


def _originator(policy, partner, data, label, facts, at):
    if isinstance(label, LabelDoubt):
        return {"no_label_to_judge"}
    bad = set()
    for control in label.controls:
        kinds = _row_kinds(policy, data, control.name)
        if _row(policy, data, control.name) is None:
            bad.add("control_without_row")
        elif control.name == "RELIDO":
            if facts.approval is None:
                bad.add("relido_needs_human_release")
        elif "never" in kinds:
            bad.add("control_forbids")
        elif "consent" in kinds and not _control_is_consented(partner, data, label, control, facts, at):
            bad.add("consent_missing")
    whose = _whose_material(data, label, facts)
    if not whose:
        bad.add("originator_unknown")
    for originator in [*whose, *label.owners]:
        if originator == "USA" or originator in _mine(partner):
            continue
        if not _has_consent(partner, data, originator, "THIRD-PARTY", None, at):
            bad.add("third_party_consent_missing")
    return bad


# 4. releasability


def _releasability(policy, partner, data, label, facts, granted, at):
    if isinstance(label, LabelDoubt):
        return {"no_label_to_judge"}
    if label.rel_to is not None:
        return _by_list(policy, partner, label, at)
    bad = set()
    if label.display_to is not None:
        bad.add("display_is_not_release")
    names = [control.name for control in label.controls]
    if "FOUO" in names:
        bad.add("fouo_without_list")
    if partner.kind == "company":
        if label.level != 0:
            bad.add("company_unclassified_only")
        if not [grant for grant in granted if not grant.where.everything]:
            bad.add("company_needs_naming_grant")
    if bad:
        return bad
    if label.system != "US":
        own = [owner for owner in label.owners if owner in _mine(partner)]
        return set() if own else {"no_release_list"}
    if label.level == 0 and not names:
        return set() if partner.kind in data.unmarked_default else {"unmarked_not_released"}
    if label.level == 0 and set(names) <= {"PR", "DS"}:
        consented = [_control_is_consented(partner, data, label, c, facts, at) for c in label.controls]
        return set() if all(consented) else {"no_release_list"}
    return {"no_release_list"}


def _by_list(policy, partner, label, at):
    if label.created is None:
        return {"label_date_missing"}
    today = at.date()
    for code in label.rel_to:
        for day in (label.created, today):
            if "NOFORN" not in [c.name for c in label.controls] and not _in_use(policy, code, day):
                return {"label_code_unknown"}
    noforn = "NOFORN" in [control.name for control in label.controls]
    if partner.kind == "company":
        return {"list_names_governments"}
    if partner.kind == "organisation":
        named = partner.code in label.rel_to and not noforn
        return set() if named else {"organisation_not_named"}
    if noforn:
        return set() if partner.nation == "USA" else {"nation_not_listed"}
    for code in label.rel_to:
        if code == partner.nation:
            return set()
        community = policy.communities.communities.get(code)
        if community is None or not community.decomposable:
            continue
        now = _belongs(community, partner.nation, today)
        then = _belongs(community, partner.nation, label.created)
        if now and (then or community.follows_membership):
            return set()
    return {"nation_not_listed"}


def _in_use(policy, code, day):
    entry = policy.communities.countries.get(code) or policy.communities.communities.get(code)
    return entry is not None and _spans(entry.since, entry.until, day)


def _belongs(community, nation, day):
    return any(m.nation == nation and _spans(m.since, m.until, day) for m in community.members)


def _spans(since: date | None, until: date | None, day: date):
    return (since is None or since <= day) and (until is None or day < until)


# 5. clearance


def _level(partner, data, label, facts, drop, only):
    """At which level it is judged, and whether the agreement says what the label's own level counts as."""
    if isinstance(label, LabelDoubt):
        return None, False
    level, mapped = int(label.level), True
    if label.system != "US":
        counts_as = _us_words(partner, label)
        mapped = counts_as is not None
        level = max(level, counts_as or 0)
    for rule in data.compilation:
        if rule.fields:
            going = [field for field in rule.fields if facts.present is None or field in facts.present]
            going = [field for field in going if field not in drop and (only is None or field in only)]
            complete = len(going) == len(rule.fields)
        else:
            complete = rule.id not in facts.usage or not facts.usage[rule.id] < rule.more_than
        if complete and LEVEL[rule.level] > level:
            level = LEVEL[rule.level]
    return level, mapped


def _clearance(partner, data, label, subject, level, mapped):
    if isinstance(label, LabelDoubt):
        return {"no_label_to_judge"}
    bad = set()
    if not mapped:
        bad.add("foreign_level_unmapped")
    if len(data.categories) == 0:
        bad.add("no_category_named")
    for category in data.categories:
        if category not in partner.ceiling:
            bad.add("category_not_in_ceiling")
        elif LEVEL[partner.ceiling[category]] < level:
            bad.add("above_ceiling")
    if subject.clearance is None or subject.clearance not in LEVEL:
        bad.add("system_not_cleared")
    elif LEVEL[subject.clearance] < level:
        bad.add("above_system_clearance")
    return bad


def _us_words(partner, label):
    """The rows of the agreement say what a foreign level counts as, by the label's day; anything else is no answer."""
    if label.created is None or len(label.owners) != 1:
        return None
    words = {0: "UNCLASSIFIED", 1: "RESTRICTED", 2: "CONFIDENTIAL", 3: "SECRET", 4: "TOP SECRET"}
    for row in partner.levels.rows:
        whose = row.from_system == "//" + label.owners[0]
        if whose and row.from_level == words[int(label.level)] and _spans(row.since, row.until, label.created):
            return LEVEL[row.to_level]
    return None


# 6. need-to-know


def _need_to_know(policy, data, label, subject):
    if isinstance(label, LabelDoubt):
        return {"no_label_to_judge"}
    for asked in data.requires:
        if asked not in subject.holds:
            return {"not_held"}
    for owner in [*label.owners, *[code for c in label.controls if c.name == "FGI" for code in c.values]]:
        if "read-in" in _row_kinds(policy, data, owner) and owner not in subject.holds:
            return {"not_held"}
    for control in label.controls:
        name = "-".join([control.name, *control.values])
        if "read-in" in _row_kinds(policy, data, control.name) and name not in subject.holds:
            return {"not_held"}
    return set()


# 7. grant


def _grants(partner, data, facts, purpose, at):
    grants = [grant for grant in partner.grants if grant.dataset == data.dataset]
    denies = [deny for deny in partner.denies if deny.dataset == data.dataset] + list(data.deny)
    doubts = set()
    for rule in [*grants, *denies]:
        for name, _ in rule.where.tests:
            if name in facts.problems:
                doubts.add("fact_missing" if facts.problems[name] == "missing" else "fact_invalid")
            elif name not in facts.values:
                doubts.add("fact_missing")
            elif not _right_type(facts.values[name], data.facts[name]):
                doubts.add("fact_invalid")
    if doubts:
        return [], doubts
    matching = []
    for grant in grants:
        begun = grant.from_ is None or grant.from_ <= at
        over = grant.until is not None and grant.until <= at
        if facts.tear_line and not grant.tear_line:
            continue
        if type(grant).__name__ == "EmergencyTable":
            opened = facts.emergencies.get(grant.id)
            if opened is None or at < opened or at - opened >= grant.for_:
                continue
        if purpose in grant.purposes and begun and not over and _says(grant.where, facts) == "yes":
            matching.append(grant)
    bad = set() if matching else {"no_grant"}
    if not facts.tear_line and [grant for grant in matching if grant.tear_line]:
        bad.add("tear_line_only")
    for deny in denies:
        if _says(deny.where, facts) != "no":
            bad.add("denied_by_rule")
    return matching, bad


def _right_type(value, fact):
    if isinstance(value, Unknown):
        return True
    if fact.table:
        return type(value) is frozenset and all(type(member) is str for member in value)
    wanted = "string" if fact.derive else fact.type
    if wanted == "number":
        return type(value) is int or (type(value) is float and math.isfinite(value))
    return type(value) is {"string": str, "integer": int, "boolean": bool}[wanted]


def _says(where, facts):
    if where.everything:
        return "yes"
    answers = [_one(predicate, facts.values[name]) for name, predicate in where.tests]
    if "no" in answers:
        return "no"
    return "unknown" if "unknown" in answers or not answers else "yes"


def _one(predicate, value):
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(predicate, conditions.OneOf):
        found = [known for known in predicate.values if type(known) is type(value) and known == value]
        return "yes" if found else "no"
    if isinstance(predicate, conditions.Contains):
        return "yes" if predicate.member in value else "no"
    if isinstance(predicate, conditions.Within):
        return "yes" if len(value) > 0 and all(m in predicate.members for m in value) else "no"
    if isinstance(predicate, conditions.Beyond):
        return "yes" if [m for m in value if m not in predicate.members] else "no"
    low = predicate.at_least is None or Decimal(value) >= predicate.at_least
    high = predicate.below is None or Decimal(value) < predicate.below
    return "yes" if low and high else "no"


# 8. channel


def _channel(partner, subject, label, level, at):
    bad = set()
    if int(subject.credential) < {"bearer": 1, "dpop": 2, "mtls": 3}[partner.channel.credential]:
        bad.add("credential_too_weak")
    if subject.key is None:
        return bad | {"key_missing"}
    held = [key for key in partner.recipient_keys if key.thumbprint == subject.key.thumbprint]
    if not held:
        bad.add("key_not_registered")
    for key in [subject.key, *held]:
        if key.not_before and key.not_before > at:
            bad.add("key_not_yet_valid")
        if key.expires and key.expires <= at:
            bad.add("key_expired")
        if key.revoked:
            bad.add("key_revoked")
    asked = partner.channel.post_quantum
    if asked and not subject.key.post_quantum and level is not None and LEVEL[asked] <= level:
        bad.add("key_not_post_quantum")
    return bad


# 9. hold


def _hold(partner, data, delay, review, facts, at):
    bad = set()
    if len(facts.stops) > 0:
        bad.add("stopped")
    if facts.approval is None and review:
        bad.add("review_pending")
    for volume in partner.volumes:
        if volume.datasets is not None and data.dataset not in volume.datasets:
            continue
        if volume.id not in facts.usage or facts.usage[volume.id] >= (volume.records or volume.requests):
            bad.add("volume_exhausted")
    if delay:
        if facts.delay_from is None:
            bad.add("delay_from_missing")
        elif facts.delay_from + delay > at:
            bad.add("delay_not_passed")
    return bad


# Obligations: what every matching grant asks for, and what grants over other datasets ask of the same fact


def _obligations(policy, partner, data, granted):
    asked = {name: [] for name in data.groups}  # group -> None (drop) or {quantity: base-unit step, or "leave out"}
    because = set()
    for grant in granted:
        if grant.delay:
            because.add(f"{grant.id}: delay {grant.delay}")
        if grant.review:
            because.add(f"{grant.id}: review by {grant.review.persons}")
        if grant.tear_line:
            because.add(f"{grant.id}: tear-line version")
        if grant.watermark:
            because.add(f"{grant.id}: watermark")
        if grant.only is not None:
            because.add(f"{grant.id}: only {', '.join(sorted(grant.only))}")
        if type(grant).__name__ in ("AlertTable", "EmergencyTable"):
            because.add(f"{grant.id}: waits for nothing")
        for name, said in ((data.dataset, data), ("agreement", partner.agreement), (grant.id, grant)):
            if said.witnesses:
                because.add(f"{name}: witnesses {said.witnesses.quorum} of {', '.join(sorted(said.witnesses.of))}")
        for name in grant.drop:
            asked[name].append(None)
            because.add(f"{grant.id}: drop {name}")
        for name, steps in grant.round.items():
            asked[name].append(_base(data.groups[name], steps))
            because.add(f"{grant.id}: round {name}")
        for other in partner.grants:
            if other.dataset == data.dataset or _different_things(policy, partner, grant, other):
                continue
            _take_over(policy, data, other, asked, because)
    drop, rounding = _as_fields(data, asked)
    if granted and data.record.tear_line:
        drop = drop | {data.record.tear_line}
    return drop, rounding, tuple(sorted(because))


def _as_fields(data, asked):
    drop, rounding = set(), {}
    for name, wishes in asked.items():
        group = data.groups[name]
        if None in wishes:
            drop |= set(group.repeats)
            for table in group.quantities.values():
                drop |= set(table.fields)
        elif wishes:
            drop |= set(group.repeats)
            for quantity, table in group.quantities.items():
                steps = [wish[quantity] for wish in wishes]
                if "leave out" in steps:
                    drop |= set(table.fields)
                    continue
                with localcontext() as context:
                    context.rounding = ROUND_CEILING
                    step = max(steps) / UNITS[table.unit][1]
                if table.unit == "instant":
                    step = timedelta(seconds=int(step))
                for field in table.fields:
                    rounding[field] = step
    for field in list(rounding):
        for gone in drop:
            if field == gone or field.startswith(gone + "."):
                rounding.pop(field, None)
    return frozenset(drop), rounding


def _base(group, steps):
    return {
        name: Decimal(int(step.total_seconds())) if isinstance(step, timedelta)
        else step * UNITS[group.quantities[name].unit][1]
        for name, step in steps.items()
    }  # fmt: skip


def _take_over(policy, data, other, asked, because):
    elsewhere = policy.datasets[other.dataset]
    for there in [*other.drop, *other.round]:
        for here, group in data.groups.items():
            if group.fact != elsewhere.groups[there].fact:
                continue
            verb = "drop" if there in other.drop else "round"
            because.add(f"{other.id} ({other.dataset}): {verb} {there}")
            theirs = elsewhere.groups[there].quantities
            shared = [
                q for q in group.quantities if q in theirs and _dimension(theirs[q]) == _dimension(group.quantities[q])
            ]
            if verb == "drop" or not shared:
                asked[here].append(None)
                continue
            base = _base(elsewhere.groups[there], other.round[there])
            wish = {}
            for quantity, table in group.quantities.items():
                alike = [base[q] for q in theirs if _dimension(theirs[q]) == _dimension(table)]
                if quantity in shared:
                    wish[quantity] = base[quantity]
                else:
                    wish[quantity] = max(alike) if alike else "leave out"
            asked[here].append(wish)


def _dimension(table):
    return UNITS[table.unit][0]


def _different_things(policy, partner, grant, other):
    """Whether two grants over two datasets provably never speak of the same thing."""
    for name, mine in grant.where.tests:
        for name2, theirs in other.where.tests:
            one = policy.datasets[grant.dataset].facts[name]
            if name != name2:
                continue
            two = policy.datasets[other.dataset].facts[name]
            same_meaning = (one.table, one.derive, one.type) == (two.table, two.derive, two.type)
            if not (one.separates and two.separates and same_meaning):
                continue
            kinds = (type(mine).__name__, type(theirs).__name__)
            if kinds == ("OneOf", "OneOf") and not set(mine.values) & set(theirs.values):
                return True
            if kinds == ("Within", "Within") and not mine.members & theirs.members:
                return True
            own = kinds == ("Within", "Beyond") and all(m in _mine(partner) for m in mine.members)
            if own and all(m in theirs.members for m in mine.members):
                return True
    return False
