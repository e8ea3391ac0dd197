"""A superuser's seeded changes, which know no table by name: each is found, and clean copies raise no alarm."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from gateway.audit.errors import LogUnavailable
from tests.audit import long_log
from tests.audit.campaign import at_once, check, named, one_by_one, short_log
from tests.audit.mutations import dump


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


def test_bits_flipped_in_the_file_alter_no_row_or_are_found_or_make_it_unreadable(tmp_path: Path):
    sound = short_log(tmp_path)
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
