"""A superuser's seeded changes, which know no table by name: each is found, and clean copies raise no alarm."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway.audit.errors import LogUnavailable
from gateway.audit.verification import Report
from tests.audit import everything, long_log
from tests.audit.campaign import at_once, check, named, one_by_one, run_short
from tests.audit.mutations import Bench, dump, each_column, is_right


def test_a_change_of_every_column_of_every_table_is_found(tmp_path: Path):
    """A new column needs nothing here but a row in the log with everything: without one this fails."""
    missed = []
    for cell, said, report in each_column(everything.at_rest(tmp_path / "short.db")):
        assert said is not None, f"nothing of {cell} could be changed: has its table a row in the log with everything?"
        if not is_right(said, report):
            missed.append(str(said))
    assert missed == []


def test_whatever_a_superuser_changes_anywhere_is_found_and_clean_copies_are_sound(tmp_path: Path):
    """``make audit-campaign`` for ten thousand."""
    seeds = one_by_one(everything.at_rest(tmp_path / "short.db"), range(60, 120))
    assert [(seed, said and str(said)) for seed, said, report in seeds if not is_right(said, report)] == []


def test_a_mutation_that_is_not_found_is_named_by_table_and_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def blind(bench: Bench) -> Report:
        return Report(1, 1, "", ())

    monkeypatch.setattr(Bench, "check", blind)
    with pytest.raises(
        AssertionError, match=r"3 of 3 came out (.|\n)*seed 0: NOT FOUND: \w+ activation_approvals\.position"
    ):
        run_short(tmp_path, range(3))


def test_every_one_of_many_mutated_entries_is_named_and_no_other(tmp_path: Path):
    file = tmp_path / "long.db"
    long_log.write(f"sqlite:///{file}", 600)
    assert check(file).sound
    changed = at_once(file, 60, 600)
    assert named(check(file)) == changed


def test_bits_flipped_in_the_file_alter_no_row_or_are_found_or_make_it_unreadable(tmp_path: Path):
    sound = everything.at_rest(tmp_path / "short.db")
    rows, data, file = rows_of(sound), sound.read_bytes(), tmp_path / "flipped.db"
    for seed in range(int(os.environ.get("AUDIT_FLIPS", "25"))):
        chance, flipped = random.Random(seed), bytearray(data)
        for _ in range(chance.choice([1, 3, 20])):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        file.write_bytes(flipped)
        file.chmod(0o600)
        with suppress(LogUnavailable):
            assert not check(file).sound or rows_of(file) == rows, seed
        for companion in ("-wal", "-shm"):
            file.with_name(file.name + companion).unlink(missing_ok=True)


def rows_of(file: Path) -> dict[str, list[str]]:
    """Every row of every table."""
    with closing(sqlite3.connect(file)) as store:
        names = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: dump(store, name) for (name,) in names}
