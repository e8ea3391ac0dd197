"""A log is cut into runs that are examined in any order: the report is what it is from the first entry to the last."""

from __future__ import annotations

import os
import pickle
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.audit import examining
from gateway.audit.database import Database
from gateway.audit.errors import LogUnavailable
from gateway.audit.orders import Part, Remove
from gateway.audit.verification import Asked, Report, check, verify
from tests.audit import everything, long_log
from tests.audit.mutations import CELLS, Bench, mutate
from tests.audit.tampering import AT, make_draft

from .conftest import Place

RUN = examining.RUN


class Shuffled:
    """Readers as several processes are: what is asked is carried out in any order, and answers come as copies."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self._connection = connection
        self._chance = random.Random(seed)

    def each(self, asked: Iterable[tuple[Any, tuple[Any, ...]]]) -> Iterator[Any]:
        questions: Sequence[Any] = list(asked)
        answers = {}
        for number in self._chance.sample(range(len(questions)), len(questions)):
            work, arguments = copied(questions[number])
            answers[number] = copied(work(self._connection, *arguments))
        for number in range(len(questions)):
            yield answers[number]


def copied(said: Any) -> Any:
    """As it comes out of a pipe between processes."""
    return pickle.loads(pickle.dumps(said))  # noqa: S301 - what was written the line before


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that a log can hold, and then more than two runs of entries, with releases that cross from one to the
    next and leaves that are gone on both sides.
    """
    file = tmp_path_factory.mktemp("log") / "long.db"
    everything.write(f"sqlite:///{file}")
    log = everything.opened(f"sqlite:///{file}", "one")
    while log.size() < 2 * RUN + 200:
        at, name = log.size(), f"n{log.size()}"
        if at % RUN in range(RUN - 9, RUN - 3):
            several = [make_draft(name, chunk=number, last=number == 7) for number in range(8)]
            log.append_now(several[:3])
            log.append_now([make_draft(f"{name}-alone", private=everything.JUDGED), *several[3:]])
        else:
            log.append_now(
                [make_draft(f"{name}-{number}", private=everything.JUDGED) for number in range(64)][
                    : RUN - 9 - at % RUN or 64
                ]
            )
    for first in (RUN - 60, 2 * RUN - 30):
        log.remove(Remove(Part.LEAF, first, first + 40, "A. Archivist", "retention", AT))
    everything.cosigned(log)
    log.append_now([make_draft("very-last")])
    log.close()
    with closing(sqlite3.connect(file)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def shuffled(file: Path, seed: int) -> Report | None:
    database = Database(f"sqlite:///{file}")
    try:
        with database.reading() as connection:
            asked = Asked(long_log.ORIGIN, long_log.LOG.verifier, None, True, (), None)
            return check(connection, Shuffled(connection, seed), asked)
    except LogUnavailable:
        return None
    finally:
        database.close()


def test_the_order_in_which_runs_are_examined_changes_nothing_that_is_found(long: Path):
    bench = Bench(long)
    sound = bench.check()
    assert sound is not None
    assert (sound.findings, sound) == ((), shuffled(bench.file, 0))
    for seed in range(int(os.environ.get("AUDIT_ORDERS", "10"))):
        chance = random.Random(seed)
        bench.restore()
        changed = [mutate(bench.file, chance, chance.choice(CELLS)) for _ in range(chance.choice([1, 1, 5]))]
        report = bench.check()
        assert report is None or report.findings or not any(changed), changed
        assert report == shuffled(bench.file, seed), changed
    bench.close()


EDITS = (
    "UPDATE entries SET partner = 'GBR' WHERE position % 700 = 5",
    "UPDATE entries SET hash = zeroblob(32) WHERE position = 1500",
    "UPDATE entries SET chunk = 30 WHERE position = 1022",
    "UPDATE nodes SET hash = zeroblob(32) WHERE level IN (3, 10, 11) AND place = 0",
    "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints WHERE size < 2000)",
    "DELETE FROM postings WHERE position % 500 = 7",
    "INSERT INTO postings VALUES (1, 2, 1700), (1, 2, 170000), (1, 2, -3)",
    "UPDATE totals SET released = released + 1",
    "DELETE FROM private_parts WHERE position = 2100",
    "UPDATE usage SET used = 1",
    "DELETE FROM entries WHERE position = 2200",
)


def test_several_processes_find_what_one_finds_in_the_same_words_and_order(long: Path):
    bench = Bench(long)
    with closing(sqlite3.connect(bench.file, isolation_level=None)) as store:
        for edit in EDITS:
            store.execute(edit)
    alone = bench.check()
    together = verify(Database(f"sqlite:///{bench.file}"), long_log.ORIGIN, long_log.LOG.verifier, processes=3)
    bench.close()
    assert alone is not None
    assert len(alone.findings) >= 2 * len(EDITS)
    assert together == alone


def test_a_run_begins_where_a_complete_subtree_of_its_length_does():
    assert examining.runs(0, 0) == []
    assert examining.runs(0, 5) == [(0, 5)]
    assert examining.runs(RUN - 1, 2 * RUN + 1) == [(RUN - 1, RUN), (RUN, 2 * RUN), (2 * RUN, 2 * RUN + 1)]
    assert examining.runs(RUN, 2 * RUN) == [(RUN, 2 * RUN)]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_removed_or_added_while_a_log_is_checked_is_of_another_moment(place: Place, processes: int):
    log = place.open()
    log.append_now([make_draft(f"r{number}") for number in range(40)])
    done: list[int] = []

    def meanwhile(_: int, __: int) -> None:
        if not done:
            done.append(log.remove(Remove(Part.LEAF, 3, 9, "A. Archivist", "retention", AT)).index)
            log.append_now([make_draft("later")])

    verifier = long_log.SigningKey(log.origin, place.key).verifier
    with closing(Database(place.url)) as database:
        report = verify(database, log.origin, verifier, progress=meanwhile, processes=processes)
    assert (report.findings, report.size, done) == ((), 40, [40])
    assert log.verify().size == 42
