"""Impact finds every answer that turns: exactly those that asking both sets afresh finds."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.entry import Event
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry, StoredRow
from gateway.impact import Comparison
from gateway.markings import Label
from gateway.policy import PolicyError, compile_policy, load
from gateway.policy.decision import Obligations
from gateway.policy.grid import grid
from gateway.policy.impact import Flip, Verdict, flip
from gateway.policy.policyset import PolicySet
from gateway.policy.replay import facts_to_json, subject_to_json
from gateway.policy.trial import with_assumed_keys
from tests.policy.worked import edited, read_files
from tests.policy.worlds import Question, World, world, written

AT = datetime(2026, 6, 18, tzinfo=UTC)
EDITS = [
    ('"SECRET"', '"CONFIDENTIAL"'), ('"CONFIDENTIAL"', '"TOP SECRET"'), ("2030-01-01", "2024-04-01"),
    ("2020-01-01", "2024-03-01"), ('"REAL"', '"TEST"'), ('"JPN"]', '"GBR"]'), ('"drop" = ["who"]', '"drop" = []'),
    ('"delay" = "1h"', '"delay" = "30d"'), ('"everything"', '{ "mode" = "REAL" }'), ('["where"]', '[]'),
    ('"government"', '"company"'), ("1000", "1"), ('"avoid"', '"watch"'), ('"met" = true', '"met" = false'),
    ('"unmarked_default" = [', '"unmarked_default" = ["organisation", '),
    ('"follows_membership" = false', '"follows_membership" = true'),
]  # fmt: skip


def changed(drawn: World, rng: random.Random) -> PolicySet:
    """The world's set after up to three edits that still load."""
    files = dict(drawn.files)
    done = 0
    for _ in range(60):
        old, new = rng.choice(EDITS)
        path = rng.choice([path for path in files if path.endswith(".toml")])
        again = {**files, path: files[path].decode().replace(old, new).encode()}
        if again[path] == files[path] or b'"drop" = []' in again[path]:
            continue
        try:
            load(again)
        except PolicyError:
            continue
        files, done = again, done + 1
        if done == 3:
            break
    return load(files)


def entry(number: int, question: Question, digest: str) -> StoredEntry:
    """A log entry that holds one decision."""
    subject, dataset, label, facts, purpose, at = question
    marking = written(label)
    detail = {
        "marking": marking,
        "day": label.created.isoformat() if isinstance(label, Label) and label.created else None,
        "nested": [],
        "doubts": [] if marking else ["marking-missing"],
        "facts": facts_to_json(facts),
    }
    private = {"policy": digest, "dataset": dataset, "purpose": purpose, "at": at.isoformat(),
               "subject": subject_to_json(subject), "stops": []}  # fmt: skip
    leaf = SimpleNamespace(event=Event.RELEASE)
    row = StoredRow("", "release", "", detail)
    return StoredEntry(number, leaf, b"", private, (row,))  # type: ignore[arg-type]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_every_flip_that_brute_force_finds_is_found_and_no_other(seed: int) -> None:
    drawn = world(f"impact-{seed}")
    rng = random.Random(seed)
    old, new = drawn.policy.policy_set, changed(drawn, rng)
    questions = [drawn.question() for _ in range(25)]
    # The same questions again at other instants, in an order of their own: what is remembered must not leak over.
    moved = [(*q[:5], q[5] + rng.choice([timedelta(days=30), timedelta(hours=1), timedelta(0)])) for q in questions]
    asked = [entry(number, cast("Question", q), old.digest) for number, q in enumerate([*questions, *moved])]
    comparison = Comparison(compile_policy(old), compile_policy(new))
    comparison._then[old.digest] = old
    expected: Counter[tuple[str, str, Flip]] = Counter()
    forgetful = compile_policy(old, 0), compile_policy(new, 0)
    for each in asked:
        assert comparison.ask_log(each, cast("LogReader", None)) == 1
        afresh = Comparison(*forgetful)
        afresh._then[old.digest] = old
        afresh.ask_log(each, cast("LogReader", None))
        expected.update({(g.partner, g.dataset, g.flip): found.count for g, found in afresh.impact.groups.items()})
    counted = {(g.partner, g.dataset, g.flip): found.count for g, found in comparison.impact.groups.items()}
    assert counted == dict(expected)
    assert comparison.impact.asked == {"log": len(asked)}


def verdict(permitted: bool, obligations: Obligations | None = None, *, unsure: bool = False) -> Verdict:
    return Verdict(permitted, obligations or Obligations(), unsure=unsure)


@pytest.mark.parametrize(
    ("was", "now", "turned"),
    [
        pytest.param(verdict(False), verdict(True), Flip.GAINED, id="gained"),
        pytest.param(verdict(True), verdict(False), Flip.LOST, id="lost"),
        pytest.param(verdict(True), verdict(True), None, id="same"),
        pytest.param(verdict(False), verdict(False), None, id="still withheld"),
        pytest.param(verdict(False), verdict(False, unsure=True), Flip.UNSURE, id="nobody can tell"),
        pytest.param(verdict(True), verdict(True, Obligations(drop=frozenset("a"))), Flip.TIGHTENED, id="dropped"),
        pytest.param(verdict(True, Obligations(drop=frozenset("a"))), verdict(True), Flip.LOOSENED, id="kept"),
        pytest.param(verdict(True, Obligations(drop=frozenset("a"))), verdict(True, Obligations(drop=frozenset("b"))),
                     Flip.LOOSENED, id="one for another"),
        pytest.param(verdict(True, Obligations(delay=timedelta(1))), verdict(True), None, id="waited for nothing"),
    ],
)  # fmt: skip
def test_an_answer_turns_one_way(was: Verdict, now: Verdict, turned: Flip | None) -> None:
    assert flip(was, now) is turned


def grid_flips(path: str, old: str, new: str) -> Counter[tuple[str, str, Flip]]:
    files = read_files()
    sets = [load(files), load({**files, path: edited(path, old, new)})]
    comparison = Comparison(*(compile_policy(with_assumed_keys(each)) for each in sets))
    for cell in grid(sets[0], sets[1], AT).cells:
        comparison.ask_cell(cell)
    return Counter({(g.partner, g.dataset, g.flip): f.count for g, f in comparison.impact.groups.items()})


@pytest.mark.parametrize(
    ("file", "old", "new", "turned"),
    [
        ("KOR", '8 = "CONFIDENTIAL"', '8 = "SECRET"', ("KOR", "elset", Flip.GAINED)),
        ("KOR", "angle = 0.1 ", "angle = 0.01 ", ("KOR", "maneuver", Flip.LOOSENED)),
        ("KOR", 'delay = "2h"', 'delay = "1h"', ("KOR", "launchevent", Flip.GAINED)),
        ("KOR", "until = 2029-01-01", "until = 2030-01-01", ("KOR", "notification", Flip.GAINED)),
        ("KOR", "until = 2029-01-01", "until = 2028-01-01", ("KOR", "notification", Flip.LOST)),
        ("FRA", '["SIMULATED", "TEST"]', '["SIMULATED"]', ("FRA", "maneuver", Flip.GAINED)),
        ("ORBITWATCH", 'regime = "LEO"', 'regime = ["LEO", "GEO"]', ("ORBITWATCH", "elset", Flip.GAINED)),
        ("ORBITWATCH", 'types = ["ELSET"]', 'types = ["SV"]', ("ORBITWATCH", "elset", Flip.LOST)),
        ("NZL", 'beyond = ["NZL"]', 'beyond = ["NZL", "USA"]', ("NZL", "elset", Flip.LOST)),
    ],
)  # fmt: skip
def test_the_grid_finds_an_edit_in_the_partner_it_concerns(
    file: str, old: str, new: str, turned: tuple[str, str, Flip]
) -> None:
    found = grid_flips(f"policies/partners/{file}.toml", old, new)
    assert found[turned], found
    assert {partner for partner, _, _ in found} == {file}


def test_a_set_against_itself_turns_nothing_and_asks_nothing() -> None:
    same = load(read_files())
    assert grid(same, same, AT).cells == []
