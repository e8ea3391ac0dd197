"""Seeded mistakes, each found by its rule at its line; and nothing found in the worked set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gateway.policy.conditions import Condition, Truth, parse_condition
from gateway.policy.implication import implies, impossible
from gateway.policy.lint import RULES, Lint, failing, lint
from tests.policy.worked import jwks, read_files, revoked_jwks, whole_files

AT = datetime(2026, 6, 18, tzinfo=UTC)
JPN, GBR, AUS, CAN = (f"policies/partners/{code}.toml" for code in ("JPN", "GBR", "AUS", "CAN"))
DEU, ORB, KOR, FRA, NZL = (f"policies/partners/{code}.toml" for code in ("DEU", "ORBITWATCH", "KOR", "FRA", "NZL"))
ELSET, NOTICE, LAUNCH, MANEUVER = (
    f"policies/datasets/{name}.toml" for name in ("elset", "notification", "launchevent", "maneuver")
)
COMMUNITIES, SETTINGS, CASES = "policies/communities.toml", "policies/policy.toml", "policies/cases/JPN.toml"


@dataclass(frozen=True)
class Seed:
    """A mistake: ``old`` becomes ``new`` in a file, and ``rule`` must be found in it, at the line that has ``at``."""

    rule: str
    file: str
    old: str
    new: str
    at: str


def grant(name: str, dataset: str, purpose: str, where: str, more: str = "") -> str:
    """A grant to put before the first one."""
    text = f'[[grant]]\nid = "{name}"\ndataset = "{dataset}"\npurposes = ["{purpose}"]\nwhere = {where}\n{more}'
    return text + "\n# 6. What is authorised"


ONCE_MORE = """[[grant]]
id = "nzl-notices"
dataset = "notification"
purposes = ["collision-avoidance"]
where = { msgType = "REENTRY_NOTICE" }
drop = ["provenance"]
"""
AUTHORISED, AVOID, AWARE = "# 6. What is authorised", "collision-avoidance", "space-situational-awareness"
SEEDS = [
    # what a load refuses
    Seed("refused", JPN, 'nation = "JPN"', 'nation = "JPX"', 'nation = "JPX"'),
    Seed("refused", JPN, "until = 2028-01-01", 'until = "2028-01-01"', 'until = "2028-01-01"'),
    Seed("refused", JPN, "until = 2028-01-01", "until = 2006-01-01", "[agreement]"),
    Seed("refused", JPN, 'dataset = "statevector"', 'dataset = "statevectors"', 'dataset = "statevectors"'),
    Seed("refused", JPN, '5 = "SECRET"', '5 = "S"', '5 = "S"'),
    Seed("refused", JPN, '5 = "SECRET"', '9 = "SECRET"', '9 = "SECRET"'),
    Seed("refused", JPN, 'credential = "bearer"', 'credential = "basic"', 'credential = "basic"'),
    Seed("refused", JPN, "plain = false", "plian = false", "plian = false"),
    Seed("refused", JPN, 'control = "PR"', 'control = "PRX"', 'control = "PRX"'),
    Seed("refused", JPN, "acceleration = 0.001", "# acceleration", "[grant.round.state]"),
    Seed("refused", JPN, "position = 1  ", "position = 0  ", "position = 0"),
    Seed("refused", JPN, 'delay = "1h"', 'delay = "an hour"', 'delay = "an hour"'),
    Seed("refused", JPN, 'where = { msgType = "SENSOR_STATUS" }', "where = {}", "where = {}"),
    Seed("refused", JPN, 'where = { msgType = "COLLISION_WARNING" }', 'where = { type = "X" }', 'where = { type'),
    Seed("refused", JPN, 'within = ["JPN"]', 'within = ["JPNX"]', 'within = ["JPNX"]'),
    Seed("refused", JPN, 'id = "jpn-elset-own"', 'id = "jpn-statevector-own"', 'id = "jpn-statevector-own"'),
    Seed("refused", JPN, 'drop = ["provenance"]', 'drop = ["provenence"]', 'drop = ["provenence"]'),
    Seed("refused", GBR, "https://issuer.gbr.example", "https://issuer.jpn.example", "https://issuer.jpn.example"),
    Seed("refused", ORB, 'where = { regime = "LEO", dataMode = "REAL" }', 'where = "everything"', '= "everything"'),
    Seed("refused", LAUNCH, 'delay_from = "createdAt"', "", 'delay = "2h"'),
    Seed("refused", ELSET, 'profile = "udl"', 'profile = "udk"', 'profile = "udk"'),
    Seed("refused", SETTINGS, "[purposes]", '[tighten.udl]\nNOFORN = "consent"\n[purposes]', 'NOFORN = "consent"'),
    # what the procedures, alerts and special fields get wrong
    Seed("refused", KOR, 'launch = "1d" ', 'launch = 1 ', "launch = 1"),
    Seed("refused", KOR, 'launch = "1d" ', 'launch = "7h" ', 'launch = "7h"'),
    Seed("refused", KOR, 'launch = "1d" ', 'launch = "0s" ', 'launch = "0s"'),
    Seed("refused", DEU, "angle = 0.1 ", 'angle = "1h" ', 'angle = "1h"'),
    Seed("refused", KOR, 'records = 10000\nper = "1d"', 'records = 10000\nper = "5h"', "[[procedures.volume]]"),
    Seed("refused", KOR, "records = 10000", "records = 0", "records = 0"),
    Seed("refused", KOR, "requests = 30", "requests = 30\nrecords = 30", "[[procedures.volume]]"),
    Seed("refused", KOR, 'per = "1m"', 'per = "1m"\ndatasets = ["statevector"]', 'datasets = ["statevector"]'),
    Seed("refused", KOR, 'id = "kor-often"', 'id = "kor-daily"', 'id = "kor-daily"'),
    Seed("refused", KOR, "where = { satNo = 25544 }", 'where = "everything"', "[[procedures.emergency]]"),
    Seed("refused", KOR, 'for = "6h"', 'for = "30d"', "[[procedures.emergency]]"),
    Seed("refused", KOR, 'for = "6h"', 'for = "6h"\ndelay = "1h"', "[[procedures.emergency]]"),
    Seed("refused", KOR, 'officers = ["Duty disclosure officer (fictional)"]', 'officers = ["Passer-by"]',
         'officers = ["Passer-by"]'),
    Seed("refused", KOR, 'for = "6h"', "", "[[procedures.emergency]]"),
    Seed("refused", NZL, '"createdAt", "msgType", "msgBody"]', '"createdAt", "msgType", "msgBdy"]', '"msgBdy"]'),
    Seed("refused", NZL, '"createdAt", "msgType", "msgBody"]', '"createdAt", "msgType", "origin"]', '"origin"]'),
    Seed("refused", NZL, "until = 2027-07-01\n", "", "[[alert]]"),
    Seed("refused", NZL, "reviewer =", 'review = { persons = 1 }\nreviewer =', "[[alert]]"),
    Seed("refused", NZL, 'drop = ["provenance"]\ndelay', 'watermark = "For NZL"\ndelay', 'watermark = "For NZL"'),
    Seed("refused", NZL, 'drop = ["provenance"]\ndelay', "tear_line = true\ndelay", "tear_line = true"),
    Seed("refused", CAN, "persons = 2", "persons = 3", "review = {"),
    Seed("refused", LAUNCH, ', "releaseNotice",', ",", 'watermark = "releaseNotice"'),
    Seed("refused", MANEUVER, '"transactionId",\n]\nnumber', '"transactionId", "releasableVersion",\n]\nnumber',
         'tear_line = "releasableVersion"'),
    Seed("refused", LAUNCH, '["launchFailureCode", "launchFacilityName"]', '["launchFailureCode", "launchPad"]',
         '"launchPad"]'),
    Seed("refused", LAUNCH, '["launchFailureCode", "launchFacilityName"]', '["launchFailureCode"]',
         '["launchFailureCode"]'),
    Seed("refused", MANEUVER, "more_than = 1000\n", "", "[[compilation]]"),
    Seed("refused", MANEUVER, 'level = "SECRET"', 'level = "UNCLASSIFIED"', "[[compilation]]"),
    Seed("parameter-degraded", LAUNCH, 'required = ["msgCreateDate"]', 'required = ["launchDate"]',
         'dataset = "launchevent"'),
    Seed("parameter-degraded", NZL, '"createdAt", "msgType", "msgBody"]', '"msgType", "msgBody"]',
         'dataset = "notification"'),
    Seed("volume-idle", KOR, 'per = "1m"',
         'per = "1m"\n[[procedures.volume]]\nid = "kor-more"\nrequests = 43200\nper = "1d"', "[[procedures.volume]]"),
    Seed("review-idle", CAN, 'level = "SECRET" }', 'level = "TOP SECRET" }', "review = {"),
    Seed("no-post-quantum-key", GBR, "plain = ", 'post_quantum = "SECRET"\nplain = ', 'post_quantum = "SECRET"'),
    Seed("tear-line-idle", FRA, "tear_line = true", "", 'tear_line = "releasableVersion"'),
    Seed("shadowed", NZL, "# 6. What is authorised", "# 6. What is authorised\n" + ONCE_MORE, 'id = "nzl-notices"'),
    Seed("refused", CASES, 'expect = "withheld"', 'expect = "denied"', 'expect = "denied"'),
    # dates
    Seed("agreement-lapses", JPN, "until = 2028-01-01", "until = 2026-07-31", "until = 2026-07-31"),
    Seed("condition-lapses", JPN, "met_until = 2027-09-01", "met_until = 2026-07-01", "met_until = 2026-07-01"),
    Seed("condition-lapses", JPN, "met_until = 2027-09-01", "met = false", "[[agreement.condition]]"),
    Seed("consent-lapses", GBR, "until = 2028-07-01", "until = 2026-07-01", "until = 2026-07-01"),
    Seed("grant-lapses", KOR, "from = 2024-07-01", "from = 2024-07-01\nuntil = 2026-07-01", "until = 2026-07-01"),
    Seed("grant-outlives", KOR, "from = 2024-07-01", "until = 2031-01-01", "until = 2031-01-01"),
    Seed("grant-never-active", KOR, "from = 2024-07-01", "from = 2029-01-01", "from = 2029-01-01"),
    Seed("delay-idle", KOR, 'delay = "2h"\nfrom = 2024-07-01',
         'delay = "2d"\nfrom = 2026-06-01\nuntil = 2026-06-02', 'delay = "2d"'),
    # the partner's frame
    Seed("no-system", AUS, '[[system]]\nid = "aus-space-surveillance"\nclearance = "SECRET"', "", 'partner = "AUS"'),
    Seed("issuer-in-clear", JPN, "https://issuer", "http://issuer", "http://issuer"),
    Seed("covered-not-granted", DEU, '"conjunction", "elset", "notification"]',
         '"conjunction", "elset", "notification", "launchevent"]', '"launchevent"]'),
    Seed("purpose-not-granted", DEU, 'purposes = ["collision-avoidance", "space-situational-awareness"]\n\n# 2',
         'purposes = ["collision-avoidance", "space-situational-awareness", "anomaly-resolution"]\n\n# 2',
         '"anomaly-resolution"]'),
    Seed("said-twice", DEU, 'drop = ["provenance"]', 'drop = ["provenance", "provenance"]', '"provenance", "prov'),
    Seed("consent-idle", ORB, 'datasets = ["elset"]\ntypes', 'datasets = ["elset", "statevector"]\ntypes',
         '"statevector"]'),
    Seed("consent-idle", GBR, 'datasets = ["elset", "statevector"]',
         'datasets = ["elset", "statevector"]\ntypes = ["SV"]', 'types = ["SV"]'),
    Seed("consent-idle", GBR, 'originator = "SPIRE"', 'originator = "GBR"', 'originator = "GBR"'),
    Seed("consent-idle", JPN, "from = 2023-01-01\nuntil = 2027-07-01", "from = 2001-01-01\nuntil = 2002-01-01",
         "from = 2001-01-01"),
    # what a grant can never do
    Seed("above-ceiling", AUS, '8 = "CONFIDENTIAL"\n', "", 'dataset = "elset"'),
    Seed("above-ceiling", LAUNCH, 'markings = ["U", "U//REL TO USA, FVEY", "C//REL TO USA, PSSA", '
         '"S//REL TO USA, FVEY"]', 'markings = ["TS//REL TO USA, FVEY"]', 'dataset = "launchevent"'),
    Seed("never-releasable", MANEUVER, 'markings = ["U", "C//REL TO USA, FVEY", "S//REL TO USA, FVEY", '
         '"S//OC/REL TO USA, CAN, GBR", "S//NF"]', 'markings = ["S//NF", "TS//NF"]', 'dataset = "maneuver"'),
    Seed("never-releasable", ELSET, 'markings = ["U", "U//PR-EXOSCAN-ELSET", "C//REL TO USA, FVEY", "S//NF"]',
         'markings = ["C//REL TO USA, FVEY"]', 'dataset = "elset"'),
    Seed("requirement-not-held", LAUNCH, "unmarked_default", 'requires = ["SSA-CELL"]\nunmarked_default',
         'dataset = "launchevent"'),
    Seed("never-holds", FRA, 'contains = "FRA", beyond = ["FRA"]', 'contains = "FRA", within = ["USA"]',
         'contains = "FRA"'),
    Seed("never-holds", JPN, 'within = ["JPN"]', 'within = ["JPN"], beyond = ["JPN", "USA"]',
         'beyond = ["JPN", "USA"]'),
    Seed("value-unknown", JPN, '"COLLISION_WARNING"', '"COLISION_WARNING"', '"COLISION_WARNING"'),
    Seed("value-unknown", ORB, 'regime = "LEO"', 'regime = "LOW"', 'regime = "LOW"'),
    Seed("contradicted", JPN, 'where = { msgType = "COLLISION_WARNING" }', 'where = { msgType = "SENSOR_STATUS" }',
         'where = { msgType = "SENSOR_STATUS" }'),
    Seed("contradicted", ORB, 'dataMode = "REAL"', 'dataMode = "EXERCISE"', 'dataMode = "EXERCISE"'),
    Seed("shadowed", AUS, AUTHORISED,
         grant("aus-again", "notification", AVOID, '{ msgType = "LAUNCH_NOTICE" }', 'drop = ["provenance"]'),
         'id = "aus-again"'),
    Seed("shadowed", FRA, 'dataset = "maneuver"\nwhere = { dataMode = ["SIMULATED", "TEST"] }',
         'dataset = "maneuver"\nwhere = { dataMode = "EXERCISE" }', 'id = "fra-no-test-manoeuvres"'),
    Seed("deny-idle", FRA, 'id = "fra-no-test-manoeuvres"\ndataset = "maneuver"',
         'id = "fra-no-test-manoeuvres"\ndataset = "launchevent"', 'dataset = "launchevent"'),
    Seed("rounding-idle", DEU, AUTHORISED,
         grant("deu-none", "conjunction", AVOID, '{ owners = { within = ["DEU"] } }', 'drop = ["encounter"]\n'),
         "[grant.round.elements]"),
    Seed("rounding-absurd", DEU, "angle = 0.1 ", "angle = 360 ", "angle = 360"),
    Seed("rounding-absurd", KOR, "eccentricity = 0.001", "eccentricity = 1", "eccentricity = 1"),
    # what belongs to no one partner
    Seed("purpose-unused", SETTINGS, "[purposes]", '[purposes]\nweather = "Know the weather"', "weather ="),
    Seed("dataset-without-category", NOTICE, 'categories = ["5"]', "categories = []", 'dataset = "notification"'),
    Seed("marking-unread", NOTICE, '"U//FOUO", ', '"U//FUOO", ', '"U//FUOO"'),
    Seed("community-unused", COMMUNITIES, '[[community]]\ncode = "PSSA"',
         '[[community]]\ncode = "ZZZQ"\nname = "n"\nsource = "s"\nmember = [{ nation = "BRA", from = 2020-01-01 }]\n\n'
         '[[community]]\ncode = "PSSA"', 'code = "ZZZQ"'),
    Seed("community-ended", COMMUNITIES, '[[community]]\ncode = "PSSA"',
         '[[community]]\ncode = "ZZZQ"\nname = "n"\nsource = "s"\n'
         'member = [{ nation = "JPN", from = 2020-01-01, until = 2021-01-01 }]\n\n[[community]]\ncode = "PSSA"',
         'code = "ZZZQ"'),
    Seed("case-unknown", CASES, 'system = "jpn-academic-liaison"', 'system = "jpn-liaison"', 'system = "jpn-liaison"'),
    Seed("case-field-unread", CASES, "fields = { satNo1 = 24278, satNo2 = 26720 }",
         "fields = { satNo1 = 24278, satNo2 = 26720, satNo3 = 1 }", "satNo3 = 1"),
]  # fmt: skip


def found_in(files: dict[str, bytes]) -> tuple[Lint, ...]:
    return lint(files, AT)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.rule}: {seed.new[:40]!r}")
def test_a_seeded_mistake_is_found_by_its_rule_at_its_line(seed: Seed) -> None:
    files = dict(whole_files())
    text = files[seed.file].decode()
    assert seed.old in text, seed
    files[seed.file] = text.replace(seed.old, seed.new, 1).encode()
    found = [each for each in found_in(files) if each.rule == seed.rule]
    assert found, [str(each) for each in found_in(files)]
    assert all(each.finding.message and each.finding.line >= 0 for each in found)
    places = {(each.finding.file, each.finding.line) for each in found if each.finding.line}
    shown = [files[file].decode().splitlines()[line - 1] for file, line in places]
    assert any(seed.at in line for line in shown), [str(each.finding) for each in found]


def test_there_are_at_least_forty_seeds_and_most_rules_have_one() -> None:
    assert len(SEEDS) >= 40
    elsewhere = {"system-idle", "no-usable-key", "key-lapses", "keys-not-read", "dataset-not-granted"}
    assert {seed.rule for seed in SEEDS} | elsewhere == set(RULES)


def test_nothing_is_found_in_the_worked_set() -> None:
    assert found_in(dict(whole_files())) == ()


def test_a_set_without_keys_is_noted_and_does_not_fail() -> None:
    (note,) = found_in(read_files())
    assert note.rule == "keys-not-read"
    assert failing((note,)) == ()


def test_a_partner_without_a_usable_key_is_found() -> None:
    files = dict(whole_files())
    del files["keys/partners/GBR.jwks.json"]
    files["keys/partners/AUS.jwks.json"] = revoked_jwks("AUS")
    found = found_in(files)
    assert {each.rule for each in found} == {"no-usable-key"}
    assert {(each.finding.file, each.finding.field) for each in found} == {(GBR, "partner"), (AUS, "partner")}


def test_a_key_about_to_expire_is_found_in_time() -> None:
    keys = json.loads(jwks("AUS"))
    keys["keys"][1]["exp"] = int((AT + timedelta(days=30)).timestamp())
    files = {**whole_files(), "keys/partners/AUS.jwks.json": json.dumps(keys).encode()}
    assert [each.rule for each in found_in(files)] == ["key-lapses"]
    assert lint(files, AT, timedelta(days=7)) == ()


def test_a_dataset_that_nobody_is_granted_is_found() -> None:
    files = dict(whole_files())
    text = files[LAUNCH].decode().replace("launchevent", "launches")
    files["policies/datasets/launches.toml"] = text.encode()
    (found,) = found_in(files)
    assert (found.rule, found.finding.file) == ("dataset-not-granted", "policies/datasets/launches.toml")


def test_a_system_whose_purposes_are_never_granted_is_found() -> None:
    files = dict(whole_files())
    text = files[ORB].decode().replace('["collision-avoidance"]', '["collision-avoidance", "anomaly-resolution"]', 1)
    system = 'id = "orbitwatch-flight-dynamics"'
    files[ORB] = text.replace(system, f'{system}\npurposes = ["anomaly-resolution"]').encode()
    found = {each.rule: each.finding for each in found_in(files)}
    assert found.keys() == {"system-idle", "purpose-not-granted"}
    assert 'purposes = ["anomaly-resolution"]' in files[ORB].decode().splitlines()[found["system-idle"].line - 1]


def test_what_lapses_is_looked_for_only_as_far_ahead_as_asked() -> None:
    files = dict(whole_files())
    assert lint(files, datetime(2027, 12, 1, tzinfo=UTC), timedelta(days=60)) != ()
    assert "agreement-lapses" not in {each.rule for each in lint(files, AT, timedelta(0))}


CONDITIONS: list[Condition] = [
    parse_condition(raw)
    for raw in (
        "everything", {"a": "x"}, {"a": ("x", "y")}, {"o": {"contains": "J"}}, {"o": {"within": ("J",)}},
        {"o": {"within": ("J", "G")}}, {"o": {"beyond": ("J",)}}, {"o": {"beyond": ("J", "G")}},
        {"o": {"contains": "J", "beyond": ("J",)}}, {"o": {"within": ("J",), "beyond": ("J",)}},
        {"o": {"contains": "G", "within": ("J",)}}, {"n": {"at_least": 5}}, {"n": {"at_least": 1, "below": 5}},
        {"n": {"at_least": 5, "below": 5}}, {"n": 3}, {"n": (3, 7)}, {"a": "x", "o": {"contains": "J"}},
    )
]  # fmt: skip


def test_what_is_proved_of_conditions_is_true_of_every_record() -> None:
    records = [
        {"a": a, "o": frozenset(o), "n": n}
        for a in "xyz"
        for o in ("", "J", "G", "JG", "S", "JS")
        for n in (0, 3, 5, 7)
    ]
    for narrow in CONDITIONS:
        true_of = [record for record in records if narrow.truth(record) is Truth.TRUE]
        assert not (impossible(narrow) and true_of), narrow
        for wide in CONDITIONS:
            if implies(narrow, wide):
                assert all(wide.truth(record) is Truth.TRUE for record in true_of), (narrow, wide)
