"""Processes that are killed while appending, and several that append at once: nothing acknowledged is lost."""

from __future__ import annotations

import pytest

from tests.audit.appender import REFUSED
from tests.audit.kills import NAMES, Appender, acknowledged, lost, opened, rounds


def test_no_acknowledged_entry_is_lost_when_appending_processes_are_killed(place):
    """Two hundred times, from ``make audit-campaign``; each kind of round once here."""
    for each in rounds(place.url, len(NAMES)):
        assert each.faults == (), f"round {each.number}"
    assert each.acknowledged > 0


def test_several_processes_append_to_one_store_and_every_entry_has_one_place(place):
    opened(place.url).close()
    appenders = [Appender(place.url, name, 100) for name in NAMES]
    said = [acknowledged(each.rest()) for each in appenders]
    assert [each.process.exitcode for each in appenders] == [0, 0, 0]
    assert all(len(one) >= 100 for one in said)
    places = [index for one in said for index in one]
    assert len(places) == len(set(places))
    log = opened(place.url)
    assert log.size() == len(places)
    for one in said:
        assert lost(log, one) == []
    assert log.verify().sound
    log.close()


@pytest.mark.postgresql_alone("SQLite has no server")
def test_a_server_that_crashes_while_processes_append_keeps_every_acknowledged_entry(place):
    if place.server is None:
        pytest.skip("the server that RELGATE_TEST_POSTGRES names is not ours to crash")
    opened(place.url).close()
    said: dict[int, str] = {}
    for count in (15, 30):
        appenders = [Appender(place.url, name) for name in NAMES]
        lines = [each.said.readline() for each in appenders for _ in range(count)]
        place.server.crash()
        said |= acknowledged(lines + [line for each in appenders for line in each.rest()])
        assert [each.process.exitcode for each in appenders] == [REFUSED] * len(NAMES)
        place.server.start()
    log = opened(place.url)
    assert lost(log, said) == []
    assert log.verify().sound
    log.close()
