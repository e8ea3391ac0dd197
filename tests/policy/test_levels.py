"""Foreign levels at the clearance gate: through the agreement's rows, rounding up, or not at all."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.markings import Label, Level
from gateway.policy import Claims, CompiledPolicy
from gateway.policy.decision import Credential, Decision, Gate
from gateway.policy.errors import PolicyError
from tests.policy.worked import NOW, SYSTEM, changed, edited

JAPAN = "policies/partners/JPN.toml"
ROWS = """
[[level]]
system = "NATO"
level = "SECRET"
us = "SECRET"
source = "a fictional agreement, annex B"

[[level]]
system = "FRA"
level = "CONFIDENTIAL"
us = "CONFIDENTIAL"
until = 2021-07-01
source = "a fictional agreement, annex B"

[[level]]
system = "GBR"
level = "RESTRICTED"
us = "TOP SECRET"
source = "a fictional agreement, annex B"
"""


def clearance(
    system: str, level: Level, *, day: date = date(2026, 6, 1), owners: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """The clearance gate's reasons for a label of that system and level, under the rows above."""
    compiled = changed({JAPAN: edited(JAPAN, "# 6. What is authorised", ROWS + "\n# 6. What is authorised")})
    label = Label("udl", level, (), ("USA", "JPN"), created=day, system=system, owners=owners or (system,))
    decision = decide(compiled, label)
    return next(result.reasons for result in decision.gates if result.gate is Gate.CLEARANCE)


def decide(compiled: CompiledPolicy, label: Label) -> Decision:
    """One question about an element set, by Japan's first system."""
    subject = compiled.subject("JPN", SYSTEM["JPN"], Claims(), Credential.BEARER, compiled.recipient("JPN", NOW))
    facts = compiled.facts("elset", {"createdAt": "2026-06-01T00:00:00Z", "dataMode": "REAL"}, NOW, ())
    return compiled.decide(subject, "elset", label, facts, "collision-avoidance", NOW)


def test_a_foreign_level_with_a_row_counts_as_the_level_it_says() -> None:
    assert clearance("NATO", Level.S) == ()
    assert clearance("FRA", Level.C, day=date(2021, 6, 30)) == ()


def test_a_foreign_level_rounds_up_and_may_then_lie_above_the_ceiling() -> None:
    assert clearance("GBR", Level.R) == ("above_ceiling", "above_system_clearance")


@pytest.mark.parametrize(
    ("system", "level", "day", "owners"),
    [
        ("NATO", Level.C, date(2026, 6, 1), None),
        ("DEU", Level.S, date(2026, 6, 1), None),
        ("FRA", Level.C, date(2021, 7, 1), None),
        ("JOINT", Level.S, date(2026, 6, 1), ("GBR", "USA")),
    ],
)
def test_a_foreign_level_without_a_row_for_its_day_denies(
    system: str, level: Level, day: date, owners: tuple[str, ...] | None
) -> None:
    assert clearance(system, level, day=day, owners=owners) == ("foreign_level_unmapped",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('level = "SECRET"\nus = "SECRET"', 'level = "SECRET"\nus = "CONFIDENTIAL"'),
        ('level = "SECRET"', 'level = "GEHEIM"'),
        ('level = "RESTRICTED"\nus = "TOP SECRET"', 'level = "RESTRICTED"\nus = "RESTRICTED"'),
        ("until = 2021-07-01", "from = 2021-07-01\nuntil = 2021-07-01"),
        ('system = "GBR"\nlevel = "RESTRICTED"', 'system = "NATO"\nlevel = "RESTRICTED"'),
        ('system = "GBR"\nlevel = "RESTRICTED"', 'system = "NATO"\nlevel = "SECRET"'),
        ('source = "a fictional agreement, annex B"', ""),
    ],
)
def test_rows_that_round_down_or_contradict_each_other_do_not_load(old: str, new: str) -> None:
    assert old in ROWS
    rows = ROWS.replace(old, new)
    with pytest.raises(PolicyError):
        changed({JAPAN: edited(JAPAN, "# 6. What is authorised", rows + "\n# 6. What is authorised")})


def test_a_decision_records_the_digest_of_the_table_it_was_read_from() -> None:
    compiled = changed({JAPAN: edited(JAPAN, "# 6. What is authorised", ROWS + "\n# 6. What is authorised")})
    tables = decide(compiled, Label("udl", Level.U, (), created=date(2026, 6, 1))).tables
    assert tables["levels:JPN"] == compiled.policy_set.partners["JPN"].levels.digest
