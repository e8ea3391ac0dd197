"""Several processes that read one log see one moment of it, answer in order, and never end in silence."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlalchemy import Connection

from gateway.audit import store, team
from gateway.audit.database import Database
from gateway.audit.entry import Draft
from gateway.audit.errors import LogUnavailable

from .conftest import Place

Drafts = Callable[..., Draft]


def size_of(connection: Connection) -> int:
    head = store.read_head(connection)
    return -1 if head is None else head.size


def slower_the_earlier(_: Connection, number: int) -> int:
    time.sleep(0.02 if number % 7 == 0 else 0)
    return number


def slow_at_first(_: Connection, number: int) -> int:
    time.sleep(0 if number else 0.5)
    return number


def process_of(_: Connection) -> int:
    return os.getpid()


def killed_at(_: Connection, number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def without_its_table(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM nowhere").scalar_one())


@pytest.fixture
def database(place: Place, draft: Drafts) -> Iterator[Database]:
    place.open().append_now([draft("first")])
    with closing(Database(place.url)) as opened:
        yield opened


def test_answers_come_in_the_order_of_the_questions_from_processes_beside_this_one(database: Database):
    with team.reading(database, 3) as (_, readers):
        assert list(readers.each((slower_the_earlier, (number,)) for number in range(300))) == list(range(300))
        others = set(readers.each((process_of, ()) for _ in range(20)))
    assert os.getpid() not in others
    assert multiprocessing.active_children() == []


def test_all_is_answered_also_where_one_answer_kept_more_back_than_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(team, "KEPT", 2)
    with team.reading(database, 2) as (_, readers):
        assert list(readers.each((slow_at_first, (number,)) for number in range(100))) == list(range(100))


def test_every_process_sees_the_same_moment_while_others_write(place: Place, database: Database, draft: Drafts):
    log, ended = place.open(), threading.Event()

    def write() -> None:
        while not ended.is_set():
            log.append_now([draft(f"r{log.size()}")])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2):
            with team.reading(database, 2) as (connection, readers):
                first = size_of(connection)
                while log.size() < first + 3:
                    time.sleep(0.001)
                assert set(readers.each((size_of, ()) for _ in range(8))) == {first}
    finally:
        ended.set()
        writer.join()


@pytest.mark.sqlite_alone
def test_where_somebody_always_commits_meanwhile_one_process_reads_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    commits = iter(range(10_000))
    monkeypatch.setattr(Database, "commits_of_others", lambda _: next(commits))
    with team.reading(database, 2) as (_, readers):
        assert list(readers.each([(process_of, ())])) == [os.getpid()]


def test_where_no_process_can_be_started_this_one_reads_alone(database: Database, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(multiprocessing.context.ForkServerProcess, "start", refuse)
    with team.reading(database, 2) as (_, readers):
        assert list(readers.each([(process_of, ())])) == [os.getpid()]


def test_a_killed_process_is_an_error_in_words_and_never_an_answer(database: Database):
    answers: list[int] = []
    with (
        pytest.raises(LogUnavailable, match=r"ended before it was done \(exit code -9\)"),
        team.reading(database, 2) as (_, readers),
    ):
        for answer in readers.each((killed_at, (number,)) for number in range(50)):
            answers.append(answer)
    assert answers == list(range(len(answers)))
    assert len(answers) <= 5
    assert multiprocessing.active_children() == []


def test_what_a_process_cannot_read_is_said_as_this_one_would_say_it(database: Database):
    for processes in (1, 2):
        with pytest.raises(LogUnavailable, match="nowhere"), team.reading(database, processes) as (_, readers):
            list(readers.each([(without_its_table, ())]))


def test_nothing_is_left_running_when_whoever_asks_is_interrupted(database: Database):
    with pytest.raises(KeyboardInterrupt), team.reading(database, 2) as (_, readers):
        for _ in readers.each((slower_the_earlier, (number,)) for number in range(300)):
            raise KeyboardInterrupt
    assert multiprocessing.active_children() == []


def test_no_more_is_asked_ahead_than_keeps_the_processes_busy(database: Database):
    asked = 0

    def questions():
        nonlocal asked
        for number in range(1000):
            asked += 1
            yield slower_the_earlier, (number,)

    with team.reading(database, 2) as (_, readers):
        for given, _ in enumerate(readers.each(questions()), start=1):
            assert asked - given <= 2 * (team.KEPT + team.AHEAD)
            if given == 100:
                break


def test_a_small_log_is_not_worth_a_second_process_unless_it_is_asked_for():
    cores = len(os.sched_getaffinity(0))
    assert team.useful_processes(0, 1000, 50_000) == 1
    assert team.useful_processes(0, 10**9, 50_000) == cores
    assert team.useful_processes(3, 10, 50_000) == 3
