"""A superuser's seeded changes, which know no table by name: each is found, and clean copies raise no alarm."""

from __future__ import annotations

from pathlib import Path

from tests.audit import long_log
from tests.audit.campaign import at_once, check, named, one_by_one, short_log


def test_whatever_a_superuser_changes_anywhere_is_found_and_clean_copies_are_sound(tmp_path: Path):
    """``make audit-campaign`` for ten thousand."""
    wrong = [
        (seed, said)
        for seed, said, report in one_by_one(short_log(tmp_path), range(60, 120))
        if (report is None or not report.sound) != bool(said)
    ]
    assert wrong == []


def test_every_one_of_many_mutated_entries_is_named_and_no_other(tmp_path: Path):
    file = tmp_path / "long.db"
    long_log.write(f"sqlite:///{file}", 600)
    assert check(file).sound
    changed = at_once(file, 60, 600)
    assert named(check(file)) == changed
