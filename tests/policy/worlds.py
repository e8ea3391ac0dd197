"""Random policy sets, partners, labels and records: small, crowded with edges, and the same for the same seed.

Sets are written out as files and read by ``load`` like any other. Instants and days come from a short list, so that
they often coincide, and levels, codes and owners from short lists too, so that both answers are common.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from joserfc.jwk import OKPKey

from gateway.markings import Control, Label, Level
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.conditions import Condition, FactMisread, Truth
from gateway.policy.decision import UNKNOWN, Approval, Credential, Facts, LabelDoubt, RecipientKey, Subject
from gateway.policy.grants import GrantTable
from gateway.policy.load import load
from tests.support.witnesses import KEYS, NAMES

ROOT = Path(__file__).resolve().parents[2]
DAYS = [date(2024, 1, 1) + timedelta(days=30 * step) for step in range(8)]
PURPOSES = ["avoid", "watch", "repair"]
NATIONS = ["JPN", "GBR", "NOR", "DEU"]
LISTED = [*NATIONS, "AUS", "CAN"]
COMMUNITIES = ["FVEY", "NATO", "LCOM"]
OWNERS = ["JPN", "GBR", "NOR", "SES"]
LEVELS = ["UNCLASSIFIED", "CONFIDENTIAL", "SECRET", "TOP SECRET"]
QUANTITIES = {"position": ["m", "km"], "altitude": ["m", "km"], "speed": ["m/s", "km/s"], "turn": ["deg", "min"],
              "when": ["instant"]}  # fmt: skip
OWNER_TABLE = b"satNo,owner,nation,type,since\n1,JPN,JPN,PAY,2000-01-01\n2,SES,,PAY,2000-01-01\n"
CASBIN_MODEL = (ROOT / "policies" / "casbin-model.conf").read_bytes()


def toml(value: object) -> str:
    """A value as inline TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(held)}" for key, held in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(member) for member in value) + "]"
    return json.dumps(value)


def document(table: Mapping[str, object]) -> bytes:
    """A whole TOML file, one top-level key a line; ``None`` leaves a key out."""
    return "".join(f"{json.dumps(k)} = {toml(v)}\n" for k, v in table.items() if v is not None).encode()


@cache
def key_material() -> tuple[dict[str, str], ...]:
    """Four recipient keys, made once a run."""
    return tuple(OKPKey.generate_key("X25519", private=False).as_dict() for _ in range(4))  # type: ignore[misc]


@cache
def thumbprints() -> tuple[str, ...]:
    return tuple(OKPKey.import_key(jwk).thumbprint() for jwk in key_material())


Question = tuple[Subject, str, Label | LabelDoubt, Facts, str, datetime]


@dataclass
class World:
    """One compiled set and a generator to draw questions from."""

    rng: random.Random
    files: dict[str, bytes]
    policy: CompiledPolicy

    def question(self) -> Question:
        """Arguments of ``decide``: a third of them drawn blindly, the others so that one of the grants applies."""
        return self.friendly() if self.rng.random() < 0.65 else surrounded(self.rng, self.policy, self.blind(), None)

    def blind(self) -> Question:
        """A question in which nothing fits anything but by chance."""
        rng, at = self.rng, instant(self.rng)
        partner = rng.choice(sorted(self.policy.policy_set.partners))
        who = subject(rng, self.policy, partner)
        return who, rng.choice(["alpha", "beta"]), label(rng, at), facts(rng, at), rng.choice(PURPOSES), at

    def friendly(self) -> Question:
        """A question made for one of the grants, so that releases and obligations are common; each part may still be
        spoiled.
        """
        rng, at = self.rng, instant(self.rng)
        partner = self.policy.policy_set.partners[rng.choice(sorted(self.policy.policy_set.partners))]
        wanted = rng.choice(partner.grants)
        shown = facts(rng, at)
        for _ in range(30):
            if _fits(wanted.where, shown):
                break
            shown = facts(rng, at)
        who = Subject(partner.code, "sys", "TOP SECRET", frozenset({"SSA-CELL", "FOUO"}), Credential.MTLS)
        usable = [key for key in partner.recipient_keys if key.usable(at)]
        who = replace(who, key=usable[0].recipient if usable else None)
        marked: Label | LabelDoubt = _fitting_label(rng, partner.nation or partner.code, at)
        spoiled = rng.random()
        if spoiled < 0.2:
            marked = label(rng, at)
        elif spoiled < 0.3:
            who = subject(rng, self.policy, partner.code)
        asked = (who, wanted.dataset, marked, shown, rng.choice(wanted.purposes), at)
        return surrounded(rng, self.policy, asked, wanted)


def world(seed: int | str) -> World:
    """The random set of this seed, loaded and compiled."""
    rng = random.Random(seed)
    files = draw_files(rng)
    return World(rng, files, compile_policy(load(files)))


def draw_files(rng: random.Random) -> dict[str, bytes]:
    alpha, beta = dataset(rng, "alpha"), dataset(rng, "beta")
    files = {
        "policies/policy.toml": document(settings(rng)),
        "policies/communities.toml": document({"community": [community(rng)]}),
        "policies/casbin-model.conf": CASBIN_MODEL,
        "policies/tables/object-owners.csv": OWNER_TABLE,
        "policies/datasets/alpha.toml": document(alpha),
        "policies/datasets/beta.toml": document(beta),
    }
    held = rng.sample(range(4), 4)
    for code, kind, nation in rng.sample(
        [
            ("JPN", "government", "JPN"),
            ("GBR", "government", "GBR"),
            ("NATO", "organisation", None),
            ("LCOM", "organisation", None),
            ("ACME", "company", "GBR"),
            ("SPIRE", "company", "NOR"),
        ],
        2,
    ):
        files[f"policies/partners/{code}.toml"] = document(
            partner_file(rng, code, kind, nation, {"alpha": alpha, "beta": beta})
        )
        files[f"keys/partners/{code}.jwks.json"] = jwks(rng, [held.pop() for _ in range(rng.randint(1, 2))])
    return files


def settings(rng: random.Random) -> dict[str, object]:
    tighten = {}
    if rng.random() < 0.3:
        tighten["FOUO"] = rng.choice(["never", "consent", "read-in"])
    if rng.random() < 0.2:
        tighten[rng.choice(["ORCON", "PR", "DS"])] = "never"
    return {
        "name": "random",
        "purposes": {purpose: purpose for purpose in PURPOSES},
        "categories": {"5": "five", "8": "eight"},
        "tighten": {"udl": tighten} if tighten else None,
        "witnesses": KEYS,
    }


def demand(rng: random.Random, chance: float) -> dict[str, object]:
    """A demand for witnesses, now and then, as a key of a table."""
    if rng.random() >= chance:
        return {}
    names = rng.sample(NAMES, rng.randint(1, 3))
    return {"witnesses": {"quorum": rng.randint(1, len(names)), "of": names}}


def community(rng: random.Random) -> dict[str, object]:
    members = []
    for nation in rng.sample(NATIONS, rng.randint(1, 3)):
        begin, end = sorted(rng.sample(range(len(DAYS)), 2))
        member: dict[str, object] = {"nation": nation, "from": DAYS[begin]}
        members.append({**member, "until": DAYS[end]} if rng.random() < 0.5 else member)
    return {
        "code": "LCOM",
        "name": "local",
        "source": "invented",
        "follows_membership": rng.random() < 0.3,
        "member": members,
    }


def dataset(rng: random.Random, name: str) -> dict[str, object]:
    separates = rng.random() < 0.7
    quantities = {}
    for index, quantity in enumerate(rng.sample(sorted(QUANTITIES), rng.randint(1, 3))):
        if quantity == "when":
            quantities[quantity] = {"unit": "instant", "fields": ["when"]}
            continue
        fields = [f"f{index}a", f"inner.f{index}b"] if rng.random() < 0.5 else [f"f{index}a"]
        quantities[quantity] = {"unit": rng.choice(QUANTITIES[quantity]), "fields": fields}
    groups: dict[str, object] = {
        "where": {
            "fact": "orbit",
            "repeats": rng.sample(["text", "lines", "cov"], rng.randint(0, 2)),
            "quantities": quantities,
        },
        "who": {
            "fact": rng.choice(["provenance", "origin-of-it"]),
            "repeats": ["origin", "by"] + (["inner"] if rng.random() < 0.2 else []),
        },
    }
    record = {"identifier": "id", "marking": "classificationMarking", "date": "createdAt", "delay_from": "createdAt"}
    if rng.random() < 0.3:
        record["originator"] = "originator"
    record["watermark"] = "notice"
    listed = sorted({*record.values(), "mode", "text", "lines", "origin", "by", "when"})
    if rng.random() < 0.3:
        record["tear_line"] = "below"
    table: dict[str, object] = {
        "dataset": name, "title": name, "path": f"/udl/{name}", "source": "udl", "profile": "udl",
        "categories": rng.choice([["5"], ["8"], ["5", "8"], ["5"], ["5"], ["8"], []]),
        "operations": ["list", "id"],
        "unmarked_default": rng.sample(["government", "organisation", "company"], rng.randint(0, 3)),
        "requires": ["SSA-CELL"] if rng.random() < 0.2 else [],
        "record": record,
        "fields": {
            "text": listed,
            "number": ["satNo", "size", "count", *(f"f{index}a" for index in range(3))],
            "boolean": ["flag"],
            "numbers": ["cov"],
            "inside": [
                {"at": ["inner"], "text": ["classificationMarking"], "number": [f"f{index}b" for index in range(3)]}
            ],
        },
        "facts": {
            "owners": {"from": ["satNo"], "table": "object-owners", "separates": separates},
            "mode": {"from": ["mode"], "type": "string", "separates": rng.random() < 0.7},
            "size": {"from": ["size"], "type": "number"},
            "count": {"from": ["count"], "type": "integer", "separates": separates},
            "flag": {"from": ["flag"], "type": "boolean"},
        },
        "groups": groups,
    }  # fmt: skip
    table |= demand(rng, 0.2)
    if rng.random() < 0.3:
        table["deny"] = [{"id": f"{name}-never", "where": condition(rng)}]
    if rng.random() < 0.3:
        together = rng.sample(["size", "mode", "by", "flag"], 2)
        of_fields = {"id": f"{name}-together", "fields": together, "level": rng.choice(LEVELS[1:])}
        of_many = {"id": f"{name}-many", "more_than": 10, "per": "1d", "level": rng.choice(LEVELS[1:])}
        table["compilation"] = rng.choice([[of_fields], [of_many], [of_fields, of_many]])
    return table


def condition(rng: random.Random, one: bool = False) -> dict[str, object] | str:
    if not one and rng.random() < 0.2:
        return "everything"
    tests: dict[str, object] = {}
    for name in rng.sample(["owners", "mode", "size", "count", "flag"], rng.choice([1, 1, 1, 2])):
        tests[name] = {
            "owners": lambda: rng.choice([
                {"contains": rng.choice(OWNERS)}, {"within": rng.sample(OWNERS, rng.randint(1, 2))},
                {"beyond": rng.sample(OWNERS, rng.randint(1, 2))}, {"contains": "JPN", "beyond": ["JPN"]},
            ]),
            "mode": lambda: rng.choice(["REAL", ["REAL", "TEST"], "TEST"]),
            "size": lambda: rng.choice([{"at_least": 10}, {"below": 10}, {"at_least": 1, "below": 10}]),
            "count": lambda: rng.choice([1, [1, 2], {"at_least": 2}]),
            "flag": lambda: rng.random() < 0.5,
        }[name]()  # fmt: skip
    return tests


def partner_file(
    rng: random.Random, code: str, kind: str, nation: str | None, datasets: Mapping[str, dict]
) -> dict[str, object]:
    begin, end = sorted(rng.sample(range(len(DAYS)), 2))
    covered = rng.choice([["alpha", "beta"], ["alpha", "beta"], ["alpha"]])
    purposes = rng.sample(PURPOSES, rng.randint(1, 3))
    agreement: dict[str, object] = {
        "instrument": "letter", "from": date(2020, 1, 1) if rng.random() < 0.8 else DAYS[begin],
        "until": date(2030, 1, 1) if rng.random() < 0.8 else DAYS[end],
        "datasets": covered, "purposes": purposes,
    }  # fmt: skip
    if rng.random() < 0.3:
        agreement["condition"] = [
            {"id": "survey", "text": "kept", "met": rng.random() < 0.9, "met_until": rng.choice(DAYS)}
        ]
    agreement |= demand(rng, 0.2)
    ids = iter(f"{code.lower()}-{n}" for n in range(100))
    grants = [
        grant(rng, next(ids), covered, purposes, datasets, company=kind == "company") for _ in range(rng.randint(1, 5))
    ]
    denies = [
        {"id": next(ids), "dataset": rng.choice(["alpha", "beta"]), "where": condition(rng, one=True)}
        for _ in range(rng.choice([0, 0, 1]))
    ]
    return {
        "partner": code, "name": code, "kind": kind, "nation": nation, "agreement": agreement,
        "ceiling": {c: rng.choice([*LEVELS, *LEVELS[2:]]) for c in rng.sample(["5", "8"], rng.choice([1, 2, 2, 2]))},
        "channel": {
            "credential": rng.choice(["bearer", "bearer", "dpop", "mtls"]),
            **({"post_quantum": rng.choice(LEVELS)} if rng.random() < 0.1 else {}),
        },
        "identity": {"issuer": f"https://{code.lower()}.example", "audience": "a", "algorithms": ["EdDSA"]},
        "system": [{"id": "sys", "clearance": "SECRET", "holds": []}],
        "consent": [consent(rng) for _ in range(rng.randint(0, 4))],
        "grant": grants, "deny": denies, "level": levels(rng),
        "alert": alerts(rng, next(ids), covered, purposes, datasets),
        "procedures": procedures(rng, ids, covered, purposes, datasets),
    }  # fmt: skip


def alerts(rng, name, covered, purposes, datasets):
    if rng.random() < 0.8:
        return []
    table = grant(rng, name, covered, purposes, datasets, company=True)
    for waiting in ("delay", "review", "from", "until"):
        table.pop(waiting, None)
    fields = rng.sample(["mode", "size", "flag", "createdAt"], rng.randint(1, 3))
    return [table | {"fields": fields, "until": rng.choice(DAYS), "reviewer": "A. Reviewer"}]


def procedures(rng, ids, covered, purposes, datasets):
    found: dict[str, object] = {}
    if rng.random() < 0.1:
        found["volume"] = [
            {"id": next(ids), rng.choice(["records", "requests"]): 10, "per": "1d"}
            | ({"datasets": ["alpha"]} if rng.random() < 0.5 else {})
        ]
    if rng.random() < 0.25:
        table = grant(rng, next(ids), covered, purposes, datasets, company=True)
        for waiting in ("delay", "review"):
            table.pop(waiting, None)
        found["emergency"] = [table | {"for": "6h", "officers": ["A. Officer"]}]
    return found or None


def levels(rng: random.Random) -> list[dict[str, object]]:
    """Rows that round up, some of them for some days only."""
    found = []
    for system in rng.sample(["FRA", "JPN"], rng.randint(0, 2)):
        day = rng.choice(DAYS)
        for level, us in [("UNCLASSIFIED", "CONFIDENTIAL"), ("CONFIDENTIAL", "SECRET"), ("SECRET", "TOP SECRET")]:
            row = {"system": system, "level": level, "source": "annex"}
            later = row | {"us": us, "from": day}
            found += rng.choice([[], [row | {"us": level}], [row | {"us": level, "until": day}, later], [later]])
    return found


def grant(rng, name, covered, purposes, datasets, *, company):
    where = rng.choice(covered)
    table: dict[str, object] = {
        "id": name,
        "dataset": where,
        "purposes": rng.sample(purposes, rng.randint(1, len(purposes))),
        "where": condition(rng, one=company),
    }
    dice = rng.random()
    if dice < 0.25:
        table["drop"] = ["where"]
    elif dice < 0.6:
        held = datasets[where]["groups"]["where"]["quantities"]
        table["round"] = {"where": {quantity: _step(rng, table["unit"]) for quantity, table in held.items()}}
    if rng.random() < 0.3:
        table["drop"] = [*table.get("drop", []), "who"]
    if rng.random() < 0.1:
        table["watermark"] = rng.choice(["For you", "And for nobody else"])
    if rng.random() < 0.2 and "tear_line" in datasets[where]["record"]:
        table["tear_line"] = True
    if rng.random() < 0.2:
        table["delay"] = rng.choice(["1h", "30d", "1d12h"])
    if rng.random() < 0.15:
        table["review"] = {
            "persons": rng.choice([1, 2]),
            "tell": rng.random() < 0.5,
            "within": rng.choice(["3d", "2h"]),
            "level": rng.choice([*LEVELS, "UNCLASSIFIED"]),
        }
    if rng.random() < 0.2:
        begin, end = sorted(rng.sample(range(len(DAYS)), 2))
        table |= {"from": DAYS[begin], "until": DAYS[end]}
    return table | demand(rng, 0.2)


def _step(rng: random.Random, unit: str) -> int | float | str:
    """Powers of ten nest; minutes and degrees are of different dimensions and never meet."""
    if unit == "instant":
        return rng.choice(["10m", "1h", "1d"])
    return rng.choice([1, 10, 1000]) if unit not in {"km", "km/s"} else rng.choice([0.001, 1, 10])


def consent(rng: random.Random) -> dict[str, object]:
    begin, end = sorted(rng.sample(range(len(DAYS)), 2))
    control = rng.choice(["PR", "DS", "ORCON", "THIRD-PARTY", "PR"])
    originator = rng.choice(["SPIRE", "SSDP"]) if control in {"PR", "DS"} else rng.choice(["USA", "FRA", "JPN"])
    table: dict[str, object] = {
        "originator": originator, "control": control, "datasets": rng.choice([["alpha"], ["alpha", "beta"]]),
        "from": DAYS[begin], "until": DAYS[end], "reference": "letter",
    }  # fmt: skip
    if control in {"PR", "DS"} and rng.random() < 0.5:
        table["types"] = [rng.choice(["AIS", "ELSET"])]
    return table


def jwks(rng: random.Random, held: list[int]) -> bytes:
    keys = []
    for number in held:
        key: dict[str, object] = {**key_material()[number], "use": "enc"}
        if rng.random() < 0.15:
            key["nbf"] = _seconds(rng.choice(DAYS))
        if rng.random() < 0.15:
            key["exp"] = _seconds(rng.choice(DAYS))
        if rng.random() < 0.1:
            key["revoked"] = {"revoked_at": _seconds(DAYS[0])}
        keys.append(key)
    return json.dumps({"keys": keys}).encode()


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def instant(rng: random.Random) -> datetime:
    day = rng.choice(DAYS)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + rng.choice(
        [timedelta(0), timedelta(microseconds=-1), timedelta(hours=5)]
    )


def subject(rng: random.Random, policy: CompiledPolicy, partner: str) -> Subject:
    key = None
    registered = policy.policy_set.partners[partner].recipient_keys
    dice = rng.random()
    if dice < 0.75:
        key = rng.choice(registered).recipient
    elif dice < 0.95:
        key = RecipientKey(rng.choice(thumbprints()), None, rng.choice([None, instant(rng)]), rng.random() < 0.2)
    clearance = rng.choice([*LEVELS, "TOP SECRET", "SECRET", None, "COSMIC"])
    holds = frozenset(name for name in ("SSA-CELL", "FOUO") if rng.random() < 0.7)
    return Subject(partner, "sys", clearance, holds, rng.choice(list(Credential)), key)


def surrounded(rng: random.Random, policy: CompiledPolicy, asked: Question, wanted_rule: GrantTable | None) -> Question:
    """The question with what is known around its record: what was counted, opened and is there, on which side of a
    tear line it stands, and how its key wraps.
    """
    who, name, marked, shown, purpose, at = asked
    used = {counter.name: rng.choice([0, 0, 9, 9, 9, 10]) for counter in policy.counters(who.partner, name)}
    emergencies = [rule.id for rule in policy.policy_set.partners[who.partner].grants if rule.lasts is not None]
    ago = [timedelta(0), timedelta(hours=1), timedelta(hours=6), timedelta(hours=6, microseconds=-1), -timedelta(1)]
    wanted = sorted(policy.policy_set.datasets[name].compiled_fields)
    shown = replace(
        shown,
        usage={counter: count for counter, count in used.items() if rng.random() < 0.95},
        emergencies={each: at - rng.choice(ago) for each in emergencies if rng.random() < 0.8},
        tear_line=policy.shape(name).tear_line is not None
        and rng.random() < (0.1 if wanted_rule is None or not wanted_rule.tear_line else 0.9),
        present=None if rng.random() < 0.1 else frozenset(each for each in wanted if rng.random() < 0.7),
    )
    if who.key is not None and rng.random() < 0.3:
        who = replace(who, key=replace(who.key, post_quantum=True))
    return who, name, marked, shown, purpose, at


_BEFORE_LIST = ["NOFORN", "RELIDO"]


def label(rng: random.Random, at: datetime) -> Label | LabelDoubt:
    if rng.random() < 0.04:
        return LabelDoubt(rng.choice(["label_missing", "label_unparsed", "duplicate_key"]))
    level = rng.choice([Level.U, Level.U, Level.U, Level.C, Level.S, Level.TS])
    controls: list[Control] = []
    if level is Level.U and rng.random() < 0.15:
        controls.append(Control("FOUO"))
    if level is not Level.U and rng.random() < 0.2:
        controls.append(Control("ORCON"))
    rel_to = None
    if rng.random() < 0.55:
        nations = sorted(rng.sample(LISTED, rng.randint(0, 2)))
        communities = sorted(rng.sample(COMMUNITIES, rng.randint(0 if nations else 1, 2)))
        rel_to = ("USA", *nations, *communities)
    elif rng.random() < 0.25:
        controls.append(Control(rng.choice(["NOFORN", "RELIDO"])))
    owned = rng.random()
    if owned < 0.2:
        controls.append(Control("PR", (rng.choice(["SPIRE", "SSDP"]), rng.choice(["AIS", "ELSET"]))))
    elif owned < 0.3:
        controls.append(Control("DS", (rng.choice(["SPIRE", "SSDP"]), rng.choice(["AIS", "ELSET"]))))
    controls.sort(key=lambda control: control.order)
    display = ("JPN",) if rng.random() < 0.04 else None
    created = (
        None
        if rng.random() < 0.03
        else rng.choice([at.date(), at.date(), rng.choice(DAYS), at.date() - timedelta(days=40)])
    )
    system, owners = (
        ("US", ("USA",))
        if rng.random() < 0.9
        else rng.choice([("FRA", ("FRA",)), ("JPN", ("JPN",)), ("US", ("FRA", "USA")), ("JOINT", ("FRA", "USA"))])
    )
    profile = "udl" if rng.random() < 0.98 else "icrm-2016"
    if rng.random() < 0.02:
        controls.append(Control("SPACEBAR"))
    return Label(profile, level, tuple(controls), rel_to, display, created, system, owners)


def _fits(where: Condition, shown: Facts) -> bool:
    try:
        return where.truth(shown.values) is Truth.TRUE and not shown.problems
    except FactMisread:
        return False


def _fitting_label(rng: random.Random, code: str, at: datetime) -> Label:
    """A label that some partners of each kind may have: bare, listed, or somebody's with a consent likely."""
    created = at.date() - timedelta(days=rng.choice([0, 1, 40]))
    kind = rng.random()
    if kind < 0.35:
        return Label("udl", Level.U, created=created)
    if kind < 0.5:
        return Label("udl", Level.U, (Control("PR", ("SPIRE", rng.choice(["AIS", "ELSET"]))),), created=created)
    others = [name for name in rng.choice([[], ["FVEY"], ["LCOM"]]) if name != code]
    listed = sorted({code, *others}, key=lambda name: (name in COMMUNITIES, name))
    controls = (Control("ORCON"),) if kind > 0.9 else ()
    level = rng.choice([Level.C, Level.S]) if controls else rng.choice([Level.U, Level.U, Level.C, Level.S])
    return Label("udl", level, controls, ("USA", *listed), created=created)


def facts(rng: random.Random, at: datetime) -> Facts:
    values: dict[str, object] = {
        "owners": rng.choice(
            [frozenset({"JPN"}), frozenset({"JPN", "SES"}), frozenset({"GBR"}), frozenset({"NOR"}), UNKNOWN]
        ),
        "mode": rng.choice(["REAL", "REAL", "TEST", "EXERCISE"]),
        "size": rng.choice([0, 1, 5.5, 10, 10.0, 12.25, -0.0]),
        "count": rng.choice([1, 2, 3]),
        "flag": rng.random() < 0.5,
    }
    problems: dict[str, str] = {}
    if rng.random() < 0.1:
        name = rng.choice(sorted(values))
        del values[name]
        if rng.random() < 0.7:
            problems[name] = rng.choice(["missing", "invalid"])
    if rng.random() < 0.08:
        values[rng.choice(["mode", "count", "size", "flag", "owners"])] = rng.choice(
            [True, 1, 1.0, "REAL", float("nan"), frozenset({"JPN"})]
        )
    delay_from = rng.choice(
        [None, at - timedelta(days=60), at - timedelta(hours=1), at - timedelta(minutes=59), at - timedelta(days=30)]
    )
    return Facts(
        values=values,  # type: ignore[arg-type]
        problems=problems,
        delay_from=delay_from if rng.random() < 0.95 else None,
        originator=rng.choice([None, "USA", "USA", "FRA", "JPN"]),
        stops=("stop-1",) if rng.random() < 0.05 else (),
        approval=Approval("review:1", "unread by the gates") if rng.random() < 0.4 else None,
    )


def written(label: object) -> str | None:
    """The label as a marking; one with a control that no profile knows is written as what no profile reads."""
    if not isinstance(label, Label):
        return None
    try:
        return label.portion()
    except KeyError:
        return "S//SPACEBAR"
