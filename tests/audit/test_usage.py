"""What an entry takes is counted exactly when the entry is written, over all writers of a store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.audit.entry import Draft, Event, Taking
from gateway.audit.errors import DraftRefused, VolumeRefused
from gateway.audit.log import AuditLog
from gateway.audit.orders import Part, Remove
from tests.audit.tampering import change

DAY = datetime(2026, 6, 18, tzinfo=UTC)


def taking(amount: int, most: int | None = 10, partner: str = "JPN", since: datetime = DAY, **more: object) -> Draft:
    takes = (Taking("daily", since, amount, most), *more.pop("also", ()))  # type: ignore[misc]
    return Draft(Event.RELEASE, since + timedelta(hours=1), "released", partner=partner, takes=takes)


def used(log: AuditLog, partner: str = "JPN", since: datetime = DAY) -> int:
    return log.usage(partner, {"daily": since})["daily"]


def test_what_was_never_taken_counts_as_nothing_and_each_partner_and_span_by_itself(log: AuditLog) -> None:
    log.append_now([taking(3)])
    log.append_now([taking(4, partner="GBR")])
    log.append_now([taking(1, since=DAY + timedelta(days=1))])
    assert (used(log), used(log, "GBR"), used(log, "AUS")) == (3, 4, 0)
    assert used(log, since=DAY + timedelta(days=1)) == 1
    log.append_now([taking(2, since=DAY + timedelta(days=9))])
    assert (used(log), used(log, since=DAY + timedelta(days=1))) == (3, 1)  # no span is ever forgotten


def test_an_answer_that_was_begun_before_a_span_ended_is_still_counted_in_it_after_the_next_one_began(log) -> None:
    log.append_now([taking(8)])
    log.append_now([taking(1, since=DAY + timedelta(days=1))])
    with pytest.raises(VolumeRefused):
        log.append_now([taking(3)])
    log.append_now([taking(2)])
    assert (used(log), used(log, since=DAY + timedelta(days=1))) == (10, 1)


def test_an_entry_that_would_take_more_than_is_left_is_not_written_and_takes_nothing(log: AuditLog) -> None:
    log.append_now([taking(8)])
    size = log.size()
    with pytest.raises(VolumeRefused) as refused:
        log.append_now([taking(3, also=[Taking("other", DAY, 5, None)])])
    assert refused.value.counter == "daily"
    assert (log.size(), used(log), log.usage("JPN", {"other": DAY})) == (size, 8, {"other": 0})
    log.append_now([taking(2)])
    assert used(log) == 10


def test_entries_of_one_job_take_together_or_not_at_all(log: AuditLog) -> None:
    with pytest.raises(VolumeRefused):
        log.append_now([taking(6), taking(6)])
    assert used(log) == 0
    log.append_now([taking(6), taking(4)])
    assert used(log) == 10


async def test_of_many_who_ask_at_once_only_as_many_get_something_as_there_is(log: AuditLog) -> None:
    outcomes = await asyncio.gather(*(log.append(taking(3)) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, VolumeRefused) for each in outcomes) == 5
    assert used(log) == 9


def test_a_counter_without_a_bound_goes_on_counting(log: AuditLog) -> None:
    for _ in range(3):
        log.append_now([taking(7, most=None)])
    assert used(log) == 21
    assert log.verify().findings == ()


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("UPDATE usage SET used = 1 WHERE partner = 'JPN'", "is 1, but its entries took 7"),
        ("UPDATE usage SET counter = 'other' WHERE partner = 'JPN'", "is not counted, but its entries took 7"),
        ("DELETE FROM usage", "is not counted, but its entries took 7"),
        (
            "INSERT INTO usage VALUES ('FRA', 'daily', 'x', 5)",
            "use of daily by FRA since x: is 5, but no entry took any",
        ),
    ],
)
def test_whoever_changes_what_was_used_is_found_row_by_row(log: AuditLog, place, statement: str, wanted: str) -> None:
    log.append_now([taking(3), taking(4)])
    log.append_now([taking(2, partner="GBR")])
    assert log.verify().findings == ()
    change(place.url, statement)
    assert wanted in "\n".join(f"{each.where}: {each.what}" for each in log.verify().findings)


def test_what_was_used_can_be_counted_again_when_the_private_parts_that_say_it_were_removed(log: AuditLog, place):
    log.append_now([taking(3), taking(4)])
    log.append_now([taking(2, partner="GBR")])
    log.remove(Remove(Part.LEAF, 0, 1, "A. Archivist", "retention", DAY))
    log.append_now([taking(1)])
    log.remove(Remove(Part.PRIVATE, 0, 4, "A. Archivist", "retention", DAY))
    assert (log.verify().findings, used(log), used(log, "GBR")) == ((), 8, 2)
    change(place.url, "UPDATE usage SET used = 7 WHERE partner = 'JPN'")
    assert [each.what for each in log.verify().findings] == ["is 7, but its entries took 8"]


def test_a_removal_that_does_not_say_what_it_takes_of_volumes_is_refused(log: AuditLog) -> None:
    log.append_now([taking(3)])
    silent = Remove(Part.PRIVATE, 0, 0, "A. Archivist", "retention", DAY, count=1)
    with pytest.raises(DraftRefused, match="no longer as they were"):
        log.append_now([Draft(Event.BODIES_REMOVED, DAY, "done")], [silent])
    assert log.entry(0) is not None
